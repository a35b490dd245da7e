public import ACD
public import CallControl
import Foundation
import GRDB
import Primitives

/// Reads a journal, while a server writes it or not: for the web edge, reports and replays.
public struct JournalReader: Sendable {
  let database: any DatabaseReader

  init(_ database: any DatabaseReader) { self.database = database }

  /// Opens the journal of a server, running or not, for reading only. What a server that was killed left unfolded is
  /// folded first.
  public init(path: String) throws {
    guard FileManager.default.isReadableFile(atPath: path) else {
      throw JournalError.inaccessible(path: path, reason: "there is no such file, or it may not be read")
    }
    var configuration = Configuration()
    configuration.readonly = true
    configuration.busyMode = .timeout(5)
    self.init(try DatabasePool(path: path, configuration: configuration))
    // A running server holds the lock, and folds by itself; a journal that may not be written is read as it is.
    if try !isFolded { _ = try? JournalStore(path: path) }
  }

  private var isFolded: Bool {
    get throws {
      try database.read { db in
        try Bool.fetchOne(
          db, sql: "SELECT (SELECT sequence FROM progress) >= ifnull((SELECT max(sequence) FROM record), 0)") ?? true
      }
    }
  }

  // MARK: - Restoring

  public func restore() throws -> Restored {
    try database.read { db in
      var restored = Restored(names: try NameTable.load(db), lastSequence: 0)
      if let row = try Row.fetchOne(db, sql: "SELECT sequence, at FROM record ORDER BY sequence DESC LIMIT 1") {
        var columns = Columns(row)
        restored.lastSequence = try columns.takeSequence()
        restored.lastInstant = try columns.takeInstant()
      }
      if let hash = try String.fetchOne(db, sql: "SELECT configuration FROM progress") {
        restored.configuration = try Self.configuration(hash, db).map { .init(hash: hash, body: $0) }
      }
      restored.checkpoint = try Self.checkpoint(before: .max, db)
      return restored
    }
  }

  /// Hands over the records after `sequence` in order, one at a time, without holding them all.
  /// - Throws: `JournalError` on the first record that is missing or cannot be read; what `body` throws.
  public func forEachRecord(after sequence: UInt64, _ body: (CallControl.Record) throws -> Void) throws {
    try database.read { db in try Self.forEachRecord(after: sequence, db, body) }
  }

  /// The same up to the record for which `body` says that it is enough.
  public func walk(after sequence: UInt64, until body: (CallControl.Record) throws -> Bool) throws {
    try database.read { db in try Self.walk(after: sequence, db, until: body) }
  }

  static func forEachRecord(
    after sequence: UInt64, _ db: Database, _ body: (CallControl.Record) throws -> Void
  ) throws {
    try walk(after: sequence, db) { record in
      try body(record)
      return false
    }
  }

  private static func walk(
    after sequence: UInt64, _ db: Database, until body: (CallControl.Record) throws -> Bool
  ) throws {
    let rows = try Row.fetchCursor(
      db, sql: "SELECT sequence, at, cause, kind, payload FROM record WHERE sequence > ? ORDER BY sequence",
      arguments: [sequence.column])
    var last = sequence
    while let row = try rows.next() {
      var columns = Columns(row)
      let (sequence, at) = (try columns.takeSequence(), try columns.takeInstant() as Instant)
      let (cause, kind) = (try columns.takeSequence(), UInt16(truncatingIfNeeded: try columns.take() as Int64))
      let payload = try columns.takeBytes()
      let isRun = kind == RecordRun.kind
      let first = isRun ? cause : sequence
      guard first <= last + 1 else { throw JournalError.gap(expected: last + 1, found: first) }
      let records =
        isRun
        ? try RecordRun.records(of: payload, first: first, last: sequence)
        : [
          CallControl.Record(
            sequence: sequence, at: at, cause: cause,
            event: try EventCodec.decode(kind: kind, payload: payload, sequence: sequence))
        ]
      for record in records where record.sequence > last {
        last = record.sequence
        if try body(record) { return }
      }
    }
  }

  /// The sequence of the record that opened a contact, its first segment; nil if there is none.
  public func opening(of contact: PublicID) throws -> UInt64? {
    try database.read { db in
      let find = try db.cachedStatement(sql: "SELECT min(sequence) FROM contact WHERE id = ?")
      if let first = try Int64.fetchOne(find, arguments: [contact.column]) { return UInt64(first) }
      // The projections follow the records after a moment.
      let folded = try Int64.fetchOne(db, sql: "SELECT sequence FROM progress") ?? 0
      var found: UInt64?
      try Self.walk(after: UInt64(folded), db) { record in
        if case .contactOpened(_, contact, _, _) = record.event { found = record.sequence }
        return found != nil
      }
      return found
    }
  }

  /// The newest checkpoint before `sequence`: what happened then is replayed from it, as is all when no newer one can be
  /// read.
  public func checkpoint(before sequence: UInt64) throws -> Checkpoint? {
    try database.read { db in try Self.checkpoint(before: sequence, db) }
  }

  private static func checkpoint(before sequence: UInt64, _ db: Database) throws -> Checkpoint? {
    let row = try Row.fetchOne(
      db,
      sql: """
        SELECT sequence, at, configuration, body FROM checkpoint WHERE sequence < ? ORDER BY sequence DESC LIMIT 1
        """, arguments: [Int64(clamping: sequence)])
    return try row.map { row in
      var columns = Columns(row)
      return Checkpoint(
        sequence: try columns.takeSequence(), at: try columns.takeInstant(), configuration: try columns.take(),
        body: try columns.takeBytes())
    }
  }

  /// The configuration stored under a hash. May be asked for by who is being handed records.
  public func configuration(hash: String) throws -> [UInt8]? {
    try database.unsafeReentrantRead { db in try Self.configuration(hash, db) }
  }

  private static func configuration(_ hash: String, _ db: Database) throws -> [UInt8]? {
    try Data.fetchOne(db, sql: "SELECT body FROM configuration WHERE hash = ?", arguments: [hash]).map(Array.init)
  }

  public func names() throws -> Names { try database.read(NameTable.load) }

  // MARK: - Conversations

  /// The messages of a contact after `sequence`, oldest first.
  public func messages(of contact: PublicID, after sequence: UInt64 = 0, limit: Int = 1000) throws -> [MessageRow] {
    try database.read { db in
      let rows = try Row.fetchCursor(
        db.cachedStatement(
          sql: """
            SELECT sequence, at, author, agent, text FROM message
            WHERE contact = ? AND sequence > ? ORDER BY sequence LIMIT ?
            """), arguments: [contact.column, sequence.column, limit])
      var messages: [MessageRow] = []
      while let row = try rows.next() {
        var columns = Columns(row)
        let (sequence, at) = (try columns.takeSequence(), try columns.takeInstant() as Instant)
        let code: Int64 = try columns.take()
        let agent = try columns.takeIndex().map(AgentID.init(index:))
        guard let author = Author(code: UInt8(truncatingIfNeeded: code), agent: agent) else {
          throw columns.unreadable()
        }
        messages.append(
          MessageRow(sequence: sequence, contact: contact, at: at, author: author, text: try columns.take()))
      }
      return messages
    }
  }

  /// Who is behind a contact; nil if unknown or erased.
  public func person(of contact: PublicID) throws -> PersonRow? {
    try database.read { db in
      let find = try db.cachedStatement(sql: "SELECT name, address, attributes FROM person WHERE contact = ?")
      return try Row.fetchOne(find, arguments: [contact.column]).map { row in
        var columns = Columns(row)
        var person = PersonRow(
          contact: contact, name: try columns.take(), address: try columns.take(), attributes: [])
        var reader = ByteReader(try columns.takeBytes())
        while !reader.isAtEnd {
          person.attributes.append(.init(name: try reader.readString(), value: try reader.readString()))
        }
        return person
      }
    }
  }
}
