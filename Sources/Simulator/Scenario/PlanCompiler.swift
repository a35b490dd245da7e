import ACD
import CallControl
import Primitives
import SiteConfiguration

extension Plan {
  /// What a scenario says, ready to run. The definitions are the site's own, with the profiles that callers need.
  init(_ scenario: Scenario) {
    let warmUp = scenario.initial == .stationary && scenario.live == nil ? Self.warmUp(scenario) : 0
    self.init(
      definitions: scenario.definitions, start: scenario.span.lowerBound - warmUp, end: scenario.span.upperBound,
      measureFrom: scenario.begin)
    if let live = scenario.live { (begin, self.live) = (live.at, live.engine) }
    closing = scenario.closing == .drain ? .drain : .dismiss
    busyness = Self.shape(scenario.overdispersion)
    var within = scenario.expectations.compactMap { expectation -> Int64? in
      if case .serviceLevel(_, let within) = expectation.metric { within } else { nil }
    }
    within += definitions.queues.map(\.serviceLevel.within)
    thresholds = Set(within).sorted()
    levels = definitions.queues.indices.flatMap { queue in
      let level = ServiceLevelShown(scenario, QueueID(index: UInt32(queue))).within
      return Channel.allCases.map { _ in level }
    }
    for caller in scenario.callers { add(caller, warmUp: warmUp) }
    for agent in scenario.agents { add(agent, opening: scenario.span.lowerBound) }
  }

  /// Of a gamma law with mean 1 and this coefficient of variation; 0 for none.
  private static func shape(_ variation: Double) -> Double { variation > 0 ? 1 / (variation * variation) : 0 }

  /// How long the first interval goes on before the span, so that its start is no start: twelve times what callers and
  /// agents remember, in whole intervals of all callers.
  private static func warmUp(_ scenario: Scenario) -> Int64 {
    let memory = scenario.callers.map { caller in
      (caller.handle.map(\.time.mean).max() ?? 0) + (caller.patience?.mean ?? Double(Int64.minutes(20)))
    }
    let unit = scenario.callers.reduce(Int64.minutes(1)) { unit, caller in
      var (a, b) = (unit, caller.arrivals.interval)
      while b != 0 { (a, b) = (b, a % b) }
      let (product, overflow) = (unit / a).multipliedReportingOverflow(by: caller.arrivals.interval)
      return overflow ? unit : product
    }
    let wanted = Int64(min(12 * (memory.max() ?? 0), Double(Int64.minutes(24 * 60))))
    return (wanted + unit - 1) / unit * unit
  }

  private mutating func add(_ caller: Scenario.Caller, warmUp: Int64) {
    var callers = Callers(queue: caller.queue)
    callers.busyness = Self.shape(caller.arrivals.overdispersion)
    if caller.arrivals.swing > 0 {
      callers.swing = Elementary.log(1 + caller.arrivals.swing * caller.arrivals.swing).squareRoot()
      callers.swingCorrelation = caller.arrivals.swingCorrelation
    }
    callers.voice = caller.channels.first { $0.value == .voice }?.probability ?? 0
    callers.patience = caller.patience.map { law($0) }
    callers.handleVoice = caller.handle(.voice).map { law($0) } ?? callers.handleVoice
    callers.handleChat = caller.handle(.chat).map { law($0) } ?? callers.handleChat
    if let redial = caller.redial {
      callers.redial = redial.probability
      callers.redialAfter = law(redial.after)
    }
    let needs = caller.needs.map { (profile: $0.value, probability: $0.probability) }
    if let times = caller.arrivals.times {
      add(callers, records: times.map { Record(arrival: $0.microseconds) }, needs: needs)
      return
    }
    let interval = caller.arrivals.interval
    let rates = caller.arrivals.perHour.map { $0 / Double(Int64.minutes(60)) }
    let before = [Double](repeating: rates.first ?? 0, count: Int(warmUp / interval))
    add(callers, rates: before + rates, interval: interval, needs: needs)
  }

  private mutating func add(_ agent: Scenario.Agent, opening: Instant) {
    // Who is there when the span starts has been there before.
    func early(_ spans: [Range<Int64>]) -> [Range<Int64>] {
      spans.map { $0.lowerBound == opening.microseconds ? start.microseconds..<$0.upperBound : $0 }
    }
    func microseconds(_ spans: [Range<Instant>]) -> [Range<Int64>] {
      spans.map { $0.lowerBound.microseconds..<$0.upperBound.microseconds }
    }
    agents.append(
      Shifts(
        agent: agent.agent, spans: early(microseconds(agent.shifts)), breaks: microseconds(agent.breaks),
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
