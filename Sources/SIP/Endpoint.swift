/// An IP address and a port. IPv4 stands in the last four bytes of an IPv4-mapped IPv6 address.
public struct Endpoint: Hashable, Sendable, CustomStringConvertible {
  public var high: UInt64
  public var low: UInt64
  public var port: UInt16
  public init(high: UInt64, low: UInt64, port: UInt16) {
    self.high = high
    self.low = low
    self.port = port
  }
  public init(ipv4: UInt32, port: UInt16) { self.init(high: 0, low: 0xffff_0000_0000 | UInt64(ipv4), port: port) }

  /// Dotted quad or IPv6 text (brackets allowed); nil if it is a host name.
  public init?(address: String, port: UInt16) {
    let utf8 = address.utf8
    let bytes = utf8.span
    let count = bytes.count
    if let ipv4 = Self.ipv4(bytes, 0..<count) {
      self.init(ipv4: ipv4, port: port)
      return
    }
    let bracketed = count >= 2 && bytes[0] == UInt8(ascii: "[") && bytes[count - 1] == UInt8(ascii: "]")
    guard let ipv6 = IPv6(bytes, bracketed ? 1..<count - 1 : 0..<count) else { return nil }
    self.init(high: ipv6.high, low: ipv6.low, port: port)
  }

  /// The IPv4 address, if it is one.
  public var ipv4: UInt32? { high == 0 && low >> 32 == 0xffff ? UInt32(truncatingIfNeeded: low) : nil }

  public var isLoopback: Bool { high == 0 && (low == 1 || low >> 24 == 0xffff_7f) }

  /// The address without the port, as text (RFC 5952).
  public var address: String {
    if let ipv4 { return [24, 16, 8, 0].map { String(ipv4 >> UInt32($0) & 0xff) }.joined(separator: ".") }
    let groups = (0..<8).map { UInt16(truncatingIfNeeded: ($0 < 4 ? high : low) >> UInt64(48 - $0 % 4 * 16)) }
    var zeros = 0..<0
    var start = 0
    while start < 8 {
      var end = start
      while end < 8, groups[end] == 0 { end += 1 }
      if end - start > max(1, zeros.count) { zeros = start..<end }
      start = max(end, start + 1)
    }
    let text = { (part: ArraySlice<UInt16>) in part.map { String($0, radix: 16) }.joined(separator: ":") }
    if zeros.isEmpty { return text(groups[...]) }
    return text(groups[..<zeros.lowerBound]) + "::" + text(groups[zeros.upperBound...])
  }

  public var description: String { ipv4 == nil ? "[\(address)]:\(port)" : "\(address):\(port)" }
}

extension Endpoint {
  /// A dotted quad that fills the range.
  static func ipv4(_ bytes: Span<UInt8>, _ range: Range<Int>) -> UInt32? {
    var address: UInt32 = 0
    var i = range.lowerBound
    for part in 0..<4 {
      if part > 0 {
        guard bytes.isAt(UInt8(ascii: "."), i, range.upperBound) else { return nil }
        i += 1
      }
      let start = i
      var value: UInt32 = 0
      while i < range.upperBound, i - start < 3, ASCII.isDigit(bytes[i]) {
        value = value * 10 + UInt32(bytes[i] - 0x30)
        i += 1
      }
      guard i > start, value <= 255 else { return nil }
      address = address << 8 | value
    }
    return i == range.upperBound ? address : nil
  }

  /// IPv6 text that fills a range. A third colon before an IPv4 tail is tolerated: the grammar of RFC 3261 produced it
  /// (RFC 5118 section 4.10).
  struct IPv6 {
    var high: UInt64 = 0
    var low: UInt64 = 0

    init?(_ bytes: Span<UInt8>, _ range: Range<Int>) {
      let end = range.upperBound
      var groups = InlineArray<8, UInt16>(repeating: 0)
      var count = 0
      var gap: Int?
      var i = range.lowerBound
      while i < end {
        if bytes[i] == UInt8(ascii: ":") {
          guard bytes.isAt(UInt8(ascii: ":"), i + 1, end), gap == nil else { return nil }
          gap = count
          i += 2
          if bytes.isAt(UInt8(ascii: ":"), i, end), Endpoint.ipv4(bytes, i + 1..<end) != nil { i += 1 }
          continue
        }
        if let tail = Endpoint.ipv4(bytes, i..<end) {
          guard count <= 6 else { return nil }
          groups[count] = UInt16(truncatingIfNeeded: tail >> 16)
          groups[count + 1] = UInt16(truncatingIfNeeded: tail)
          count += 2
          i = end
          break
        }
        let start = i
        var value: UInt16 = 0
        while i < end, i - start < 4, let digit = Character(UnicodeScalar(bytes[i])).hexDigitValue {
          value = value << 4 | UInt16(digit)
          i += 1
        }
        guard i > start, count < 8 else { return nil }
        groups[count] = value
        count += 1
        guard i < end else { break }
        guard bytes[i] == UInt8(ascii: ":"), i + 1 < end else { return nil }
        if bytes[i + 1] != UInt8(ascii: ":") { i += 1 }
      }
      guard gap == nil ? count == 8 : count < 8 else { return nil }
      for position in 0..<8 {
        var value: UInt16 = 0
        let skipped = 8 - count
        if position < gap ?? 8 {
          value = groups[position]
        } else if let gap, position >= gap + skipped {
          value = groups[position - skipped]
        }
        if position < 4 { high = high << 16 | UInt64(value) } else { low = low << 16 | UInt64(value) }
      }
    }
  }
}
