import ACD
import CallControl
import GRDB
import Primitives

/// The fold of records into contact records and interval sums.
///
/// A value between two states of the tables: `apply` gathers what records change, `save` writes it. How records are
/// cut into transactions makes no difference, so live folding and a rebuild end in equal tables.
struct Projection {
  /// The last record folded.
  private(set) var sequence: UInt64
  /// The hash of the configuration in force.
  private(set) var configuration: String?
  private var levels: [QueueID: ServiceLevels.Version] = [:]
  /// Contacts that have not closed, by the id that events name them by.
  private var live: [ContactID: ContactFold]
  private var changed: Set<ContactID> = []
  private var closed: [ContactFold] = []
  private var intervals: [IntervalKey: IntervalRow] = [:]
  private var agents: [AgentKey: AgentIntervalRow] = [:]

  private struct IntervalKey: Hashable {
    var queue: QueueID
    var start: Instant
    var serviceLevel: Int64
  }
  private struct AgentKey: Hashable {
    var agent: AgentID
    var start: Instant
  }

  /// Reads where the tables stand.
  init(_ db: Database) throws {
    sequence = 0
    live = [:]
    if let row = try Row.fetchOne(db, sql: "SELECT sequence, configuration FROM progress") {
      var columns = Columns(row)
      sequence = try columns.takeSequence()
      configuration = try columns.take()
    }
    if let configuration { levels = try ServiceLevels.load(configuration, db) }
    for contact in try ContactFold.loadLive(db) { live[contact.contact] = contact }
  }

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
    case .configurationApplied(let hash):
      configuration = hash
      levels = try ServiceLevels.load(hash, db)
    case .messagePosted, .phoneRegistered, .phoneUnregistered, .dialogConfirmed, .dialogEnded, .restarted:
      break
    }
  }

  private mutating func apply(_ event: ACD.Event, at instant: Instant) {
    switch event {
    case .contactQueued(let contact, let queue, _, _, _):
      let level = level(of: queue)
      change(contact) { $0.queue(in: queue, under: level, at: instant) }
      count(queue, at: instant, under: level.version) { $0.counters.entered += 1 }
    case .contactRefused(let contact, let queue, let refusal):
      let level = level(of: queue)
      change(contact) { $0.refuse(by: queue, under: level, refusal, at: instant) }
      count(queue, at: instant, under: level.version) { $0.counters.refused += 1 }
    case .outcomeFixed(let contact, let queue, let agent, let outcome):
      fix(outcome, of: contact, leaving: queue, to: agent, at: instant)
    case .contactEnded(let contact, let agent, let cause):
      guard let row = change(contact, { $0.end(cause, at: instant) })?.row else { return }
      count(agent, at: instant) {
        $0.talk += row.talk ?? 0
        $0.hold += row.hold
      }
    case .offerMade(_, _, let agent): count(agent, at: instant) { $0.offered += 1 }
    case .offerAccepted(_, _, let agent): count(agent, at: instant) { $0.accepted += 1 }
    case .offerDeclined(_, _, let agent): count(agent, at: instant) { $0.declined += 1 }
    case .offerMissed(_, _, let agent): count(agent, at: instant) { $0.missed += 1 }
    case .wrapUpStarted(_, let contact, _):
      change(contact) { $0.wrapUpSince = instant }
    case .wrapUpEnded(let agent, let contact, let code):
      guard let row = change(contact, { $0.endWrapUp(code, at: instant) })?.row else { return }
      count(agent, at: instant) { $0.wrapUp += row.wrapUp ?? 0 }
    case .contactLost, .contactReturned, .offerWithdrawn, .offerFailed, .wrapUpExtended,
      .agentSignedIn, .agentSignedOut, .agentReady, .agentNotReady,
      .ladderStepped, .ladderMigrated, .agentPreferred, .preferenceEnded, .dayStarted:
      break
    }
  }

  /// Counts in the interval of arrival, under the definition that was in force then (`CALLS.md` 7).
  private mutating func fix(
    _ outcome: Outcome, of contact: ContactID, leaving queue: QueueID, to agent: AgentID, at instant: Instant
  ) {
    guard let fold = change(contact, { $0.fix(outcome, agent: agent, at: instant) }), let entered = fold.row.entered
    else { return }
    let wait = instant - entered
    let isWithin = wait <= fold.level.within
    if outcome == .answered { count(agent, at: instant) { $0.answered += 1 } }
    count(queue, at: entered, under: fold.level.version) { interval in
      switch outcome {
      case .answered:
        interval.counters.answered += 1
        interval.counters.answeredWithin += isWithin ? 1 : 0
        interval.counters.answeredWait += wait
      case .abandoned:
        interval.counters.abandoned += 1
        interval.counters.abandonedWithin += isWithin ? 1 : 0
      case .shortAbandoned: interval.counters.shortAbandoned += 1
      case .timedOut, .overflowed, .withdrawn: interval.counters.left += 1
      case .callbackRequested: interval.callbacks += 1
      case .failed: interval.counters.failed += 1
      }
    }
  }

  /// The definition by which a contact that enters `queue` now will be counted.
  private func level(of queue: QueueID) -> ServiceLevels.Version { levels[queue] ?? .fallback }

  @discardableResult
  private mutating func change(_ contact: ContactID, _ body: (inout ContactFold) -> Void) -> ContactFold? {
    guard var fold = live[contact] else { return nil }
    body(&fold)
    live[contact] = fold
    changed.insert(contact)
    return fold
  }

  private mutating func count(
    _ queue: QueueID, at instant: Instant, under version: Int64, _ body: (inout IntervalRow) -> Void
  ) {
    let key = IntervalKey(queue: queue, start: IntervalRow.start(of: instant), serviceLevel: version)
    body(&intervals[key, default: IntervalRow(queue: queue, start: key.start, serviceLevel: version)])
  }

  private mutating func count(_ agent: AgentID, at instant: Instant, _ body: (inout AgentIntervalRow) -> Void) {
    let key = AgentKey(agent: agent, start: IntervalRow.start(of: instant))
    body(&agents[key, default: AgentIntervalRow(agent: agent, start: key.start)])
  }

  /// Writes what changed since the last save and how far the tables now are.
  mutating func save(_ db: Database) throws {
    for fold in closed { try fold.save(db) }
    for contact in changed { try live[contact]?.save(db) }
    for interval in intervals.values { try interval.add(db) }
    for interval in agents.values { try interval.add(db) }
    try db.cachedStatement(sql: "UPDATE progress SET sequence = ?, configuration = ?")
      .execute(arguments: [sequence.column, configuration])
    closed.removeAll(keepingCapacity: true)
    changed.removeAll(keepingCapacity: true)
    intervals.removeAll(keepingCapacity: true)
    agents.removeAll(keepingCapacity: true)
  }

  /// Empties the tables, so that the fold starts from the first record.
  static func clear(_ db: Database) throws {
    try db.execute(
      sql: """
        DELETE FROM contact; DELETE FROM interval; DELETE FROM agent_interval;
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

  /// Adds the sums to those of the table.
  func add(_ db: Database) throws {
    try db.cachedStatement(
      sql: """
        INSERT INTO interval VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (start, queue, service_level) DO UPDATE SET
          entered = entered + excluded.entered, answered = answered + excluded.answered,
          answered_within = answered_within + excluded.answered_within,
          abandoned = abandoned + excluded.abandoned,
          abandoned_within = abandoned_within + excluded.abandoned_within,
          short_abandoned = short_abandoned + excluded.short_abandoned,
          left_queue = left_queue + excluded.left_queue, callback = callback + excluded.callback,
          failed = failed + excluded.failed, refused = refused + excluded.refused,
          answered_wait = answered_wait + excluded.answered_wait
        """
    ).execute(
      arguments: StatementArguments([
        Int64(queue.index).databaseValue, start.column, serviceLevel.databaseValue, counters.entered.column,
        counters.answered.column, counters.answeredWithin.column, counters.abandoned.column,
        counters.abandonedWithin.column, counters.shortAbandoned.column, counters.left.column, callbacks.column,
        counters.failed.column, counters.refused.column, counters.answeredWait.databaseValue,
      ]))
  }
}

extension AgentIntervalRow {
  func add(_ db: Database) throws {
    try db.cachedStatement(
      sql: """
        INSERT INTO agent_interval VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (start, agent) DO UPDATE SET
          offered = offered + excluded.offered, accepted = accepted + excluded.accepted,
          declined = declined + excluded.declined, missed = missed + excluded.missed,
          answered = answered + excluded.answered, talk = talk + excluded.talk, hold = hold + excluded.hold,
          wrap_up = wrap_up + excluded.wrap_up
        """
    ).execute(
      arguments: StatementArguments([
        agent.column, start.column, offered.column, accepted.column, declined.column, missed.column,
        answered.column, talk.databaseValue, hold.databaseValue, wrapUp.databaseValue,
      ]))
  }
}
