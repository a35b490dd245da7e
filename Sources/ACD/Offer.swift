import Primitives

/// An offer that is over for nobody yet, or was accepted and is being connected.
struct LiveOffer {
  var sequence: UInt64
  var slot: Int
  var agent: Int
}

/// Contacts and agents by the offer that joins them: open addressing over the offers' sequences, without allocation once grown.
struct OfferTable: ~Copyable {
  private struct Entry {
    /// 0 in an empty place: no journal sequence is 0.
    var offer: UInt64 = 0
    var contact: Int32 = -1
    var agent: Int32 = -1
  }
  private var entries = Table<Entry>(repeating: Entry(), count: 64)
  private(set) var count = 0

  init() {}
  init(copying other: borrowing OfferTable) {
    entries = Table(copying: other.entries)
    count = other.count
  }

  subscript(offer: OfferID) -> LiveOffer? {
    @inline(__always) get {
      let entry = entries.unchecked[place(of: offer.sequence)]
      return entry.offer == 0
        ? nil : LiveOffer(sequence: entry.offer, slot: Int(entry.contact), agent: Int(entry.agent))
    }
  }

  /// Where the offer stands, or the empty place at which the search for it ends.
  @inline(__always)
  private func place(of offer: UInt64) -> Int {
    let (rows, mask) = (entries.unchecked, entries.count &- 1)
    var place = home(of: offer)
    while rows[place].offer != offer, rows[place].offer != 0 { place = (place &+ 1) & mask }
    return place
  }

  @inline(__always)
  mutating func insert(_ live: LiveOffer) {
    if (count &+ 1) &* 2 > entries.count { grow() }
    put(
      Entry(
        offer: live.sequence, contact: Int32(truncatingIfNeeded: live.slot),
        agent: Int32(truncatingIfNeeded: live.agent)))
    count &+= 1
  }

  /// Removes without a tombstone: later entries of the run move up.
  @inline(__always)
  mutating func remove(_ offer: UInt64) {
    let (rows, mask) = (entries.unchecked, entries.count &- 1)
    var hole = place(of: offer)
    if rows[hole].offer == 0 { return }
    var place = (hole &+ 1) & mask
    while rows[place].offer != 0 {
      if (place &- home(of: rows[place].offer)) & mask >= (place &- hole) & mask {
        rows[hole] = rows[place]
        hole = place
      }
      place = (place &+ 1) & mask
    }
    rows[hole].offer = 0
    count &-= 1
  }

  /// Live offers were made one after the other: their sequences are spread well as they are.
  @inline(__always)
  private func home(of offer: UInt64) -> Int { Int(truncatingIfNeeded: offer) & (entries.count &- 1) }

  @inline(__always)
  private func put(_ entry: Entry) { entries.unchecked[place(of: entry.offer)] = entry }

  private mutating func grow() {
    var old = Table(repeating: Entry(), count: entries.count * 2)
    swap(&entries, &old)
    for place in old.indices where old[place].offer != 0 { put(old[place]) }
  }
}

/// The life of an offer: made, and ended exactly once.
extension Engine {
  /// A contact has become free to be offered: to the first agent by its queue's policy, or to all of them.
  mutating func match(contact slot: Int, _ step: inout Step) {
    climb(slot, &step)
    if state.contacts[slot].lineKind == Kind.dialledFirst {
      return dialFirst(slot, &step)
    }
    while state.contacts[slot].bucket >= 0, let agent = state.firstAgent(for: slot, at: now) {
      offer(slot, to: agent, &step)
    }
  }

  /// A contact and agents who could take it may have become free together: such an agent may have to take another
  /// contact first, who stands before this one.
  mutating func rematch(contact slot: Int, _ step: inout Step) {
    climb(slot, &step)
    if state.contacts[slot].lineKind == Kind.dialledFirst { return match(contact: slot, &step) }
    while state.contacts[slot].bucket >= 0, let agent = state.firstAgent(for: slot, at: now),
      let first = state.firstContact(for: agent, at: now)
    {
      offer(first, to: agent, &step)
    }
  }

  /// An agent may have become free: for the first contact in order whom the agent may take.
  mutating func match(agent: Int, _ step: inout Step) {
    if let slot = state.firstContact(for: agent, at: now) {
      offer(slot, to: agent, &step)
    } else if state.dialledFirst > 0 {
      dialFirst(for: agent, &step)
    }
  }

  /// Several agents have become free at once: each contact that one of them would take goes to the first of them by
  /// its queue's policy.
  mutating func rematch(agents freed: [LiveOffer], _ step: inout Step) {
    for live in freed {
      while let slot = state.firstContact(for: live.agent, at: now) {
        let sequence = step.sequence
        rematch(contact: slot, &step)
        // Were the indexes at odds, this would never end.
        if step.sequence == sequence { break }
      }
      match(agent: live.agent, &step)
    }
  }

  private mutating func offer(_ slot: Int, to agent: Int, _ step: inout Step) {
    let offer = makeOffer(slot, to: agent, &step)
    let agent = AgentID(index: UInt32(truncatingIfNeeded: agent))
    step.actions.append(.ring(OfferID(sequence: offer.sequence), state.contactID(slot), agent))
  }

  @inline(__always)
  mutating func makeOffer(_ slot: Int, to agent: Int, _ step: inout Step) -> LiveOffer {
    let live = LiveOffer(sequence: step.sequence, slot: slot, agent: agent)
    let queue = QueueID(index: UInt32(bitPattern: state.contacts[slot].queue))
    emit(
      .offerMade(state.contactID(slot), queue: queue, agent: AgentID(index: UInt32(truncatingIfNeeded: agent))), &step)
    return live
  }

  private func ids(_ live: LiveOffer) -> (OfferID, ContactID, AgentID) {
    (
      OfferID(sequence: live.sequence), state.contactID(live.slot),
      AgentID(index: UInt32(truncatingIfNeeded: live.agent))
    )
  }

  /// The first commit on a live offer wins; a second accept finds the contact connecting.
  @inline(__always)
  mutating func accept(_ live: LiveOffer, _ step: inout Step) {
    guard state.contacts[live.slot].phase == .offered else { return }
    engage(live, &step)
    withdrawRest(live.slot, &step)
    match(agent: live.agent, &step)
  }

  /// The contact is the agent's; the caller matches the agent, who may have room for another.
  mutating func engage(_ live: LiveOffer, _ step: inout Step) {
    let (offer, contact, agent) = ids(live)
    emit(.offerAccepted(offer, contact, agent), &step)
    let row = state.contacts.row(live.slot)
    if row.channel == .callback, !row.isOnLine { dial(live.slot, for: agent, &step) }
    step.actions.append(.connect(offer, contact, agent))
  }

  @inline(__always)
  mutating func connected(_ live: LiveOffer, _ step: inout Step) {
    guard state.contacts[live.slot].phase == .connecting, state.contacts[live.slot].offer == live.sequence else {
      return
    }
    let (_, contact, agent) = ids(live)
    let queue = QueueID(index: UInt32(state.contacts[live.slot].queue))
    emit(.outcomeFixed(contact, queue: queue, agent: agent, .answered), &step)
  }

  mutating func decline(_ live: LiveOffer, _ step: inout Step) {
    guard state.contacts[live.slot].phase == .offered else { return }
    let (offer, contact, agent) = ids(live)
    emit(.offerDeclined(offer, contact, agent), &step)
    step.actions.append(.stopRinging(offer, contact, agent))
    let limit = state.queues[state.contacts[live.slot].queue].declinedLimit
    let isParked = limit > 0 && state.agents[live.agent].declined >= limit
    let climbers = isParked ? park(agent, .declined, &step) : []
    if state.contacts[live.slot].heldFor == Int32(live.agent) { endPreference(live.slot, .declined, &step) }
    settle(live.slot, &step)
    match(agent: live.agent, &step)
    rematch(contacts: climbers, &step)
  }

  /// The ring deadline has passed.
  mutating func miss(_ live: LiveOffer, _ step: inout Step) {
    let (offer, contact, agent) = ids(live)
    emit(.offerMissed(offer, contact, agent), &step)
    step.actions.append(.stopRinging(offer, contact, agent))
    let limit = state.queues[state.contacts[live.slot].queue].missedLimit
    let isParked = limit > 0 && state.agents[live.agent].missed >= limit
    let climbers = isParked ? park(agent, .missed, &step) : []
    if state.contacts[live.slot].heldFor == Int32(live.agent) { endPreference(live.slot, .missed, &step) }
    settle(live.slot, &step)
    match(agent: live.agent, &step)
    rematch(contacts: climbers, &step)
  }

  /// The agent is offered nothing for a while. Returns the contacts that climb for it, to be matched.
  private mutating func park(_ agent: AgentID, _ reason: ReasonID, _ step: inout Step) -> [Int] {
    emit(.agentNotReady(agent, reason), &step)
    return climbAll(without: Int(agent.index), &step)
  }

  /// Takes a live offer back; the caller settles the contact and the agent.
  mutating func withdraw(_ live: LiveOffer, _ reason: Withdrawal, _ step: inout Step) {
    let (offer, contact, agent) = ids(live)
    emit(.offerWithdrawn(offer, contact, agent, reason), &step)
    step.actions.append(.stopRinging(offer, contact, agent))
  }

  /// Nobody's fault: no miss is counted, and the contact keeps its entry and its rank.
  mutating func failOffer(_ live: LiveOffer, _ failure: OfferFailure, _ step: inout Step) {
    if isDialling(live.slot) {
      // The customer may have been rung: not at once again.
      breakDial(live.slot, .unreachable, &step)
    } else {
      breakOffer(live, failure, &step)
    }
    let isParked = failure == .unreachable && state.agents[live.agent].presence == .ready
    let climbers = isParked ? park(AgentID(index: UInt32(live.agent)), .unreachable, &step) : []
    if state.contacts[live.slot].phase == .resting { settleRest(live.slot, &step) } else { settle(live.slot, &step) }
    match(agent: live.agent, &step)
    rematch(contacts: climbers, &step)
  }

  /// Ends a live or connecting offer as failed; the caller settles the contact and the agent.
  mutating func breakOffer(_ live: LiveOffer, _ failure: OfferFailure, _ step: inout Step) {
    let (offer, contact, agent) = ids(live)
    let wasConnecting = state.contacts[live.slot].phase == .connecting
    emit(.offerFailed(offer, contact, agent, failure), &step)
    step.actions.append(wasConnecting ? .resumeWaiting(contact) : .stopRinging(offer, contact, agent))
  }

  /// The one offer of a contact that rings one agent, or is being connected.
  func soleOffer(of slot: Int) -> LiveOffer {
    LiveOffer(sequence: state.contacts[slot].offer, slot: slot, agent: Int(state.contacts[slot].agent))
  }
}
