import GRDB
import GRDBSQLite
import Primitives

/// A statement of the writing connection, bound and stepped through SQLite's C interface.
///
/// For what happens at every commit and every call: GRDB parses BEGIN and COMMIT anew each time and boxes each value,
/// which together cost more than what SQLite then does.
struct PreparedStatement {
  private let statement: Statement
  private let db: Database
  private var parameter: CInt = 0

  /// Parsed once per connection and text.
  init(_ sql: String, _ db: Database) throws {
    statement = try db.cachedStatement(sql: sql)
    self.db = db
  }

  // Parameters are bound in their order. SQLite copies texts and blobs.

  mutating func bind(_ value: Int64) {
    parameter += 1
    sqlite3_bind_int64(statement.sqliteStatement, parameter, value)
  }

  mutating func bind(_ value: Int64?) {
    guard let value else { return bindNull() }
    bind(value)
  }

  mutating func bind(_ text: String?) {
    guard let text else { return bindNull() }
    parameter += 1
    sqlite3_bind_text(statement.sqliteStatement, parameter, text, CInt(text.utf8.count), Self.isCopied)
  }

  mutating func bind(_ bytes: [UInt8]) {
    parameter += 1
    // A blob without an address would be null.
    if bytes.isEmpty {
      sqlite3_bind_zeroblob(statement.sqliteStatement, parameter, 0)
    } else {
      sqlite3_bind_blob(statement.sqliteStatement, parameter, bytes, CInt(bytes.count), Self.isCopied)
    }
  }

  private mutating func bindNull() {
    parameter += 1
    sqlite3_bind_null(statement.sqliteStatement, parameter)
  }

  /// Steps a statement that yields no rows, and makes it ready to be bound again.
  mutating func run() throws {
    parameter = 0
    sqlite3_step(statement.sqliteStatement)
    let code = ResultCode(rawValue: sqlite3_reset(statement.sqliteStatement))
    guard code == .SQLITE_OK else {
      throw DatabaseError(resultCode: code, message: db.lastErrorMessage, sql: statement.sql)
    }
  }

  /// SQLITE_TRANSIENT, a macro that Swift does not import.
  private static let isCopied = unsafeBitCast(OpaquePointer(bitPattern: -1), to: sqlite3_destructor_type.self)
}

extension PreparedStatement {
  mutating func bind(_ flag: Bool) { bind(flag ? 1 : 0 as Int64) }
  mutating func bind(_ instant: Instant) { bind(instant.microseconds) }
  mutating func bind(_ instant: Instant?) { bind(instant?.microseconds) }
  /// Sequences and counts stay far below 2^63.
  mutating func bind(_ count: UInt64) { bind(Int64(bitPattern: count)) }
  mutating func bind(_ index: UInt32?) { bind(index.map(Int64.init)) }
  mutating func bind(_ value: some RawRepresentable<UInt8>) { bind(Int64(value.rawValue)) }
  mutating func bind(_ value: (some RawRepresentable<UInt8>)?) { bind(value.map { Int64($0.rawValue) }) }
}
