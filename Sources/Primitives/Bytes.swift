/// Appends integers and byte strings, big-endian: journal records, checkpoints and wire formats.
public struct ByteWriter: Sendable {
  public private(set) var bytes: [UInt8] = []
  public init() {}
  public init(reusing bytes: [UInt8]) { self.bytes = bytes; self.bytes.removeAll(keepingCapacity: true) }

  public mutating func write<Integer: FixedWidthInteger>(_ value: Integer) {
    withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
  }
  public mutating func write(raw data: some Collection<UInt8>) { bytes.append(contentsOf: data) }
  /// A byte string of at most 4 GiB behind its length in four bytes.
  public mutating func write(counted data: some Collection<UInt8>) {
    write(UInt32(data.count))
    bytes.append(contentsOf: data)
  }
  public mutating func write(_ string: String) { write(counted: string.utf8) }
  public mutating func write(_ flag: Bool) { bytes.append(flag ? 1 : 0) }
  public mutating func write(_ instant: Instant) { write(instant.microseconds) }
}

/// Reads what `ByteWriter` wrote; a short or malformed input is an error with its offset, never a trap.
public struct ByteReader: Sendable {
  public struct Truncated: Error, Sendable, Equatable {
    public var offset: Int
    public init(offset: Int) { self.offset = offset }
  }
  private let bytes: [UInt8]
  public private(set) var offset = 0
  public init(_ bytes: [UInt8]) { self.bytes = bytes }

  public var isAtEnd: Bool { offset == bytes.count }
  public var remaining: Int { bytes.count - offset }

  public mutating func read<Integer: FixedWidthInteger>(_: Integer.Type = Integer.self) throws(Truncated) -> Integer {
    let width = Integer.bitWidth / 8
    guard remaining >= width else { throw Truncated(offset: offset) }
    var value: Integer = 0
    for i in 0..<width { value = Integer(truncatingIfNeeded: Int(bytes[offset + i])) | (width == 1 ? 0 : value << 8) }
    offset += width
    return value
  }
  public mutating func readBytes(_ count: Int) throws(Truncated) -> [UInt8] {
    guard count >= 0, remaining >= count else { throw Truncated(offset: offset) }
    defer { offset += count }
    return Array(bytes[offset..<offset + count])
  }
  public mutating func readCounted() throws(Truncated) -> [UInt8] { try readBytes(Int(try read(UInt32.self))) }
  public mutating func readString() throws(Truncated) -> String { String(decoding: try readCounted(), as: UTF8.self) }
  public mutating func readBool() throws(Truncated) -> Bool { try read(UInt8.self) != 0 }
  public mutating func readInstant() throws(Truncated) -> Instant { Instant(microseconds: try read(Int64.self)) }
}
