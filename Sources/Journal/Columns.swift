import ACD
import CallControl
import Foundation
import GRDB
import Primitives

/// How our types stand in columns. Sequences stay far below 2^63.
extension Instant { var column: DatabaseValue { microseconds.databaseValue } }
extension UInt64 { var column: DatabaseValue { Int64(bitPattern: self).databaseValue } }
extension Array<UInt8> { var column: DatabaseValue { Data(self).databaseValue } }
extension RawRepresentable<UInt8> { var column: DatabaseValue { Int64(rawValue).databaseValue } }
extension Optional<Instant> { var column: DatabaseValue { self?.column ?? .null } }
extension Optional<Int64> { var column: DatabaseValue { self?.databaseValue ?? .null } }
extension Optional where Wrapped: RawRepresentable<UInt8> { var column: DatabaseValue { self?.column ?? .null } }

extension PublicID {
  var bytes: [UInt8] {
    var writer = ByteWriter()
    writer.write(self)
    return writer.bytes
  }
  var column: DatabaseValue { bytes.column }
  init?(column bytes: Data) {
    var reader = ByteReader(Array(bytes))
    guard let id = try? reader.readPublicID(), reader.isAtEnd else { return nil }
    self = id
  }
}

extension AgentID {
  var column: DatabaseValue { Int64(index).databaseValue }
}

/// A row read by position, in the order of the query's columns: the fast way through GRDB, and a wrong type or a
/// damaged value is an error instead of a trap.
struct Columns {
  private let row: Row
  private var next = 0
  init(_ row: Row) { self.row = row }

  struct Unreadable: Error { var column: String }

  mutating func take<Value: DatabaseValueConvertible & StatementColumnConvertible>() throws -> Value {
    defer { next += 1 }
    return try row.decode(Value.self, atIndex: next)
  }
  mutating func takeInstant() throws -> Instant { Instant(microseconds: try take()) }
  mutating func takeInstant() throws -> Instant? { (try take() as Int64?).map(Instant.init(microseconds:)) }
  mutating func takeSequence() throws -> UInt64 { UInt64(bitPattern: try take() as Int64) }
  mutating func takeBytes() throws -> [UInt8] { Array(try take() as Data) }
  mutating func takeIndex() throws -> UInt32? { (try take() as Int64?).map { UInt32(truncatingIfNeeded: $0) } }
  mutating func takeIndex() throws -> UInt32 { UInt32(truncatingIfNeeded: try take() as Int64) }
  mutating func takeCase<Value: RawRepresentable<UInt8>>() throws -> Value? {
    guard let code: Int64 = try take() else { return nil }
    guard let value = UInt8(exactly: code).flatMap(Value.init(rawValue:)) else { throw unreadable() }
    return value
  }
  mutating func takeCase<Value: RawRepresentable<UInt8>>() throws -> Value {
    guard let value: Value = try takeCase() else { throw unreadable() }
    return value
  }
  mutating func takePublicID() throws -> PublicID {
    guard let id = PublicID(column: try take()) else { throw unreadable() }
    return id
  }
  func unreadable() -> Unreadable {
    Unreadable(column: Array(row.columnNames)[next - 1])
  }
}
