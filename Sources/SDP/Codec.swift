import Primitives

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
  public func isNamed(_ other: String) -> Bool {
    let (mine, theirs) = (name.utf8, other.utf8)
    return equalWords(mine.span, theirs.span)
  }

  /// The value of `a=rtpmap`: `0 PCMU/8000` or `111 opus/48000/2`; nil where it is malformed.
  public init?(rtpmap value: String) {
    let utf8 = value.utf8
    let bytes = utf8.span
    let space = UInt8(ascii: " ")
    let slash = UInt8(ascii: "/")
    var start = 0
    while start < bytes.count, bytes[start] == space { start += 1 }
    let typeEnd = bytes.index(of: space, start, bytes.count)
    guard let payloadType = UInt8(decimal: bytes, start..<typeEnd), payloadType < 128 else { return nil }
    start = typeEnd
    while start < bytes.count, bytes[start] == space { start += 1 }
    var end = bytes.count
    while end > start, bytes[end - 1] == space { end -= 1 }
    let nameEnd = bytes.index(of: slash, start, end)
    let rateEnd = bytes.index(of: slash, min(nameEnd + 1, end), end)
    guard nameEnd > start, bytes.index(of: space, start, end) == end,
      let rate = Int32(decimal: bytes, min(nameEnd + 1, end)..<rateEnd), rate > 0
    else { return nil }
    var channels = 1
    if rateEnd < end {
      guard let count = UInt8(decimal: bytes, rateEnd + 1..<end), count > 0 else { return nil }
      channels = Int(count)
    }
    let name = bytes.extracting(start..<nameEnd).withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
    self.init(payloadType: payloadType, name: name, clockRate: Int(rate), channels: channels)
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

extension [Codec] {
  /// The telephone-event that goes with a codec: the one of its clock rate, else one of 8000 Hz.
  func telephoneEvent(beside codec: AudioCodec) -> Codec? {
    let events = filter { $0.isNamed("telephone-event") }
    return events.first { $0.clockRate == codec.clockRate } ?? events.first { $0.clockRate == 8_000 }
  }
}

/// Compares ASCII words, any case.
func equalWords(_ a: some Sequence<UInt8>, _ b: some Sequence<UInt8>) -> Bool {
  a.elementsEqual(b) { folded($0) == folded($1) }
}

func equalWords(_ a: Span<UInt8>, _ b: Span<UInt8>) -> Bool {
  guard a.count == b.count else { return false }
  for i in a.indices where folded(a[i]) != folded(b[i]) { return false }
  return true
}

private func folded(_ byte: UInt8) -> UInt8 { byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte }
