import SIP
import Testing

private func message(_ text: String) throws -> Message { try Message(parsing: Array(text.utf8)) }

private let options =
  "OPTIONS sip:a@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\r\n"
  + "From: <sip:b@example.com>;tag=1\r\nTo: <sip:a@example.com>\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n"

@Suite("Writing messages")
struct MessageWriterTests {
  @Test("Nothing a value says can begin another line", arguments: ["\r\n", "\n", "\r", "\0", "\r\n\r\n"])
  func injection(_ breaker: String) throws {
    let evil = "x\(breaker)X-Evil: 1"
    var writer = MessageWriter()
    writer.request(Method("OPTIONS\(breaker)"), URI(user: evil, host: "example.com\(breaker)"))
    writer.via(
      Via(
        transport: "UDP\(breaker)", host: "192.0.2.1\(breaker)", parameters: [.init(name: "branch", value: "z9hG4bK1")])
    )
    let parameter = URI.Parameter(name: "x", value: evil)
    writer.header(
      "From",
      Address(displayName: evil, uri: URI(user: "a", host: "b", parameters: [parameter]), parameters: [parameter]))
    writer.header("To", Address(uri: URI(host: "example.com")))
    writer.header("Call-ID", "1")
    writer.cseq(1, .options)
    writer.header("Subject", evil)
    writer.header("X\(breaker)Y", "1")
    let bytes = writer.finish(contentType: "text/plain\(breaker)", body: Array("hi".utf8))
    let written = try Message(parsing: bytes)
    #expect(written.header("X-Evil") == nil)
    #expect(written.header("Y") == nil)
    #expect(written.body.elementsEqual("hi".utf8))
    #expect(written.contentType == "text/plain")
    #expect(written.from.uri.parameter("x")?.contains("X-Evil") == true)
    #expect(String(decoding: bytes, as: UTF8.self).split(separator: "\r\n").filter { $0.hasPrefix("X-Evil") }.isEmpty)
  }

  @Test("A writer is used again")
  func reuse() throws {
    var writer = MessageWriter()
    writer.response(to: try message(options + "\r\n"), status: 404, tag: "t")
    _ = writer.finish()
    writer.response(to: try message(options + "\r\n"), status: 486, tag: "t")
    let response = try Message(parsing: writer.finish())
    #expect(response.reason == "Busy Here")
    #expect(writer.bytes.isEmpty)
  }

  @Test("A tag is added only where none is, and not to a 100")
  func tags() throws {
    let first = try message(options + "\r\n")
    let later = try message(
      options.replacing("To: <sip:a@example.com>", with: "To: <sip:a@example.com>;tag=mine") + "\r\n")
    for (request, status, tag) in [(first, 100, nil), (first, 180, "t"), (later, 200, "mine")] {
      var writer = MessageWriter()
      writer.response(to: request, status: status, tag: "t")
      #expect(try Message(parsing: writer.finish()).to.tag == tag)
    }
  }

  @Test(
    "The topmost Via learns the source when it differs or is asked for",
    arguments: [
      ("192.0.2.1:5060", nil, nil), ("192.0.2.1:5060;rport", "192.0.2.1", 4711),
      ("phone.example.com", "192.0.2.1", nil),
      ("10.0.0.1;received=6.6.6.6", "192.0.2.1", nil), ("192.0.2.1;received=6.6.6.6", nil, nil),
      ("10.0.0.1;rport=1", "192.0.2.1", 4711),
    ] as [(String, String?, Int?)])
  func source(sender: String, received: String?, rport: Int?) throws {
    let request = try message(options.replacing("192.0.2.1:5060", with: sender) + "\r\n")
    var writer = MessageWriter()
    writer.response(to: request, status: 200, tag: "t", source: Endpoint(ipv4: 0xc000_0201, port: 4711))
    let via = try Message(parsing: writer.finish()).topVia
    #expect(via.received == received)
    #expect(via.rport.map(Int.init) == rport)
    #expect(via.branch == "z9hG4bK1")
  }

  @Test("A malformed request is refused as far as it can be answered")
  func refusal() throws {
    let source = Endpoint(ipv4: 0x7f00_0001, port: 5060)
    let bad = Array((options + "Max-Forwards: 300\r\n\r\n").utf8)
    let error = #expect(throws: ParseError.self) { try Message(parsing: bad) }
    let refusal = MessageWriter.refusal(of: bad, for: try #require(error), tag: "t", source: source)
    let response = try Message(parsing: try #require(refusal))
    #expect(response.status == 400)
    #expect(response.to.tag == "t")
    #expect(response.topVia.received == "127.0.0.1")
    #expect(response.callID == "x")

    let fault = ParseError(offset: 0, reason: "")
    let unanswerable = [
      options.replacing("Call-ID: x\r\n", with: ""), options + "f: <sip:b@example.com>\r\n",
      options + "Subject: a\rb\r\n",
      options.replacing("OPTIONS sip:a@example.com SIP/2.0", with: "SIP/2.0 999 x"),
      options.replacing("OPTIONS", with: "ACK"),
    ]
    for text in unanswerable {
      #expect(MessageWriter.refusal(of: Array((text + "\r\n").utf8), for: fault, tag: "t", source: source) == nil)
    }
  }
}

@Suite("Values of headers")
struct MessageValueTests {
  @Test("Lists are taken apart at commas outside quotes and brackets, other headers are not")
  func lists() throws {
    let message = try message(
      options + "Allow: INVITE, ACK ,BYE\r\nALLOW: INFO\r\nk: timer,\r\n 100rel\r\nSubject: a, b\r\n"
        + "Warning: 399 x \"a, b\", 399 y \"c\"\r\nAuthorization: Digest a=\"1\", b=2\r\nExpires: 90\r\n\r\n")
    #expect(message.allow == [.invite, .ack, .bye, .info])
    #expect(message.supported == ["timer", "100rel"])
    #expect(message.headers("supported") == message.headers("K"))
    #expect(message.headers("subject") == ["a, b"])
    #expect(message.headers("Warning").count == 2)
    #expect(message.authorizations == ["Digest a=\"1\", b=2"])
    #expect(message.header("Allow") == "INVITE")
    #expect(message.expires == 90)
    #expect(message.header("Missing") == nil)
  }

  @Test("Contacts: display names, parameters, a wildcard")
  func contacts() throws {
    let list = try message(
      options
        + "m: \"A, \\\"B\\\"\" <sip:a;x@192.0.2.1:5070;transport=tcp>;q=0.5;+sip.instance=\"<urn:x>\", sip:b@c;expires=3\r\n\r\n"
    )
    #expect(list.contacts.map(\.displayName) == ["A, \"B\"", nil])
    #expect(list.contacts[0].uri.user == "a;x")
    #expect(list.contacts[0].uri.port == 5070)
    #expect(list.contacts[0].uri.parameter("transport") == "tcp")
    #expect(list.contacts[0].parameter("+sip.instance") == "<urn:x>")
    #expect(list.contacts[1].uri.parameters.isEmpty)
    #expect(list.contacts[1].parameter("expires") == "3")
    let wildcard = try message(options + "Contact: *\r\n\r\n")
    #expect(wildcard.isWildcardContact && wildcard.contacts.isEmpty)
  }

  @Test("Via: where the response goes")
  func responseEndpoint() throws {
    let cases: [(String, String?)] = [
      ("192.0.2.7:5070;branch=x", "192.0.2.7:5070"), ("192.0.2.7", "192.0.2.7:5060"),
      ("h.example.com;received=192.0.2.9;rport=99", "192.0.2.9:99"),
      ("h:5070;received=[2001:db8::9]", "[2001:db8::9]:5070"),
      ("h.example.com", nil), ("192.0.2.7:5070;maddr=224.0.1.75", "224.0.1.75:5070"),
    ]
    for (sender, endpoint) in cases {
      let via = try message(options.replacing("192.0.2.1:5060;branch=z9hG4bK1", with: sender) + "\r\n").topVia
      #expect(via.responseEndpoint?.description == endpoint)
    }
  }

  @Test("URIs are equivalent as RFC 3261 section 19.1.4 says")
  func equivalence() throws {
    let same = [
      ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
      ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
      (
        "sip:biloxi.com;transport=tcp;method=REGISTER?to=a&x=b", "sip:biloxi.com;method=REGISTER;transport=tcp?x=b&to=a"
      ),
      ("tel:+1-212", "tel:+1-212"),
    ]
    let different = [
      ("sip:ALICE@atlanta.com", "sip:alice@atlanta.com"), ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
      ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"), ("sip:bob@biloxi.com", "sips:bob@biloxi.com"),
      ("sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;newparam=6"), ("sip:a%00@h", "sip:a%00%00@h"),
    ]
    for (a, b) in same { #expect(try URI(parsing: a).isEquivalent(to: URI(parsing: b)), "\(a) \(b)") }
    for (a, b) in different { #expect(try !URI(parsing: a).isEquivalent(to: URI(parsing: b)), "\(a) \(b)") }
  }

  @Test(
    "A URI is written as it was read",
    arguments: [
      "sip:a:b@example.com:5070;lr;x=y?Subject=z&a=", "sips:[2001:db8::1]", "tel:+1-212-555-0100;phone-context=x",
      "urn:a:b?c#d",
      "sip:%00;a/b@example.com",
    ])
  func uriText(_ text: String) throws { #expect(try URI(parsing: text).description == text) }

  @Test("Addresses: text and back")
  func endpoints() {
    let texts = [
      "0.0.0.0", "255.255.255.255", "::", "::1", "2001:db8::1", "2001:db8:0:1:1:1:1:1", "2001:0:0:1::1",
      "1:2:3:4:5:6:7:8",
    ]
    for text in texts { #expect(Endpoint(address: text, port: 1)?.address == text) }
    #expect(Endpoint(address: "[2001:DB8::0:1]", port: 5060)?.description == "[2001:db8::1]:5060")
    #expect(Endpoint(address: "::ffff:192.0.2.1", port: 1) == Endpoint(ipv4: 0xc000_0201, port: 1))
    #expect(Endpoint(address: "127.9.9.9", port: 1)?.isLoopback == true)
    let wrong = [
      "", "example.com", "1.2.3", "1.2.3.256", "1.2.3.4.5", ":::", "1::2::3", "12345::", "1:2:3:4:5:6:7:8:9", "[::1",
      ":1", "1:",
    ]
    for text in wrong { #expect(Endpoint(address: text, port: 1) == nil, "\(text)") }
  }
}
