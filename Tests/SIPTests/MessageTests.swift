import SIP
import Testing

@Suite("Messages")
struct MessageTests {
  @Test("A response repeats what RFC 3261 section 8.2.6 asks for, and knows where the request came from")
  func responseFromRequest() throws {
    let request = try Message(
      parsing: Array(
        ("INVITE sip:support@example.com SIP/2.0\r\nVia: SIP/2.0/UDP phone.example.com;branch=z9hG4bK1;rport\r\n"
          + "Via: SIP/2.0/TCP [2001:db8::1]\r\nFrom: \"A \\\" B\" <sip:a@example.net>;tag=1\r\n"
          + "To: <sip:support@example.com>\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\nRecord-Route: <sip:p;lr>\r\n\r\n").utf8))
    var writer = MessageWriter()
    writer.response(
      to: request, status: 200, tag: "t", source: Endpoint(ipv4: 0xc000_0201, port: 4711))
    let response = try Message(parsing: writer.finish())
    #expect(response.kind == .response(status: 200))
    #expect(response.method == .invite)
    #expect(response.vias.count == 2)
    #expect(response.topVia.received == "192.0.2.1")
    #expect(response.topVia.rport == 4711)
    #expect(response.from == request.from)
    #expect(response.from.displayName == "A \" B")
    #expect(response.to.tag == "t")
    #expect(response.recordRoutes.map(\.uri.description) == ["sip:p;lr"])
  }
}
