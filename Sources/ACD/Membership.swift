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
  func relist(_ agent: Int) {
    let kinds = agents[agent].openKinds
    let load = agents[agent].load
    let since = load == 0 ? agents[agent].idle : agents[agent].loadSince
    let listed = agents[agent].listed
    if kinds == listed,
      kinds == 0 || load == Int(agents[agent].listedLoad) && since == agents[agent].listedSince
    {
      return
    }
    if listed != 0 { unlist(agent) }
    agents[agent].listed = kinds
    agents[agent].listedLoad = UInt8(truncatingIfNeeded: load)
    agents[agent].listedSince = since
    guard kinds != 0 else { return }
    for membership in self.memberships(of: agent) {
      let open = memberships[membership].kinds & kinds
      if open & Kind.bit(Kind.voice) != 0 { enlist(membership, Kind.voice) }
      if open & Kind.bit(Kind.chat) != 0 { enlist(membership, Kind.chat) }
    }
  }

  func unlist(_ agent: Int) {
    let listed = agents[agent].listed
    agents[agent].listed = 0
    for membership in self.memberships(of: agent) {
      let open = memberships[membership].kinds & listed
      if open & Kind.bit(Kind.voice) != 0 { delist(membership, Kind.voice) }
      if open & Kind.bit(Kind.chat) != 0 { delist(membership, Kind.chat) }
    }
  }

  @inline(__always)
  func memberships(of agent: Int) -> Range<Int> {
    let first = Int(agents[agent].firstMembership)
    return first..<(first + Int(agents[agent].membershipCount))
  }

  private func enlist(_ membership: Int, _ kind: Int) {
    touch()
    let queue = memberships[membership].queue
    let agent = memberships[membership].agent
    enlist(
      Int32(truncatingIfNeeded: membership * 2 + kind), agent: agent, key: readyKey(membership, kind),
      in: ReadyList.index(queue: queue, kind: kind))
  }

  private func delist(_ membership: Int, _ kind: Int) {
    touch()
    delist(
      Int32(truncatingIfNeeded: membership * 2 + kind),
      in: ReadyList.index(queue: memberships[membership].queue, kind: kind))
  }

  @inline(__always)
  func isEligible(_ agent: Int, for needs: UInt32) -> Bool {
    if needs == 0 || has(.skillIgnored) { return true }
    let word = agent * needWords + Int(needs >> 6)
    return eligible[word] >> UInt64(needs & 63) & 1 != 0
  }
}
