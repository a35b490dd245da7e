import ACD
import API
import CallControl
import HTTPTypes
import HummingbirdCore

/// What a visitor does, and what both sides of a contact share.
struct ContactRoutes: Sendable {
  let desk: Desk

  static let opening = RateLimiter.Quota(name: "contacts", burst: 10, interval: 6_000_000)
  static let posting = RateLimiter.Quota(name: "messages", burst: 20, interval: 500_000)

  var routes: [Route] {
    [
      Route(
        method: .post, path: "/v1/contacts", name: "openContact",
        summary: "Open a chat, or with an sdpOffer as the body call by voice: the answer is the sdpAnswer, and the "
          + "header Switchboard-Token is the visitor's. A web page needs an origin that the entry names, and as bearer "
          + "a token (JWT) of its own site where the entry asks for one; a program needs scope widget.",
        access: .open, query: [.init(name: "entry", summary: "The entry, as shop or web:shop.", isRequired: true)],
        headers: [
          .init(
            name: "Switchboard-Visitor",
            summary: "Of a call: base64url of the JSON that opens a chat, at most 2 KiB of it.")
        ],
        body: .of(NewContact.self), textBodies: [CallRoutes.sdp], status: .created,
        result: .json(.of(OpenedContact.self)), alsoAnswers: CallRoutes.sdp, quota: Self.opening, handle: open),
      Route(
        method: .get, path: "/v1/contacts/{contact}", name: "readContact", summary: "The contact as it is now.",
        access: .party, result: .json(.of(Contact.self)), handle: read),
      Route(
        method: .delete, path: "/v1/contacts/{contact}", name: "hangUp", summary: "End the contact.",
        access: .party, status: .noContent, result: .none, handle: hangUp),
      Route(
        method: .get, path: "/v1/contacts/{contact}/messages", name: "listMessages",
        summary: "Messages, oldest first.", access: .party,
        query: [.init(name: "after", summary: "Only those behind this message id.")],
        result: .json(.of(Page<Message>.self)), handle: messages),
      Route(
        method: .post, path: "/v1/contacts/{contact}/messages", name: "postMessage",
        summary: "Say something. The answer comes once it is stored; the event stream tells it too.", access: .party,
        body: .of(NewMessage.self), status: .created, result: .json(.of(Message.self)), quota: Self.posting,
        handle: post),
      Route(
        method: .get, path: "/v1/contacts/{contact}/events", name: "followContact",
        summary: "The contact's events. While a visitor reads them, the visitor is there.", access: .party,
        query: [.lastEventID], result: .events, handle: events),
      Route(
        method: .post, path: "/v1/contacts/{contact}/leave", name: "leave",
        summary: "The tab is closing: the visitor's token is the body, since a beacon has no headers. "
          + "Hangs up unless an event stream is back in a few seconds.",
        access: .open, status: .noContent, result: .none, handle: leave),
    ]
  }

  // MARK: Opening

  @Sendable private func open(_ exchange: Exchange) async throws -> Answer {
    guard let name = exchange.query("entry") else { throw Refused.badRequest("The query needs an entry.") }
    let site = desk.backend.site()
    let entry = try site.webEntry(named: name)
    try check(exchange, mayOpen: entry)
    try desk.checkReady()
    let voucher = try exchange.verifiedVisitor(of: entry, in: site)
    if exchange.contentType == CallRoutes.sdp {
      guard entry.channels.contains(.voice) else { throw Refused.invalid("The entry takes no calls.") }
      let visitor = try CallRoutes.visitor(exchange)
      return try await CallRoutes(desk: desk).open(try chat(visitor, voucher, entry.name, exchange), exchange)
    }
    guard entry.channels.contains(.chat) else { throw Refused.invalid("The entry takes no chats.") }
    let chat = try chat(try exchange.decode(NewContact.self), voucher, entry.name, exchange)
    guard case .contact(let view) = try await desk.perform(.openChat(chat)) else { throw Refused.internalError }
    let opened = OpenedContact(contact: Contact(view, for: .visitor), token: desk.visitorKey.token(for: view.id))
    var answer = try Answer.json(opened, status: .created)
    answer.headers[.location] = "/v1/contacts/\(view.id)"
    return answer
  }

  /// What the token says of the visitor goes before what the page says.
  private func chat(
    _ request: NewContact, _ visitor: VerifiedVisitor?, _ entry: String, _ exchange: Exchange
  ) throws -> ChatRequest {
    ChatRequest(
      entry: entry, name: try visitorName(visitor?.name ?? request.name), origin: exchange.origin,
      attributes: (visitor?.attributes ?? []) + (try attributes(request.attributes ?? [:])))
  }

  private func check(_ exchange: Exchange, mayOpen entry: Site.Entry) throws {
    if exchange.principal.has(oneOf: [.widget, .admin]) { return }
    guard let origin = exchange.origin else {
      throw Refused.forbidden("The request names no origin: programs need a token with scope widget.")
    }
    guard Origins.allows(origin, entry: entry, authority: exchange.request.head.authority) else {
      throw Refused.forbidden("The entry does not list the origin \(origin) among its origins.")
    }
    try desk.limit(desk.options.openingByOrigin, origin: origin)
  }

  private func visitorName(_ name: String?) throws -> String? {
    guard let name else { return nil }
    let kept = name.filter { !$0.unicodeScalars.contains { $0.properties.generalCategory == .control } }
    guard kept.count <= 80, kept.utf8.count <= 320 else { throw Refused.invalid("A name has at most 80 characters.") }
    return kept.allSatisfy(\.isWhitespace) ? nil : kept
  }

  private func attributes(_ attributes: [String: String]) throws -> [ChatRequest.Attribute] {
    guard attributes.count <= 16, attributes.allSatisfy({ $0.key.utf8.count <= 256 && $0.value.utf8.count <= 256 })
    else { throw Refused.invalid("There may be 16 attributes, with names and values of 256 bytes.") }
    return attributes.sorted { $0.key < $1.key }.map { .init(name: "page." + $0.key, value: $0.value) }
  }

  // MARK: Parties

  /// Who asks, in the contact's terms. Call control checks again whether an agent may act on it.
  private struct Party {
    var contact: PublicID
    var author: Author
    var audience: Audience
  }

  private func party(_ exchange: Exchange) throws -> Party {
    let id = try exchange.contact()
    switch exchange.principal {
    case .anonymous: throw Refused.unauthorized(exchange.principal)
    case .stranger(let token):
      guard desk.visitorKey.isToken(token, of: id) else { throw Refused.unauthorized(exchange.principal) }
      return Party(contact: id, author: .visitor, audience: .visitor)
    case .holder(let token):
      if token.scopes.contains(.agent), let agent = token.agent {
        return Party(contact: id, author: .agent(agent), audience: .agent)
      }
      guard token.scopes.contains(.admin) else { throw Refused.forbidden("The token lacks the scope agent or admin.") }
      return Party(contact: id, author: .system, audience: .agent)
    }
  }

  /// A party that may read: an agent only while the contact, or an offer of it, is theirs.
  private func reader(_ exchange: Exchange) async throws -> Party {
    let party = try party(exchange)
    guard case .agent(let agent) = party.author, !exchange.principal.has(oneOf: [.admin]) else { return party }
    guard case .agent(let view) = try await desk.perform(.describeAgent(agent)),
      view.contacts.contains(where: { $0.id == party.contact }) || view.offer?.contact.id == party.contact
    else { throw Refused.forbidden("The contact is not yours.") }
    return party
  }

  @Sendable private func read(_ exchange: Exchange) async throws -> Answer {
    let party = try await reader(exchange)
    return try .json(Contact(await desk.contact(party.contact), for: party.audience))
  }

  @Sendable private func hangUp(_ exchange: Exchange) async throws -> Answer {
    let party = try party(exchange)
    try await desk.perform(.hangUp(party.contact, party.author))
    return .noContent
  }

  @Sendable private func messages(_ exchange: Exchange) async throws -> Answer {
    let party = try await reader(exchange)
    // A visitor's token is good as long as the contact is known, and not for the archive.
    if party.author == .visitor { _ = try await desk.contact(party.contact) }
    var after: UInt64 = 0
    if let text = exchange.query("after") {
      guard text.hasPrefix("ms_"), let sequence = UInt64(text.dropFirst(3)) else {
        throw Refused.invalid("after is not a message id.")
      }
      after = sequence
    }
    return try .json(Page(items: await desk.backend.messages(party.contact, after).map { Message($0) }))
  }

  @Sendable private func post(_ exchange: Exchange) async throws -> Answer {
    let party = try party(exchange)
    let text = try exchange.decode(NewMessage.self).text
    guard !text.allSatisfy(\.isWhitespace) else { throw Refused.invalid("The message is empty.") }
    guard text.unicodeScalars.count <= 4_000 else { throw Refused.invalid("A message has at most 4,000 characters.") }
    guard case .message(let view) = try await desk.perform(.post(party.contact, party.author, text: text)) else {
      throw Refused.internalError
    }
    return try .json(Message(view), status: .created)
  }

  @Sendable private func events(_ exchange: Exchange) async throws -> Answer {
    let party = try await reader(exchange)
    let (desk, id) = (desk, party.contact)
    // A contact that is gone is 404 before the stream begins.
    _ = try await desk.contact(id)
    let snapshot: @Sendable () async throws -> StreamEvent.Snapshot = {
      let view = try await desk.contact(id)
      let messages = try await desk.backend.messages(id, 0).map { Message($0) }
      return StreamEvent.Snapshot(contact: Contact(view, for: party.audience), messages: messages)
    }
    guard party.author == .visitor else {
      return try desk.streams.answer(
        .contact(id), for: party.audience, exchange: exchange, snapshot: snapshot,
        mayRead: { await mayGoOn(exchange) })
    }
    return try desk.streams.answer(
      .contact(id), for: .visitor, exchange: exchange, snapshot: snapshot,
      waiting: { Contact(try await desk.contact(id), for: .visitor) },
      opened: { await desk.presence.streamOpened(id) }, closed: { desk.presence.streamClosed(id) })
  }

  /// Whether who reads a contact's events still may.
  private func mayGoOn(_ exchange: Exchange) async -> Bool {
    do {
      _ = try await reader(exchange)
      return true
    } catch {
      // A full mailbox says nothing about it.
      return Refused(error).status == .serviceUnavailable
    }
  }

  @Sendable private func leave(_ exchange: Exchange) async throws -> Answer {
    let id = try exchange.contact()
    guard desk.visitorKey.isToken(String(decoding: exchange.body, as: UTF8.self), of: id) else {
      throw Refused.unauthorized("The body must be the visitor's token for this contact.")
    }
    Task { [desk] in await desk.presence.leave(id, grace: desk.options.leaveGrace) }
    return .noContent
  }
}

extension Route.Parameter {
  static let lastEventID = Route.Parameter(
    name: "last_event_id", summary: "Where to go on; the header Last-Event-ID does the same.")
}
