/// Bounds on one message; over them it is refused, never grown into.
public struct Limits: Sendable, Equatable {
  /// Bytes of the whole message.
  public var message = 65_536
  /// Bytes of one header with its continuation lines, and of the start line.
  public var headerLine = 8_192
  public var headers = 100
  /// Via values, over all header lines.
  public var vias = 70
  public init() {}
}

/// Why bytes are not a SIP message, and at which byte.
public struct ParseError: Error, Sendable, Equatable {
  public var offset: Int
  public var reason: String
  /// The status a request with this fault deserves: 400, 505, 513…
  public var status: Int
  public init(offset: Int, reason: String, status: Int = 400) {
    self.offset = offset
    self.reason = reason
    self.status = status
  }
}
