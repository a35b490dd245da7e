import ACD
import GRDB

/// The versions of service-level definitions: each distinct one has a row, whose number is its version.
enum ServiceLevels {
  /// What a contact is counted by: the version, and its threshold in microseconds.
  struct Version {
    var version: Int64
    var within: Int64
    /// For queues that no applied configuration names: what the first migration interned.
    static let fallback = Version(version: 1, within: ServiceLevel().within)
  }

  /// The version of `level`, new or known.
  @discardableResult
  static func intern(_ level: ServiceLevel, _ db: Database) throws -> Int64 {
    let arguments: StatementArguments = [level.metric.rawValue, level.within, level.target, level.shortAbandon]
    try db.cachedStatement(
      sql: "INSERT OR IGNORE INTO service_level (metric, within, target, short_abandon) VALUES (?, ?, ?, ?)"
    ).execute(arguments: arguments)
    let find = try db.cachedStatement(
      sql: "SELECT version FROM service_level WHERE metric = ? AND within = ? AND target = ? AND short_abandon = ?")
    return try Int64.fetchOne(find, arguments: arguments) ?? Version.fallback.version
  }

  static func level(_ version: Int64, _ db: Database) throws -> ServiceLevel? {
    let find = try db.cachedStatement(
      sql: "SELECT metric, within, target, short_abandon FROM service_level WHERE version = ?")
    return try Row.fetchOne(find, arguments: [version]).map { row in
      var columns = Columns(row)
      var definition = ServiceLevelDefinition()
      definition.metric = .init(rawValue: try columns.take()) ?? definition.metric
      definition.within = try columns.take()
      definition.target = try columns.take()
      return ServiceLevel(definition, shortAbandon: try columns.take())
    }
  }

  /// Remembers which version each queue of a configuration has.
  static func save(_ definitions: Definitions, of hash: String, _ db: Database) throws {
    let insert = try db.cachedStatement(sql: "INSERT OR REPLACE INTO configuration_queue VALUES (?, ?, ?)")
    for (index, queue) in definitions.queues.enumerated() {
      let level = ServiceLevel(queue.serviceLevel, shortAbandon: queue.shortAbandon)
      try insert.execute(arguments: [hash, index, try intern(level, db)])
    }
  }

  /// The definition of each queue under a configuration.
  static func load(_ hash: String, _ db: Database) throws -> [QueueID: Version] {
    let find = try db.cachedStatement(
      sql: """
        SELECT queue, version, within FROM configuration_queue
        JOIN service_level ON version = service_level WHERE hash = ?
        """)
    var levels: [QueueID: Version] = [:]
    let rows = try Row.fetchCursor(find, arguments: [hash])
    while let row = try rows.next() {
      var columns = Columns(row)
      levels[QueueID(index: try columns.takeIndex())] = Version(
        version: try columns.take(), within: try columns.take())
    }
    return levels
  }
}
