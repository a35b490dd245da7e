import ACD
import Primitives

@testable import Simulator

/// Worlds for tests.
enum Centre {
  /// One queue of voice; 50 agents unless said otherwise, 48 Erlang, patience of two minutes.
  static func markov(agents: Int = 50, contacts: Double = 5_000, redial: Double = 0) -> Plan {
    var plan = QueueingModel(
      arrivalRate: 0.2, meanHandle: 240, agents: agents, patience: .exponential(mean: 120)
    ).plan(contacts: contacts, warmUp: 0, thresholds: [20])
    if redial > 0 {
      var again = plan
      var callers = plan.callers[0]
      callers.redial = redial
      callers.redialAfter = .exponential(mean: 60e6)
      again = Plan(definitions: plan.definitions, start: plan.start, end: plan.end)
      again.agents = plan.agents
      again.thresholds = plan.thresholds
      again.add(callers, rates: [0.2e-6], interval: .max)
      plan = again
    }
    return plan
  }

  /// Everything at once: three queues with priorities, aging, wrap-up and limits, chat and voice, skills and levels,
  /// shifts with breaks, offers answered late or missed, redials and a busyness factor.
  static func blended() -> Plan {
    var definitions = Definitions()
    definitions.profiles.append(Profile(needs: [.init(skill: SkillID(index: 0), level: 50)]))
    definitions.profiles.append(Profile(needs: [.init(skill: SkillID(index: 1), level: 70)]))
    for (index, name) in ["support", "sales", "billing"].enumerated() {
      var queue = QueueDefinition(name: name)
      queue.priority = Int16(index * 3)
      queue.aging = Int32(index * 500)
      queue.wrapUp = .seconds(Int64(index) * 10)
      queue.waitLimit = .minutes(6)
      queue.waitingLimit = 15
      queue.shortAbandon = .seconds(3)
      definitions.queues.append(queue)
    }
    for index in 0..<12 {
      var agent = AgentDefinition(name: "agent \(index)")
      agent.skills = [
        .init(skill: SkillID(index: 0), level: UInt8(30 + index * 5)),
        .init(skill: SkillID(index: 1), level: UInt8(100 - index * 7)),
      ]
      agent.queues = (0..<3).filter { (index + $0) % 3 != 0 }.map {
        .init(queue: QueueID(index: UInt32($0)), rank: UInt8($0))
      }
      agent.take = index % 4 == 0 ? .agentRank : .oldest
      agent.chatCapacity = UInt8(index % 3)
      agent.chatBlocksVoice = index % 5 == 0
      definitions.agents.append(agent)
    }
    let hour: Int64 = .minutes(60)
    var plan = Plan(definitions: definitions, start: Instant(microseconds: 0), end: Instant(microseconds: 6 * hour))
    plan.thresholds = [.seconds(20)]
    for queue in 0..<3 {
      var callers = Plan.Callers(queue: QueueID(index: UInt32(queue)))
      callers.voice = 0.6
      callers.patience = .lognormal(mean: 150e6, cv: 1.2)
      callers.handleVoice = .lognormal(mean: 240e6, cv: 0.8)
      callers.handleChat = .exponential(mean: 300e6)
      callers.redial = 0.5
      callers.redialAfter = .exponential(mean: 300e6)
      callers.busyness = 20
      plan.add(
        callers, rates: [40, 70, 60, 50, 80, 20].map { $0 / Double(hour) }, interval: hour,
        needs: [(ProfileID(index: 0), 0.4), (ProfileID(index: 1), 0.3), (ProfileID(index: 2), 0.3)])
    }
    plan.agents = (0..<12).map { index in
      let late = Int64(index % 3) * hour / 2
      return Plan.Shifts(
        agent: AgentID(index: UInt32(index)), spans: [late..<(5 * hour + late)],
        breaks: [(2 * hour + late)..<(2 * hour + late + .minutes(15))], answersIn: .exponential(mean: 4e6),
        misses: 0.05)
    }
    return plan
  }

  static func run(_ plan: Plan, seed: UInt64 = 1, replication: UInt64 = 0, isAudited: Bool = false) -> (
    tally: Tally, violations: [Violation]
  ) {
    var world = World(plan: plan, seed: seed, replication: replication, isAudited: isAudited)
    world.run()
    return (world.tally, world.violations)
  }
}
