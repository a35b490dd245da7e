@testable import SIP
import Testing

@Suite("Character classes")
struct ByteSetTests {
  @Test("Each class holds the characters of RFC 3261 section 25.1, and no others")
  func classes() {
    let alphanum = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    let unreserved = alphanum + "-_.!~*'()"
    let classes: [(ByteSet, String)] = [
      (.alphanum, alphanum), (.token, alphanum + "-.!%*_+`'~"), (.parameterValue, alphanum + "-.!%*_+`'~[]:"),
      (.scheme, alphanum + "+-."), (.user, unreserved + "%&=+$,;?/"), (.password, unreserved + "%&=+$,"),
      (.hostname, alphanum + "-._"), (.ipv6, "0123456789ABCDEFabcdef:."), (.uriParameter, unreserved + "%[]/:&+$"),
      (.uriHeaders, unreserved + "%[]/?:+$=&"), (.uric, unreserved + "%;/?:@&=+$,[]#"), (.space, " \t\r\n"),
      (.visible, String(decoding: Array(0x21...0x7e), as: UTF8.self)),
    ]
    for (set, characters) in classes {
      for byte in UInt8.min...UInt8.max { #expect(set.contains(byte) == characters.utf8.contains(byte)) }
    }
  }

  @Test("Every name of a header is found in any case, and by its compact form")
  func names() {
    for header in HeaderName.allCases where header != .other {
      #expect(HeaderName(header.long.description) == header)
      #expect(HeaderName(header.long.description.uppercased()) == header)
      #expect(HeaderName(header.long.description + "x") == .other)
    }
    for (letter, header) in zip(
      "vftimlceksourbxajdy",
      [
        .via, .from, .to, .callID, .contact, .contentLength, .contentType, .contentEncoding, .supported, .subject,
        .event,
        .allowEvents, .referTo, .referredBy, .sessionExpires, .acceptContact, .rejectContact, .requestDisposition,
        .identity,
      ] as [HeaderName])
    {
      #expect(HeaderName(String(letter)) == header)
      #expect(HeaderName(letter.uppercased()) == header)
    }
    for name in ["", "z", "1", "to-", "vib", "From ", "Fromm", "Call_ID"] { #expect(HeaderName(name) == .other) }
  }
}
