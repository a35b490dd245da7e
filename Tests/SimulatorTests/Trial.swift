import ACD
import Dispatch
import Foundation
import Primitives
import Synchronization
import Testing

@testable import Simulator

/// One value of a reference point and how the simulation estimates it.
struct Comparison: Sendable {
  var name: String
  var expected: Double
  /// Half-width that the interval may have at most.
  var tolerance: Double
  /// Numerator and denominator in one replication.
  var ratio: @Sendable (Tally) -> (top: Double, bottom: Double)
}

/// A point of one family: a model, and what is known of it.
struct ReferencePoint: Sendable, CustomTestStringConvertible {
  var id: String
  var model: QueueingModel
  var target: Double
  var thresholds: [Double]
  var comparisons: [Comparison]
  var testDescription: String { id }

  private static let all = [0, 1, 2]

  /// - Returns: nil for a row that lacks a number it needs.
  init?(_ row: [String: String], patience: QueueingModel.Patience) {
    func number(_ column: String) -> Double? { row[column].flatMap(Double.init) }
    guard let id = row["id"], let rate = number("arrival_rate"), let handle = number("mean_handle"),
      let agents = number("agents"), let target = number("target")
    else { return nil }
    self.id = id
    self.target = target
    model = QueueingModel(arrivalRate: rate, meanHandle: handle, agents: Int(agents), patience: patience)
    thresholds = [target]
    comparisons = []
    let shares: [(String, @Sendable (Tally) -> (Double, Double))] = [
      ("p_wait", { Self.sums($0, \.waited, \.offered) }),
      ("p_abandon", { Self.sums($0, \.abandoned, \.offered) }),
      ("occupancy", { $0.ratio(.occupancy, Self.all, agents: Array(0..<Int(agents)), queues: []) }),
      ("service_level", { Self.level($0, .negative, target) }),
      ("sl_served_of_offered", { Self.level($0, .negative, target) }),
      ("sl_excl_short_abandons", { Self.level($0, .ignored, target) }),
      ("sl_of_answered", { Self.level($0, .answered, target) }),
      ("ab_within_target", { ($0.sum(Self.all, within: 0, \.abandoned), $0.sum(Self.all, \.offered)) }),
    ]
    for (name, ratio) in shares {
      if let value = number(name) { add(name, value, 0.002, ratio) }
    }
    let means: [(String, @Sendable (Tally) -> (Double, Double))] = [
      ("mean_wait_all", { Self.sums($0, \.wait, \.offered, 1e-6) }),
      ("asa", { Self.sums($0, \.answeredWait, \.answered, 1e-6) }),
      ("mean_wait_if_waits", { Self.sums($0, \.wait, \.waited, 1e-6) }),
      ("mean_queue", { $0.ratio(.queueLength, Self.all, agents: [], queues: [QueueID(index: 0)]) }),
    ]
    for (name, ratio) in means {
      if let value = number(name) { add(name, value, 0.01 * value, ratio) }
    }
    if let quantile = number("wait_p90"), quantile > 0 { addNinth(quantile) }
  }

  private mutating func add(
    _ name: String, _ expected: Double, _ tolerance: Double, _ ratio: @escaping @Sendable (Tally) -> (Double, Double)
  ) {
    comparisons.append(Comparison(name: name, expected: expected, tolerance: tolerance, ratio: { ratio($0) }))
  }

  /// The share of waits up to the ninth decile; one per cent of the quantile, in terms of that share, is the width
  /// that it may have: the tail is exponential here, so that the density is 0.1 over the mean wait of those who wait.
  private mutating func addNinth(_ quantile: Double) {
    thresholds.append(quantile)
    let capacity = Double(model.agents) / model.meanHandle - model.arrivalRate
    add("wait_p90", 0.9, 0.01 * quantile * 0.1 * capacity) { tally in
      (tally.sum(Self.all, within: 1, \.answered), tally.sum(Self.all, \.answered))
    }
  }

  private static func sums(
    _ tally: Tally, _ top: KeyPath<Tally.Group, Int64>, _ bottom: KeyPath<Tally.Group, Int64>, _ unit: Double = 1
  ) -> (Double, Double) {
    (tally.sum(all, top) * unit, tally.sum(all, bottom))
  }

  private static func level(
    _ tally: Tally, _ metric: ServiceLevelDefinition.Metric, _ target: Double
  ) -> (Double, Double) {
    tally.ratio(
      .serviceLevel(metric, within: Int64((target * 1e6).rounded())), all, agents: [], queues: [])
  }
}

extension QueueingModel.Patience {
  /// As the column `patience` and its parameters name it; nil for a law that is not known here.
  init?(_ row: [String: String]) {
    func number(_ column: String) -> Double? { row[column].flatMap(Double.init) }
    if let mean = number("mean_patience") {
      self = .exponential(mean: mean)
      return
    }
    switch (row["patience"], number("p1"), number("p2"), number("p3")) {
    case (nil, _, _, _): self = .endless
    case ("exp"?, let mean?, _, _): self = .exponential(mean: mean)
    case ("det"?, let value?, _, _): self = .constant(value)
    case ("h2"?, let p?, let first?, let second?): self = .hyperexponential(p: p, first: first, second: second)
    case ("erlang"?, let mean?, let phases?, _): self = .erlang(mean: mean, phases: Int(phases))
    case ("lognormal"?, let mean?, let cv?, _): self = .lognormal(mean: mean, cv: cv)
    default: return nil
    }
  }
}

/// Estimates a point until every interval is narrow enough.
///
/// The production world is compared with two neighbouring systems that serve the same callers with handle times a few
/// per cent shorter or longer, computed by `Recursion`. What those come to on average is known in closed form, so
/// their deviations in a replication are control variates (Law, Simulation Modeling and Analysis, 11.4).
struct Trial {
  struct Finding: Sendable {
    var comparison: Comparison
    var estimate: Estimate
    var isInside: Bool { abs(estimate.value - comparison.expected) <= estimate.halfWidth }
    var isNarrow: Bool { estimate.halfWidth <= comparison.tolerance }
  }

  private struct Sample: Sendable {
    var ratios: [(top: Double, bottom: Double)]
    /// Deviations from what is known, mean zero.
    var controls: [Double]
  }

  let point: ReferencePoint
  let seed: UInt64
  /// Two-sided, of one interval.
  let confidence: Double
  private(set) var contacts = 0.0
  private let plan: Plan
  private let neighbours: [(scale: Double, known: QueueingModel.Known, within: [Double])]
  private let perReplication: Double

  init(_ point: ReferencePoint, seed: UInt64, confidence: Double) {
    self.point = point
    self.seed = seed
    self.confidence = confidence
    let model = point.model
    // Twelve times what the system remembers: without patience the slowest mode of M/M/1 at this load, with it patience
    // and handling.
    var memory = model.meanHandle
    if case .endless = model.patience {
      let gap = 1 - model.load.squareRoot()
      memory += model.meanHandle / Double(model.agents) / (gap * gap)
    } else {
      memory += model.meanPatience
    }
    let warmUp = model.arrivalRate * 12 * memory
    perReplication = max(20_000, 5 * warmUp)
    plan = model.plan(contacts: perReplication, warmUp: warmUp, thresholds: point.thresholds)
    var scales = [0.98, 1.02]
    if case .endless = model.patience { scales = [1 - (1 - model.load) / 5, 1 + (1 - model.load) / 8] }
    neighbours = scales.map { scale in
      var neighbour = model
      neighbour.meanHandle *= scale
      return (
        scale, neighbour.known(within: point.target),
        point.thresholds.map { neighbour.known(within: $0).answeredWithin }
      )
    }
  }

  /// - Parameter limit: contacts, after which it gives up narrowing.
  mutating func run(limit: Double) -> [Finding] {
    var samples: [Sample] = []
    var wanted = 64
    while true {
      samples += simulate(samples.count..<wanted)
      contacts = Double(samples.count) * perReplication
      let findings = point.comparisons.indices.map { finding($0, samples) }
      if findings.allSatisfy(\.isNarrow) || contacts >= limit { return findings }
      // As many more as the widest interval asks for.
      let excess = findings.map { $0.estimate.halfWidth / $0.comparison.tolerance }.max() ?? 1
      wanted = Int(Double(samples.count) * min(4, max(1.2, excess * excess * 1.1)))
    }
  }

  private func simulate(_ numbers: Range<Int>) -> [Sample] {
    let samples = Mutex<[Sample?]>(Array(repeating: nil, count: numbers.count))
    let next = Atomic<Int>(0)
    DispatchQueue.concurrentPerform(iterations: ProcessInfo.processInfo.activeProcessorCount) { _ in
      while true {
        let index = next.add(1, ordering: .relaxed).oldValue
        guard index < numbers.count else { break }
        let sample = simulate(UInt64(numbers.lowerBound + index))
        samples.withLock { $0[index] = sample }
      }
    }
    return samples.withLock { $0.compactMap(\.self) }
  }

  private func simulate(_ replication: UInt64) -> Sample {
    var world = World(plan: plan, seed: seed, replication: replication)
    world.run()
    let tally = world.tally
    var controls = [tally.sum([0], \.offered) - point.model.arrivalRate * tally.measuredTime / 1e6]
    for neighbour in neighbours {
      let sums = Recursion(
        plan, seed: seed, replication: replication, scale: neighbour.scale, targets: plan.thresholds
      ).sums
      controls.append(sums.waited - neighbour.known.waited * sums.offered)
      controls.append(sums.wait / 1e6 - neighbour.known.meanWait * sums.offered)
      for (within, known) in zip(sums.within, neighbour.within) { controls.append(within - known * sums.offered) }
      if case .endless = point.model.patience { continue }
      controls.append(sums.abandoned - neighbour.known.abandoned * sums.offered)
    }
    return Sample(ratios: point.comparisons.map { $0.ratio(tally) }, controls: controls)
  }

  private func finding(_ index: Int, _ samples: [Sample]) -> Finding {
    let estimate = Estimate.controlled(
      samples.map { $0.ratios[index] }, controls: samples.map(\.controls), confidence: confidence)
    return Finding(comparison: point.comparisons[index], estimate: estimate)
  }
}

extension Estimate {
  /// The ratio of sums, corrected by a regression on controls of mean zero.
  static func controlled(
    _ pairs: [(top: Double, bottom: Double)], controls: [[Double]], confidence: Double
  ) -> Estimate {
    let n = Double(pairs.count)
    let bottom = pairs.reduce(0) { $0 + $1.bottom } / n
    let value = pairs.reduce(0) { $0 + $1.top } / n / bottom
    let residuals = pairs.map { ($0.top - value * $0.bottom) / bottom }
    let (slopes, used) = leastSquares(residuals, controls)
    let means = controls[0].indices.map { c in controls.reduce(0) { $0 + $1[c] } / n }
    let corrected = value - zip(slopes, means).reduce(0) { $0 + $1.0 * $1.1 }
    let squares = zip(residuals, controls).reduce(0) { sum, pair in
      let fit = slopes.indices.reduce(0) { $0 + slopes[$1] * (pair.1[$1] - means[$1]) }
      return sum + (pair.0 - fit) * (pair.0 - fit)
    }
    let degrees = n - 1 - Double(used)
    let t = StudentT.quantile((1 + confidence) / 2, degrees: degrees)
    return Estimate(value: corrected, halfWidth: t * (squares / degrees / n).squareRoot())
  }

  /// Slopes of `y` on the centred columns of `x`, by Gram and Schmidt; columns that the others explain are left out.
  private static func leastSquares(_ y: [Double], _ x: [[Double]]) -> (slopes: [Double], used: Int) {
    let rows = y.count
    let columns = x[0].count
    var basis: [(vector: [Double], weights: [Double])] = []
    for column in 0..<columns {
      let mean = x.reduce(0) { $0 + $1[column] } / Double(rows)
      var vector = x.map { $0[column] - mean }
      var weights = [Double](repeating: 0, count: columns)
      weights[column] = 1
      let before = dot(vector, vector)
      for other in basis {
        let share = dot(vector, other.vector) / dot(other.vector, other.vector)
        for row in vector.indices { vector[row] -= share * other.vector[row] }
        for place in weights.indices { weights[place] -= share * other.weights[place] }
      }
      if dot(vector, vector) > 1e-9 * before { basis.append((vector, weights)) }
    }
    var slopes = [Double](repeating: 0, count: columns)
    for direction in basis {
      let slope = dot(y, direction.vector) / dot(direction.vector, direction.vector)
      for place in slopes.indices { slopes[place] += slope * direction.weights[place] }
    }
    return (slopes, basis.count)
  }

  private static func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
}
