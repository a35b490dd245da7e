import ACD
import API
import CallControl
import HTTPTypes
import Hummingbird
import NIOCore
import SIP

/// One operation of the HTTP API or one page. The table of routes registers the handlers and writes the OpenAPI
/// document, so that the two cannot disagree.
struct Route: Sendable {
  enum Access: Sendable, Equatable {
    case open
    /// A token with one of these scopes.
    case scopes([Site.Token.Scope])
    /// The visitor of the contact in the path, its agent, or scope `admin`.
    case party
  }

  struct Parameter: Sendable {
    var name: String
    var summary: String
    var isRequired = false
  }

  enum Result: Sendable {
    case json(Schema)
    case none
    case events
    case text(String)
  }

  var method: HTTPRequest.Method
  /// With parameters in braces, as in OpenAPI.
  var path: String
  /// The operation's name in OpenAPI.
  var name: String
  var summary: String
  var access: Access
  var query: [Parameter] = []
  var headers: [Parameter] = []
  var body: Schema?
  /// Types of bodies that are text; `alsoAnswers` the same of answers.
  var textBodies: [String] = []
  var status = HTTPResponse.Status.ok
  var result: Result
  var alsoAnswers: String?
  /// What a stranger may do how often, beside the limit on all requests.
  var quota: RateLimiter.Quota?
  var handle: @Sendable (Exchange) async throws -> Answer

  var isPage: Bool { !path.hasPrefix("/v1/") }
}

/// What a handler answers: a value that can be kept and sent again, or a stream.
struct Answer: Sendable {
  enum Body: Sendable {
    case bytes([UInt8])
    case stream(@Sendable (inout any ResponseBodyWriter) async throws -> Void)
  }
  var status: HTTPResponse.Status
  var headers = HTTPFields()
  var body = Body.bytes([])

  static func json(_ value: some Encodable, status: HTTPResponse.Status = .ok) throws -> Answer {
    Answer(status: status, headers: [.contentType: "application/json"], body: .bytes(try JSON.encode(value)))
  }
  static func text(_ text: String, type: String = "text/plain; charset=utf-8") -> Answer {
    Answer(status: .ok, headers: [.contentType: type], body: .bytes(Array(text.utf8)))
  }
  static let noContent = Answer(status: .noContent)

  var response: Response {
    switch body {
    case .bytes(let bytes):
      var headers = headers
      if status != .noContent && status != .notModified { headers[.contentLength] = String(bytes.count) }
      return Response(
        status: status, headers: headers,
        body: bytes.isEmpty ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    case .stream(let write): return Response(status: status, headers: headers, body: ResponseBody(write))
    }
  }
}

/// One request on its way through a handler.
struct Exchange: Sendable {
  var request: Request
  /// What stands in the braces of the route's path.
  var parameters: [Substring: Substring]
  /// The client, with port 0.
  var address: Endpoint
  var principal: Principal
  /// The whole body; empty for GET.
  var body: [UInt8]

  func query(_ name: String) -> String? { request.uri.queryParameters[name[...]].map { String($0) } }

  var origin: String? { request.headers[.origin] }

  func contact() throws -> PublicID {
    guard let id = parameters["contact"].flatMap({ PublicID(parsing: $0) }) else {
      throw Refused.notFound("There is no such contact.")
    }
    return id
  }

  func offer() throws -> OfferID {
    guard let id = parameters["offer"].flatMap({ OfferID(name: $0) }) else {
      throw Refused.notFound("There is no such offer.")
    }
    return id
  }

  /// The agent who holds the token.
  func agent() throws -> AgentID {
    guard case .holder(let token) = principal, let agent = token.agent else {
      throw Refused.forbidden("The token belongs to no agent.")
    }
    return agent
  }

  /// The body's type without parameters, in small letters.
  var contentType: String? { request.headers[.contentType]?.prefix { $0 != ";" && $0 != " " }.lowercased() }

  /// - Throws: 415 that names what would be understood.
  func unknownType(_ known: String) -> Refused {
    Refused(
      status: .unsupportedMediaType, kind: "unsupported-media-type", title: "The body's type is not known here",
      detail: "Send Content-Type: \(known).")
  }

  /// The JSON body. A request without one means an empty object.
  func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
    guard body.isEmpty || contentType == "application/json" else { throw unknownType("application/json") }
    return try decode(type, from: body.isEmpty ? Array("{}".utf8) : body, in: "The body")
  }

  /// - Parameter place: where the JSON stands, to begin a sentence with.
  func decode<Value: Decodable>(_: Value.Type, from json: [UInt8], in place: String) throws -> Value {
    do { return try JSON.decode(json) } catch let error as DecodingError { throw Self.refusal(for: error, in: place) }
  }

  private static func refusal(for error: DecodingError, in place: String) -> Refused {
    func path(_ context: DecodingError.Context) -> String {
      context.codingPath.map(\.stringValue).joined(separator: ".")
    }
    return switch error {
    case .keyNotFound(let key, _): .invalid("The field \(key.stringValue) is missing.")
    case .typeMismatch(_, let context) where !context.codingPath.isEmpty,
      .valueNotFound(_, let context) where !context.codingPath.isEmpty:
      .invalid("The field \(path(context)) has the wrong type.")
    case .dataCorrupted: .badRequest("\(place) is not JSON.")
    default: .invalid("\(place) must be a JSON object.")
    }
  }

  /// An RFC 3339 time in the query.
  func time(_ name: String) throws -> Timestamp? {
    guard let text = query(name) else { return nil }
    guard let time = Timestamp(text) else { throw Refused.invalid("\(name) is not a time as in RFC 3339.") }
    return time
  }

  /// The page size in the query.
  func limit(default standard: Int, most: Int) throws -> Int {
    guard let text = query("limit") else { return standard }
    guard let limit = Int(text), (1...most).contains(limit) else {
      throw Refused.invalid("limit must be a number from 1 to \(most).")
    }
    return limit
  }
}

/// Hummingbird's context with the peer's address.
struct ConnectionContext: RequestContext {
  var coreContext: CoreRequestContextStorage
  let peer: Endpoint?

  init(source: ApplicationRequestContextSource) {
    coreContext = CoreRequestContextStorage(source: source)
    peer = source.channel.peer
  }
}
