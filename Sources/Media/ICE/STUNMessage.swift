import Digest

/// What ICE reads of a STUN message (RFC 8489), with places in the datagram instead of copies.
public struct STUNMessage: Sendable, Equatable {
  public enum Kind: UInt8, Sendable { case request, indication, success, error }

  /// 96 bits that tie a response to its request.
  public struct Transaction: Hashable, Sendable {
    public var high: UInt32
    public var low: UInt64
    public init(high: UInt32, low: UInt64) { self.high = high; self.low = low }
  }

  /// The part that the sender plays in ICE, and its tie-breaker (RFC 8445 section 7.1.3).
  public enum Role: Hashable, Sendable { case controlling(UInt64), controlled(UInt64) }

  public static let headerSize = 20
  /// The only method that ICE uses.
  public static let binding: UInt16 = 1
  static let cookie: UInt32 = 0x2112_a442
  static let fingerprintMask: UInt32 = 0x5354_554e

  public var kind: Kind
  public var method: UInt16
  public var transaction: Transaction
  public var username: Range<Int>?
  public var priority: UInt32?
  public var role: Role?
  public var usesCandidate = false
  public var mappedAddress: NetworkAddress?
  public var errorCode: UInt16?
  /// Attributes that must be understood and are not, in their order; at most eight are kept.
  public var unknownAttributes: [UInt16] = []
  /// Where the MESSAGE-INTEGRITY attribute begins.
  public var integrity: Int?
  public var hasFingerprint = false

  /// Reads a datagram; nil if it is not one whole STUN message, or if its FINGERPRINT does not fit. What follows
  /// MESSAGE-INTEGRITY is not protected and therefore not read; of an attribute that comes twice the first counts.
  public init?(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.count >= Self.headerSize, bytes[0] < 0x40, bytes.word(4) == Self.cookie,
      Int(bytes.short(2)) == bytes.count - Self.headerSize, bytes.count % 4 == 0
    else { return nil }
    let type = bytes.short(0)
    guard let kind = Kind(rawValue: UInt8(type >> 7 & 2 | type >> 4 & 1)) else { return nil }
    self.kind = kind
    method = type & 0xf | type >> 1 & 0x70 | type >> 2 & 0xf80
    transaction = Transaction(high: bytes.word(8), low: bytes.long(12))
    var place = Self.headerSize
    while place < bytes.count {
      guard !hasFingerprint, let next = read(attributeAt: place, in: bytes) else { return nil }
      place = next
    }
  }

  /// Reads one attribute; returns where the next one begins, nil if it is malformed.
  private mutating func read(attributeAt place: Int, in bytes: UnsafeRawBufferPointer) -> Int? {
    // All lengths are multiples of four, so there are four bytes.
    let length = Int(bytes.short(place + 2))
    let value = place + 4..<place + 4 + length
    let next = place + 4 + (length + 3) & ~3
    guard next <= bytes.count else { return nil }
    guard let attribute = STUNAttribute(rawValue: bytes.short(place)) else {
      let type = bytes.short(place)
      if type < 0x8000, integrity == nil, unknownAttributes.count < 8 { unknownAttributes.append(type) }
      return next
    }
    if attribute == .fingerprint {
      guard length == 4, bytes.word(value.lowerBound) == crc32(bytes[..<place]) ^ Self.fingerprintMask else {
        return nil
      }
      hasFingerprint = true
      return next
    }
    guard integrity == nil else { return next }
    return take(attribute, value, in: bytes) ? next : nil
  }

  private mutating func take(_ attribute: STUNAttribute, _ value: Range<Int>, in bytes: UnsafeRawBufferPointer) -> Bool
  {
    switch attribute {
    case .username:
      if username == nil { username = value }
      return value.count < 514
    case .messageIntegrity:
      integrity = value.lowerBound - 4
      return value.count == 20
    case .errorCode:
      guard value.count >= 4 else { return false }
      let code = UInt16(bytes[value.lowerBound + 2] & 7) * 100 + UInt16(bytes[value.lowerBound + 3])
      if errorCode == nil { errorCode = code }
      return true
    case .xorMappedAddress:
      guard let address = address(value, in: bytes) else { return false }
      if mappedAddress == nil { mappedAddress = address }
      return true
    case .priority:
      guard value.count == 4 else { return false }
      if priority == nil { priority = bytes.word(value.lowerBound) }
      return true
    case .useCandidate:
      usesCandidate = true
      return value.isEmpty
    case .iceControlled, .iceControlling:
      guard value.count == 8 else { return false }
      let tieBreaker = bytes.long(value.lowerBound)
      if role == nil { role = attribute == .iceControlled ? .controlled(tieBreaker) : .controlling(tieBreaker) }
      return true
    case .mappedAddress, .unknownAttributes, .realm, .nonce, .fingerprint:
      return true
    }
  }

  private func address(_ value: Range<Int>, in bytes: UnsafeRawBufferPointer) -> NetworkAddress? {
    let start = value.lowerBound
    guard value.count >= 8 else { return nil }
    let port = bytes.short(start + 2) ^ UInt16(Self.cookie >> 16)
    switch (bytes[start + 1], value.count) {
    case (1, 8):
      return NetworkAddress(ipv4: bytes.word(start + 4) ^ Self.cookie, port: port)
    case (2, 20):
      let high = UInt64(Self.cookie) << 32 | UInt64(transaction.high)
      return NetworkAddress(
        high: bytes.long(start + 4) ^ high, low: bytes.long(start + 12) ^ transaction.low, port: port)
    default:
      return nil
    }
  }

  /// The receiver's part of a check's USERNAME, before the colon: by it a socket that many calls share finds the call.
  public func receiverFragment(in bytes: UnsafeRawBufferPointer) -> Slice<UnsafeRawBufferPointer>? {
    guard let username, let colon = bytes[username].firstIndex(of: UInt8(ascii: ":")) else { return nil }
    return bytes[username.lowerBound..<colon]
  }

  /// Whether MESSAGE-INTEGRITY is there and was made with this key (RFC 8489 section 14.5). With short-term credentials
  /// the key is the password.
  public func isAuthentic(_ bytes: UnsafeRawBufferPointer, key: [UInt8]) -> Bool {
    guard let integrity else { return false }
    var covered = Array(bytes[..<integrity])
    // The length covers the attribute itself and nothing behind it.
    let length = UInt16(truncatingIfNeeded: integrity + 24 - Self.headerSize)
    covered[2] = UInt8(length >> 8)
    covered[3] = UInt8(length & 0xff)
    let code = HashFunction.sha1.authenticationCode(of: covered, key: key)
    return equalInConstantTime(code, Array(bytes[integrity + 4..<integrity + 24]))
  }
}

/// The attributes that ICE and its error responses know (RFC 8489 section 18.3, RFC 8445 section 16.1).
enum STUNAttribute: UInt16 {
  case mappedAddress = 0x0001
  case username = 0x0006
  case messageIntegrity = 0x0008
  case errorCode = 0x0009
  case unknownAttributes = 0x000a
  case realm = 0x0014
  case nonce = 0x0015
  case xorMappedAddress = 0x0020
  case priority = 0x0024
  case useCandidate = 0x0025
  case fingerprint = 0x8028
  case iceControlled = 0x8029
  case iceControlling = 0x802a
}

/// Builds a STUN message: attributes in the order given, then `sign`, then `finish`.
public struct STUNWriter: Sendable {
  private var bytes: [UInt8]
  private let transaction: STUNMessage.Transaction

  public init(_ kind: STUNMessage.Kind, _ transaction: STUNMessage.Transaction) {
    self.transaction = transaction
    bytes = []
    bytes.reserveCapacity(128)
    let kind = UInt16(kind.rawValue)
    write(STUNMessage.binding | kind << 4 & 0x10 | kind << 7 & 0x100)
    write(UInt16(0))
    write(STUNMessage.cookie)
    write(transaction.high)
    write(transaction.low)
  }

  public mutating func username(_ name: [UInt8]) { append(.username, name.count) { $0.bytes += name } }
  public mutating func priority(_ priority: UInt32) { append(.priority, 4) { $0.write(priority) } }
  public mutating func useCandidate() { append(.useCandidate, 0) { _ in } }
  public mutating func role(_ role: STUNMessage.Role) {
    switch role {
    case .controlled(let tieBreaker): append(.iceControlled, 8) { $0.write(tieBreaker) }
    case .controlling(let tieBreaker): append(.iceControlling, 8) { $0.write(tieBreaker) }
    }
  }

  public mutating func mappedAddress(_ address: NetworkAddress) {
    let isIPv4 = address.high == 0 && address.low >> 32 == 0xffff
    let transaction = transaction
    append(.xorMappedAddress, isIPv4 ? 8 : 20) { message in
      message.write(isIPv4 ? UInt16(1) : 2)
      message.write(address.port ^ UInt16(STUNMessage.cookie >> 16))
      if isIPv4 {
        message.write(UInt32(truncatingIfNeeded: address.low) ^ STUNMessage.cookie)
      } else {
        message.write(address.high ^ (UInt64(STUNMessage.cookie) << 32 | UInt64(transaction.high)))
        message.write(address.low ^ transaction.low)
      }
    }
  }

  /// - Parameter reason: a short text, which nobody needs to read.
  public mutating func error(_ code: UInt16, _ reason: String) {
    append(.errorCode, 4 + reason.utf8.count) { message in
      message.write(UInt16(0))
      message.write((code / 100) << 8 | code % 100)
      message.bytes += reason.utf8
    }
  }

  public mutating func unknownAttributes(_ types: [UInt16]) {
    append(.unknownAttributes, types.count * 2) { message in for type in types { message.write(type) } }
  }

  /// MESSAGE-INTEGRITY over what is there.
  public mutating func sign(_ key: [UInt8]) {
    setLength(bytes.count + 24)
    let code = HashFunction.sha1.authenticationCode(of: bytes, key: key)
    append(.messageIntegrity, code.count) { $0.bytes += code }
  }

  /// The message with its FINGERPRINT.
  public mutating func finish() -> [UInt8] {
    setLength(bytes.count + 8)
    let sum = bytes.withUnsafeBytes { crc32($0[...]) } ^ STUNMessage.fingerprintMask
    append(.fingerprint, 4) { $0.write(sum) }
    return bytes
  }

  /// An attribute of a type that has no function of its own here.
  public mutating func attribute(_ type: UInt16, _ value: [UInt8]) { append(type, value.count) { $0.bytes += value } }

  private mutating func append(_ attribute: STUNAttribute, _ length: Int, _ value: (inout STUNWriter) -> Void) {
    append(attribute.rawValue, length, value)
  }

  private mutating func append(_ type: UInt16, _ length: Int, _ value: (inout STUNWriter) -> Void) {
    write(type)
    write(UInt16(truncatingIfNeeded: length))
    value(&self)
    while bytes.count % 4 != 0 { bytes.append(0) }
    setLength(bytes.count)
  }

  private mutating func setLength(_ total: Int) {
    let length = UInt16(truncatingIfNeeded: total - STUNMessage.headerSize)
    bytes[2] = UInt8(length >> 8)
    bytes[3] = UInt8(length & 0xff)
  }

  private mutating func write(_ value: some FixedWidthInteger) {
    withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
  }
}

/// Big-endian integers of a datagram; the places were checked before.
extension UnsafeRawBufferPointer {
  @inline(__always) func short(_ place: Int) -> UInt16 {
    UInt16(bigEndian: loadUnaligned(fromByteOffset: place, as: UInt16.self))
  }
  @inline(__always) func word(_ place: Int) -> UInt32 {
    UInt32(bigEndian: loadUnaligned(fromByteOffset: place, as: UInt32.self))
  }
  @inline(__always) func long(_ place: Int) -> UInt64 {
    UInt64(bigEndian: loadUnaligned(fromByteOffset: place, as: UInt64.self))
  }
}

/// The CRC of ITU-T V.42, which FINGERPRINT uses.
private func crc32(_ bytes: Slice<UnsafeRawBufferPointer>) -> UInt32 {
  ~bytes.reduce(~UInt32(0)) { $0 >> 8 ^ crcTable[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] }
}

private let crcTable: [UInt32] = (0..<256).map { byte in
  (0..<8).reduce(UInt32(byte)) { sum, _ in sum & 1 == 0 ? sum >> 1 : sum >> 1 ^ 0xedb8_8320 }
}
