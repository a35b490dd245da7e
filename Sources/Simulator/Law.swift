/// The law of a random interval, ready to draw from; all values in microseconds.
enum Law: Sendable, Equatable {
  case constant(Double)
  case exponential(mean: Double)
  /// `mu` and `sigma` of the logarithm.
  case lognormal(mu: Double, sigma: Double)
  /// Shape and scale; Marsaglia and Tsang (2000).
  case gamma(shape: Double, scale: Double)
  /// Probability of the first phase, and both means. A mean of zero is an atom at zero.
  case hyperexponential(p: Double, first: Double, second: Double)
  /// Quantiles at equal steps, interpolated.
  case empirical([Double])

  static func lognormal(mean: Double, cv: Double) -> Law {
    let variance = Elementary.log(1 + cv * cv)
    return .lognormal(mu: Elementary.log(mean) - variance / 2, sigma: variance.squareRoot())
  }

  /// The value for contact `number`, in whole microseconds.
  @inline(__always)
  func draw(_ draws: Draws, _ number: UInt64, _ purpose: Draws.Purpose) -> Int64 {
    Int64(value(draws, number, purpose).rounded())
  }

  func value(_ draws: Draws, _ number: UInt64, _ purpose: Draws.Purpose) -> Double {
    switch self {
    case .constant(let value): value
    case .exponential(let mean): -mean * Elementary.log(draws.uniform(number, purpose))
    case .lognormal(let mu, let sigma):
      Elementary.exp(mu + sigma * Elementary.normalQuantile(draws.uniform(number, purpose)))
    case .gamma(let shape, let scale): scale * Self.gamma(shape, draws, number, purpose)
    case .hyperexponential(let p, let first, let second):
      -(draws.uniform(number, purpose, trial: 1) < p ? first : second)
        * Elementary.log(draws.uniform(number, purpose))
    case .empirical(let quantiles): Self.interpolate(quantiles, draws.uniform(number, purpose))
    }
  }

  private static func interpolate(_ quantiles: [Double], _ u: Double) -> Double {
    let place = u * Double(quantiles.count - 1)
    let low = Int(place)
    guard low + 1 < quantiles.count else { return quantiles[low] }
    return quantiles[low] + (quantiles[low + 1] - quantiles[low]) * (place - Double(low))
  }

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
