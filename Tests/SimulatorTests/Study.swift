import Dispatch
import Foundation
import Synchronization
import Testing

@testable import Simulator

/// A reference point: what is known of it, and one replication of it in the production world.
struct Study: Sendable, CustomTestStringConvertible {
  struct Comparison: Sendable {
    var name: String
    var expected: Double
    /// Half-width that the interval may have at most.
    var tolerance: Double
    /// 95 % half-width of `expected`, where that is itself an estimate.
    var uncertainty = 0.0

    /// Within one per cent of the value.
    static func mean(_ name: String, _ expected: Double) -> Comparison {
      Comparison(name: name, expected: expected, tolerance: 0.01 * expected)
    }
    /// Within 0.002.
    static func share(_ name: String, _ expected: Double) -> Comparison {
      Comparison(name: name, expected: expected, tolerance: 0.002)
    }
  }

  struct Observation: Sendable {
    /// Numerator and denominator of each comparison.
    var ratios: [(top: Double, bottom: Double)]
    /// Deviations from what is known, mean zero.
    var controls: [Double] = []
  }

  struct Finding: Sendable {
    var comparison: Comparison
    var estimate: Estimate
    /// Half-width of `comparison.expected` at the confidence of the estimate.
    var uncertainty = 0.0
    var isInside: Bool {
      let (ours, theirs) = (estimate.halfWidth, uncertainty)
      return abs(estimate.value - comparison.expected) <= (ours * ours + theirs * theirs).squareRoot()
    }
    var isNarrow: Bool { estimate.halfWidth <= comparison.tolerance }
  }

  var id: String
  var comparisons: [Comparison]
  /// Of the replication with this number.
  var observe: @Sendable (UInt64) -> Observation
  var testDescription: String { id }

  /// Replications, on all cores, until every interval is narrow enough; a first batch says about how many it takes. It
  /// leaves two dozen degrees of freedom beside the controls.
  /// - Parameters:
  ///   - confidence: two-sided, of one interval.
  ///   - limit: replications, after which it gives up narrowing.
  func run(confidence: Double, limit: Int = 200_000) -> [Finding] {
    var observations = [observe(0)]
    let controls = observations[0].controls.count
    var wanted = controls + 25
    while true {
      observations += observe(observations.count..<wanted)
      let findings = comparisons.indices.map { finding($0, observations, confidence) }
      if findings.allSatisfy(\.isNarrow) || observations.count >= limit { return findings }
      let excess = findings.map { $0.estimate.halfWidth / $0.comparison.tolerance }.max() ?? 1
      // Of an interval of so many replications, all but the spread.
      func width(_ count: Int) -> Double {
        StudentT.quantile((1 + confidence) / 2, degrees: Double(count - 1 - controls)) / Double(count).squareRoot()
      }
      let target = width(observations.count) / excess * 0.98
      while wanted < 2 * observations.count, width(wanted) > target { wanted += 1 + wanted / 50 }
      wanted = min(wanted, limit)
    }
  }

  private func observe(_ numbers: Range<Int>) -> [Observation] {
    let results = Mutex<[Observation?]>(Array(repeating: nil, count: numbers.count))
    let next = Atomic<Int>(0)
    DispatchQueue.concurrentPerform(iterations: ProcessInfo.processInfo.activeProcessorCount) { _ in
      while true {
        let index = next.add(1, ordering: .relaxed).oldValue
        guard index < numbers.count else { break }
        let observation = observe(UInt64(numbers.lowerBound + index))
        results.withLock { $0[index] = observation }
      }
    }
    return results.withLock { $0.compactMap(\.self) }
  }

  private func finding(_ index: Int, _ observations: [Observation], _ confidence: Double) -> Finding {
    let pairs = observations.map { $0.ratios[index] }
    var estimate = Estimate.controlled(pairs, controls: observations.map(\.controls), confidence: confidence)
    // Of n contacts none was so: yet the next may be, with a probability that is not small against 1 / n.
    if pairs.allSatisfy({ $0.top == 0 }) {
      estimate.halfWidth = -log((1 - confidence) / 2) / pairs.reduce(0) { $0 + $1.bottom }
    }
    let widening = StudentT.quantile((1 + confidence) / 2, degrees: 1e6) / StudentT.quantile(0.975, degrees: 1e6)
    return Finding(
      comparison: comparisons[index], estimate: estimate, uncertainty: comparisons[index].uncertainty * widening)
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
