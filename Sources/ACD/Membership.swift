import Primitives

/// An agent's place in one queue.
struct Membership {
  var agent: Int32
  var queue: Int32
  var rank: UInt8
  /// Kinds of contact that the queue carries and the agent may take; none where the agent lacks what all of them need.
  var kinds: UInt8
}

/// A membership's links in the ready list of one kind, with the key of that list beside them.
struct ReadyLink {
  var previous: Int32 = -1
  var next: Int32 = -1
  var agent: Int32 = -1
  var since: Int64 = 0
}

/// Agents of a queue who could take a contact of one kind, all with as many slots in use, the longest so first.
struct ReadyList {
  /// Lists per queue and kind: no slot in use, one, two, and more. Who is idle stands before who is not.
  static let standings = 4
  var head: Int32 = -1
  var tail: Int32 = -1
  static func index(queue: Int32, kind: Int, standing: Int) -> Int {
    (Int(queue) * 2 + kind) * standings + standing
  }
}

extension State {
  /// Brings the ready lists up to date with the agent's row. Nothing else writes them.
  mutating func relist(_ agent: Int) {
    let kinds = agents[agent].openKinds
    let load = agents[agent].load
    let standing = UInt8(truncatingIfNeeded: min(load, ReadyList.standings - 1))
    let since = load == 0 ? agents[agent].idle : agents[agent].loadSince
    let listed = agents[agent].listed
    if kinds == listed,
      kinds == 0 || standing == agents[agent].listedStanding && since == agents[agent].listedSince
    {
      return
    }
    if listed != 0 { unlist(agent) }
    agents[agent].listed = kinds
    agents[agent].listedStanding = standing
    agents[agent].listedSince = since
    guard kinds != 0 else { return }
    let first = Int(agents[agent].firstMembership)
    for membership in first..<(first + Int(agents[agent].membershipCount)) {
      let open = memberships[membership].kinds & kinds
      if open & Kind.bit(Kind.voice) != 0 { enlist(membership, Kind.voice, Int(standing), since) }
      if open & Kind.bit(Kind.chat) != 0 { enlist(membership, Kind.chat, Int(standing), since) }
    }
  }

  private func unlist(_ agent: Int) {
    let row = agents[agent]
    for membership in Int(row.firstMembership)..<Int(row.firstMembership + row.membershipCount) {
      let open = memberships[membership].kinds & row.listed
      if open & Kind.bit(Kind.voice) != 0 { delist(membership, Kind.voice, Int(row.listedStanding)) }
      if open & Kind.bit(Kind.chat) != 0 { delist(membership, Kind.chat, Int(row.listedStanding)) }
    }
  }

  /// Links at the place of the key, looking from the tail: who just became idle has been so for the shortest time.
  private func enlist(_ membership: Int, _ kind: Int, _ standing: Int, _ since: Int64) {
    let list = ReadyList.index(queue: memberships[membership].queue, kind: kind, standing: standing)
    let agent = memberships[membership].agent
    let link = Int32(truncatingIfNeeded: membership * 2 + kind)
    var before = ready[list].tail
    var after: Int32 = -1
    while before >= 0 {
      let other = readyLinks[before]
      if other.since < since || other.since == since && other.agent < agent { break }
      after = before
      before = other.previous
    }
    readyLinks[link] = ReadyLink(previous: before, next: after, agent: agent, since: since)
    if before >= 0 { readyLinks[before].next = link } else { ready[list].head = link }
    if after >= 0 { readyLinks[after].previous = link } else { ready[list].tail = link }
  }

  private func delist(_ membership: Int, _ kind: Int, _ standing: Int) {
    let list = ReadyList.index(queue: memberships[membership].queue, kind: kind, standing: standing)
    let row = readyLinks[membership * 2 + kind]
    if row.previous >= 0 { readyLinks[row.previous].next = row.next } else { ready[list].head = row.next }
    if row.next >= 0 { readyLinks[row.next].previous = row.previous } else { ready[list].tail = row.previous }
  }

  /// The order of the ready lists, over all of them.
  func stands(_ agent: Int, before other: Int) -> Bool {
    let (a, b) = (agents[agent], agents[other])
    return (a.listedStanding, a.listedSince, agent) < (b.listedStanding, b.listedSince, other)
  }

  @inline(__always)
  func isEligible(_ agent: Int, for profile: UInt32) -> Bool {
    if profile == 0 { return true }
    let word = agent * profileWords + Int(profile >> 6)
    return eligible[word] >> UInt64(profile & 63) & 1 != 0
  }
}
