import ACD
import Foundation
import Primitives

@testable import Simulator

/// Family `multiskill`: pools of agents with ranked skills, one queue for each class.
extension Study {
  static func pools(_ rows: [Row]) -> Study? {
    guard let id = rows.first?["id"], let centre = PoolCentre(rows) else { return nil }
    var found: [(Comparison, Ratio)] = []
    for (index, row) in rows.enumerated() {
      func value(_ column: String) -> Double? { row[column].flatMap(Double.init) }
      let queue = QueueID(index: UInt32(index))
      let group = Tally.group(queue, centre.channel)
      func share(_ name: String, _ field: any KeyPath<Tally.Group, Int64> & Sendable) {
        guard let expected = value(name) else { return }
        found.append(
          (
            .share("\(name) of \(row["cls"] ?? "")", expected),
            { (Double($0.groups[group][keyPath: field]), Double($0.groups[group].offered)) }
          ))
      }
      share("p_wait", \.waited)
      share("p_abandon", \.abandoned)
      if let expected = value("mean_wait_all") {
        found.append(
          (
            .mean("mean_wait_all of \(row["cls"] ?? "")", expected),
            { (Double($0.groups[group].wait) / 1e6, Double($0.groups[group].offered)) }
          ))
      }
      if let expected = value("mean_queue") {
        found.append((.mean("mean_queue of \(row["cls"] ?? "")", expected), { ($0.area(queue), $0.measuredTime) }))
      }
      if let expected = value("sl_served_of_offered_sim") {
        // Itself an estimate.
        var comparison = Comparison.share("sl_served_of_offered of \(row["cls"] ?? "")", expected)
        comparison.uncertainty = value("sl_sim_hw95") ?? 0
        found.append(
          (comparison, { ($0.sum([group], within: 0, \.answered), Double($0.groups[group].offered)) }))
      }
    }
    let occupancies = rows.first?["occupancy"]?.split(separator: ";").compactMap { Double($0) } ?? []
    if !centre.isByIdleCount, occupancies.count == centre.pools.count {
      for (pool, expected) in occupancies.enumerated() {
        let crew = centre.agents(of: pool)
        found.append(
          (
            .share("occupancy of pool \(pool + 1)", expected),
            { $0.ratio(.occupancy, [], agents: crew, queues: []) }
          ))
      }
    }
    return centre.study(id, found)
  }
}

/// Pools as the column `pools` writes them: `8xA;12xA>B*1.25`.
///
/// Where an arrival goes to the first listed pool with somebody idle, every agent is one, and queues are served
/// serially. Where it goes to the pool with most idle agents, a pool is one agent with as many chats at once, and chats
/// are spread: handle times are exponential, so that it does not matter which of a pool takes a contact. Pools are made
/// equally large by chats that last to the end.
private struct PoolCentre {
  struct Pool {
    var count: Int
    /// Classes by rank, the best first.
    var classes: [Int]
    var pace: Double
  }
  var pools: [Pool] = []
  var classes: [(rate: Double, handle: Double, patience: Double?)] = []
  var target: Double
  var isByIdleCount: Bool

  init?(_ rows: [Study.Row]) {
    guard let first = rows.first, let pools = first["pools"], let route = first["route"],
      ["order", "most-idle"].contains(route)
    else { return nil }
    isByIdleCount = route == "most-idle"
    target = first["target"].flatMap(Double.init) ?? 20
    for row in rows {
      guard let rate = row["arrival_rate"].flatMap(Double.init), let handle = row["mean_handle"].flatMap(Double.init)
      else { return nil }
      classes.append((rate, handle, row["mean_patience"].flatMap(Double.init)))
    }
    for text in pools.split(separator: ";") {
      guard let match = text.wholeMatch(of: /(\d+)x([^*]+)(?:\*([\d.]+))?/), let count = Int(match.1) else {
        return nil
      }
      let ranked = match.2.split(separator: ">").compactMap { name in rows.firstIndex { $0["cls"] == String(name) } }
      guard ranked.count == match.2.split(separator: ">").count else { return nil }
      self.pools.append(Pool(count: count, classes: ranked, pace: match.3.flatMap { Double($0) } ?? 1))
    }
  }

  var channel: Channel { isByIdleCount ? .chat : .voice }
  var rate: Double { classes.reduce(0) { $0 + $1.rate } }
  var agentCount: Int { pools.reduce(0) { $0 + $1.count } }
  var meanHandle: Double { classes.reduce(0) { $0 + $1.rate * $1.handle } / rate }
  var load: Double { rate * meanHandle / Double(agentCount) }

  func agents(of pool: Int) -> [Int] {
    let first = pools[..<pool].reduce(0) { $0 + $1.count }
    return Array(first..<first + pools[pool].count)
  }

  /// Contacts before what is measured. A class that only part of the agents serve forgets more slowly than the whole,
  /// so it is three times what one line of all agents would need.
  private var warmUp: Double {
    let patience = classes.compactMap(\.patience).max()
    var memory = meanHandle
    if let patience, classes.allSatisfy({ $0.patience != nil }) {
      memory += patience
    } else {
      let gap = 1 - min(0.99, load).squareRoot()
      memory += meanHandle / Double(agentCount) / (gap * gap)
    }
    return rate * 36 * memory
  }

  /// - Parameter isFilled: false for the callers alone.
  private func plan(isFilled: Bool) -> Plan {
    let contacts = max(20_000, 5 * warmUp) + warmUp
    let end = Int64(contacts / rate * 1e6)
    var definitions = Definitions()
    for index in classes.indices {
      var queue = QueueDefinition(name: "class \(index + 1)")
      queue.policy = .serial
      definitions.queues.append(queue)
    }
    var shifts: [Plan.Shifts] = []
    let largest = pools.map(\.count).max() ?? 0
    var fillers: [(queue: QueueID, count: Int)] = []
    for (number, pool) in pools.enumerated() {
      for _ in 0..<(isByIdleCount ? 1 : pool.count) {
        var agent = AgentDefinition(name: "pool \(number + 1)")
        agent.take = .agentRank
        agent.queues = pool.classes.enumerated().map { rank, own in
          .init(queue: QueueID(index: UInt32(own)), rank: UInt8(rank))
        }
        if isByIdleCount {
          agent.chatCapacity = UInt8(largest)
          let filler = QueueID(index: UInt32(definitions.queues.count))
          definitions.queues.append(QueueDefinition(name: "filler of pool \(number + 1)"))
          agent.queues.append(.init(queue: filler))
          fillers.append((filler, largest - pool.count))
        }
        var shift = Plan.Shifts(
          agent: AgentID(index: UInt32(definitions.agents.count)), spans: [0..<(1 << 60)])
        shift.pace = pool.pace
        shifts.append(shift)
        definitions.agents.append(agent)
      }
    }
    var plan = Plan(
      definitions: definitions, start: Instant(microseconds: 0), end: Instant(microseconds: end),
      measureFrom: Instant(microseconds: Int64(warmUp / rate * 1e6)))
    plan.thresholds = [Int64((target * 1e6).rounded())]
    plan.agents = shifts
    for (index, own) in classes.enumerated() {
      var callers = Plan.Callers(queue: QueueID(index: UInt32(index)))
      callers.voice = isByIdleCount ? 0 : 1
      callers.handleVoice = .exponential(mean: own.handle * 1e6)
      callers.handleChat = callers.handleVoice
      callers.patience = own.patience.map { .exponential(mean: $0 * 1e6) }
      plan.add(callers, rates: [own.rate / 1e6], interval: .max)
    }
    for filler in fillers where isFilled && filler.count > 0 {
      var callers = Plan.Callers(queue: filler.queue)
      callers.voice = 0
      let record = Plan.Record(arrival: 1, patience: .max, handle: 2 * end)
      plan.add(callers, records: Array(repeating: record, count: filler.count))
    }
    return plan
  }

  func study(_ id: String, _ found: [(Study.Comparison, Study.Ratio)]) -> Study {
    let (plan, counted) = (plan(isFilled: true), plan(isFilled: false))
    var controls = Controls(rates: classes.map { $0.rate / 1e6 }, meanHandle: classes.map { $0.handle * 1e6 })
    controls.levels = [agentCount]
    let line = QueueingModel(
      arrivalRate: rate, meanHandle: meanHandle, agents: agentCount,
      patience: classes[0].patience.map { .exponential(mean: $0) } ?? .endless)
    let areAlike = classes.allSatisfy { $0.handle == classes[0].handle && $0.patience == classes[0].patience }
    if areAlike, line.load < 1 || classes[0].patience != nil {
      controls.neighbours = line.controls(thresholds: []).neighbours
    }
    let (ratios, known) = (found.map(\.1), controls)
    return Study(id: id, comparisons: found.map(\.0)) { replication in
      var world = World(plan: plan, seed: Study.seed, replication: replication)
      world.run()
      let tally = world.tally
      return Study.Observation(
        ratios: ratios.map { $0(tally) },
        controls: known.deviations(counted, seed: Study.seed, replication: replication))
    }
  }
}
