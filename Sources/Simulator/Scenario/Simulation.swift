import Foundation
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
    public init() {}
  }

  /// With a relative precision, replications are added until each threshold is decided or its value is that precise,
  /// at most this many times the scenario's own number.
  static let growth = 20

  public static func run(_ scenario: Scenario, _ options: Options = Options()) -> SimulationReport {
    let plan = Plan(scenario)
    let seed = options.seed ?? scenario.runs.seed
    var wanted = options.replications ?? scenario.runs.replications
    let bound = wanted.multipliedReportingOverflow(by: growth).partialValue
    let replications = Replications(plan: plan, seed: seed, threads: options.threads, isAudited: options.isAudited)
    var outcomes: [Replications.Outcome] = []
    while true {
      outcomes += replications.run(outcomes.count..<wanted)
      guard options.replications == nil, let precision = scenario.runs.relativePrecision, wanted < bound,
        !isSettled(scenario, outcomes.map(\.tally), precision)
      else { break }
      wanted = min(bound, wanted + max(1, wanted / 2))
    }
    return SimulationReport(scenario, seed: seed, outcomes)
  }

  /// Several looks at the same growing data would find an accident sooner or later, so a decision before the last
  /// look needs more confidence than the report's.
  private static func isSettled(_ scenario: Scenario, _ tallies: [Tally], _ precision: Double) -> Bool {
    scenario.expectations.allSatisfy { expectation in
      let scope = Scope(queue: expectation.queue, channel: expectation.channel)
      let definitions = scenario.definitions
      let metric = Metric(expectation.metric)
      guard let estimate = tallies.estimate(metric, scope, definitions),
        let strict = tallies.estimate(metric, scope, definitions, confidence: 0.995)
      else { return true }
      return estimate.halfWidth <= precision * abs(estimate.value) || expectation.verdict(strict) != .inconclusive
    }
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
