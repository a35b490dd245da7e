import Foundation
import ACD
import CallControl
import Primitives
public import SiteConfiguration

/// Runs scenarios.
public enum Simulation {
  public struct Options: Sendable {
    /// Instead of the scenario's.
    public var seed: UInt64?
    /// Instead of the scenario's; no more are added for precision.
    public var replications: Int?
    public var threads = ProcessInfo.processInfo.activeProcessorCount
    /// Whether a second pair of eyes checks the declared rules in every replication.
    public var isAudited = false
    /// Whether the report tells of the day by intervals too.
    public var isByInterval = false
    /// Told of the replications done, and of how many there will be as far as is known; by any thread.
    public var progress: (@Sendable (_ done: Int, _ wanted: Int) -> Void)?
    public init() {}
  }

  /// With a relative precision, replications are added until each threshold is decided or its value is that precise,
  /// at most this many times the scenario's own number.
  static let growth = 20

  /// - Parameter base: the same callers and agents over another configuration, to which the report compares.
  public static func run(
    _ scenario: Scenario, base: Scenario? = nil, _ options: Options = Options()
  ) -> SimulationReport {
    var plan = Plan(scenario)
    var basePlan = base.map { Plan($0) }
    if let basePlan { plan.thresholds = Set(plan.thresholds + basePlan.thresholds).sorted() }
    basePlan?.thresholds = plan.thresholds
    if options.isByInterval { plan.interval = Timeline.interval(of: scenario.span) }
    let looks = looks(scenario, options)
    // Whoever looks at growing data often enough finds an accident, so the error of 5 % is shared among all looks.
    let confidence = 1 - 0.05 / Double(looks.count)
    let replications = Replications(plan: plan, options, seed: options.seed ?? scenario.runs.seed)
    var outcomes: [Replications.Outcome] = []
    for wanted in looks {
      outcomes += replications.run(outcomes.count..<wanted)
      if isSettled(scenario, outcomes.map(\.tally), confidence) { break }
    }
    var report = SimulationReport(scenario, seed: replications.seed, outcomes, confidence: confidence)
    if let base, var basePlan {
      basePlan.interval = nil
      let other = Replications(plan: basePlan, options, seed: replications.seed).run(0..<outcomes.count)
      report.comparison = Comparison(scenario, outcomes.map(\.tally), to: base, other.map(\.tally))
    }
    return report
  }

  /// After how many replications to look whether that is enough.
  static func looks(_ scenario: Scenario, _ options: Options) -> [Int] {
    let first = options.replications ?? scenario.runs.replications
    guard options.replications == nil, scenario.runs.relativePrecision != nil, !scenario.expectations.isEmpty else {
      return [first]
    }
    let bound = first.multipliedReportingOverflow(by: growth).partialValue
    var looks = [first]
    while let last = looks.last, last < bound { looks.append(min(bound, last * 2 + 1)) }
    return looks
  }

  private static func isSettled(_ scenario: Scenario, _ tallies: [Tally], _ confidence: Double) -> Bool {
    guard let precision = scenario.runs.relativePrecision else { return true }
    return scenario.expectations.allSatisfy { expectation in
      guard let estimate = tallies.estimate(Metric(expectation.metric), Scope(expectation), scenario.definitions)
      else { return true }
      return estimate.halfWidth <= precision * abs(estimate.value)
        || expectation.judged(tallies, scenario.definitions, confidence) != .inconclusive
    }
  }
}

extension Replications {
  init(plan: Plan, _ options: Simulation.Options, seed: UInt64) {
    self.init(
      plan: plan, seed: seed, threads: options.threads, isAudited: options.isAudited, progress: options.progress)
  }
}

extension Timeline {
  /// The shortest of some usual lengths that cuts the span into at most 48 intervals.
  static func interval(of span: Range<Instant>) -> Int64 {
    let length = span.upperBound - span.lowerBound
    let usual: [Int64] = [15, 30, 60, 120, 240, 480, 1440].map { .minutes($0) }
    return usual.first { length <= 48 * $0 } ?? .minutes(7 * 1440)
  }
}

/// Exit codes of `switchboard simulate`; 2 is bad input, which has no report.
public enum Verdict: String, Sendable, Encodable {
  case pass, fail, inconclusive

  public var exitCode: Int32 {
    switch self {
    case .pass: 0
    case .fail: 1
    case .inconclusive: 3
    }
  }
}

extension Expectation {
  func judged(_ tallies: [Tally], _ definitions: Definitions, _ confidence: Double) -> Verdict {
    if case .waitQuantile(let p) = metric, comparison != .equal {
      // That 95 of 100 wait at most a minute says that the share of waits up to a minute is at least 0.95; the interval
      // of a share needs no guess about the shape of the waits.
      guard let share = tallies.share(upTo: value, Scope(self)) else { return .inconclusive }
      var sought = self
      sought.value = p
      sought.comparison = comparison == .atMost || comparison == .below ? .atLeast : .below
      return sought.verdict(share.estimate(confidence))
    }
    let estimate = tallies.estimate(Simulator.Metric(metric), Scope(self), definitions, confidence: confidence)
    return estimate.map { verdict($0) } ?? .inconclusive
  }

  /// Judged by the whole interval: it passes where every value of it would, and fails where none would.
  func verdict(_ estimate: Estimate) -> Verdict {
    let (low, high) = (estimate.value - estimate.halfWidth, estimate.value + estimate.halfWidth)
    if comparison == .equal {
      if low == high { return low == value ? .pass : .fail }
      return low > value || high < value ? .fail : .inconclusive
    }
    let (first, last) = (comparison.holds(low, value), comparison.holds(high, value))
    if first != last || !estimate.halfWidth.isFinite { return .inconclusive }
    return first ? .pass : .fail
  }
}

extension Scope {
  init(_ expectation: Expectation) { self.init(queue: expectation.queue, channel: expectation.channel) }
}

extension Metric {
  init(_ metric: Expectation.Metric) {
    switch metric {
    case .serviceLevel(let definition, let within): self = .serviceLevel(definition, within: within)
    case .waitMean: self = .waitMean
    case .waitQuantile(let p): self = .waitQuantile(p)
    case .waitMaximum: self = .waitMaximum
    case .speedOfAnswer: self = .speedOfAnswer
    case .abandonRate: self = .abandonRate
    case .occupancy: self = .occupancy
    case .offered: self = .offered
    case .answered: self = .answered
    case .abandoned: self = .abandoned
    case .left: self = .left
    case .refused: self = .refused
    }
  }
}
