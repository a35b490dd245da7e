import Primitives

/// Every row that the engine knows.
///
/// Contacts, agents, queues' counters and retry pairs are the facts; buckets, ready lists, timers and the table of
/// offers are indexes over them, kept by the same calls and rebuilt from the rows when a checkpoint is read.
struct Tables: ~Copyable {
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
    var probe = Probe()
  #endif

  /// Instant and sequence of the last event.
  var lastInstant = Instant.distantPast
  var lastSequence: UInt64 = 0

  init() {}

  init(copying other: borrowing Tables) {
    contacts = Table(copying: other.contacts)
    agents = Table(copying: other.agents)
    queues = Table(copying: other.queues)
    counters = Table(copying: other.counters)
    work = Table(copying: other.work)
    pairs = Table(copying: other.pairs)
    freePair = other.freePair
    buckets = Table(copying: other.buckets)
    freeBucket = other.freeBucket
    visits = Table(copying: other.visits)
    freeVisit = other.freeVisit
    dialledFirst = other.dialledFirst
    ready = Table(copying: other.ready)
    readyLinks = Table(copying: other.readyLinks)
    offers = OfferTable(copying: other.offers)
    timers = DenseTimerHeap(copying: other.timers)
    memberships = Table(copying: other.memberships)
    members = Table(copying: other.members)
    memberStart = Table(copying: other.memberStart)
    eligible = Table(copying: other.eligible)
    needWords = other.needWords
    ladders = other.ladders
    ladderStart = other.ladderStart
    rungs = Table(copying: other.rungs)
    pools = Table(copying: other.pools)
    easedNeeds = Table(copying: other.easedNeeds)
    duty = Table(copying: other.duty)
    dutyStart = Table(copying: other.dutyStart)
    dutyWidth = other.dutyWidth
    lastInstant = other.lastInstant
    lastSequence = other.lastSequence
    #if DEBUG
      probe = other.probe
    #endif
  }
}

/// The engine's tables by reference, and all that is done to them; `apply` is their only writer, so replaying the
/// journal restores them. A word, for a structure of so many tables would be copied by every method that changes none.
///
/// Whoever makes one deallocates it.
struct State: @unchecked Sendable {
  // Unchecked because of the pointer: an engine owns the tables alone before it writes.
  private let tables: UnsafeMutablePointer<Tables>

  init() {
    tables = .allocate(capacity: 1)
    tables.initialize(to: Tables())
  }

  init(copying other: State) {
    tables = .allocate(capacity: 1)
    tables.initialize(to: Tables(copying: other.tables.pointee))
  }

  func deallocate() {
    tables.deinitialize(count: 1)
    tables.deallocate()
  }
}

// One line for each table.
extension State {
  var contacts: Table<ContactRow> {
    @inline(__always) _read { yield tables.pointee.contacts }
    @inline(__always) nonmutating _modify { yield &tables.pointee.contacts }
  }
  var agents: Table<AgentRow> {
    @inline(__always) _read { yield tables.pointee.agents }
    @inline(__always) nonmutating _modify { yield &tables.pointee.agents }
  }
  var queues: Table<QueueRow> {
    @inline(__always) _read { yield tables.pointee.queues }
    @inline(__always) nonmutating _modify { yield &tables.pointee.queues }
  }
  var counters: Table<QueueCounters> {
    @inline(__always) _read { yield tables.pointee.counters }
    @inline(__always) nonmutating _modify { yield &tables.pointee.counters }
  }
  var work: Table<WorkRow> {
    @inline(__always) _read { yield tables.pointee.work }
    @inline(__always) nonmutating _modify { yield &tables.pointee.work }
  }
  var pairs: Table<RetryPair> {
    @inline(__always) _read { yield tables.pointee.pairs }
    @inline(__always) nonmutating _modify { yield &tables.pointee.pairs }
  }
  var freePair: Int32 {
    @inline(__always) _read { yield tables.pointee.freePair }
    @inline(__always) nonmutating _modify { yield &tables.pointee.freePair }
  }
  var buckets: Table<Bucket> {
    @inline(__always) _read { yield tables.pointee.buckets }
    @inline(__always) nonmutating _modify { yield &tables.pointee.buckets }
  }
  var freeBucket: Int32 {
    @inline(__always) _read { yield tables.pointee.freeBucket }
    @inline(__always) nonmutating _modify { yield &tables.pointee.freeBucket }
  }
  var visits: Table<Visit> {
    @inline(__always) _read { yield tables.pointee.visits }
    @inline(__always) nonmutating _modify { yield &tables.pointee.visits }
  }
  var freeVisit: Int32 {
    @inline(__always) _read { yield tables.pointee.freeVisit }
    @inline(__always) nonmutating _modify { yield &tables.pointee.freeVisit }
  }
  var dialledFirst: Int {
    @inline(__always) _read { yield tables.pointee.dialledFirst }
    @inline(__always) nonmutating _modify { yield &tables.pointee.dialledFirst }
  }
  var ready: Table<ReadyList> {
    @inline(__always) _read { yield tables.pointee.ready }
    @inline(__always) nonmutating _modify { yield &tables.pointee.ready }
  }
  var readyLinks: Table<ReadyLink> {
    @inline(__always) _read { yield tables.pointee.readyLinks }
    @inline(__always) nonmutating _modify { yield &tables.pointee.readyLinks }
  }
  var offers: OfferTable {
    @inline(__always) _read { yield tables.pointee.offers }
    @inline(__always) nonmutating _modify { yield &tables.pointee.offers }
  }
  var timers: DenseTimerHeap {
    @inline(__always) _read { yield tables.pointee.timers }
    @inline(__always) nonmutating _modify { yield &tables.pointee.timers }
  }
  var memberships: Table<Membership> {
    @inline(__always) _read { yield tables.pointee.memberships }
    @inline(__always) nonmutating _modify { yield &tables.pointee.memberships }
  }
  var members: Table<Int32> {
    @inline(__always) _read { yield tables.pointee.members }
    @inline(__always) nonmutating _modify { yield &tables.pointee.members }
  }
  var memberStart: Table<Int32> {
    @inline(__always) _read { yield tables.pointee.memberStart }
    @inline(__always) nonmutating _modify { yield &tables.pointee.memberStart }
  }
  var eligible: Table<UInt64> {
    @inline(__always) _read { yield tables.pointee.eligible }
    @inline(__always) nonmutating _modify { yield &tables.pointee.eligible }
  }
  var needWords: Int {
    @inline(__always) _read { yield tables.pointee.needWords }
    @inline(__always) nonmutating _modify { yield &tables.pointee.needWords }
  }
  var ladders: [[LadderStep]] {
    @inline(__always) _read { yield tables.pointee.ladders }
    @inline(__always) nonmutating _modify { yield &tables.pointee.ladders }
  }
  var ladderStart: [Int32] {
    @inline(__always) _read { yield tables.pointee.ladderStart }
    @inline(__always) nonmutating _modify { yield &tables.pointee.ladderStart }
  }
  var rungs: Table<Rung> {
    @inline(__always) _read { yield tables.pointee.rungs }
    @inline(__always) nonmutating _modify { yield &tables.pointee.rungs }
  }
  var pools: Table<Int32> {
    @inline(__always) _read { yield tables.pointee.pools }
    @inline(__always) nonmutating _modify { yield &tables.pointee.pools }
  }
  var easedNeeds: Table<UInt32> {
    @inline(__always) _read { yield tables.pointee.easedNeeds }
    @inline(__always) nonmutating _modify { yield &tables.pointee.easedNeeds }
  }
  var duty: Table<Int32> {
    @inline(__always) _read { yield tables.pointee.duty }
    @inline(__always) nonmutating _modify { yield &tables.pointee.duty }
  }
  var dutyStart: Table<Int32> {
    @inline(__always) _read { yield tables.pointee.dutyStart }
    @inline(__always) nonmutating _modify { yield &tables.pointee.dutyStart }
  }
  var dutyWidth: Int {
    @inline(__always) _read { yield tables.pointee.dutyWidth }
    @inline(__always) nonmutating _modify { yield &tables.pointee.dutyWidth }
  }
  var lastInstant: Instant {
    @inline(__always) _read { yield tables.pointee.lastInstant }
    @inline(__always) nonmutating _modify { yield &tables.pointee.lastInstant }
  }
  var lastSequence: UInt64 {
    @inline(__always) _read { yield tables.pointee.lastSequence }
    @inline(__always) nonmutating _modify { yield &tables.pointee.lastSequence }
  }
  #if DEBUG
    var probe: Probe {
      @inline(__always) _read { yield tables.pointee.probe }
      @inline(__always) nonmutating _modify { yield &tables.pointee.probe }
    }
  #endif
}

extension State {
  /// Writes one event. Words about rows that do not exist change nothing.
  @inline(__always)
  func apply(_ event: Event, at instant: Instant, sequence: UInt64) {
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
    case .offerAccepted(let offer, let contact, let agent):
      if let live = live(offer, contact, agent) { applyAccepted(live, at: instant, sequence) }
    case .offerDeclined(let offer, _, _):
      if let live = live(offer) { applyDeclined(live, at: instant, sequence) }
    case .offerMissed(let offer, _, _):
      if let live = live(offer) { applyMissed(live, at: instant, sequence) }
    case .offerWithdrawn(let offer, _, _, _):
      if let live = live(offer) {
        endOffer(live)
        relist(live.agent)
      }
    case .offerFailed(let offer, _, _, let failure):
      if let live = live(offer) { applyFailed(live, failure, at: instant, sequence) }

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
      if let slot = slot(of: contact) { applyDialAnswered(slot, at: instant, sequence) }
    case .dialFailed(let contact, _, _):
      if let slot = slot(of: contact) { applyDialFailed(slot, at: instant, sequence) }
    case .callbackResumed(let contact):
      if let slot = slot(of: contact) { applyCallbackResumed(slot) }
    case .waitEstimated(let contact, let estimates):
      if let slot = slot(of: contact) { contacts[slot].estimates = estimates }
    case .invariantBroken(_, let contact, let agent): applyBroken(contact, agent)
    }
  }

  /// The same as `live(offer)` for an event that says whose offer it is.
  @inline(__always)
  private func live(_ offer: OfferID, _ contact: ContactID, _ agent: AgentID) -> LiveOffer? {
    guard let slot = slot(of: contact), isKnown(agent) else { return nil }
    let own = Int(agent.index)
    guard contacts[slot].offer == offer.sequence || agents[own].offer == offer.sequence else { return nil }
    return LiveOffer(sequence: offer.sequence, slot: slot, agent: own)
  }

  /// An offer that is over for nobody yet, or was accepted and is being connected.
  @inline(__always)
  func live(_ offer: OfferID) -> LiveOffer? { tables.pointee.offers[offer] }

  func isKnown(_ agent: AgentID) -> Bool { Int(agent.index) < agents.count }
  func isKnown(_ queue: QueueID) -> Bool { Int(queue.index) < queues.count }
}

// MARK: Contacts

extension State {
  @inline(__always)
  private func applyQueued(
    _ contact: ContactID, _ queue: QueueID, _ profile: ProfileID, _ channel: Channel, _ priority: Int16,
    at instant: Instant, _ sequence: UInt64
  ) {
    guard isKnown(queue) else { return }
    let slot = Int(contact.slot)
    if slot >= contacts.count { contacts.grow(to: slot + 1, with: ContactRow()) }
    let policy = queues.row(Int(queue.index))
    let earlier = contacts.row(slot)
    var row = ContactRow()
    row.generation = contact.generation
    row.phase = .waiting
    row.channel = channel
    row.priority = priority
    row.queue = Int32(truncatingIfNeeded: queue.index)
    row.profile = profile.index
    row.entry = instant
    row.waitStart = instant
    row.entrySequence = sequence
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
      policy.hasClimbers = true
    }
    earlier.value = row
    if row.rung != 0 {
      armPatience(slot)
    } else if limit != .max {
      timers.set(TimerSlot.patience(contact: slot).slot, at: row.waitDeadline, sequence: sequence)
    }
    policy.waiting += 1
    if channel == .callback {
      counters[row.queue].callbacksQueued += 1
    } else {
      counters[row.queue].entered += 1
    }
    line(up: slot)
  }

  private func applyLost(_ slot: Int, at instant: Instant, _ sequence: UInt64) {
    contacts[slot].isLost = true
    // In talk the agent is told, and decides; only who waits has a limit.
    guard contacts[slot].phase != .answered else { return }
    contacts[slot].lostDeadline = instant + queues[contacts[slot].queue].lostLimit
    contacts[slot].patienceSequence = sequence
    armPatience(slot)
    stepOut(slot)
  }

  private func applyReturned(_ slot: Int, _ sequence: UInt64) {
    contacts[slot].isLost = false
    contacts[slot].lostDeadline = .distantFuture
    contacts[slot].patienceSequence = sequence
    armPatience(slot)
    if contacts[slot].phase == .waiting { line(up: slot) }
  }

  @inline(__always)
  private func applyOutcome(_ slot: Int, _ outcome: Outcome, at instant: Instant) {
    let row = contacts.row(slot)
    count(outcome, of: slot, at: instant)
    if row.offer != 0 {
      offers.remove(row.offer)
      row.offer = 0
    }
    if outcome == .answered {
      setPhase(.answered, of: slot)
      row.isOnLine = true
      row.answered = instant
      row.isLost = false
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

  @inline(__always)
  private func applyEnded(_ slot: Int, at instant: Instant) {
    let agent = Int(contacts[slot].agent)
    noteHandleTime(slot, at: instant)
    releaseSlot(slot, of: agent, at: instant)
    close(slot)
    relist(agent)
  }
}

// MARK: Offers

extension State {
  @inline(__always)
  private func applyMade(_ slot: Int, _ agent: Int, at instant: Instant, _ sequence: UInt64) {
    let contact = contacts.row(slot)
    let queue = queues.row(contact.queue)
    if queue.policy == .roundRobin || contact.rung != 0 { moveCursor(for: slot, to: agent) }
    offers.insert(LiveOffer(sequence: sequence, slot: slot, agent: agent))
    agents[agent].offered = Int32(truncatingIfNeeded: slot)
    let deadline = instant + queue.ring
    if queue.policy == .broadcast {
      ring(slot, agent, until: deadline, sequence)
    } else {
      stepOut(slot)
      setPhase(.offered, of: slot, until: deadline, sequence)
      contact.offer = sequence
      contact.agent = Int32(truncatingIfNeeded: agent)
      if has(.doubleOffer) { agents[agent].offered = -1 }
    }
    // Beside an offer nobody is free for another.
    if agents[agent].isOffered { unlist(agent) }
  }

  @inline(__always)
  private func applyAccepted(_ live: LiveOffer, at instant: Instant, _ sequence: UInt64) {
    let (slot, agent) = (live.slot, live.agent)
    let contact = contacts.row(slot)
    let queue = queues.row(contact.queue)
    if contact.offer != live.sequence {
      stepOut(slot)
      stopRinging(slot, agent)
      contact.offer = live.sequence
      contact.agent = Int32(truncatingIfNeeded: agent)
    }
    queue.waiting -= 1
    // An attendant who picks has not heard it ring yet.
    let alerting = queue.policy == .attendant ? queue.ring : 0
    setPhase(.connecting, of: slot, until: instant + queue.connect + alerting, sequence)
    let worker = agents.row(agent)
    worker.offered = -1
    worker.missed = 0
    worker.declined = 0
    takeSlot(slot, of: agent, at: instant)
    countContact(1, of: agent)
    relist(agent)
  }

  /// The offer is over and the contact waits again, unless others ring or one has won; the caller relists the agent.
  private func endOffer(_ live: LiveOffer) {
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

  private func applyDeclined(_ live: LiveOffer, at instant: Instant, _ sequence: UInt64) {
    endOffer(live)
    agents[live.agent].missed = 0
    agents[live.agent].declined &+= 1
    avoid(live.slot, by: live.agent, until: instant + queues[contacts[live.slot].queue].retry, at: instant, sequence)
    relist(live.agent)
  }

  private func applyMissed(_ live: LiveOffer, at instant: Instant, _ sequence: UInt64) {
    endOffer(live)
    agents[live.agent].missed &+= 1
    restartIdle(live.agent, at: instant)
    avoid(live.slot, by: live.agent, until: instant + queues[contacts[live.slot].queue].retry, at: instant, sequence)
    relist(live.agent)
  }

  private func applyFailed(
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
  private func applyPresence(
    _ presence: AgentRow.Presence, _ agent: AgentID, reason: ReasonID, at instant: Instant
  ) {
    guard isKnown(agent) else { return }
    setPresence(presence, of: Int(agent.index), reason: reason.index, at: instant)
    relist(Int(agent.index))
  }

  /// Follows `contactEnded`: the contact that was just closed takes its slot again, as wrap-up.
  private func applyWrapUp(
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

  private func applyWrapUpEnded(_ slot: Int, at instant: Instant) {
    let agent = Int(contacts[slot].agent)
    noteWrapUpTime(slot, at: instant)
    releaseSlot(slot, of: agent, at: instant)
    close(slot)
    relist(agent)
  }
}
