import ACD
import Primitives

/// What one replication counted: sums only, so that replications and groups add up. Contacts count in the group of
/// their queue and channel, at the moment of their arrival; those of the warm-up do not count.
struct Tally: Sendable {
  /// One queue and channel.
  struct Group: Sendable {
    var offered: Int64 = 0
    var answered: Int64 = 0
    var abandoned: Int64 = 0
    var shortAbandoned: Int64 = 0
    var left: Int64 = 0
    var refused: Int64 = 0
    /// Not served at once: waited, or left while waiting.
    var waited: Int64 = 0
    /// Sums of waits in microseconds, of all and of the answered; a refused contact has none.
    var wait: Int64 = 0
    var answeredWait: Int64 = 0
    /// Per threshold.
    var answeredWithin: [Int64]
    var abandonedWithin: [Int64]
    var waits = Histogram()

    static func += (a: inout Group, b: Group) {
      a.offered += b.offered
      a.answered += b.answered
      a.abandoned += b.abandoned
      a.shortAbandoned += b.shortAbandoned
      a.left += b.left
      a.refused += b.refused
      a.waited += b.waited
      a.wait += b.wait
      a.answeredWait += b.answeredWait
      for t in a.answeredWithin.indices {
        a.answeredWithin[t] += b.answeredWithin[t]
        a.abandonedWithin[t] += b.abandonedWithin[t]
      }
      a.waits.add(b.waits)
    }
  }

  let thresholds: [Int64]
  /// By queue and channel: `queue * Channel.allCases.count + channel`.
  private(set) var groups: ContiguousArray<Group>
  /// A hash of (contact number, outcome, wait, agent) of all contacts, in the order in which they left the queue.
  private(set) var fingerprint: UInt64 = 0xcbf2_9ce4_8422_2325

  // Time integrals since `measureFrom`, in microseconds times a count.
  private(set) var busyTime: Double = 0
  private(set) var staffedTime: Double = 0
  private(set) var waitingTime: Double = 0
  private var busy = 0
  private var staffed = 0
  private var waiting = 0
  private var last: Instant
  private let end: Instant

  init(plan: Plan) {
    thresholds = plan.thresholds
    let empty = Group(
      answeredWithin: Array(repeating: 0, count: plan.thresholds.count),
      abandonedWithin: Array(repeating: 0, count: plan.thresholds.count))
    groups = ContiguousArray(repeating: empty, count: plan.definitions.queues.count * Channel.allCases.count)
    last = plan.measureFrom
    end = plan.end
  }

  private func group(_ queue: QueueID, _ channel: Channel) -> Int {
    Int(queue.index) * Channel.allCases.count + Int(channel.rawValue)
  }

  /// Integrates the counts up to `now`; the integrals end with the span.
  private mutating func advance(to now: Instant) {
    let now = min(now, end)
    guard now > last else { return }
    let interval = Double(now - last)
    busyTime += interval * Double(busy)
    staffedTime += interval * Double(max(staffed, busy))
    waitingTime += interval * Double(waiting)
    last = now
  }

  mutating func staffed(by change: Int, at now: Instant) {
    advance(to: now)
    staffed += change
  }

  mutating func entered(_ queue: QueueID, _ channel: Channel, _ isMeasured: Bool, at now: Instant) {
    advance(to: now)
    waiting += 1
    if isMeasured { groups[group(queue, channel)].offered += 1 }
  }

  mutating func refused(_ queue: QueueID, _ channel: Channel, _ isMeasured: Bool) {
    if isMeasured { groups[group(queue, channel)].refused += 1 }
  }

  mutating func left(
    _ queue: QueueID, _ channel: Channel, _ outcome: Outcome, wait: Int64, isMeasured: Bool, number: UInt64,
    type: UInt32, agent: AgentID, at now: Instant
  ) {
    advance(to: now)
    waiting -= 1
    if outcome == .answered { busy += 1 }
    hash(number | UInt64(type) << 48)
    hash(UInt64(outcome.rawValue) | UInt64(agent.index) << 8)
    hash(UInt64(bitPattern: wait))
    guard isMeasured else { return }
    let index = group(queue, channel)
    groups[index].wait += wait
    groups[index].waits.count(wait)
    switch outcome {
    case .answered:
      groups[index].answered += 1
      groups[index].answeredWait += wait
      if wait > 0 { groups[index].waited += 1 }
      for t in thresholds.indices where wait <= thresholds[t] { groups[index].answeredWithin[t] += 1 }
    case .abandoned, .shortAbandoned:
      groups[index].abandoned += 1
      groups[index].waited += 1
      if outcome == .shortAbandoned { groups[index].shortAbandoned += 1 }
      for t in thresholds.indices where wait <= thresholds[t] { groups[index].abandonedWithin[t] += 1 }
    default:
      groups[index].left += 1
      groups[index].waited += 1
    }
  }

  mutating func ended(_ agent: AgentID, at now: Instant) {
    advance(to: now)
    busy -= 1
  }

  mutating func finish(at now: Instant) { advance(to: end) }

  @inline(__always)
  private mutating func hash(_ word: UInt64) {
    var x = (fingerprint ^ word) &* 0x9e37_79b9_7f4a_7c15
    x ^= x >> 32
    fingerprint = x
  }

  /// The sum over the groups that `include` names.
  func sum(where include: (QueueID, Channel) -> Bool) -> Group {
    var sum = Group(
      answeredWithin: Array(repeating: 0, count: thresholds.count),
      abandonedWithin: Array(repeating: 0, count: thresholds.count))
    for index in groups.indices {
      let queue = QueueID(index: UInt32(index / Channel.allCases.count))
      if include(queue, Channel.allCases[index % Channel.allCases.count]) { sum += groups[index] }
    }
    return sum
  }
}

/// Counts of waits, log-linear: 32 buckets to a power of two, so a quantile is right within 3 %.
struct Histogram: Sendable {
  private var counts: ContiguousArray<UInt32> = []
  private(set) var total: Int64 = 0

  @inline(__always)
  private static func bucket(_ value: Int64) -> Int {
    let value = UInt64(max(0, value))
    guard value >= 32 else { return Int(value) }
    let magnitude = 63 - value.leadingZeroBitCount
    return (magnitude - 4) * 32 + Int(value >> (magnitude - 5)) - 32
  }

  /// The middle of a bucket.
  private static func value(_ bucket: Int) -> Double {
    guard bucket >= 32 else { return Double(bucket) }
    let magnitude = bucket / 32 + 4
    let width = Double(UInt64(1) << (magnitude - 5))
    return Double(bucket % 32 + 32) * width + (width - 1) / 2
  }

  mutating func count(_ value: Int64) {
    let bucket = Self.bucket(value)
    while counts.count <= bucket { counts.append(0) }
    counts[bucket] += 1
    total += 1
  }

  mutating func add(_ other: Histogram) {
    while counts.count < other.counts.count { counts.append(0) }
    for bucket in other.counts.indices { counts[bucket] += other.counts[bucket] }
    total += other.total
  }

  /// The value below which a share `p` lies; nil if nothing was counted.
  func quantile(_ p: Double) -> Double? {
    guard total > 0 else { return nil }
    let rank = Int64((p * Double(total)).rounded(.up))
    var seen: Int64 = 0
    for bucket in counts.indices {
      seen += Int64(counts[bucket])
      if seen >= max(1, rank) { return Self.value(bucket) }
    }
    return counts.indices.last.map(Self.value)
  }
}
