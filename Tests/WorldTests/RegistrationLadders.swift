import ACD
import CallControl
import Primitives
import SIP
import Testing

@Suite("Phones that register, and strangers")
struct RegistrationLadders {
  private func registers(_ user: String) -> Site.Phone {
    .registers(
      URI(user: user, host: "acme.example"), .init(user: user, password: "secret"))
  }

  private func events(_ world: World, _ name: String) -> Int { world.events.filter { $0 == name }.count }

  @Test("A phone registers with SHA-256, its agent becomes reachable, and it rings over the flow it registered on")
  func registers() throws {
    let world = World(.support([registers("amina")]))
    let caller = Peer("alice", at: 6001, in: world)
    let phone = Peer("desk", at: 7001, in: world)
    world.ready(0)
    #expect(world.view(0)?.phone == "unreachable")
    #expect(world.view(0)?.state == "not_ready")
    caller.call()
    phone.register(as: "amina", password: "secret")
    world.run(for: .seconds(1))
    #expect(phone.registered == [401, 200])
    #expect(world.view(0)?.phone == "ok")
    world.ready(0)
    world.run(for: .seconds(3))
    #expect(caller.heard == .peer(phone.rtpPort))
    caller.hangUp()
    world.run(for: .seconds(10))
    #expect(world.counts.registrations == 1)
    world.run(for: .seconds(300))
    #expect(world.counts.registrations == 0)
    #expect(events(world, "phoneUnregistered") == 1)
    #expect(world.view(0)?.reason == "unreachable")
    #expect(world.checkpoint == world.replayed)
    phone.register(as: "amina", password: "secret")
    world.run(for: .seconds(1))
    #expect(world.view(0)?.state == "ready")
    phone.register(as: "amina", password: "secret", expires: 0)
    world.run(for: .seconds(1))
    #expect(world.view(0)?.phone == "unreachable")
    world.run(for: .seconds(40))
    #expect(world.counts.transactions == 0)
  }

  @Test("A wrong password and an unknown user are told the same, and bind nothing")
  func refused() {
    let world = World(.support([registers("amina")]))
    let wrong = Peer("wrong", at: 7001, in: world)
    let nobody = Peer("nobody", at: 7002, in: world)
    wrong.register(as: "amina", password: "guess")
    nobody.register(as: "zoe", password: "secret")
    world.run(for: .seconds(1))
    #expect(wrong.registered == [401, 401])
    #expect(nobody.registered == [401, 401])
    #expect(world.counts.registrations == 0)
    // The right password of one is no key to the other's address.
    #expect(world.view(0)?.phone == "unreachable")
  }

  @Test("Two phones of one agent ring in parallel under one offer; the first 2xx wins")
  func forks() {
    let world = World(.support([registers("amina")]))
    let caller = Peer("alice", at: 6001, in: world)
    let slow = Peer("slow", at: 7001, in: world)
    let fast = Peer("fast", at: 7002, in: world)
    slow.answering = .ring
    for phone in [slow, fast] { phone.register(as: "amina", password: "secret") }
    world.run(for: .seconds(1))
    world.ready(0)
    caller.call()
    world.run(for: .seconds(3))
    #expect(slow.log == ["INVITE", "CANCEL", "ACK"])
    #expect(caller.heard == .peer(fast.rtpPort))
    #expect(events(world, "offerMade") == 1)
    #expect(world.checkpoint == world.replayed)
    caller.hangUp()
    expectNothingLeft(world)
  }

  @Test("One of two phones is busy and the other declines: the offer is declined; one dead and one busy: busy")
  func forksFail() {
    let world = World(.support([registers("amina")]))
    let caller = Peer("alice", at: 6001, in: world)
    let one = Peer("one", at: 7001, in: world)
    let two = Peer("two", at: 7002, in: world)
    one.answering = .reject(status: 486, after: .milliseconds(100))
    two.answering = .reject(status: 603, after: .milliseconds(200))
    for phone in [one, two] { phone.register(as: "amina", password: "secret") }
    world.run(for: .seconds(1))
    world.ready(0)
    caller.call()
    world.run(for: .seconds(1))
    #expect(events(world, "offerDeclined") == 1)
    #expect(events(world, "offerFailed") == 0)
    two.isDead = true
    world.run(for: .seconds(15))
    #expect(world.records.contains { if case .acd(.offerFailed(_, _, _, .busy)) = $0.event { true } else { false } })
    #expect(world.view(0)?.state == "ready")
    caller.hangUp()
    expectNothingLeft(world, but: two)
  }

  @Test("From an untrusted address the call is refused, with nothing larger than was sent, and leaves nothing")
  func stranger() {
    let world = World(.support([.demo]))
    world.ready(0)
    let stranger = Peer("mallory", at: 6001, address: "127.0.0.2", in: world)
    stranger.call()
    stranger.call("sip:nobody@acme.example")
    world.run(for: .seconds(5))
    #expect(stranger.log == ["403", "403"])
    #expect(world.records.allSatisfy { if case .contactOpened = $0.event { false } else { true } })
    #expect(world.counts.transactions == 0)
    #expect(world.counts.dialogs == 0)
  }

  @Test("A stranger's REGISTER is challenged once a second, with at most 1.5 times its bytes")
  func strangerRegisters() {
    let world = World(.support([registers("amina")]))
    let stranger = Peer("mallory", at: 6001, address: "127.0.0.2", in: world)
    for _ in 0..<5 { stranger.register(as: "zoe", password: "x") }
    world.run(for: .milliseconds(400))
    #expect(stranger.registered.filter { $0 == 401 }.count <= 2)
    for (request, response) in stranger.sizes { #expect(response * 2 <= request * 3) }
    let phone = Peer("desk", at: 7001, address: "127.0.0.3", in: world)
    phone.register(as: "amina", password: "secret")
    world.run(for: .seconds(1))
    #expect(phone.registered == [401, 200])
  }

  @Test("Forged REGISTERs, with or without credentials, leave nothing, and are challenged once a second")
  func forgedRegisters() throws {
    let world = World(.support([registers("amina")]))
    let victim = Endpoint(address: "127.0.0.4", port: 5060).unwrapped
    let nonce = String(repeating: "0", count: 48)
    let forged =
      "Authorization: Digest username=\"amina\", realm=\"acme.example\", nonce=\"\(nonce)\", response=\"00\", "
      + "uri=\"sip:acme.example\", algorithm=SHA-256, qop=auth, nc=00000001, cnonce=\"1\"\r\n"
    for number in 0..<100 {
      let text = """
        REGISTER sip:acme.example SIP/2.0\r
        Via: SIP/2.0/UDP 127.0.0.4:5060;branch=z9hG4bK\(number);rport\r
        From: <sip:amina@acme.example>;tag=\(number)\r
        To: <sip:amina@acme.example>\r
        Call-ID: forged\(number)\r
        CSeq: 1 REGISTER\r
        Contact: <sip:amina@127.0.0.4>\r
        User-Agent: \(String(repeating: "x", count: 200))\r
        \(number % 2 == 0 ? "" : forged)Content-Length: 0\r
        \r

        """
      world.send(Array(text.utf8), from: victim, to: World.address)
    }
    world.run(for: .milliseconds(100))
    #expect(world.counts.transactions == 0)
    #expect((1...2).contains(world.captured.count))
    #expect(try Message(parsing: try #require(world.captured.first).bytes).status == 401)
    // The phone at that address is not locked out.
    world.run(for: .seconds(1))
    let phone = Peer("desk", at: 7001, address: "127.0.0.4", in: world)
    phone.register(as: "amina", password: "secret")
    world.run(for: .seconds(1))
    #expect(phone.registered == [401, 200])
  }

  @Test("An agent is removed: the phone's binding ends, and its address is a stranger's again")
  func agentRemoved() throws {
    let world = World(.support([registers("amina")]))
    let phone = Peer("desk", at: 7001, address: "127.0.0.2", in: world)
    phone.register(as: "amina", password: "secret")
    world.run(for: .seconds(1))
    #expect(world.counts.registrations == 1)
    world.reconfigure(.support([.none]) { $0.definitions.agents[0].isRemoved = true })
    #expect(world.counts.registrations == 0)
    #expect(events(world, "phoneUnregistered") == 1)
    phone.call()
    world.run(for: .seconds(1))
    #expect(phone.log == ["403"])
  }

  @Test("A phone that may use MD5 alone is challenged with MD5 alone, beside phones of SHA-256")
  func algorithms() {
    func phone(_ user: String, _ algorithms: [DigestAlgorithm]) -> Site.Phone {
      .registers(
        URI(user: user, host: "acme.example"), .init(user: user, password: "secret", algorithms: algorithms))
    }
    let world = World(.support([phone("amina", [.sha256]), phone("ben", [.md5]), phone("carla", [.sha256, .md5])]))
    func challenge(_ user: String, _ place: UInt16) -> [String] {
      let peer = Peer(user, at: place, in: world)
      peer.register(as: user, password: "secret")
      world.run(for: .seconds(1))
      return peer.challenged
    }
    #expect(challenge("amina", 7001) == ["SHA-256"])
    #expect(challenge("ben", 7002) == ["MD5"])
    #expect(challenge("carla", 7003) == ["SHA-256", "MD5"])
    #expect(world.counts.registrations == 3)
  }

  @Test("The challenge of an address tells nobody whether it has an account")
  func decoys() {
    let md5 = Site.Phone.registers(
      URI(user: "ben", host: "acme.example"), .init(user: "ben", password: "secret", algorithms: [.md5]))
    let world = World(.support([registers("amina"), md5]))
    var seen: [String: Int] = [:]
    for number in 0..<40 {
      let peer = Peer("nobody\(number)", at: UInt16(7100 + number), in: world)
      for _ in 0..<2 {
        peer.register(as: "nobody\(number)", password: "guess")
        world.run(for: .seconds(2))
        seen[peer.challenged.joined(), default: 0] += 1
      }
    }
    // Both kinds of account are imitated, and asking twice tells no more.
    #expect(seen.count == 2)
    #expect(seen.values.allSatisfy { $0.isMultiple(of: 2) && $0 >= 20 })
  }

  @Test("Unknown entry 404, no common codec 488, overload of ports 503, queue full 486")
  func refusals() {
    let (world, caller, _) = office(phones: []) { $0.definitions.queues[0].waitingLimit = 1 }
    caller.call("sip:nobody@acme.example")
    world.run(for: .seconds(1))
    caller.call("sip:support@elsewhere.example")
    world.run(for: .seconds(1))
    #expect(caller.log == ["404", "404"])
    caller.call()
    world.run(for: .seconds(1))
    let second = Peer("bob", at: 6002, in: world)
    second.call()
    world.run(for: .seconds(1))
    #expect(second.log == ["486"])
    caller.hangUp()
    expectNothingLeft(world)
    #expect(world.outcomes() == [.abandoned])
  }

  @Test("OPTIONS is answered with what we can do; MESSAGE and REFER are not allowed, and REFER never dials")
  func others() throws {
    let world = World(.support([.demo]))
    func ask(_ method: String) throws -> Message {
      let source = Endpoint(address: "127.0.0.1", port: 6_100).unwrapped
      let text = """
        \(method) sip:support@acme.example SIP/2.0\r
        Via: SIP/2.0/UDP 127.0.0.1:6100;branch=z9hG4bK\(method);rport\r
        Max-Forwards: 70\r
        From: <sip:probe@home.example>;tag=1\r
        To: <sip:support@acme.example>\r
        Call-ID: \(method)\r
        CSeq: 1 \(method)\r
        Contact: <sip:probe@127.0.0.1:6100>\r
        Refer-To: <sip:+4990012345@acme.example>\r
        Content-Length: 0\r
        \r

        """
      world.send(Array(text.utf8), from: source, to: World.address)
      world.run(for: .seconds(1))
      return try Message(parsing: try #require(world.captured.last).bytes)
    }
    let options = try ask("OPTIONS")
    #expect(options.status == 200)
    #expect(options.headers("Allow").filter { $0 == "INVITE" }.count == 1)
    #expect(options.headers("Allow").allSatisfy { !["REFER", "NOTIFY", "MESSAGE"].contains($0) })
    #expect(options.header("Accept") == "application/sdp")
    #expect(try ask("MESSAGE").status == 405)
    #expect(try ask("REFER").status == 405)
    #expect(try ask("SUBSCRIBE").status == 405)
    #expect(try ask("BYE").status == 481)
    #expect(world.counts.contacts == 0)
  }
}

@Suite("The process dies and starts again")
struct RestartLadders {
  @Test(
    "At any moment of a call, before its commit or its release: both sides end, and nothing is left",
    arguments: [World.Crash.beforeCommit, .beforeRelease], [false, true])
  func anyMoment(crash: World.Crash, onAgent: Bool) {
    let moments =
      Array(stride(from: Int64(0), through: 6_000, by: 500))
      + Array(stride(from: Int64(500_000), through: 4_000_000, by: 50_000)) + [1_003_000, 3_003_000, 3_004_000]
    for moment in moments {
      let (world, caller, phones) = office { $0.queues[0].answer = onAgent ? .onAgent : .onEntry }
      phones[0].talks = .seconds(2)
      caller.call()
      world.run(for: moment)
      world.crash = crash
      world.run(for: .milliseconds(20))
      let queued = world.events.contains("contactQueued")
      world.restart()
      world.run(for: .seconds(10))
      #expect(world.outcomes().count == (queued ? 1 : 0), "after \(moment) µs")
      // Whoever was not answered for good gives up by itself.
      caller.cancel()
      world.run(for: .seconds(10))
      #expect(caller.userAgent.dialogCount == 0, "after \(moment) µs")
      #expect(phones[0].userAgent.dialogCount == 0, "after \(moment) µs")
      expectNothingLeft(world)
    }
  }

  @Test("A process that was down longer than a phone rings blames no agent")
  func longDown() {
    let (world, caller, phones) = office()
    phones[0].answering = .ring
    caller.call()
    world.run(for: .seconds(2))
    world.crash = .beforeCommit
    world.run(for: .minutes(2))
    world.restart()
    #expect(!world.events.contains("offerMissed"))
    #expect(world.records.contains { if case .acd(.offerFailed(_, _, _, .restart)) = $0.event { true } else { false } })
    #expect(world.view(0)?.state == "ready")
    caller.cancel()
    expectNothingLeft(world)
  }

  @Test("The ACK that puts a phone in a call waits until the call is stored")
  func acknowledgedAfterCommit() {
    let (world, caller, phones) = office()
    phones[0].answering = .accept(after: .milliseconds(500))
    caller.call()
    world.run(for: .microseconds(502_100))
    world.crash = .beforeCommit
    world.run(for: .milliseconds(20))
    #expect(phones[0].log == ["INVITE"])
    world.restart()
    expectNothingLeft(world)
  }

  @Test("What ended before a restart is repeated once, and a call that was answered gets no CANCEL")
  func repeatsOnce() {
    let (world, caller, phones) = office { $0.queues[0].answer = .onAgent }
    caller.call()
    world.run(for: .seconds(2))
    world.restart()
    world.run(for: .seconds(1))
    // The new process cannot know whether the ACK went out, and sends it again.
    #expect(phones[0].log == ["INVITE", "ACK", "ACK", "BYE"])
    #expect(caller.log.last == "BYE")
    world.run(for: .seconds(40))
    world.restart()
    world.run(for: .seconds(40))
    let sent = world.sent
    world.restart()
    world.run(for: .seconds(1))
    #expect(world.sent == sent)
  }

  @Test("A planned stop ends every call as a restart does, refuses new ones, and leaves chats alone")
  func stopping() throws {
    let (world, caller, phones) = office(phones: [7001, 7002])
    let (second, third) = (Peer("bob", at: 6002, in: world), Peer("carol", at: 6003, in: world))
    phones[1].answering = .ring
    caller.call()
    world.run(for: .seconds(2))
    second.call()
    third.call()
    world.run(for: .seconds(1))
    guard case .contact(let chat) = world.ask(.openChat(ChatRequest(entry: "web:shop"))) else {
      return #expect(Bool(false))
    }
    world.ask(.attach(chat.id))
    world.run(for: .seconds(2))
    world.feed(.stopping)
    world.run(for: .seconds(1))
    #expect([caller, second, third, phones[0]].map(\.log.last) == ["BYE", "BYE", "BYE", "BYE"])
    #expect(phones[1].log == ["INVITE", "CANCEL", "ACK"])
    #expect(world.endCauses() == [.restart])
    #expect(world.outcomes() == [.answered, .failed, .failed])
    #expect(!world.events.contains("offerMissed"))
    third.call()
    world.run(for: .seconds(1))
    #expect(third.log.last == "503")
    guard case .contact(let view) = world.ask(.describeContact(chat.id)) else { return #expect(Bool(false)) }
    #expect(view.state != .ended)
    #expect(world.checkpoint == world.replayed)
  }

  @Test("A planned stop refuses a caller who was not answered yet with 480")
  func stoppingUnanswered() {
    let (world, caller, _) = office(phones: []) { $0.queues[0].answer = .onAgent }
    caller.call()
    world.run(for: .seconds(1))
    world.feed(.stopping)
    world.run(for: .seconds(1))
    #expect(caller.log.last == "480")
    expectNothingLeft(world)
  }

  @Test("A call in talk ends with cause restart, a caller who waited has failed, a chat keeps its place")
  func causes() throws {
    let (world, caller, _) = office()
    let second = Peer("bob", at: 6002, in: world)
    caller.call()
    world.run(for: .seconds(2))
    second.call()
    guard case .contact(let chat) = world.ask(.openChat(ChatRequest(entry: "web:shop"))) else {
      return #expect(Bool(false))
    }
    world.ask(.attach(chat.id))
    world.run(for: .seconds(2))
    world.restart()
    world.run(for: .seconds(1))
    #expect(world.endCauses() == [.restart])
    #expect(world.outcomes() == [.answered, .failed])
    #expect(caller.log.last == "BYE")
    #expect(second.log.last == "BYE")
    world.run(for: .seconds(5))
    #expect(world.view(0)?.offer?.contact.id == chat.id)
  }
}

@Suite("Strangers over streams")
struct StreamLadders {
  private func invite(_ number: Int, over transport: Flow.Transport, in world: World) throws -> Message? {
    let source = Endpoint(address: "192.0.2.7", port: 40_000).unwrapped
    let text = """
      INVITE sip:support@acme.example SIP/2.0\r
      Via: SIP/2.0/\(transport.name) 192.0.2.7:40000;branch=z9hG4bK\(number)\r
      Max-Forwards: 70\r
      From: <sip:stranger@home.example>;tag=\(number)\r
      To: <sip:support@acme.example>\r
      Call-ID: stranger-\(number)\r
      CSeq: 1 INVITE\r
      Contact: <sip:stranger@192.0.2.7:40000;transport=\(transport)>\r
      Content-Length: 0\r
      \r

      """
    let before = world.captured.count
    world.feed(
      .message(try Message(parsing: Array(text.utf8)), Flow(transport: transport, remote: source, connection: 1)))
    world.run(for: .milliseconds(10))
    return try world.captured[before...].last.map { try Message(parsing: $0.bytes) }
  }

  @Test(
    "Federation is closed: 403. Open: 20 requests in a second are heard, the next gets 503 with Retry-After",
    arguments: [Flow.Transport.tcp, .tls])
  func throttle(transport: Flow.Transport) throws {
    let closed = World(.support([]))
    #expect(try invite(1, over: transport, in: closed)?.status == 403)
    let open = World(.support([]) { $0.federation.mode = .open })
    for number in 1...20 { #expect(try invite(number, over: transport, in: open)?.status == 200) }
    let late = try #require(try invite(21, over: transport, in: open))
    #expect(late.status == 503)
    #expect(late.header("Retry-After") != nil)
    open.run(for: .seconds(1))
    #expect(try invite(22, over: transport, in: open)?.status == 200)
  }

  @Test("A caller whose connection was made anew may end the call on it", arguments: [Flow.Transport.tcp, .tls])
  func movedDialog(transport: Flow.Transport) throws {
    let world = World(.support([]) { $0.federation.mode = .open })
    let answer = try #require(try invite(1, over: transport, in: world))
    world.reconfigure(.support([]))
    #expect(try invite(2, over: transport, in: world)?.status == 403)
    let source = Endpoint(address: "192.0.2.7", port: 40_001).unwrapped
    func bye(_ tag: String) throws -> Message {
      let text = """
        BYE sip:support@acme.example SIP/2.0\r
        Via: SIP/2.0/\(transport.name) 192.0.2.7:40001;branch=z9hG4bKbye\(tag)\r
        Max-Forwards: 70\r
        From: <sip:stranger@home.example>;tag=1\r
        To: <sip:support@acme.example>;tag=\(tag)\r
        Call-ID: stranger-1\r
        CSeq: 2 BYE\r
        Content-Length: 0\r
        \r

        """
      world.feed(
        .message(try Message(parsing: Array(text.utf8)), Flow(transport: transport, remote: source, connection: 2)))
      world.run(for: .milliseconds(10))
      return try Message(parsing: try #require(world.captured.last).bytes)
    }
    #expect(try bye("guessed").status == 403)
    #expect(try bye(try #require(answer.to.tag)).status == 200)
    #expect(world.outcomes() == [.abandoned])
  }
}
