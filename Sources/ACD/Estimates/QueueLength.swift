/// The queue-length estimator with patience: n contacts ahead leave one after the other, at the rate m of the agents
/// and the rate a at which each who waits gives up, so the wait has n + 1 exponential stages of rates m + k·a, k from 0
/// to n.
///
/// Its mean and its variance are sums of 1/(m + k·a) and of their squares. A gamma law of the same two moments gives the
/// quantiles; without patience it is the exact law.
struct QueueLength {
  /// Microseconds, and their square.
  var mean: Double
  var variance: Double

  init(ahead: Int, agents: Int, queue: QueueRow) {
    let handleTime = Double(queue.handleTime > 0 ? queue.handleTime : Engine.expectedHandleTime)
    self.init(ahead: ahead, service: Double(agents) / handleTime, patience: queue.waits.abandonRate)
  }

  /// Rates per microsecond. Work grows with the logarithm of `ahead`: the first stages are summed one by one, the others
  /// in runs of doubling length, each by Gauss and Legendre's three points, to 1 part in 10,000.
  init(ahead: Int, service: Double, patience: Double) {
    mean = 0
    variance = 0
    let stages = ahead + 1
    guard patience > 0 else {
      mean = Double(stages) / service
      variance = Double(stages) / (service * service)
      return
    }
    let exact = min(stages, 8)
    for stage in 0..<exact {
      let time = 1 / (service + Double(stage) * patience)
      mean += time
      variance += time * time
    }
    var first = exact
    while first < stages {
      let last = min(stages, first * 2)
      let half = Double(last - first) / 2
      let middle = Double(first) - 0.5 + half
      for (offset, weight) in [(-0.774596669241483, 5.0 / 9), (0, 8.0 / 9), (0.774596669241483, 5.0 / 9)] {
        let time = 1 / (service + (middle + offset * half) * patience)
        mean += weight * half * time
        variance += weight * half * time * time
      }
      first = last
    }
  }

  /// By Wilson and Hilferty (1931); within 3 % from one stage upwards. `normal` is the quantile of the normal law.
  func quantile(normal: Double) -> Double {
    let shape = mean * mean / variance
    let root = 1 - 1 / (9 * shape) + normal / (3 * shape.squareRoot())
    return mean * root * root * root
  }
}
