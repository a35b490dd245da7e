import Primitives
import SIP
import Testing

@Suite("Cancelling, losing and crossing")
struct UserAgentRaceTests {
  @Test("A caller who gives up while it rings sends CANCEL; the callee answers 200 and 487")
  func cancelWhileRinging() throws {
    var call = Call(VirtualNetwork())
    call.run(.milliseconds(20))
    try call.callee { $0.respond(to: $1, status: 180, at: $2, into: &$3) }
    call.run(.milliseconds(20))
    call.caller { $0.cancel($1, at: $2, into: &$3) }
    #expect(call.network.agents[0].dialogCount == 0)
    call.run(.milliseconds(50))
    #expect(call.network.names(.caller) == ["INVITE", "CANCEL", "ACK"])
    #expect(call.network.names(.callee) == ["100 INVITE", "180 INVITE", "200 CANCEL", "487 INVITE"])
    #expect(call.network.heard(.caller) == ["trying", "provisional 180"])
    #expect(call.network.heard(.callee) == ["invite", "cancelled"])
    let invite = try #require(call.network.sent.first?.message)
    let cancel = try #require(call.network.sent.first { $0.message.method == .cancel }?.message)
    #expect(cancel.topVia.branch == invite.topVia.branch)
    #expect(cancel.cseq == invite.cseq)
    #expect(cancel.requestURI == invite.requestURI)
    #expect(cancel.to.tag == nil)
    let acknowledgement = try #require(call.network.last(.caller))
    #expect(acknowledgement.topVia.branch == invite.topVia.branch)
    call.run(.seconds(40))
    #expect(call.network.isEmpty)
  }

  @Test("CANCEL waits for a provisional response, and is never sent if none comes")
  func cancelBeforeProvisional() throws {
    var call = Call(VirtualNetwork())
    call.caller { $0.cancel($1, at: $2, into: &$3) }
    #expect(call.network.names(.caller) == ["INVITE"])
    call.run(.milliseconds(50))
    #expect(call.network.names(.caller) == ["INVITE", "CANCEL", "ACK"])
    #expect(call.network.heard(.caller).isEmpty)

    var deaf = Call(VirtualNetwork(faults: .init(lost: 1000)))
    deaf.run(.milliseconds(20))
    deaf.caller { $0.cancel($1, at: $2, into: &$3) }
    deaf.run(.seconds(40))
    #expect(deaf.network.names(.caller) == Array(repeating: "INVITE", count: 7))
    #expect(deaf.network.heard(.caller).isEmpty)
    #expect(deaf.network.isEmpty)
  }

  @Test("CANCEL that crosses the 200 ends in ACK and BYE")
  func cancelCrossesAnswer() throws {
    var call = Call(VirtualNetwork())
    call.run(.milliseconds(20))
    try call.callee { $0.respond(to: $1, status: 200, body: sdpAnswer, at: $2, into: &$3) }
    call.caller { $0.cancel($1, at: $2, into: &$3) }
    call.run(.milliseconds(50))
    #expect(call.network.names(.caller) == ["INVITE", "CANCEL", "ACK", "BYE"])
    #expect(call.network.names(.callee) == ["100 INVITE", "200 INVITE", "200 CANCEL", "200 BYE"])
    #expect(call.network.heard(.callee) == ["invite", "acknowledged", "ended"])
    #expect(call.network.heard(.caller) == ["trying"])
    call.run(.seconds(40))
    #expect(call.network.isEmpty)
  }

  @Test("A cancel that comes after the answer reached the layer above ends the call")
  func cancelAfterAnswer() throws {
    var call = Call(VirtualNetwork())
    call.run(.milliseconds(20))
    try call.callee { $0.respond(to: $1, status: 200, body: sdpAnswer, at: $2, into: &$3) }
    call.run(.milliseconds(6))
    #expect(call.network.heard(.caller).last == "answered")
    call.caller { $0.cancel($1, at: $2, into: &$3) }
    call.run(.seconds(40))
    #expect(call.network.names(.caller) == ["INVITE", "ACK", "BYE"])
    #expect(call.network.isEmpty)
  }

  @Test("A lost ACK is repaired: the 200 is repeated and gets its ACK again")
  func lostAcknowledgement() throws {
    var network = VirtualNetwork()
    network.dropping = ["ACK", "ACK"]
    var call = Call(network)
    try call.answer()
    #expect(call.network.heard(.callee) == ["invite"])
    call.run(.seconds(2))
    #expect(call.network.heard(.callee) == ["invite", "acknowledged"])
    #expect(call.network.count("200 INVITE", .callee) == 3)
    #expect(call.network.count("ACK", .caller) == 3)
    let copies = call.network.sent.filter { $0.message.method == .ack }.map(\.message.bytes)
    #expect(copies.allSatisfy { $0 == copies[0] })
    call.caller { $0.end($1, at: $2, into: &$3) }
    call.run(.seconds(40))
    #expect(call.network.isEmpty)
  }

  @Test("Without any ACK the callee learns it after 64*T1, and its BYE ends the call")
  func noAcknowledgement() throws {
    var call = Call(VirtualNetwork())
    call.run(.milliseconds(20))
    try call.callee { $0.respond(to: $1, status: 200, body: sdpAnswer, at: $2, into: &$3) }
    call.network.faults.lost = 1000
    call.run(.seconds(31))
    #expect(call.network.heard(.callee) == ["invite"])
    call.run(.seconds(2))
    #expect(call.network.heard(.callee) == ["invite", "unacknowledged"])
    // At once, after T1, doubling up to T2 (section 13.3.1.4): 0, 0.5, 1.5, 3.5, 7.5, 11.5 … 31.5.
    #expect(call.network.count("200 INVITE", .callee) == 11)
    try call.callee { $0.end($1, at: $2, into: &$3) }
    call.run(.seconds(33))
    #expect(call.network.agents[1].dialogCount == 0)
    #expect(call.network.agents[1].transactionCount == 0)
  }

  @Test("A callee who hangs up before the ACK sends BYE only when the ACK has come")
  func endBeforeAcknowledgement() throws {
    var call = Call(VirtualNetwork())
    call.run(.milliseconds(20))
    try call.callee { $0.respond(to: $1, status: 200, body: sdpAnswer, at: $2, into: &$3) }
    try call.callee { $0.end($1, headers: [.init("Reason", "Q.850;cause=16")], at: $2, into: &$3) }
    #expect(call.network.names(.callee).last == "200 INVITE")
    call.run(.milliseconds(20))
    call.caller { $0.acknowledge($1, at: $2, into: &$3) }
    call.run(.milliseconds(50))
    #expect(call.network.names(.callee).last == "BYE")
    #expect(call.network.last(.callee)?.header("reason") == "Q.850;cause=16")
    #expect(call.network.heard(.callee) == ["invite"])
    #expect(call.network.heard(.caller).last == "ended")
    call.run(.seconds(40))
    #expect(call.network.isEmpty)
  }

  @Test("BYE that crosses BYE gets 481 on both sides, and nothing is left")
  func byeCrossesBye() throws {
    var call = Call(VirtualNetwork())
    try call.answer()
    call.caller { $0.end($1, at: $2, into: &$3) }
    try call.callee { $0.end($1, at: $2, into: &$3) }
    call.run(.milliseconds(50))
    #expect(call.network.names(.caller).last == "481 BYE")
    #expect(call.network.names(.callee).last == "481 BYE")
    call.run(.seconds(40))
    #expect(call.network.isEmpty)
  }

  @Test("A busy callee refuses; the caller acknowledges and hears the status", arguments: [486, 603, 302])
  func refused(status: Int) throws {
    var network = VirtualNetwork()
    network.dropping = ["ACK"]
    var call = Call(network)
    call.run(.milliseconds(20))
    try call.callee { $0.respond(to: $1, status: status, at: $2, into: &$3) }
    #expect(call.network.agents[1].dialogCount == 0)
    call.run(.seconds(1))
    #expect(call.network.count("\(status) INVITE", .callee) == 2)
    #expect(call.network.count("ACK", .caller) == 2)
    #expect(call.network.heard(.caller) == ["trying", "rejected \(status)"])
    call.run(.seconds(40))
    #expect(call.network.isEmpty)
  }

  @Test("A dead far end: seven INVITEs in 32 seconds, then 408; no connection: 503 at once")
  func deadFarEnd() {
    var call = Call(VirtualNetwork(faults: .init(lost: 1000)))
    call.run(.seconds(31))
    #expect(call.network.heard(.caller).isEmpty)
    call.run(.seconds(2))
    #expect(call.network.heard(.caller) == ["rejected 408"])
    #expect(call.network.count("INVITE", .caller) == 7)
    #expect(call.network.isEmpty)

    var unconnected = Call(VirtualNetwork(transport: .tcp))
    let flow = unconnected.network.flow(to: .callee)
    unconnected.network.act(.caller) { $0.flowFailed(flow, at: $1, into: &$2) }
    #expect(unconnected.network.heard(.caller) == ["rejected 503"])
    #expect(unconnected.network.agents[0].transactionCount == 0)
  }

  @Test("A caller's connection that breaks while it rings ends the call as cancelled")
  func connectionLostWhileRinging() throws {
    var call = Call(VirtualNetwork(transport: .tcp))
    call.run(.milliseconds(20))
    let flow = call.network.flow(from: .callee)
    call.network.act(.callee) { $0.flowFailed(flow, at: $1, into: &$2) }
    #expect(call.network.heard(.callee) == ["invite", "cancelled"])
    #expect(call.network.agents[1].dialogCount == 0)
    #expect(call.network.agents[1].transactionCount == 0)
  }

  @Test("A retransmitted INVITE gets the same response again, and makes no second call")
  func retransmittedInvite() throws {
    var network = VirtualNetwork()
    network.dropping = ["100 INVITE", "100 INVITE", "486 INVITE"]
    var call = Call(network)
    call.run(.seconds(2))
    #expect(call.network.count("INVITE", .caller) == 3)
    #expect(call.network.count("100 INVITE", .callee) == 3)
    #expect(call.network.heard(.callee) == ["invite"])
    try call.callee { $0.respond(to: $1, status: 486, at: $2, into: &$3) }
    call.run(.seconds(40))
    #expect(call.network.heard(.caller) == ["trying", "rejected 486"])
    #expect(call.network.isEmpty)
  }

  @Test("Ringing is repeated every minute, so that no proxy on the way gives the call up")
  func repeatedRinging() throws {
    var call = Call(VirtualNetwork())
    call.run(.milliseconds(20))
    try call.callee { $0.respond(to: $1, status: 180, at: $2, into: &$3) }
    call.run(.seconds(190))
    #expect(call.network.count("180 INVITE", .callee) == 4)
    try call.callee { $0.end($1, at: $2, into: &$3) }
    call.run(.seconds(40))
    #expect(call.network.heard(.caller).last == "rejected 480")
    #expect(call.network.isEmpty)
  }

  @Test("Each fork that answers after the first gets ACK and BYE")
  func forkedAnswer() throws {
    var call = Call(VirtualNetwork())
    try call.answer()
    let accepted = try #require(call.network.sent.last { $0.message.name == "200 INVITE" }?.message)
    let tag = try #require(accepted.to.tag)
    let fork = String(decoding: accepted.bytes, as: UTF8.self).replacing(tag, with: "another")
    call.network.inject(fork, to: .caller)
    #expect(call.network.names(.caller) == ["INVITE", "ACK", "ACK", "BYE"])
    #expect(call.network.last(.caller)?.to.tag == "another")
    call.network.inject(fork, to: .caller)
    #expect(call.network.names(.caller) == ["INVITE", "ACK", "ACK", "BYE", "ACK"])
    #expect(call.network.heard(.caller) == ["trying", "answered"])
    #expect(call.network.agents[0].dialogCount == 1)
  }

  @Test("A 2xx for an INVITE that was given up gets ACK and BYE even after its 487 was expected")
  func lateAnswer() throws {
    var network = VirtualNetwork()
    network.dropping = ["CANCEL"]
    var call = Call(network)
    call.run(.milliseconds(20))
    call.caller { $0.cancel($1, at: $2, into: &$3) }
    call.run(.milliseconds(100))
    try call.callee { $0.respond(to: $1, status: 200, body: sdpAnswer, at: $2, into: &$3) }
    call.run(.milliseconds(100))
    #expect(call.network.heard(.callee) == ["invite", "acknowledged", "ended"])
    #expect(call.network.heard(.caller) == ["trying"])
    call.run(.seconds(40))
    #expect(call.network.isEmpty)
  }

  @Test("Only the host that sent an INVITE can cancel it")
  func foreignCancel() throws {
    var call = Call(VirtualNetwork())
    call.run(.milliseconds(20))
    let invite = try #require(call.network.sent.first?.message)
    let text = String(decoding: invite.bytes, as: UTF8.self)
    let head = String(text.prefix { $0 != "\r\n" }).replacing("INVITE", with: "CANCEL")
    let lines = text.split(separator: "\r\n").filter {
      $0.hasPrefix("Via") || $0.hasPrefix("From") || $0.hasPrefix("To") || $0.hasPrefix("Call-ID")
    }
    let cancel = ([head] + lines.map(String.init) + ["CSeq: \(invite.cseq) CANCEL", "Content-Length: 0", "", ""])
      .joined(separator: "\r\n")
    let stranger = Flow(transport: .udp, remote: Endpoint(ipv4: 0x0a00_0063, port: 5060))
    let message = try Message(parsing: Array(cancel.utf8))
    call.network.act(.callee) { $0.receive(message, from: stranger, at: $1, into: &$2) }
    #expect(call.network.names(.callee).last == "481 CANCEL")
    #expect(call.network.heard(.callee) == ["invite"])
  }
}
