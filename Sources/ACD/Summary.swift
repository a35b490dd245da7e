public import Primitives

/// A queue as consoles and wallboards show it.
public struct QueueSummary: Sendable, Equatable {
  public var queue: QueueID
  public var waiting = 0
  /// Entry time of the contact that has waited longest.
  public var oldestEntry: Instant?
  /// Agents of the queue who are signed in, and those of them who could take an offer now.
  public var signedIn = 0
  public var ready = 0
  /// Folds over the journal since the start of the day or the engine: never reset by a change of state.
  public var counters = QueueCounters()
  public init(queue: QueueID) { self.queue = queue }
}

/// Sums only, so that intervals and queues roll up by addition (`CALLS.md` 7 names the ratios made of them).
public struct QueueCounters: Sendable, Equatable, BitwiseCopyable {
  public var entered: UInt64 = 0
  public var answered: UInt64 = 0
  public var answeredWithin: UInt64 = 0
  public var abandoned: UInt64 = 0
  public var abandonedWithin: UInt64 = 0
  public var shortAbandoned: UInt64 = 0
  /// Timed out, overflowed, left a message, or let go by an empty floor: left, beside the denominator.
  public var left: UInt64 = 0
  public var failed: UInt64 = 0
  public var refused: UInt64 = 0
  /// Callbacks requested, and contacts withdrawn by somebody here.
  public var callback: UInt64 = 0
  public var withdrawn: UInt64 = 0
  /// Sum of the waits of answered contacts, microseconds.
  public var answeredWait: Int64 = 0
  /// Sum of what those waits had beyond the service level's threshold, microseconds.
  public var excessWait: Int64 = 0
  /// Contacts whose talk has ended; their talk with holds, and the wrap-ups that have ended, microseconds.
  public var handled: UInt64 = 0
  public var talk: Int64 = 0
  public var wrapUp: Int64 = 0
  /// Virtual callers who entered, were answered, and went otherwise: apart from all of the above.
  public var callbacksQueued: UInt64 = 0
  public var callbacksAnswered: UInt64 = 0
  public var callbacksClosed: UInt64 = 0
  public var estimates = EstimateScores()
  public init() {}
}

/// An agent as consoles show it.
public struct AgentSummary: Sendable, Equatable {
  public enum Presence: Sendable, Equatable { case signedOut, ready, notReady(ReasonID) }
  public enum SlotState: Sendable, Equatable { case offered(OfferID), connecting, engaged, wrapUp(until: Instant) }
  public struct Slot: Sendable, Equatable {
    public var contact: ContactID
    public var channel: Channel
    public var state: SlotState
    public init(contact: ContactID, channel: Channel, state: SlotState) {
      self.contact = contact; self.channel = channel; self.state = state
    }
  }
  public var agent: AgentID
  public var presence = Presence.signedOut
  public var idleSince: Instant?
  /// When the live offer was made, if there is one.
  public var offerMadeAt: Instant?
  public var slots: [Slot] = []
  public init(agent: AgentID) { self.agent = agent }
}

/// How long a waiting contact may still wait, as a range in microseconds: announced as a range, never rising.
public struct WaitRange: Sendable, Equatable {
  public var low: Int64
  public var high: Int64
  public init(low: Int64, high: Int64) { self.low = low; self.high = high }
}

/// Where a contact stands in the engine.
public enum ContactState: Sendable, Equatable {
  case waiting(queue: QueueID, since: Instant, ahead: Int)
  case offered(OfferID, AgentID)
  case connecting(OfferID, AgentID)
  case answered(AgentID)
  case wrapUp(AgentID)
  /// A callback between two attempts.
  case resting(until: Instant)
  /// A callback whose customer is being called without an agent.
  case dialling
}

/// A contact as a simulation takes it over from a running engine.
public struct ContactSummary: Sendable, Equatable {
  public var contact: ContactID
  public var channel: Channel
  public var queue: QueueID
  public var entered: Instant
  public var answered: Instant?
  /// Nil for a place that is held for a caller who may return.
  public var state: ContactState?
}

extension Engine {
  /// Every contact that the engine holds, by slot.
  public var contacts: [ContactSummary] {
    state.contacts.indices.filter { state.contacts[$0].phase != .gone }.map { slot in
      let row = state.contacts[slot]
      let isAnswered = row.phase == .answered || row.phase == .wrapUp
      return ContactSummary(
        contact: state.contactID(slot), channel: row.channel, queue: QueueID(index: UInt32(row.queue)),
        entered: row.entry, answered: isAnswered ? row.answered : nil, state: state(of: state.contactID(slot)))
    }
  }

  /// Instant and journal sequence of the last event.
  public var last: (instant: Instant, sequence: UInt64) { (state.lastInstant, state.lastSequence) }

  /// Reads the queue's members and buckets; not for every step.
  public func summary(of queue: QueueID) -> QueueSummary {
    var summary = QueueSummary(queue: queue)
    guard state.isKnown(queue) else { return summary }
    let index = Int(queue.index)
    summary.counters = state.counters[index]
    summary.waiting = Int(state.queues[index].waiting)
    for place in Int(state.memberStart[index])..<Int(state.memberStart[index + 1]) {
      let membership = state.memberships[state.members[place]]
      let agent = state.agents[membership.agent]
      if agent.presence != .signedOut { summary.signedIn += 1 }
      let isFit = state.isEligible(Int(membership.agent), for: state.queues[index].profile)
      if isFit, agent.openKinds & membership.carried != 0 { summary.ready += 1 }
    }
    summary.oldestEntry = state.oldestEntry(of: index)
    return summary
  }

  public func summary(of agent: AgentID) -> AgentSummary {
    var summary = AgentSummary(agent: agent)
    guard state.isKnown(agent) else { return summary }
    let row = state.agents[Int(agent.index)]
    switch row.presence {
    case .signedOut: summary.presence = .signedOut
    case .notReady: summary.presence = .notReady(ReasonID(index: row.reason))
    case .ready:
      summary.presence = .ready
      if row.load == 0 { summary.idleSince = Instant(microseconds: row.idle) }
    }
    var slots = state.held(by: Int(agent.index))
    if row.offered >= 0 {
      slots.append(Int(row.offered))
      let offered = state.contacts[Int(row.offered)]
      summary.offerMadeAt =
        (row.offer != 0 ? row.ringDeadline : offered.phaseDeadline) - definitions.queues[Int(offered.queue)].ring
    }
    summary.slots = slots.map { slot in
      let contact = state.contacts[slot]
      let slotState: AgentSummary.SlotState =
        switch contact.phase {
        case .connecting: .connecting
        case .wrapUp: .wrapUp(until: contact.phaseDeadline)
        case .offered: .offered(OfferID(sequence: row.offer != 0 ? row.offer : contact.offer))
        case .answered, .waiting, .gone, .resting, .dialling, .placeHeld: .engaged
        }
      return AgentSummary.Slot(contact: state.contactID(slot), channel: contact.channel, state: slotState)
    }
    return summary
  }

  /// Whether the engine still knows the contact: its slot may not be used again before `forget`.
  public func holds(_ contact: ContactID) -> Bool { state.slot(of: contact) != nil }

  /// Whether an offer has not ended: it rings, or was accepted and is being connected.
  public func isLive(_ offer: OfferID) -> Bool { state.live(offer) != nil }

  /// Where a contact stands; nil for one that is over. Walks the queue's buckets for `ahead`.
  public func state(of contact: ContactID) -> ContactState? {
    guard let slot = state.slot(of: contact) else { return nil }
    let row = state.contacts[slot]
    let agent = AgentID(index: UInt32(bitPattern: row.agent))
    switch row.phase {
    case .gone, .placeHeld: return nil
    case .resting: return .resting(until: row.phaseDeadline)
    case .dialling: return .dialling
    case .waiting:
      return .waiting(queue: QueueID(index: UInt32(row.queue)), since: row.entry, ahead: state.ahead(of: slot))
    case .offered:
      let first = state.liveOffers(of: slot).first.map { ($0.sequence, $0.agent) } ?? (row.offer, 0)
      return .offered(OfferID(sequence: first.0), AgentID(index: UInt32(first.1)))
    case .connecting: return .connecting(OfferID(sequence: row.offer), agent)
    case .answered: return .answered(agent)
    case .wrapUp: return .wrapUp(agent)
    }
  }
}

extension State {
  /// The earliest entry among those in line and those on offer to the queue's agents; lost visitors left out.
  func oldestEntry(of queue: Int) -> Instant? {
    var oldest = Instant.distantFuture
    forEachBucket(of: Int32(queue)) { oldest = min(oldest, buckets[$0].headEntry) }
    for place in Int(memberStart[queue])..<Int(memberStart[queue + 1]) {
      let offered = agents[memberships[members[place]].agent].offered
      if offered >= 0, Int(contacts[offered].queue) == queue { oldest = min(oldest, contacts[offered].entry) }
    }
    return oldest == .distantFuture ? nil : oldest
  }

  /// Contacts that hold a slot of the agent, in slot order.
  func held(by agent: Int) -> [Int] {
    var slots: [Int] = []
    var slot = agents[agent].firstHeld
    while slot >= 0 {
      slots.append(Int(slot))
      slot = contacts[slot].nextHeld
    }
    return slots.sorted()
  }

  /// How many waiting contacts of the same queue stand before this one.
  func ahead(of slot: Int) -> Int {
    let row = contacts[slot]
    // Aging is linear, so the order of two contacts of a queue is the same at every instant.
    let now = lastInstant
    let own = rank(of: slot, at: now)
    var count = 0
    forEachBucket(of: row.queue) { bucket in
      var other = buckets[bucket].head
      while other >= 0, rank(of: Int(other), at: now).isBefore(own) {
        count += 1
        other = contacts[other].next
      }
    }
    return count
  }
}
