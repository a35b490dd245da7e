/// A well-formed SIP message: one byte buffer and offsets into it. It exists only if the whole of it was understood
/// (RFC 3261 section 7, 25). A `Sendable` value, cheap to hand to another thread.
public struct Message: Sendable {
  public enum Kind: Sendable, Equatable {
    case request(Method)
    case response(status: Int)
  }

  /// Parses one whole message: a datagram, or what the stream framer cut.
  public init(parsing bytes: [UInt8], limits: Limits = Limits()) throws(ParseError) { fatalError("unwritten") }

  public var kind: Kind { fatalError("unwritten") }
  /// The method of a request, or of the CSeq of a response.
  public var method: Method { fatalError("unwritten") }
  /// Of a response; 0 for a request.
  public var status: Int { fatalError("unwritten") }
  public var requestURI: URI { fatalError("unwritten") }
  public var from: Address { fatalError("unwritten") }
  public var to: Address { fatalError("unwritten") }
  public var callID: String { fatalError("unwritten") }
  public var cseq: UInt32 { fatalError("unwritten") }
  public var contacts: [Address] { fatalError("unwritten") }
  public var body: ArraySlice<UInt8> { fatalError("unwritten") }
  /// Media type in lower case without parameters, as `application/sdp`.
  public var contentType: String? { fatalError("unwritten") }
  /// The first value of a header by name (any case, compact or long), unfolded.
  public func header(_ name: String) -> String? { fatalError("unwritten") }
  /// All values of a header, comma-separated lists taken apart where the header's grammar allows.
  public func headers(_ name: String) -> [String] { fatalError("unwritten") }
  /// The message as received.
  public var bytes: [UInt8] { fatalError("unwritten") }
}

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

public struct Limits: Sendable, Equatable {
  public var message = 65_536
  public var headerLine = 8_192
  public var headers = 100
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
    self.offset = offset; self.reason = reason; self.status = status
  }
}

/// A SIP, SIPS, TEL or other URI (RFC 3261 section 19.1).
public struct URI: Hashable, Sendable, CustomStringConvertible {
  /// Lower case.
  public var scheme: String
  /// Percent-decoding is not applied.
  public var user: String?
  /// Lower case; IPv6 without brackets.
  public var host: String
  public var port: UInt16?
  public var parameters: [Parameter]
  public struct Parameter: Hashable, Sendable {
    public var name: String
    public var value: String?
    public init(name: String, value: String?) { self.name = name; self.value = value }
  }
  public init(scheme: String = "sip", user: String? = nil, host: String, port: UInt16? = nil, parameters: [Parameter] = []) {
    self.scheme = scheme; self.user = user; self.host = host; self.port = port; self.parameters = parameters
  }
  public init(parsing text: String) throws(ParseError) { fatalError("unwritten") }
  public var description: String { fatalError("unwritten") }
}

/// A name-addr or addr-spec with its header parameters (From, To, Contact).
public struct Address: Hashable, Sendable {
  public var displayName: String?
  public var uri: URI
  public var parameters: [URI.Parameter]
  public var tag: String? { parameters.first { $0.name == "tag" }?.value }
  public init(displayName: String? = nil, uri: URI, parameters: [URI.Parameter] = []) {
    self.displayName = displayName; self.uri = uri; self.parameters = parameters
  }
}
