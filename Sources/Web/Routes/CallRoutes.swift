import ACD
import API
import CallControl
import FoundationEssentials
import HTTPTypes
import HummingbirdCore

/// Calls by web pages, after WHIP (RFC 9725): the body is an sdpOffer, the answer our sdpAnswer, and the address in
/// `Location` takes what comes later. A visitor's call is a contact; an agent's phone is an address of its own.
struct CallRoutes: Sendable {
  let desk: Desk

  static let sdp = "application/sdp"
  static let fragment = "application/trickle-ice-sdpfrag"
  static let changing = RateLimiter.Quota(name: "calls", burst: 20, interval: 500_000)

  var routes: [Route] {
    [
      Route(
        method: .patch, path: "/v1/contacts/{contact}", name: "changeCall",
        summary: "Change a call: a new sdpOffer holds, resumes, or brings back a page that was loaded anew; a fragment "
          + "with new credentials restarts ICE (200), one with candidates is not needed (204).",
        access: .party, textBodies: [Self.sdp, Self.fragment], result: .text(Self.sdp), alsoAnswers: Self.fragment,
        quota: Self.changing, handle: change),
      Route(
        method: .post, path: "/v1/agents/{agent}/phone", name: "openPhone",
        summary: "Make this page the agent's phone, in place of an earlier one. It stays between calls; offers are "
          + "accepted as in a console.",
        access: .scopes([.agent]), textBodies: [Self.sdp], status: .created, result: .text(Self.sdp),
        quota: Self.changing, handle: openPhone),
      Route(
        method: .patch, path: "/v1/agents/{agent}/phone/{phone}", name: "changePhone",
        summary: "As for a call: a new sdpOffer, or a fragment that restarts ICE.", access: .scopes([.agent]),
        textBodies: [Self.sdp, Self.fragment], result: .text(Self.sdp), alsoAnswers: Self.fragment,
        quota: Self.changing, handle: changePhone),
      Route(
        method: .delete, path: "/v1/agents/{agent}/phone/{phone}", name: "closePhone",
        summary: "The page is the agent's phone no more.", access: .scopes([.agent]), status: .noContent,
        result: .none, handle: closePhone),
    ]
  }

  // MARK: Visitors

  /// Who calls, as the page says in a header: the body is taken.
  static func visitor(_ exchange: Exchange) throws -> NewContact {
    guard let text = exchange.request.headers[.switchboardVisitor] else { return NewContact() }
    let standard = text.map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 }.filter { $0 != "=" }
    let padding = String(repeating: "=", count: (4 - standard.count % 4) % 4)
    guard text.utf8.count <= 2_736, let json = Data(base64Encoded: String(standard) + padding), json.count <= 2_048
    else { throw Refused.badRequest("Switchboard-Visitor is base64url of at most 2 KiB of JSON.") }
    return try exchange.decode(NewContact.self, from: Array(json), in: "The header Switchboard-Visitor")
  }

  func open(_ visitor: ChatRequest, _ exchange: Exchange) async throws -> Answer {
    try checkAccepts(exchange)
    let request = CallRequest(visitor: visitor, sdpOffer: exchange.body)
    guard case .call(let view, let sdpAnswer) = try await desk.perform(.openCall(request)) else {
      throw Refused.internalError
    }
    var answer = Self.answer(sdpAnswer, status: .created)
    answer.headers[.location] = "/v1/contacts/\(view.id)"
    answer.headers[.switchboardToken] = desk.visitorKey.token(for: view.id)
    return answer
  }

  private static func answer(_ bytes: [UInt8], type: String = sdp, status: HTTPResponse.Status = .ok) -> Answer {
    Answer(status: status, headers: [.contentType: type], body: .bytes(bytes))
  }

  /// - Throws: 406 where the page takes no SDP.
  private func checkAccepts(_ exchange: Exchange) throws {
    guard let accept = exchange.request.headers[.accept]?.lowercased() else { return }
    let types = accept.split(separator: ",").map { $0.prefix { $0 != ";" }.filter { $0 != " " } }
    guard types.contains(where: { ["*/*", "application/*", Self.sdp].contains($0) }) else {
      throw Refused(
        status: .notAcceptable, kind: "not-acceptable", title: "The answer is of another type",
        detail: "An sdpOffer is answered as application/sdp.")
    }
  }

  @Sendable private func change(_ exchange: Exchange) async throws -> Answer {
    let id = try exchange.contact()
    guard case .stranger(let token) = exchange.principal, desk.visitorKey.isToken(token, of: id) else {
      throw Refused.unauthorized(exchange.principal)
    }
    return try await change(.visitor(id), exchange)
  }

  private func change(_ party: Party, _ exchange: Exchange) async throws -> Answer {
    let command: Command =
      switch exchange.contentType {
      case Self.sdp: .reoffer(party, sdpOffer: exchange.body)
      case Self.fragment: .trickle(party, fragment: exchange.body)
      default: throw exchange.unknownType("\(Self.sdp) or \(Self.fragment)")
      }
    switch try await desk.perform(command) {
    case .answer(let bytes), .phone(_, let bytes): return Self.answer(bytes)
    case .fragment(let bytes): return Self.answer(bytes, type: Self.fragment)
    default: return .noContent
    }
  }

  // MARK: Agents

  /// The agent in the path, who must be the one who holds the token.
  private func agent(_ exchange: Exchange) throws -> AgentID {
    let agent = try exchange.agent()
    let names = desk.backend.site().definitions.names.agents
    guard let name = exchange.parameters["agent"],
      name == "me" || names.indices.contains(Int(agent.index)) && name == "ag_" + names[Int(agent.index)]
    else { throw Refused.forbidden("The phone is another agent's.") }
    return agent
  }

  @Sendable private func openPhone(_ exchange: Exchange) async throws -> Answer {
    let agent = try agent(exchange)
    try checkAccepts(exchange)
    guard exchange.contentType == Self.sdp else { throw exchange.unknownType(Self.sdp) }
    guard case .phone(let id, let sdpAnswer) = try await desk.perform(.openPhone(agent, sdpOffer: exchange.body))
    else { throw Refused.internalError }
    var answer = Self.answer(sdpAnswer, status: .created)
    answer.headers[.location] = "/v1/agents/\(exchange.parameters["agent"] ?? "me")/phone/\(id)"
    return answer
  }

  private func phone(_ exchange: Exchange) throws -> PhoneID {
    guard let id = exchange.parameters["phone"].flatMap({ PhoneID(parsing: $0) }) else {
      throw Refused.notFound("There is no such phone.")
    }
    return id
  }

  @Sendable private func changePhone(_ exchange: Exchange) async throws -> Answer {
    try await change(.phone(try agent(exchange), try phone(exchange)), exchange)
  }

  @Sendable private func closePhone(_ exchange: Exchange) async throws -> Answer {
    try await desk.perform(.closePhone(try agent(exchange), try phone(exchange)))
    return .noContent
  }
}
