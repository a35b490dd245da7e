import ACD
import CallControl
import Primitives
import SiteConfiguration

extension Plan {
  /// What a scenario says, ready to run. The definitions are the site's own, with the profiles that callers need.
  init(_ scenario: Scenario) {
    self.init(definitions: scenario.definitions, start: scenario.span.lowerBound, end: scenario.span.upperBound)
    var within = scenario.expectations.compactMap { expectation -> Int64? in
      if case .serviceLevel(_, let within) = expectation.metric { within } else { nil }
    }
    within += definitions.queues.map(\.serviceLevel.within)
    thresholds = Set(within).sorted()
    levels = definitions.queues.indices.flatMap { queue in
      let level = ServiceLevelShown(scenario, QueueID(index: UInt32(queue))).within
      return Channel.allCases.map { _ in level }
    }
    for caller in scenario.callers { add(caller) }
    for agent in scenario.agents { add(agent) }
  }

  private mutating func add(_ caller: Scenario.Caller) {
    var callers = Callers(queue: caller.queue)
    let variation = caller.arrivals.overdispersion
    callers.busyness = variation > 0 ? 1 / (variation * variation) : 0
    callers.voice = caller.channels.first { $0.value == .voice }?.probability ?? 0
    callers.patience = caller.patience.map { law($0) }
    callers.handleVoice = caller.handle(.voice).map { law($0) } ?? callers.handleVoice
    callers.handleChat = caller.handle(.chat).map { law($0) } ?? callers.handleChat
    if let redial = caller.redial {
      callers.redial = redial.probability
      callers.redialAfter = law(redial.after)
    }
    let hour = Int64.minutes(60)
    add(
      callers, rates: caller.arrivals.perHour.map { $0 / Double(hour) }, interval: hour,
      needs: caller.needs.map { ($0.value, $0.probability) })
  }

  private mutating func add(_ agent: Scenario.Agent) {
    func microseconds(_ spans: [Range<Instant>]) -> [Range<Int64>] {
      spans.map { $0.lowerBound.microseconds..<$0.upperBound.microseconds }
    }
    agents.append(
      Shifts(
        agent: agent.agent, spans: microseconds(agent.shifts), breaks: microseconds(agent.breaks),
        answersIn: law(agent.answersIn), misses: agent.misses))
  }

  mutating func law(_ distribution: Distribution) -> Law {
    switch distribution {
    case .deterministic(let time): .constant(Double(time))
    case .exponential(let mean): .exponential(mean: Double(mean))
    case .lognormal(let mean, let cv): .lognormal(mean: Double(mean), cv: cv)
    case .gamma(let mean, let cv): .gamma(mean: Double(mean), cv: cv)
    case .hyperexponential(let branches):
      numbers.hyperexponential(branches.map { ($0.probability, Double($0.mean)) })
    case .empirical(let times): numbers.empirical(times.map { Double($0) })
    }
  }
}
