public import Primitives

/// The name by which the outside knows a contact: 128 unpredictable bits, written `ct_` and 26 characters.
public struct PublicID: Hashable, Sendable, CustomStringConvertible {
  public let high: UInt64
  public let low: UInt64
  public init(high: UInt64, low: UInt64) { self.high = high; self.low = low }
  public init(from entropy: inout Entropy) { self.init(high: entropy.next(), low: entropy.next()) }

  private static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)

  /// Crockford's base 32, most significant digit first, behind the prefix.
  public var description: String {
    var digits: [UInt8] = []
    var value = (high, low)
    for _ in 0..<26 {
      digits.append(Self.alphabet[Int(value.1 & 31)])
      value.1 = value.1 >> 5 | value.0 << 59
      value.0 >>= 5
    }
    return "ct_" + String(decoding: digits.reversed(), as: UTF8.self)
  }

  public init?(parsing text: some StringProtocol) {
    let bytes = Array(text.utf8)
    guard bytes.count == 29, bytes.starts(with: Array("ct_".utf8)) else { return nil }
    var high: UInt64 = 0
    var low: UInt64 = 0
    for byte in bytes.dropFirst(3) {
      guard let digit = Self.alphabet.firstIndex(of: byte), high >> 59 == 0 else { return nil }
      high = high << 5 | low >> 59
      low = low << 5 | UInt64(digit)
    }
    self.init(high: high, low: low)
  }
}

/// A command whose sender waits for the reply.
public struct RequestID: Hashable, Sendable {
  public let number: UInt64
  public init(number: UInt64) { self.number = number }
}

/// A page while it is an agent's phone, written `ph_` and 16 hexadecimal digits: another page that takes the phone over
/// has another one. Unpredictable.
public struct PhoneID: Hashable, Sendable, CustomStringConvertible {
  public let number: UInt64
  public init(number: UInt64) { self.number = number }

  public var description: String {
    let digits = String(number, radix: 16)
    return "ph_" + String(repeating: "0", count: 16 - digits.utf8.count) + digits
  }

  public init?(parsing text: some StringProtocol) {
    guard text.hasPrefix("ph_"), text.utf8.count == 19, let number = UInt64(text.dropFirst(3), radix: 16) else {
      return nil
    }
    self.number = number
  }
}

/// One leg's media and what plays or joins there; allocated by call control, used by the media threads.
public struct MediaID: SlotID {
  public let slot: UInt32
  public let generation: UInt32
  public init(slot: UInt32, generation: UInt32) { self.slot = slot; self.generation = generation }
}
