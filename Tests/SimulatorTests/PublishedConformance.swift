import ACD
import Foundation
import Primitives
import Testing

@testable import Simulator

/// Examples that others have published with their results; see `Vectors/published`.
enum PublishedExample: String, CaseIterable {
  case callcenter, mmc
  case simpleMSK = "simple_msk"

  var plan: Plan {
    switch self {
    case .callcenter: Self.callCenter()
    case .mmc: Self.markov()
    case .simpleMSK: Self.skills()
    }
  }

  private static func plan(queues: Int, agents: [(count: Int, queues: [Int])], hours: Int) -> Plan {
    var definitions = Definitions()
    definitions.queues = (0..<queues).map { QueueDefinition(name: "type \($0)") }
    for group in agents {
      for _ in 0..<group.count {
        var agent = AgentDefinition(name: "agent \(definitions.agents.count)")
        agent.queues = group.queues.map { .init(queue: QueueID(index: UInt32($0))) }
        definitions.agents.append(agent)
      }
    }
    var plan = Plan(
      definitions: definitions, start: Instant(microseconds: 0),
      end: Instant(microseconds: Int64(hours) * .minutes(60)))
    plan.thresholds = [.seconds(20)]
    return plan
  }

  /// Agents by period; who has the lower number stays longer.
  private static func spans(_ counts: [Int], _ period: Int64, from first: Int) -> [Plan.Shifts] {
    (0..<(counts.max() ?? 0)).map { index in
      var spans: [Range<Int64>] = []
      for (place, count) in counts.enumerated() where index < count {
        let from = Int64(place) * period
        if let last = spans.last, last.upperBound == from {
          spans[spans.count - 1] = last.lowerBound..<from + period
        } else {
          spans.append(from..<from + period)
        }
      }
      return Plan.Shifts(agent: AgentID(index: UInt32(first + index)), spans: spans)
    }
  }

  private static func callCenter() -> Plan {
    let agents = [4, 6, 8, 8, 8, 7, 8, 8, 6, 6, 4, 4, 4]
    let hour = Int64.minutes(60)
    var plan = plan(queues: 1, agents: [(8, [0])], hours: 13)
    plan.agents = spans(agents, hour, from: 0)
    var callers = Plan.Callers(queue: QueueID(index: 0))
    callers.handleVoice = .exponential(mean: 100e6)
    callers.patience = plan.numbers.hyperexponential([(0.1, 0), (0.9, 1_000e6)])
    callers.busyness = 10
    let rates = [100.0, 150, 150, 180, 200, 150, 150, 150, 120, 100, 80, 70, 60]
    plan.add(callers, rates: rates.map { $0 / Double(hour) }, interval: hour)
    return plan
  }

  private static func markov() -> Plan {
    var plan = plan(queues: 1, agents: [(12, [0])], hours: 8)
    plan.agents = spans([12], 8 * .minutes(60), from: 0)
    var callers = Plan.Callers(queue: QueueID(index: 0))
    callers.handleVoice = .exponential(mean: 120e6)
    plan.add(callers, rates: [4.2 / 60e6], interval: .max)
    return plan
  }

  /// Handle times and patience go by the period of arrival, so each type has callers for each period.
  private static func skills() -> Plan {
    let period = 2 * Int64.minutes(60)
    var plan = plan(queues: 3, agents: [(18, [0, 1]), (20, [1, 2])], hours: 6)
    // A caller whom both groups may serve goes to the first where somebody is idle.
    for type in plan.definitions.queues.indices { plan.definitions.queues[type].policy = .serial }
    plan.busyness = 28.7
    // Its groups stay, and are counted, until the last contact has left.
    plan.measuresDrain = true
    plan.agents = spans([12, 18, 9], period, from: 0) + spans([15, 20, 11], period, from: 18)
    let arrivals = [[4.2, 5.3, 3.2], [5.1, 4.3, 4.8], [6.3, 5.2, 4.8]]
    for (type, rates) in arrivals.enumerated() {
      for place in 0..<3 {
        var callers = Plan.Callers(queue: QueueID(index: UInt32(type)))
        callers.handleVoice = .exponential(mean: 60e6 / [0.5, 0.6, 0.4][place])
        callers.patience = .exponential(mean: 60e6 / [0.3, 0.4, 0.2][place])
        let own = rates.indices.map { $0 == place ? rates[$0] / 60e6 : 0 }
        plan.add(callers, rates: own, interval: period)
      }
    }
    return plan
  }

  /// Numerator and denominator of a measure in one replication; nil for one that is not known here.
  func ratio(_ measure: String, _ tally: Tally) -> (top: Double, bottom: Double)? {
    let calls = tally.total(\.answered) + tally.total(\.abandoned)
    let good = tally.within(\.answered)
    switch (self, measure) {
    case (_, "arrivals"): return (calls, 1)
    case (.callcenter, "wait"): return (tally.total(\.wait) / 1e6, 1_660)
    case (.callcenter, "good"): return (good + tally.within(\.abandoned), 1_660)
    case (.callcenter, "lost"): return (tally.total(\.abandoned), 1_660)
    case (.simpleMSK, "served"): return (tally.total(\.answered), 1)
    case (.simpleMSK, "abandoned"): return (tally.total(\.abandoned), 1)
    case (.simpleMSK, "service_level"): return (good, calls - tally.within(\.abandoned))
    case (.simpleMSK, "occupancy"): return tally.ratio(.occupancy, [], agents: Array(0..<18), queues: [])
    case (.mmc, "service_level"): return (good, calls)
    case (.mmc, "asa"): return (tally.total(\.answeredWait) / 1e6, tally.total(\.answered))
    case (.mmc, "occupancy"): return tally.ratio(.occupancy, [], agents: Array(0..<12), queues: [])
    default: return nil
    }
  }
}

@Suite("Published conformance", .enabled(if: ReferenceFolder.named != nil), .serialized)
struct PublishedConformance {
  /// Theirs are a thousand: our intervals are less than half as wide.
  static let days = 5_000

  @Test("What others published of their examples comes out of the engine too", arguments: PublishedExample.allCases)
  func example(_ example: PublishedExample) throws {
    let file = ReferenceFolder.own.deletingLastPathComponent().appendingPathComponent("published/results.csv")
    let rows = try Table(file).rows.filter { $0["example"] == example.rawValue }
    #expect(!rows.isEmpty)
    let plan = example.plan
    let tallies = Replications(plan: plan, seed: 7, threads: ProcessInfo.processInfo.activeProcessorCount)
      .run(0..<Self.days).map(\.tally)
    for row in rows {
      let measure = try #require(row["measure"])
      let value = try #require(row["value"].flatMap(Double.init))
      let pairs = tallies.compactMap { example.ratio(measure, $0) }
      #expect(pairs.count == tallies.count, "\(measure) is not known")
      let ours = try #require(Estimate.ratio(pairs, confidence: 0.999))
      // Without an interval of theirs, a value from as many days as theirs is as uncertain as ours from those.
      var theirs = ours.halfWidth * (Double(Self.days) / 1_000).squareRoot()
      if let half = row["half_width"].flatMap(Double.init), let confidence = row["confidence"].flatMap(Double.init) {
        theirs = half * StudentT.quantile(0.9995, degrees: 999) / StudentT.quantile((1 + confidence) / 2, degrees: 999)
      }
      let name = "\(example.rawValue) \(measure)"
      #expect(ours.halfWidth <= theirs / 2, "\(name): ± \(ours.halfWidth), theirs ± \(theirs)")
      let half = (ours.halfWidth * ours.halfWidth + theirs * theirs).squareRoot()
      #expect(abs(ours.value - value) <= half, "\(name): \(ours.value), published \(value) ± \(theirs)")
    }
  }
}
