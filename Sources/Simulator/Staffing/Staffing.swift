import ACD
import CallControl
import Foundation
import Primitives
public import SiteConfiguration

/// The least staffing by interval that meets a scenario's thresholds: a search that starts at Erlang A and lets the
/// same callers come to every candidate (common random numbers), so that one agent more or less shows.
///
/// Agents who are alike in skills, queues and habits are one kind; the answer is how many of each kind to have in each
/// interval. Breaks are not planned: add what they cost.
public struct Staffing: Sendable {
  public struct Options: Sendable {
    /// Microseconds.
    public var interval: Int64 = .minutes(30)
    public var seed: UInt64?
    public var replications: Int?
    public var threads = ProcessInfo.processInfo.activeProcessorCount
    /// Told of the candidates tried.
    public var progress: (@Sendable (_ tried: Int) -> Void)?
    public init() {}
  }

  public struct Refusal: Error, CustomStringConvertible {
    public var description: String
  }

  let scenario: Scenario
  let options: Options
  let kinds: [Kind]
  let demands: [Demand]
  let count: Int
  private let seed: UInt64
  private let replications: Int
  private(set) var tried = 0

  /// Agents who are alike.
  struct Kind: Sendable {
    var example: AgentID
    var definition: AgentDefinition
    var answersIn: Distribution
    var misses: Double
    /// How many the site has.
    var members: Int
  }

  /// Contacts of one queue with the same needs.
  struct Demand: Sendable {
    var queue: QueueID
    var profile: ProfileID
    /// Contacts per second, and work per contact in seconds, by interval.
    var rates: [Double]
    var work: Double
    /// Mean patience in seconds; nil for ever.
    var patience: Double?
    /// The kind that takes most of it.
    var kind: Int
  }

  public init(_ scenario: Scenario, _ options: Options = Options()) throws(Refusal) {
    guard scenario.expectations.contains(where: { Aim($0, scenario) != nil }) else {
      throw Refusal(
        description: "the scenario has no threshold on a service level, a wait or abandonment, so nobody is needed")
    }
    self.scenario = scenario
    self.options = options
    seed = options.seed ?? scenario.runs.seed
    replications = options.replications ?? scenario.runs.replications
    count = Int((scenario.span.upperBound - scenario.span.lowerBound + options.interval - 1) / options.interval)
    let kinds = Self.kinds(scenario)
    self.kinds = kinds
    demands = try Self.demands(scenario, kinds, count, options.interval)
  }

  private static func kinds(_ scenario: Scenario) -> [Kind] {
    var kinds: [Kind] = []
    for agent in scenario.agents {
      var definition = scenario.definitions.agents[Int(agent.agent.index)]
      definition.name = ""
      if let known = kinds.firstIndex(where: {
        $0.definition == definition && $0.answersIn == agent.answersIn && $0.misses == agent.misses
      }) {
        kinds[known].members += 1
      } else {
        kinds.append(
          Kind(
            example: agent.agent, definition: definition, answersIn: agent.answersIn, misses: agent.misses,
            members: 1))
      }
    }
    return kinds
  }

  private static func demands(
    _ scenario: Scenario, _ kinds: [Kind], _ count: Int, _ interval: Int64
  ) throws(Refusal) -> [Demand] {
    var demands: [Demand] = []
    let definitions = scenario.definitions
    for caller in scenario.callers {
      let queue = definitions.queues[Int(caller.queue.index)]
      let rates = (0..<count).map { caller.arrivals.rate(from: Int64($0) * interval, interval) }
      for need in caller.needs where need.probability > 0 {
        let profile = definitions.profiles[Int(need.value.index)]
        let able = kinds.indices.filter { kinds[$0].definition.serves(caller.queue, profile) }
        guard let kind = able.min(by: { kinds[$0].definition.breadth < kinds[$1].definition.breadth }) else {
          throw Refusal(
            description: "\(caller.name): nobody in the scenario serves the queue \(queue.name) with the skills needed")
        }
        // A chat takes a part of an agent who holds several.
        let work = caller.channels.reduce(0.0) { sum, share in
          let slots = share.value == .chat ? Double(max(1, kinds[kind].definition.chatCapacity)) : 1
          let time = (caller.handle(share.value)?.mean ?? 0) + Double(queue.wrapUp) + kinds[kind].answersIn.mean
          return sum + share.probability * time / 1e6 / slots
        }
        demands.append(
          Demand(
            queue: caller.queue, profile: need.value, rates: rates.map { $0 * need.probability }, work: work,
            patience: caller.patience.map { $0.mean / 1e6 }, kind: kind))
      }
    }
    return demands
  }

  // MARK: The search

  /// Agents by kind and interval.
  typealias Matrix = [[Int]]

  public mutating func plan() -> StaffingPlan {
    let start = matrix { $0.agents(answering: $1, within: $2) }
    var best = start
    // First enough everywhere, then less where less will do.
    var rounds = 0
    var missed = shortfalls(best, seed)
    while !missed.isEmpty, rounds < 200 {
      for place in missed.sorted(by: { ($0.interval, $0.kind) < ($1.interval, $1.kind) }) {
        best[place.kind][place.interval] += 1
      }
      missed = shortfalls(best, seed)
      rounds += 1
    }
    let isFound = missed.isEmpty
    if isFound { trim(&best) }
    // What was fitted to one set of callers is judged by another.
    let (fresh, report) = verified(best)
    return StaffingPlan(
      self, isFound: isFound, agents: best, erlang: start,
      squareRoot: matrix { $0.squareRootAgents(answering: $1, within: $2) }, results: fresh, report: report)
  }

  /// Removes one agent at a time, where the most stand, until no one can be spared.
  private mutating func trim(_ best: inout Matrix) {
    var isTight = Set<Place>()
    while true {
      let places = kinds.indices.flatMap { kind in (0..<count).map { Place(kind: kind, interval: $0) } }
        .filter { best[$0.kind][$0.interval] > 0 && !isTight.contains($0) }
      guard
        let place = places.max(by: { a, b in
          (best[a.kind][a.interval], -a.interval, -a.kind) < (best[b.kind][b.interval], -b.interval, -b.kind)
        })
      else { return }
      best[place.kind][place.interval] -= 1
      if !shortfalls(best, seed).isEmpty {
        best[place.kind][place.interval] += 1
        isTight.insert(place)
      }
    }
  }

  struct Place: Hashable {
    var kind: Int
    var interval: Int
  }

  /// Where a formula puts how many, demand by demand: queues that share agents look alone here, and the search finds
  /// what sharing saves.
  private func matrix(_ agents: (ErlangA, _ share: Double, _ within: Double) -> Int) -> Matrix {
    var matrix = Matrix(repeating: Array(repeating: 0, count: count), count: kinds.count)
    for kind in kinds.indices {
      let mine = demands.filter { $0.kind == kind }
      for interval in 0..<count {
        let rate = mine.reduce(0) { $0 + $1.rates[interval] }
        guard rate > 0, let first = mine.first else { continue }
        let work = mine.reduce(0) { $0 + $1.rates[interval] * $1.work } / rate
        let patience = mine.compactMap(\.patience).min()
        let model = ErlangA(arrivals: rate, service: 1 / max(work, 1), abandonment: patience.map { 1 / $0 } ?? 0)
        let level = ServiceLevelShown(scenario, first.queue)
        matrix[kind][interval] = agents(model, min(level.target, 0.999), Double(level.within) / 1e6)
      }
    }
    return matrix
  }

  // MARK: Judging a candidate

  private func world(_ matrix: Matrix) -> Plan {
    var plan = Plan(scenario)
    plan.interval = options.interval
    plan.agents = []
    plan.definitions.agents = []
    for (kind, numbers) in zip(kinds, matrix) {
      for member in 0..<(numbers.max() ?? 0) {
        var definition = kind.definition
        definition.name = "\(plan.definitions.agents.count)"
        plan.definitions.agents.append(definition)
        plan.agents.append(
          Plan.Shifts(
            agent: AgentID(index: UInt32(plan.definitions.agents.count - 1)),
            spans: shifts(numbers.map { $0 > member }), answersIn: plan.law(kind.answersIn), misses: kind.misses))
      }
    }
    return plan
  }

  /// Intervals side by side are one shift.
  private func shifts(_ isWorking: [Bool]) -> [Range<Int64>] {
    let start = scenario.span.lowerBound.microseconds
    var spans: [Range<Int64>] = []
    for (interval, works) in isWorking.enumerated() where works {
      let from = start + Int64(interval) * options.interval
      let to = min(from + options.interval, scenario.span.upperBound.microseconds)
      if let last = spans.last, last.upperBound == from {
        spans[spans.count - 1] = last.lowerBound..<to
      } else {
        spans.append(from..<to)
      }
    }
    return spans
  }

  private mutating func run(_ matrix: Matrix, _ seed: UInt64) -> (plan: Plan, outcomes: [Replications.Outcome]) {
    let plan = world(matrix)
    tried += 1
    options.progress?(tried)
    return (plan, Replications(plan: plan, seed: seed, threads: options.threads).run(0..<replications))
  }

  /// The kinds and intervals to strengthen; empty if every threshold is met.
  private mutating func shortfalls(_ matrix: Matrix, _ seed: UInt64) -> Set<Place> {
    let (plan, outcomes) = run(matrix, seed)
    let tallies = outcomes.map(\.tally)
    let timelines = tallies.compactMap(\.timeline)
    var places = Set<Place>()
    for expectation in scenario.expectations {
      guard let aim = Aim(expectation, scenario) else { continue }
      func groups(_ queue: QueueID?) -> [Int] { tallies[0].groups(queue, expectation.channel) }
      func sums(_ queue: QueueID?, _ interval: Int) -> (top: Double, bottom: Double) {
        let groups = groups(queue)
        return timelines.reduce(into: (0, 0)) { sum, timeline in
          let ratio = aim.ratio(timeline.cell(groups, interval))
          sum = (sum.0 + ratio.top, sum.1 + ratio.bottom)
        }
      }
      /// Of a threshold on all queues, the queue that spoils it most.
      func culprit(_ interval: Int) -> QueueID? {
        if let queue = expectation.queue { return queue }
        let queues = plan.definitions.queues.indices.map { QueueID(index: UInt32($0)) }
        let cost = queues.map { queue -> Double in
          let (top, bottom) = sums(queue, interval)
          return aim.isHigherBetter ? bottom - top : top
        }
        return cost.indices.max { cost[$0] < cost[$1] }.map { queues[$0] }
      }
      var worst: (interval: Int, value: Double)?
      var isMissedSomewhere = false
      for interval in 0..<count {
        let sums = sums(expectation.queue, interval)
        guard sums.bottom > 0 else { continue }
        let value = sums.top / sums.bottom
        if aim.isByInterval, !expectation.comparison.holds(value, expectation.value) {
          isMissedSomewhere = true
          places.insert(Place(kind: kind(for: culprit(interval), interval), interval: interval))
        }
        if worst.map({ aim.isHigherBetter ? value < $0.value : value > $0.value }) ?? true { worst = (interval, value) }
      }
      // A threshold on the whole day, missed although no interval shows it: strengthen the worst.
      let whole = tallies.sample(Metric(expectation.metric), Scope(expectation), plan.definitions)?.value
      if !isMissedSomewhere, let whole, !expectation.comparison.holds(whole, expectation.value), let worst {
        places.insert(Place(kind: kind(for: culprit(worst.interval), worst.interval), interval: worst.interval))
      }
    }
    return places
  }

  /// The kind that carries most of a queue's work in an interval.
  private func kind(for queue: QueueID?, _ interval: Int) -> Int {
    var load = [Double](repeating: 0, count: kinds.count)
    for demand in demands where queue == nil || demand.queue == queue {
      load[demand.kind] += demand.rates[interval] * demand.work + 1e-9
    }
    return load.indices.max { load[$0] < load[$1] } ?? 0
  }

  private mutating func verified(_ matrix: Matrix) -> ([SimulationReport.Result], fresh: UInt64) {
    let fresh = seed &+ 1
    let (plan, outcomes) = run(matrix, fresh)
    var scenario = scenario
    scenario.site.definitions = plan.definitions
    scenario.fingerprint = nil
    return (SimulationReport(scenario, seed: fresh, outcomes).results, fresh)
  }
}

/// A threshold that staffing can meet.
struct Aim {
  private enum Measure { case serviceLevel(ServiceLevelDefinition.Metric), abandoned, wait }
  private let measure: Measure
  /// Whether it must hold in each interval, and not only over the whole time.
  let isByInterval: Bool
  let isHigherBetter: Bool

  /// - Returns: nil for counts and occupancy, which are not met by more agents.
  init?(_ expectation: Expectation, _ scenario: Scenario) {
    isHigherBetter = expectation.comparison == .atLeast || expectation.comparison == .above
    switch expectation.metric {
    case .serviceLevel(let metric, let within):
      measure = .serviceLevel(metric)
      // An interval counts by one threshold a queue; others hold for the whole.
      isByInterval = expectation.queue.map { ServiceLevelShown(scenario, $0).within == within } ?? false
    case .abandonRate: (measure, isByInterval) = (.abandoned, true)
    case .waitMean: (measure, isByInterval) = (.wait, true)
    case .waitQuantile, .waitMaximum, .speedOfAnswer: (measure, isByInterval) = (.wait, false)
    case .occupancy, .offered, .answered, .abandoned, .left, .refused: return nil
    }
    guard expectation.comparison != .equal else { return nil }
  }

  func ratio(_ cell: Timeline.Cell) -> (top: Double, bottom: Double) {
    switch measure {
    case .serviceLevel(let metric): cell.serviceLevel(metric)
    case .abandoned: (Double(cell.abandoned), Double(cell.offered) - Double(cell.shortAbandoned))
    case .wait: (Double(cell.wait) / 1e6, Double(cell.offered))
    }
  }
}

extension Scenario.Arrivals {
  /// Contacts per second over a part of the span, from an offset in microseconds.
  fileprivate func rate(from: Int64, _ length: Int64) -> Double {
    var (sum, place) = (0.0, from)
    while place < from + length {
      let own = Int(place / interval)
      let border = min(from + length, Int64(own + 1) * interval)
      if own < perHour.count { sum += perHour[own] / 3600 * Double(border - place) }
      place = border
    }
    return sum / Double(length)
  }
}

extension AgentDefinition {
  fileprivate func serves(_ queue: QueueID, _ profile: Profile) -> Bool {
    queues.contains { $0.queue == queue }
      && profile.needs.allSatisfy { need in
        need.level == 0 || skills.contains { $0.skill == need.skill && $0.level >= need.level }
      }
  }

  /// The fewer queues and skills, the more a specialist.
  fileprivate var breadth: Int { queues.count * 1000 + skills.count }
}
