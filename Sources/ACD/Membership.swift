import Primitives

/// An agent's place in one queue.
struct Membership {
  var agent: Int32
  var queue: Int32
  /// Lower first where the agent takes by rank.
  var rank: UInt8
  /// Kinds of contact that the queue carries and the agent may take; none where the agent lacks what all of them need.
  var carried: UInt8
  /// Those of them that the queue offers; none where attendants pick.
  var kinds: UInt8
  /// Place in the declared order of a serial queue.
  var position: Int32 = 0
  /// How much of the preferred skills the agent has, more is better.
  var score: UInt32 = 0
}

extension State {
  /// Brings the ready lists up to date with the agent's row. Nothing else writes them.
  @inline(__always)
  func relist(_ agent: Int) {
    let row = agents.row(agent)
    let kinds = row.value.openKinds
    if kinds | row.listed != 0 { relist(agent, row, as: kinds) }
  }

  private func relist(_ agent: Int, _ row: RowReference<AgentRow>, as kinds: UInt8) {
    let load = row.value.load
    let since = load == 0 ? row.idle : row.loadSince
    if kinds == row.listed, load == Int(row.listedLoad), since == row.listedSince { return }
    if row.listed != 0 { unlist(agent) }
    row.listed = kinds
    row.listedLoad = UInt8(truncatingIfNeeded: load)
    row.listedSince = since
    guard kinds != 0 else { return }
    for membership in self.memberships(of: agent) {
      let open = memberships[membership].kinds & kinds
      if open & Kind.bit(Kind.voice) != 0 { enlist(membership, Kind.voice) }
      if open & Kind.bit(Kind.chat) != 0 { enlist(membership, Kind.chat) }
    }
  }

  @inline(__always)
  func unlist(_ agent: Int) {
    let row = agents.row(agent)
    let listed = row.listed
    row.listed = 0
    for membership in self.memberships(of: agent) {
      let open = memberships[membership].kinds & listed
      if open & Kind.bit(Kind.voice) != 0 { delist(membership, Kind.voice) }
      if open & Kind.bit(Kind.chat) != 0 { delist(membership, Kind.chat) }
    }
  }

  @inline(__always)
  func memberships(of agent: Int) -> Range<Int> {
    let row = agents.row(agent)
    let first = Int(row.firstMembership)
    return Range(uncheckedBounds: (first, first &+ Int(row.membershipCount)))
  }

  @inline(__always)
  private func enlist(_ membership: Int, _ kind: Int) {
    touch()
    let queue = memberships[membership].queue
    enlist(
      Int32(truncatingIfNeeded: membership &* 2 &+ kind), key: readyKey(membership, kind),
      in: ReadyList.index(queue: queue, kind: kind), isSearched: queues[queue].policy == .roundRobin)
  }

  @inline(__always)
  private func delist(_ membership: Int, _ kind: Int) {
    touch()
    delist(
      Int32(truncatingIfNeeded: membership &* 2 &+ kind),
      in: ReadyList.index(queue: memberships[membership].queue, kind: kind))
  }

  @inline(__always)
  func isEligible(_ agent: Int, for needs: UInt32) -> Bool {
    if needs == 0 || has(.skillIgnored) { return true }
    let word = agent * needWords + Int(needs >> 6)
    return eligible[word] >> UInt64(needs & 63) & 1 != 0
  }
}
