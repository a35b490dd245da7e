import ACD
import Primitives
import Testing

@testable import Simulator

@Suite("The auditor")
struct AuditorTests {
  @Test("The engine keeps every declared rule in a blended centre")
  func clean() {
    for replication in 0..<8 {
      let run = Centre.run(Centre.blended(), seed: 9, replication: UInt64(replication), isAudited: true)
      #expect(run.violations.isEmpty, "\(run.violations.prefix(3))")
      #expect(run.tally.groups.reduce(0) { $0 + $1.answered } > 300)
    }
  }

  @Test(
    "The engine keeps every declared rule under every policy, with ladders, callbacks and days",
    arguments: Policy.allCases)
  func cleanUnder(policy: Policy) {
    var plan = Centre.blended()
    plan.definitions.days = (0..<6).map { Instant(microseconds: 0) + $0 * .minutes(90) }
    for queue in 0..<3 {
      // Nobody picks here, so attendants only see that nothing is offered.
      plan.definitions.queues[queue].policy = policy == .attendant && queue > 0 ? .longestIdle : policy
      plan.definitions.queues[queue].window = queue == 0 ? .day : .shift
      plan.definitions.queues[queue].order = [7, 2, 9].map { AgentID(index: $0) }
      plan.definitions.queues[queue].prefer = [.init(skill: SkillID(index: 1), level: 60)]
      plan.definitions.queues[queue].chats = queue == 1 ? .fill : .spread
      plan.definitions.queues[queue].ladder = [
        LadderStep(after: .seconds(20), changes: [.lower(SkillID(index: 1), to: 40)]),
        LadderStep(after: .seconds(45), changes: [.also(QueueID(index: UInt32((queue + 1) % 3)))]),
        LadderStep(after: .seconds(90), changes: [.drop(SkillID(index: 0)), .prefer(AgentID(index: 3))]),
      ]
    }
    plan.definitions.queues[0].channels.append(.callback)
    plan.definitions.queues[0].callback = CallbackDefinition()
    plan.definitions.queues[0].overflow.full = .callback
    plan.definitions.queues[1].overflow.late = .queue(QueueID(index: 2))
    for replication in 0..<2 {
      let run = Centre.run(plan, seed: 4, replication: UInt64(replication), isAudited: true)
      #expect(run.violations.isEmpty, "\(run.violations.prefix(3))")
      #expect(run.tally.groups.reduce(0) { $0 + $1.answered } > 300)
    }
  }

  /// Two agents of one queue; the second lacks the skill of profile 1.
  private static let definitions: Definitions = {
    var definitions = Definitions()
    definitions.queues = [QueueDefinition(name: "queue"), QueueDefinition(name: "nobody's")]
    definitions.profiles.append(Profile(needs: [.init(skill: SkillID(index: 0), level: 50)]))
    for index in 0..<2 {
      var agent = AgentDefinition(name: "agent \(index)")
      agent.queues = [.init(queue: QueueID(index: 0))]
      agent.skills = [.init(skill: SkillID(index: 0), level: index == 0 ? 80 : 20)]
      agent.chatCapacity = 1
      definitions.agents.append(agent)
    }
    return definitions
  }()

  private static func contact(_ slot: Int) -> ContactID { ContactID(slot: UInt32(slot), generation: 0) }
  private static func arrival(_ slot: Int, queue: UInt32 = 0, profile: UInt32 = 0, priority: Int16 = 0) -> Input {
    .contactArrived(
      contact(slot), queue: QueueID(index: queue), profile: ProfileID(index: profile), channel: .voice,
      priority: priority)
  }
  private static func ring(_ offer: UInt64, _ slot: Int, _ agent: UInt32) -> Action {
    .ring(OfferID(sequence: offer), contact(slot), AgentID(index: agent))
  }
  private static func leaves(_ offer: UInt64, _ slot: Int, _ agent: UInt32) -> [Action] {
    [
      .stopRinging(OfferID(sequence: offer), contact(slot), AgentID(index: agent)), .release(contact(slot)),
      .forget(contact(slot)),
    ]
  }
  private static let agents = [AgentID(index: 0), AgentID(index: 1)]

  /// What a broken matcher says, second by second, and the rule it breaks.
  struct Mutant: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var rule: Violation.Rule
    var script: [(Input, [Action])]
    var change: @Sendable (inout Definitions) -> Void = { _ in }
  }

  static let mutants: [Mutant] = {
    let signIn: [(Input, [Action])] = agents.flatMap { [(.agentSignedIn($0), []), (.agentReady($0), [])] }
    let first = Array(signIn.prefix(2))
    return [
      Mutant(
        testDescription: "offers one agent two contacts", rule: .oneOffer,
        script: first + [(arrival(0), [ring(1, 0, 0)]), (arrival(1), [ring(2, 1, 0)])]),
      Mutant(
        testDescription: "offers a contact that is on offer", rule: .oneOffer,
        script: signIn + [(arrival(0), [ring(1, 0, 0), ring(2, 0, 1)])]),
      Mutant(
        testDescription: "offers an agent in talk another call", rule: .capacity,
        script: first + [
          (arrival(0), [ring(1, 0, 0)]),
          (.offerAccepted(OfferID(sequence: 1)), [.connect(OfferID(sequence: 1), contact(0), agents[0])]),
          (.offerConnected(OfferID(sequence: 1)), []), (arrival(1), [ring(2, 1, 0)]),
        ]),
      Mutant(
        testDescription: "ignores skill levels", rule: .eligibility,
        script: signIn + [(arrival(0, profile: 1), [ring(1, 0, 1)])]),
      Mutant(
        testDescription: "offers to an agent on a break", rule: .eligibility,
        script: first + [(.agentNotReady(agents[0], .unspecified), []), (arrival(0), [ring(1, 0, 0)])]),
      Mutant(
        testDescription: "serves last come first", rule: .order,
        script: [
          (arrival(0), []), (arrival(1), []), (.agentSignedIn(agents[0]), []),
          (.agentReady(agents[0]), [ring(1, 1, 0)]),
        ]),
      Mutant(
        testDescription: "ignores priority", rule: .order,
        script: [
          (arrival(0), []), (arrival(1, priority: 5), []), (.agentSignedIn(agents[0]), []),
          (.agentReady(agents[0]), [ring(1, 0, 0)]),
        ]),
      Mutant(
        testDescription: "offers to whom was idle last", rule: .policy,
        script: signIn + [(arrival(0), [ring(1, 0, 1)])]),
      Mutant(
        testDescription: "forgets to match a newcomer", rule: .unmatched, script: first + [(arrival(0), [])]),
      Mutant(
        testDescription: "forgets to match a freed agent", rule: .unmatched,
        script: [(arrival(0), []), (.agentSignedIn(agents[0]), []), (.agentReady(agents[0]), [])]),
      Mutant(
        testDescription: "offers a declined contact again at once", rule: .retry,
        script: first + [
          (arrival(0), [ring(1, 0, 0)]),
          (
            .offerDeclined(OfferID(sequence: 1)),
            [.stopRinging(OfferID(sequence: 1), contact(0), agents[0]), ring(2, 0, 0)]
          ),
        ]),
      Mutant(
        testDescription: "goes round and asks the same agent again", rule: .policy,
        script: signIn + [
          (arrival(0), [ring(1, 0, 0)]), (.contactLeft(contact(0)), leaves(1, 0, 0)), (arrival(1), [ring(2, 1, 0)]),
        ], change: { $0.queues[0].policy = .roundRobin }),
      Mutant(
        testDescription: "begins a serial list at its end", rule: .policy,
        script: signIn + [(arrival(0), [ring(1, 0, 0)])],
        change: {
          $0.queues[0].policy = .serial
          $0.queues[0].order = [agents[1], agents[0]]
        }),
      Mutant(
        testDescription: "offers to who has taken more contacts", rule: .policy,
        script: signIn + [
          (arrival(0), [ring(1, 0, 0)]),
          (.offerAccepted(OfferID(sequence: 1)), [.connect(OfferID(sequence: 1), contact(0), agents[0])]),
          (.offerConnected(OfferID(sequence: 1)), []),
          (.contactFinished(contact(0)), [.release(contact(0)), .forget(contact(0))]), (arrival(1), [ring(2, 1, 0)]),
        ], change: { $0.queues[0].policy = .fewestContacts }),
      Mutant(
        testDescription: "offers to who has less of what is wished", rule: .policy,
        script: signIn + [(arrival(0), [ring(1, 0, 1)])],
        change: {
          $0.queues[0].policy = .bestSkilled
          $0.queues[0].prefer = [.init(skill: SkillID(index: 0), level: 80)]
        }),
      Mutant(
        testDescription: "takes a step of the ladder too early", rule: .eligibility,
        script: signIn + [(arrival(0, profile: 1), [ring(1, 0, 0)]), (arrival(1, profile: 1), [ring(2, 1, 1)])],
        change: { $0.queues[0].ladder = [LadderStep(after: .seconds(5), changes: [.drop(SkillID(index: 0))])] }),
      Mutant(
        testDescription: "never takes a step of the ladder", rule: .unmatched,
        script: signIn
          + [
            (arrival(0, profile: 1), [ring(1, 0, 0)]), (arrival(1, profile: 1), []), (.timersDue, []), (.timersDue, []),
          ],
        change: { $0.queues[0].ladder = [LadderStep(after: .seconds(2), changes: [.drop(SkillID(index: 0))])] }),
      Mutant(
        testDescription: "waits for a pool with nobody on duty", rule: .unmatched,
        script: first + [(arrival(0, queue: 1), [])],
        change: {
          $0.queues[1].ladder = [LadderStep(after: .minutes(1), changes: [.also(QueueID(index: 0))])]
        }),
      Mutant(
        testDescription: "lets a contact leave twice", rule: .oneOutcome,
        script: [
          (arrival(0), []), (.contactLeft(contact(0)), [.release(contact(0)), .forget(contact(0))]),
          (.contactLeft(contact(0)), [.release(contact(0)), .forget(contact(0))]),
        ]),
    ]
  }()

  @Test("A broken matcher is caught", arguments: mutants)
  func mutant(_ mutant: Mutant) {
    var definitions = Self.definitions
    mutant.change(&definitions)
    var auditor = Auditor(definitions: definitions)
    var now = Instant(microseconds: 0)
    for (input, actions) in mutant.script {
      now = now + .seconds(1)
      auditor.check(input, actions[...], at: now)
      auditor.checkQuiet(at: now)
    }
    #expect(auditor.violations.contains { $0.rule == mutant.rule }, "\(auditor.violations)")
  }

  @Test("A clean script breaks no rule")
  func cleanScript() {
    var auditor = Auditor(definitions: Self.definitions)
    var now = Instant(microseconds: 0)
    let script: [(Input, [Action])] = [
      (.agentSignedIn(Self.agents[0]), []), (.agentReady(Self.agents[0]), []),
      (Self.arrival(0), [Self.ring(1, 0, 0)]),
      (.offerAccepted(OfferID(sequence: 1)), [.connect(OfferID(sequence: 1), Self.contact(0), Self.agents[0])]),
      (.offerConnected(OfferID(sequence: 1)), []), (Self.arrival(1), []),
      (
        .contactFinished(Self.contact(0)),
        [.release(Self.contact(0)), .forget(Self.contact(0)), Self.ring(2, 1, 0)]
      ),
    ]
    for (input, actions) in script {
      now = now + .seconds(1)
      auditor.check(input, actions[...], at: now)
      auditor.checkQuiet(at: now)
    }
    #expect(auditor.violations.isEmpty, "\(auditor.violations)")
  }
}
