import ACD
import API
import CallControl
import AsyncHTTPClient
import Primitives
import NIOCore
import NIOHTTP1
import ServiceLifecycle
import Synchronization
import Testing

@testable import Web

@Suite struct StreamTests {
  @Test("A new stream begins with the whole state, then tells what happens, and ends with the contact")
  func story() async throws {
    try await withServer { server in
      let (id, token) = try await server.openChat()
      server.fake.say("before", in: id)
      var events = try await server.events("/v1/contacts/\(id)/events", token: token)
      guard case .reset(let snapshot) = try await events.next() else {
        Issue.record("no reset came first")
        return
      }
      #expect(snapshot.contact?.state == "queued")
      #expect(snapshot.messages?.map(\.text) == ["before"])
      server.fake.change(id, to: .talking)
      server.fake.say("hello", in: id, by: .agent(AgentIDs.amina))
      server.fake.change(id, to: .wrapUp)
      guard case .contactChanged(let talking) = try await events.next() else { return fail("no change") }
      #expect(talking.state == "talking")
      guard case .messageCreated(let message) = try await events.next() else { return fail("no message") }
      #expect(message.text == "hello" && message.author == "agent")
      guard case .contactChanged(let over) = try await events.next() else { return fail("no end") }
      #expect(over.state == "ended", "the agent's wrap-up is none of the visitor's business")
      #expect(try await events.next() == nil)
    }
  }

  @Test("A stream that broke goes on behind the last event, without a gap or a repetition", arguments: [false, true])
  func resume(inQuery: Bool) async throws {
    try await withServer { server in
      let (id, token) = try await server.openChat()
      let (other, _) = try await server.openChat()
      let sequences = (1...5).map { number -> UInt64 in
        server.fake.say("not yours", in: other)
        return server.fake.say("\(number)", in: id)
      }
      let path = "/v1/contacts/\(id)/events" + (inQuery ? "?last_event_id=\(sequences[1])" : "")
      var events = try await server.events(path, token: token, after: inQuery ? nil : String(sequences[1]))
      var texts: [String] = []
      for _ in 0..<3 { if case .messageCreated(let message) = try await events.next() { texts.append(message.text) } }
      #expect(texts == ["3", "4", "5"])
      #expect(events.reader.lastEventID == String(sequences[4]))
    }
  }

  @Test("An id that is too old or not ours begins afresh", arguments: ["1", "999999"])
  func afresh(id lastEventID: String) async throws {
    try await withServer { server in
      let (id, token) = try await server.openChat()
      var events = try await server.events("/v1/contacts/\(id)/events", token: token, after: lastEventID)
      guard case .reset = try await events.next() else { return fail("no reset came first") }
      #expect(try await server.send(.GET, "/v1/contacts/\(id)/events?last_event_id=x", token: token).status == 400)
    }
  }

  @Test("The first stream says that the visitor is there, and the end of the last one that they are gone")
  func presence() async throws {
    try await withServer { server in
      let (id, token) = try await server.openChat()
      do {
        var first = try await server.events("/v1/contacts/\(id)/events", token: token)
        _ = try await first.next()
        var second = try await server.events("/v1/contacts/\(id)/events", token: token)
        _ = try await second.next()
        server.fake.change(id, to: .ended)
        while try await first.next() != nil {}
        while try await second.next() != nil {}
      }
      let gone = await server.fake.next { if case .detach = $0 { true } else { false } }
      #expect(gone != nil)
      let told = server.fake.commands.compactMap { command -> String? in
        switch command {
        case .attach: "attach"
        case .detach: "detach"
        default: nil
        }
      }
      #expect(told == ["attach", "detach"])
    }
  }

  @Test("A visitor who closes the connection is seen to go")
  func connectionClosed() async throws {
    try await withServer { server in
      let (id, token) = try await server.openChat()
      let reading = Task {
        var events = try await server.events("/v1/contacts/\(id)/events", token: token)
        while try await events.next() != nil {}
      }
      _ = await server.fake.next { if case .attach = $0 { true } else { false } }
      reading.cancel()
      let gone = await server.fake.next { if case .detach = $0 { true } else { false } }
      #expect(gone != nil)
    }
  }

  @Test("However streams come and go, the last word about presence is the true one")
  func presenceRaces() async throws {
    let fake = FakeSwitchboard()
    let presence = Presence(perform: { command in
      await Task.yield()
      return await fake.backend.perform(command)
    })
    let id = PublicID(high: 0, low: 9)
    for _ in 0..<200 {
      await withTaskGroup(of: Void.self) { group in
        group.addTask { await presence.streamOpened(id) }
        group.addTask {
          await presence.streamOpened(id)
          presence.streamClosed(id)
        }
      }
      #expect(presence.isHere(id))
      presence.streamClosed(id)
      while presence.isHere(id) { await Task.yield() }
    }
    let told = fake.commands.compactMap { command -> Bool? in
      switch command {
      case .attach: true
      case .detach: false
      default: nil
      }
    }
    #expect(told.first == true)
    #expect(zip(told, told.dropFirst()).allSatisfy { $0 != $1 }, "attach and detach alternate")
  }

  @Test("Presence that a full mailbox refused is told again, even after its stream has ended")
  func presenceRefused() async {
    let fake = FakeSwitchboard()
    fake.state.withLock { $0.refusal = .overloaded }
    let presence = Presence(perform: fake.backend.perform, pause: .milliseconds(1))
    let id = PublicID(high: 0, low: 9)
    let stream = Task { await presence.streamOpened(id) }
    stream.cancel()
    await stream.value
    for _ in 0..<3 { _ = await fake.next { if case .attach = $0 { true } else { false } } }
    presence.streamClosed(id)
    fake.state.withLock { $0.refusal = nil }
    let gone = await fake.next { if case .detach = $0 { true } else { false } }
    #expect(gone != nil)
  }

  @Test("A console hears its offers and contacts; a wallboard hears no person's name and no word")
  func audiences() async throws {
    try await withServer { server in
      let (id, _) = try await server.openChat(#"{"name":"Jo Secret"}"#)
      var console = try await server.events("/v1/agents/me/events", token: "amina")
      var wallboard = try await server.events("/v1/events", token: "reader")
      guard case .reset(let mine) = try await console.next() else { return fail("no reset") }
      #expect(mine.agent?.id == "ag_amina")
      #expect(mine.queues?.map(\.id) == ["q_support"])
      _ = try await wallboard.next()
      let view = try #require(server.fake.state.withLock { $0.contacts[id] })
      let offer = OfferView(
        offer: OfferID(sequence: 150), contact: view, deadline: Instant(microseconds: 9_000_000), acceptsInConsole: true
      )
      server.fake.say("secret", in: id)
      server.fake.publish(.offered(offer), 150, contact: id, agent: AgentIDs.amina)
      guard case .offerMade(let made) = try await console.next() else { return fail("no offer") }
      #expect(made.id == "of_150")
      #expect(made.contact.visitorName == "Jo Secret")
      guard case .offerMade(let seen) = try await wallboard.next() else { return fail("no offer") }
      #expect(seen.contact.visitorName == nil)
    }
  }

  @Test("An agent hears a contact only as long as it is theirs")
  func contactOfAnother() async throws {
    try await withServer { server in
      let (id, _) = try await server.openChat()
      server.fake.state.withLock { $0.agentContacts = [id] }
      var events = try await server.events("/v1/contacts/\(id)/events", token: "amina")
      var boss = try await server.events("/v1/contacts/\(id)/events", token: "boss")
      _ = try await events.next()
      _ = try await boss.next()
      server.fake.say("for you", in: id)
      guard case .messageCreated = try await events.next() else { return fail("no message") }
      server.fake.state.withLock { $0.agentContacts = [] }
      server.fake.say("for another", in: id)
      #expect(try await events.next() == nil)
      for text in ["for you", "for another"] {
        guard case .messageCreated(let message) = try await boss.next() else { return fail("no message") }
        #expect(message.text == text)
      }
    }
  }

  @Test("A stream ends with the token that opened it", arguments: ["/v1/events", "/v1/agents/me/events"])
  func revoked(path: String) async throws {
    var options = WebServer.Options()
    options.beat = .milliseconds(20)
    try await withServer(options: options) { server in
      var events = try await server.events(path, token: path == "/v1/events" ? "reader" : "amina")
      guard case .reset = try await events.next() else { return fail("no reset") }
      server.fake.state.withLock { $0.isWithoutTokens = true }
      #expect(try await events.next() == nil)
    }
  }

  @Test("Several facts of one step share one id, so that a break between them loses none")
  func sharedSequence() async throws {
    try await withServer { server in
      let (id, token) = try await server.openChat()
      var events = try await server.events("/v1/contacts/\(id)/events", token: token)
      _ = try await events.next()
      let before = events.reader.lastEventID
      let view = try #require(server.fake.state.withLock { $0.contacts[id] })
      let message = MessageView(
        sequence: 200, contact: id, at: Instant(microseconds: 1), author: .system, authorName: "", text: "x")
      let bodies: [Notice.Body] = [.message(message), .contactChanged(view)]
      server.fake.feed.publish(
        bodies.map { Notice(sequence: 200, at: Instant(microseconds: 1), contact: id, agent: nil, body: $0) })
      while events.waiting.isEmpty {
        guard let buffer = try await events.body.next() else { break }
        events.waiting += try events.reader.read(buffer.readableBytesView)
      }
      #expect(events.waiting.map(\.id) == [before, "200"])
    }
  }

  @Test("A reader who does not keep up is cut off and told so")
  func tooSlow() async throws {
    let feed = Feed(patience: 3)
    let id = PublicID(high: 0, low: 1)
    let slow = feed.subscribe(.contact(id), for: .visitor(token: ""), after: nil)
    let quick = feed.subscribe(.all, for: .holder(sha256: []), after: nil)
    var iterator = quick.pieces.makeAsyncIterator()
    for sequence in 1...10 {
      let message = MessageView(
        sequence: UInt64(sequence), contact: id, at: Instant(microseconds: 1), author: .visitor, authorName: "",
        text: "")
      feed.publish([
        Notice(
          sequence: UInt64(sequence), at: Instant(microseconds: 1), contact: id, agent: nil, body: .message(message))
      ])
      _ = await iterator.next()
    }
    var count = 0
    for await _ in slow.pieces { count += 1 }
    #expect(count == 3)
    #expect(feed.cancel(slow))
    #expect(!feed.cancel(quick))
    #expect(feed.count == 0)
  }

  @Test("The ring forgets its oldest notices and knows from where it can tell")
  func ring() {
    let feed = Feed(after: 10, capacity: 4)
    #expect(feed.subscribe(.all, for: .holder(sha256: []), after: 10).missed?.isEmpty == true)
    #expect(feed.subscribe(.all, for: .holder(sha256: []), after: 9).missed == nil)
    let id = PublicID(high: 0, low: 1)
    for sequence in UInt64(11)...20 {
      feed.publish([
        Notice(
          sequence: sequence, at: Instant(microseconds: 0), contact: sequence % 2 == 0 ? id : nil, agent: nil,
          body: .offerEnded(OfferID(sequence: sequence), .missed))
      ])
    }
    #expect(feed.subscribe(.all, for: .holder(sha256: []), after: 15).missed == nil)
    #expect(feed.subscribe(.all, for: .holder(sha256: []), after: 16).missed?.map(\.sequence) == [17, 18, 19, 20])
    #expect(feed.subscribe(.contact(id), for: .visitor(token: ""), after: 17).missed?.map(\.sequence) == [18, 20])
    #expect(feed.subscribe(.all, for: .holder(sha256: []), after: 20).missed?.isEmpty == true)
    #expect(feed.subscribe(.all, for: .holder(sha256: []), after: 21).missed == nil)
  }

  @Test("A waiting visitor hears of a new place in the line although nothing happened to them")
  func place() async throws {
    var options = WebServer.Options()
    options.beat = .milliseconds(20)
    try await withServer(options: options) { server in
      let (id, token) = try await server.openChat()
      var events = try await server.events("/v1/contacts/\(id)/events", token: token)
      guard case .reset(let snapshot) = try await events.next() else { return fail("no reset") }
      #expect(snapshot.contact?.ahead == 2)
      server.fake.state.withLock { $0.contacts[id]?.ahead = 1 }
      guard case .contactChanged(let contact) = try await events.next() else { return fail("no change") }
      #expect(contact.ahead == 1)
    }
  }

  @Test("Beats come to each stream once a round, and to few streams at once")
  func spread() async {
    let feed = Feed()
    func subscribe(_ number: UInt64) -> Feed.Subscription {
      feed.subscribe(.contact(PublicID(high: 0, low: number)), for: .visitor(token: "\(number)"), after: nil)
    }
    let streams = (0..<64).map { subscribe($0 / 2) }
    for part in 0..<Feed.beatParts { feed.beat(part: part) }
    for stream in streams {
      #expect(!feed.cancel(stream))
      var beats = 0
      for await _ in stream.pieces { beats += 1 }
      #expect(beats == 1)
    }
    let others = (0..<64).map { subscribe($0) }
    feed.beat(part: 5)
    var reached = 0
    for stream in others {
      _ = feed.cancel(stream)
      for await _ in stream.pieces { reached += 1 }
    }
    #expect(reached == 2)
  }

  @Test("A silent stream shows that it is alive, and a stopping server closes it at once")
  func beatAndShutdown() async throws {
    var options = WebServer.Options()
    options.beat = .milliseconds(20)
    try await withServer(options: options) { server in
      let response = try await server.request(.GET, "/v1/events", token: "reader")
      var body = response.body.makeAsyncIterator()
      var text = ""
      while !text.hasSuffix("\n:\n\n"), let buffer = try await body.next() { text += String(buffer: buffer) }
      #expect(text.hasSuffix("\n:\n\n"))
      let start = ContinuousClock.now
      await server.group.triggerGracefulShutdown()
      while let buffer = try await body.next() { text += String(buffer: buffer) }
      #expect(ContinuousClock.now - start < .seconds(5))
      #expect(!text.contains("stream.dropped"))
    }
  }
}
