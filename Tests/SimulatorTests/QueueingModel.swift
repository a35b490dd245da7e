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

/// Counts of one replication over all of its groups, for the ratios of comparisons.
extension Tally {
  func total(_ field: KeyPath<Group, Int64>) -> Double { sum(Array(groups.indices), field) }
  func within(_ field: KeyPath<Within, Int64>, threshold: Int = 0) -> Double {
    sum(Array(groups.indices), within: threshold, field)
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
  func plan(contacts: Double, warmUp: Double, thresholds: [Double], lines: Int? = nil) -> Plan {
    var definitions = Definitions()
    definitions.queues = [QueueDefinition(name: "queue")]
    if let lines { definitions.queues[0].waitingLimit = UInt32(lines - agents) }
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

  /// Contacts before what is measured: twelve times what the system remembers. That is, without patience, the slowest
  /// mode of M/M/1 at this load, and with it patience and handling.
  var warmUp: Double {
    var memory = meanHandle
    if case .endless = patience, load < 1 {
      let gap = 1 - load.squareRoot()
      memory += meanHandle / Double(agents) / (gap * gap)
    } else {
      memory += meanPatience
    }
    return arrivalRate * 12 * memory
  }

  /// The same centre with handle times that are a little shorter and a little longer, and one as fast as all agents
  /// together.
  func controls(thresholds: [Double]) -> Controls {
    var controls = Controls(rates: [arrivalRate / 1e6], meanHandle: [meanHandle * 1e6])
    // Near enough in a large centre too, where the load matters against its square root.
    let step = min(0.01, 0.1 / (arrivalRate * meanHandle).squareRoot())
    var scales = [1 - step, 1 + step]
    var isImpatient = true
    if case .endless = patience {
      isImpatient = false
      scales = [1 - (1 - load) / 12, 1 + (1 - load) / 15]
      if agents > 1 {
        let wait = load / (1 - load) * meanHandle / Double(agents)
        controls.fast = [.init(scale: 1 / Double(agents), meanWait: wait, waited: load)]
      }
    }
    controls.neighbours = scales.map { scale in
      var neighbour = self
      neighbour.meanHandle *= scale
      return Controls.Neighbour(
        agents: agents, scale: scale, known: neighbour.known(within: thresholds.first ?? meanHandle),
        isImpatient: isImpatient, within: thresholds.map { neighbour.known(within: $0).answeredWithin })
    }
    return controls
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
