/// A voice codec that the media path carries.
public enum AudioCodec: String, Sendable, CaseIterable {
  case opus
  case pcmu = "PCMU"
  case pcma = "PCMA"

  /// What every telephone has; Opus is offered only to who is known to have it.
  public static let g711: [AudioCodec] = [.pcmu, .pcma]

  /// The payload type in our sdpOffers: the static one of RFC 3551, or what browsers number Opus.
  public var payloadType: UInt8 {
    switch self {
    case .opus: 111
    case .pcmu: 0
    case .pcma: 8
    }
  }

  /// Hz of the RTP timestamp; for Opus always 48 000, whatever the audio's own rate (RFC 7587 section 4.1).
  public var clockRate: Int { self == .opus ? 48_000 : 8_000 }

  /// What `a=rtpmap` says after the payload type. Opus always names two channels (RFC 7587 section 7).
  var encoding: String { self == .opus ? "opus/48000/2" : rawValue + "/8000" }

  /// What `a=fmtp` says of how we want to receive it. Nothing about stereo: we want one channel.
  var parameters: String? { self == .opus ? "minptime=10;useinbandfec=1" : nil }

  init?(_ codec: Codec) {
    if codec.clockRate == 48_000 {
      guard codec.channels == 2, codec.isNamed("opus") else { return nil }
      self = .opus
    } else {
      guard codec.clockRate == 8_000, codec.channels == 1 else { return nil }
      if codec.isNamed("PCMU") { self = .pcmu } else if codec.isNamed("PCMA") { self = .pcma } else { return nil }
    }
  }
}
