import Primitives

/// Whom a waiting contact is offered to. These look-ups change nothing.
extension State {
  /// Where a member stands among the free ones of the queue.
  @inline(__always)
  func readyKey(_ membership: Int, _ kind: Int) -> ReadyKey {
    let place = memberships.row(membership)
    let queue = queues.row(place.queue)
    let worker = agents.row(place.agent)
    let (load, since) = (worker.listedLoad, worker.listedSince)
    let band = kind == Kind.chat && queue.chats == .fill ? .max - load : load
    switch queue.policy {
    case .longestIdle, .broadcast, .attendant: return .longestIdle(band: band, since: since)
    case .roundRobin: return .roundRobin(band: band, agent: place.agent)
    case .serial: return .serial(band: band, position: place.position)
    case .fewestContacts:
      return .fewestContacts(band: band, contacts: tally(of: Int(place.agent), queue.window).contacts, since: since)
    case .leastOccupied: return .leastOccupied(band: band, tally(of: Int(place.agent), queue.window), since: since)
    case .bestSkilled: return .bestSkilled(band: band, score: place.score, since: since)
    }
  }

  /// The agent to offer a waiting contact to: the one it is held for, or the one its ladder prefers, or the first of its
  /// queue's agents by the queue's policy, then those of the queues that the ladder added, each by its own policy.
  func firstAgent(for slot: Int, at now: Instant) -> Int? {
    let row = contacts.row(slot)
    if row.heldFor >= 0 { return isFree(Int(row.heldFor), for: slot, at: now) ? Int(row.heldFor) : nil }
    if row.rung == 0 { return firstMember(of: row.queue, for: slot, needs: row.profile, at: now) }
    let rung = rungs[row.rung]
    if rung.preferred >= 0, isFree(Int(rung.preferred), for: slot, at: now) { return Int(rung.preferred) }
    let needs = self.needs(rung: row.rung, profile: row.profile)
    if let agent = firstMember(of: row.queue, for: slot, needs: needs, at: now) { return agent }
    for pool in rung.firstPool..<(rung.firstPool + rung.poolCount) {
      if let agent = firstMember(of: pools[pool], for: slot, needs: needs, at: now) { return agent }
    }
    return nil
  }

  @inline(__always)
  private func firstMember(of queue: Int32, for slot: Int, needs: UInt32, at now: Instant) -> Int? {
    firstMember(of: queue, kind: contacts[slot].kind) {
      isEligible($0, for: needs) && !isAvoided(slot, by: $0, at: now)
    }
  }

  /// The first who is fit of those who are free, in the order of the queue's policy.
  @inline(__always)
  func firstMember(of queue: Int32, kind: Int, where isFit: (Int) -> Bool) -> Int? {
    let list = ReadyList.index(queue: queue, kind: kind)
    if queues[queue].policy == .roundRobin { return nextInTurn(queue, list, isFit) }
    var link = ready[list].head
    while link >= 0 {
      touch()
      let agent = Int(readyLinks[link].agent)
      if isFit(agent) { return agent }
      link = readyLinks[link].next
    }
    return nil
  }

  /// Whether one agent could be offered one waiting contact now.
  func isFree(_ agent: Int, for slot: Int, at now: Instant) -> Bool {
    agents[agent].openKinds & Kind.bit(contacts[slot].kind) != 0 && serves(agent, slot)
      && !isAvoided(slot, by: agent, at: now)
  }

  /// Whether the agent is one of those who may be offered the contact at all.
  func serves(_ agent: Int, _ slot: Int) -> Bool {
    let row = contacts[slot]
    guard !agents[agent].isRemoved, isEligible(agent, for: needs(rung: row.rung, profile: row.profile)) else {
      return false
    }
    if isMember(agent, of: row.queue, kind: row.kind) { return true }
    let rung = rungs[row.rung]
    return (rung.firstPool..<(rung.firstPool + rung.poolCount)).contains {
      isMember(agent, of: pools[$0], kind: row.kind)
    }
  }

  func isMember(_ agent: Int, of queue: Int32, kind: Int) -> Bool {
    memberships(of: agent).contains {
      memberships[$0].queue == queue && memberships[$0].kinds & Kind.bit(kind) != 0
    }
  }

  /// Whether anybody could take a contact of these needs at once.
  func isAnybodyFree(queue: Int32, kind: Int, profile: UInt32, at now: Instant) -> Bool {
    var link = ready[ReadyList.index(queue: queue, kind: kind)].head
    while link >= 0 {
      let agent = Int(readyLinks[link].agent)
      if isEligible(agent, for: profile), agents[agent].backOff <= now { return true }
      link = readyLinks[link].next
    }
    return false
  }
}
