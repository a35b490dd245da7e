/// Why bytes are not a session description, and at which byte.
public struct SDPError: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Reason: String, Sendable {
    case tooLong = "the description is too long"
    case lineTooLong = "the line is too long"
    case tooManyLines = "there are too many lines"
    case tooManyMedia = "there are too many media descriptions"
    case controlByte = "a line holds NUL or a CR that ends no line"
    case emptyLine = "an empty line stands before another line"
    case notALine = "a line does not begin with a letter and '='"
    case unknownLine = "the line's letter is unknown"
    case misplacedLine = "the line does not belong at this place"
    case repeatedLine = "the line may stand only once"
    case noVersion = "the first line is not v=0"
    case noOrigin = "there is no o= line"
    case malformedOrigin = "the o= line needs user, id, version, network, address type and address"
    case malformedConnection = "the c= line needs IN, IP4 or IP6, and an address"
    case malformedMedia = "the m= line needs media, port and protocol"
    case malformedPort = "the port is not a number below 65536"
    case malformedAttribute = "the attribute has no name"
  }

  /// Where in the bytes given, counted from 0: the first byte of the line or field at fault.
  public var offset: Int
  public var reason: Reason
  public init(offset: Int, _ reason: Reason) { self.offset = offset; self.reason = reason }
  public var description: String { "byte \(offset): \(reason.rawValue)" }
}
