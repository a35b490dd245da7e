/// A codec that a far end was promised, or that a packet came in.
public enum Codec: Sendable, Equatable {
  case g711(CompandingLaw)
  case opus

  /// Hz of the RTP timestamp. Opus counts at 48 kHz whatever its audio's own rate (RFC 7587 section 4.1).
  public var clockRate: UInt32 { self == .opus ? 48_000 : 8_000 }

  /// Timestamp units of a packet that we make: 20 ms.
  public var frameUnits: UInt32 { clockRate / 50 }

  /// The two laws change into each other byte by byte; Opus has to be decoded.
  public func isAkin(to other: Codec) -> Bool { (self == .opus) == (other == .opus) }
}
