import Primitives

/// What must hold after every step, checked from the rows: for tests, and for sampled assertions in a running system.
extension Engine {
  /// Sentences about what is broken; empty in a sound state. The work is (waiting contacts × agents).
  package func brokenInvariants() -> [String] {
    state.agents.indices.flatMap(state.brokenSlots) + state.brokenLists() + state.brokenQueues()
      + state.brokenDeadlines(now) + state.unmatchedPairs(now)
  }

  /// Who was passed over by an offer that this step made: contacts before it that the agent could have taken, and
  /// agents before the one who was chosen.
  package func passedOver(by contact: ContactID, _ agent: AgentID) -> [String] {
    guard let slot = state.slot(of: contact) else { return [] }
    let chosen = Int(agent.index)
    let rank = state.rank(of: slot, for: chosen, at: now)
    let contacts = state.contacts.indices.filter {
      state.isInLine($0) && state.serves(chosen, $0) && !state.isAvoided($0, by: chosen, at: now)
        && state.contacts[$0].lineKind == state.contacts[slot].kind
        && state.rank(of: $0, for: chosen, at: now).isBefore(rank)
    }
    let agents = state.agents.indices.filter {
      state.couldTake($0, slot, at: now) && state.stands($0, before: chosen)
    }
    return contacts.map { "contact \($0) stands before contact \(slot)" }
      + agents.map { "agent \($0) has been idle for longer than agent \(chosen)" }
  }
}

extension State {
  fileprivate func isInLine(_ slot: Int) -> Bool { contacts[slot].phase == .waiting && !contacts[slot].isLost }

  fileprivate func couldTake(_ agent: Int, _ slot: Int, at now: Instant) -> Bool {
    agents[agent].openKinds & Kind.bit(contacts[slot].lineKind) != 0 && serves(agent, slot)
      && !isAvoided(slot, by: agent, at: now)
  }

  fileprivate func rank(of slot: Int, for agent: Int, at now: Instant) -> Rank {
    let row = contacts[slot]
    let first = Int(agents[agent].firstMembership)
    let own = (first..<(first + Int(agents[agent].membershipCount))).first { memberships[$0].queue == row.queue }
    return Rank(
      membership: agents[agent].takesByRank ? own.map { memberships[$0].rank } ?? 0 : 0,
      effective: effective(priority: row.priority, entry: row.entry, queue: row.queue, at: now),
      entrySequence: row.entrySequence)
  }

  fileprivate func unmatchedPairs(_ now: Instant) -> [String] {
    let free = agents.indices.filter { agents[$0].openKinds != 0 && agents[$0].backOff <= now }
    return contacts.indices.filter(isInLine).flatMap { slot in
      free.filter { couldTake($0, slot, at: now) }.map { "agent \($0) is free for waiting contact \(slot)" }
    }
  }

  fileprivate func brokenSlots(of agent: Int) -> [String] {
    var broken: [String] = []
    let row = agents[agent]
    let own = contacts.indices.filter { contacts[$0].phase != .gone && contacts[$0].agent == Int32(agent) }
    let holding = own.filter { contacts[$0].phase != .offered }
    let voices = holding.filter { contacts[$0].kind == Kind.voice }.count
    let chats = holding.count - voices
    let engaged = holding.filter { contacts[$0].kind == Kind.chat && contacts[$0].phase != .wrapUp }.count
    let offers = own.filter { contacts[$0].phase == .offered }
    if offers.count > 1 { broken.append("agent \(agent) has \(offers.count) live offers") }
    if offers.first.map(Int32.init) ?? -1 != row.offered { broken.append("agent \(agent) does not know its offer") }
    if voices > 1 { broken.append("agent \(agent) has \(voices) calls") }
    if chats > Int(row.chatCapacity) { broken.append("agent \(agent) has \(chats) chats") }
    if (voices, chats, engaged) != (Int(row.voices), Int(row.chats), Int(row.engagedChats)) {
      broken.append("agent \(agent) counts its slots wrongly")
    }
    if held(by: agent) != holding { broken.append("agent \(agent) lists its contacts wrongly") }
    if let offer = offers.first, voices > 0 { broken.append("contact \(offer) rings agent \(agent) during a call") }
    if row.listed != row.openKinds { broken.append("agent \(agent) is listed as \(row.listed)") }
    return broken
  }

  fileprivate func brokenLists() -> [String] {
    var broken: [String] = []
    var links = 0
    for list in ready.indices {
      var link = ready[list].head
      var previous: Int32 = -1
      while link >= 0 {
        let row = readyLinks[link]
        links += 1
        if row.previous != previous { broken.append("a ready link points back wrongly") }
        if previous >= 0, !stands(Int(readyLinks[previous].agent), before: Int(row.agent)) {
          broken.append("agents \(readyLinks[previous].agent) and \(row.agent) stand in the wrong order")
        }
        previous = link
        link = row.next
      }
      if ready[list].tail != previous { broken.append("a ready list has lost its tail") }
    }
    let expected = memberships.indices.reduce(0) {
      $0 + (memberships[$1].kinds & agents[memberships[$1].agent].openKinds).nonzeroBitCount
    }
    if links != expected { broken.append("\(links) ready links instead of \(expected)") }
    return broken
  }

  fileprivate func brokenQueues() -> [String] {
    var broken: [String] = []
    var inLine = 0
    for queue in queues.indices {
      let own = contacts.indices.filter { contacts[$0].phase != .gone && contacts[$0].queue == Int32(queue) }
      let waiting = own.filter { [.waiting, .offered, .resting, .dialling].contains(contacts[$0].phase) }.count
      if waiting != Int(queues[queue].waiting) { broken.append("queue \(queue) counts its waiting wrongly") }
      let open = own.filter { [.waiting, .offered, .resting, .dialling, .connecting].contains(contacts[$0].phase) }
      let callbacks = open.filter { contacts[$0].channel == .callback }.count
      let dialling = own.filter { contacts[$0].phase == .dialling }.count
      if dialling != Int(queues[queue].dialling) { broken.append("queue \(queue) counts its dials wrongly") }
      let sum = counters[queue]
      let fixed =
        sum.answered + sum.abandoned + sum.shortAbandoned + sum.left + sum.failed + sum.callback + sum.withdrawn
      if sum.entered != fixed + UInt64(open.count - callbacks) { broken.append("queue \(queue) has lost an outcome") }
      if sum.callbacksQueued != sum.callbacksAnswered + sum.callbacksClosed + UInt64(callbacks) {
        broken.append("queue \(queue) has lost a callback")
      }
      var bucket = queues[queue].firstBucket
      while bucket >= 0 {
        inLine += brokenBucket(bucket, &broken)
        bucket = buckets[bucket].next
      }
    }
    if inLine != contacts.indices.filter(isInLine).count { broken.append("\(inLine) contacts stand in line") }
    let offered = contacts.indices.filter { contacts[$0].phase == .offered || contacts[$0].phase == .connecting }
    if offers.count != offered.count { broken.append("\(offers.count) offers for \(offered.count) contacts") }
    if offered.contains(where: { offers[OfferID(sequence: contacts[$0].offer)] != $0 }) {
      broken.append("an offer does not find its contact")
    }
    return broken
  }

  private func brokenBucket(_ bucket: Int32, _ broken: inout [String]) -> Int {
    let row = buckets[bucket]
    var slot = row.head
    var previous: Int32 = -1
    var count = 0
    if contacts[slot].entrySequence != row.headSequence { broken.append("a bucket does not know its head") }
    while slot >= 0 {
      let contact = contacts[slot]
      if contact.bucket != bucket || contact.previous != previous || !isInLine(Int(slot)) {
        broken.append("contact \(slot) is not where its bucket says")
      }
      if previous >= 0, contacts[previous].entrySequence >= contact.entrySequence {
        broken.append("contacts \(previous) and \(slot) stand in the wrong order")
      }
      previous = slot
      slot = contact.next
      count += 1
    }
    if row.tail != previous { broken.append("a bucket has lost its tail") }
    if count != Int(row.count) { broken.append("a bucket counts wrongly") }
    return count
  }

  fileprivate func brokenDeadlines(_ now: Instant) -> [String] {
    contacts.indices.filter {
      let row = contacts[$0]
      switch row.phase {
      case .waiting: return min(row.waitDeadline, row.lostDeadline) < now
      case .offered, .connecting, .wrapUp, .resting, .dialling, .placeHeld: return row.phaseDeadline < now
      case .answered, .gone: return false
      }
    }.map { "contact \($0) has outlived its deadline" }
  }
}
