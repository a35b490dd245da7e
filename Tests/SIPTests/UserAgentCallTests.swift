import Primitives
import SIP
import Testing

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
    #expect(Array(accepted.body) == sdpAnswer.bytes)
    let acknowledgement = try #require(call.network.last(.caller))
    #expect(acknowledgement.method == .ack)
    #expect(acknowledgement.cseq == invite.cseq)
    #expect(acknowledgement.topVia.branch != invite.topVia.branch)
    #expect(acknowledgement.requestURI.description == "sip:10.0.0.2:5060")
    #expect(acknowledgement.to.tag == accepted.to.tag)
  }
}
