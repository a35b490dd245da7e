import ACD
import Foundation
import Primitives

@testable import Simulator

/// Handle times of any law in seconds, with the moments that theory asks for.
struct HandleTime: Sendable {
  var mean: Double
  /// Squared coefficient of variation.
  var spread: Double
  var law: @Sendable (inout Law.Numbers) -> Law

  var secondMoment: Double { mean * mean * (1 + spread) }

  /// As the columns `service` and s1 to s3 name it, or `service`, `mean_handle` and `cv`.
  init?(_ row: Study.Row) {
    func number(_ column: String) -> Double? { row[column].flatMap(Double.init) }
    let service = row["service"] ?? "det"
    guard let first = number("s1") ?? number("mean_handle") else { return nil }
    mean = first
    spread = 0
    switch service {
    case "exp":
      spread = 1
      law = { _ in .exponential(mean: first * 1e6) }
    case "det": law = { _ in .constant(first * 1e6) }
    case "lognormal":
      guard let cv = number("s2") ?? number("cv") else { return nil }
      spread = cv * cv
      law = { _ in .lognormal(mean: first * 1e6, cv: cv) }
    case "erlang":
      guard let phases = number("s2") else { return nil }
      spread = 1 / phases
      law = { _ in .gamma(shape: phases, scale: first * 1e6 / phases) }
    case "h2":
      guard let slow = number("s2"), let fast = number("s3") else { return nil }
      mean = first * slow + (1 - first) * fast
      spread = 2 * (first * slow * slow + (1 - first) * fast * fast) / (mean * mean) - 1
      law = { $0.hyperexponential([(first, slow * 1e6), (1 - first, fast * 1e6)]) }
    default: return nil
    }
  }
}

/// Reference points with other handle times, and with priorities. All agents serve all callers.
extension Study {
  private static func number(_ row: Row, _ column: String) -> Double? { row[column].flatMap(Double.init) }

  /// Families `mg1` and `mdn`.
  static func general(_ row: Row) -> Study? {
    guard let id = row["id"], let rate = number(row, "arrival_rate"), let handle = HandleTime(row) else { return nil }
    let agents = number(row, "agents").map(Int.init) ?? 1
    let target = number(row, "target")
    let centre = PriorityCentre(agents: agents, classes: [(rate, handle)], thresholds: target.map { [$0] } ?? [])
    var found: [(Comparison, Ratio)] = []
    let shares: [(String, Ratio)] = [
      ("p_wait", { ($0.total(\.waited), $0.total(\.offered)) }),
      ("service_level", { ($0.within(\.answered), $0.total(\.offered)) }),
    ]
    for (name, ratio) in shares { if let value = number(row, name) { found.append((.share(name, value), ratio)) } }
    if let value = number(row, "mean_wait") {
      found.append((.mean("mean_wait", value), { ($0.total(\.wait) / 1e6, $0.total(\.offered)) }))
    }
    if let value = number(row, "mean_queue") {
      found.append((.mean("mean_queue", value), { ($0.area(QueueID(index: 0)), $0.measuredTime) }))
    }
    return centre.study(id, found)
  }

  /// Family `priority`: one row a class, the highest first.
  static func priorities(_ rows: [Row]) -> Study? {
    guard let id = rows.first?["id"], let agents = rows.first.flatMap({ number($0, "agents") }) else { return nil }
    var classes: [(rate: Double, handle: HandleTime)] = []
    var found: [(Comparison, Ratio)] = []
    for (index, row) in rows.enumerated() {
      guard let rate = number(row, "arrival_rate"), let handle = HandleTime(row) else { return nil }
      classes.append((rate, handle))
      let queue = QueueID(index: UInt32(index))
      let group = Tally.group(queue, .voice)
      if let value = number(row, "p_wait") {
        found.append(
          (
            .share("p_wait of class \(index + 1)", value),
            { tally in
              (Double(tally.groups[group].waited), Double(tally.groups[group].offered))
            }
          ))
      }
      if let value = number(row, "mean_wait") {
        found.append(
          (
            .mean("mean_wait of class \(index + 1)", value),
            { tally in
              (Double(tally.groups[group].wait) / 1e6, Double(tally.groups[group].offered))
            }
          ))
      }
      if let value = number(row, "mean_queue") {
        found.append((.mean("mean_queue of class \(index + 1)", value), { ($0.area(queue), $0.measuredTime) }))
      }
    }
    return PriorityCentre(agents: Int(agents), classes: classes, thresholds: []).study(id, found)
  }
}

/// Classes of callers without patience, each with a queue of its own, the first with the highest priority.
private struct PriorityCentre {
  var agents: Int
  var classes: [(rate: Double, handle: HandleTime)]
  var thresholds: [Double]

  var rate: Double { classes.reduce(0) { $0 + $1.rate } }
  var load: Double { classes.reduce(0) { $0 + $1.rate * $1.handle.mean } / Double(agents) }
  var secondMoment: Double { classes.reduce(0) { $0 + $1.rate * $1.handle.secondMoment } / rate }

  /// Contacts before what is measured: twelve times the slowest mode of a queue at this load.
  var warmUp: Double {
    let gap = 1 - load.squareRoot()
    let mean = load * Double(agents) / rate
    let spread = secondMoment / (mean * mean)
    return rate * 12 * (mean + mean / Double(agents) * max(1, spread) / (gap * gap))
  }

  func plan() -> Plan {
    var definitions = Definitions()
    for index in classes.indices {
      var queue = QueueDefinition(name: "class \(index + 1)")
      queue.priority = Int16(10 * (classes.count - index))
      definitions.queues.append(queue)
    }
    for index in 0..<agents {
      var agent = AgentDefinition(name: "agent \(index)")
      agent.queues = classes.indices.map { .init(queue: QueueID(index: UInt32($0))) }
      definitions.agents.append(agent)
    }
    let contacts = max(20_000, 5 * warmUp) + warmUp
    var plan = Plan(
      definitions: definitions, start: Instant(microseconds: 0),
      end: Instant(microseconds: Int64(contacts / rate * 1e6)),
      measureFrom: Instant(microseconds: Int64(warmUp / rate * 1e6)))
    plan.thresholds = thresholds.map { Int64(($0 * 1e6).rounded()) }
    for (index, own) in classes.enumerated() {
      var callers = Plan.Callers(queue: QueueID(index: UInt32(index)))
      callers.handleVoice = own.handle.law(&plan.numbers)
      plan.add(callers, rates: [own.rate / 1e6], interval: .max)
    }
    plan.agents = (0..<agents).map { .init(agent: AgentID(index: UInt32($0)), spans: [0..<(1 << 60)]) }
    return plan
  }

  /// Fast single agents at loads around this one.
  var controls: Controls {
    var controls = Controls(rates: classes.map { $0.rate / 1e6 }, meanHandle: classes.map { $0.handle.mean * 1e6 })
    let scales = agents == 1 ? [1 - (1 - load) / 12, 1 + (1 - load) / 15] : [1, 1 - (1 - load) / 10]
    controls.fast = scales.map { scale in
      let load = load * scale
      let moment = secondMoment * scale * scale / Double(agents * agents)
      var fast = Controls.FastAgent(
        scale: scale / Double(agents), meanWait: rate * moment / (2 * (1 - load)), waited: load)
      if let target = thresholds.first, classes.allSatisfy({ $0.handle.spread == 0 }) {
        fast.within = (target * 1e6, constantWithin(target, load / rate))
      }
      return fast
    }
    controls.levels = agents > 1 ? [agents] : []
    // Where all are alike, the sum of all waits is that of one line.
    let means = Set(classes.map(\.handle.mean))
    if agents > 1, means.count == 1, let mean = means.first, classes.allSatisfy({ $0.handle.spread == 1 }) {
      let line = QueueingModel(arrivalRate: rate, meanHandle: mean, agents: agents, patience: .endless)
      controls.neighbours = line.controls(thresholds: []).neighbours
    }
    // And where all take the same time, the mean wait is known (Pollaczek and Crommelin).
    if agents > 1, means.count == 1, let mean = means.first, classes.allSatisfy({ $0.handle.spread == 0 }) {
      controls.neighbours = [1 - (1 - load) / 12, 1 + (1 - load) / 15].map { scale in
        let known = QueueingModel.Known(
          waited: 0, abandoned: 0, meanWait: constantWait(mean * scale, rate * mean * scale), answeredWithin: 0)
        return .init(agents: agents, scale: scale, known: known, isImpatient: false, isWaitAlone: true)
      }
    }
    return controls
  }

  /// The share of those who wait at most `target` in M/D/1 (Erlang 1909).
  private func constantWithin(_ target: Double, _ handle: Double) -> Double {
    var sum = 0.0
    var factorial = 1.0
    for k in 0...Int(target / handle) {
      if k > 0 { factorial *= Double(k) }
      let x = rate * (Double(k) * handle - target)
      sum += pow(x, Double(k)) / factorial * exp(-x)
    }
    return (1 - rate * handle) * sum
  }

  /// The mean wait of M/D/n: a sum over the numbers of handle times that have passed.
  private func constantWait(_ handle: Double, _ load: Double) -> Double {
    let n = Double(agents)
    var (sum, passed) = (0.0, 1.0)
    while true {
      let (phases, mean) = (passed * n, passed * load)
      let term = Study.lowerGamma(phases, mean) - n / load * Study.lowerGamma(phases + 1, mean)
      sum += term
      passed += 1
      if abs(term) < 1e-12 { return handle * sum }
    }
  }

  func study(_ id: String, _ found: [(Study.Comparison, Study.Ratio)]) -> Study {
    let plan = plan()
    let controls = controls
    let ratios = found.map(\.1)
    return Study(id: id, comparisons: found.map(\.0)) { replication in
      var world = World(plan: plan, seed: Study.seed, replication: replication)
      world.run()
      let tally = world.tally
      return Study.Observation(
        ratios: ratios.map { $0(tally) },
        controls: controls.deviations(plan, seed: Study.seed, replication: replication))
    }
  }
}
