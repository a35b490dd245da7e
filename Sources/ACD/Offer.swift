import Primitives

/// Contacts by the offer that holds them: open addressing over the offers' sequences, without allocation once grown.
struct OfferTable: Sendable {
  private struct Entry {
    /// 0 in an empty place: no journal sequence is 0.
    var offer: UInt64 = 0
    var contact: Int32 = -1
  }
  private var entries = Table<Entry>(repeating: Entry(), count: 64)
  private var shift: UInt64 = 58
  private(set) var count = 0

  /// The slot of the contact that the offer presents.
  subscript(offer: OfferID) -> Int? {
    var place = home(of: offer.sequence)
    while true {
      let entry = entries[place]
      if entry.offer == 0 { return nil }
      if entry.offer == offer.sequence { return Int(entry.contact) }
      place = (place + 1) & (entries.count - 1)
    }
  }

  mutating func insert(_ offer: UInt64, contact: Int) {
    if (count + 1) * 2 > entries.count { grow() }
    put(Entry(offer: offer, contact: Int32(contact)))
    count += 1
  }

  /// Removes without a tombstone: later entries of the run move up.
  mutating func remove(_ offer: UInt64) {
    let mask = entries.count - 1
    var place = home(of: offer)
    while entries[place].offer != offer {
      if entries[place].offer == 0 { return }
      place = (place + 1) & mask
    }
    var hole = place
    while true {
      place = (place + 1) & mask
      let entry = entries[place]
      if entry.offer == 0 { break }
      if (place - home(of: entry.offer)) & mask >= (place - hole) & mask {
        entries[hole] = entry
        hole = place
      }
    }
    entries[hole] = Entry()
    count -= 1
  }

  mutating func detach() { entries.detach() }

  private func home(of offer: UInt64) -> Int { Int(truncatingIfNeeded: (offer &* 0x9E37_79B9_7F4A_7C15) >> shift) }

  private mutating func put(_ entry: Entry) {
    var place = home(of: entry.offer)
    while entries[place].offer != 0 { place = (place + 1) & (entries.count - 1) }
    entries[place] = entry
  }

  private mutating func grow() {
    let old = entries
    entries = Table(repeating: Entry(), count: old.count * 2)
    shift -= 1
    for place in old.indices where old[place].offer != 0 { put(old[place]) }
  }
}

/// The life of an offer: made, and ended exactly once.
extension Engine {
  /// A contact has become free to be offered: to the longest idle agent who may take it.
  mutating func match(contact slot: Int, _ step: inout Step) {
    if state.contacts[slot].isDialledFirst, state.contacts[slot].lineKind == Kind.dialledFirst {
      dialFirst(slot, &step)
    } else if let agent = state.firstAgent(for: slot, at: now) {
      offer(slot, to: agent, &step)
    }
  }

  /// A contact and the agent who had it on offer have become free together: that agent may have to take another
  /// contact first, who stands before this one.
  mutating func rematch(contact slot: Int, _ step: inout Step) {
    if state.contacts[slot].lineKind == Kind.dialledFirst { return match(contact: slot, &step) }
    guard let agent = state.firstAgent(for: slot, at: now), let first = state.firstContact(for: agent, at: now)
    else { return }
    offer(first, to: agent, &step)
    if first != slot { match(contact: slot, &step) }
  }

  /// An agent may have become free: for the first contact in order whom the agent may take.
  mutating func match(agent: Int, _ step: inout Step) {
    if let slot = state.firstContact(for: agent, at: now) {
      offer(slot, to: agent, &step)
    } else if state.dialledFirst > 0 {
      dialFirst(for: agent, &step)
    }
  }

  private mutating func offer(_ slot: Int, to agent: Int, _ step: inout Step) {
    let offer = OfferID(sequence: step.sequence)
    let contact = state.contactID(slot)
    let agentID = AgentID(index: UInt32(agent))
    emit(.offerMade(contact, queue: QueueID(index: UInt32(state.contacts[slot].queue)), agent: agentID), &step)
    step.actions.append(.ring(offer, contact, agentID))
  }

  private func ids(_ slot: Int) -> (OfferID, ContactID, AgentID) {
    let row = state.contacts[slot]
    return (
      OfferID(sequence: row.offer), state.contactID(slot), AgentID(index: UInt32(bitPattern: row.agent))
    )
  }

  /// The first commit on a live offer wins; a second accept finds the contact connecting.
  mutating func accept(_ slot: Int, _ step: inout Step) {
    guard state.contacts[slot].phase == .offered else { return }
    let (offer, contact, agent) = ids(slot)
    emit(.offerAccepted(offer, contact, agent), &step)
    let row = state.contacts[slot]
    if row.channel == .callback, !row.isOnLine { dial(slot, for: agent, &step) }
    step.actions.append(.connect(offer, contact, agent))
    match(agent: Int(agent.index), &step)
  }

  mutating func connected(_ slot: Int, _ step: inout Step) {
    guard state.contacts[slot].phase == .connecting else { return }
    let (_, contact, agent) = ids(slot)
    let queue = QueueID(index: UInt32(state.contacts[slot].queue))
    emit(.outcomeFixed(contact, queue: queue, agent: agent, .answered), &step)
  }

  mutating func decline(_ slot: Int, _ step: inout Step) {
    guard state.contacts[slot].phase == .offered else { return }
    let (offer, contact, agent) = ids(slot)
    emit(.offerDeclined(offer, contact, agent), &step)
    step.actions.append(.stopRinging(offer, contact, agent))
    let limit = state.queues[state.contacts[slot].queue].declinedLimit
    if limit > 0, state.agents[Int(agent.index)].declined >= limit { emit(.agentNotReady(agent, .declined), &step) }
    settle(slot, &step)
    match(agent: Int(agent.index), &step)
  }

  /// The ring deadline has passed.
  mutating func miss(_ slot: Int, _ step: inout Step) {
    let (offer, contact, agent) = ids(slot)
    emit(.offerMissed(offer, contact, agent), &step)
    step.actions.append(.stopRinging(offer, contact, agent))
    let limit = state.queues[state.contacts[slot].queue].missedLimit
    if limit > 0, state.agents[Int(agent.index)].missed >= limit { emit(.agentNotReady(agent, .missed), &step) }
    settle(slot, &step)
    match(agent: Int(agent.index), &step)
  }

  /// Takes a live offer back; the caller settles the contact and the agent.
  mutating func withdraw(_ slot: Int, _ reason: Withdrawal, _ step: inout Step) {
    let (offer, contact, agent) = ids(slot)
    emit(.offerWithdrawn(offer, contact, agent, reason), &step)
    step.actions.append(.stopRinging(offer, contact, agent))
  }

  /// Nobody's fault: no miss is counted, and the contact keeps its entry and its rank.
  mutating func failOffer(_ slot: Int, _ failure: OfferFailure, _ step: inout Step) {
    let agent: AgentID
    if isDialling(slot) {
      // The customer may have been rung: not at once again.
      agent = AgentID(index: UInt32(state.contacts[slot].agent))
      breakDial(slot, .unreachable, &step)
    } else {
      agent = breakOffer(slot, failure, &step)
    }
    if failure == .unreachable, state.agents[Int(agent.index)].presence == .ready {
      emit(.agentNotReady(agent, .unreachable), &step)
    }
    if state.contacts[slot].phase == .resting { settleRest(slot, &step) } else { settle(slot, &step) }
    match(agent: Int(agent.index), &step)
  }

  /// Ends a live or connecting offer as failed; the caller settles the contact and the agent.
  @discardableResult
  mutating func breakOffer(_ slot: Int, _ failure: OfferFailure, _ step: inout Step) -> AgentID {
    let (offer, contact, agent) = ids(slot)
    let wasConnecting = state.contacts[slot].phase == .connecting
    emit(.offerFailed(offer, contact, agent, failure), &step)
    step.actions.append(wasConnecting ? .resumeWaiting(contact) : .stopRinging(offer, contact, agent))
    return agent
  }
}
