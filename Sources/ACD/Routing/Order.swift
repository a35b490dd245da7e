import Primitives

/// The order of waiting contacts, one rule for all: effective priority, then entry. Journal sequences decide between
/// entries of one instant, so the order is total.
struct Rank {
  /// Lower first; the same for all where the agent takes the oldest.
  var membership: UInt8
  /// Priority in thousandths of a point times a minute in microseconds, so that aging needs no division.
  var effective: Int64
  var entrySequence: UInt64

  static let pointMinute: Int64 = 1_000 * 60_000_000

  @inline(__always)
  func isBefore(_ other: Rank) -> Bool {
    if membership != other.membership { return membership < other.membership }
    if effective != other.effective { return effective > other.effective }
    return entrySequence < other.entrySequence
  }
}

extension State {
  /// `priority + aging × waited` at `now`. Saturates only where aging is past every use.
  @inline(__always)
  func effective(priority: Int16, entry: Instant, queue: Int32, at now: Instant) -> Int64 {
    let points = Int64(priority) * Rank.pointMinute
    let aging = queues[queue].aging
    if aging == 0 { return points }
    let (aged, overflow) = aging.multipliedReportingOverflow(by: now - entry)
    if overflow { return aging > 0 ? .max : .min }
    let (sum, sumOverflow) = points.addingReportingOverflow(aged)
    return sumOverflow ? (aging > 0 ? .max : .min) : sum
  }

  /// The contact that a free agent is offered: the best of the heads of its own queues' buckets.
  mutating func firstContact(for agent: Int, at now: Instant) -> Int? {
    let row = agents[agent]
    let open = row.openKinds
    guard open != 0, row.backOff <= now else { return nil }
    let hasExceptions = row.exceptionsUntil > now
    var best = -1
    var bestRank = Rank(membership: .max, effective: .min, entrySequence: .max)
    for link in Int(row.firstMembership)..<Int(row.firstMembership + row.membershipCount) {
      let membership = memberships[link]
      let kinds = membership.kinds & open
      if kinds == 0 { continue }
      var place = queues[membership.queue].firstBucket
      while place >= 0 {
        let bucket = buckets[place]
        place = bucket.next
        guard kinds & Kind.bit(Int(bucket.kind)) != 0, isEligible(agent, for: bucket.profile) else { continue }
        var rank = Rank(
          membership: row.takesByRank ? membership.rank : 0,
          effective: effective(
            priority: bucket.priority, entry: bucket.headEntry, queue: membership.queue, at: now),
          entrySequence: bucket.headSequence)
        var head = bucket.head
        if hasExceptions {
          // Only as many as the agent's own pairs are passed over.
          while head >= 0, isAvoided(Int(head), by: agent, at: now) { head = contacts[head].next }
          if head < 0 { continue }
          rank.effective = effective(
            priority: bucket.priority, entry: contacts[head].entry, queue: membership.queue, at: now)
          rank.entrySequence = contacts[head].entrySequence
        }
        if best < 0 || rank.isBefore(bestRank) {
          best = Int(head)
          bestRank = rank
        }
      }
    }
    return best < 0 ? nil : best
  }
}
