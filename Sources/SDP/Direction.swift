/// Which way media flows, from the view of the one who says it (RFC 8866 section 6.7).
public enum Direction: String, Sendable, Equatable, CaseIterable {
  case sendrecv, sendonly, recvonly, inactive

  public init(sends: Bool, receives: Bool) {
    self = sends ? (receives ? .sendrecv : .sendonly) : (receives ? .recvonly : .inactive)
  }
  public var sends: Bool { self == .sendrecv || self == .sendonly }
  public var receives: Bool { self == .sendrecv || self == .recvonly }

  /// The same flow from the other side.
  public var reversed: Direction { Direction(sends: receives, receives: sends) }
  /// What both allow.
  public func limited(to other: Direction) -> Direction {
    Direction(sends: sends && other.sends, receives: receives && other.receives)
  }
}
