/// Bytes in the making. An array asks at each append who else has it and where the bytes come from; a message is made of
/// a hundred small appends, and here each asks for room only.
@frozen
public struct ByteBuilder: ~Copyable {
  @usableFromInline internal var bytes: UnsafeMutablePointer<UInt8>
  @usableFromInline internal var capacity: Int
  @usableFromInline internal var filled = 0

  /// - Parameter capacity: the room it begins with; it grows as needed.
  @inlinable public init(capacity: Int) {
    bytes = .allocate(capacity: max(capacity, 16))
    self.capacity = max(capacity, 16)
  }
  @inlinable deinit { bytes.deallocate() }

  @inlinable public var count: Int { filled }

  /// A copy of what was appended.
  @inlinable public var array: [UInt8] { Array(UnsafeBufferPointer(start: bytes, count: filled)) }
  @inlinable public var text: String {
    String(decoding: UnsafeBufferPointer(start: bytes, count: filled), as: UTF8.self)
  }

  @inlinable public subscript(index: Int) -> UInt8 {
    get {
      precondition(index >= 0 && index < filled)
      return bytes[index]
    }
    set {
      precondition(index >= 0 && index < filled)
      bytes[index] = newValue
    }
  }

  /// Looks at the bytes without a copy.
  @inlinable @inline(__always)
  public func withSpan<Result>(_ body: (Span<UInt8>) -> Result) -> Result {
    body(UnsafeBufferPointer(start: bytes, count: filled).span)
  }

  @inlinable public mutating func append(_ byte: UInt8) {
    if filled == capacity { grow(by: 1) }
    bytes[filled] = byte
    filled += 1
  }

  @inlinable public mutating func append(_ source: UnsafeBufferPointer<UInt8>) {
    guard let start = source.baseAddress else { return }
    if capacity - filled < source.count { grow(by: source.count) }
    (bytes + filled).update(from: start, count: source.count)
    filled += source.count
  }

  public mutating func append(_ source: [UInt8], _ range: Range<Int>) {
    source.withUnsafeBufferPointer { append(UnsafeBufferPointer(rebasing: $0[range])) }
  }

  @inlinable public mutating func append<Integer: FixedWidthInteger>(bigEndian value: Integer) {
    let size = Integer.bitWidth / 8
    if capacity - filled < size { grow(by: size) }
    UnsafeMutableRawPointer(bytes + filled).storeBytes(of: value.bigEndian, as: Integer.self)
    filled += size
  }

  public mutating func append(utf8 text: String) {
    let utf8 = text.utf8
    utf8.span.withUnsafeBufferPointer { append($0) }
  }

  public mutating func append(_ word: StaticString) { word.withUTF8Buffer { append($0) } }

  public mutating func append(decimal number: Int) {
    if number < 0 { append(UInt8(ascii: "-")) }
    var digits = InlineArray<20, UInt8>(repeating: 0)
    var place = 20
    var rest = number.magnitude
    repeat {
      place -= 1
      digits[place] = 0x30 + UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
    } while rest > 0
    for i in place..<20 { append(digits[i]) }
  }

  /// Forgets all behind the first `count` bytes.
  @inlinable public mutating func truncate(to count: Int) { filled = min(filled, max(0, count)) }

  @usableFromInline
  internal mutating func grow(by count: Int) {
    let larger = max(filled + count, 2 * capacity)
    let room = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
    room.update(from: bytes, count: filled)
    bytes.deallocate()
    (bytes, capacity) = (room, larger)
  }
}
extension ByteBuilder: @unchecked Sendable {}
