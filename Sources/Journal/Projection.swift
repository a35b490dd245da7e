import ACD
import CallControl
import GRDB
import Primitives

/// The fold of records into contact records and interval sums.
///
/// A value between two states of the tables: `apply` gathers what records change, `save` writes it. When that is done
/// makes no difference, so live folding, folding after a crash and a rebuild end in equal tables.
struct Projection {
  /// The last record folded.
  private(set) var sequence: UInt64
  /// The last record whose changes stand in the tables.
  private(set) var saved: UInt64
  /// The hash of the configuration in force.
  private(set) var configuration: String?
  private var levels: [QueueID: ServiceLevels.Version] = [:]
  /// Contacts that have not closed, by the id that events name them by.
  private var live: [ContactID: ContactFold]
  private var changed: Set<ContactID> = []
  private var closed: [ContactFold] = []
  private var intervals: [IntervalKey: IntervalRow] = [:]
  private var agents: [AgentKey: AgentIntervalRow] = [:]
  /// What agents do, for the time they do it.
  private var agentStates: [AgentID: AgentState]
  private var changedAgents: Set<AgentID> = []

  struct AgentState {
    var since: Instant
    var isReady = false
    /// Contacts and wrap-ups.
    var held: Int64 = 0
  }

  private struct IntervalKey: Hashable {
    var queue: QueueID
    var start: Instant
    var serviceLevel: Int64
  }
  private struct AgentKey: Hashable {
    var agent: AgentID
    var start: Instant
  }

  /// The records after the last save that are folded at most, so that neither memory nor what a crash leaves to be
  /// folded grows without bound.
  static let unsavedLimit = 10_000

  /// Reads where the tables stand and folds the records that came after.
  init(_ db: Database) throws {
    sequence = 0
    saved = 0
    live = [:]
    agentStates = try AgentState.load(db)
    if let row = try Row.fetchOne(db, sql: "SELECT sequence, configuration FROM progress") {
      var columns = Columns(row)
      sequence = try columns.takeSequence()
      configuration = try columns.take()
    }
    if let configuration { levels = try ServiceLevels.load(configuration, db) }
    for contact in try ContactFold.loadLive(db) { live[contact.contact] = contact }
    saved = sequence
    try JournalReader.forEachRecord(after: saved, db) { record in
      try apply(record, db)
      if isFull { try save(db) }
    }
  }

  var isSaved: Bool { sequence == saved }
  var isFull: Bool { sequence - saved >= Self.unsavedLimit }

  /// Folds one record; one that was folded before changes nothing.
  mutating func apply(_ record: CallControl.Record, _ db: Database) throws {
    guard record.sequence > sequence else { return }
    sequence = record.sequence
    switch record.event {
    case .acd(let event):
      apply(event, at: record.at)
    case .contactOpened(let contact, let id, let entry, let channel):
      live[contact] = ContactFold(
        contact: contact,
        row: ContactRow(sequence: record.sequence, id: id, channel: channel, entry: entry, opened: record.at))
      changed.insert(contact)
    case .contactClosed(let contact):
      guard var fold = live.removeValue(forKey: contact) else { return }
      changed.remove(contact)
      fold.isLive = false
      closed.append(fold)
    case .contactHeld(let contact, let author):
      change(contact) { $0.hold(by: author, at: record.at) }
    case .contactResumed(let contact, _):
      change(contact) { $0.resume(at: record.at) }
    case .legMeasured(let contact, .contact, let quality):
      change(contact) { $0.row.quality = quality }
    case .legMeasured(let contact, .agent, let quality):
      change(contact) { $0.row.agentQuality = quality }
    case .configurationApplied(let hash):
      configuration = hash
      levels = try ServiceLevels.load(hash, db)
    case .messagePosted, .phoneRegistered, .phoneUnregistered, .dialogConfirmed, .dialogEnded, .restarted:
      break
    }
  }

  private mutating func apply(_ event: ACD.Event, at instant: Instant) {
    switch event {
    case .contactQueued(let contact, let queue, _, let channel, _):
      let level = level(of: queue)
      let fold = change(contact) {
        $0.row.channel = channel
        $0.queue(in: queue, under: level, at: instant)
      }
      count(queue, at: fold?.row.entered ?? instant, under: level.version) {
        if channel == .callback { $0.counters.callbacksQueued += 1 } else { $0.counters.entered += 1 }
      }
    case .contactRefused(let contact, let queue, let refusal):
      let level = level(of: queue)
      change(contact) { $0.refuse(by: queue, under: level, refusal, at: instant) }
      count(queue, at: instant, under: level.version) { $0.counters.refused += 1 }
    case .outcomeFixed(let contact, let queue, let agent, let outcome):
      fix(outcome, of: contact, leaving: queue, to: agent, at: instant)
    case .contactEnded(let contact, let agent, let cause):
      release(contact, at: instant)
      guard let fold = change(contact, { $0.end(cause, at: instant) }) else { return }
      let (talk, hold) = (fold.row.talk ?? 0, fold.row.hold)
      count(agent, at: instant) {
        $0.talk += talk
        $0.hold += hold
      }
      count(fold) {
        $0.counters.handled += 1
        $0.counters.talk += talk + hold
        $0.hold += hold
      }
    case .wrapUpStarted(let agent, let contact, _):
      change(contact) { $0.wrapUpSince = instant }
      hold(contact, by: agent, at: instant)
    case .wrapUpEnded(let agent, let contact, let code):
      release(contact, at: instant)
      guard let fold = change(contact, { $0.endWrapUp(code, at: instant) }), let wrapUp = fold.row.wrapUp else {
        return
      }
      count(agent, at: instant) { $0.wrapUp += wrapUp }
      count(fold) { $0.counters.wrapUp += wrapUp }
    case .placeKept(let contact, let entry, _): change(contact) { $0.place = entry }
    case .waitEstimated(let contact, let estimates): change(contact) { $0.estimates = estimates }
    case .offerMade, .offerAccepted, .offerDeclined, .offerMissed, .offerFailed, .dialFailed:
      applyOffer(event, at: instant)
    case .agentSignedIn(let agent), .agentSignedOut(let agent), .agentNotReady(let agent, _):
      account(agent, at: instant) { $0.isReady = false }
    case .agentReady(let agent): account(agent, at: instant) { $0.isReady = true }
    case .contactLost, .contactReturned, .offerWithdrawn, .wrapUpExtended, .placeHeld, .placeReleased, .segmentStarted,
      .dialStarted, .dialAnswered, .callbackResumed, .ladderStepped, .ladderMigrated, .agentPreferred,
      .preferenceEnded, .dayStarted, .invariantBroken:
      break
    }
  }

  private mutating func applyOffer(_ event: ACD.Event, at instant: Instant) {
    switch event {
    case .offerMade(_, _, let agent): count(agent, at: instant) { $0.offered += 1 }
    case .offerAccepted(_, let contact, let agent):
      count(agent, at: instant) { $0.accepted += 1 }
      hold(contact, by: agent, at: instant)
    case .offerDeclined(_, _, let agent): count(agent, at: instant) { $0.declined += 1 }
    case .offerMissed(_, _, let agent): count(agent, at: instant) { $0.missed += 1 }
    case .offerFailed(_, let contact, _, _), .dialFailed(let contact, _, _): release(contact, at: instant)
    default: break
    }
  }

  /// Counts in the interval of arrival, under the definition that was in force then (`CALLS.md` 7).
  private mutating func fix(
    _ outcome: Outcome, of contact: ContactID, leaving queue: QueueID, to agent: AgentID, at instant: Instant
  ) {
    if outcome != .answered { release(contact, at: instant) }
    guard let fold = change(contact, { $0.fix(outcome, agent: agent, at: instant) }), let entered = fold.row.entered
    else { return }
    let wait = instant - entered
    if outcome == .answered { count(agent, at: instant) { $0.answered += 1 } }
    count(queue, at: entered, under: fold.level.version) { interval in
      if fold.row.channel == .callback {
        if outcome == .answered {
          interval.counters.callbacksAnswered += 1
        } else {
          interval.counters.callbacksClosed += 1
        }
        return
      }
      interval.count(outcome, wait: wait, within: fold.level.within)
      if outcome == .answered, let estimates = fold.estimates {
        interval.counters.estimates.score(estimates, waited: wait)
      }
    }
  }

  /// The definition by which a contact that enters `queue` now will be counted.
  private func level(of queue: QueueID) -> ServiceLevels.Version { levels[queue] ?? .fallback }

  @discardableResult
  private mutating func change(_ contact: ContactID, _ body: (inout ContactFold) -> Void) -> ContactFold? {
    guard let place = live.index(forKey: contact) else { return nil }
    body(&live.values[place])
    changed.insert(contact)
    return live.values[place]
  }

  private mutating func count(
    _ queue: QueueID, at instant: Instant, under version: Int64, _ body: (inout IntervalRow) -> Void
  ) {
    let key = IntervalKey(queue: queue, start: IntervalRow.start(of: instant), serviceLevel: version)
    body(&intervals[key, default: IntervalRow(queue: queue, start: key.start, serviceLevel: version)])
  }

  /// In the interval of a contact's arrival.
  private mutating func count(_ fold: ContactFold, _ body: (inout IntervalRow) -> Void) {
    guard let queue = fold.row.queue, let entered = fold.row.entered, let version = fold.row.serviceLevel else {
      return
    }
    count(queue, at: entered, under: version, body)
  }

  private mutating func count(_ agent: AgentID, at instant: Instant, _ body: (inout AgentIntervalRow) -> Void) {
    let key = AgentKey(agent: agent, start: IntervalRow.start(of: instant))
    body(&agents[key, default: AgentIntervalRow(agent: agent, start: key.start)])
  }

  // MARK: Agents' time

  /// The agent's slot is taken from now on.
  private mutating func hold(_ contact: ContactID, by agent: AgentID, at instant: Instant) {
    change(contact) { $0.holder = agent }
    account(agent, at: instant) { $0.held += 1 }
  }

  private mutating func release(_ contact: ContactID, at instant: Instant) {
    guard let agent = live[contact]?.holder else { return }
    change(contact) { $0.holder = nil }
    account(agent, at: instant) { $0.held -= 1 }
  }

  /// Adds the time since the agent's last change to the intervals that it falls in, then changes the agent.
  private mutating func account(_ agent: AgentID, at instant: Instant, _ change: (inout AgentState) -> Void) {
    var state = agentStates[agent] ?? AgentState(since: instant)
    while state.since < instant {
      let end = min(instant, IntervalRow.start(of: state.since) + IntervalRow.length)
      let time = end - state.since
      if state.held > 0 {
        count(agent, at: state.since) { $0.handling += time }
      } else if state.isReady {
        count(agent, at: state.since) { $0.ready += time }
      } else if end < instant {
        // Nothing to add: who is away for days is not walked through them.
        state.since = instant
        break
      }
      state.since = end
    }
    change(&state)
    agentStates[agent] = state
    changedAgents.insert(agent)
  }

  /// Writes what changed since the last save and how far the tables now are.
  mutating func save(_ db: Database) throws {
    var insert = try PreparedStatement(ContactFold.insertion, db)
    for fold in closed { try fold.save(&insert) }
    for contact in changed { try live[contact]?.save(&insert) }
    for interval in intervals.values { try interval.add(db) }
    insert = try PreparedStatement(AgentIntervalRow.addition, db)
    for interval in agents.values { try interval.add(&insert) }
    insert = try PreparedStatement(AgentState.insertion, db)
    for agent in changedAgents { try agentStates[agent]?.save(agent, &insert) }
    var progress = try PreparedStatement("UPDATE progress SET sequence = ?, configuration = ?", db)
    progress.bind(sequence)
    progress.bind(configuration)
    try progress.run()
    saved = sequence
    closed.removeAll()
    if live.isEmpty { live.removeAll() }
    changed.removeAll(keepingCapacity: true)
    intervals.removeAll(keepingCapacity: true)
    agents.removeAll(keepingCapacity: true)
    changedAgents.removeAll(keepingCapacity: true)
  }

  /// Empties the tables, so that the fold starts from the first record.
  static func clear(_ db: Database) throws {
    try db.execute(
      sql: """
        DELETE FROM contact; DELETE FROM interval; DELETE FROM agent_interval; DELETE FROM agent_state;
        UPDATE progress SET sequence = 0, configuration = NULL;
        """)
  }
}

extension IntervalRow {
  /// The start of the interval that `instant` falls in.
  static func start(of instant: Instant) -> Instant {
    let position = instant.microseconds % length
    return instant - (position < 0 ? position &+ length : position)
  }
}
