/// A value with the half-width of its confidence interval.
public struct Estimate: Sendable, Equatable {
  public var value: Double
  public var halfWidth: Double
  public init(value: Double, halfWidth: Double) { self.value = value; self.halfWidth = halfWidth }

  /// The ratio of sums over replications, which is not the mean of their ratios; the interval is by the delta method
  /// (Law, Simulation Modeling and Analysis, 9.4).
  /// - Returns: nil if nothing was counted.
  static func ratio(_ pairs: [(top: Double, bottom: Double)], confidence: Double = 0.95) -> Estimate? {
    let top = pairs.reduce(0) { $0 + $1.top }
    let bottom = pairs.reduce(0) { $0 + $1.bottom }
    guard bottom > 0 else { return nil }
    let value = top / bottom
    let n = Double(pairs.count)
    guard pairs.count > 1 else { return Estimate(value: value, halfWidth: .infinity) }
    let mean = bottom / n
    let squares = pairs.reduce(0) { sum, pair in
      let residual = (pair.top - value * pair.bottom) / mean
      return sum + residual * residual
    }
    let deviation = (squares / (n - 1) / n).squareRoot()
    return Estimate(value: value, halfWidth: StudentT.quantile((1 + confidence) / 2, degrees: n - 1) * deviation)
  }

  /// A pooled value, its interval from the spread of the replications' own values.
  static func pooled(_ value: Double, spread: [Double], confidence: Double = 0.95) -> Estimate {
    let n = Double(spread.count)
    guard spread.count > 1 else { return Estimate(value: value, halfWidth: .infinity) }
    let mean = spread.reduce(0, +) / n
    let variance = spread.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (n - 1)
    let t = StudentT.quantile((1 + confidence) / 2, degrees: n - 1)
    return Estimate(value: value, halfWidth: t * (variance / n).squareRoot())
  }
}

enum StudentT {
  /// The quantile of Student's distribution; Hill's expansion (Communications of the ACM 13, algorithm 396), good to
  /// six digits from five degrees on, and exact formulas for one and two.
  static func quantile(_ p: Double, degrees n: Double) -> Double {
    if p < 0.5 { return -quantile(1 - p, degrees: n) }
    let tail = 2 * (1 - p)
    if n < 1.5 {
      // The Cauchy law: tan(π (p − ½)), by sine and cosine series.
      let angle = Double.pi * (p - 0.5)
      return sine(angle) / sine(.pi / 2 - angle)
    }
    if n < 2.5 { return (2 / (tail * (2 - tail)) - 2).squareRoot() }
    let a = 1 / (n - 0.5)
    let b = 48 / (a * a)
    var c = ((20_700 * a / b - 98) * a - 16) * a + 96.36
    let d = ((94.5 / (b + c) - 3) / b + 1) * (a * .pi / 2).squareRoot() * n
    var x = d * tail
    var y = Elementary.exp(2 / n * Elementary.log(x))
    if y > 0.05 + a {
      x = Elementary.normalQuantile(1 - tail / 2)
      y = x * x
      if n < 5 { c += 0.3 * (n - 4.5) * (x + 0.6) }
      c = (((0.05 * d * x - 5) * x - 7) * x - 2) * x + b + c
      y = (((((0.4 * y + 6.3) * y + 36) * y + 94.5) / c - y - 3) / b + 1) * x
      y = a * y * y
      y = y > 0.002 ? Elementary.exp(y) - 1 : 0.5 * y * y + y
    } else {
      y =
        ((1 / (((n + 6) / (n * y) - 0.089 * d - 0.822) * (n + 2) * 3) + 0.5 / (n + 4)) * y - 1) * (n + 1)
        / (n + 2) + 1 / y
    }
    return (n * y).squareRoot()
  }

  private static func sine(_ x: Double) -> Double {
    var term = x
    var sum = x
    var n = 1.0
    while n < 30 {
      term *= -x * x / ((n + 1) * (n + 2))
      sum += term
      n += 2
    }
    return sum
  }
}
