import Primitives
import SIP
import Testing

private let alice = Address(uri: URI(user: "alice", host: "10.0.0.1"))
private let bob = Address(displayName: "Bob \"B\" Jones", uri: URI(user: "bob", host: "10.0.0.2"))
private let offer = UserAgent.Body.sdp(Array("v=0 offer".utf8))
private let answer = UserAgent.Body.sdp(Array("v=0 answer".utf8))

/// A call between two user agents, as the layers above them see it.
private struct Call {
  var network: VirtualNetwork
  var caller: DialogID
  var callee: DialogID?

  init(_ network: VirtualNetwork, body: UserAgent.Body? = offer) {
    self.network = network
    let flow = network.flow(to: .callee)
    caller = self.network.act(.caller) {
      $0.invite(bob.uri, over: flow, from: alice, to: bob, body: body, at: $1, into: &$2)
    }
  }
  mutating func run(_ interval: Int64) {
    network.run(for: interval)
    if callee == nil { callee = network.reports.lazy.filter { $0.side == .callee }.compactMap(\.occurrence.arrived).first }
  }
  /// Brings the call up.
  mutating func answer() throws {
    run(.milliseconds(50))
    let callee = try #require(callee)
    network.act(.callee) { $0.respond(to: callee, status: 200, body: SIPTests.answer, at: $1, into: &$2) }
    run(.milliseconds(50))
    let caller = caller
    network.act(.caller) { $0.acknowledge(caller, at: $1, into: &$2) }
    run(.milliseconds(50))
  }
}

@Suite("Calls between two user agents")
struct UserAgentCallTests {
  @Test("A call rings, is answered, and ends with the caller's BYE", arguments: [Flow.Transport.udp, .tcp])
  func plainCall(transport: Flow.Transport) throws {
    var call = Call(VirtualNetwork(transport: transport))
    call.run(.milliseconds(20))
    let callee = try #require(call.callee)
    call.network.act(.callee) { $0.respond(to: callee, status: 180, at: $1, into: &$2) }
    try call.answer()
    #expect(call.network.names(.caller) == ["INVITE", "ACK"])
    #expect(call.network.names(.callee) == ["100 INVITE", "180 INVITE", "200 INVITE"])
    #expect(call.network.heard(.caller) == ["trying", "provisional 180", "answered"])
    #expect(call.network.heard(.callee) == ["invite", "acknowledged"])
    call.network.act(.caller) { [caller = call.caller] in $0.end(caller, at: $1, into: &$2) }
    call.run(.milliseconds(50))
    #expect(call.network.names(.caller).last == "BYE")
    #expect(call.network.names(.callee).last == "200 BYE")
    #expect(call.network.heard(.callee).last == "ended")
    #expect(call.network.agents.map(\.dialogCount) == [0, 0])
    call.run(.seconds(40))
    #expect(call.network.isEmpty)
  }

  @Test("Requests and responses carry what RFC 3261 demands of them")
  func wellFormed() throws {
    var call = Call(VirtualNetwork())
    try call.answer()
    let invite = try #require(call.network.sent.first?.message)
    #expect(invite.header("max-forwards") == "70")
    #expect(invite.contacts.first?.uri.description == "sip:10.0.0.1:5060")
    #expect(invite.to.displayName == "Bob \"B\" Jones")
    #expect(invite.to.tag == nil)
    #expect(invite.from.tag?.count == 16)
    #expect(invite.topVia.branch?.hasPrefix("z9hG4bK") == true)
    let accepted = try #require(call.network.sent.first { $0.message.name == "200 INVITE" }?.message)
    #expect(accepted.topVia.received == "10.0.0.1")
    #expect(accepted.topVia.rport == 5060)
    #expect(accepted.to.tag != nil)
    #expect(accepted.from.tag == invite.from.tag)
    #expect(accepted.callID == invite.callID)
    #expect(accepted.header("allow")?.isEmpty == false)
    #expect(Array(accepted.body) == answer.bytes)
    let acknowledgement = try #require(call.network.last(.caller))
    #expect(acknowledgement.method == .ack)
    #expect(acknowledgement.cseq == invite.cseq)
    #expect(acknowledgement.topVia.branch != invite.topVia.branch)
    #expect(acknowledgement.requestURI.description == "sip:10.0.0.2:5060")
    #expect(acknowledgement.to.tag == accepted.to.tag)
  }
}
