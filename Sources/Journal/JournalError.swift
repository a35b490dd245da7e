/// Why the journal could not be opened, read or written. What SQLite itself reports travels as GRDB's `DatabaseError`.
public enum JournalError: Error, Sendable, Equatable {
  /// A record of a kind that this version does not know: the journal was written by a newer one.
  case unknownKind(UInt16, sequence: UInt64)
  /// A record of a known kind in an encoding that this version does not know.
  case unknownVersion(UInt8, kind: UInt16, sequence: UInt64)
  /// A record whose bytes make no sense at this offset of its payload.
  case malformed(kind: UInt16, offset: Int, sequence: UInt64)
  /// Records are numbered from 1 without a gap.
  case gap(expected: UInt64, found: UInt64)
  /// Another server has the journal open.
  case locked(path: String)
  /// The file cannot be made or opened.
  case inaccessible(path: String, reason: String)
  /// A name that the journal knows by an index was changed or dropped; names are append-only.
  case renamed(kind: String, index: Int)
  /// An entry of the table of names that makes no sense.
  case unreadable(kind: String, index: Int)
}

extension JournalError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .unknownKind(let kind, let sequence):
      "record \(sequence) is of kind \(kind), which this version does not know; a newer version wrote this journal"
    case .unknownVersion(let version, let kind, let sequence):
      "record \(sequence) of kind \(kind) has encoding version \(version); a newer version wrote this journal"
    case .malformed(let kind, let offset, let sequence):
      "record \(sequence) of kind \(kind) is damaged at byte \(offset)"
    case .gap(let expected, let found):
      "record \(expected) was expected, but \(found) was found"
    case .locked(let path):
      "another server has the journal \(path) open; stop it, or name another journal"
    case .inaccessible(let path, let reason):
      "the journal \(path) cannot be opened: \(reason)"
    case .renamed(let kind, let index):
      "the name of \(kind) \(index) differs from the journal's; names are only ever added"
    case .unreadable(let kind, let index):
      "\(kind) \(index) in the journal's table of names is damaged"
    }
  }
}
