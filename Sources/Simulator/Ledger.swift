import ACD
import Primitives

/// What one replication counts while it runs; `close` makes a `Tally` of it. It cannot be copied, so no count asks
/// whether its storage is shared.
struct Ledger: ~Copyable {
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
    var waiting: Int64 { entered &- gone }
  }

  // As in `Tally`.
  private var groups: Rows<Tally.Group>
  private var withins: Rows<Tally.Within>
  private var waits: Rows<Histogram>
  private var flows: Rows<Flow>
  private let thresholds: ContiguousArray<Int64>
  private let window: Range<Int64>
  private var timeline: Timeline?
  private var fingerprint: UInt64 = 0xcbf2_9ce4_8422_2325

  init(plan: Plan) {
    thresholds = ContiguousArray(plan.thresholds)
    let count = plan.definitions.queues.count * Channel.count
    groups = Rows(repeatElement(Tally.Group(), count: count))
    withins = Rows(repeatElement(Tally.Within(), count: count * plan.thresholds.count))
    waits = Rows(repeatElement(Histogram(), count: count))
    flows = Rows(repeatElement(Flow(last: plan.begin.microseconds), count: plan.definitions.queues.count))
    let end = plan.measuresDrain ? Int64.max : max(plan.measureFrom, plan.end).microseconds
    window = plan.measureFrom.microseconds..<end
    timeline = Timeline(plan: plan)
  }

  /// The part of an interval that lies in the measured time.
  @inline(__always)
  func measured(_ from: Int64, _ to: Int64) -> Int64 {
    max(0, min(to, window.upperBound) &- max(from, window.lowerBound))
  }

  @inline(__always)
  mutating func entered(_ queue: QueueID, _ channel: Channel, _ isMeasured: Bool, at now: Instant) {
    advance(Int(queue.index), to: now.microseconds)
    flows[Int(queue.index)].entered &+= 1
    if isMeasured { groups[Tally.group(queue, channel)].offered &+= 1 }
  }

  mutating func refused(_ queue: QueueID, _ channel: Channel, _ isMeasured: Bool) {
    if isMeasured { groups[Tally.group(queue, channel)].refused += 1 }
  }

  /// - Parameters:
  ///   - wait: since the arrival, in microseconds.
  ///   - inQueue: the part of it in this queue.
  @inline(__always)
  mutating func left(
    _ queue: QueueID, _ channel: Channel, _ outcome: Outcome, wait: Int64, inQueue: Int64, isMeasured: Bool,
    key: UInt64, agent: AgentID, at now: Instant
  ) {
    advance(Int(queue.index), to: now.microseconds)
    flows[Int(queue.index)].gone &+= 1
    flows[Int(queue.index)].waits &+= inQueue
    hash(key)
    hash(UInt64(outcome.rawValue) | UInt64(agent.index) << 8)
    hash(UInt64(bitPattern: wait))
    if hasTimeline { leftOnTimeline(Tally.group(queue, channel), outcome, wait, at: now.microseconds) }
    guard isMeasured else { return }
    let group = Tally.group(queue, channel)
    Self.count(&groups[group], outcome, wait)
    waits[group].count(wait)
    if withins.count > 0 { countWithin(group, outcome, wait) }
  }

  private func countWithin(_ group: Int, _ outcome: Outcome, _ wait: Int64) {
    guard outcome == .answered || outcome == .abandoned else { return }
    for t in thresholds.indices where wait <= thresholds[t] {
      let place = group * thresholds.count + t
      if outcome == .answered { withins[place].answered += 1 } else { withins[place].abandoned += 1 }
    }
  }

  @inline(__always)
  private func advance(_ queue: Int, to now: Int64) {
    let last = flows[queue].last
    if now == last { return }
    let waiting = flows[queue].waiting
    flows[queue].last = now
    if waiting == 0 { return }
    // Wraps together with `waits` where a sum passes 2^63; they are only compared.
    flows[queue].area &+= waiting &* (now &- last)
    flows[queue].measuredArea &+= waiting &* measured(last, now)
  }

  @inline(__always)
  private static func count(_ group: inout Tally.Group, _ outcome: Outcome, _ wait: Int64) {
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

  @inline(__always) var hasTimeline: Bool { timeline != nil }

  /// An agent's stretch of handling, or of being ready without, for the timeline alone.
  @inline(never)
  mutating func worked(_ agent: Int, isHandling: Bool, _ from: Int64, _ to: Int64) {
    timeline?.worked(agent, isHandling: isHandling, from, to)
  }

  @inline(never)
  private mutating func leftOnTimeline(_ group: Int, _ outcome: Outcome, _ wait: Int64, at now: Int64) {
    timeline?.left(group, outcome, wait: wait, at: now)
  }

  @inline(__always)
  private mutating func hash(_ word: UInt64) {
    var x = (fingerprint ^ word) &* 0x9e37_79b9_7f4a_7c15
    x ^= x >> 32
    fingerprint = x
  }

  /// Checks what must hold when everybody has left, and stops the process where it does not.
  func checkFlows(at now: Instant) {
    for queue in flows.indices {
      advance(queue, to: now.microseconds)
      precondition(flows[queue].waiting == 0, "a contact entered queue \(queue) and never left it")
      precondition(flows[queue].area == flows[queue].waits, "queue \(queue) breaks Little's law")
    }
  }

  /// What was counted so far.
  func tally(work: ContiguousArray<Tally.Work>, _ definitions: Definitions) -> Tally {
    var timeline = timeline
    timeline?.finish(definitions)
    return Tally(
      thresholds: thresholds, groups: ContiguousArray(groups.indices.map { groups[$0] }),
      withins: ContiguousArray(withins.indices.map { withins[$0] }),
      waits: ContiguousArray(waits.indices.map { waits[$0] }), work: work,
      areas: ContiguousArray(flows.indices.map { flows[$0].measuredArea }),
      measuredTime: Double(window.upperBound - window.lowerBound), timeline: timeline, fingerprint: fingerprint)
  }
}
