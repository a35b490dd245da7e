import ACD
import Primitives

/// What one replication counted. Contacts count in the group of their queue and channel, at the moment of their
/// arrival; those of the warm-up do not count. Sums only, so that groups and replications add up.
package struct Tally: Sendable {
  /// One queue and channel.
  struct Group: Sendable, BitwiseCopyable {
    var offered: Int64 = 0
    var answered: Int64 = 0
    /// Without the short ones.
    var abandoned: Int64 = 0
    var shortAbandoned: Int64 = 0
    /// Timed out or overflowed.
    var left: Int64 = 0
    var refused: Int64 = 0
    /// Not answered at once.
    var waited: Int64 = 0
    /// Sums of waits in microseconds, of all and of the answered; a refused contact has none.
    var wait: Int64 = 0
    var answeredWait: Int64 = 0
    var longestWait: Int64 = 0
  }

  /// Of the contacts of a group, how many were answered, and how many abandoned, within a threshold.
  struct Within: Sendable, BitwiseCopyable {
    var answered: Int64 = 0
    var abandoned: Int64 = 0
  }

  /// What an agent did in the measured time, microseconds: handling (talk, hold, wrap-up), and ready but not handling.
  struct Work: Sendable, BitwiseCopyable {
    var handling: Int64 = 0
    var ready: Int64 = 0
  }

  /// What enters a queue leaves it, and the line integrated over time is the sum of the waits (Little's law on one
  /// sample path). Both hold exactly, warm-up included.
  private struct Flow: BitwiseCopyable {
    var entered: Int64 = 0
    var gone: Int64 = 0
    var waits: Int64 = 0
    var area: Int64 = 0
    /// The part of `area` inside the measured time.
    var measuredArea: Int64 = 0
    var last: Int64
    var waiting: Int64 { entered - gone }
  }

  let thresholds: ContiguousArray<Int64>
  /// By queue and channel: `queue * Channel.allCases.count + channel`.
  private(set) var groups: ContiguousArray<Group>
  private var withins: ContiguousArray<Within>
  private var waits: ContiguousArray<Histogram>
  var work: ContiguousArray<Work>
  private var flows: ContiguousArray<Flow>
  private let window: Range<Int64>
  /// The day by intervals, where the plan asks for it.
  private(set) var timeline: Timeline?
  /// A hash of (contact number, outcome, wait, agent) of all contacts, in the order in which they left the queue.
  package private(set) var fingerprint: UInt64 = 0xcbf2_9ce4_8422_2325

  init(plan: Plan) {
    thresholds = ContiguousArray(plan.thresholds)
    let count = plan.definitions.queues.count * Channel.allCases.count
    groups = ContiguousArray(repeating: Group(), count: count)
    withins = ContiguousArray(repeating: Within(), count: count * plan.thresholds.count)
    waits = ContiguousArray(repeating: Histogram(), count: count)
    work = ContiguousArray(repeating: Work(), count: plan.definitions.agents.count)
    flows = ContiguousArray(repeating: Flow(last: plan.start.microseconds), count: plan.definitions.queues.count)
    let end = plan.measuresDrain ? Int64.max : max(plan.measureFrom, plan.end).microseconds
    window = plan.measureFrom.microseconds..<end
    timeline = Timeline(plan: plan)
  }

  static func group(_ queue: QueueID, _ channel: Channel) -> Int {
    Int(queue.index) * Channel.allCases.count + Int(channel.rawValue)
  }

  /// The part of an interval that lies in the measured time.
  @inline(__always)
  func measured(_ from: Int64, _ to: Int64) -> Int64 { Self.overlap(from, to, window) }

  @inline(__always)
  private static func overlap(_ from: Int64, _ to: Int64, _ window: Range<Int64>) -> Int64 {
    max(0, min(to, window.upperBound) - max(from, window.lowerBound))
  }

  @inline(__always)
  mutating func entered(_ queue: QueueID, _ channel: Channel, _ isMeasured: Bool, at now: Instant) {
    Self.advance(&flows[Int(queue.index)], to: now.microseconds, window)
    flows[Int(queue.index)].entered += 1
    if isMeasured { groups[Self.group(queue, channel)].offered += 1 }
  }

  mutating func refused(_ queue: QueueID, _ channel: Channel, _ isMeasured: Bool) {
    if isMeasured { groups[Self.group(queue, channel)].refused += 1 }
  }

  @inline(__always)
  mutating func left(
    _ queue: QueueID, _ channel: Channel, _ outcome: Outcome, wait: Int64, isMeasured: Bool, key: UInt64,
    agent: AgentID, at now: Instant
  ) {
    Self.leave(&flows[Int(queue.index)], wait, at: now.microseconds, window)
    hash(key)
    hash(UInt64(outcome.rawValue) | UInt64(agent.index) << 8)
    hash(UInt64(bitPattern: wait))
    if timeline != nil { timeline?.left(Self.group(queue, channel), outcome, wait: wait, at: now.microseconds) }
    guard isMeasured else { return }
    let group = Self.group(queue, channel)
    Self.count(&groups[group], outcome, wait)
    waits[group].count(wait)
    guard outcome == .answered || outcome == .abandoned else { return }
    for t in thresholds.indices where wait <= thresholds[t] {
      let place = group * thresholds.count + t
      if outcome == .answered { withins[place].answered += 1 } else { withins[place].abandoned += 1 }
    }
  }

  // One row at a time by reference: an array asks at each access whether it is shared.

  @inline(__always)
  private static func advance(_ flow: inout Flow, to now: Int64, _ window: Range<Int64>) {
    if now == flow.last { return }
    let waiting = flow.waiting
    if waiting > 0 {
      // Wraps together with `waits` where a sum passes 2^63; they are only compared.
      flow.area &+= waiting &* (now - flow.last)
      flow.measuredArea &+= waiting &* Self.overlap(flow.last, now, window)
    }
    flow.last = now
  }

  @inline(__always)
  private static func leave(_ flow: inout Flow, _ wait: Int64, at now: Int64, _ window: Range<Int64>) {
    advance(&flow, to: now, window)
    flow.gone += 1
    flow.waits &+= wait
  }

  @inline(__always)
  private static func count(_ group: inout Group, _ outcome: Outcome, _ wait: Int64) {
    group.wait += wait
    group.longestWait = max(group.longestWait, wait)
    if wait > 0 || outcome != .answered { group.waited += 1 }
    switch outcome {
    case .answered:
      group.answered += 1
      group.answeredWait += wait
    case .abandoned: group.abandoned += 1
    case .shortAbandoned: group.shortAbandoned += 1
    case .timedOut, .overflowed, .leftMessage, .unstaffed: group.left += 1
    case .callbackRequested, .withdrawn, .failed, .unreached: break
    }
  }

  /// An agent's stretch of handling, or of being ready without, for the timeline alone.
  mutating func worked(_ agent: Int, isHandling: Bool, _ from: Int64, _ to: Int64) {
    if timeline != nil { timeline?.worked(agent, isHandling: isHandling, from, to) }
  }

  /// Checks what must hold in every run, and stops the process where it does not.
  mutating func finish(at now: Instant, _ definitions: Definitions) {
    timeline?.finish(definitions)
    for queue in flows.indices {
      Self.advance(&flows[queue], to: now.microseconds, window)
      precondition(flows[queue].waiting == 0, "a contact entered queue \(queue) and never left it")
      precondition(flows[queue].area == flows[queue].waits, "queue \(queue) breaks Little's law")
    }
  }

  @inline(__always)
  private mutating func hash(_ word: UInt64) {
    var x = (fingerprint ^ word) &* 0x9e37_79b9_7f4a_7c15
    x ^= x >> 32
    fingerprint = x
  }
}

// MARK: Reading

extension Tally {
  /// The groups of a queue and a channel; nil means all.
  func groups(_ queue: QueueID?, _ channel: Channel?) -> [Int] {
    groups.indices.filter { index in
      let channels = Channel.allCases.count
      return (queue.map { Int($0.index) == index / channels } ?? true)
        && (channel.map { Int($0.rawValue) == index % channels } ?? true)
    }
  }

  func sum(_ chosen: [Int], _ field: KeyPath<Group, Int64>) -> Double {
    chosen.reduce(0) { $0 + Double(groups[$1][keyPath: field]) }
  }

  func sum(_ chosen: [Int], within threshold: Int, _ field: KeyPath<Within, Int64>) -> Double {
    chosen.reduce(0) { $0 + Double(withins[$1 * thresholds.count + threshold][keyPath: field]) }
  }

  func waits(_ chosen: [Int]) -> Histogram {
    var sum = Histogram()
    for group in chosen { sum.add(waits[group]) }
    return sum
  }

  /// The line's length integrated over the measured time, in contacts times microseconds.
  func area(_ queue: QueueID) -> Double { Double(flows[Int(queue.index)].measuredArea) }

  /// Length of the measured time, microseconds.
  var measuredTime: Double { Double(window.upperBound - window.lowerBound) }
}
