@testable import ACD
import Primitives
import Testing

@Suite struct LadderTests {
  private let billing = SkillID(index: 0)

  /// Agent 0 serves queue 0 and lacks the skill, agent 1 serves queue 0 and has it, agent 2 serves queue 1.
  private func tiers(_ ladder: [LadderStep]) -> Definitions {
    site(queues: 2, agents: 3) {
      $0.profiles.append(Profile(needs: [.init(skill: billing, level: 50)]))
      $0.queues[0].ladder = ladder
      $0.agents[0].skills = [.init(skill: billing, level: 20)]
      $0.agents[1].skills = [.init(skill: billing, level: 90)]
      for agent in 0..<3 { $0.agents[agent].queues = [.init(queue: QueueID(agent / 2))] }
    }
  }

  @Test("Steps widen by waited time to the microsecond, and the place in line is kept")
  func widens() throws {
    var floor = Floor(
      tiers([
        LadderStep(after: .seconds(60), changes: [.lower(billing, to: 20)]),
        LadderStep(after: .seconds(180), changes: [.drop(billing), .also(QueueID(1))]),
      ]))
    floor.signIn(0, 1, 2)
    let talk = floor.arrive(0, profile: 1)
    try floor.answer(1)
    let first = floor.arrive(0, profile: 1)
    floor.pass(.seconds(30))
    let second = floor.arrive(0, profile: 1)
    floor.pass(.seconds(30) - 1)
    #expect(floor.isWaiting(first))
    #expect(floor.pass(1).first == .ladderStepped(first, step: 1, .waited))
    #expect(floor.isOffered(first, to: 0))
    try floor.answer(0)
    floor.pass(.seconds(119))
    #expect(floor.isWaiting(second))
    let third = floor.arrive(0, profile: 1)
    floor.pass(.seconds(31))
    #expect(floor.isOffered(second, to: 2), "after 180 s")
    floor.say(.contactLeft(talk))
    #expect(floor.isOffered(third, to: 1), "who still needs the skill has it")
  }

  @Test("A skill that the queue asks of all its contacts is dropped for those who have waited, and for nobody before")
  func dropsTheQueuesOwn() throws {
    var definitions = tiers([LadderStep(after: .seconds(60), changes: [.drop(billing)])])
    definitions.queues[0].profile = ProfileID(index: 1)
    var floor = Floor(definitions)
    floor.signIn(0, 1)
    let talk = floor.arrive(0, profile: 1)
    #expect(floor.isOffered(talk, to: 1))
    try floor.answer(1)
    let waiting = floor.arrive(0, profile: 1)
    floor.pass(.seconds(60) - 1)
    #expect(floor.isWaiting(waiting))
    #expect(floor.engine.summary(of: QueueID(0)).ready == 0, "agent 0 lacks what a newcomer needs")
    floor.pass(1)
    #expect(floor.isOffered(waiting, to: 0))
  }

  @Test("An agent of an added queue serves the older contact first, whichever queue it waits in")
  func order() {
    var floor = Floor(tiers([LadderStep(after: .seconds(10), changes: [.also(QueueID(1))])]))
    floor.signIn(0)
    floor.say(.agentSignedIn(AgentID(1)))
    let talk = floor.arrive(0)
    #expect(floor.isOffered(talk, to: 0))
    let older = floor.arrive(0)
    floor.pass(.seconds(5))
    let younger = floor.arrive(1)
    floor.pass(.seconds(5))
    floor.signIn(2)
    #expect(floor.isOffered(older, to: 2))
    #expect(floor.isWaiting(younger))
  }

  @Test("A step that prefers an agent takes that one among the free, and holds nobody back")
  func prefers() {
    var floor = Floor(tiers([LadderStep(after: 0, changes: [.prefer(AgentID(1))])]))
    floor.signIn(0)
    floor.pass(.seconds(9))
    floor.signIn(1)
    let first = floor.arrive(0)
    #expect(floor.isOffered(first, to: 1))
    let second = floor.arrive(0)
    #expect(floor.isOffered(second, to: 0))
  }

  @Test("Who waits keeps the ladder of the entry, over a reload and a restart, until it is migrated")
  func versions() throws {
    var floor = Floor(tiers([LadderStep(after: .seconds(30), changes: [.also(QueueID(1))])]))
    floor.signIn(0)
    floor.say(.agentNotReady(AgentID(0), .unspecified))
    floor.say(.agentReady(AgentID(0)))
    let talk = floor.arrive(0)
    try floor.answer(0)
    let (kept, moved) = (floor.arrive(0), floor.arrive(0))
    var later = floor.engine.definitions
    later.queues[0].ladder = []
    floor.reconfigure(later)
    var reader = ByteReader(floor.checkpoint)
    let bytes = floor.checkpoint
    floor.engine = try Engine(checkpoint: &reader, definitions: later)
    #expect(floor.checkpoint == bytes)
    floor.signIn(2)
    floor.pass(.seconds(30))
    #expect(floor.isOffered(kept, to: 2), "the old ladder")
    #expect(floor.engine.state(of: talk) == .answered(AgentID(0)))
    floor.say(.offerDeclined(try #require(floor.offer(2))))
    #expect(floor.isOffered(moved, to: 2))
    floor.say(.offerDeclined(try #require(floor.offer(2))))
    let events = floor.say(.ladderMigrated(QueueID(0)))
    #expect(events == [.ladderMigrated(kept, step: 0), .ladderMigrated(moved, step: 0)])
    #expect(floor.pass(.minutes(5)).isEmpty, "nobody else has queue 0 now")
  }

  @Test("Several whose last agent leaves climb together, and who stands first is offered first")
  func climbTogether() {
    var floor = Floor(
      site(queues: 2, agents: 2) {
        $0.queues[0].ladder = [LadderStep(after: .minutes(1), changes: [.also(QueueID(1))])]
        for agent in 0..<2 { $0.agents[agent].queues = [.init(queue: QueueID(agent))] }
      })
    floor.signIn(0, 1)
    let talk = floor.arrive(0)
    #expect(floor.isOffered(talk, to: 0))
    let first = floor.arrive(0)
    let urgent = floor.arrive(0, priority: 5)
    floor.say(.contactLeft(talk))
    #expect(floor.isOffered(urgent, to: 0))
    let more = floor.arrive(0, priority: 9)
    floor.say(.agentNotReady(AgentID(0), .unspecified))
    #expect(floor.isOffered(more, to: 1), "neither the first to enter nor the one that rang")
    #expect(floor.isWaiting(first) && floor.isWaiting(urgent))
  }

  @Test("A contact that asks for an agent is held for that agent, then everybody may take it")
  func held() throws {
    var floor = Floor(tiers([]))
    floor.signIn(0, 1)
    let talk = floor.arrive(0)
    try floor.answer(0)
    let contact = ContactID(slot: 20, generation: 1)
    let arrival = Input.contactArrivedFor(
      AgentID(0), contact, queue: QueueID(0), profile: ProfileID(index: 0), channel: .voice, priority: 0)
    let events = floor.say(arrival)
    #expect(events.last == .agentPreferred(contact, AgentID(0), until: floor.now + .seconds(30)))
    #expect(floor.isWaiting(contact), "agent 1 is free")
    floor.pass(.seconds(29))
    #expect(floor.isWaiting(contact))
    #expect(floor.pass(.seconds(1)).first == .preferenceEnded(contact, AgentID(0), .waited))
    #expect(floor.isOffered(contact, to: 1))
    #expect(floor.engine.state(of: talk) == .answered(AgentID(0)))
  }

  @Test("A hold ends at once where the agent signs out, is not there, or declines")
  func holdInVain() throws {
    var floor = Floor(tiers([]))
    floor.signIn(0)
    let talk = floor.arrive(0)
    try floor.answer(0)
    var slot: UInt32 = 30
    func arrive(for agent: Int, _ floor: inout Floor) -> ContactID {
      slot += 1
      let contact = ContactID(slot: slot, generation: 1)
      floor.say(
        .contactArrivedFor(
          AgentID(agent), contact, queue: QueueID(0), profile: ProfileID(index: 0), channel: .voice, priority: 0))
      return contact
    }
    let absent = arrive(for: 1, &floor)
    #expect(floor.journal.last?.event == .preferenceEnded(absent, AgentID(1), .signedOut))
    let stranger = arrive(for: 2, &floor)
    #expect(floor.journal.last?.event == .preferenceEnded(stranger, AgentID(2), .signedOut))
    floor.signIn(2)
    let unable = arrive(for: 2, &floor)
    #expect(floor.journal.last?.event == .preferenceEnded(unable, AgentID(2), .unable))
    let held = arrive(for: 0, &floor)
    floor.say(.contactLeft(talk))
    #expect(floor.isOffered(absent, to: 0), "a hold is no jump")
    #expect(floor.say(.agentSignedOut(AgentID(0))).contains(.preferenceEnded(held, AgentID(0), .signedOut)))
  }

  @Test("The starvation bound: nothing, minutes by priority and aging, or unbounded")
  func starvation() {
    var definitions = site(queues: 3, agents: 1)
    let classes = (0..<3).map { ContactClass(queue: QueueID($0)) }
    #expect(definitions.overtaking(of: classes[0]).bound == .never, "first come, first served")
    definitions.queues[1].priority = 5
    #expect(definitions.overtaking(of: classes[0]).bound == .unbounded, "strict priority")
    #expect(definitions.overtaking(of: classes[1]).bound == .never)
    for queue in 0..<3 { definitions.queues[queue].aging = 500 }
    #expect(
      definitions.overtaking(of: classes[0]).bound == .within(.minutes(10)), "five points at half a point a minute")
    #expect(definitions.overtaking(of: classes[0]).by == classes[1])
    definitions.queues[2].aging = 600
    #expect(
      definitions.overtaking(of: classes[0]) == (.unbounded, classes[2]), "who ages faster overtakes all in the end")
    definitions.queues[2].aging = 0
    definitions.queues[2].priority = 4
    #expect(definitions.overtaking(of: classes[0], by: classes[2]) == .within(.minutes(8)))
    definitions.agents[0].queues = [.init(queue: QueueID(0))]
    #expect(definitions.overtaking(of: classes[0]).bound == .never, "no agent in common")
    definitions.queues[2].ladder = [LadderStep(after: .minutes(2), changes: [.also(QueueID(0))])]
    #expect(
      definitions.overtaking(of: classes[0], by: classes[2]) == .within(.minutes(6)), "two minutes later on the ladder")
  }
}

private func == (a: (bound: Overtaking, by: ContactClass?), b: (Overtaking, ContactClass)) -> Bool {
  a.bound == b.0 && a.by == b.1
}
