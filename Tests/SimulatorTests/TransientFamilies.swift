import ACD
import Foundation
import Primitives

@testable import Simulator

/// Reference points that are about single days, single callers, or callers who come back.
extension Study {
  private static func number(_ row: Row, _ column: String) -> Double? { row[column].flatMap(Double.init) }

  /// Family `busyness`: how many come in an interval whose rate is multiplied by a gamma factor. The factor alone tells
  /// nearly as much, and its law is known.
  static func busyness(_ row: Row) -> Study? {
    guard let id = row["id"], let mean = number(row, "mean"), let shape = number(row, "alpha"),
      let limit = number(row, "k"), let share = number(row, "p_le_k")
    else { return nil }
    var definitions = Definitions()
    definitions.queues = [QueueDefinition(name: "queue")]
    let hour = Int64.minutes(60)
    var plan = Plan(definitions: definitions, start: Instant(microseconds: 0), end: Instant(microseconds: hour))
    var callers = Plan.Callers(queue: QueueID(index: 0))
    callers.busyness = shape
    plan.add(callers, rates: [mean / Double(hour)], interval: hour)
    let factor = Law.gamma(shape: shape, scale: 1 / shape)
    let below = lowerGamma(shape, shape * limit / mean)
    let ready = plan
    return Study(id: id, comparisons: [.share("p_le_k", share)]) { replication in
      // A hundred days at a time.
      var (within, quiet) = (0.0, 0.0)
      for day in 0..<100 {
        var source = Source(ready, 0, seed: seed, replication: replication * 100 + UInt64(day))
        if factor.value(source.draws, 0, .busyness, ready.numbers) <= limit / mean { quiet += 1 }
        var count = 0.0
        while count <= limit, source.arrival(ready) != nil { count += 1 }
        if count <= limit { within += 1 }
      }
      return Observation(ratios: [(within, 100)], controls: [quiet - 100 * below])
    }
  }

  /// The regularised lower incomplete gamma function, by its series.
  static func lowerGamma(_ shape: Double, _ x: Double) -> Double {
    var term = exp(shape * log(x) - x - lgamma(shape + 1))
    var sum = term
    var n = shape
    while term > 1e-17 * sum {
      n += 1
      term *= x / n
      sum += term
    }
    return sum
  }

  /// Family `ewt`: how long a caller waits who never hangs up, behind `ahead` others, all agents busy.
  static func remainingWait(_ row: Row) -> Study? {
    guard let id = row["id"], let agents = number(row, "agents").map(Int.init), let handle = number(row, "mean_handle"),
      let ahead = number(row, "ahead").map(Int.init), let mean = number(row, "mean_wait_if_patient")
    else { return nil }
    let patience = number(row, "mean_patience").map { QueueingModel.Patience.exponential(mean: $0) } ?? .endless
    let model = QueueingModel(arrivalRate: 1, meanHandle: handle, agents: agents, patience: patience)
    let template = model.plan(contacts: 1, warmUp: 0, thresholds: [])
    let group = agents + ahead + 1
    var plan = Plan(definitions: template.definitions, start: template.start, end: Instant(microseconds: 10_000))
    plan.agents = template.agents
    plan.numbers = template.numbers
    plan.add(
      template.callers[0],
      records: (0..<group).map { place in
        // The last one stays for ever.
        Plan.Record(arrival: Int64(place) + 1, patience: place == group - 1 ? 1 << 50 : -1)
      })
    let ready = plan
    return Study(id: id, comparisons: [.mean("mean_wait_if_patient", mean)]) { replication in
      var sum = 0.0
      for turn in 0..<50 {
        var world = World(plan: ready, seed: seed, replication: replication * 50 + UInt64(turn))
        world.onLeaving = { if $0.number == UInt64(group - 1) { sum += Double($0.wait) / 1e6 } }
        world.run()
      }
      return Observation(ratios: [(sum, 50)])
    }
  }

  /// Family `redial`: who abandons calls again with some probability, any number of times.
  static func redial(_ row: Row) -> Study? {
    guard let id = row["id"], let rate = number(row, "arrival_rate"), let handle = number(row, "mean_handle"),
      let agents = number(row, "agents").map(Int.init), let patience = number(row, "mean_patience"),
      let again = number(row, "p_redial"), let delay = number(row, "mean_redial_delay")
    else { return nil }
    let model = QueueingModel(
      arrivalRate: rate, meanHandle: handle, agents: agents, patience: .exponential(mean: patience))
    let warmUp = rate * 12 * (handle + patience + 2 * delay)
    let template = model.plan(contacts: max(20_000, 5 * warmUp), warmUp: warmUp, thresholds: [])
    var plan = Plan(
      definitions: template.definitions, start: template.start, end: template.end, measureFrom: template.measureFrom)
    plan.agents = template.agents
    var callers = template.callers[0]
    callers.redial = again
    callers.redialAfter = .exponential(mean: delay * 1e6)
    plan.add(callers, rates: [rate / 1e6], interval: .max)
    let columns: [(String, isShare: Bool)] = [
      ("attempts_per_caller", false), ("served_per_caller", true), ("p_abandon_attempt", true),
      ("p_wait_fresh", true), ("mean_redialling", false), ("mean_queue", false), ("occupancy", true),
    ]
    let found = columns.compactMap { column in
      number(row, column.0).map { column.isShare ? Comparison.share(column.0, $0) : .mean(column.0, $0) }
    }
    var controls = model.controls(thresholds: [])
    controls.levels = [agents]
    let (ready, mixed) = (plan, controls)
    return Study(id: id, comparisons: found) { replication in
      var world = World(plan: ready, seed: seed, replication: replication)
      var (fresh, freshWaited, coming) = (0.0, 0.0, 0.0)
      world.onLeaving = { leaving in
        guard leaving.isMeasured else { return }
        if leaving.attempt > 0 { return coming += 1 }
        fresh += 1
        if leaving.wait > 0 || leaving.outcome != .answered { freshWaited += 1 }
      }
      world.run()
      let tally = world.tally
      let attempts = tally.total(\.offered)
      let values: [(String, (Double, Double))] = [
        ("attempts_per_caller", (attempts, fresh)),
        ("served_per_caller", (tally.total(\.answered), fresh)),
        ("p_abandon_attempt", (tally.total(\.abandoned), attempts)),
        ("p_wait_fresh", (freshWaited, fresh)),
        // By Little's law.
        ("mean_redialling", (coming * delay * 1e6, tally.measuredTime)),
        ("mean_queue", (tally.area(QueueID(index: 0)), tally.measuredTime)),
        ("occupancy", tally.ratio(.occupancy, [], agents: Array(0..<agents), queues: [])),
      ]
      return Observation(
        ratios: found.compactMap { comparison in values.first { $0.0 == comparison.name }?.1 },
        controls: mixed.deviations(ready, seed: seed, replication: replication))
    }
  }

  /// Family `time_varying`: a day from empty, in intervals with rates and staffing of their own. Who leaves is a random
  /// subset of those at work.
  static func day(_ rows: [Row]) -> Study? {
    guard let id = rows.first?["id"], let day = Day(rows) else { return nil }
    var found: [Comparison] = []
    for (index, row) in rows.enumerated() {
      guard let calls = number(row, "arrivals") else { return nil }
      // Shares of the callers of the interval, so that a night with a handful of events is judged by its callers.
      for name in ["waited", "abandoned", "mean_queue", "mean_busy"] {
        guard let value = number(row, name) else { return nil }
        let least = name == "waited" || name == "abandoned" ? 0.002 * calls : 0.002
        found.append(
          Comparison(
            name: "\(name) in interval \(index + 1)", expected: value, tolerance: max(0.01 * value, least)))
      }
    }
    return Study(id: id, comparisons: found) { day.observe($0) }
  }
}

/// M(t)/M/n(t)+M from empty.
private struct Day: Sendable {
  var interval: Int64
  var rates: [Double]
  var agents: [Int]
  var handle: Double
  var patience: Double

  init?(_ rows: [Study.Row]) {
    func numbers(_ column: String) -> [Double]? {
      let found = rows.compactMap { $0[column].flatMap(Double.init) }
      return found.count == rows.count ? found : nil
    }
    guard let lengths = numbers("interval_s"), let rates = numbers("arrival_rate"), let agents = numbers("agents"),
      let handle = numbers("mean_handle"), let patience = numbers("mean_patience"), Set(lengths).count == 1
    else { return nil }
    interval = Int64(lengths[0] * 1e6)
    self.rates = rates
    self.agents = agents.map { Int($0) }
    self.handle = handle[0]
    self.patience = patience[0]
  }

  func plan(_ replication: UInt64) -> Plan {
    var definitions = Definitions()
    definitions.queues = [QueueDefinition(name: "queue")]
    let end = interval * Int64(rates.count)
    var draws = Draws(seed: Study.seed, replication: replication, stream: 1 << 20)
    var number: UInt64 = 0
    // Spans of presence; who leaves is drawn.
    var present: [Int64] = []
    var spans: [Range<Int64>] = []
    for (place, wanted) in agents.enumerated() {
      let now = Int64(place) * interval
      while present.count < wanted { present.append(now) }
      while present.count > wanted {
        number += 1
        let chosen = Int(draws.uniform(number, .miss) * Double(present.count))
        spans.append(present.remove(at: chosen)..<now)
      }
    }
    spans += present.map { $0..<end }
    for index in spans.indices {
      var agent = AgentDefinition(name: "agent \(index)")
      agent.queues = [.init(queue: QueueID(index: 0))]
      definitions.agents.append(agent)
    }
    draws = Draws(seed: Study.seed, replication: replication, stream: 0)
    var plan = Plan(definitions: definitions, start: Instant(microseconds: 0), end: Instant(microseconds: end))
    plan.interval = interval
    plan.levels = Channel.allCases.map { _ in 0 }
    plan.agents = spans.enumerated().map { .init(agent: AgentID(index: UInt32($0)), spans: [$1]) }
    var callers = Plan.Callers(queue: QueueID(index: 0))
    callers.handleVoice = .exponential(mean: handle * 1e6)
    callers.patience = .exponential(mean: patience * 1e6)
    plan.add(callers, rates: rates.map { $0 / 1e6 }, interval: interval)
    return plan
  }

  /// Moments of an interval at which the callers are counted who would be handled if everybody were answered at once.
  private static let moments = 10
  /// Deviations of an interval, mean zero; see `add`.
  private static let deviations = 5

  /// Ten days.
  func observe(_ replication: UInt64) -> Study.Observation {
    var waited = [Double](repeating: 0, count: rates.count)
    var abandoned = waited
    var queue = waited
    var busy = waited
    var controls = [Double](repeating: 0, count: Self.deviations * rates.count)
    for turn in replication * 10..<replication * 10 + 10 {
      let plan = plan(turn)
      var world = World(plan: plan, seed: Study.seed, replication: turn)
      world.onLeaving = { leaving in
        let place = Int(leaving.arrivedAt / interval)
        if leaving.wait > 0 || leaving.outcome != .answered { waited[place] += 1 }
        let left = Int((leaving.arrivedAt + leaving.wait) / interval)
        if leaving.outcome == .abandoned, left < rates.count { abandoned[left] += 1 }
      }
      world.run()
      guard let timeline = world.tally.timeline else { continue }
      for place in rates.indices {
        queue[place] += Double(timeline.cell([0, 1, 2], place).waiting) / Double(interval)
        busy[place] += Double(timeline.staff(nil, place).handling) / Double(interval)
      }
      add(&controls, plan, turn)
    }
    var ratios: [(top: Double, bottom: Double)] = []
    for place in rates.indices {
      ratios += [(waited[place], 10), (abandoned[place], 10), (queue[place], 10), (busy[place], 10)]
    }
    return Study.Observation(ratios: ratios, controls: controls)
  }

  /// Of each interval: callers, their handle times, and how many would be handled if everybody were answered at once:
  /// on average, beyond the agents, and as a share of moments with as many as agents. At a moment their number is
  /// Poisson. Where patience is about as long as handling, those beyond the agents come and go much as who waits.
  private func add(_ controls: inout [Double], _ plan: Plan, _ replication: UInt64) {
    var arrivals = Arrivals(plan, seed: Study.seed, replication: replication)
    let step = interval / Int64(Self.moments)
    var handled = [Int](repeating: 0, count: rates.count * Self.moments)
    for place in rates.indices {
      let expected = rates[place] * Double(interval) / 1e6
      controls[Self.deviations * place] -= expected
      controls[Self.deviations * place + 1] -= expected * handle
    }
    while let contact = arrivals.arrival() {
      let time = arrivals.handleTime(contact)
      let first = Self.deviations * Int(contact.time / interval)
      controls[first] += 1
      controls[first + 1] += Double(time) / 1e6
      // The moments are the ends of the steps.
      var moment = Int(contact.time / step)
      while moment < handled.count, contact.time + time > Int64(moment + 1) * step {
        handled[moment] += 1
        moment += 1
      }
    }
    let stay = exp(-Double(step) / 1e6 / handle)
    var load = 0.0
    for (moment, number) in handled.enumerated() {
      let place = moment / Self.moments
      load = load * stay + rates[place] * handle * (1 - stay)
      let (tail, excess) = Controls.poisson(load, atLeast: agents[place])
      let first = Self.deviations * place + 2
      controls[first] += Double(number) - load
      controls[first + 1] += Double(max(0, number - agents[place])) - excess
      controls[first + 2] += (number >= agents[place] ? 1 : 0) - tail
    }
  }
}
