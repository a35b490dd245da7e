import ACD
import Foundation
import Primitives

@testable import Simulator

/// Reference points of one queue: M/M/n, M/M/n+G, M/M/n/n, M/M/n/K+M and the limits for many agents.
extension Study {
  static let seed: UInt64 = 20_261

  typealias Row = [String: String]

  private static func number(_ row: Row, _ column: String) -> Double? { row[column].flatMap(Double.init) }

  /// Families `erlang_a`, `erlang_c` and `mmng`.
  static func waiting(_ row: Row) -> Study? {
    guard let id = row["id"], let rate = number(row, "arrival_rate"), let handle = number(row, "mean_handle"),
      let agents = number(row, "agents"), let target = number(row, "target"),
      let patience = QueueingModel.Patience(row)
    else { return nil }
    let model = QueueingModel(arrivalRate: rate, meanHandle: handle, agents: Int(agents), patience: patience)
    var thresholds = [target]
    var found: [(Comparison, Ratio)] = []
    for (name, ratio) in shares(agents: Int(agents)) {
      if let value = number(row, name) { found.append((.share(name, value), ratio)) }
    }
    for (name, ratio) in means {
      if let value = number(row, name) { found.append((.mean(name, value), ratio)) }
    }
    if let ninth = number(row, "wait_p90"), ninth > 0 {
      // The share of waits up to it. One per cent of the quantile is this much of that share: the tail is exponential,
      // so that the density is 0.1 over the mean wait of those who wait.
      thresholds.append(ninth)
      let tolerance = 0.01 * ninth * 0.1 * (agents / handle - rate)
      found.append(
        (
          Comparison(name: "wait_p90", expected: 0.9, tolerance: tolerance),
          { tally in
            (tally.within(\.answered, threshold: 1), tally.total(\.answered))
          }
        ))
    }
    return study(id, model, thresholds, found, controls: model.controls(thresholds: thresholds))
  }

  typealias Ratio = @Sendable (Tally) -> (top: Double, bottom: Double)

  private static func shares(agents: Int) -> [(String, Ratio)] {
    let crew = Array(0..<agents)
    return [
      ("p_wait", { ($0.total(\.waited), $0.total(\.offered)) }),
      ("p_abandon", { ($0.total(\.abandoned), $0.total(\.offered)) }),
      ("occupancy", { $0.ratio(.occupancy, [], agents: crew, queues: []) }),
      ("service_level", { ($0.within(\.answered), $0.total(\.offered)) }),
      ("sl_served_of_offered", { ($0.within(\.answered), $0.total(\.offered)) }),
      ("sl_excl_short_abandons", { ($0.within(\.answered), $0.total(\.offered) - $0.within(\.abandoned)) }),
      ("sl_of_answered", { ($0.within(\.answered), $0.total(\.answered)) }),
      ("ab_within_target", { ($0.within(\.abandoned), $0.total(\.offered)) }),
    ]
  }

  private static let means: [(String, Ratio)] = [
    ("mean_wait_all", { ($0.total(\.wait) / 1e6, $0.total(\.offered)) }),
    ("asa", { ($0.total(\.answeredWait) / 1e6, $0.total(\.answered)) }),
    ("mean_wait_if_waits", { ($0.total(\.wait) / 1e6, $0.total(\.waited)) }),
    ("mean_queue", { ($0.area(QueueID(index: 0)), $0.measuredTime) }),
  ]

  private static func study(
    _ id: String, _ model: QueueingModel, _ thresholds: [Double], _ found: [(Comparison, Ratio)], lines: Int? = nil,
    controls: Controls
  ) -> Study {
    let warmUp = model.warmUp
    let plan = model.plan(
      contacts: max(20_000, warmUp), warmUp: warmUp, thresholds: thresholds, lines: lines)
    let ratios = found.map(\.1)
    return Study(id: id, comparisons: found.map(\.0)) { replication in
      var world = World(plan: plan, seed: seed, replication: replication)
      world.run()
      let tally = world.tally
      return Observation(
        ratios: ratios.map { $0(tally) },
        controls: controls.deviations(plan, seed: seed, replication: replication))
    }
  }

  /// Family `erlang_b`: nobody waits. The handle time does not matter; it is three minutes.
  static func loss(_ row: Row) -> Study? {
    guard let id = row["id"], let load = number(row, "offered_erlang"), let agents = number(row, "agents"),
      let blocked = number(row, "p_block")
    else { return nil }
    let n = Int(agents)
    let model = QueueingModel(arrivalRate: load / 180, meanHandle: 180, agents: n, patience: .exponential(mean: 1))
    let controls = Controls(
      levels: [n, max(0, n - Int(load.squareRoot()))], rates: [model.arrivalRate / 1e6], meanHandle: [180e6])
    let block: Ratio = { ($0.total(\.refused), $0.total(\.refused) + $0.total(\.offered)) }
    return study(id, model, [], [(.share("p_block", blocked), block)], lines: n, controls: controls)
  }

  /// Family `finite_lines`: at most K contacts in the centre. Shares are of all who try.
  static func finiteLines(_ row: Row) -> Study? {
    guard let id = row["id"], let rate = number(row, "arrival_rate"), let handle = number(row, "mean_handle"),
      let agents = number(row, "agents"), let lines = number(row, "lines")
    else { return nil }
    let patience = number(row, "mean_patience").map { QueueingModel.Patience.exponential(mean: $0) } ?? .endless
    let model = QueueingModel(arrivalRate: rate, meanHandle: handle, agents: Int(agents), patience: patience)
    let tried: @Sendable (Tally) -> Double = { $0.total(\.refused) + $0.total(\.offered) }
    let shares: [(String, Ratio)] = [
      ("p_block", { ($0.total(\.refused), tried($0)) }),
      ("p_wait", { ($0.total(\.waited), tried($0)) }),
      ("p_abandon", { ($0.total(\.abandoned), tried($0)) }),
      ("occupancy", { $0.ratio(.occupancy, [], agents: Array(0..<Int(agents)), queues: []) }),
    ]
    var found: [(Comparison, Ratio)] = []
    for (name, ratio) in shares { if let value = number(row, name) { found.append((.share(name, value), ratio)) } }
    if let value = number(row, "mean_queue") { found.append((.mean("mean_queue", value), means[3].1)) }
    if let value = number(row, "mean_wait_admitted") { found.append((.mean("mean_wait_admitted", value), means[0].1)) }
    var controls = Controls(rates: [rate / 1e6], meanHandle: [handle * 1e6])
    if model.load < 1 || model.meanPatience > 0 { controls = model.controls(thresholds: []) }
    controls.levels = [Int(agents), Int(lines)]
    return study(id, model, [], found, lines: Int(lines), controls: controls)
  }

  /// Family `square_root`: the limit of P(wait) for n = R + β √R. At 400 Erlang the world meets the exact value, and at
  /// 4,000 agents and more the exact value meets the limit within two per cent.
  static func manyAgents(_ row: Row) -> (study: Study, exact: Double, limit: Double)? {
    guard let id = row["id"], let beta = number(row, "beta"), let limit = number(row, "p_wait_limit") else {
      return nil
    }
    let patience = number(row, "theta_over_mu").map { QueueingModel.Patience.exponential(mean: 1 / $0) } ?? .endless
    func model(_ load: Double) -> QueueingModel {
      let agents = (load + beta * load.squareRoot()).rounded()
      // The rate that gives exactly this β at a whole number of agents.
      let root = (-beta + (beta * beta + 4 * agents).squareRoot()) / 2
      return QueueingModel(arrivalRate: root * root, meanHandle: 1, agents: Int(agents), patience: patience)
    }
    let small = model(400)
    let expected = small.known(within: 0.1).waited
    let waited: Ratio = { ($0.total(\.waited), $0.total(\.offered)) }
    return (
      study(id, small, [], [(.share("p_wait", expected), waited)], controls: small.controls(thresholds: [])),
      model(4_000).known(within: 0.1).waited, limit
    )
  }
}
