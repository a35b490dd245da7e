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
    let (aged, overflow) = (has(.agingSignWrong) ? -aging : aging).multipliedReportingOverflow(by: now - entry)
    if overflow { return aging > 0 ? .max : .min }
    let (sum, sumOverflow) = points.addingReportingOverflow(aged)
    return sumOverflow ? (aging > 0 ? .max : .min) : sum
  }

  /// Of a contact, for an agent who takes the oldest.
  func rank(of slot: Int, at now: Instant) -> Rank {
    let row = contacts[slot]
    return Rank(
      membership: 0, effective: effective(priority: row.priority, entry: row.entry, queue: row.queue, at: now),
      entrySequence: row.entrySequence)
  }

  /// The best rank of the memberships through which an agent reaches contacts of a queue on a rung.
  func membershipRank(_ agent: Int, queue: Int32, rung: Int32, kind: UInt8) -> UInt8 {
    let pool = rungs[rung].firstPool..<(rungs[rung].firstPool + rungs[rung].poolCount)
    var best = UInt8.max
    for place in memberships(of: agent) where memberships[place].kinds & Kind.bit(Int(kind)) != 0 {
      let own = memberships[place].queue
      if own == queue || pool.contains(where: { pools[$0] == own }) { best = min(best, memberships[place].rank) }
    }
    return best
  }

  /// The contact that a free agent is offered: the best of the heads of the buckets in its own queues, of those that
  /// ladders have brought there, and of those that are held for it.
  @inline(__always)
  func firstContact(for agent: Int, at now: Instant) -> Int? {
    let row = agents.row(agent)
    let open = row.value.openKinds
    guard open != 0, row.backOff <= now else { return nil }
    return search(agent, row, open, at: now)
  }

  private func search(_ agent: Int, _ row: RowReference<AgentRow>, _ open: UInt8, at now: Instant) -> Int? {
    var search = Search(agent: agent, hasExceptions: row.exceptionsUntil > now, now: now)
    for link in memberships(of: agent) {
      let membership = memberships.row(link)
      search.kinds = membership.kinds & open
      if search.kinds == 0 { continue }
      search.membership = row.takesByRank ? membership.rank : 0
      touch()
      let queue = queues.row(membership.queue)
      var place = queue.firstBucket
      while place >= 0 {
        consider(place, &search)
        place = buckets[place].next
      }
      var visit = queue.firstVisit
      while visit >= 0 {
        consider(visits[visit].bucket, &search)
        visit = visits[visit].next
      }
    }
    if row.firstVisit >= 0 { considerHeld(row.value, open, &search) }
    return search.best < 0 ? nil : search.best
  }

  private struct Search {
    let agent: Int
    let hasExceptions: Bool
    let now: Instant
    var kinds: UInt8 = 0
    var membership: UInt8 = 0
    var best = -1
    var rank = Rank(membership: .max, effective: .min, entrySequence: .max)
  }

  @inline(__always)
  private func consider(_ place: Int32, _ search: inout Search) {
    touch()
    let bucket = buckets.row(place)
    guard search.kinds & Kind.bit(Int(bucket.kind)) != 0, isEligible(search.agent, for: bucket.needs) else { return }
    var rank = Rank(
      membership: search.membership,
      effective: effective(priority: bucket.priority, entry: bucket.headEntry, queue: bucket.queue, at: search.now),
      entrySequence: bucket.headSequence)
    var head = bucket.head
    if search.hasExceptions {
      // Only as many as the agent's own pairs are passed over.
      while head >= 0, isAvoided(Int(head), by: search.agent, at: search.now) { head = contacts[head].next }
      if head < 0 { return }
      rank.effective = effective(
        priority: bucket.priority, entry: contacts[head].entry, queue: bucket.queue, at: search.now)
      rank.entrySequence = contacts[head].entrySequence
    }
    if search.best < 0 || rank.isBefore(search.rank) {
      search.best = Int(head)
      search.rank = rank
    }
  }

  private func considerHeld(_ row: AgentRow, _ open: UInt8, _ search: inout Search) {
    var visit = row.firstVisit
    while visit >= 0 {
      let place = visits[visit].bucket
      search.kinds = open
      let bucket = buckets[place]
      search.membership =
        row.takesByRank
        ? membershipRank(search.agent, queue: bucket.queue, rung: bucket.rung, kind: bucket.kind) : 0
      consider(place, &search)
      visit = visits[visit].next
    }
  }
}
