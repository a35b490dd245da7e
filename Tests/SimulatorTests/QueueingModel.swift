import ACD
import Foundation
import Primitives

@testable import Simulator

/// A table with a header; cells by column name, empty ones absent.
struct Table {
  var rows: [[String: String]] = []

  init(_ url: URL) throws {
    let lines = try String(contentsOf: url, encoding: .utf8).split(whereSeparator: \.isNewline).map {
      $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
    guard let header = lines.first else { return }
    rows = lines.dropFirst().map { cells in
      Dictionary(zip(header, cells).filter { !$0.1.isEmpty }, uniquingKeysWith: { first, _ in first })
    }
  }
}

/// M/M/n+G, first come first served: rates in seconds.
struct QueueingModel {
  enum Patience {
    case endless
    case exponential(mean: Double)
    case constant(Double)
    case hyperexponential(p: Double, first: Double, second: Double)
    case erlang(mean: Double, phases: Int)
    case lognormal(mean: Double, cv: Double)
  }
  var arrivalRate: Double
  var meanHandle: Double
  var agents: Int
  var patience: Patience

  /// Seconds; 0 without patience.
  var meanPatience: Double {
    switch patience {
    case .endless: 0
    case .exponential(let mean), .constant(let mean), .erlang(let mean, _), .lognormal(let mean, _): mean
    case .hyperexponential(let p, let first, let second): p * first + (1 - p) * second
    }
  }

  /// Offered load per agent.
  var load: Double { arrivalRate * meanHandle / Double(agents) }

  /// The production world of this model.
  func plan(contacts: Double, warmUp: Double, thresholds: [Double]) -> Plan {
    var definitions = Definitions()
    definitions.queues = [QueueDefinition(name: "queue")]
    for index in 0..<agents {
      var agent = AgentDefinition(name: "agent \(index)")
      agent.queues = [.init(queue: QueueID(index: 0))]
      definitions.agents.append(agent)
    }
    let end = Int64((contacts + warmUp) / arrivalRate * 1e6)
    var plan = Plan(
      definitions: definitions, start: Instant(microseconds: 0), end: Instant(microseconds: end),
      measureFrom: Instant(microseconds: Int64(warmUp / arrivalRate * 1e6)))
    plan.thresholds = thresholds.map { Int64(($0 * 1e6).rounded()) }
    var callers = Plan.Callers(queue: QueueID(index: 0))
    callers.handleVoice = .exponential(mean: meanHandle * 1e6)
    switch patience {
    case .endless: callers.patience = nil
    case .exponential(let mean): callers.patience = .exponential(mean: mean * 1e6)
    case .constant(let value): callers.patience = .constant(value * 1e6)
    case .hyperexponential(let p, let first, let second):
      callers.patience = plan.numbers.hyperexponential([(p, first * 1e6), (1 - p, second * 1e6)])
    case .erlang(let mean, let phases):
      callers.patience = .gamma(shape: Double(phases), scale: mean * 1e6 / Double(phases))
    case .lognormal(let mean, let cv): callers.patience = .lognormal(mean: mean * 1e6, cv: cv)
    }
    plan.add(callers, rates: [arrivalRate / 1e6], interval: .max)
    // Agents stay until the last contact has left, as they do in the recursion.
    plan.agents = (0..<agents).map { .init(agent: AgentID(index: UInt32($0)), spans: [0..<(1 << 60)]) }
    return plan
  }

  /// What is known of the model without simulation (Zeltyn and Mandelbaum 2005, for exponential handle times).
  struct Known {
    var waited, abandoned, meanWait, answeredWithin: Double
  }

  /// Of a caller's patience: the share that outlasts `x`.
  private func survival(_ x: Double) -> Double {
    switch patience {
    case .endless: return 1
    case .exponential(let mean): return exp(-x / mean)
    case .constant(let value): return x < value ? 1 : 0
    case .hyperexponential(let p, let first, let second):
      return (first > 0 ? p * exp(-x / first) : 0) + (1 - p) * exp(-x / second)
    case .erlang(let mean, let phases):
      let stage = x * Double(phases) / mean
      var term = exp(-stage)
      var sum = term
      for k in 1..<max(2, phases) where k < phases {
        term *= stage / Double(k)
        sum += term
      }
      return sum
    case .lognormal(let mean, let cv):
      if x <= 0 { return 1 }
      let variance = log(1 + cv * cv)
      return 0.5 * erfc((log(x / mean) + variance / 2) / (2 * variance).squareRoot())
    }
  }

  func known(within target: Double) -> Known {
    let capacity = Double(agents) / meanHandle
    // Σ over fewer than n busy agents, scaled by the term of n - 1.
    var idle = 1.0
    var term = 1.0
    for k in stride(from: agents - 1, to: 0, by: -1) {
      term *= Double(k) / (arrivalRate * meanHandle)
      idle += term
    }
    // Midpoint rule in steps that divide the target and a constant patience.
    var step = min(target, meanHandle / Double(agents)) / 400
    step = target / (target / step).rounded(.up)
    if case .constant(let value) = patience { step = value / (value / step).rounded(.up) }
    var (x, h, weights, waits, within) = (0.0, 0.0, 0.0, 0.0, 0.0)
    while true {
      let g = survival(x + step / 2)
      let w = exp(arrivalRate * (h + g * step / 2) - capacity * (x + step / 2))
      weights += w * step
      waits += (h + g * step / 2) * w * step
      if x + step / 2 < target { within += g * w * step }
      h += g * step
      x += step
      if w < 1e-14, x > target { break }
    }
    let total = idle + arrivalRate * weights
    return Known(
      waited: arrivalRate * weights / total, abandoned: (1 + (arrivalRate - capacity) * weights) / total,
      meanWait: arrivalRate * waits / total, answeredWithin: (idle + arrivalRate * within) / total)
  }
}

/// First come first served at n agents, computed in the order of arrival from the agents' next free moments; it draws
/// the same callers as the production world, their handle times scaled.
struct Recursion {
  struct Sums {
    var offered = 0.0
    var waited = 0.0
    var abandoned = 0.0
    var wait = 0.0
    /// Answered within each target.
    var within: [Double]
  }
  private(set) var sums: Sums

  /// - Parameter visit: number, wait in microseconds, and whether answered, of each contact.
  init(
    _ plan: Plan, seed: UInt64, replication: UInt64, scale: Double, targets: [Int64] = [],
    visit: ((UInt64, Int64, Bool) -> Void)? = nil
  ) {
    sums = Sums(within: Array(repeating: 0, count: targets.count))
    let draws = Draws(seed: seed, replication: replication, stream: 0)
    let callers = plan.callers[0]
    let rate = plan.rates[0]
    var free = FreeMoments(count: plan.definitions.agents.count)
    var time: Int64 = 0
    var number: UInt64 = 0
    while true {
      time += Int64((-Elementary.log(draws.uniform(number, .interarrival)) / rate).rounded())
      guard time < plan.end.microseconds else { break }
      var wait = max(0, free.first - time)
      var isAnswered = true
      if wait > 0, let patience = callers.patience?.draw(draws, number, .patience, plan.numbers), patience < wait {
        wait = patience
        isAnswered = false
      }
      if isAnswered {
        let handle = max(1, callers.handleVoice.draw(draws, number, .handle, plan.numbers))
        free.replaceFirst(with: time + wait + (scale == 1 ? handle : Int64(Double(handle) * scale)))
      }
      if time >= plan.measureFrom.microseconds {
        sums.offered += 1
        sums.wait += Double(wait)
        if wait > 0 || !isAnswered { sums.waited += 1 }
        if !isAnswered { sums.abandoned += 1 }
        for place in targets.indices where isAnswered && wait <= targets[place] { sums.within[place] += 1 }
      }
      visit?(number, wait, isAnswered)
      number += 1
    }
  }

  private struct FreeMoments {
    private var heap: ContiguousArray<Int64>
    init(count: Int) { heap = ContiguousArray(repeating: 0, count: count) }
    var first: Int64 { heap[0] }

    mutating func replaceFirst(with moment: Int64) {
      heap.withUnsafeMutableBufferPointer { heap in
        var parent = 0
        while true {
          var child = 2 * parent + 1
          guard child < heap.count else { break }
          if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
          guard heap[child] < moment else { break }
          heap[parent] = heap[child]
          parent = child
        }
        heap[parent] = moment
      }
    }
  }
}
