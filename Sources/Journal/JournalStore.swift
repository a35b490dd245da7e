import ACD
public import CallControl
import Foundation
import GRDB
public import Primitives
import Synchronization

/// The journal of one server in one SQLite file: records, erasable personal data, configurations, names, checkpoints,
/// and the projections folded from the records.
///
/// A commit writes its records and folds them in memory; the tables of the projections follow with `saveProjections`,
/// and say how far they are, so that whatever a crash left out is folded at the next start, once.
///
/// One store per file: a lock file beside it keeps a second server out. Readers (`reader`, or `JournalReader` in another
/// process) never wait for the writer.
public final class JournalStore: Sendable {
  /// What is kept of old checkpoints in any case, should the newest one prove unreadable.
  private static let checkpointsKept = 3
  private let checkpointDistance: UInt64

  public let reader: JournalReader
  private let pool: DatabasePool
  private let lock: JournalLock
  private let writer: Mutex<Writer>

  private struct Writer: ~Copyable {
    /// Nil after a failed commit: it is then ahead of the records and must be read anew.
    var projection: Projection?
    var run = RecordRun()
    var statements: Statements?
  }

  /// Those of every commit, kept: to look one up by its text costs more than to run it. They are used by whoever holds
  /// the writer, while the pool lends the connection.
  private struct Statements: @unchecked Sendable {
    var begin: PreparedStatement
    var insert: PreparedStatement
    var commit: PreparedStatement

    init(_ db: Database) throws {
      begin = try PreparedStatement("BEGIN IMMEDIATE", db)
      insert = try PreparedStatement("INSERT INTO record VALUES (?, ?, ?, ?, ?)", db)
      commit = try PreparedStatement("COMMIT", db)
    }
  }

  /// Opens the journal, making the file (for its owner only) and its tables where they do not exist.
  /// - Parameter checkpointDistance: old checkpoints that stand so many records apart are kept for good, so that what
  ///   happened then can be told without replaying all that was before.
  public init(path: String, durability: Durability = .process, checkpointDistance: UInt64 = 100_000) throws {
    self.checkpointDistance = checkpointDistance
    lock = try JournalLock(journal: path)
    try JournalLock.makePrivateFile(path)
    var configuration = Configuration()
    configuration.label = "journal"
    configuration.busyMode = .timeout(5)
    configuration.prepareDatabase { db in
      try db.execute(sql: "PRAGMA synchronous = \(durability == .process ? "NORMAL" : "FULL")")
      // A commit writes the same few pages as the last one: the longer the log, the more of that is never copied back.
      try db.execute(sql: "PRAGMA wal_autocheckpoint = 4000")
      // What is erased is overwritten, not only unlinked.
      try db.execute(sql: "PRAGMA secure_delete = ON")
    }
    pool = try DatabasePool(path: path, configuration: configuration)
    try Schema.migrator.migrate(pool)
    reader = JournalReader(pool)
    writer = Mutex(Writer())
    // A crash, or a version with fewer projections, may have left records unfolded.
    try write { writer, db in
      writer.projection = try Projection(db)
      try writer.projection?.save(db)
    }
  }

  // MARK: - Writing

  public func append(_ batch: Batch) throws { try append([batch]) }

  /// Commits batches in order in one transaction; after an error none of them is stored, and the call may be repeated.
  public func append(_ batches: [Batch]) throws {
    guard batches.contains(where: { !$0.isEmpty }) else { return }
    try write { writer, db in
      for batch in batches { try append(batch, &writer, db) }
    }
  }

  /// Brings the tables of the projections up to the last record.
  public func saveProjections() throws {
    try write { writer, db in
      if writer.projection == nil { writer.projection = try Projection(db) }
      try writer.projection?.save(db)
    }
  }

  private func write(_ body: (inout Writer, Database) throws -> Void) throws {
    try writer.withLock { writer in
      do {
        try pool.writeWithoutTransaction { db in
          var statements = try writer.statements ?? Statements(db)
          writer.statements = statements
          try statements.begin.run()
          do {
            try body(&writer, db)
            try statements.commit.run()
          } catch {
            try? db.rollback()
            throw error
          }
        }
      } catch {
        writer.projection = nil
        throw error
      }
    }
  }

  private func append(_ batch: Batch, _ writer: inout Writer, _ db: Database) throws {
    if let configuration = batch.configuration { try Self.save(configuration, db) }
    var projection = try writer.projection.take() ?? Projection(db)
    writer.run.removeAll()
    for record in batch.records {
      guard record.sequence == projection.sequence + 1 else {
        throw JournalError.gap(expected: projection.sequence + 1, found: record.sequence)
      }
      writer.run.append(record)
      if writer.run.isFull { try Self.save(&writer, db) }
      try projection.apply(record, db)
    }
    if !writer.run.isEmpty { try Self.save(&writer, db) }
    for record in batch.personal { try Self.save(record, db) }
    // Who restores from a checkpoint or a configuration finds the projections at the same place.
    if batch.checkpoint != nil || batch.configuration != nil || projection.isFull { try projection.save(db) }
    if let checkpoint = batch.checkpoint { try save(checkpoint, after: projection, db) }
    writer.projection = projection
  }

  /// Writes the run of records that has gathered.
  private static func save(_ writer: inout Writer, _ db: Database) throws {
    var insert = try (writer.statements ?? Statements(db)).insert
    insert.bind(writer.run.last)
    insert.bind(writer.run.at)
    insert.bind(writer.run.first)
    insert.bind(Int64(RecordRun.kind))
    insert.bind(writer.run.bytes)
    try insert.run()
    writer.run.removeAll()
  }

  private static func save(_ configuration: StoredConfiguration, _ db: Database) throws {
    try db.execute(
      sql: "INSERT OR IGNORE INTO configuration VALUES (?, ?)",
      arguments: [configuration.hash, Data(configuration.body)])
    try NameTable.save(configuration.definitions.names, db)
    try ServiceLevels.save(configuration.definitions, of: configuration.hash, db)
  }

  private static func save(_ record: PersonalRecord, _ db: Database) throws {
    switch record {
    case .message(let sequence, let contact, let at, let author, let text):
      var insert = try PreparedStatement("INSERT INTO message VALUES (?, ?, ?, ?, ?, ?)", db)
      insert.bind(sequence)
      insert.bind(contact.bytes)
      insert.bind(at)
      insert.bind(Int64(author.code))
      if case .agent(let id) = author { insert.bind(id.index) } else { insert.bind(nil as Int64?) }
      insert.bind(text)
      try insert.run()
    case .person(let contact, let name, let address, let attributes):
      var writer = ByteWriter()
      for attribute in attributes {
        writer.write(attribute.name)
        writer.write(attribute.value)
      }
      var insert = try PreparedStatement("INSERT OR REPLACE INTO person VALUES (?, ?, ?, ?)", db)
      insert.bind(contact.bytes)
      insert.bind(name)
      insert.bind(address)
      insert.bind(writer.bytes)
      try insert.run()
    }
  }

  private func save(_ checkpoint: [UInt8], after projection: Projection, _ db: Database) throws {
    let at = try Int64.fetchOne(
      db, sql: "SELECT at FROM record WHERE sequence = ?", arguments: [projection.sequence.column])
    try db.execute(
      sql: "INSERT OR REPLACE INTO checkpoint VALUES (?, ?, ?, ?)",
      arguments: [projection.sequence.column, at ?? 0, projection.configuration, checkpoint.column])
    // The first that is not among the newest any more; the one before it is there for good.
    let old = try UInt64.fetchAll(
      db, sql: "SELECT sequence FROM checkpoint ORDER BY sequence DESC LIMIT 2 OFFSET \(Self.checkpointsKept)")
    if let first = old.first, first - (old.dropFirst().first ?? 0) < checkpointDistance {
      try db.execute(sql: "DELETE FROM checkpoint WHERE sequence = ?", arguments: [first])
    }
  }

  // MARK: - Erasing

  /// Forgets who a contact was and what was said. The records stay, so replay is as before.
  public func erase(contact: PublicID) throws {
    try erase([
      ("DELETE FROM message WHERE contact = ?", [contact.column]),
      ("DELETE FROM person WHERE contact = ?", [contact.column]),
    ])
  }

  public func eraseMessages(olderThan instant: Instant) throws {
    try erase([("DELETE FROM message WHERE at < ?", [instant.column])])
  }

  private func erase(_ deletions: [(sql: String, arguments: StatementArguments)]) throws {
    try pool.write { db in
      for deletion in deletions { try db.execute(sql: deletion.sql, arguments: deletion.arguments) }
    }
    // The log still has the pages as they were; readers may hold it, then a later checkpoint empties it.
    _ = try? pool.writeWithoutTransaction { db in try db.checkpoint(.truncate) }
  }

  // MARK: - Projections

  /// Folds all records anew: after a change of the projections, or to prove that they are what the records say.
  public func rebuildProjections() throws {
    try write { writer, db in
      try Projection.clear(db)
      writer.projection = try Projection(db)
      try writer.projection?.save(db)
    }
  }
}
