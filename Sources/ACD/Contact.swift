import Primitives

/// One contact as the engine knows it, in the slot of its `ContactID`.
struct ContactRow {
  /// ```
  /// gone -> waiting <-> offered -> connecting -> answered -> gone -> wrapUp -> gone
  ///          ^  ^                      |
  ///          |  +---- offerFailed -----+
  ///          |
  ///          +-- resting <-- dialFailed -- connecting or dialling <-- waiting   (a callback)
  ///
  /// waiting -> gone -> placeHeld -> gone                                        (a caller who may return)
  /// ```
  enum Phase: UInt8 { case gone, waiting, offered, connecting, answered, wrapUp, resting, dialling, placeHeld }

  var generation: UInt32 = 0
  var phase = Phase.gone
  var channel = Channel.voice
  var isLost = false
  /// The next `contactQueued` of this generation keeps entry and order.
  var keepsPlace = false
  /// What began earlier and goes on: its wait is counted from the moment it was queued.
  var isSegment = false
  /// Of a callback without an agent: the customer is on the line.
  var isOnLine = false
  /// Of a callback: it is dialled before an agent is rung.
  var isDialledFirst = false
  /// Queues that it has overflowed from.
  var hops: UInt8 = 0
  /// Calls to the customer so far.
  var attempts: UInt8 = 0
  var priority: Int16 = 0
  var queue: Int32 = 0
  var profile: UInt32 = 0
  var agent: Int32 = -1
  /// The place on its ladder.
  var rung: Int32 = 0
  /// The agent for whom it is held, and until when.
  var heldFor: Int32 = -1
  /// First of the agents whom a broadcast rings.
  var ringing: Int32 = -1
  var holdDeadline = Instant.distantFuture
  /// The place in order, and what aging counts from.
  var entry = Instant.distantPast
  /// What the wait is counted from: the entry, or the start of the segment.
  var waitStart = Instant.distantPast
  /// Journal sequence of the entry: the last word of the order, since slots are used again.
  var entrySequence: UInt64 = 0
  /// The live or accepted offer, 0 where there is none.
  var offer: UInt64 = 0
  var waitDeadline = Instant.distantFuture
  var lostDeadline = Instant.distantFuture
  /// Sequence of the event that set the sooner of the two.
  var patienceSequence: UInt64 = 0
  /// End of the ring, of the connecting or of the wrap-up.
  var phaseDeadline = Instant.distantFuture
  var phaseSequence: UInt64 = 0
  var answered = Instant.distantPast
  var wrapUpStart = Instant.distantPast
  var estimates = WaitEstimates()

  // The bucket it waits in, and its neighbours there.
  var bucket: Int32 = -1
  var previous: Int32 = -1
  var next: Int32 = -1
  // Its neighbours among the contacts that hold a slot of the agent.
  var previousHeld: Int32 = -1
  var nextHeld: Int32 = -1

  var kind: Int { channel == .chat ? Kind.chat : Kind.voice }
  /// The kind of bucket it waits in.
  @inline(__always)
  var lineKind: Int { isDialledFirst && !isOnLine ? Kind.dialledFirst : kind }
}

/// The two kinds of agent slot: a callback uses the voice slot.
enum Kind {
  static let voice = 0
  static let chat = 1
  /// Not a slot: waiting callbacks whose customer is called before an agent is rung. No agent is offered one.
  static let dialledFirst = 2
  static func bit(_ kind: Int) -> UInt8 { 1 << UInt8(kind) }
}

/// Timers by dense slot: two per contact, two per agent. They are derived from the rows.
enum TimerSlot {
  case patience(contact: Int)
  case phase(contact: Int)
  case retry(agent: Int)
  /// Of an offer that is one of several of its contact.
  case ring(agent: Int)

  var slot: UInt32 {
    switch self {
    case .patience(let contact): UInt32(truncatingIfNeeded: contact) << 2
    case .phase(let contact): UInt32(truncatingIfNeeded: contact) << 2 | 1
    case .retry(let agent): UInt32(truncatingIfNeeded: agent) << 2 | 2
    case .ring(let agent): UInt32(truncatingIfNeeded: agent) << 2 | 3
    }
  }
  init(slot: UInt32) {
    let row = Int(slot >> 2)
    switch slot & 3 {
    case 0: self = .patience(contact: row)
    case 1: self = .phase(contact: row)
    case 2: self = .retry(agent: row)
    default: self = .ring(agent: row)
    }
  }
}

extension State {
  /// The slot of a contact that the engine still holds, nil for one that is over or unknown.
  @inline(__always)
  func slot(of contact: ContactID) -> Int? {
    let slot = Int(contact.slot)
    guard slot < contacts.count else { return nil }
    let row = contacts.row(slot)
    return row.generation == contact.generation && row.phase != .gone ? slot : nil
  }

  func contactID(_ slot: Int) -> ContactID {
    ContactID(slot: UInt32(truncatingIfNeeded: slot), generation: contacts[slot].generation)
  }

  /// Sets the timer for the soonest of wait limit, lost limit, the end of being held, and the ladder's next step.
  func armPatience(_ slot: Int, after instant: Instant = .distantPast) {
    let row = contacts[slot]
    func later(_ deadline: Instant) -> Instant { deadline > instant ? deadline : .distantFuture }
    var deadline = min(later(row.waitDeadline), later(row.lostDeadline), later(row.holdDeadline))
    if row.rung != 0, rungs[row.rung].next != .max {
      deadline = min(
        deadline, Instant(microseconds: row.waitStart.microseconds.addingClamped(nextStep(rungs[row.rung].next))))
    }
    let timer = TimerSlot.patience(contact: slot).slot
    if deadline == .distantFuture {
      timers.cancel(timer)
    } else {
      timers.set(timer, at: deadline, sequence: contacts[slot].patienceSequence)
    }
  }

  @inline(__always)
  func setPhase(_ phase: ContactRow.Phase, of slot: Int, until deadline: Instant, _ sequence: UInt64) {
    let contact = contacts.row(slot)
    contact.phase = phase
    contact.phaseDeadline = deadline
    contact.phaseSequence = sequence
    timers.set(TimerSlot.phase(contact: slot).slot, at: deadline, sequence: sequence)
  }

  @inline(__always)
  func setPhase(_ phase: ContactRow.Phase, of slot: Int) {
    let contact = contacts.row(slot)
    contact.phase = phase
    if contact.phaseDeadline != .distantFuture {
      contact.phaseDeadline = .distantFuture
      timers.cancel(TimerSlot.phase(contact: slot).slot)
    }
  }

  /// The contact no longer waits and holds nothing.
  @inline(__always)
  func close(_ slot: Int) {
    setPhase(.gone, of: slot)
    if hasPatience(slot) { endPatience(slot) }
  }

  @inline(__always)
  func hasPatience(_ slot: Int) -> Bool {
    let contact = contacts.row(slot)
    return contact.waitDeadline != .distantFuture || contact.lostDeadline != .distantFuture
      || contact.holdDeadline != .distantFuture || contact.rung != 0
  }

  func endPatience(_ slot: Int) {
    let contact = contacts.row(slot)
    contact.waitDeadline = .distantFuture
    contact.lostDeadline = .distantFuture
    contact.holdDeadline = .distantFuture
    contact.heldFor = -1
    contact.rung = 0
    timers.cancel(TimerSlot.patience(contact: slot).slot)
  }
}
