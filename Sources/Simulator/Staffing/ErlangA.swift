import Foundation

/// The queue M/M/n+M: Poisson arrivals, exponential handle times and patience (Palm 1957; Zeltyn and Mandelbaum 2005).
/// A start for a search and a line to compare with, never a verdict: real centres have neither one skill nor these
/// laws.
struct ErlangA: Sendable {
  /// Rates per second: of arrivals, of one agent's service, and of one caller's giving up (0 for never).
  var arrivals: Double
  var service: Double
  var abandonment: Double

  /// Erlangs.
  var load: Double { arrivals / service }

  /// The share of all who come that is answered within a time, in seconds.
  func answered(within limit: Double, agents n: Int) -> Double {
    guard n > 0 else { return 0 }
    if arrivals <= 0 { return 1 }
    // E = sum over j < n of (R^j / j!) / (R^(n-1) / (n-1)!), from the top down by recursion.
    var e = 1.0
    for k in 1..<max(2, n) where k < n { e = 1 + e * Double(k) / load }
    let capacity = Double(n) * service
    /// The logarithm of w(x) = exp(arrivals H(x) - capacity x), with H the integral of the survival of patience.
    func exponent(_ x: Double) -> Double {
      let h = abandonment > 0 ? (1 - Foundation.exp(-abandonment * x)) / abandonment : x
      return arrivals * h - capacity * x
    }
    // Without patience an overloaded queue never settles: nobody is answered in time.
    if abandonment <= 0, capacity <= arrivals { return 0 }
    // The peak of w, which lies at 0 unless the agents are overloaded.
    let overload = arrivals > capacity ? Foundation.log(arrivals / capacity) / abandonment : 0
    let peak = exponent(overload)
    var (all, within) = (0.0, 0.0)
    let step = min(limit > 0 ? limit / 50 : 1, 0.2 / capacity + overload / 200, 0.5)
    var x = step / 2
    while x < 1e6 {
      let w = Foundation.exp(exponent(x) - peak) * step
      all += w
      if x < limit { within += w * Foundation.exp(-abandonment * x) }
      if x > overload, w < 1e-13 * all { break }
      x += step
    }
    let empty = e * Foundation.exp(-peak)
    return (empty + arrivals * within) / (empty + arrivals * all)
  }

  /// The fewest agents that answer the share of callers in time.
  func agents(answering share: Double, within limit: Double) -> Int {
    guard arrivals > 0 else { return 0 }
    var n = 1
    while n < 100_000, answered(within: limit, agents: n) < share { n += 1 }
    return n
  }

  /// The square-root rule n = R + β √R, with the β of Garnett, Mandelbaum and Reiman (2002) for the same aim.
  func squareRootAgents(answering share: Double, within limit: Double) -> Int {
    guard arrivals > 0 else { return 0 }
    var (low, high) = (-load.squareRoot(), 20.0)
    for _ in 0..<60 {
      let beta = (low + high) / 2
      if late(beta, after: limit) <= 1 - share { high = beta } else { low = beta }
    }
    return max(1, Int((load + high * load.squareRoot()).rounded(.up)))
  }

  /// The probability that the offered wait is longer than this, in the limit of many agents.
  private func late(_ beta: Double, after limit: Double) -> Double {
    // A patience without end is a very long one.
    let theta = max(abandonment, service * 1e-4)
    let ratio = (theta / service).squareRoot()
    let delayed = 1 / (1 + ratio * hazard(beta / ratio) / hazard(-beta))
    let n = load + beta * load.squareRoot()
    let shifted = beta / ratio + limit * (max(0, n) * service * theta).squareRoot()
    return delayed * tail(shifted) / max(tail(beta / ratio), 1e-300)
  }

  private func tail(_ x: Double) -> Double { erfc(x / 2.0.squareRoot()) / 2 }
  private func hazard(_ x: Double) -> Double {
    // Far out the ratio of density and tail is the argument itself.
    x > 30 ? x : Foundation.exp(-x * x / 2) / (2 * Double.pi).squareRoot() / tail(x)
  }
}
