import ACD
import CallControl
import Primitives
import Testing

/// A switchboard with one queue for chats and two agents, in virtual time, and everything it has said.
struct Desk {
  var switchboard: Switchboard
  private var sequence: UInt64 = 1
  var now = Instant(microseconds: 1_700_000_000_000_000)
  var records: [Record] = []
  var personal: [PersonalRecord] = []
  var notices: [Notice] = []
  let site: Site

  init(_ change: (inout Site) -> Void = { _ in }) {
    var site = Site()
    var queue = QueueDefinition(name: "support")
    queue.wrapUp = .seconds(30)
    queue.codes = [CodeID(index: 1)]
    site.definitions.names.queues = ["support"]
    site.definitions.names.codes = ["", "sold", "other"]
    site.definitions.queues = [queue]
    site.queues = [Site.QueueProfile()]
    for name in ["amina", "bo"] {
      var agent = AgentDefinition(name: name)
      agent.queues = [.init(queue: QueueID(index: 0))]
      site.definitions.names.agents.append(name)
      site.definitions.agents.append(agent)
      site.agents.append(.init(displayName: name.uppercased(), phone: .none))
    }
    site.entries = [.init(name: "web:shop", queue: QueueID(index: 0), channels: [.chat])]
    change(&site)
    self.site = site
    switchboard = Switchboard(site: site, entropy: Entropy(testing: 7))
  }

  mutating func feed(_ input: CallControl.Input) -> Reply {
    var step = CallControl.Step(sequence: sequence)
    switchboard.handle(input, at: now, into: &step)
    sequence = step.nextSequence
    records += step.records
    personal += step.personal
    var reply = Reply.done
    for action in step.afterCommit {
      switch action {
      case .reply(_, let it): reply = it
      case .notify(let notice): notices.append(notice)
      case .transmit, .media: break
      }
    }
    return reply
  }

  mutating func reconfigure(_ site: Site) {
    var step = CallControl.Step(sequence: sequence)
    switchboard.reconfigure(site, at: now, into: &step)
    sequence = step.nextSequence
  }

  mutating func ask(_ command: Command) -> Reply { feed(.command(RequestID(number: 1), command)) }

  /// Lets time pass, with every deadline in it.
  mutating func wait(_ interval: Int64) {
    let end = now + interval
    while let deadline = switchboard.nextDeadline, deadline <= end {
      now = max(now, deadline)
      _ = feed(.timersDue)
    }
    now = end
  }

  /// Opens a chat whose event stream is up.
  mutating func chat(_ name: String = "Kim") -> PublicID? {
    guard case .contact(let view) = ask(.openChat(ChatRequest(entry: "web:shop", name: name))) else { return nil }
    _ = ask(.attach(view.id))
    return view.id
  }

  mutating func ready(_ agents: AgentID...) {
    for agent in agents {
      _ = ask(.signIn(agent))
      _ = ask(.ready(agent))
    }
  }

  mutating func state(_ id: PublicID) -> ContactView? {
    guard case .contact(let view) = ask(.describeContact(id)) else { return nil }
    return view
  }

  mutating func offer(_ agent: AgentID) -> OfferID? {
    guard case .agent(let view) = ask(.describeAgent(agent)) else { return nil }
    return view.offer?.offer
  }

  mutating func talking(_ agent: AgentID = amina) -> PublicID? {
    ready(agent)
    let id = chat()
    guard let offer = offer(agent) else { return nil }
    _ = ask(.accept(agent, offer))
    return id
  }

  func outcomes() -> [Outcome] {
    records.compactMap { if case .acd(.outcomeFixed(_, _, _, let outcome)) = $0.event { outcome } else { nil } }
  }

  static func bytes(_ switchboard: Switchboard) -> [UInt8] {
    var writer = ByteWriter()
    switchboard.writeCheckpoint(into: &writer)
    return writer.bytes
  }
}

let amina = AgentID(index: 0)
let bo = AgentID(index: 1)

@Suite("A chat, from the button to its wrap-up code")
struct ChatTests {
  @Test("A chat waits, is offered, accepted, talked in, hung up and wrapped up with a code")
  func wholeChat() throws {
    var desk = Desk()
    let id = try need(desk.chat())
    #expect(desk.state(id)?.state == .queued)
    #expect(desk.state(id)?.ahead == 0)
    desk.ready(amina)
    #expect(desk.state(id)?.state == .offering)
    let offer = try need(desk.offer(amina))
    guard case .contact(let accepted) = desk.ask(.accept(amina, offer)) else { return #expect(Bool(false)) }
    #expect(accepted.state == .talking)
    #expect(accepted.agentName == "AMINA")
    guard case .message(let hello) = desk.ask(.post(id, .visitor, text: "hello")) else { return #expect(Bool(false)) }
    #expect(hello.authorName == "Kim")
    #expect(
      desk.personal.contains(.message(sequence: hello.sequence, contact: id, at: desk.now, .visitor, text: "hello")))
    guard case .message = desk.ask(.post(id, .agent(amina), text: "hi")) else { return #expect(Bool(false)) }
    #expect(desk.ask(.hangUp(id, .agent(amina))) == .done)
    #expect(desk.state(id)?.state == .wrapUp)
    #expect(desk.ask(.endWrapUp(amina, id, code: "other")) == .refused(.invalid("the queue's codes are sold")))
    guard case .agent = desk.ask(.endWrapUp(amina, id, code: "sold")) else { return #expect(Bool(false)) }
    #expect(desk.ask(.describeContact(id)) == .refused(.gone("the contact is over")))
    #expect(desk.outcomes() == [.answered])
  }

  @Test("A visitor gone for 20 s keeps the place and is not offered; back, the offer is made")
  func lostAndBack() throws {
    var desk = Desk()
    let id = try need(desk.chat())
    _ = desk.ask(.detach(id))
    desk.wait(.seconds(19))
    #expect(desk.state(id)?.isLost == false)
    desk.wait(.seconds(1))
    #expect(desk.state(id)?.isLost == true)
    desk.ready(amina)
    #expect(desk.offer(amina) == nil)
    _ = desk.ask(.attach(id))
    #expect(desk.state(id)?.isLost == false)
    #expect(desk.offer(amina) != nil)
  }

  @Test("A visitor gone for 120 s has abandoned")
  func lostForGood() throws {
    var desk = Desk()
    let id = try need(desk.chat())
    _ = desk.ask(.detach(id))
    desk.wait(.seconds(120) - 1)
    #expect(desk.outcomes().isEmpty)
    desk.wait(1)
    #expect(desk.outcomes() == [.abandoned])
    #expect(desk.ask(.attach(id)) == .refused(.gone("the contact is over")))
  }

  @Test("A reload of the page within 20 s changes nothing")
  func reload() throws {
    var desk = Desk()
    let id = try need(desk.chat())
    _ = desk.ask(.detach(id))
    desk.wait(.seconds(5))
    _ = desk.ask(.attach(id))
    desk.wait(.minutes(10))
    #expect(desk.state(id)?.state == .queued)
    #expect(desk.state(id)?.isLost == false)
  }

  @Test("A visitor gone for 5 min while talking ends the chat")
  func goneWhileTalking() throws {
    var desk = Desk()
    let id = try need(desk.talking())
    _ = desk.ask(.detach(id))
    desk.wait(.minutes(5) - 1)
    #expect(desk.state(id)?.state == .talking)
    #expect(desk.state(id)?.isLost == true)
    desk.wait(1)
    #expect(desk.state(id)?.state == .wrapUp)
  }

  @Test("A restart gives a visitor who is gone while talking no more time, and the same with a checkpoint")
  func goneOverRestart() throws {
    for isFromCheckpoint in [false, true] {
      var desk = Desk()
      let id = try need(desk.talking())
      _ = desk.ask(.detach(id))
      desk.wait(.minutes(3))
      if isFromCheckpoint {
        var reader = ByteReader(Desk.bytes(desk.switchboard))
        desk.switchboard = try Switchboard(checkpoint: &reader, site: desk.site, entropy: Entropy(testing: 8))
      } else {
        var restored = Switchboard(site: desk.site, entropy: Entropy(testing: 8))
        for record in desk.records { restored.replay(record) }
        desk.switchboard = restored
      }
      _ = desk.feed(.restarted)
      desk.wait(.minutes(2) - 1)
      #expect(desk.state(id)?.state == .talking)
      desk.wait(1)
      #expect(desk.state(id)?.state == .wrapUp)
    }
  }

  @Test("Whoever runs the site ends a contact at any time: waiting and offered it is withdrawn, talking it ends")
  func endedByTheSite() throws {
    var desk = Desk()
    let waiting = try need(desk.chat())
    #expect(desk.ask(.hangUp(waiting, .system)) == .done)
    #expect(desk.state(waiting) == nil)
    desk.ready(amina)
    let offered = try need(desk.chat())
    #expect(desk.offer(amina) != nil)
    #expect(desk.ask(.hangUp(offered, .system)) == .done)
    #expect(desk.offer(amina) == nil)
    #expect(desk.outcomes() == [.withdrawn, .withdrawn])
    let talking = try need(desk.talking())
    #expect(desk.ask(.hangUp(talking, .system)) == .done)
    #expect(desk.state(talking)?.state == .wrapUp)
  }

  @Test("The chats of an agent who is no more wait again, at their places, and the next agent reads on")
  func agentRemoved() throws {
    var desk = Desk()
    let id = try need(desk.talking())
    let entered = try need(desk.state(id)?.entered)
    desk.wait(.minutes(1))
    let younger = try need(desk.chat())
    var site = desk.site
    site.definitions.agents[0].isRemoved = true
    desk.reconfigure(site)
    #expect(desk.state(id)?.state == .queued)
    #expect(desk.state(id)?.entered == entered)
    desk.ready(bo)
    #expect(desk.state(id)?.state == .offering)
    #expect(desk.state(younger)?.state == .queued)
    _ = desk.ask(.accept(bo, try need(desk.offer(bo))))
    #expect(desk.state(id)?.state == .talking)
  }

  @Test("Where the queue is gone with the agent, the chat has ended, and nothing is left of it")
  func agentAndQueueRemoved() throws {
    var desk = Desk()
    let id = try need(desk.talking())
    var site = desk.site
    site.definitions.agents[0].isRemoved = true
    site.definitions.queues[0].isRemoved = true
    desk.reconfigure(site)
    #expect(desk.state(id) == nil)
    guard case .counts(let counts) = desk.ask(.describeCounts) else { return #expect(Bool(false)) }
    #expect(counts.contacts == 0)
  }

  @Test("A queue that is no more is listed as long as somebody waits in it")
  func queueRemoved() throws {
    var desk = Desk()
    let id = try need(desk.chat())
    var site = desk.site
    site.definitions.queues[0].isRemoved = true
    func queues() -> Int? { if case .queues(let views) = desk.ask(.describeQueues) { views.count } else { nil } }
    desk.reconfigure(site)
    #expect(queues() == 1)
    _ = desk.ask(.hangUp(id, .visitor))
    #expect(queues() == 0)
  }

  @Test("The visitor hangs up while the offer rings: no offer is left, and the agent is free")
  func hangUpWhileOffered() throws {
    var desk = Desk()
    desk.ready(amina)
    let id = try need(desk.chat())
    let offer = try need(desk.offer(amina))
    #expect(desk.ask(.hangUp(id, .visitor)) == .done)
    #expect(desk.offer(amina) == nil)
    #expect(desk.ask(.accept(amina, offer)) == .refused(.gone("the offer is over")))
    #expect(desk.outcomes() == [.abandoned])
  }

  @Test("An unknown entry is not found, a full queue refuses, and nothing is left of either")
  func refusals() {
    var desk = Desk { $0.definitions.queues[0].waitingLimit = 1 }
    #expect(desk.ask(.openChat(ChatRequest(entry: "web:none"))) == .refused(.notFound("there is no entry web:none")))
    #expect(desk.chat() != nil)
    #expect(desk.ask(.openChat(ChatRequest(entry: "web:shop"))) == .refused(.refused(.full)))
    guard case .counts(let counts) = desk.ask(.describeCounts) else { return #expect(Bool(false)) }
    #expect(counts.contacts == 1)
  }

  @Test("Only the agent of the contact may write in it, and nobody too much")
  func posting() throws {
    var desk = Desk()
    let id = try need(desk.talking())
    #expect(desk.ask(.post(id, .agent(bo), text: "hi")) == .refused(.forbidden("the contact is not yours")))
    #expect(desk.ask(.post(id, .visitor, text: "")) == .refused(.invalid("a message has 1 to 4000 characters")))
    let long = String(repeating: "x", count: 4_001)
    #expect(desk.ask(.post(id, .visitor, text: long)) == .refused(.invalid("a message has 1 to 4000 characters")))
  }

  @Test("A visitor is never told a longer wait than before, though an agent has left")
  func toldRange() throws {
    var desk = Desk()
    // Both talk already.
    for agent in [amina, bo] { _ = try need(desk.talking(agent)) }
    let chat = try need(desk.chat())
    let first = try need(desk.state(chat)?.waitRange)
    _ = desk.ask(.signOut(bo))
    #expect(desk.state(chat)?.waitRange == first)
    let second = try need(desk.chat())
    let behind = try need(desk.state(second)?.waitRange)
    #expect(behind.low > first.low)
    _ = desk.ask(.hangUp(chat, .visitor))
    #expect(try need(desk.state(second)?.waitRange).low < behind.low)
  }

  @Test("A live offer ends with a restart, chats keep their place and their link is waited for")
  func restart() throws {
    var desk = Desk()
    desk.ready(amina)
    let first = try need(desk.chat("first"))
    let second = try need(desk.chat("second"))
    var restored = Switchboard(site: desk.site, entropy: Entropy(testing: 8))
    for record in desk.records { restored.replay(record) }
    #expect(Desk.bytes(restored) == Desk.bytes(desk.switchboard))
    desk.switchboard = restored
    _ = desk.feed(.restarted)
    #expect(desk.state(first)?.state == .offering)
    #expect(desk.state(second)?.state == .queued)
    #expect(desk.records.contains { if case .acd(.offerFailed(_, _, _, .restart)) = $0.event { true } else { false } })
    desk.wait(.seconds(21))
    #expect(desk.state(second)?.isLost == true)
  }

  @Test("A checkpoint and the journal's tail are the whole replay", arguments: 1...8)
  func checkpoint(seed: UInt64) throws {
    var desk = Desk()
    var draws = Entropy(testing: seed)
    var chats: [PublicID] = []
    var checkpoint: (bytes: [UInt8], count: Int)?
    desk.ready(amina, bo)
    for turn in 0..<200 {
      let agent = draws.next() % 2 == 0 ? amina : bo
      let chat = chats.isEmpty ? nil : chats[Int(draws.next() % UInt64(chats.count))]
      switch draws.next() % 10 {
      case 0, 1: if let id = desk.chat() { chats.append(id) }
      case 2, 3: if let offer = desk.offer(agent) { _ = desk.ask(.accept(agent, offer)) }
      case 4: if let offer = desk.offer(agent) { _ = desk.ask(.decline(agent, offer)) }
      case 5: if let chat { _ = desk.ask(.hangUp(chat, .visitor)) }
      case 6: if let chat { _ = desk.ask(.hangUp(chat, .agent(agent))) }
      case 7: if let chat { _ = desk.ask(.endWrapUp(agent, chat, code: nil)) }
      case 8: if let chat { _ = desk.ask(.detach(chat)) }
      default: desk.wait(.seconds(Int64(draws.next() % 30)))
      }
      _ = desk.ask(.ready(agent))
      if turn == 100 { checkpoint = (Desk.bytes(desk.switchboard), desk.records.count) }
    }
    var replayed = Switchboard(site: desk.site, entropy: Entropy(testing: 9))
    for record in desk.records { replayed.replay(record) }
    #expect(Desk.bytes(replayed) == Desk.bytes(desk.switchboard))
    let (bytes, count) = try #require(checkpoint)
    var reader = ByteReader(bytes)
    var restored = try Switchboard(checkpoint: &reader, site: desk.site, entropy: Entropy(testing: 10))
    #expect(reader.isAtEnd)
    for record in desk.records[count...] { restored.replay(record) }
    #expect(Desk.bytes(restored) == Desk.bytes(desk.switchboard))
    #expect(desk.outcomes().count <= chats.count)
  }
}

/// `#require` for the value of a mutating call.
private func need<Value>(_ value: Value?) throws -> Value { try #require(value) }
