/// A network address as `c=` and `o=` give it (RFC 8866 section 5.7).
public struct Connection: Sendable, Equatable {
  public enum AddressType: String, Sendable { case ip4 = "IP4", ip6 = "IP6" }
  public var addressType: AddressType
  /// A numeric address or a host name, without the TTL and range that a multicast address may carry.
  public var address: String
  /// What followed the address: TTL and range with their slash, or nothing.
  public var suffix = ""

  public init(addressType: AddressType, address: String) { self.addressType = addressType; self.address = address }

  /// The address type follows from the text: a colon means IPv6.
  public init(address: String) {
    self.init(addressType: address.utf8.contains(UInt8(ascii: ":")) ? .ip6 : .ip4, address: address)
  }

  /// What the address says about where media may go.
  public enum Reach: Sendable, Equatable {
    /// One host: media may be sent there.
    case unicast
    /// 0.0.0.0 or `::`, the hold of RFC 2543.
    case unspecified
    /// Multicast or broadcast, where a call's media never goes.
    case group
    /// A host name; the media path resolves none.
    case hostName
  }

  public var reach: Reach {
    if let ipv4 = Self.ipv4(address.utf8[...]) {
      if ipv4 == 0 { return .unspecified }
      return ipv4 >> 24 >= 224 ? .group : .unicast
    }
    if let groups = Self.ipv6(address.utf8[...]) {
      if groups.allSatisfy({ $0 == 0 }) { return .unspecified }
      return groups[0] >> 8 == 0xff ? .group : .unicast
    }
    return .hostName
  }

  private static func ipv4(_ text: Substring.UTF8View) -> UInt32? {
    var address: UInt32 = 0
    var (octet, digits, dots) = (UInt32(0), 0, 0)
    for byte in text {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"):
        octet = octet * 10 + UInt32(byte - UInt8(ascii: "0"))
        digits += 1
        guard digits <= 3, octet <= 255 else { return nil }
      case UInt8(ascii: "."):
        guard digits > 0, dots < 3 else { return nil }
        address = address << 8 | octet
        (octet, digits, dots) = (0, 0, dots + 1)
      default: return nil
      }
    }
    return digits > 0 && dots == 3 ? address << 8 | octet : nil
  }

  /// Eight groups, after RFC 4291 section 2.2; a zone is not allowed in SDP.
  private static func ipv6(_ text: Substring.UTF8View) -> [UInt16]? {
    var head: [UInt16] = []
    var tail: [UInt16] = []
    var compressed = false
    let parts = text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    guard (3...9).contains(parts.count) else { return nil }
    for (place, part) in parts.enumerated() {
      var groups: [UInt16] = []
      if part.isEmpty {
        // "::" at either end yields two empty parts; only the inner one stands for the zeros.
        if place == 0 || place == parts.count - 1 {
          guard parts[place == 0 ? 1 : place - 1].isEmpty else { return nil }
          continue
        }
        guard !compressed else { return nil }
        compressed = true
        continue
      } else if place == parts.count - 1, let ipv4 = ipv4(part) {
        groups = [UInt16(truncatingIfNeeded: ipv4 >> 16), UInt16(truncatingIfNeeded: ipv4)]
      } else {
        guard part.count <= 4, let group = UInt16(hexadecimal: part) else { return nil }
        groups = [group]
      }
      if compressed { tail += groups } else { head += groups }
    }
    let zeros = 8 - head.count - tail.count
    guard compressed ? zeros >= 1 : zeros == 0 else { return nil }
    return head + Array(repeating: 0, count: zeros) + tail
  }
}

extension FixedWidthInteger {
  /// Decimal digits only: no sign, no space, no overflow.
  init?(decimal digits: some Collection<UInt8>) { self.init(digits: digits, radix: 10) }
  init?(hexadecimal digits: some Collection<UInt8>) { self.init(digits: digits, radix: 16) }

  /// The same of a range.
  init?(decimal bytes: Span<UInt8>, _ range: Range<Int>) {
    guard !range.isEmpty else { return nil }
    var value: Self = 0
    for i in range {
      let digit = bytes[i] &- UInt8(ascii: "0")
      guard digit < 10 else { return nil }
      let (product, overflowed) = value.multipliedReportingOverflow(by: 10)
      let (sum, carried) = product.addingReportingOverflow(Self(digit))
      guard !overflowed, !carried else { return nil }
      value = sum
    }
    self = value
  }

  private init?(digits: some Collection<UInt8>, radix: Self) {
    guard !digits.isEmpty else { return nil }
    var value: Self = 0
    for byte in digits {
      let digit: UInt8
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte &- UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte &- UInt8(ascii: "a") &+ 10
      case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte &- UInt8(ascii: "A") &+ 10
      default: return nil
      }
      guard digit < radix else { return nil }
      let (product, overflowed) = value.multipliedReportingOverflow(by: radix)
      let (sum, carried) = product.addingReportingOverflow(Self(digit))
      guard !overflowed, !carried else { return nil }
      value = sum
    }
    self = value
  }
}
