import Primitives
import SIP
import Testing

@Suite("Sessions that change")
struct UserAgentSessionTests {
  @Test("Hold by re-INVITE works from either side", arguments: [VirtualNetwork.Side.caller, .callee])
  func reinvite(from side: VirtualNetwork.Side) throws {
    var call = Call(VirtualNetwork())
    try call.answer()
    let other = side == .caller ? VirtualNetwork.Side.callee : .caller
    let held = UserAgent.Body.sdp(Array("v=0 hold".utf8))
    if side == .caller {
      call.caller { $0.reinvite($1, body: held, at: $2, into: &$3) }
    } else {
      try call.callee { $0.reinvite($1, body: held, at: $2, into: &$3) }
    }
    call.run(.milliseconds(20))
    #expect(call.network.heard(other).last == "reoffered")
    try call.respond(other, 200, body: sdpAnswer)
    call.run(.milliseconds(20))
    #expect(call.network.heard(side).last == "reanswered")
    if side == .caller {
      call.caller { $0.acknowledge($1, at: $2, into: &$3) }
    } else {
      try call.callee { $0.acknowledge($1, at: $2, into: &$3) }
    }
    call.run(.milliseconds(20))
    #expect(call.network.heard(other).last == "acknowledged")
    let offers = call.network.sent.filter { $0.message.method == .invite && $0.message.isRequest }
    #expect(offers.map(\.side) == [.caller, side])
    #expect(Array(offers[1].message.body) == held.bytes)
    try call.callee { $0.end($1, at: $2, into: &$3) }
    call.run(.seconds(40))
    #expect(call.network.isEmpty)
  }

  @Test("After a delayed offer the answer comes in the ACK")
  func delayedOffer() throws {
    var call = Call(VirtualNetwork(), body: nil)
    call.run(.milliseconds(20))
    try call.callee { $0.respond(to: $1, status: 200, body: sdpOffer, at: $2, into: &$3) }
    call.run(.milliseconds(20))
    call.caller { $0.acknowledge($1, body: sdpAnswer, at: $2, into: &$3) }
    call.run(.milliseconds(20))
    guard case .acknowledged(_, let message)? = call.network.reports.last?.occurrence else {
      Issue.record("no ACK")
      return
    }
    #expect(Array(message.body) == sdpAnswer.bytes)
    #expect(message.contentType == "application/sdp")
  }

  @Test("A refused re-INVITE leaves the session as it was")
  func refusedReinvite() throws {
    var call = Call(VirtualNetwork())
    try call.answer()
    call.caller { $0.reinvite($1, body: sdpOffer, at: $2, into: &$3) }
    call.run(.milliseconds(20))
    try call.respond(.callee, 488)
    call.run(.milliseconds(20))
    #expect(call.network.heard(.caller).last == "rerejected 488")
    #expect(call.network.agents.map(\.dialogCount) == [1, 1])
    call.caller { $0.end($1, at: $2, into: &$3) }
    call.run(.seconds(40))
    #expect(call.network.isEmpty)
  }

  @Test("A far end that lost the dialog answers a re-INVITE with 481, which ends the call")
  func lostDialog() throws {
    var call = Call(VirtualNetwork())
    try call.answer()
    try call.callee { $0.end($1, at: $2, into: &$3) }
    call.caller { $0.reinvite($1, body: sdpOffer, at: $2, into: &$3) }
    call.run(.seconds(40))
    #expect(call.network.heard(.caller).last == "ended")
    #expect(call.network.isEmpty)
  }

  @Test("Crossing re-INVITEs get 491 both ways, are tried again after the pauses of their sides, and both succeed")
  func glare() throws {
    var call = Call(VirtualNetwork())
    try call.answer()
    call.network.behave = { network, side, occurrence in
      network.act(side) { agent, now, output in
        switch occurrence {
        case .reoffered(_, let id, _): agent.respond(to: id, status: 200, body: sdpAnswer, at: now, into: &output)
        case .reanswered(let id, _): agent.acknowledge(id, at: now, into: &output)
        default: break
        }
      }
    }
    let crossed = call.network.now
    call.caller { $0.reinvite($1, body: sdpOffer, at: $2, into: &$3) }
    try call.callee { $0.reinvite($1, body: sdpOffer, at: $2, into: &$3) }
    call.run(.milliseconds(12))
    #expect(call.network.names(.caller).contains("491 INVITE"))
    #expect(call.network.names(.callee).contains("491 INVITE"))
    call.run(.seconds(5))
    #expect(call.network.heard(.caller).filter { $0 == "reanswered" }.count == 1)
    #expect(call.network.heard(.callee).filter { $0 == "reanswered" }.count == 1)
    let done = Dictionary(
      uniqueKeysWithValues: call.network.reports.filter { $0.occurrence.name == "reanswered" }.map { ($0.side, $0.at) })
    // The caller made the Call-ID: section 14.1 lets it wait 2.1 to 4 s, the callee 0 to 2 s.
    let pauses = try (#require(done[.caller]) - crossed, #require(done[.callee]) - crossed)
    #expect(pauses.0 > .milliseconds(2_100) && pauses.0 < .milliseconds(4_100))
    #expect(pauses.1 < .milliseconds(2_100))
    call.caller { $0.end($1, at: $2, into: &$3) }
    call.run(.seconds(40))
    #expect(call.network.isEmpty)
  }

  @Test("Offers that come while another is under way wait, and only the newest is made")
  func queuedOffers() throws {
    var call = Call(VirtualNetwork())
    try call.answer()
    for number in 1...3 {
      let body = UserAgent.Body.sdp(Array("v=0 \(number)".utf8))
      call.caller { $0.reinvite($1, body: body, at: $2, into: &$3) }
    }
    for _ in 0..<2 {
      call.run(.milliseconds(20))
      try call.respond(.callee, 200, body: sdpAnswer)
      call.run(.milliseconds(20))
      call.caller { $0.acknowledge($1, at: $2, into: &$3) }
      call.run(.milliseconds(20))
    }
    let offers = call.network.sent.filter { $0.message.method == .invite && $0.message.isRequest }.dropFirst()
    #expect(offers.map { String(decoding: $0.message.body, as: UTF8.self) } == ["v=0 1", "v=0 3"])
  }

  @Test("A hang-up while a re-INVITE waits gives 487 to the INVITE and 200 to the BYE")
  func endDuringReinvite() throws {
    var call = Call(VirtualNetwork())
    try call.answer()
    call.caller { $0.reinvite($1, body: sdpOffer, at: $2, into: &$3) }
    call.run(.milliseconds(20))
    call.caller { $0.end($1, at: $2, into: &$3) }
    call.run(.milliseconds(20))
    #expect(call.network.names(.callee).suffix(2) == ["200 BYE", "487 INVITE"])
    try call.respond(.callee, 200, body: sdpAnswer)
    call.run(.seconds(40))
    #expect(call.network.isEmpty)
  }

  @Test("A hang-up of ours while their re-INVITE waits refuses it, and its ACK is absorbed")
  func ourEndDuringReinvite() throws {
    var call = Call(VirtualNetwork())
    try call.answer()
    call.caller { $0.reinvite($1, body: sdpOffer, at: $2, into: &$3) }
    call.run(.milliseconds(20))
    try call.callee { $0.end($1, at: $2, into: &$3) }
    call.run(.seconds(40))
    #expect(call.network.names(.callee).contains("487 INVITE"))
    #expect(call.network.heard(.caller).last == "ended")
    #expect(call.network.isEmpty)
  }

  @Test("A saved dialog is taken up by another run and ended with BYE", arguments: [true, false])
  func restart(calleeRestarts: Bool) throws {
    var call = Call(VirtualNetwork())
    try call.answer()
    let side = calleeRestarts ? VirtualNetwork.Side.callee : .caller
    let id = calleeRestarts ? try #require(call.callee) : call.caller
    let saved = try #require(call.network.agents[side.rawValue].saved(id))
    var settings = UserAgent.Settings()
    settings.udp = VirtualNetwork.addresses[side.rawValue]
    call.network.agents[side.rawValue] = UserAgent(settings: settings, entropy: Entropy(testing: 99))
    let restored = call.network.act(side) { agent, _, _ in agent.restore(saved) }
    let dialog = try #require(restored)
    #expect(call.network.agents[side.rawValue].saved(dialog) == saved)
    #expect(call.network.act(side) { agent, _, _ in agent.restore(saved) } == nil)
    call.network.act(side) { $0.end(dialog, at: $1, into: &$2) }
    call.run(.milliseconds(20))
    #expect(call.network.heard(side == .callee ? .caller : .callee).last == "ended")
    call.run(.seconds(40))
    #expect(call.network.isEmpty)
  }

  @Test("After a restart a call in the making gets CANCEL, its late 2xx ACK and BYE; one that rang gets 480")
  func restartWhileRinging() throws {
    for late in [false, true] {
      var call = Call(VirtualNetwork())
      call.run(.milliseconds(20))
      let saved = try #require(call.network.agents[0].saved(call.caller))
      if late {
        call.network.dropping = ["200 INVITE"]
        try call.callee { $0.respond(to: $1, status: 200, body: sdpAnswer, at: $2, into: &$3) }
      }
      var settings = UserAgent.Settings()
      settings.udp = VirtualNetwork.addresses[0]
      call.network.agents[0] = UserAgent(settings: settings, entropy: Entropy(testing: 98))
      let restored = call.network.act(.caller) { agent, _, _ in agent.restore(saved) }
      let dialog = try #require(restored)
      call.network.act(.caller) { $0.end(dialog, at: $1, into: &$2) }
      call.run(.seconds(2))
      #expect(call.network.heard(.callee).last == (late ? "ended" : "cancelled"))
      call.run(.seconds(40))
      #expect(call.network.isEmpty)
    }
    var call = Call(VirtualNetwork())
    call.run(.milliseconds(20))
    let callee = try #require(call.callee)
    let saved = try #require(call.network.agents[1].saved(callee))
    var settings = UserAgent.Settings()
    settings.udp = VirtualNetwork.addresses[1]
    call.network.agents[1] = UserAgent(settings: settings, entropy: Entropy(testing: 97))
    let restored = call.network.act(.callee) { agent, _, _ in agent.restore(saved) }
    let dialog = try #require(restored)
    call.network.act(.callee) { $0.end(dialog, at: $1, into: &$2) }
    call.run(.seconds(40))
    #expect(call.network.heard(.caller).last == "rejected 480")
    #expect(call.network.isEmpty)
  }

  @Test("Stored bytes of another version, or cut short anywhere, are refused")
  func brokenRestore() throws {
    var call = Call(VirtualNetwork())
    try call.answer()
    let saved = try #require(call.network.agents[0].saved(call.caller))
    var agent = UserAgent(settings: .init(), entropy: Entropy(testing: 1))
    for length in 0..<saved.bytes.count {
      #expect(agent.restore(.init(bytes: Array(saved.bytes.prefix(length)))) == nil)
    }
    #expect(agent.restore(.init(bytes: [99] + saved.bytes.dropFirst())) == nil)
    #expect(agent.dialogCount == 0)
  }

  @Test("A caller who promised to refresh and vanished is hung up when the interval is over (RFC 4028)")
  func sessionExpires() throws {
    var network = VirtualNetwork()
    let peer = Peer(user: "carol")
    network.inject(
      peer.request("INVITE", headers: ["Supported: timer", "Session-Expires: 60"], body: "v=0"), to: .callee)
    #expect(network.last(.callee)?.status == 422)
    #expect(network.last(.callee)?.header("min-se") == "90")
    network.inject(
      peer.request("INVITE", cseq: 2, branch: "2", headers: ["Supported: timer", "Session-Expires: 120"], body: "v=0"),
      to: .callee)
    let id = try #require(network.reports.last?.occurrence.arrived)
    network.act(.callee) { $0.respond(to: id, status: 200, body: sdpAnswer, at: $1, into: &$2) }
    let accepted = try #require(network.last(.callee))
    #expect(accepted.header("session-expires") == "120;refresher=uac")
    #expect(accepted.header("require") == "timer")
    let tag = try #require(accepted.to.tag)
    network.inject(peer.request("ACK", cseq: 2, branch: "3", toTag: tag), to: .callee)
    network.run(for: .seconds(100))
    network.inject(
      peer.request("UPDATE", cseq: 3, branch: "4", toTag: tag, headers: ["Supported: timer", "Session-Expires: 120"]),
      to: .callee)
    #expect(network.last(.callee)?.name == "200 UPDATE")
    #expect(network.last(.callee)?.header("session-expires") == "120;refresher=uac")
    network.run(for: .seconds(119))
    #expect(network.heard(.callee).last == "acknowledged")
    network.run(for: .seconds(2))
    #expect(network.heard(.callee).last == "ended")
    #expect(network.last(.callee)?.method == .bye)
  }
}
