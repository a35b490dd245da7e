import ACD
import CallControl
import GRDB
import Primitives

extension IntervalRow {
  /// The one outcome of a contact that waited for `wait`, short of virtual callers.
  mutating func count(_ outcome: Outcome, wait: Int64, within: Int64) {
    let isWithin = wait <= within
    switch outcome {
    case .answered:
      counters.answered += 1
      if isWithin { counters.answeredWithin += 1 } else { counters.excessWait += wait - within }
      counters.answeredWait += wait
    case .abandoned:
      counters.abandoned += 1
      counters.abandonedWithin += isWithin ? 1 : 0
    case .shortAbandoned: counters.shortAbandoned += 1
    case .timedOut, .overflowed, .withdrawn, .leftMessage, .unstaffed: counters.left += 1
    case .callbackRequested: callbacks += 1
    case .failed, .unreached: counters.failed += 1
    }
  }

  // MARK: The table

  private static let firstSums = [
    "entered", "answered", "answered_within", "abandoned", "abandoned_within", "short_abandoned", "left_queue",
    "callback", "failed", "refused", "answered_wait",
  ]
  /// Those that came with the second version of the table.
  static let laterSums = [
    "excess_wait", "handled", "talk", "hold", "wrap_up", "callbacks_queued", "callbacks_answered", "callbacks_closed",
    "announced", "covered", "queue_length", "queue_length_error", "head_of_line", "head_of_line_error",
    "last_to_enter", "last_to_enter_error",
  ]
  static let columns = (["queue", "start", "service_level"] + firstSums + laterSums).joined(separator: ", ")

  private static let addition = {
    let sums = firstSums + laterSums
    let marks = Array(repeating: "?", count: sums.count + 3).joined(separator: ", ")
    let additions = sums.map { "\($0) = \($0) + excluded.\($0)" }.joined(separator: ", ")
    return """
      INSERT INTO interval (\(columns)) VALUES (\(marks))
      ON CONFLICT (start, queue, service_level) DO UPDATE SET \(additions)
      """
  }()

  /// Adds the sums to those of the table.
  func add(_ db: Database) throws {
    let estimates = counters.estimates
    var insert = try PreparedStatement(Self.addition, db)
    insert.bind(queue.index)
    insert.bind(start)
    insert.bind(serviceLevel)
    insert.bind(counters.entered)
    insert.bind(counters.answered)
    insert.bind(counters.answeredWithin)
    insert.bind(counters.abandoned)
    insert.bind(counters.abandonedWithin)
    insert.bind(counters.shortAbandoned)
    insert.bind(counters.left)
    insert.bind(callbacks)
    insert.bind(counters.failed)
    insert.bind(counters.refused)
    insert.bind(counters.answeredWait)
    insert.bind(counters.excessWait)
    insert.bind(counters.handled)
    insert.bind(counters.talk)
    insert.bind(hold)
    insert.bind(counters.wrapUp)
    insert.bind(counters.callbacksQueued)
    insert.bind(counters.callbacksAnswered)
    insert.bind(counters.callbacksClosed)
    insert.bind(estimates.announced)
    insert.bind(estimates.covered)
    for score in [estimates.queueLength, estimates.headOfLine, estimates.lastToEnter] {
      insert.bind(score.count)
      insert.bind(score.squaredError)
    }
    try insert.run()
  }

  init(from columns: inout Columns) throws {
    self.init(
      queue: QueueID(index: try columns.takeIndex()), start: try columns.takeInstant(),
      serviceLevel: try columns.take())
    counters.entered = try columns.takeSequence()
    counters.answered = try columns.takeSequence()
    counters.answeredWithin = try columns.takeSequence()
    counters.abandoned = try columns.takeSequence()
    counters.abandonedWithin = try columns.takeSequence()
    counters.shortAbandoned = try columns.takeSequence()
    counters.left = try columns.takeSequence()
    callbacks = try columns.takeSequence()
    counters.failed = try columns.takeSequence()
    counters.refused = try columns.takeSequence()
    counters.answeredWait = try columns.take()
    counters.excessWait = try columns.take()
    counters.handled = try columns.takeSequence()
    counters.talk = try columns.take()
    hold = try columns.take()
    counters.wrapUp = try columns.take()
    counters.callbacksQueued = try columns.takeSequence()
    counters.callbacksAnswered = try columns.takeSequence()
    counters.callbacksClosed = try columns.takeSequence()
    counters.estimates.announced = try columns.takeSequence()
    counters.estimates.covered = try columns.takeSequence()
    counters.estimates.queueLength = try columns.takeScore()
    counters.estimates.headOfLine = try columns.takeScore()
    counters.estimates.lastToEnter = try columns.takeScore()
  }
}

extension Columns {
  fileprivate mutating func takeScore() throws -> EstimateScore {
    EstimateScore(count: try takeSequence(), squaredError: try takeSequence())
  }
}

extension AgentIntervalRow {
  static let addition = """
    INSERT INTO agent_interval VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (start, agent) DO UPDATE SET
      offered = offered + excluded.offered, accepted = accepted + excluded.accepted,
      declined = declined + excluded.declined, missed = missed + excluded.missed,
      answered = answered + excluded.answered, talk = talk + excluded.talk, hold = hold + excluded.hold,
      wrap_up = wrap_up + excluded.wrap_up, ready = ready + excluded.ready,
      handling = handling + excluded.handling
    """

  /// - Parameter insert: the statement of `addition`.
  func add(_ insert: inout PreparedStatement) throws {
    insert.bind(agent.index)
    insert.bind(start)
    insert.bind(offered)
    insert.bind(accepted)
    insert.bind(declined)
    insert.bind(missed)
    insert.bind(answered)
    insert.bind(talk)
    insert.bind(hold)
    insert.bind(wrapUp)
    insert.bind(ready)
    insert.bind(handling)
    try insert.run()
  }
}

extension Projection.AgentState {
  static let insertion = "INSERT OR REPLACE INTO agent_state VALUES (?, ?, ?, ?)"

  /// - Parameter insert: the statement of `insertion`.
  func save(_ agent: AgentID, _ insert: inout PreparedStatement) throws {
    insert.bind(agent.index)
    insert.bind(since)
    insert.bind(isReady)
    insert.bind(held)
    try insert.run()
  }

  static func load(_ db: Database) throws -> [AgentID: Self] {
    var states: [AgentID: Self] = [:]
    let rows = try Row.fetchCursor(db, sql: "SELECT agent, since, is_ready, held FROM agent_state")
    while let row = try rows.next() {
      var columns = Columns(row)
      let agent = AgentID(index: try columns.takeIndex())
      states[agent] = Self(
        since: try columns.takeInstant(), isReady: try columns.take(), held: try columns.take())
    }
    return states
  }
}
