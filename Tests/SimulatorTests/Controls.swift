import ACD
import Foundation
import Primitives

@testable import Simulator

/// First attempts of all callers of a plan in the order of their arrival, the very ones that a world meets.
struct Arrivals {
  struct Contact {
    var callers: Int
    var number: UInt64
    var time: Int64
  }
  let plan: Plan
  private(set) var sources: [Source]
  private var next: [Int64?]

  init(_ plan: Plan, seed: UInt64, replication: UInt64) {
    self.plan = plan
    sources = plan.callers.indices.map { Source(plan, $0, seed: seed, replication: replication) }
    next = []
    for index in sources.indices { next.append(sources[index].arrival(plan)) }
  }

  mutating func arrival() -> Contact? {
    var first = -1
    for index in next.indices {
      if let time = next[index], first < 0 || time < next[first] ?? .max { first = index }
    }
    guard first >= 0, let time = next[first] else { return nil }
    let contact = Contact(callers: first, number: sources[first].number, time: time)
    next[first] = sources[first].arrival(plan)
    return contact
  }

  func handleTime(_ contact: Contact) -> Int64 {
    sources[contact.callers].handleTime(contact.number, key: contact.number, .voice, plan)
  }

  func patience(_ contact: Contact) -> Int64? {
    sources[contact.callers].patience(contact.number, key: contact.number, plan)
  }
}

extension Source {
  /// The time of the next first attempt, nil when nobody calls any more.
  mutating func arrival(_ plan: Plan) -> Int64? { nextArrival() ?? laterArrival(plan) }
}

/// Moments in order, a binary heap.
struct Moments {
  private(set) var heap: ContiguousArray<Int64> = []
  var first: Int64 { heap.isEmpty ? .max : heap[0] }
  var count: Int { heap.count }

  init(count: Int = 0) { heap = ContiguousArray(repeating: 0, count: count) }

  mutating func insert(_ moment: Int64) {
    var child = heap.count
    heap.append(moment)
    while child > 0, heap[(child - 1) / 2] > moment {
      heap[child] = heap[(child - 1) / 2]
      child = (child - 1) / 2
    }
    heap[child] = moment
  }

  mutating func removeFirst() {
    let last = heap.removeLast()
    if !heap.isEmpty { replaceFirst(with: last) }
  }

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

/// First come first served at n agents, computed in the order of arrival from the agents' next free moments.
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
  private let scale: Double
  private let targets: [Int64]
  private var free: Moments

  /// - Parameter scale: of the handle times.
  init(agents: Int, scale: Double, targets: [Int64]) {
    sums = Sums(within: Array(repeating: 0, count: targets.count))
    self.scale = scale
    self.targets = targets
    free = Moments(count: agents)
  }

  @discardableResult
  mutating func serve(
    _ time: Int64, handle: Int64, patience: Int64?, isMeasured: Bool
  ) -> (wait: Int64, isAnswered: Bool) {
    var wait = max(0, free.first - time)
    var isAnswered = true
    if wait > 0, let patience, patience < wait {
      wait = patience
      isAnswered = false
    }
    if isAnswered {
      free.replaceFirst(with: time + wait + (scale == 1 ? handle : Int64(Double(handle) * scale)))
    }
    guard isMeasured else { return (wait, isAnswered) }
    sums.offered += 1
    sums.wait += Double(wait)
    if wait > 0 || !isAnswered { sums.waited += 1 }
    if !isAnswered { sums.abandoned += 1 }
    for place in targets.indices where isAnswered && wait <= targets[place] { sums.within[place] += 1 }
    return (wait, isAnswered)
  }
}

/// Systems that serve the same callers and of which theory says what they come to on average. Their deviations in a
/// replication have mean zero, so they are control variates (Law, Simulation Modeling and Analysis, 11.4).
struct Controls: Sendable {
  /// n agents, first come first served, handle times scaled.
  struct Neighbour: Sendable {
    var agents: Int
    var scale: Double
    var known: QueueingModel.Known
    var isImpatient: Bool
    /// Whether only the mean wait is known.
    var isWaitAlone = false
    /// Answered within each of the plan's thresholds.
    var within: [Double] = []
  }
  /// One agent as fast as all together (Pollaczek and Khinchine).
  struct FastAgent: Sendable {
    /// Of the handle times.
    var scale: Double
    var meanWait: Double
    var waited: Double
    /// A time in microseconds and the share of those who wait no longer, where that is known.
    var within: (limit: Double, share: Double)?
  }
  var neighbours: [Neighbour] = []
  var fast: [FastAgent] = []
  /// Numbers of busy agents at which the same callers are counted where everybody is answered at once; their number
  /// there is Poisson.
  var levels: [Int] = []
  /// Per microsecond, and handle time in microseconds, by callers; the busy agents of the system without waiting.
  var rates: [Double]
  var meanHandle: [Double]

  /// Deviations in one replication. All rates are constant.
  func deviations(_ plan: Plan, seed: UInt64, replication: UInt64) -> [Double] {
    var arrivals = Arrivals(plan, seed: seed, replication: replication)
    let from = plan.measureFrom.microseconds
    let time = Double(plan.end.microseconds - from)
    var counts = rates.map { -$0 * time }
    var works = zip(rates, meanHandle).map { -$0 * $1 * time / 1e6 }
    var recursions = neighbours.map { Recursion(agents: $0.agents, scale: $0.scale, targets: plan.thresholds) }
    var backlog = [Double](repeating: 0, count: fast.count)
    var fastSums = [(wait: Double, waited: Double, within: Double)](repeating: (0, 0, 0), count: fast.count)
    var served = Moments()
    var above = [Double](repeating: 0, count: levels.count)
    var excess = above
    var last: Int64 = 0
    var offered = 0.0
    while let contact = arrivals.arrival() {
      let handle = arrivals.handleTime(contact)
      let patience = neighbours.contains { $0.isImpatient } ? arrivals.patience(contact) : nil
      let isMeasured = contact.time >= from
      for index in recursions.indices {
        recursions[index].serve(
          contact.time, handle: handle, patience: neighbours[index].isImpatient ? patience : nil,
          isMeasured: isMeasured)
      }
      if !levels.isEmpty { while served.first <= contact.time { served.removeFirst() } }
      for index in fast.indices {
        let wait = max(0, backlog[index] - Double(contact.time - last))
        backlog[index] = wait + Double(handle) * fast[index].scale
        guard isMeasured else { continue }
        fastSums[index].wait += wait / 1e6 - fast[index].meanWait
        fastSums[index].waited += (wait > 0 ? 1 : 0) - fast[index].waited
        if let within = fast[index].within { fastSums[index].within += (wait <= within.limit ? 1 : 0) - within.share }
      }
      if isMeasured {
        offered += 1
        counts[contact.callers] += 1
        works[contact.callers] += Double(handle) / 1e6
        for (index, level) in levels.enumerated() where served.count >= level {
          above[index] += 1
          excess[index] += Double(served.count - level)
        }
      }
      if !levels.isEmpty { served.insert(contact.time + handle) }
      last = contact.time
    }
    var deviations = counts + works + fastSums.flatMap { [$0.wait, $0.waited, $0.within] }
    for (neighbour, recursion) in zip(neighbours, recursions) {
      let (sums, known) = (recursion.sums, neighbour.known)
      deviations.append(sums.wait / 1e6 - known.meanWait * sums.offered)
      if !neighbour.isWaitAlone { deviations.append(sums.waited - known.waited * sums.offered) }
      for (within, known) in zip(sums.within, neighbour.within) { deviations.append(within - known * sums.offered) }
      if neighbour.isImpatient { deviations.append(sums.abandoned - known.abandoned * sums.offered) }
    }
    let load = zip(rates, meanHandle).reduce(0) { $0 + $1.0 * $1.1 }
    for (index, level) in levels.enumerated() {
      let (tail, mean) = Self.poisson(load, atLeast: level)
      deviations += [above[index] - tail * offered, excess[index] - mean * offered]
    }
    return deviations
  }

  /// P(N ≥ k) and E(N - k)⁺ of a Poisson number.
  static func poisson(_ mean: Double, atLeast k: Int) -> (tail: Double, excess: Double) {
    var term = exp(-mean)
    var (below, shortfall) = (0.0, 0.0)
    for n in 0..<k {
      below += term
      shortfall += term * Double(k - n)
      term *= mean / Double(n + 1)
    }
    return (1 - below, mean - Double(k) + shortfall)
  }
}
