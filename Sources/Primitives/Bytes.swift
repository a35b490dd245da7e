/// Appends integers and byte strings, big-endian: journal records, checkpoints and wire formats.
@frozen
public struct ByteWriter: ~Copyable, Sendable {
  @usableFromInline internal var built: ByteBuilder
  /// - Parameter capacity: the room it begins with, in octets; it grows as needed.
  @inlinable public init(capacity: Int = 256) { built = ByteBuilder(capacity: capacity) }

  /// A copy of what was written.
  @inlinable public var bytes: [UInt8] { built.array }
  @inlinable public var count: Int { built.count }

  /// Keeps the room.
  @inlinable public mutating func removeAll() { built.truncate(to: 0) }

  @inlinable public mutating func write<Integer: FixedWidthInteger>(_ value: Integer) {
    built.append(bigEndian: value)
  }
  /// Writes in the place of an integer that was written before at `offset`.
  /// - Precondition: all of it stands within what was written.
  @inlinable public mutating func rewrite<Integer: FixedWidthInteger>(_ value: Integer, at offset: Int) {
    for i in 0..<Integer.bitWidth / 8 {
      built[offset + i] = UInt8(truncatingIfNeeded: value >> Integer(Integer.bitWidth - 8 * (i + 1)))
    }
  }
  @inlinable public mutating func write(raw data: [UInt8]) { data.withUnsafeBufferPointer { built.append($0) } }
  /// A byte string of at most 4 GiB behind its length in four bytes.
  @inlinable public mutating func write(counted data: [UInt8]) {
    write(UInt32(data.count))
    write(raw: data)
  }
  @inlinable public mutating func write(_ string: String) {
    write(UInt32(string.utf8.count))
    built.append(utf8: string)
  }
  @inlinable public mutating func write(_ flag: Bool) { built.append(flag ? 1 : 0) }
  @inlinable public mutating func write(_ instant: Instant) { write(instant.microseconds) }
}

extension [UInt8] {
  /// Appends a text as UTF-8, at the cost of copying its bytes.
  @inlinable @inline(__always)
  public mutating func append(utf8 text: String) {
    let utf8 = text.utf8
    utf8.span.withUnsafeBufferPointer { append(contentsOf: $0) }
  }
}

/// Reads what `ByteWriter` wrote; a short or malformed input is an error with its offset, never a trap.
@frozen
public struct ByteReader: Sendable {
  public struct Truncated: Error, Sendable, Equatable {
    public var offset: Int
    public init(offset: Int) { self.offset = offset }
  }
  @usableFromInline internal let bytes: [UInt8]
  @usableFromInline internal var position = 0
  @inlinable public init(_ bytes: [UInt8]) { self.bytes = bytes }

  @inlinable public var offset: Int { position }
  @inlinable public var isAtEnd: Bool { position == bytes.count }
  @inlinable public var remaining: Int { bytes.count - position }

  @inlinable public mutating func read<Integer: FixedWidthInteger>(
    _: Integer.Type = Integer.self
  ) throws(Truncated) -> Integer {
    let start = try skip(Integer.bitWidth / 8)
    var value: Integer = 0
    withUnsafeMutableBytes(of: &value) { value in
      for i in value.indices { value[i] = bytes[start + i] }
    }
    return Integer(bigEndian: value)
  }
  @inlinable public mutating func readBytes(_ count: Int) throws(Truncated) -> [UInt8] {
    let start = try skip(count)
    return Array(bytes[start..<offset])
  }
  @inlinable public mutating func readCounted() throws(Truncated) -> [UInt8] {
    try readBytes(Int(try read(UInt32.self)))
  }
  @inlinable public mutating func readString() throws(Truncated) -> String {
    let start = try skip(Int(try read(UInt32.self)))
    return String(decoding: bytes[start..<offset], as: UTF8.self)
  }
  @inlinable public mutating func readBool() throws(Truncated) -> Bool { try read(UInt8.self) != 0 }
  @inlinable public mutating func readInstant() throws(Truncated) -> Instant {
    Instant(microseconds: try read(Int64.self))
  }
  /// Leaves a byte string out that stands behind its length.
  @inlinable public mutating func skipCounted() throws(Truncated) { _ = try skip(Int(try read(UInt32.self))) }

  /// Moves behind `count` bytes; returns where they begin.
  @discardableResult
  @inlinable public mutating func skip(_ count: Int) throws(Truncated) -> Int {
    guard count >= 0, remaining >= count else { throw Truncated(offset: offset) }
    position += count
    return position - count
  }
}
