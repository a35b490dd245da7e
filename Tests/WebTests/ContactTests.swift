import ACD
import API
import CallControl
import Glibc
import Primitives
import NIOCore
import NIOHTTP1
import Synchronization
import Testing

@testable import Web

@Suite struct ContactTests {
  @Test("A visitor opens a chat and gets an address and a token of their own")
  func opening() async throws {
    try await withServer { server in
      let reply = try await server.send(
        .POST, "/v1/contacts?entry=demo", json: #"{"name":"Jo\u0007","attributes":{"url":"/cart"}}"#,
        headers: [("origin", server.origin)])
      #expect(reply.status == 201)
      let opened: OpenedContact = try reply.decode()
      #expect(reply.headers.first(name: "location") == "/v1/contacts/" + opened.contact.id)
      #expect(opened.contact.queue == "q_support")
      #expect(opened.contact.wait == API.WaitRange(lowSeconds: 180, highSeconds: 360))
      #expect(reply.text.contains(#""entered_at":"2023-11-14T22:13:20.123Z""#))
      guard case .openChat(let request) = server.fake.commands.first else {
        Issue.record("no chat was opened")
        return
      }
      #expect(request.entry == "web:demo")
      #expect(request.name == "Jo")
      #expect(request.origin == server.origin)
      #expect(request.attributes == [.init(name: "page.url", value: "/cart")])

      let seen = try await server.send(.GET, "/v1/contacts/" + opened.contact.id, token: opened.token)
      #expect(seen.status == 200)
      #expect(!seen.text.contains("visitor_name"), "visitors need not be told their own name")
    }
  }

  @Test("No chat begins while the journal takes no events; the same key may try again")
  func notReady() async throws {
    try await withServer { server in
      func open() async throws -> TestServer.Reply {
        try await server.send(
          .POST, "/v1/contacts?entry=demo", json: "{}", headers: [("origin", server.origin), ("idempotency-key", "k")])
      }
      server.fake.state.withLock { $0.isReady = false }
      let refused = try await open()
      #expect(refused.status == 503 && refused.headers.contains(name: "retry-after"))
      #expect(try refused.problem().type == "urn:switchboard:problem:not-ready")
      #expect(server.fake.commands.isEmpty)
      server.fake.state.withLock { $0.isReady = true }
      #expect(try await open().status == 201)
    }
  }

  @Test("The token of one visitor opens no other contact, and a made-up one opens none")
  func otherVisitor() async throws {
    try await withServer { server in
      let (_, token) = try await server.openChat()
      let (other, _) = try await server.openChat()
      for token in [token, "vt_", "vt_" + String(repeating: "0", count: 64), "x"] {
        let reply = try await server.send(.GET, "/v1/contacts/\(other)", token: token)
        #expect(reply.status == 401)
        #expect(reply.headers.first(name: "www-authenticate") == "Bearer")
      }
      #expect(try await server.send(.GET, "/v1/contacts/\(other)").status == 401)
    }
  }

  @Test("A visitor's token is good after a restart with the same key file, which only its owner can read")
  func keyFile() async throws {
    let file = "/tmp/switchboard-visitor-key-\(UInt64.random(in: 0 ... .max))"
    let contact = PublicID(high: 1, low: 2)
    let token = try VisitorKey(file: file).token(for: contact)
    defer { remove(file) }
    #expect(try VisitorKey(file: file).isToken(token, of: contact))
    #expect(!VisitorKey([UInt8](repeating: 1, count: 32)).isToken(token, of: contact))
    var status = stat()
    #expect(stat(file, &status) == 0 && status.st_mode & 0o777 == 0o600)
    #expect(throws: VisitorKey.Unreadable.self) { try VisitorKey(file: "/nowhere/key") }
  }

  @Test(
    "Where a page stands decides whether it may open a chat",
    arguments: [
      ("shop", "https://shop.example", nil, 201), ("shop", "https://SHOP.example", nil, 201),
      ("shop", "https://evil.example", nil, 403), ("shop", "https://shop.example.evil.example", nil, 403),
      ("shop", "http://shop.example", nil, 403), ("shop", "null", nil, 403), ("shop", nil, nil, 403),
      ("demo", "https://shop.example", nil, 403), ("shop", nil, "shop", 201), ("shop", nil, "reader", 403),
      ("nowhere", nil, "shop", 404), ("phone", nil, "shop", 422), ("web:shop", nil, "boss", 201),
    ] as [(String, String?, String?, Int)])
  func origins(entry: String, origin: String?, token: String?, status: Int) async throws {
    try await withServer { server in
      let reply = try await server.send(
        .POST, "/v1/contacts?entry=" + entry, token: token, json: "{}", headers: origin.map { [("origin", $0)] } ?? [])
      #expect(reply.status == status)
    }
  }

  @Test("Browsers of listed origins may read answers, others may not")
  func cors() async throws {
    try await withServer { server in
      let wanted = [
        ("access-control-request-method", "POST"), ("access-control-request-headers", "authorization,content-type"),
      ]
      let good = try await server.send(
        .OPTIONS, "/v1/contacts?entry=shop", headers: wanted + [("origin", "https://shop.example")])
      #expect(good.status == 204)
      #expect(good.headers.first(name: "access-control-allow-origin") == "https://shop.example")
      let allowed = try #require(good.headers.first(name: "access-control-allow-headers"))
      for name in ["authorization", "content-type", "idempotency-key", "last-event-id"] {
        #expect(allowed.contains(name))
      }
      #expect(good.headers.first(name: "vary") == "Origin")
      let bad = try await server.send(
        .OPTIONS, "/v1/contacts?entry=shop", headers: wanted + [("origin", "https://evil.example")])
      #expect(!bad.headers.contains(name: "access-control-allow-origin"))
      let refused = try await server.send(
        .POST, "/v1/contacts?entry=none", json: "{}", headers: [("origin", "https://shop.example")])
      #expect(refused.headers.first(name: "access-control-allow-origin") == "https://shop.example")
      #expect(refused.headers.first(name: "access-control-expose-headers")?.contains("retry-after") == true)
    }
  }

  @Test("Both sides write, and read what was written")
  func messages() async throws {
    try await withServer { server in
      let (id, token) = try await server.openChat()
      #expect(
        try await server.send(.POST, "/v1/contacts/\(id)/messages", token: token, json: #"{"text":"hi"}"#).status == 201
      )
      #expect(
        try await server.send(.POST, "/v1/contacts/\(id)/messages", token: "amina", json: #"{"text":"yes"}"#).status
          == 201)
      let posts = server.fake.commands.compactMap {
        if case .post(_, let author, let text) = $0 { (author, text) } else { nil }
      }
      #expect(posts.map(\.1) == ["hi", "yes"])
      #expect(posts.first?.0 == .visitor)
      #expect(posts.last?.0 == .agent(AgentIDs.amina))
      let first = server.fake.say("hi", in: id)
      server.fake.say("yes", in: id, by: .agent(AgentIDs.amina))
      let page: Page<Message> = try await server.send(.GET, "/v1/contacts/\(id)/messages", token: token).decode()
      #expect(page.items.map(\.text) == ["hi", "yes"])
      let rest: Page<Message> = try await server.send(
        .GET, "/v1/contacts/\(id)/messages?after=ms_\(first)", token: token
      ).decode()
      #expect(rest.items.map(\.text) == ["yes"])
    }
  }

  @Test(
    "What is no message is refused",
    arguments: [
      (#"{"text":""}"#, 422), (#"{"text":" \n"}"#, 422), ("{}", 422), ("[", 400), ("[]", 422), (#"{"text":7}"#, 422),
      ("{\"text\":\"" + String(repeating: "ä", count: 4_001) + "\"}", 422),
      ("{\"text\":\"" + String(repeating: "ä", count: 4_000) + "\"}", 201),
      ("{\"text\":\"" + String(repeating: "a", count: 70_000) + "\"}", 413),
    ])
  func badMessages(json: String, status: Int) async throws {
    try await withServer { server in
      let (id, token) = try await server.openChat()
      let reply = try await server.send(.POST, "/v1/contacts/\(id)/messages", token: token, json: json)
      #expect(reply.status == status)
      if status != 201 { #expect(try reply.problem().status == status) }
    }
  }

  @Test("An agent reads only contacts that are theirs; an administrator reads all")
  func agentReads() async throws {
    try await withServer { server in
      let (id, _) = try await server.openChat(#"{"name":"Jo"}"#)
      #expect(try await server.send(.GET, "/v1/contacts/\(id)", token: "amina").status == 403)
      #expect(try await server.send(.GET, "/v1/contacts/\(id)", token: "boss").status == 200)
      #expect(try await server.send(.GET, "/v1/contacts/\(id)", token: "reader").status == 403)
      server.fake.state.withLock { $0.agentContacts = [id] }
      let seen: Contact = try await server.send(.GET, "/v1/contacts/\(id)", token: "amina").decode()
      #expect(seen.visitorName == "Jo")
    }
  }

  @Test("A tab that closes hangs up, one that reloads does not")
  func leaving() async throws {
    let fake = FakeSwitchboard()
    let presence = Presence(perform: fake.backend.perform)
    let (closing, reloading) = (PublicID(high: 0, low: 1), PublicID(high: 0, low: 2))
    await presence.streamOpened(reloading)
    await presence.leave(reloading, grace: .zero)
    await presence.leave(closing, grace: .zero)
    let hungUp = fake.commands.compactMap { if case .hangUp(let id, .visitor) = $0 { id } else { nil } }
    #expect(hungUp == [closing])

    try await withServer { server in
      let (id, token) = try await server.openChat()
      let forged = try await server.send(
        .POST, "/v1/contacts/\(id)/leave", json: "vt_forged", headers: [("content-type", "text/plain")])
      #expect(forged.status == 401)
      let reply = try await server.send(
        .POST, "/v1/contacts/\(id)/leave", json: token, headers: [("content-type", "text/plain")])
      #expect(reply.status == 204)
    }
  }

  @Test("A visitor hangs up")
  func hangUp() async throws {
    try await withServer { server in
      let (id, token) = try await server.openChat()
      #expect(try await server.send(.DELETE, "/v1/contacts/\(id)", token: token).status == 204)
      guard case .hangUp(id, .visitor) = server.fake.commands.last else {
        Issue.record("nobody hung up")
        return
      }
    }
  }
}
