import SDP

/// What our side brings in the tests.
enum Fixtures {
  static let codecs: [AudioCodec] = [.opus, .pcmu, .pcma]

  static let transport = WebTransport(
    ice: ICECredentials(ufrag: "sbUF", password: "0123456789abcdefghijkl"),
    fingerprint: Fingerprint(hash: "sha-256", digest: Array(0..<32)),
    candidates: [.init(address: "198.51.100.1", port: 20_000), .init(address: "2001:db8::5", port: 20_000)])

  /// A key of its own for each suite, in our order of preference.
  static let keys = SRTPSuite.allCases.enumerated().map { place, suite in
    SDESKey(suite: suite, key: Array(repeating: UInt8(place + 1), count: suite.keyBytes + suite.saltBytes))
  }

  static let plain = LocalMedia(address: "198.51.100.1", port: 20_000)
  static let web = local(.web(transport))
  static let sdes = local(.sdes(keys), codecs: AudioCodec.g711)

  static func local(_ security: LocalSecurity, codecs: [AudioCodec] = codecs) -> LocalMedia {
    LocalMedia(address: "198.51.100.1", port: 20_000, codecs: codecs, security: security)
  }

  static func parse(_ lines: [String]) throws -> SessionDescription {
    try SessionDescription(parsing: (lines.joined(separator: "\r\n") + "\r\n").utf8)
  }

  static let session = ["v=0", "o=- 7 1 IN IP4 192.0.2.1", "s=-", "t=0 0"]

  /// A browser's offer of one audio line, and what it says besides.
  static func offer(
    formats: String = "111 0 8 110 126", setup: String? = "actpass", ufrag: String = "aBcD",
    fingerprint: UInt8 = 0xab, sessionAttributes: [String] = ["a=group:BUNDLE 0"], media: [String] = [],
    without: String? = nil
  ) -> [String] {
    let digest = Array(repeating: fingerprint < 16 ? "0\(fingerprint)" : String(fingerprint, radix: 16), count: 32)
    let lines =
      session + sessionAttributes + [
        "m=audio 9 UDP/TLS/RTP/SAVPF \(formats)", "c=IN IP4 0.0.0.0", "a=rtpmap:111 opus/48000/2",
        "a=rtpmap:110 telephone-event/48000", "a=rtpmap:126 telephone-event/8000", "a=mid:0", "a=rtcp-mux",
        "a=ice-ufrag:\(ufrag)", "a=ice-pwd:abcdefghijklmnopqrstuv",
        "a=fingerprint:sha-256 " + digest.joined(separator: ":"),
      ] + (setup.map { ["a=setup:\($0)"] } ?? []) + media
    return lines.filter { line in without.map { !line.hasPrefix("a=" + $0) } ?? true }
  }
}
