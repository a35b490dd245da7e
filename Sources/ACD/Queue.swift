import Primitives

/// A queue's policy in plain numbers, and what stands in it.
struct QueueRow {
  var isRemoved = false
  var carries: UInt8 = 0
  var channels: UInt8 = 0
  var priority: Int16 = 0
  var profile: UInt32 = 0
  var missedLimit: UInt16 = 0
  var declinedLimit: UInt16 = 0
  var aging: Int64 = 0
  var ring: Int64 = 0
  var retry: Int64 = 0
  var busyBackOff: Int64 = 0
  var connect: Int64 = 0
  var wrapUp: Int64 = 0
  var wrapUpLimit: Int64 = 0
  var waitingLimit: Int64 = 0
  var waitLimit: Int64 = 0
  var shortAbandon: Int64 = 0
  var lostLimit: Int64 = 0
  var threshold: Int64 = 0
  var grace: Int64 = 0
  /// How long a dial may last, the gap between two, and how long a request stands.
  var dial: Int64 = 0
  var gap: Int64 = 0
  var callbackLimit: Int64 = .max
  var dialsFirst = false
  /// Hours or staff are asked before anybody enters.
  var isGuarded = false
  var estimatesWaits = false

  var firstBucket: Int32 = -1
  /// Contacts waiting or on offer.
  var waiting: Int64 = 0
  /// Exponential mean of handle times in microseconds, 0 before the first.
  var handleTime: Int64 = 0
  /// Customers who are being called before an agent is rung.
  var dialling: Int64 = 0
  var waits = WaitHistory()
  /// Agents who are signed in and may take a call, a chat, of the queue.
  var voiceStaff: Int32 = 0
  var chatStaff: Int32 = 0

  mutating func adopt(_ definition: QueueDefinition) {
    isRemoved = definition.isRemoved
    carries = 0
    channels = 0
    for channel in definition.channels {
      channels |= 1 << channel.rawValue
      carries |= Kind.bit(channel == .chat ? Kind.chat : Kind.voice)
    }
    priority = definition.priority
    profile = definition.profile.index
    missedLimit = definition.missedLimit
    declinedLimit = definition.declinedLimit
    aging = Int64(definition.aging)
    // An offer that ended at its own instant could be made again at the same one, without end.
    ring = max(1, interval(definition.ring))
    connect = max(1, interval(definition.connect))
    retry = interval(definition.retry)
    busyBackOff = interval(definition.busyBackOff)
    wrapUp = interval(definition.wrapUp)
    wrapUpLimit = max(wrapUp, interval(definition.wrapUpLimit))
    waitingLimit = Int64(definition.waitingLimit)
    waitLimit = definition.waitLimit == .max ? .max : interval(definition.waitLimit)
    shortAbandon = definition.shortAbandon
    lostLimit = interval(definition.lostLimit)
    threshold = definition.serviceLevel.within
    grace = interval(definition.grace)
    let callback = definition.callback
    dial = max(1, interval(callback?.ring ?? definition.connect))
    gap = max(1, interval(callback?.gap ?? 0))
    callbackLimit = callback.map { interval($0.limit) } ?? .max
    dialsFirst = callback?.mode == .customerFirst
    isGuarded = definition.hours != nil || definition.overflow.staffing != .any
    estimatesWaits = definition.estimatesWaits
  }

  /// At most 71 years, so that no deadline overflows.
  private func interval(_ microseconds: Int64) -> Int64 { min(max(0, microseconds), 1 << 51) }
}

/// Waiting contacts of one queue that differ in nothing but their entry: an ordered list. Aging is linear and per
/// queue, so the order inside never changes, and one test on the head judges all of them.
struct Bucket {
  var queue: Int32
  var profile: UInt32
  var priority: Int16
  var kind: UInt8
  var head: Int32
  var tail: Int32
  var headEntry: Instant
  var headSequence: UInt64
  var previous: Int32 = -1
  var next: Int32 = -1
  var count: Int32 = 1
}

extension State {
  /// Puts a waiting contact into its bucket, at the place of its entry.
  mutating func line(up slot: Int) {
    guard let bucket = bucket(for: slot) else {
      openBucket(for: slot)
      return
    }
    let link = Int32(truncatingIfNeeded: slot)
    contacts[slot].bucket = bucket
    buckets[bucket].count += 1
    let (before, after) = neighbours(of: contacts[slot].entrySequence, in: bucket)
    contacts[slot].previous = before
    contacts[slot].next = after
    if before >= 0 { contacts[before].next = link } else { setHead(of: bucket, to: link) }
    if after >= 0 { contacts[after].previous = link } else { buckets[bucket].tail = link }
  }

  /// Between whom an entry belongs. It looks from both ends at once: newcomers belong at the tail, and contacts that
  /// come back from an offer near the head.
  private func neighbours(of sequence: UInt64, in bucket: Int32) -> (before: Int32, after: Int32) {
    var front = buckets[bucket].head
    var back = buckets[bucket].tail
    while true {
      if contacts[back].entrySequence < sequence { return (back, contacts[back].next) }
      if contacts[front].entrySequence > sequence { return (contacts[front].previous, front) }
      back = contacts[back].previous
      front = contacts[front].next
    }
  }

  /// Takes a contact out of its bucket: it is on offer, lost, or leaves.
  mutating func stepOut(_ slot: Int) {
    let row = contacts[slot]
    guard row.bucket >= 0 else { return }
    contacts[slot].bucket = -1
    buckets[row.bucket].count -= 1
    if row.previous >= 0 { contacts[row.previous].next = row.next }
    if row.next >= 0 { contacts[row.next].previous = row.previous }
    if row.previous < 0, row.next < 0 {
      closeBucket(row.bucket)
    } else if row.previous < 0 {
      setHead(of: row.bucket, to: row.next)
    } else if row.next < 0 {
      buckets[row.bucket].tail = row.previous
    }
  }

  private func setHead(of bucket: Int32, to slot: Int32) {
    buckets[bucket].head = slot
    buckets[bucket].headEntry = contacts[slot].entry
    buckets[bucket].headSequence = contacts[slot].entrySequence
  }

  private func bucket(for slot: Int) -> Int32? {
    let (profile, priority, kind) = (contacts[slot].profile, contacts[slot].priority, contacts[slot].lineKind)
    var bucket = queues[contacts[slot].queue].firstBucket
    while bucket >= 0 {
      let candidate = buckets[bucket]
      if candidate.profile == profile, candidate.priority == priority, Int(candidate.kind) == kind { return bucket }
      bucket = candidate.next
    }
    return nil
  }

  private mutating func openBucket(for slot: Int) {
    let row = contacts[slot]
    let link = Int32(truncatingIfNeeded: slot)
    let first = queues[row.queue].firstBucket
    let fresh = Bucket(
      queue: row.queue, profile: row.profile, priority: row.priority, kind: UInt8(row.lineKind), head: link, tail: link,
      headEntry: row.entry, headSequence: row.entrySequence, next: first)
    let bucket: Int32
    if freeBucket >= 0 {
      bucket = freeBucket
      freeBucket = buckets[bucket].next
      buckets[bucket] = fresh
    } else {
      bucket = Int32(buckets.count)
      buckets.append(fresh)
    }
    if row.lineKind == Kind.dialledFirst { dialledFirst += 1 }
    if first >= 0 { buckets[first].previous = bucket }
    queues[row.queue].firstBucket = bucket
    contacts[slot].bucket = bucket
    contacts[slot].previous = -1
    contacts[slot].next = -1
  }

  private mutating func closeBucket(_ bucket: Int32) {
    let row = buckets[bucket]
    if row.previous >= 0 { buckets[row.previous].next = row.next } else { queues[row.queue].firstBucket = row.next }
    if row.next >= 0 { buckets[row.next].previous = row.previous }
    if Int(row.kind) == Kind.dialledFirst { dialledFirst -= 1 }
    buckets[bucket].next = freeBucket
    freeBucket = bucket
  }
}
