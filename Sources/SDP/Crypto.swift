import Primitives

/// An `a=crypto` line (RFC 4568 section 9.1) that we can take.
struct Crypto: Equatable {
  /// Up to nine digits without a leading zero, as written.
  var tag: String
  var key: SDESKey

  init(tag: String, key: SDESKey) { self.tag = tag; self.key = key }

  /// Reads `1 AES_CM_128_HMAC_SHA1_80 inline:…|2^48 WSH=128`.
  ///
  /// Nil for what must not be taken (section 5.1.2): a malformed line, an unknown suite, a key of the wrong length,
  /// more than one key, a key with an MKI (which would stand in each packet), a key that ends within the call, or
  /// session parameters that change or switch off what protects the media.
  init?(parsing value: String) {
    let fields = value.utf8.split(separator: UInt8(ascii: " "))
    guard fields.count >= 3, (1...9).contains(fields[0].count), UInt32(decimal: fields[0]) != nil,
      fields[0].count == 1 || fields[0].first != UInt8(ascii: "0"),
      let suite = SRTPSuite.allCases.first(where: { equalWords($0.rawValue.utf8, fields[1]) }),
      let key = Self.key(fields[2], of: suite), fields[3...].allSatisfy(Self.isHarmless)
    else { return nil }
    self.init(tag: String(decoding: fields[0], as: UTF8.self), key: SDESKey(suite: suite, key: key))
  }

  /// The value that `init(parsing:)` reads.
  var text: String { "\(tag) \(key.suite.rawValue) inline:\(base64(key.key))" }

  private static func key(_ field: Substring.UTF8View, of suite: SRTPSuite) -> [UInt8]? {
    let method = "inline:".utf8
    guard field.count > method.count, equalWords(field.prefix(method.count), method) else { return nil }
    // An MKI would be a third part, or a second one with a colon; it and a second key (`;`) fail below.
    let parts = field.dropFirst(method.count).split(separator: UInt8(ascii: "|"), omittingEmptySubsequences: false)
    guard parts.count <= 2, let key = bytes(base64: parts[0]), key.count == suite.keyBytes + suite.saltBytes else {
      return nil
    }
    if parts.count == 2 {
      guard let packets = lifetime(parts[1]), packets >= leastLifetime, packets <= 1 << 48 else { return nil }
    }
    return key
  }

  /// Keys are not changed within a call, so one must last: 2^20 packets are nearly six hours of audio.
  private static let leastLifetime: UInt64 = 1 << 20

  /// Packets: a number, or a power `2^20`.
  private static func lifetime(_ part: Substring.UTF8View) -> UInt64? {
    guard part.starts(with: "2^".utf8) else { return UInt64(decimal: part) }
    guard let exponent = UInt64(decimal: part.dropFirst(2)), exponent < 64 else { return nil }
    return 1 << exponent
  }

  /// A window size is only a hint, and what begins with "-" may be ignored (section 6.3).
  private static func isHarmless(_ parameter: Substring.UTF8View) -> Bool {
    if parameter.first == UInt8(ascii: "-") { return true }
    let hint = "WSH=".utf8
    guard equalWords(parameter.prefix(hint.count), hint), let window = UInt32(decimal: parameter.dropFirst(hint.count))
    else { return false }
    return window >= 64
  }
}

// MARK: Base64 (RFC 4648 section 4)

func base64Value(_ character: UInt8) -> UInt8? {
  switch character {
  case UInt8(ascii: "A")...UInt8(ascii: "Z"): character &- UInt8(ascii: "A")
  case UInt8(ascii: "a")...UInt8(ascii: "z"): character &- UInt8(ascii: "a") &+ 26
  case UInt8(ascii: "0")...UInt8(ascii: "9"): character &- UInt8(ascii: "0") &+ 52
  case UInt8(ascii: "+"): 62
  case UInt8(ascii: "/"): 63
  default: nil
  }
}

/// Some phones leave the padding away. Other characters, stray bits and wrong padding are refused.
private func bytes(base64 text: Substring.UTF8View) -> [UInt8]? {
  let digits = text.prefix { $0 != UInt8(ascii: "=") }
  let padding = text.dropFirst(digits.count)
  guard padding.allSatisfy({ $0 == UInt8(ascii: "=") }), padding.isEmpty || (digits.count + padding.count) % 4 == 0,
    padding.count <= 2, digits.count % 4 != 1
  else { return nil }
  var bytes: [UInt8] = []
  bytes.reserveCapacity(digits.count * 3 / 4)
  var (bits, count): (UInt32, Int) = (0, 0)
  for digit in digits {
    guard let value = base64Value(digit) else { return nil }
    bits = bits << 6 | UInt32(value)
    count += 6
    if count >= 8 {
      count -= 8
      bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
      bits &= (1 << UInt32(count)) - 1
    }
  }
  return bits == 0 ? bytes : nil
}

private func base64(_ bytes: [UInt8]) -> String {
  let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  var text: [UInt8] = []
  text.reserveCapacity((bytes.count + 2) / 3 * 4)
  for start in stride(from: 0, to: bytes.count, by: 3) {
    let chunk = bytes[start..<min(start + 3, bytes.count)]
    let bits = chunk.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - chunk.count))
    for place in 0..<4 {
      text.append(place <= chunk.count ? alphabet[bits >> (18 - 6 * place) & 63] : UInt8(ascii: "="))
    }
  }
  return String(decoding: text, as: UTF8.self)
}
