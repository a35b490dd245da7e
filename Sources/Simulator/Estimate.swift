/// A value with the half-width of its confidence interval.
public struct Estimate: Sendable, Equatable {
  public var value: Double
  public var halfWidth: Double
  public init(value: Double, halfWidth: Double) { self.value = value; self.halfWidth = halfWidth }

  static func ratio(_ pairs: [(top: Double, bottom: Double)], confidence: Double = 0.95) -> Estimate? {
    Sample.ratio(pairs)?.estimate(confidence)
  }
}

/// A value over independent replications, and how far each of them pulled it to its own side. The error of the value
/// is the mean of these pulls, so a difference of two values has the differences of the pulls: where both met the same
/// callers, most of them cancel.
struct Sample: Sendable, Equatable {
  var value: Double
  var pulls: [Double]
  /// The count behind a share that is 0 or 1. It shows no spread, and is not certain for that.
  var unanimous: Double?

  /// The ratio of sums over replications, which is not the mean of their ratios; the pulls are by the delta method
  /// (Law, Simulation Modeling and Analysis, 9.4).
  /// - Returns: nil if nothing was counted.
  static func ratio(_ pairs: [(top: Double, bottom: Double)], isShare: Bool = false) -> Sample? {
    let top = pairs.reduce(0) { $0 + $1.top }
    let bottom = pairs.reduce(0) { $0 + $1.bottom }
    guard bottom > 0 else { return nil }
    let value = top / bottom
    let mean = bottom / Double(pairs.count)
    return Sample(
      value: value, pulls: pairs.map { ($0.top - value * $0.bottom) / mean },
      unanimous: isShare && (top == 0 || top == bottom) ? bottom : nil)
  }

  /// Of the pooled waits, in seconds: the pull of a replication is that of its share of shorter waits, turned into
  /// waits by the slope of the pooled distribution around the quantile.
  static func quantile(_ p: Double, _ waits: [Histogram]) -> Sample? {
    var pooled = Histogram()
    for histogram in waits { pooled.add(histogram) }
    guard let value = pooled.quantile(p),
      let share = ratio(waits.map { ($0.count(upTo: value), Double($0.total)) })
    else { return nil }
    // As wide as the share is uncertain; a narrower window would see the histogram's buckets.
    let half = share.estimate(0.95).halfWidth
    let window = half.isFinite ? max(half, 0.005) : 0.05
    let (low, high) = (max(0, p - window), min(1, p + window))
    guard let first = pooled.quantile(low), let last = pooled.quantile(high) else { return nil }
    let slope = max(last - value, value - first) / window
    return Sample(value: value / 1e6, pulls: share.pulls.map { -$0 * slope / 1e6 })
  }

  /// Student's interval; without an end where one replication cannot tell.
  func estimate(_ confidence: Double = 0.95) -> Estimate {
    let n = Double(pulls.count)
    guard pulls.count > 1 else { return Estimate(value: value, halfWidth: .infinity) }
    let squares = pulls.reduce(0) { $0 + $1 * $1 }
    let half = StudentT.quantile((1 + confidence) / 2, degrees: n - 1) * (squares / (n - 1) / n).squareRoot()
    // Of n contacts alike, the next may still be unlike with probability p wherever (1 - p)^n is not yet small.
    let least = unanimous.map { min(1, -Elementary.log((1 - confidence) / 2) / $0) } ?? 0
    return Estimate(value: value, halfWidth: max(half, least))
  }

  /// The difference of two values over replications that met the same callers.
  static func - (a: Sample, b: Sample) -> Sample {
    Sample(value: a.value - b.value, pulls: zip(a.pulls, b.pulls).map { $0 - $1 })
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
