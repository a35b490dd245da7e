import CallControl
import Primitives

/// Records that were committed together, in one row: SQLite spends more on a row than the journal on what it says. The
/// row stands under the sequence and the instant of the last of them, and its `cause` is the sequence of the first.
///
/// A row of any other kind is one record, as earlier versions wrote them.
struct RecordRun: ~Copyable {
  /// No event has it.
  static let kind: UInt16 = 0
  /// Octets from which on the next record begins another row, so that rows seldom spill over their page.
  private static let enough = 1_500

  private(set) var first: UInt64 = 0
  private(set) var last: UInt64 = 0
  private(set) var at = Instant(microseconds: 0)
  private var writer = ByteWriter(capacity: 4_096)

  var bytes: [UInt8] { writer.bytes }
  var isEmpty: Bool { writer.count == 0 }
  var isFull: Bool { writer.count >= Self.enough }

  mutating func removeAll() { writer.removeAll() }

  mutating func append(_ record: Record) {
    if isEmpty { first = record.sequence }
    (last, at) = (record.sequence, record.at)
    writer.write(record.at)
    writer.write(record.cause)
    // The kind and the length of the payload are known behind it.
    let place = writer.count
    writer.write(UInt16(0))
    writer.write(UInt32(0))
    let payload = writer.count
    let kind = EventCodec.encode(record.event, into: &writer)
    writer.rewrite(kind, at: place)
    writer.rewrite(UInt32(writer.count - payload), at: place + 2)
  }

  /// The records of a row.
  static func records(of bytes: [UInt8], first: UInt64, last: UInt64) throws(JournalError) -> [Record] {
    var reader = ByteReader(bytes)
    var records: [Record] = []
    do {
      while !reader.isAtEnd {
        let sequence = first + UInt64(records.count)
        let (at, cause, kind) = (try reader.readInstant(), try reader.read(UInt64.self), try reader.read(UInt16.self))
        let event = try EventCodec.decode(kind: kind, payload: try reader.readCounted(), sequence: sequence)
        records.append(Record(sequence: sequence, at: at, cause: cause, event: event))
      }
    } catch let error as JournalError {
      throw error
    } catch {
      throw .malformed(kind: kind, offset: reader.offset, sequence: last)
    }
    guard records.last?.sequence == last else { throw .malformed(kind: kind, offset: reader.offset, sequence: last) }
    return records
  }
}
