import ACD
import Primitives
import Testing

/// Virtual callers, places that are kept, and transfers.
@Suite struct CallbackTests {
  private func calling(_ mode: CallbackDefinition.Mode = .agentFirst, agents: Int = 1) -> Definitions {
    site(agents: agents) {
      var callback = CallbackDefinition()
      callback.mode = mode
      callback.gap = .minutes(10)
      callback.ring = .seconds(30)
      $0.queues[0].callback = callback
    }
  }

  private func dials(_ events: [Event]) -> Int {
    events.count { if case .dialStarted = $0 { true } else { false } }
  }

  @Test("Scenario 14: a redial that nobody answers is one call out, keeps the place, and ends at the limit")
  func unansweredDial() throws {
    var floor = Floor(calling())
    let contact = floor.arrive()
    floor.pass(.minutes(1))
    let behind = floor.arrive()
    floor.say(.callbackRequested(contact))
    #expect(
      floor.events.first
        == .outcomeFixed(contact, queue: QueueID(0), agent: .none, .callbackRequested))
    #expect(floor.actions == [.promiseCallback(contact, in: QueueID(0), .requested)])
    floor.say(.callbackRequested(contact))
    #expect(floor.events.isEmpty, "one request, one place")
    floor.signIn(0)
    #expect(floor.isOffered(contact, to: 0), "the virtual caller stands before who came later")
    let offer = try #require(floor.offer(0))
    var events = floor.say(.offerAccepted(offer))
    #expect(dials(events) == 1)
    #expect(floor.actions == [.dial(contact, AgentID(0)), .connect(offer, contact, AgentID(0))])
    floor.say(.offerAccepted(offer))
    #expect(floor.events.isEmpty, "one dial in flight")
    events = floor.pass(.seconds(30))
    #expect(events.first == .dialFailed(contact, agent: AgentID(0), .noAnswer))
    #expect(floor.isOffered(behind, to: 0), "the agent is free for the next one")
    try floor.answer(0)
    floor.say(.contactLeft(behind))
    let young = floor.arrive()
    try floor.answer(0)
    guard case .resting? = floor.engine.state(of: contact) else {
      Issue.record("the request rests")
      return
    }
    // After the gap it stands where it stood, before everybody else.
    floor.pass(.minutes(10))
    let late = floor.arrive()
    floor.say(.contactLeft(young))
    #expect(floor.isOffered(contact, to: 0))
    floor.say(.offerAccepted(try #require(floor.offer(0))))
    events = floor.say(.dialFailed(contact, .busy))
    #expect(
      events.prefix(2) == [
        .dialFailed(contact, agent: AgentID(0), .busy),
        .outcomeFixed(contact, queue: QueueID(0), agent: .none, .unreached),
      ])
    #expect(dials(floor.journal.map(\.event)) == 2)
    #expect(floor.isOffered(late, to: 0))
    let counters = floor.engine.summary(of: QueueID(0)).counters
    #expect((counters.callback, counters.callbacksQueued, counters.callbacksClosed) == (1, 1, 1))
  }

  @Test("A customer who answers is answered by the agent who waits, and counts in no service level")
  func answeredDial() throws {
    var floor = Floor(calling())
    let contact = floor.arrive()
    floor.say(.callbackRequested(contact))
    floor.pass(.minutes(30))
    floor.signIn(0)
    floor.say(.offerAccepted(try #require(floor.offer(0))))
    floor.pass(.seconds(12))
    floor.say(.dialAnswered(contact))
    #expect(floor.engine.state(of: contact) == .answered(AgentID(0)))
    let counters = floor.engine.summary(of: QueueID(0)).counters
    #expect((counters.entered, counters.answered, counters.callbacksAnswered) == (1, 0, 1))
  }

  @Test("Customer first: one dial for each agent who is free and has nobody else")
  func customerFirst() throws {
    var floor = Floor(calling(.customerFirst, agents: 1))
    let contacts = (0..<3).map { _ in floor.arrive() }
    for contact in contacts.prefix(2) { floor.say(.callbackRequested(contact)) }
    floor.signIn(0)
    #expect(floor.isOffered(contacts[2], to: 0), "who holds the line goes first")
    try floor.answer(0)
    floor.say(.contactLeft(contacts[2]))
    #expect(floor.engine.state(of: contacts[0]) == .dialling)
    #expect(floor.isWaiting(contacts[1]), "one agent, one dial")
    floor.say(.dialAnswered(contacts[0]))
    #expect(floor.isOffered(contacts[0], to: 0))
    try floor.answer(0)
    floor.say(.contactLeft(contacts[0]))
    #expect(floor.engine.state(of: contacts[1]) == .dialling)
    let events = floor.pass(.seconds(30))
    #expect(events == [.dialFailed(contacts[1], agent: .none, .noAnswer)])
    #expect(dials(floor.pass(.minutes(10))) == 1)
  }

  @Test("A caller whose offer and wait end in one instant is called back once, however many agents are free")
  func dialledOnce() {
    var definitions = calling(.customerFirst, agents: 3)
    definitions.queues[0].ring = .seconds(20)
    definitions.queues[0].waitLimit = .seconds(20)
    definitions.queues[0].overflow.late = .callback
    var floor = Floor(definitions)
    floor.signIn(0)
    let contact = floor.arrive()
    #expect(floor.isOffered(contact, to: 0))
    floor.signIn(1)
    floor.signIn(2)
    #expect(dials(floor.pass(.seconds(20))) == 1)
    #expect(floor.engine.state(of: contact) == .dialling)
  }

  @Test("A customer who answers after the request's limit waits as a caller, for the limit of callers")
  func answeredLate() {
    var definitions = calling(.customerFirst)
    definitions.queues[0].callback?.limit = .minutes(1)
    definitions.queues[0].waitLimit = .seconds(20)
    var floor = Floor(definitions)
    let contact = floor.arrive()
    floor.say(.callbackRequested(contact))
    floor.pass(.seconds(50))
    floor.signIn(0)
    #expect(floor.engine.state(of: contact) == .dialling)
    floor.say(.agentNotReady(AgentID(0), .unspecified))
    floor.pass(.seconds(20))
    floor.say(.dialAnswered(contact))
    #expect(floor.isWaiting(contact))
    floor.pass(.seconds(19))
    #expect(floor.isWaiting(contact))
    floor.pass(.seconds(1))
    #expect(floor.engine.state(of: contact) == nil)
  }

  @Test("A restart fails the dial that was out, and does not repeat it")
  func restartDuringDial() throws {
    var floor = Floor(calling())
    let contact = floor.arrive()
    floor.say(.callbackRequested(contact))
    floor.signIn(0)
    floor.say(.offerAccepted(try #require(floor.offer(0))))
    let events = floor.say(.restarted)
    #expect(events == [.dialFailed(contact, agent: AgentID(0), .restart)])
    #expect(floor.actions == [.stopDialling(contact)])
  }

  @Test("A caller who is cut off and returns within the grace stands where they stood")
  func comesBack() {
    var floor = Floor(site { $0.queues[0].grace = .seconds(60) })
    let first = floor.arrive()
    floor.pass(.seconds(30))
    let second = floor.arrive()
    floor.pass(.seconds(30))
    floor.say(.contactLeft(first))
    #expect(floor.actions == [.release(first)], "the slot is kept with the place")
    floor.pass(.seconds(59))
    let again = ContactID(slot: 7, generation: 1)
    floor.say(
      .contactCameBack(
        again, after: first, queue: QueueID(0), profile: .init(index: 0), channel: .voice, priority: 0))
    #expect(floor.actions == [.forget(first)])
    floor.signIn(0)
    #expect(floor.isOffered(again, to: 0))
    #expect(floor.isWaiting(second))
  }

  @Test("After the grace the place is gone, and so it is in another queue")
  func graceIsOver() {
    var floor = Floor(site(queues: 2) { $0.queues[0].grace = .seconds(60) })
    let first = floor.arrive()
    floor.say(.contactLeft(first))
    floor.pass(.seconds(1))
    let other = ContactID(slot: 7, generation: 1)
    floor.say(
      .contactCameBack(
        other, after: first, queue: QueueID(1), profile: .init(index: 0), channel: .voice, priority: 0))
    #expect(floor.events.count == 1)
    #expect(floor.pass(.seconds(59)) == [.placeReleased(first)])
    #expect(floor.actions == [.forget(first)])
  }

  @Test("Scenario 6: a transfer during a wrap-up, then a reload, leave the wrap-up's end unchanged")
  func transferDuringWrapUp() throws {
    let definitions = site(queues: 2) {
      $0.agents[0].chatCapacity = 3
      for queue in 0..<2 { $0.queues[queue].wrapUp = .seconds(30) }
    }
    var floor = Floor(definitions)
    floor.signIn(0)
    let wrapped = floor.arrive(.chat)
    try floor.answer(0)
    let transferred = floor.arrive(.chat)
    try floor.answer(0)
    floor.say(.contactFinished(wrapped))
    let end = floor.now + .seconds(30)
    floor.pass(.seconds(10))
    let next = ContactID(slot: 9, generation: 1)
    floor.say(
      .contactTransferred(transferred, as: next, queue: QueueID(1), profile: .init(index: 0), priority: 0))
    var changed = definitions
    changed.queues[0].wrapUp = .seconds(5)
    floor.reconfigure(changed)
    let slots = floor.engine.summary(of: AgentID(0)).slots
    #expect(slots.contains { $0.contact == wrapped && $0.state == .wrapUp(until: end) })
    #expect(slots.contains { $0.contact == transferred && $0.state == .wrapUp(until: end + .seconds(10)) })
    #expect(floor.pass(.seconds(20) - 1).allSatisfy { $0 != .wrapUpEnded(AgentID(0), wrapped, .none) })
    #expect(floor.pass(1).contains(.wrapUpEnded(AgentID(0), wrapped, .none)))
  }

  @Test("Scenario 12: a transfer after 90 s of a one-hour call leaves the agent 90 s of talk")
  func transferLeavesTalk() throws {
    var floor = Floor(site(queues: 2, agents: 2) { $0.agents[1].queues = [.init(queue: QueueID(1))] })
    floor.signIn(0)
    let contact = floor.arrive(0)
    floor.pass(0)
    try floor.answer(0)
    let entry = floor.now
    floor.pass(.seconds(90))
    floor.say(.agentNotReady(AgentID(0), .unspecified))
    let next = ContactID(slot: 9, generation: 1)
    floor.say(.contactTransferred(contact, as: next, queue: QueueID(1), profile: .init(index: 0), priority: 0))
    #expect(
      floor.events.prefix(3) == [
        .segmentStarted(next, after: contact),
        .contactQueued(next, queue: QueueID(1), profile: .init(index: 0), channel: .voice, priority: 0),
        .contactEnded(contact, agent: AgentID(0), .transferred),
      ])
    #expect(floor.actions == [.forget(contact), .moved(next, to: QueueID(1))])
    guard case .waiting(QueueID(1), entry, _)? = floor.engine.state(of: next) else {
      Issue.record("the segment waits with the entry of the contact")
      return
    }
    floor.pass(.seconds(10))
    floor.signIn(1)
    try floor.answer(1)
    floor.pass(.seconds(3_500))
    floor.say(.contactLeft(next))
    #expect(floor.engine.summary(of: QueueID(0)).counters.talk == .seconds(90))
    #expect(floor.engine.summary(of: QueueID(1)).counters.talk == .seconds(3_500))
    #expect(floor.engine.summary(of: QueueID(1)).counters.answeredWait == .seconds(10), "talk is no wait")
  }

  @Test("An agent who signs out at the end of the shift keeps the contact in progress, without a wrap-up after it")
  func shiftEnds() throws {
    var floor = Floor(site { $0.queues[0].wrapUp = .seconds(30) })
    floor.signIn(0)
    let contact = floor.arrive()
    try floor.answer(0)
    floor.say(.agentSignedOut(AgentID(0)))
    #expect(floor.engine.state(of: contact) == .answered(AgentID(0)))
    #expect(floor.say(.contactFinished(contact)) == [.contactEnded(contact, agent: AgentID(0), .agentLeft)])
  }
}
