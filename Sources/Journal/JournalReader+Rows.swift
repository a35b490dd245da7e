public import ACD
public import CallControl
import GRDB
public import Primitives

/// Which contact records to read; nil fields do not select.
public struct ContactFilter: Sendable, Equatable {
  public var queue: QueueID?
  public var agent: AgentID?
  public var channel: Channel?
  public var outcome: Outcome?
  /// Opened at or after, and before.
  public var from: Instant?
  public var to: Instant?
  public init(
    queue: QueueID? = nil, agent: AgentID? = nil, channel: Channel? = nil, outcome: Outcome? = nil,
    from: Instant? = nil, to: Instant? = nil
  ) {
    self.queue = queue; self.agent = agent; self.channel = channel; self.outcome = outcome
    self.from = from; self.to = to
  }
}

extension JournalReader {
  /// Contact records, newest first, opened before the one whose sequence is `cursor`.
  public func contacts(
    _ filter: ContactFilter = ContactFilter(), before cursor: UInt64 = .max, limit: Int = 100
  ) throws -> [ContactRow] {
    var conditions = ["sequence < ?"]
    var arguments: StatementArguments = [Int64(clamping: cursor)]
    func select(_ condition: String, _ value: DatabaseValue?) {
      guard let value else { return }
      conditions.append(condition)
      arguments += [value]
    }
    select("queue = ?", filter.queue?.index.databaseValue)
    select("agent = ?", filter.agent?.column)
    select("channel = ?", filter.channel?.column)
    select("outcome = ?", filter.outcome?.column)
    select("opened >= ?", filter.from?.column)
    select("opened < ?", filter.to?.column)
    arguments += [limit]
    return try rows(
      "SELECT \(ContactRow.columns) FROM contact WHERE \(conditions.joined(separator: " AND "))"
        + " ORDER BY sequence DESC LIMIT ?", arguments
    ) { columns in try ContactRow(from: &columns) }
  }

  /// The record of one contact, of its last segment where it was transferred.
  public func contact(_ id: PublicID) throws -> ContactRow? {
    try rows("SELECT \(ContactRow.columns) FROM contact WHERE id = ? ORDER BY sequence DESC LIMIT 1", [id.column]) {
      columns in
      try ContactRow(from: &columns)
    }.first
  }

  /// The intervals that start at or after `from` and before `to`, by start, queue and definition.
  public func intervals(from: Instant, to: Instant) throws -> [IntervalRow] {
    try rows(
      """
      SELECT \(IntervalRow.columns) FROM interval
      WHERE start >= ? AND start < ? ORDER BY start, queue, service_level
      """, [from.column, to.column]
    ) { columns in try IntervalRow(from: &columns) }
  }

  /// The intervals of agents that start at or after `from` and before `to`, by start and agent.
  public func agentIntervals(from: Instant, to: Instant) throws -> [AgentIntervalRow] {
    try rows(
      """
      SELECT agent, start, offered, accepted, declined, missed, answered, talk, hold, wrap_up, ready, handling
      FROM agent_interval WHERE start >= ? AND start < ? ORDER BY start, agent
      """, [from.column, to.column]
    ) { columns in
      var row = AgentIntervalRow(agent: AgentID(index: try columns.takeIndex()), start: try columns.takeInstant())
      row.offered = try columns.takeSequence()
      row.accepted = try columns.takeSequence()
      row.declined = try columns.takeSequence()
      row.missed = try columns.takeSequence()
      row.answered = try columns.takeSequence()
      row.talk = try columns.take()
      row.hold = try columns.take()
      row.wrapUp = try columns.take()
      row.ready = try columns.take()
      row.handling = try columns.take()
      return row
    }
  }

  /// The service level of a version; nil if no such version was ever in force.
  public func serviceLevel(version: Int64) throws -> ServiceLevel? {
    try database.read { db in try ServiceLevels.level(version, db) }
  }

  private func rows<Element>(
    _ sql: String, _ arguments: StatementArguments, _ make: (inout Columns) throws -> Element
  ) throws -> [Element] {
    try database.read { db in
      let rows = try Row.fetchCursor(db.cachedStatement(sql: sql), arguments: arguments)
      var elements: [Element] = []
      while let row = try rows.next() {
        var columns = Columns(row)
        elements.append(try make(&columns))
      }
      return elements
    }
  }
}
