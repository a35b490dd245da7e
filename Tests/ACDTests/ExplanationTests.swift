@testable import ACD
import Primitives
import Testing

@Suite struct ExplanationTests {
  private let german = SkillID(index: 0)

  private func explain(_ floor: Floor, _ contact: ContactID, _ agents: Int...) throws -> Explanation {
    try #require(floor.engine.explanation(of: contact, agents: agents.map { AgentID($0) }, at: floor.now))
  }

  private func failed(_ explanation: Explanation, _ agent: Int) -> [Explanation.Test.Subject] {
    explanation.candidates.first { $0.agent == AgentID(agent) }?.tests.filter { !$0.passes }.map(\.subject) ?? []
  }

  /// The engine as it stood before the journal's `offerMade` with this sequence.
  private func before(_ offer: OfferID, _ floor: Floor) -> Engine {
    var engine = Engine(definitions: floor.engine.definitions)
    for record in floor.journal where record.sequence < offer.sequence {
      engine.replay(record.event, at: record.instant, sequence: record.sequence)
    }
    return engine
  }

  @Test("Each reason why an agent is passed over is a failed test with its values")
  func reasons() throws {
    var floor = Floor(
      site(queues: 2, agents: 8) {
        $0.profiles.append(Profile(needs: [.init(skill: german, level: 50)]))
        for agent in 0..<8 { $0.agents[agent].skills = [.init(skill: german, level: 60)] }
        $0.agents[1].skills = [.init(skill: german, level: 30)]
        $0.agents[2].skills = []
        $0.agents[3].queues = [.init(queue: QueueID(1))]
        $0.agents[7].voiceCapacity = 0
      })
    floor.signIn(1, 2, 3, 5, 6, 7)
    floor.say(.agentSignedIn(AgentID(4)))
    floor.say(.agentNotReady(AgentID(4), ReasonID(index: 7)))
    floor.say(.agentNotReady(AgentID(6), .unspecified))
    let talk = floor.arrive(profile: 1)
    try floor.answer(5)
    floor.say(.agentReady(AgentID(6)))
    let contact = floor.arrive(profile: 1)
    let missed = try #require(floor.offer(6))
    floor.say(.offerDeclined(missed))
    let retry = floor.now + .seconds(10)
    floor.pass(.seconds(4))
    let explanation = try explain(floor, contact, 3)
    #expect(explanation.standing == .inLine)
    #expect(explanation.needs == [.init(skill: german, level: 50)])
    #expect(failed(explanation, 0) == [.ready(.signedOut)])
    #expect(failed(explanation, 1) == [.skill(german, needed: 50, level: 30)])
    #expect(failed(explanation, 2) == [.skill(german, needed: 50, level: nil)])
    #expect(failed(explanation, 3) == [.member([])])
    #expect(failed(explanation, 4) == [.ready(.notReady(ReasonID(index: 7)))])
    #expect(failed(explanation, 5) == [.slot(calls: 1, chats: 0, capacity: 1)])
    #expect(failed(explanation, 6) == [.retry(until: retry)])
    #expect(failed(explanation, 7) == [.slot(calls: 0, chats: 0, capacity: 0)])
    floor.say(.contactLeft(contact))
    #expect(floor.engine.explanation(of: contact, at: floor.now) == nil)
    let second = floor.arrive(profile: 1)
    #expect(floor.isOffered(second, to: 6), "the pair was left alone, not the agent")
    let third = floor.arrive(profile: 1)
    #expect(failed(try explain(floor, third), 6) == [.unoffered(second)])
    floor.say(.offerFailed(try #require(floor.offer(6)), .busy))
    #expect(failed(try explain(floor, second), 6) == [.backOff(until: floor.now + .seconds(5))])
    #expect(try explain(floor, talk).standing == .answered(AgentID(5)))
  }

  @Test("A contact that is held waits for its agent, and for nobody else")
  func held() throws {
    var floor = Floor(site(agents: 2))
    floor.signIn(0, 1)
    let talk = floor.arrive()
    try floor.answer(0)
    let contact = ContactID(slot: 20, generation: 1)
    floor.say(
      .contactArrivedFor(
        AgentID(0), contact, queue: QueueID(0), profile: ProfileID(index: 0), channel: .voice, priority: 0))
    let explanation = try explain(floor, contact)
    #expect(explanation.heldFor == AgentID(0))
    #expect(failed(explanation, 1) == [.unreserved(AgentID(0))])
    #expect(failed(explanation, 0) == [.slot(calls: 1, chats: 0, capacity: 1)])
    floor.say(.contactLeft(talk))
    #expect(floor.isOffered(contact, to: 0))
  }

  @Test("Contacts of attendants are offered to nobody, and the explanation says so")
  func attendants() throws {
    var floor = Floor(site { $0.queues[0].policy = .attendant })
    floor.signIn(0)
    let contact = floor.arrive()
    #expect(failed(try explain(floor, contact), 0) == [.offering(QueueID(0))])
  }

  @Test("Scenario 9: a late caller of high priority, long waiters in another queue, and the journal shows why")
  func journalShowsWhy() throws {
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
    let first = try #require(floor.offer(0))
    let why = try #require(before(first, floor).explanation(of: old, agents: [AgentID(0)], at: floor.now))
    #expect(why.rank.effective == 6 && why.rank.aging == 1_000)
    #expect(why.candidates.map(\.agent) == [AgentID(0)])
    #expect(why.candidates[0].ahead.isEmpty)
    let urgentThen = try #require(before(first, floor).explanation(of: urgent, at: floor.now))
    #expect(urgentThen.rank.effective == 5)
    #expect(urgentThen.candidates[0].ahead.map(\.contact) == [old], "six minutes are six points")
    let youngThen = try #require(before(first, floor).explanation(of: young, at: floor.now))
    #expect(youngThen.candidates[0].ahead.map(\.contact) == [old, urgent], "and two minutes are two")
    #expect(youngThen.candidates[0].ahead.map(\.effective) == [6, 5])
    #expect(youngThen.candidates[0].aheadCount == 2)
  }

  @Test(
    "Scenario 8: an agent outside the heavy queue's skills gets the light queue's call, and why not the heavy one's")
  func heavyQueue() throws {
    var floor = Floor(
      site(queues: 2, agents: 2) {
        $0.profiles.append(Profile(needs: [.init(skill: german, level: 50)]))
        $0.queues[0].priority = 100
        $0.queues[0].profile = ProfileID(index: 1)
        $0.agents[1].skills = [.init(skill: german, level: 90)]
      })
    let heavy = floor.arrive(0, profile: 1)
    let light = floor.arrive(1)
    floor.signIn(0)
    let offer = try #require(floor.offer(0))
    #expect(floor.isOffered(light, to: 0))
    let why = try #require(before(offer, floor).explanation(of: light, agents: [AgentID(0)], at: floor.now))
    #expect(why.candidates[0].ahead.isEmpty, "a weight that the agent may not serve blocks nothing")
    #expect(failed(try explain(floor, heavy), 0).first == .skill(german, needed: 50, level: nil))
    #expect(failed(try explain(floor, heavy), 1) == [.ready(.signedOut)])
  }

  @Test("The measure of each policy stands beside the agents, in the order in which they would be asked")
  func measures() throws {
    func keys(_ policy: Policy, _ change: (inout Definitions) -> Void = { _ in }) throws -> [Explanation.Candidate] {
      var floor = Floor(
        site(agents: 3) {
          $0.queues[0].policy = policy
          $0.queues[0].order = [AgentID(2), AgentID(0)]
          $0.queues[0].prefer = [.init(skill: german, level: 80)]
          $0.agents[1].skills = [.init(skill: german, level: 90)]
          change(&$0)
        })
      floor.signIn(0, 1, 2)
      let talk = floor.arrive(.voice)
      if policy != .attendant { try floor.answer(Int(try explain(floor, talk, 0).offeredTo[0].index)) }
      floor.pass(.seconds(30))
      floor.say(.contactLeft(talk))
      floor.pass(.seconds(30))
      let contact = floor.arrive(.voice)
      let offer = try #require(floor.engine.state.liveOffers(of: Int(contact.slot)).first)
      let engine = before(OfferID(sequence: offer.sequence), floor)
      let why = try #require(engine.explanation(of: contact, at: floor.now))
      #expect(why.candidates.first?.agent == AgentID(offer.agent))
      return why.candidates
    }
    let idle = try keys(.longestIdle)
    #expect(idle.map(\.agent) == [AgentID(1), AgentID(2), AgentID(0)])
    #expect(idle.map(\.key?.measure) == [.idle, .idle, .idle])
    let turn = try keys(.roundRobin)
    #expect(turn.map(\.agent) == [AgentID(1), AgentID(2), AgentID(0)])
    #expect(turn[0].key?.measure == .turn(after: AgentID(0)))
    #expect(try keys(.serial).map(\.key?.measure) == [.position(1), .position(2), .position(4)])
    #expect(
      try keys(.fewestContacts).map(\.key?.measure)
        == [.contacts(0, .shift), .contacts(0, .shift), .contacts(1, .shift)])
    let occupied = try keys(.leastOccupied)
    #expect(occupied.last?.key?.measure == .occupancy(1, .shift))
    #expect(try keys(.bestSkilled).map(\.key?.measure) == [.score(80), .score(0), .score(0)])
  }

  @Test("What a queue asks at its door, with the values")
  func admission() throws {
    var floor = Floor(
      site {
        $0.queues[0].waitingLimit = 1
        $0.queues[0].hours = Hours(open: [floorStart..<floorStart + .minutes(10)])
      })
    _ = floor.arrive()
    floor.say(.agentSignedIn(AgentID(0)))
    func ask() throws -> Admission { try #require(floor.engine.admission(to: QueueID(0), over: .voice, at: floor.now)) }
    var admission = try ask()
    #expect(admission.refusal == .full && admission.waiting == 1 && admission.waitingLimit == 1)
    #expect(admission.isOpen == true && admission.signedIn == 1)
    floor.pass(.minutes(11))
    admission = try ask()
    #expect(admission.refusal == .closed && admission.isOpen == false && admission.nextOpening == nil)
  }
}

private let floorStart = Instant(microseconds: 1_700_000_000_000_000)

extension Explanation {
  fileprivate var offeredTo: [AgentID] { if case .offered(let agents) = standing { agents } else { [] } }
}

extension FuzzTests {
  @Test("What explains a decision is what made it, whatever was said before", arguments: 200..<212)
  func explanations(seed: Int) throws {
    var swarm = Swarm(seed: UInt64(seed))
    swarm.isQuiet = seed.isMultiple(of: 3)
    var past = Engine(definitions: swarm.definitions)
    var told = 0
    for number in 0..<1_500 {
      swarm.stir(checking: false)
      for (index, record) in swarm.journal.enumerated().dropFirst(told) {
        if case .offerMade(let contact, _, let agent) = record.event {
          let next = index + 1 < swarm.journal.count ? swarm.journal[index + 1].event : nil
          let isPick = next == .offerAccepted(OfferID(sequence: record.sequence), contact, agent)
          let why = try #require(past.explanation(of: contact, agents: [agent], at: record.instant))
          if !isPick { judge(why, agent, record) }
        }
        past.replay(record.event, at: record.instant, sequence: record.sequence)
      }
      told = swarm.journal.count
      if number % 50 == 0 { compare(swarm.engine, at: swarm.now) }
    }
  }

  /// The contact was the first for the agent, or the agent the first for the contact.
  private func judge(_ why: Explanation, _ agent: AgentID, _ record: Floor.Record) {
    guard let own = why.candidates.first(where: { $0.agent == agent }), own.passes else {
      Issue.record("\(agent) passes no test: \(why.candidates) at \(record)")
      return
    }
    if why.candidates[0].agent != agent, own.aheadCount > 0 { Issue.record("\(agent) is not first: \(why)") }
  }

  /// Test by test and pair by pair, what is said to pass is what the matcher takes.
  private func compare(_ engine: Engine, at now: Instant) {
    for slot in engine.state.contacts.indices where engine.state.contacts[slot].phase == .waiting {
      let all = engine.definitions.agents.indices.map { AgentID($0) }
      let why = engine.explanation(of: engine.state.contactID(slot), agents: all, at: now)
      #expect(Set(why?.candidates.map(\.agent) ?? []) == Set(all))
      let held = engine.state.contacts[slot].heldFor
      for candidate in why?.candidates ?? [] {
        let agent = Int(candidate.agent.index)
        let isTaken = engine.state.isFree(agent, for: slot, at: now) && (held < 0 || Int(held) == agent)
        if candidate.passes != isTaken { Issue.record("agent \(agent), contact \(slot): \(candidate.tests)") }
      }
      if why?.standing == .inLine || why?.standing == .lost {
        let first = why?.candidates.first { $0.passes }.map { Int($0.agent.index) }
        #expect(first == engine.state.firstAgent(for: slot, at: now))
      }
    }
  }
}
