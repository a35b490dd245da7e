/// The law of a random interval, ready to draw from; all values in microseconds. Trivial, so that a draw costs no
/// reference counting: laws of many numbers keep theirs in a table beside them.
package enum Law: Sendable, Equatable {
  case constant(Double)
  case exponential(mean: Double)
  /// `mu` and `sigma` of the logarithm.
  case lognormal(mu: Double, sigma: Double)
  case gamma(shape: Double, scale: Double)
  /// Pairs of a cumulative probability and an exponential's mean. A mean of zero is an atom at zero.
  case hyperexponential(Range<Int>)
  /// Values that are equally likely.
  case empirical(Range<Int>)

  /// The numbers of laws that have many.
  struct Numbers: Sendable {
    fileprivate(set) var values: ContiguousArray<Double> = []

    mutating func hyperexponential(_ branches: [(probability: Double, mean: Double)]) -> Law {
      let first = values.count
      var sum = 0.0
      for branch in branches {
        sum += branch.probability
        values.append(sum)
        values.append(branch.mean)
      }
      return .hyperexponential(first..<values.count)
    }

    mutating func empirical(_ observed: [Double]) -> Law {
      let first = values.count
      values += observed
      return .empirical(first..<values.count)
    }
  }

  static func lognormal(mean: Double, cv: Double) -> Law {
    let variance = Elementary.log(1 + cv * cv)
    return .lognormal(mu: Elementary.log(mean) - variance / 2, sigma: variance.squareRoot())
  }

  static func gamma(mean: Double, cv: Double) -> Law { .gamma(shape: 1 / (cv * cv), scale: mean * cv * cv) }

  /// The value for contact `number`, in whole microseconds, at most 71 years.
  @inline(__always)
  func draw(_ draws: Draws, _ number: UInt64, _ purpose: Draws.Purpose, _ numbers: borrowing Numbers) -> Int64 {
    Int64(min(value(draws, number, purpose, numbers), 0x1p51) + 0.5)
  }

  @inline(__always)
  func value(_ draws: Draws, _ number: UInt64, _ purpose: Draws.Purpose, _ numbers: borrowing Numbers) -> Double {
    if case .exponential(let mean) = self { return mean * draws.exponential(number, purpose) }
    return lessUsual(draws, number, purpose, numbers)
  }

  @inline(never)
  private func lessUsual(
    _ draws: Draws, _ number: UInt64, _ purpose: Draws.Purpose, _ numbers: borrowing Numbers
  ) -> Double {
    switch self {
    case .constant(let value): return value
    case .exponential(let mean): return mean * draws.exponential(number, purpose)
    case .lognormal(let mu, let sigma):
      return Elementary.exp(mu + sigma * Elementary.normalQuantile(draws.uniform(number, purpose)))
    case .gamma(let shape, let scale): return scale * Self.gamma(shape, draws, number, purpose)
    case .hyperexponential(let range):
      let u = draws.uniform(number, purpose, trial: 1)
      var place = range.lowerBound
      while place + 2 < range.upperBound, numbers.values[place] < u { place += 2 }
      return numbers.values[place + 1] * draws.exponential(number, purpose)
    case .empirical(let range):
      let place = Int(draws.uniform(number, purpose) * Double(range.count))
      return numbers.values[range.lowerBound + min(place, range.count - 1)]
    }
  }

  /// A gamma variate of scale 1 by rejection (Marsaglia and Tsang 2000).
  private static func gamma(_ shape: Double, _ draws: Draws, _ number: UInt64, _ purpose: Draws.Purpose) -> Double {
    guard shape >= 1 else {
      // A gamma of shape + 1, shrunk by a power of a uniform.
      let boost = Elementary.exp(Elementary.log(draws.uniform(number, purpose, trial: 0)) / shape)
      return gamma(shape + 1, draws, number, purpose) * boost
    }
    let d = shape - 1.0 / 3
    let c = 1 / (9 * d).squareRoot()
    var trial: UInt64 = 1
    while true {
      let x = Elementary.normalQuantile(draws.uniform(number, purpose, trial: trial))
      let u = draws.uniform(number, purpose, trial: trial + 1)
      trial += 2
      let v = (1 + c * x) * (1 + c * x) * (1 + c * x)
      guard v > 0 else { continue }
      if Elementary.log(u) < 0.5 * x * x + d - d * v + d * Elementary.log(v) { return d * v }
    }
  }
}
