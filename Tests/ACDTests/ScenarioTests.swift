@testable import ACD
import Primitives
import Testing

/// Regressions from other switches' trackers, exact. Scenario 2 needs a whole server, 17 is call control's, 6, 12 and 14
/// stand with callbacks and transfers, 16 with the overflows; `TidyTests` sees that all eighteen are there.
@Suite struct ScenarioTests {
  @Test("Scenario 1: two agents accept in the same tick, and one of them has the contact")
  func twoAccepts() throws {
    var floor = Floor(site(agents: 2) { $0.queues[0].policy = .broadcast })
    floor.signIn(0, 1)
    let contact = floor.arrive()
    let (first, second) = (try #require(floor.offer(0)), try #require(floor.offer(1)))
    #expect(
      floor.say(.offerAccepted(second)) == [
        .offerAccepted(second, contact, AgentID(1)), .offerWithdrawn(first, contact, AgentID(0), .acceptedByOther),
      ])
    #expect(floor.say(.offerAccepted(first)).isEmpty)
    #expect(floor.say(.offerAccepted(second)).isEmpty)
    floor.say(.offerConnected(second))
    #expect(floor.engine.state(of: contact) == .answered(AgentID(1)))
    #expect(floor.engine.summary(of: AgentID(0)).slots.isEmpty)
  }

  @Test("Scenario 3: a caller who hangs up before the offer is delivered leaves no ring and one outcome")
  func hangUpBeforeRing() throws {
    var floor = Floor(site())
    floor.signIn(0)
    let contact = floor.arrive()
    let offer = try #require(floor.offer(0))
    #expect(
      floor.say(.contactLeft(contact)) == [
        .offerWithdrawn(offer, contact, AgentID(0), .contactLeft),
        .outcomeFixed(contact, queue: QueueID(0), agent: .none, .abandoned),
      ])
    #expect(floor.actions == [.stopRinging(offer, contact, AgentID(0)), .release(contact), .forget(contact)])
    #expect(floor.say(.offerAccepted(offer)).isEmpty)
    #expect(floor.say(.contactLeft(contact)).isEmpty)
    let next = floor.arrive()
    #expect(floor.isOffered(next, to: 0))
  }

  @Test("Scenario 4: an agent who goes on break during an offer ends it once and is not offered it again")
  func breakDuringOffer() throws {
    var floor = Floor(site(agents: 2))
    floor.signIn(0)
    let contact = floor.arrive()
    let offer = try #require(floor.offer(0))
    let lunch = ReasonID(index: 7)
    #expect(
      floor.say(.agentNotReady(AgentID(0), lunch)) == [
        .agentNotReady(AgentID(0), lunch), .offerWithdrawn(offer, contact, AgentID(0), .agentNotReady),
      ])
    #expect(floor.say(.offerDeclined(offer)).isEmpty)
    #expect(floor.pass(.minutes(5)).isEmpty)
    #expect(floor.isWaiting(contact))
    floor.signIn(1)
    #expect(floor.isOffered(contact, to: 1))
  }

  @Test("Scenario 5: the last agent of a serial list takes a break, and the next pass starts at the top")
  func serialFromTheTop() throws {
    var floor = Floor(
      site(agents: 3) {
        $0.queues[0].policy = .serial
        $0.queues[0].order = [AgentID(2), AgentID(0), AgentID(1)]
      })
    floor.signIn(2, 0, 1)
    let contacts = (0..<3).map { _ in floor.arrive() }
    #expect([2, 0, 1].enumerated().allSatisfy { floor.isOffered(contacts[$0], to: $1) })
    try floor.answer(2)
    try floor.answer(0)
    floor.say(.agentNotReady(AgentID(1), .unspecified))
    #expect(floor.isWaiting(contacts[2]))
    floor.say(.contactFinished(contacts[1]))
    #expect(floor.isOffered(contacts[2], to: 0), "whoever of the list is free, the last one's break stops nobody")
    floor.say(.contactFinished(contacts[0]))
    let next = floor.arrive()
    #expect(floor.isOffered(next, to: 2), "and the next pass starts at the top")
  }

  @Test("Scenario 8: an agent whom a heavy queue's contacts cannot have takes the light queue's at once")
  func heavyQueueOutOfReach() {
    var floor = Floor(
      site(queues: 2, agents: 2) {
        $0.profiles.append(Profile(needs: [.init(skill: SkillID(index: 0), level: 50)]))
        $0.queues[0].priority = 100
        $0.queues[0].ladder = [LadderStep(after: .minutes(1), changes: [.drop(SkillID(index: 0))])]
        $0.agents[1].skills = [.init(skill: SkillID(index: 0), level: 50)]
      })
    floor.signIn(1)
    let talk = floor.arrive(0, profile: 1)
    #expect(floor.isOffered(talk, to: 1))
    let heavy = floor.arrive(0, profile: 1)
    let light = floor.arrive(1)
    floor.signIn(0)
    #expect(floor.isOffered(light, to: 0), "the heavy contact is outside its window")
    #expect(floor.isWaiting(heavy))
  }

  @Test("Scenario 7: an agent in three queues ends one call, and the counters of one queue move by one")
  func oneCallCountsOnce() throws {
    var floor = Floor(site(queues: 3) { for queue in 0..<3 { $0.queues[queue].wrapUp = .seconds(10) } })
    floor.signIn(0)
    let contact = floor.arrive(1)
    floor.pass(.seconds(4))
    try floor.answer(0)
    floor.say(.contactFinished(contact))
    floor.pass(.minutes(1))
    var expected = QueueCounters()
    #expect(floor.engine.summary(of: QueueID(0)).counters == expected)
    #expect(floor.engine.summary(of: QueueID(2)).counters == expected)
    expected.entered = 1
    expected.answered = 1
    expected.answeredWithin = 1
    expected.answeredWait = .seconds(4)
    expected.handled = 1
    expected.wrapUp = .seconds(10)
    #expect(floor.engine.summary(of: QueueID(1)).counters == expected)
  }

  @Test("Scenario 9: a late caller of high priority and long waiters elsewhere are served as the key says")
  func priorityAgainstWaiting() throws {
    // One point per minute in the slow queue; the urgent one starts five points above and does not age.
    var floor = Floor(
      site(queues: 2) {
        $0.queues[0].aging = 1_000
        $0.queues[1].priority = 5
      })
    let old = floor.arrive(0)
    floor.pass(.minutes(4))
    let young = floor.arrive(0)
    floor.pass(.minutes(2))
    let urgent = floor.arrive(1)
    floor.signIn(0)
    #expect(floor.isOffered(old, to: 0), "six minutes are six points")
    try floor.answer(0)
    floor.say(.contactLeft(old))
    #expect(floor.isOffered(urgent, to: 0), "two minutes are two points")
    try floor.answer(0)
    floor.say(.contactLeft(urgent))
    #expect(floor.isOffered(young, to: 0))
  }

  @Test("Scenario 10: an agent whose phone is gone is parked, and the others serve")
  func phoneGone() throws {
    var floor = Floor(
      site(agents: 2) {
        $0.queues[0].missedLimit = 3; $0.queues[0].retry = .seconds(1)
      })
    floor.signIn(0, 1)
    let busy = floor.arrive()
    #expect(floor.isOffered(busy, to: 0))
    floor.say(.agentNotReady(AgentID(1), .unspecified))
    // Three rings of twenty seconds, each followed by a second of rest.
    let events = floor.pass(.seconds(62))
    #expect(events.count { if case .offerMissed = $0 { true } else { false } } == 3)
    #expect(floor.engine.summary(of: AgentID(0)).presence == .notReady(.missed))
    floor.say(.agentReady(AgentID(1)))
    #expect(floor.isOffered(busy, to: 1))
    try floor.answer(1)
    #expect(floor.engine.state(of: busy) == .answered(AgentID(1)))
    // Without a binding there is no miss at all: the first failure parks, and the REGISTER ends it.
    floor.say(.agentReady(AgentID(0)))
    let next = floor.arrive()
    let offer = try #require(floor.offer(0))
    floor.say(.offerFailed(offer, .unreachable))
    #expect(floor.engine.summary(of: AgentID(0)).presence == .notReady(.unreachable))
    #expect(floor.isWaiting(next))
    floor.say(.agentReachable(AgentID(0)))
    #expect(floor.isOffered(next, to: 0))
  }

  #if DEBUG
    @Test("Scenario 11: 40,000 queues with 75,000 memberships, and a change of state costs the agent's own queues")
    func manyQueues() {
      var definitions = Definitions()
      for queue in 0..<40_000 {
        var definition = QueueDefinition(name: "queue \(queue)")
        if queue % 4 == 0 { definition.ladder = [LadderStep(after: .minutes(1), changes: [.also(QueueID(queue + 1))])] }
        definition.policy = Policy.allCases[queue % Policy.allCases.count]
        definitions.queues.append(definition)
      }
      // 3,750 agents in 20 queues each.
      for agent in 0..<3_750 {
        var definition = AgentDefinition(name: "agent \(agent)")
        definition.queues = (0..<20).map { .init(queue: QueueID((agent * 20 + $0 * 7) % 40_000)) }
        definitions.agents.append(definition)
      }
      var engine = Engine(definitions: definitions)
      var step = Step()
      let now = Instant(microseconds: 1_700_000_000_000_000)
      for agent in 0..<3_750 {
        engine.handle(.agentSignedIn(AgentID(agent)), at: now, into: &step)
        engine.handle(.agentReady(AgentID(agent)), at: now, into: &step)
      }
      for input in [Input.agentNotReady(AgentID(1_234), .unspecified), .agentReady(AgentID(1_234))] {
        step.removeAll()
        let before = engine.touched
        engine.handle(input, at: now + 1, into: &step)
        #expect(step.events.count == 1)
        // Two kinds, in the ready lists, in the count of who is on duty, and one look at the line.
        #expect((20...100).contains(engine.touched - before), "\(input): \(engine.touched - before)")
      }
    }
  #endif

  @Test("Scenario 13: of four chats at a capacity of three, the fourth is served before a fifth")
  func fourChats() throws {
    var floor = Floor(site { $0.agents[0].chatCapacity = 3 })
    floor.signIn(0)
    var chats: [ContactID] = []
    for _ in 0..<3 {
      chats.append(floor.arrive(.chat))
      try floor.answer(0)
    }
    chats.append(floor.arrive(.chat))
    #expect(floor.isWaiting(chats[3]))
    floor.say(.contactFinished(chats[1]))
    #expect(floor.isOffered(chats[3], to: 0))
    let fifth = floor.arrive(.chat)
    try floor.answer(0)
    #expect(floor.engine.state(of: chats[3]) == .answered(AgentID(0)))
    #expect(floor.isWaiting(fifth))
  }

  @Test("Scenario 15: a caller whom an agent declines goes on waiting, next agent first, without a jump")
  func decline() throws {
    var floor = Floor(site(agents: 2))
    floor.signIn(0)
    let urgent = floor.arrive(priority: 3)
    let declined = floor.arrive()
    let behind = floor.arrive()
    try floor.answer(0)
    #expect(floor.engine.state(of: urgent) == .answered(AgentID(0)))
    floor.say(.contactLeft(urgent))
    let offer = try #require(floor.offer(0))
    #expect(floor.isOffered(declined, to: 0))
    floor.say(.agentSignedIn(AgentID(1)))
    let more = floor.arrive(priority: 1)
    floor.say(.offerDeclined(offer))
    #expect(floor.actions.first == .stopRinging(offer, declined, AgentID(0)))
    #expect(!floor.actions.contains(.release(declined)))
    #expect(floor.isOffered(more, to: 0), "the declined contact stays behind a higher priority")
    floor.say(.agentReady(AgentID(1)))
    #expect(floor.isOffered(declined, to: 1), "and before those who came after it")
    #expect(floor.isWaiting(behind))
  }

  @Test("Scenario 18: the first tier is on a break to the last, and the second is reached at once, with the reason")
  func tierOnBreak() {
    var floor = Floor(
      site(queues: 2, agents: 3) {
        $0.queues[0].ladder = [LadderStep(after: .minutes(1), changes: [.also(QueueID(1))])]
        for agent in 0..<3 { $0.agents[agent].queues = [.init(queue: QueueID(agent < 2 ? 0 : 1))] }
      })
    floor.signIn(0, 1, 2)
    floor.say(.agentNotReady(AgentID(0), .unspecified))
    let talk = floor.arrive(0)
    #expect(floor.isOffered(talk, to: 1))
    let waiting = floor.arrive(0)
    #expect(floor.isWaiting(waiting), "a busy agent is there, and is waited for")
    let events = floor.say(.agentNotReady(AgentID(1), .unspecified))
    #expect(events.contains(.ladderStepped(talk, step: 1, .unstaffed)))
    #expect(events.contains(.ladderStepped(waiting, step: 1, .unstaffed)))
    #expect(floor.isOffered(talk, to: 2), "who came first goes first")
    let next = floor.arrive(0)
    #expect(floor.journal.last?.event == .ladderStepped(next, step: 1, .unstaffed), "and newcomers at their entry")
  }
}

extension Floor {
  mutating func arrive(_ channel: Channel) -> ContactID { arrive(0, channel) }
}
