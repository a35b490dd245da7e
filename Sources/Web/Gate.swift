import API
import CallControl
import Digest
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import SIP

/// Everything that holds for every request, around the routes: limits, tokens, idempotency, CORS, security headers,
/// problems, counting.
struct Gate: HTTPResponder {
  typealias Context = ConnectionContext

  static let bodyLimit = 65_536
  /// What one address may do without a token of the site.
  static let anything = RateLimiter.Quota(name: "requests", burst: 120, interval: 50_000)

  private let routes: [Route]
  private let desk: Desk

  init(routes: [Route], desk: Desk) {
    self.routes = routes
    self.desk = desk
  }

  func respond(to request: Request, context: ConnectionContext) async throws -> Response {
    if let preflight = preflight(request) { return preflight }
    var response: Response
    do {
      let (route, parameters) = try find(request)
      response = try await run(route, parameters, request, context)
    } catch {
      response = Refused(error).answer(for: request.uri.path).response
      desk.traffic.count(route: "none", status: response.status.code)
    }
    addCORS(request, &response)
    addSecurity(request, &response)
    return response
  }

  /// The route and what stands in its path's braces. A known path with another method is 405 and says which ones
  /// there are.
  private func find(_ request: Request) throws -> (Route, [Substring: Substring]) {
    let matches = routes.compactMap { route in route.parameters(in: request.uri.path).map { (route, $0) } }
    if let match = matches.first(where: { $0.0.method == request.method }) { return match }
    guard !matches.isEmpty else { throw Refused.notFound("There is nothing at this address.") }
    throw Refused(
      status: .methodNotAllowed, kind: "method-not-allowed", title: "Another method is needed",
      headers: [.allow: matches.map(\.0.method.rawValue).joined(separator: ", ")])
  }

  // MARK: One request of a known route

  private func run(
    _ route: Route, _ parameters: [Substring: Substring], _ request: Request, _ context: ConnectionContext
  ) async throws -> Response {
    var limits = HTTPFields()
    var answer: Answer
    do {
      let exchange = try await admit(route, parameters, request, context, &limits)
      answer = try await once(route, exchange)
    } catch {
      let refused = Refused(error)
      if refused.status == .internalServerError {
        context.logger.error("A request failed", metadata: ["route": "\(route.path)", "error": "\(error)"])
      }
      answer = refused.answer(for: request.uri.path)
    }
    // A limit met further inside says more than the one at the door.
    for field in limits where answer.headers[field.name] == nil { answer.headers.append(field) }
    desk.traffic.count(route: route.path, status: answer.status.code)
    return answer.response
  }

  private func admit(
    _ route: Route, _ parameters: [Substring: Substring], _ request: Request, _ context: ConnectionContext,
    _ limits: inout HTTPFields
  ) async throws -> Exchange {
    let site = desk.backend.site()
    let principal = Principal(authorization: request.headers[.authorization], site: site)
    let address = Endpoint.client(
      peer: context.peer ?? Endpoint(high: 0, low: 0, port: 0),
      forwardedFor: request.headers[values: .xForwardedFor], forwarded: request.headers[values: .forwarded],
      trusting: site.listen.http.trustedProxies)
    if case .holder = principal {} else { try desk.limit(route.quota, address, &limits) }
    if case .scopes(let scopes) = route.access {
      guard case .holder = principal else { throw Refused.unauthorized(principal) }
      guard principal.has(oneOf: scopes) else { throw insufficient(scopes) }
    }
    var body: [UInt8] = []
    if route.method != .get {
      do { body = Array(buffer: try await request.body.collect(upTo: Self.bodyLimit)) } catch is NIOTooManyBytesError {
        throw Refused.tooLarge
      }
    }
    return Exchange(
      request: request, parameters: parameters, address: address, principal: principal, body: body)
  }

  private func insufficient(_ scopes: [Site.Token.Scope]) -> Refused {
    let names = scopes.map(\.rawValue).joined(separator: " or ")
    var refused = Refused.forbidden("The token lacks the scope \(names).")
    refused.headers[.wwwAuthenticate] = "Bearer error=\"insufficient_scope\""
    return refused
  }

  /// A POST with an `Idempotency-Key` is carried out once; its repetition gets the same answer.
  private func once(_ route: Route, _ exchange: Exchange) async throws -> Answer {
    guard route.method == .post, let text = exchange.request.headers[.idempotencyKey] else {
      return try await route.handle(exchange)
    }
    guard (1...255).contains(text.utf8.count) else {
      throw Refused.badRequest("An Idempotency-Key has 1 to 255 characters.")
    }
    let caller = exchange.principal.fingerprint(at: exchange.address, origin: exchange.origin)
    let scope = caller + " " + exchange.request.uri.path
    let key = IdempotencyCache.Key(scope: scope, key: text)
    let visitor = exchange.request.headers[.switchboardVisitor] ?? ""
    let request = Array(((exchange.request.uri.query ?? "") + "\0" + visitor).utf8) + [0] + exchange.body
    let fingerprint = HashFunction.sha256.hash(request)
    switch desk.begin(key, fingerprint) {
    case .answered(let answer): return answer
    case .running: throw Refused.inProgress
    case .other: throw Refused.invalid("This Idempotency-Key was used with another request.")
    case .new: break
    }
    do {
      let answer = try await route.handle(exchange)
      desk.finish(key, answer)
      return answer
    } catch {
      let refused = Refused(error)
      if refused.isPassing {
        desk.abandon(key)
      } else {
        desk.finish(key, refused.answer(for: exchange.request.uri.path))
      }
      throw error
    }
  }

  // MARK: Headers

  private func preflight(_ request: Request) -> Response? {
    guard request.method == .options, request.headers[.accessControlRequestMethod] != nil else { return nil }
    var response = Response(status: .noContent)
    addCORS(request, &response)
    if response.headers[.accessControlAllowOrigin] != nil {
      response.headers[.accessControlAllowMethods] = "GET, POST, PATCH, DELETE"
      response.headers[.accessControlAllowHeaders] =
        "authorization, content-type, idempotency-key, last-event-id, switchboard-visitor"
      response.headers[.accessControlMaxAge] = "600"
    }
    return response
  }

  private func addCORS(_ request: Request, _ response: inout Response) {
    guard request.uri.path.hasPrefix("/v1/") else { return }
    response.headers[.vary] = "Origin"
    guard let origin = request.headers[.origin],
      Origins.allowsReading(origin, site: desk.backend.site(), authority: request.head.authority)
    else { return }
    response.headers[.accessControlAllowOrigin] = origin
    response.headers[.accessControlExposeHeaders] =
      "location, retry-after, ratelimit, ratelimit-policy, switchboard-token"
  }

  private func addSecurity(_ request: Request, _ response: inout Response) {
    response.headers[.xContentTypeOptions] = "nosniff"
    response.headers[.referrerPolicy] = "no-referrer"
    if response.headers[.contentSecurityPolicy] == nil {
      response.headers[.contentSecurityPolicy] = "default-src 'none'; frame-ancestors 'none'"
    }
    if response.headers[.cacheControl] == nil { response.headers[.cacheControl] = "no-store" }
  }
}

extension Route {
  /// What stands in the braces, or nil if the path is another one.
  fileprivate func parameters(in requested: String) -> [Substring: Substring]? {
    let (own, other) = (path.split(separator: "/"), requested.split(separator: "/"))
    guard own.count == other.count else { return nil }
    var parameters: [Substring: Substring] = [:]
    for (part, text) in zip(own, other) {
      if part.first == "{" { parameters[part.dropFirst().dropLast()] = text } else if part != text { return nil }
    }
    return parameters
  }
}
