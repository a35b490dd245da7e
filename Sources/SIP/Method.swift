/// A request method (RFC 3261 section 7.1); case matters.
public struct Method: Hashable, Sendable, CustomStringConvertible {
  public let name: String
  public init(_ name: String) { self.name = name }
  public var description: String { name }
  public static let invite = Method("INVITE")
  public static let ack = Method("ACK")
  public static let bye = Method("BYE")
  public static let cancel = Method("CANCEL")
  public static let register = Method("REGISTER")
  public static let options = Method("OPTIONS")
  public static let info = Method("INFO")
  public static let update = Method("UPDATE")
  public static let prack = Method("PRACK")
  public static let refer = Method("REFER")
  public static let notify = Method("NOTIFY")
  public static let subscribe = Method("SUBSCRIBE")
  public static let message = Method("MESSAGE")
  public static let publish = Method("PUBLISH")
}
