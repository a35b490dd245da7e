import Primitives

/// The engine's tables. `apply` is their only writer, so replaying the journal restores them.
///
/// Contacts, agents, queues' counters and retry pairs are the facts; buckets, ready lists, timers and the table of
/// offers are indexes over them, kept by the same calls and rebuilt from the rows when a checkpoint is read.
struct State: Sendable {
  var contacts = Table<ContactRow>()
  var agents = Table<AgentRow>()
  var queues = Table<QueueRow>()
  var counters = Table<QueueCounters>()
  var work = Table<WorkRow>()
  var pairs = Table<RetryPair>()
  var freePair: Int32 = -1

  var buckets = Table<Bucket>()
  var freeBucket: Int32 = -1
  var visits = Table<Visit>()
  var freeVisit: Int32 = -1
  /// Buckets of virtual callers who are dialled first.
  var dialledFirst = 0
  var ready = Table<ReadyList>()
  var readyLinks = Table<ReadyLink>()
  var offers = OfferTable()
  var timers = DenseTimerHeap()

  // What the definitions say, in rows.
  var memberships = Table<Membership>()
  /// Memberships by queue: those of queue `q` stand at `members[memberStart[q] ..< memberStart[q + 1]]`.
  var members = Table<Int32>()
  var memberStart = Table<Int32>()
  /// A bit per (agent, needs), `needWords` words per agent: the profiles' needs first, then the eased ones.
  var eligible = Table<UInt64>()
  var needWords = 1
  /// All ladders that were ever configured, and the first rung of each.
  var ladders: [[LadderStep]] = []
  var ladderStart: [Int32] = []
  var rungs = Table<Rung>(repeating: Rung(), count: 1)
  var pools = Table<Int32>()
  var easedNeeds = Table<UInt32>()
  /// Members on duty by needs and kind, from `dutyStart` of the queue on.
  var duty = Table<Int32>()
  var dutyStart = Table<Int32>()
  var dutyWidth = 1
  #if DEBUG
    var probe = Table<Probe>(repeating: Probe(), count: 1)
  #endif

  /// Instant and sequence of the last event.
  var lastInstant = Instant.distantPast
  var lastSequence: UInt64 = 0

  /// Takes storage of its own, after the engine was copied.
  mutating func detach() {
    contacts.detach()
    agents.detach()
    queues.detach()
    work.detach()
    visits.detach()
    rungs.detach()
    pools.detach()
    easedNeeds.detach()
    duty.detach()
    dutyStart.detach()
    #if DEBUG
      probe.detach()
    #endif
    counters.detach()
    pairs.detach()
    buckets.detach()
    ready.detach()
    readyLinks.detach()
    offers.detach()
    memberships.detach()
    members.detach()
    memberStart.detach()
    eligible.detach()
  }

  /// Writes one event. Words about rows that do not exist change nothing.
  mutating func apply(_ event: Event, at instant: Instant, sequence: UInt64) {
    lastInstant = instant
    lastSequence = sequence
    switch event {
    case .contactQueued(let contact, let queue, let profile, let channel, let priority):
      applyQueued(contact, queue, profile, channel, priority, at: instant, sequence)
    case .contactRefused(_, let queue, _):
      if isKnown(queue) { counters[Int(queue.index)].refused += 1 }
    case .contactLost(let contact):
      if let slot = slot(of: contact) { applyLost(slot, at: instant, sequence) }
    case .contactReturned(let contact):
      if let slot = slot(of: contact) { applyReturned(slot, sequence) }
    case .outcomeFixed(let contact, _, _, let outcome):
      if let slot = slot(of: contact) { applyOutcome(slot, outcome, at: instant) }
    case .contactEnded(let contact, _, _):
      if let slot = slot(of: contact) { applyEnded(slot, at: instant) }

    case .offerMade(let contact, _, let agent):
      if let slot = slot(of: contact), isKnown(agent) { applyMade(slot, Int(agent.index), at: instant, sequence) }
    case .offerAccepted(let offer, _, _):
      if let live = offers[offer] { applyAccepted(live, at: instant, sequence) }
    case .offerDeclined(let offer, _, _):
      if let live = offers[offer] { applyDeclined(live, at: instant, sequence) }
    case .offerMissed(let offer, _, _):
      if let live = offers[offer] { applyMissed(live, at: instant, sequence) }
    case .offerWithdrawn(let offer, _, _, _):
      if let live = offers[offer] {
        endOffer(live)
        relist(live.agent)
      }
    case .offerFailed(let offer, _, _, let failure):
      if let live = offers[offer] { applyFailed(live, failure, at: instant, sequence) }

    case .agentSignedIn(let agent):
      applyPresence(.notReady, agent, reason: .unspecified, at: instant)
    case .agentSignedOut(let agent):
      applyPresence(.signedOut, agent, reason: .unspecified, at: instant)
    case .agentReady(let agent):
      applyPresence(.ready, agent, reason: .unspecified, at: instant)
    case .agentNotReady(let agent, let reason):
      applyPresence(.notReady, agent, reason: reason, at: instant)

    case .ladderStepped(let contact, let step, _):
      if let slot = slot(of: contact) { applyStep(slot, step, sequence) }
    case .ladderMigrated(let contact, let step):
      if let slot = slot(of: contact) { applyMigrated(slot, step, sequence) }
    case .agentPreferred(let contact, let agent, let until):
      if let slot = slot(of: contact), isKnown(agent) { applyPreferred(slot, Int32(agent.index), until, sequence) }
    case .preferenceEnded(let contact, _, _):
      if let slot = slot(of: contact) { applyPreferred(slot, -1, .distantFuture, sequence) }
    case .dayStarted: applyDayStarted(at: instant)

    case .wrapUpStarted(let agent, let contact, let until):
      applyWrapUp(agent, contact, until: until, at: instant, sequence)
    case .wrapUpExtended(_, let contact, let until):
      if let slot = slot(of: contact) { setPhase(.wrapUp, of: slot, until: until, sequence) }
    case .wrapUpEnded(_, let contact, _):
      if let slot = slot(of: contact) { applyWrapUpEnded(slot, at: instant) }

    case .placeKept(let contact, let entry, let order): applyPlace(contact, entry: entry, order: order)
    case .placeHeld(let contact, let until): applyPlaceHeld(contact, until: until, sequence)
    case .placeReleased(let contact):
      if let slot = slot(of: contact) { close(slot) }
    case .segmentStarted(let contact, let previous):
      if let slot = slot(of: previous) { applySegment(contact, after: slot) }
    case .dialStarted(let contact, let agent, let attempt):
      if let slot = slot(of: contact) { applyDialStarted(slot, agent, attempt, at: instant, sequence) }
    case .dialAnswered(let contact):
      if let slot = slot(of: contact) { applyDialAnswered(slot) }
    case .dialFailed(let contact, _, _):
      if let slot = slot(of: contact) { applyDialFailed(slot, at: instant, sequence) }
    case .callbackResumed(let contact):
      if let slot = slot(of: contact) { applyCallbackResumed(slot) }
    case .waitEstimated(let contact, let estimates):
      if let slot = slot(of: contact) { contacts[slot].estimates = estimates }
    }
  }

  func isKnown(_ agent: AgentID) -> Bool { Int(agent.index) < agents.count }
  func isKnown(_ queue: QueueID) -> Bool { Int(queue.index) < queues.count }
}

// MARK: Contacts

extension State {
  private mutating func applyQueued(
    _ contact: ContactID, _ queue: QueueID, _ profile: ProfileID, _ channel: Channel, _ priority: Int16,
    at instant: Instant, _ sequence: UInt64
  ) {
    guard isKnown(queue) else { return }
    let slot = Int(contact.slot)
    contacts.grow(to: slot + 1, with: ContactRow())
    let policy = queues[Int(queue.index)]
    var row = ContactRow()
    row.generation = contact.generation
    row.phase = .waiting
    row.channel = channel
    row.priority = priority
    row.queue = Int32(queue.index)
    row.profile = profile.index
    row.entry = instant
    row.waitStart = instant
    row.entrySequence = sequence
    let earlier = contacts[slot]
    if earlier.keepsPlace, earlier.generation == contact.generation {
      row.entry = earlier.entry
      row.entrySequence = earlier.entrySequence
      row.waitStart = earlier.isSegment ? instant : earlier.entry
      row.isSegment = earlier.isSegment
      row.hops = earlier.hops
    }
    if channel == .callback {
      row.isDialledFirst = policy.dialsFirst
      // Whoever is transferred is on the line.
      row.isOnLine = row.isSegment
    }
    let limit = channel == .callback ? policy.callbackLimit : policy.waitLimit
    if limit != .max {
      row.waitDeadline = instant + limit
      row.patienceSequence = sequence
    }
    if policy.rung != 0 {
      row.rung = policy.rung
      row.patienceSequence = sequence
      queues[Int(queue.index)].hasClimbers = true
    }
    contacts[slot] = row
    if hasPatience(slot) { armPatience(slot) }
    queues[row.queue].waiting += 1
    if channel == .callback {
      counters[Int(row.queue)].callbacksQueued += 1
    } else {
      counters[Int(row.queue)].entered += 1
    }
    line(up: slot)
  }

  private mutating func applyLost(_ slot: Int, at instant: Instant, _ sequence: UInt64) {
    contacts[slot].isLost = true
    // In talk the agent is told, and decides; only who waits has a limit.
    guard contacts[slot].phase != .answered else { return }
    contacts[slot].lostDeadline = instant + queues[contacts[slot].queue].lostLimit
    contacts[slot].patienceSequence = sequence
    armPatience(slot)
    stepOut(slot)
  }

  private mutating func applyReturned(_ slot: Int, _ sequence: UInt64) {
    contacts[slot].isLost = false
    contacts[slot].lostDeadline = .distantFuture
    contacts[slot].patienceSequence = sequence
    armPatience(slot)
    if contacts[slot].phase == .waiting { line(up: slot) }
  }

  private mutating func applyOutcome(_ slot: Int, _ outcome: Outcome, at instant: Instant) {
    let row = contacts[slot]
    count(outcome, of: slot, at: instant)
    if row.offer != 0 {
      offers.remove(row.offer)
      contacts[slot].offer = 0
    }
    if outcome == .answered {
      setPhase(.answered, of: slot)
      contacts[slot].isOnLine = true
      contacts[slot].answered = instant
      contacts[slot].isLost = false
      if hasPatience(slot) { endPatience(slot) }
      return
    }
    if row.phase == .connecting {
      releaseSlot(slot, of: Int(row.agent), at: instant, keepingIdle: true)
      relist(Int(row.agent))
    } else {
      stepOut(slot)
      queues[row.queue].waiting -= 1
    }
    close(slot)
  }

  private mutating func applyEnded(_ slot: Int, at instant: Instant) {
    let agent = Int(contacts[slot].agent)
    noteHandleTime(slot, at: instant)
    releaseSlot(slot, of: agent, at: instant)
    close(slot)
    relist(agent)
  }
}

// MARK: Offers

extension State {
  private mutating func applyMade(_ slot: Int, _ agent: Int, at instant: Instant, _ sequence: UInt64) {
    moveCursor(for: slot, to: agent)
    offers.insert(LiveOffer(sequence: sequence, slot: slot, agent: agent))
    agents[agent].offered = Int32(slot)
    let deadline = instant + queues[contacts[slot].queue].ring
    if queues[contacts[slot].queue].policy == .broadcast {
      ring(slot, agent, until: deadline, sequence)
    } else {
      stepOut(slot)
      setPhase(.offered, of: slot, until: deadline, sequence)
      contacts[slot].offer = sequence
      contacts[slot].agent = Int32(agent)
      if has(.doubleOffer) { agents[agent].offered = -1 }
    }
    relist(agent)
  }

  private mutating func applyAccepted(_ live: LiveOffer, at instant: Instant, _ sequence: UInt64) {
    let (slot, agent) = (live.slot, live.agent)
    let queue = contacts[slot].queue
    if contacts[slot].offer != live.sequence {
      stepOut(slot)
      stopRinging(slot, agent)
      contacts[slot].offer = live.sequence
      contacts[slot].agent = Int32(agent)
    }
    queues[queue].waiting -= 1
    // An attendant who picks has not heard it ring yet.
    let alerting = queues[queue].policy == .attendant ? queues[queue].ring : 0
    setPhase(.connecting, of: slot, until: instant + queues[queue].connect + alerting, sequence)
    agents[agent].offered = -1
    agents[agent].missed = 0
    agents[agent].declined = 0
    takeSlot(slot, of: agent, at: instant)
    countContact(1, of: agent)
    relist(agent)
  }

  /// The offer is over and the contact waits again, unless others ring or one has won; the caller relists the agent.
  private mutating func endOffer(_ live: LiveOffer) {
    let slot = live.slot
    offers.remove(live.sequence)
    agents[live.agent].offered = -1
    if contacts[slot].offer != live.sequence {
      stopRinging(slot, live.agent)
      if contacts[slot].phase == .offered, contacts[slot].ringing < 0 { setPhase(.waiting, of: slot) }
      return
    }
    contacts[slot].offer = 0
    contacts[slot].agent = -1
    setPhase(.waiting, of: slot)
    if !contacts[slot].isLost { line(up: slot) }
  }

  private mutating func applyDeclined(_ live: LiveOffer, at instant: Instant, _ sequence: UInt64) {
    endOffer(live)
    agents[live.agent].missed = 0
    agents[live.agent].declined &+= 1
    avoid(live.slot, by: live.agent, until: instant + queues[contacts[live.slot].queue].retry, at: instant, sequence)
    relist(live.agent)
  }

  private mutating func applyMissed(_ live: LiveOffer, at instant: Instant, _ sequence: UInt64) {
    endOffer(live)
    agents[live.agent].missed &+= 1
    restartIdle(live.agent, at: instant)
    avoid(live.slot, by: live.agent, until: instant + queues[contacts[live.slot].queue].retry, at: instant, sequence)
    relist(live.agent)
  }

  private mutating func applyFailed(
    _ live: LiveOffer, _ failure: OfferFailure, at instant: Instant, _ sequence: UInt64
  ) {
    let (slot, agent) = (live.slot, live.agent)
    let queue = contacts[slot].queue
    if contacts[slot].phase == .connecting, contacts[slot].offer == live.sequence {
      releaseSlot(slot, of: agent, at: instant, keepingIdle: true)
      countContact(-1, of: agent)
      queues[queue].waiting += 1
      let offered = agents[agent].offered
      endOffer(live)
      agents[agent].offered = offered
    } else {
      endOffer(live)
    }
    switch failure {
    case .busy:
      agents[agent].backOff = instant + queues[queue].busyBackOff
      agents[agent].backOffSequence = sequence
      agents[agent].exceptionsUntil = max(agents[agent].exceptionsUntil, agents[agent].backOff)
      armRetry(agent, after: instant)
    case .media, .connect, .internal:
      avoid(slot, by: agent, until: instant + queues[queue].retry, at: instant, sequence)
    case .unreachable, .restart:
      break
    }
    relist(agent)
  }
}

// MARK: Agents

extension State {
  private mutating func applyPresence(
    _ presence: AgentRow.Presence, _ agent: AgentID, reason: ReasonID, at instant: Instant
  ) {
    guard isKnown(agent) else { return }
    setPresence(presence, of: Int(agent.index), reason: reason.index, at: instant)
    relist(Int(agent.index))
  }

  /// Follows `contactEnded`: the contact that was just closed takes its slot again, as wrap-up.
  private mutating func applyWrapUp(
    _ agent: AgentID, _ contact: ContactID, until: Instant, at instant: Instant, _ sequence: UInt64
  ) {
    let slot = Int(contact.slot)
    guard isKnown(agent), slot < contacts.count, contacts[slot].generation == contact.generation,
      contacts[slot].phase == .gone
    else { return }
    contacts[slot].wrapUpStart = instant
    setPhase(.wrapUp, of: slot, until: until, sequence)
    takeSlot(slot, of: Int(agent.index), at: instant)
    relist(Int(agent.index))
  }

  private mutating func applyWrapUpEnded(_ slot: Int, at instant: Instant) {
    let agent = Int(contacts[slot].agent)
    noteWrapUpTime(slot, at: instant)
    releaseSlot(slot, of: agent, at: instant)
    close(slot)
    relist(agent)
  }
}
