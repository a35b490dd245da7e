/// One RTP payload type of a media description: its encoding by `a=rtpmap`, or by the static table of RFC 3551.
public struct Codec: Sendable, Equatable {
  public var payloadType: UInt8
  /// As written; compare with `isNamed`.
  public var name: String
  /// Hz of the RTP timestamp.
  public var clockRate: Int
  public var channels = 1
  /// The `a=fmtp` parameters.
  public var parameters: String?

  public init(payloadType: UInt8, name: String, clockRate: Int, channels: Int = 1, parameters: String? = nil) {
    self.payloadType = payloadType; self.name = name; self.clockRate = clockRate
    self.channels = channels; self.parameters = parameters
  }

  /// Encoding names are compared without regard to case (RFC 4855 section 3).
  public func isNamed(_ other: String) -> Bool { name.lowercased() == other.lowercased() }

  /// The value of `a=rtpmap`: `0 PCMU/8000` or `111 opus/48000/2`; nil where it is malformed.
  public init?(rtpmap value: String) {
    let parts = value.utf8.split(separator: UInt8(ascii: " "))
    guard parts.count == 2, let payloadType = UInt8(decimal: parts[0]), payloadType < 128 else { return nil }
    let encoding = parts[1].split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    guard (2...3).contains(encoding.count), !encoding[0].isEmpty, let rate = Int32(decimal: encoding[1]), rate > 0
    else { return nil }
    var channels = 1
    if encoding.count == 3 {
      guard let count = UInt8(decimal: encoding[2]), count > 0 else { return nil }
      channels = Int(count)
    }
    self.init(
      payloadType: payloadType, name: String(decoding: encoding[0], as: UTF8.self), clockRate: Int(rate),
      channels: channels)
  }

  /// Payload types that need no `a=rtpmap` (RFC 3551 table 4), those that still occur in voice.
  public init?(staticPayloadType: UInt8) {
    switch staticPayloadType {
    case 0: self.init(payloadType: 0, name: "PCMU", clockRate: 8_000)
    case 3: self.init(payloadType: 3, name: "GSM", clockRate: 8_000)
    case 4: self.init(payloadType: 4, name: "G723", clockRate: 8_000)
    case 8: self.init(payloadType: 8, name: "PCMA", clockRate: 8_000)
    case 9: self.init(payloadType: 9, name: "G722", clockRate: 8_000)
    case 13: self.init(payloadType: 13, name: "CN", clockRate: 8_000)
    case 15: self.init(payloadType: 15, name: "G728", clockRate: 8_000)
    case 18: self.init(payloadType: 18, name: "G729", clockRate: 8_000)
    default: return nil
    }
  }

  /// The value that `init(rtpmap:)` reads.
  public var rtpmap: String { "\(payloadType) \(name)/\(clockRate)" + (channels == 1 ? "" : "/\(channels)") }
}
