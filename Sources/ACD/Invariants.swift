import Primitives

/// What must hold after every step, checked from the rows and the definitions and by none of the functions that decide:
/// for tests, and for sampled assertions in a running system.
extension Engine {
  /// Sentences about what is broken; empty in a sound state. The work is (waiting contacts × agents).
  package func brokenInvariants() -> [String] {
    state.agents.indices.flatMap(state.brokenSlots) + state.brokenLists() + state.brokenQueues() + brokenCapacity()
      + state.brokenDeadlines(now) + unmatchedPairs() + brokenHolds()
  }

  /// A free agent and a contact in line who match. Contacts of attendant queues are nobody's until they are picked.
  private func unmatchedPairs() -> [String] {
    let line = state.contacts.indices.filter(state.isInLine)
    return state.agents.indices.filter { !line.isEmpty && isIdle($0) }.flatMap { agent in
      line.filter { mayTake(agent, $0) }.map { "agent \(agent) is free for waiting contact \($0)" }
    }
  }

  private func isIdle(_ agent: Int) -> Bool {
    let row = state.agents[agent]
    return row.presence == .ready && !row.isRemoved && row.backOff <= now
      && !state.contacts.indices.contains { state.offer(of: $0, to: agent) != nil }
  }

  private func mayTake(_ agent: Int, _ slot: Int) -> Bool {
    let row = state.contacts[slot]
    return row.lineKind != Kind.dialledFirst && hasRoom(agent, kind: row.kind)
      && (row.heldFor < 0 || Int(row.heldFor) == agent) && reaches(agent, slot)
      && !state.retryPairs(of: agent).contains {
        Int($0.contact) == slot && $0.generation == row.generation && $0.until > now
      }
  }

  private func hasRoom(_ agent: Int, kind: Int) -> Bool {
    let definition = definitions.agents[agent]
    let held = state.held(by: agent)
    let chats = held.filter { state.contacts[$0].kind == Kind.chat }
    guard held.count < Int(definition.totalCapacity) else { return false }
    if kind == Kind.chat {
      return chats.count < Int(definition.chatCapacity) && (chats.count == held.count || !definition.voiceBlocksChat)
    }
    return definition.voiceCapacity > 0 && chats.count == held.count
      && !(definition.chatBlocksVoice && chats.contains { state.contacts[$0].phase != .wrapUp })
  }

  /// Whether the contact's own queue, or one that its ladder has added, would offer it to the agent.
  private func reaches(_ agent: Int, _ slot: Int) -> Bool {
    let row = state.contacts[slot]
    let rung = state.rungs[row.rung]
    let steps = rung.ladder < 0 ? [] : state.ladders[Int(rung.ladder)].prefix(Int(rung.step))
    let definition = definitions.agents[agent]
    guard definition.meets(definitions.profiles[Int(row.profile)].eased(by: steps)) else { return false }
    var queues = [QueueID(index: UInt32(row.queue))]
    for case .also(let queue) in steps.flatMap(\.changes) { queues.append(queue) }
    return definition.queues.contains { membership in
      let queue = definitions.queues[Int(membership.queue.index)]
      return queues.contains(membership.queue) && queue.policy != .attendant
        && queue.channels.contains { ($0 == .chat) == (row.kind == Kind.chat) }
        && definition.meets(definitions.profiles[Int(queue.profile.index)].eased(by: queue.ladder))
    }
  }

  /// More than the capacity is held only by those whose capacity was cut, and by attendants, who pick.
  private func brokenCapacity() -> [String] {
    state.agents.indices.flatMap { agent -> [String] in
      let definition = definitions.agents[agent]
      if definition.queues.contains(where: { definitions.queues[Int($0.queue.index)].policy == .attendant }) {
        return []
      }
      let held = state.held(by: agent)
      let calls = held.filter { state.contacts[$0].kind == Kind.voice }.count
      var broken: [String] = []
      if calls > 1 { broken.append("agent \(agent) has \(calls) calls") }
      if held.count - calls > Int(definition.chatCapacity) {
        broken.append("agent \(agent) has \(held.count - calls) chats")
      }
      if held.count > Int(definition.totalCapacity) { broken.append("agent \(agent) has \(held.count) contacts") }
      return broken
    }
  }

  /// A hold ends with its deadline and with the agent's shift, and no step of a ladder that is due is left.
  private func brokenHolds() -> [String] {
    state.contacts.indices.filter(state.isInLine).flatMap { slot -> [String] in
      let row = state.contacts[slot]
      var broken: [String] = []
      if row.heldFor >= 0, row.holdDeadline < now || state.agents[row.heldFor].presence == .signedOut {
        broken.append("contact \(slot) is held in vain")
      }
      let rung = state.rungs[row.rung]
      if rung.next != .max, now - row.waitStart > rung.next { broken.append("contact \(slot) has missed a step") }
      return broken
    }
  }
}

extension State {
  /// One that rings many waits on.
  fileprivate func isInLine(_ slot: Int) -> Bool {
    let row = contacts[slot]
    return (row.phase == .waiting || row.phase == .offered && row.ringing >= 0) && !row.isLost
  }

  fileprivate func offer(of slot: Int, to agent: Int) -> LiveOffer? {
    contacts[slot].phase == .offered ? liveOffers(of: slot).first { $0.agent == agent } : nil
  }

  fileprivate func brokenSlots(of agent: Int) -> [String] {
    var broken: [String] = []
    let row = agents[agent]
    let holding = contacts.indices.filter {
      contacts[$0].phase != .gone && contacts[$0].phase != .offered && contacts[$0].agent == Int32(agent)
    }
    let voices = holding.filter { contacts[$0].kind == Kind.voice }.count
    let chats = holding.count - voices
    let engaged = holding.filter { contacts[$0].kind == Kind.chat && contacts[$0].phase != .wrapUp }.count
    let offers = contacts.indices.filter { offer(of: $0, to: agent) != nil }
    if offers.count > 1 { broken.append("agent \(agent) has \(offers.count) live offers") }
    if offers.first.map(Int32.init) ?? -1 != row.offered { broken.append("agent \(agent) does not know its offer") }
    if (voices, chats, engaged) != (Int(row.voices), Int(row.chats), Int(row.engagedChats)) {
      broken.append("agent \(agent) counts its slots wrongly")
    }
    if held(by: agent) != holding { broken.append("agent \(agent) lists its contacts wrongly") }
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
        if previous >= 0, !readyLinks[previous].isBefore(row) {
          broken.append("agents \(readyLinks[previous].agent) and \(row.agent) stand in the wrong order")
        }
        if row.key != readyKey(Int(link) / 2, Int(link) % 2) { broken.append("agent \(row.agent) has an old key") }
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
      forEachBucket(of: Int32(queue)) { inLine += brokenBucket($0, &broken) }
    }
    if inLine != contacts.indices.filter(isInLine).count { broken.append("\(inLine) contacts stand in line") }
    return broken + brokenOffers()
  }

  private func brokenOffers() -> [String] {
    var broken: [String] = []
    var number = 0
    for slot in contacts.indices {
      let row = contacts[slot]
      if row.phase != .offered, row.ringing >= 0 { broken.append("contact \(slot) still rings") }
      if row.phase == .offered, liveOffers(of: slot).isEmpty { broken.append("contact \(slot) has no offer") }
      let sole = LiveOffer(sequence: row.offer, slot: slot, agent: Int(row.agent))
      for live in row.phase == .connecting ? [sole] : row.phase == .offered ? liveOffers(of: slot) : [] {
        number += 1
        let found = offers[OfferID(sequence: live.sequence)]
        if found?.slot != slot || found?.agent != live.agent { broken.append("an offer does not find its contact") }
      }
    }
    if offers.count != number { broken.append("\(offers.count) offers instead of \(number)") }
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
      case .offered where row.ringing >= 0:
        return liveOffers(of: $0).contains { agents[$0.agent].ringDeadline < now }
      case .offered, .connecting, .wrapUp, .resting, .dialling, .placeHeld: return row.phaseDeadline < now
      case .answered, .gone: return false
      }
    }.map { "contact \($0) has outlived its deadline" }
  }
}
