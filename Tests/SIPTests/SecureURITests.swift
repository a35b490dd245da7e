import Primitives
import SIP
import Testing

@Suite("SIPS URIs (RFC 5630)")
struct SecureURITests {
  private static let secureBob = URI(scheme: "sips", user: "bob", host: "10.0.0.2")

  private func network(_ transport: Flow.Transport) -> VirtualNetwork {
    VirtualNetwork(transport: transport) { $0.tls = $0.tcp.map { Endpoint(high: $0.high, low: $0.low, port: 5061) } }
  }

  private func call(_ network: inout VirtualNetwork) -> DialogID {
    let flow = network.flow(to: .callee)
    return network.act(.caller) {
      $0.invite(
        Self.secureBob, over: flow, from: alice, to: Address(uri: Self.secureBob), body: sdpOffer, at: $1, into: &$2)
    }
  }

  @Test("A dialog asked for by a SIPS URI has SIPS Contacts on both sides, in its requests and its answers")
  func contacts() throws {
    var network = network(.tls)
    let caller = call(&network)
    network.run(for: .milliseconds(50))
    let invite = try #require(network.sent.first { $0.message.method == .invite }?.message)
    #expect(invite.requestURI.scheme == "sips")
    #expect(invite.header("contact") == "<sips:10.0.0.1:5061>")
    #expect(invite.header("via")?.hasPrefix("SIP/2.0/TLS 10.0.0.1:5061;") == true)
    let callee = try #require(network.reports.lazy.compactMap(\.occurrence.arrived).first)
    network.act(.callee) { $0.respond(to: callee, status: 200, body: sdpAnswer, at: $1, into: &$2) }
    #expect(network.last(.callee)?.header("contact") == "<sips:10.0.0.2:5061>")
    network.run(for: .milliseconds(50))
    network.act(.caller) { $0.acknowledge(caller, at: $1, into: &$2) }
    network.run(for: .milliseconds(50))
    #expect(network.last(.caller)?.requestURI.description == "sips:10.0.0.2:5061")
    network.act(.callee) { $0.reinvite(callee, body: sdpOffer, at: $1, into: &$2) }
    #expect(network.last(.callee)?.requestURI.description == "sips:10.0.0.1:5061")
    #expect(network.last(.callee)?.header("contact") == "<sips:10.0.0.2:5061>")
  }

  @Test("Over TLS without a SIPS URI the Contact says transport=tls")
  func contactOverTLS() throws {
    var network = network(.tls)
    network.inject(Peer(user: "carol").request("INVITE"), to: .callee)
    let callee = try #require(network.reports.lazy.compactMap(\.occurrence.arrived).first)
    network.act(.callee) { $0.respond(to: callee, status: 200, body: sdpAnswer, at: $1, into: &$2) }
    #expect(network.last(.callee)?.header("contact") == "<sip:10.0.0.2:5061;transport=tls>")
  }

  @Test("A SIPS URI is never called without TLS", arguments: [Flow.Transport.udp, .tcp])
  func outgoing(transport: Flow.Transport) {
    var network = network(transport)
    _ = call(&network)
    #expect(network.heard(.caller) == ["rejected 480"])
    #expect(network.sent.isEmpty)
    #expect(network.isEmpty)
  }

  @Test(
    "What comes without TLS and yet names a SIPS URI, as its target, its Contact or its route, is refused",
    arguments: [Flow.Transport.udp, .tcp])
  func incoming(transport: Flow.Transport) {
    let peer = Peer(user: "carol")
    let contact = "<sips:carol@10.0.0.1:5061>"
    let requests = [
      peer.request("INVITE", "sips:queue@10.0.0.2"), peer.request("INVITE", contact: contact),
      peer.request("INVITE", headers: ["Record-Route: <sips:10.0.0.9;lr>"]),
      peer.request("OPTIONS", "SIPS:queue@10.0.0.2"),
    ]
    for request in requests {
      var network = network(transport)
      network.inject(request, to: .callee)
      #expect(network.last(.callee)?.status == 480)
      #expect(network.last(.callee)?.header("warning")?.hasPrefix("380 ") == true)
      #expect(network.agents.map(\.dialogCount) == [0, 0])
      var secure = self.network(.tls)
      secure.inject(request, to: .callee)
      #expect(secure.last(.callee)?.status != 480)
    }
  }

  @Test("A dialog over TLS hears nobody who comes without TLS, whatever tags they know")
  func staysSecure() throws {
    var call = Call(network(.tls))
    try call.answer()
    let answer = try #require(call.network.sent.first { $0.message.name == "200 INVITE" }?.message)
    let invite = try #require(call.network.sent.first { $0.message.name == "INVITE" }?.message)
    let bye = """
      BYE sip:10.0.0.2:5061 SIP/2.0\r
      Via: SIP/2.0/TCP 10.0.0.1:5060;branch=z9hG4bK-other\r
      From: \(invite.header("from") ?? "")\r
      To: \(answer.header("to") ?? "")\r
      Call-ID: \(invite.callID)\r
      CSeq: 20000000 BYE\r
      Content-Length: 0\r
      \r

      """
    call.network.transport = .tcp
    call.network.inject(bye, to: .callee)
    #expect(call.network.last(.callee)?.status == 403)
    #expect(call.network.heard(.callee).contains("ended") == false)
    call.network.transport = .tls
    call.network.inject(bye.replacing("z9hG4bK-other", with: "z9hG4bK-own"), to: .callee)
    #expect(call.network.last(.callee)?.status == 200)
    #expect(call.network.heard(.callee).contains("ended"))
  }

  @Test("A SIPS Contact is bound to a flow of TLS only")
  func registrar() throws {
    let message = try Message(
      parsing: Array(
        Peer(user: "alice").request("REGISTER", "sip:10.0.0.2", contact: "<sips:alice@10.0.0.1:5061>").utf8))
    let far = Endpoint(ipv4: 0x0a00_0001, port: 40_000)
    let now = Instant(microseconds: 1_700_000_000_000_000)
    for transport in [Flow.Transport.udp, .tcp, .tls] {
      var registrar = Registrar()
      let outcome = registrar.register(
        message, for: "sip:alice@10.0.0.2", from: Flow(transport: transport, remote: far), at: now)
      #expect(outcome.status == (transport == .tls ? 200 : 416))
      #expect(outcome.changes.isEmpty == (transport != .tls))
    }
  }

  @Test("The transport of a URI and its port follow from scheme and parameter")
  func transports() throws {
    for (text, transport, port) in [
      ("sip:10.0.0.2", Flow.Transport.udp, 5060), ("sip:10.0.0.2;transport=TCP", .tcp, 5060),
      ("sip:10.0.0.2;transport=tls", .tls, 5061), ("sips:10.0.0.2", .tls, 5061),
      ("sips:10.0.0.2;transport=tcp", .tls, 5061), ("sips:10.0.0.2:5070", .tls, 5070),
      ("sip:10.0.0.2;transport=sctp", .udp, 5060),
    ] {
      let uri = try URI(parsing: text)
      #expect(uri.transport == transport)
      #expect(uri.endpoint?.port == UInt16(port))
    }
  }
}
