import Primitives
import SIP
import Testing

@Suite("What the user agent refuses by itself")
struct UserAgentRefusalTests {
  private let peer = Peer(user: "carol")

  private func answer(_ text: String) -> Message? {
    var network = VirtualNetwork()
    network.inject(text, to: .callee)
    return network.last(.callee)
  }

  @Test("Requests that cannot be served get the status and the header that say why")
  func refusals() {
    #expect(answer(peer.request("PUBLISH"))?.status == 405)
    #expect(answer(peer.request("PUBLISH"))?.header("allow")?.contains("INVITE") == true)
    #expect(answer(peer.request("JUGGLE"))?.status == 501)
    #expect(answer(peer.request("INVITE", "http://10.0.0.2/"))?.status == 416)
    let extended = answer(peer.request("INVITE", headers: ["Require: 100rel, timer, nothing"]))
    #expect(extended?.status == 420)
    #expect(extended?.headers("unsupported") == ["nothing"])
    let typed = answer(peer.request("INVITE", body: "x", contentType: "text/html"))
    #expect(typed?.status == 415)
    #expect(typed?.header("accept") == "application/sdp")
    let encoded = answer(peer.request("INVITE", headers: ["Content-Encoding: gzip"], body: "x"))
    #expect(encoded?.status == 415)
    #expect(encoded?.header("accept-encoding") == "identity")
    let optional = answer(
      peer.request("INVITE", headers: ["Content-Disposition: icon;handling=optional"], body: "x", contentType: "a/b"))
    #expect(optional?.status == 100)
    #expect(answer(peer.request("INVITE", headers: ["Max-Forwards: 0"]))?.status == 483)
    #expect(answer(peer.request("INVITE", contact: "*"))?.status == 400)
    for method in ["INVITE", "BYE", "INFO", "UPDATE", "NOTIFY", "CANCEL"] {
      #expect(answer(peer.request(method, toTag: "unknown"))?.status == 481)
    }
    #expect(answer(peer.request("BYE"))?.status == 481)
    #expect(answer(peer.request("ACK", toTag: "unknown")) == nil)
  }

  @Test("OPTIONS with no hops left is still answered, by the layer above")
  func optionsWithoutHops() throws {
    var network = VirtualNetwork()
    network.inject(peer.request("OPTIONS", headers: ["Max-Forwards: 0"]), to: .callee)
    guard case .outOfDialog(let id, _, _)? = network.reports.last?.occurrence else {
      Issue.record("not reported")
      return
    }
    network.act(.callee) { $0.respond(to: id, status: 200, at: $1, into: &$2) }
    let options = try #require(network.last(.callee))
    #expect(options.status == 200)
    #expect(options.to.tag?.count == 16)
    #expect(options.header("allow") != nil)
    network.run(for: .seconds(40))
    #expect(network.isEmpty)
  }

  @Test("A request that nobody answers in time is forgotten without a 408 (RFC 4320)")
  func unansweredRequest() {
    var network = VirtualNetwork()
    network.inject(peer.request("REGISTER"), to: .callee)
    network.run(for: .seconds(33))
    #expect(network.names(.callee).isEmpty)
    #expect(network.isEmpty)
  }

  @Test("The same request by two paths is merged: the second gets 482 (section 8.2.2.2)")
  func merged() {
    var network = VirtualNetwork()
    network.inject(peer.request("INVITE", branch: "a"), to: .callee)
    network.inject(peer.request("INVITE", branch: "b"), to: .callee)
    #expect(network.names(.callee) == ["100 INVITE", "482 INVITE"])
    #expect(network.heard(.callee) == ["invite"])
  }

  @Test("Our own INVITE that comes back to us is a loop: 482")
  func looped() throws {
    let call = Call(VirtualNetwork())
    var network = call.network
    let invite = try #require(network.sent.first?.message)
    network.inject(String(decoding: invite.bytes, as: UTF8.self), to: .caller)
    #expect(network.last(.caller)?.name == "482 INVITE")
  }

  @Test("Requests of a dialog must count up: an old CSeq gets 500 (section 12.2.2)")
  func outOfOrder() throws {
    var call = Call(VirtualNetwork())
    try call.answer()
    let invite = try #require(call.network.sent.first?.message)
    let tag = try #require(call.network.sent.last { $0.message.name == "200 INVITE" }?.message.to.tag)
    func info(_ cseq: UInt32, _ branch: String) -> String {
      Peer(user: "alice").request("INFO", cseq: cseq, branch: branch, toTag: tag, fromTag: invite.from.tag ?? "")
        .replacing("Call-ID: call-alice", with: "Call-ID: \(invite.callID)")
    }
    call.network.inject(info(invite.cseq + 5, "a"), to: .callee)
    #expect(call.network.heard(.callee).last == "request INFO")
    try call.respond(.callee, 200)
    call.network.inject(info(invite.cseq + 4, "b"), to: .callee)
    #expect(call.network.last(.callee)?.name == "500 INFO")
    call.network.inject(
      info(invite.cseq + 6, "c").replacing("tag=\(invite.from.tag ?? "")", with: "tag=x"), to: .callee)
    #expect(call.network.last(.callee)?.name == "481 INFO")
  }

  @Test("A second INVITE before the first is answered gets 500 with Retry-After; UPDATE with an offer too")
  func secondOffer() throws {
    var call = Call(VirtualNetwork())
    try call.answer()
    let invite = try #require(call.network.sent.first?.message)
    let tag = try #require(call.network.sent.last { $0.message.name == "200 INVITE" }?.message.to.tag)
    func request(_ method: String, _ step: UInt32, body: String) -> String {
      Peer(user: "alice").request(
        method, cseq: invite.cseq + step, branch: "\(step)", toTag: tag, fromTag: invite.from.tag ?? "", body: body
      ).replacing("Call-ID: call-alice", with: "Call-ID: \(invite.callID)")
    }
    call.network.inject(request("INVITE", 1, body: "v=0"), to: .callee)
    #expect(call.network.last(.callee)?.name == "100 INVITE")
    for (step, method) in [(UInt32(2), "INVITE"), (3, "UPDATE")] {
      call.network.inject(request(method, step, body: "v=0"), to: .callee)
      #expect(call.network.last(.callee)?.status == 500)
      #expect(
        call.network.last(.callee)?.header("retry-after").flatMap { Int($0) }.map { (0...10).contains($0) } == true)
    }
    call.network.inject(request("UPDATE", 4, body: ""), to: .callee)
    #expect(call.network.last(.callee)?.name == "200 UPDATE")
    try call.respond(.callee, 488)
    call.network.inject(request("UPDATE", 5, body: "v=0"), to: .callee)
    try call.respond(.callee, 200, body: sdpAnswer)
    #expect(call.network.last(.callee)?.name == "200 UPDATE")
    #expect(call.network.last(.callee)?.contacts.count == 1)
  }

  @Test("A full server refuses new calls with 503 and Retry-After, and still serves those it has")
  func overload() throws {
    var network = VirtualNetwork { $0.dialogs = 2 }
    for number in 1...3 {
      network.inject(Peer(user: "user\(number)").request("INVITE"), to: .callee)
    }
    #expect(network.names(.callee) == ["100 INVITE", "100 INVITE", "503 INVITE"])
    #expect(network.last(.callee)?.header("retry-after") == "5")
    #expect(network.agents[1].dialogCount == 2)

    var crowded = VirtualNetwork { $0.transactions = 8 }
    for number in 1...20 { crowded.inject(Peer(user: "user\(number)").request("OPTIONS"), to: .callee) }
    #expect(crowded.agents[1].transactionCount == 8)
    #expect(crowded.count("503 OPTIONS", .callee) == 12)
    crowded.inject(peer.request("BYE", toTag: "x"), to: .callee)
    #expect(crowded.names(.callee).last == "481 BYE")
    let over = crowded.act(.callee) {
      $0.invite(
        bob.uri, over: Flow(transport: .udp, remote: VirtualNetwork.addresses[0]), from: bob, to: alice,
        body: nil, at: $1, into: &$2)
    }
    guard case .rejected(over, status: 503, nil)? = crowded.reports.last?.occurrence else {
      Issue.record("not rejected")
      return
    }
  }

  @Test("Nothing that the layer above writes can break a line or add a header")
  func injection() throws {
    var network = VirtualNetwork()
    let flow = network.flow(to: .callee)
    let from = Address(displayName: "x\r\nEvil: 1\0", uri: URI(user: "a\r\nb", host: "10.0.0.1"))
    _ = network.act(.caller) {
      $0.invite(
        bob.uri, over: flow, from: from, to: bob,
        headers: [.init("Reason", "a\r\nEvil: 2"), .init("Ev\r\nil", "3"), .init("", "4")], body: nil, at: $1, into: &$2
      )
    }
    let invite = try #require(network.last(.caller))
    #expect(invite.header("evil") == nil)
    #expect(invite.header("reason") == "a  Evil: 2")
  }

  @Test("A stateless refusal is the same for copies of a request, and none is made for an ACK")
  func stateless() throws {
    let flow = Flow(transport: .udp, remote: Endpoint(ipv4: 0x0a00_0001, port: 40_000))
    let request = try Message(parsing: Array(peer.request("INVITE").utf8))
    let bytes = UserAgent.statelessResponse(to: request, status: 403, headers: [.init("Warning", "399")], flow: flow)
    #expect(
      bytes == UserAgent.statelessResponse(to: request, status: 403, headers: [.init("Warning", "399")], flow: flow))
    let response = try Message(parsing: bytes)
    #expect(response.name == "403 INVITE")
    #expect(response.topVia.rport == 40_000)
    #expect(response.header("warning") == "399")
    #expect(UserAgent.responseFlow(to: request, from: flow) == flow)
    let fixed = try Message(parsing: Array(peer.request("INVITE").replacing(";rport", with: "").utf8))
    #expect(UserAgent.responseFlow(to: fixed, from: flow).remote.port == 5060)
    let acknowledgement = try Message(parsing: Array(peer.request("ACK").utf8))
    #expect(UserAgent.statelessResponse(to: acknowledgement, status: 403, flow: flow).isEmpty)
  }

  @Test("Transactions of RFC 2543 clients, without the magic cookie, match by the old rules")
  func oldClient() throws {
    var network = VirtualNetwork()
    func old(_ method: String, toTag: String? = nil) -> String {
      peer.request(method, toTag: toTag).replacing("z9hG4bK-carol-1", with: "1").replacing(
        "CSeq: 1 ACK", with: "CSeq: 1 ACK")
    }
    network.inject(old("INVITE"), to: .callee)
    network.inject(old("INVITE"), to: .callee)
    #expect(network.heard(.callee) == ["invite"])
    let id = try #require(network.reports.first?.occurrence.arrived)
    network.act(.callee) { $0.respond(to: id, status: 486, at: $1, into: &$2) }
    let tag = try #require(network.last(.callee)?.to.tag)
    network.inject(old("ACK", toTag: tag), to: .callee)
    network.run(for: .seconds(10))
    #expect(network.count("486 INVITE", .callee) == 1)
    #expect(network.isEmpty)
  }
}
