import Primitives

/// A queue's policy in plain numbers, and what stands in it.
struct QueueRow {
  var isRemoved = false
  var carries: UInt8 = 0
  var channels: UInt8 = 0
  var priority: Int16 = 0
  var policy = Policy.longestIdle
  var window = Window.shift
  var chats = ChatSpread.spread
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
  var preferredHold: Int64 = 0
  /// The first rung of its ladder.
  var rung: Int32 = 0
  /// Contacts have been on a ladder here.
  var hasClimbers = false
  var grace: Int64 = 0
  /// How long a dial may last, the gap between two, and how long a request stands.
  var dial: Int64 = 0
  var gap: Int64 = 0
  var callbackLimit: Int64 = .max
  var dialsFirst = false
  /// Hours or staff are asked before anybody enters.
  var isGuarded = false
  var estimatesWaits = false

  /// Buckets of those in line for everybody, of those held for one agent, and the visits of other queues' buckets.
  var firstBucket: Int32 = -1
  var firstHeldBucket: Int32 = -1
  var firstVisit: Int32 = -1
  /// Round robin: the agent who had the last offer.
  var cursor: Int32 = -1
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
    policy = definition.policy
    window = definition.window
    chats = definition.chats
    preferredHold = interval(definition.preferredHold)
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
///
/// A bucket stands in the chain of its queue, and visits those whom a ladder has added: other queues, or the one agent
/// for whom its contacts are held.
struct Bucket {
  var queue: Int32
  var profile: UInt32
  var rung: Int32
  var heldFor: Int32
  /// The profile's needs on this rung.
  var needs: UInt32
  var priority: Int16
  var kind: UInt8
  var head: Int32
  var tail: Int32
  var headEntry: Instant
  var headSequence: UInt64
  var previous: Int32 = -1
  var next: Int32 = -1
  var count: Int32 = 1
  var firstVisit: Int32 = -1
}

/// A bucket's place in the chain of a queue that is not its own, or of an agent (as `~agent`).
struct Visit {
  var bucket: Int32
  var host: Int32
  var previous: Int32 = -1
  var next: Int32 = -1
  /// The next visit of the same bucket.
  var sibling: Int32 = -1
}

extension State {
  /// Puts a waiting contact into its bucket, at the place of its entry.
  func line(up slot: Int) {
    guard let bucket = bucket(for: slot) else {
      openBucket(for: slot)
      return
    }
    let link = Int32(truncatingIfNeeded: slot)
    let contact = contacts.row(slot)
    contact.bucket = bucket
    buckets[bucket].count += 1
    let (before, after) = neighbours(of: contact.entrySequence, in: bucket)
    contact.previous = before
    contact.next = after
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
  func stepOut(_ slot: Int) {
    let contact = contacts.row(slot)
    let bucket = contact.bucket
    guard bucket >= 0 else { return }
    let (previous, next) = (contact.previous, contact.next)
    contact.bucket = -1
    buckets[bucket].count -= 1
    if previous >= 0 { contacts[previous].next = next }
    if next >= 0 { contacts[next].previous = previous }
    if previous < 0, next < 0 {
      closeBucket(bucket)
    } else if previous < 0 {
      setHead(of: bucket, to: next)
    } else if next < 0 {
      buckets[bucket].tail = previous
    }
  }

  private func setHead(of bucket: Int32, to slot: Int32) {
    buckets[bucket].head = slot
    buckets[bucket].headEntry = contacts[slot].entry
    buckets[bucket].headSequence = contacts[slot].entrySequence
  }

  @inline(__always)
  private func bucket(for slot: Int) -> Int32? {
    let row = contacts.row(slot)
    func isOwn(_ bucket: Int32) -> Bool {
      let candidate = buckets.row(bucket)
      return candidate.profile == row.profile && candidate.priority == row.priority
        && Int(candidate.kind) == row.value.lineKind
        && candidate.rung == row.rung && candidate.queue == row.queue
    }
    if row.heldFor >= 0 {
      var visit = agents[row.heldFor].firstVisit
      while visit >= 0 {
        if isOwn(visits[visit].bucket) { return visits[visit].bucket }
        visit = visits[visit].next
      }
      return nil
    }
    var bucket = queues[row.queue].firstBucket
    while bucket >= 0 {
      if isOwn(bucket) { return bucket }
      bucket = buckets[bucket].next
    }
    return nil
  }

  @inline(__always)
  private func openBucket(for slot: Int) {
    let row = contacts.row(slot)
    let link = Int32(truncatingIfNeeded: slot)
    let isHeld = row.heldFor >= 0
    let first = isHeld ? queues[row.queue].firstHeldBucket : queues[row.queue].firstBucket
    let fresh = Bucket(
      queue: row.queue, profile: row.profile, rung: row.rung, heldFor: row.heldFor,
      needs: needs(rung: row.rung, profile: row.profile), priority: row.priority, kind: UInt8(row.value.lineKind),
      head: link,
      tail: link, headEntry: row.entry, headSequence: row.entrySequence, next: first)
    let bucket: Int32
    if freeBucket >= 0 {
      bucket = freeBucket
      freeBucket = buckets[bucket].next
      buckets[bucket] = fresh
    } else {
      bucket = Int32(buckets.count)
      buckets.append(fresh)
    }
    row.bucket = bucket
    row.previous = -1
    row.next = -1
    if row.value.lineKind == Kind.dialledFirst { dialledFirst += 1 }
    if first >= 0 { buckets[first].previous = bucket }
    if isHeld { queues[row.queue].firstHeldBucket = bucket } else { queues[row.queue].firstBucket = bucket }
    if isHeld {
      visit(~row.heldFor, bucket)
    } else if rungs[row.rung].poolCount > 0 {
      let pool = rungs[row.rung].firstPool
      for queue in pool..<(pool + rungs[row.rung].poolCount) where pools[queue] != row.queue {
        visit(pools[queue], bucket)
      }
    }
  }

  @inline(__always)
  private func closeBucket(_ bucket: Int32) {
    let row = buckets.row(bucket)
    var visit = row.firstVisit
    while visit >= 0 {
      let next = visits[visit].sibling
      leave(visit)
      visit = next
    }
    if row.previous >= 0 {
      buckets[row.previous].next = row.next
    } else if row.heldFor >= 0 {
      queues[row.queue].firstHeldBucket = row.next
    } else {
      queues[row.queue].firstBucket = row.next
    }
    if row.next >= 0 { buckets[row.next].previous = row.previous }
    if Int(row.kind) == Kind.dialledFirst { dialledFirst -= 1 }
    row.next = freeBucket
    freeBucket = bucket
  }

  private func visit(_ host: Int32, _ bucket: Int32) {
    let first = host < 0 ? agents[~host].firstVisit : queues[host].firstVisit
    let fresh = Visit(bucket: bucket, host: host, next: first, sibling: buckets[bucket].firstVisit)
    let visit: Int32
    if freeVisit >= 0 {
      visit = freeVisit
      freeVisit = visits[visit].next
      visits[visit] = fresh
    } else {
      visit = Int32(visits.count)
      visits.append(fresh)
    }
    if first >= 0 { visits[first].previous = visit }
    if host < 0 { agents[~host].firstVisit = visit } else { queues[host].firstVisit = visit }
    buckets[bucket].firstVisit = visit
  }

  private func leave(_ visit: Int32) {
    let row = visits[visit]
    if row.previous >= 0 {
      visits[row.previous].next = row.next
    } else if row.host < 0 {
      agents[~row.host].firstVisit = row.next
    } else {
      queues[row.host].firstVisit = row.next
    }
    if row.next >= 0 { visits[row.next].previous = row.previous }
    visits[visit].next = freeVisit
    freeVisit = visit
  }

  /// The buckets of all who wait in the queue, held ones last.
  @inline(__always)
  func forEachBucket(of queue: Int32, _ body: (Int32) -> Void) {
    for first in [queues[queue].firstBucket, queues[queue].firstHeldBucket] {
      var bucket = first
      while bucket >= 0 {
        body(bucket)
        bucket = buckets[bucket].next
      }
    }
  }
}
