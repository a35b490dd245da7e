import ACD
import API
import CallControl
import FoundationEssentials
import Primitives
import SIP
import NIOCore
import NIOHTTP1
import Synchronization
import Testing

@testable import Web

@Suite struct GateTests {
  @Test(
    "A token does what its scopes allow, and nothing else",
    arguments: [
      ("GET", "/v1/queues", ["reader", "amina", "boss"]), ("GET", "/v1/agents", ["reader", "amina", "boss"]),
      ("GET", "/v1/contacts/ct_00000000000000000000000001/why", ["reader", "amina", "boss"]),
      ("GET", "/v1/contacts", ["reader", "boss"]), ("GET", "/v1/intervals", ["reader", "boss"]),
      ("GET", "/v1/agents/me", ["amina"]), ("GET", "/v1/agents/me/choices", ["amina"]),
      ("POST", "/v1/agents/me/sign-in", ["amina"]), ("POST", "/v1/agents/me/sign-out", ["amina"]),
      ("POST", "/v1/agents/me/ready", ["amina"]), ("POST", "/v1/agents/me/not-ready", ["amina"]),
      ("POST", "/v1/offers/of_9/accept", ["amina"]), ("POST", "/v1/offers/of_9/decline", ["amina"]),
      ("POST", "/v1/contacts/ct_00000000000000000000000001/hold", ["amina"]),
      ("POST", "/v1/contacts/ct_00000000000000000000000001/resume", ["amina"]),
      ("POST", "/v1/contacts/ct_00000000000000000000000001/wrap-up", ["amina"]),
      ("POST", "/v1/contacts/ct_00000000000000000000000001/pick", ["amina"]),
      ("POST", "/v1/queues/q_support/migrate-waiting", ["boss"]),
    ])
  func scopes(method: String, path: String, allowed: [String]) async throws {
    try await withServer { server in
      for token in ["reader", "amina", "boss", "shop"] {
        let reply = try await server.send(.init(rawValue: method), path, token: token)
        #expect((reply.status < 300) == allowed.contains(token), "\(token) got \(reply.status)")
        if !allowed.contains(token) { #expect(try reply.problem().status == 403) }
      }
      #expect(try await server.send(.init(rawValue: method), path).status == 401)
      #expect(try await server.send(.init(rawValue: method), path, token: "Reader").status == 401)
    }
  }

  @Test("The agent's commands reach call control with their ids and bodies")
  func agentCommands() async throws {
    try await withServer { server in
      let contact = "ct_00000000000000000000000001"
      _ = try await server.send(.POST, "/v1/agents/me/not-ready", token: "amina", json: #"{"reason":"lunch"}"#)
      _ = try await server.send(.POST, "/v1/offers/of_9/accept", token: "amina")
      _ = try await server.send(.POST, "/v1/contacts/\(contact)/wrap-up", token: "amina", json: #"{"code":"sale"}"#)
      _ = try await server.send(
        .POST, "/v1/contacts/\(contact)/wrap-up", token: "amina", json: #"{"extend_seconds":30}"#)
      _ = try await server.send(
        .POST, "/v1/contacts/\(contact)/transfer", token: "amina", json: #"{"queue":"q_sales"}"#)
      let bare = try await server.send(.POST, "/v1/contacts/\(contact)/transfer", token: "amina")
      #expect(bare.status == 422, "a queue is needed")
      let said = server.fake.commands.map { "\($0)" }
      #expect(said.contains { $0.contains("transfer") && $0.contains("q_sales") })
      #expect(said.contains { $0.contains("notReady") && $0.contains("lunch") })
      #expect(said.contains { $0.contains("accept") && $0.contains("9") })
      #expect(said.contains { $0.contains("endWrapUp") && $0.contains("sale") })
      #expect(said.contains { $0.contains("extendWrapUp") && $0.contains("30") })
      let phone = try await server.send(.POST, "/v1/offers/of_10/accept", token: "amina")
      #expect(try phone.problem().status == 409)
      #expect(try phone.problem().detail == "Answer on your phone.")
      let choices: Choices = try await server.send(.GET, "/v1/agents/me/choices", token: "amina").decode()
      #expect(choices == Choices(reasons: ["lunch"], codes: ["q_support": ["sale", "refund"]], queues: ["support"]))
      let both = #"{"code":"sale","extend_seconds":30}"#
      #expect(try await server.send(.POST, "/v1/contacts/\(contact)/wrap-up", token: "amina", json: both).status == 422)
    }
  }

  @Test(
    "Every refusal is a problem with its status, type and address",
    arguments: [
      ("GET", "/nowhere", nil, 404, "not-found"), ("GET", "/v1/contacts/ct_nonsense", "boss", 404, "not-found"),
      ("PUT", "/v1/queues", "reader", 405, "method-not-allowed"),
      ("POST", "/v1/offers/7/accept", "amina", 404, "not-found"),
      ("GET", "/v1/queues", nil, 401, "unauthorized"), ("GET", "/v1/contacts?limit=0", "reader", 422, "invalid"),
      ("GET", "/v1/contacts?from=today", "reader", 422, "invalid"),
      ("GET", "/v1/contacts?cursor=!", "reader", 422, "invalid"),
      ("GET", "/v1/contacts/ct_00000000000000000000000001", "boss", 404, "not-found"),
    ] as [(String, String, String?, Int, String)])
  func problems(method: String, path: String, token: String?, status: Int, kind: String) async throws {
    try await withServer { server in
      let reply = try await server.send(.init(rawValue: method), path, token: token)
      #expect(reply.status == status)
      let problem = try reply.problem()
      #expect(problem.status == status)
      #expect(problem.type == "urn:switchboard:problem:" + kind)
      #expect(problem.instance == path.split(separator: "?").first.map { String($0) })
      #expect(!problem.title.isEmpty)
      if status == 405 { #expect(reply.headers.first(name: "allow") == "GET") }
    }
  }

  @Test(
    "What call control refuses becomes the problem that says what to do",
    arguments: [
      (CallControl.Problem.overloaded, 503, "overloaded"), (.refused(.full), 503, "queue-full"),
      (.refused(.closed), 503, "queue-closed"), (.refused(.unstaffed), 503, "queue-unstaffed"),
      (.refused(.policy), 403, "forbidden"), (.refused(.channel), 422, "invalid"), (.gone("x"), 410, "gone"),
      (.conflict("x"), 409, "conflict"), (.forbidden("x"), 403, "forbidden"), (.notFound("x"), 404, "not-found"),
      (.invalid("x"), 422, "invalid"),
    ])
  func refusals(refusal: CallControl.Problem, status: Int, kind: String) async throws {
    try await withServer { server in
      server.fake.state.withLock { $0.refusal = refusal }
      let reply = try await server.send(
        .POST, "/v1/contacts?entry=demo", json: "{}", headers: [("origin", server.origin)])
      #expect(reply.status == status)
      #expect(try reply.problem().type == "urn:switchboard:problem:" + kind)
      #expect(reply.headers.contains(name: "retry-after") == (status == 503))
    }
  }

  @Test("A body of another type or too large a body is not read")
  func bodies() async throws {
    try await withServer { server in
      let origin = [("origin", server.origin)]
      let form = try await server.send(
        .POST, "/v1/contacts?entry=demo", json: "name=Jo",
        headers: origin + [("content-type", "application/x-www-form-urlencoded")])
      #expect(try form.problem().status == 415)
      let many = "{\"attributes\":{" + (0..<17).map { "\"a\($0)\":\"\"" }.joined(separator: ",") + "}}"
      #expect(try await server.send(.POST, "/v1/contacts?entry=demo", json: many, headers: origin).status == 422)
      let long = "{\"attributes\":{\"a\":\"" + String(repeating: "x", count: 257) + "\"}}"
      #expect(try await server.send(.POST, "/v1/contacts?entry=demo", json: long, headers: origin).status == 422)
      let name = "{\"name\":\"" + String(repeating: "x", count: 81) + "\"}"
      #expect(try await server.send(.POST, "/v1/contacts?entry=demo", json: name, headers: origin).status == 422)
    }
  }

  // MARK: Idempotency

  @Test("A repeated POST with one key is carried out once and answered alike; with another body it is refused")
  func idempotency() async throws {
    try await withServer { server in
      func open(_ json: String, key: String) async throws -> TestServer.Reply {
        try await server.send(
          .POST, "/v1/contacts?entry=demo", json: json, headers: [("origin", server.origin), ("idempotency-key", key)])
      }
      let first = try await open(#"{"name":"Jo"}"#, key: "k1")
      let again = try await open(#"{"name":"Jo"}"#, key: "k1")
      #expect(first.status == 201 && again.status == 201)
      #expect(first.body == again.body)
      #expect(first.headers.first(name: "location") == again.headers.first(name: "location"))
      #expect(server.fake.state.withLock { $0.contacts.count } == 1)
      #expect(try await open(#"{"name":"Al"}"#, key: "k1").problem().status == 422)
      #expect(try await open(#"{"name":"Jo"}"#, key: "k2").body != first.body)
      #expect(try await open("{}", key: String(repeating: "k", count: 256)).status == 400)
      server.fake.state.withLock { $0.refusal = .overloaded }
      #expect(try await open("{}", key: "k3").status == 503)
      server.fake.state.withLock { $0.refusal = nil }
      #expect(try await open("{}", key: "k3").status == 201, "what failed for want of room may be tried again")
    }
  }

  @Test("Kept answers are bounded in number and time")
  func idempotencyLimits() throws {
    var cache = IdempotencyCache(limit: 3, lifetime: 100)
    func key(_ name: String) -> IdempotencyCache.Key { .init(scope: "s", key: name) }
    for name in ["a", "b", "c", "d"] {
      guard case .new = cache.begin(key(name), fingerprint: [1], at: 0) else { return fail("\(name) is known") }
      cache.finish(key(name), with: .noContent)
    }
    #expect(cache.count == 3)
    guard case .answered = cache.begin(key("d"), fingerprint: [1], at: 99) else { return fail("d is lost") }
    guard case .other = cache.begin(key("d"), fingerprint: [2], at: 99) else { return fail("d is alike") }
    guard case .new = cache.begin(key("a"), fingerprint: [1], at: 99) else { return fail("a is kept") }
    guard case .running = cache.begin(key("a"), fingerprint: [1], at: 99) else { return fail("a is done") }
    guard case .new = cache.begin(key("d"), fingerprint: [1], at: 100) else { return fail("d has not expired") }
  }

  @Test("The same key of visitors at different addresses or pages means different requests")
  func idempotencyScope() async throws {
    let loopback = AddressRange(network: Endpoint(ipv4: 0x7f00_0000, port: 0), prefix: 104)
    try await withServer(FakeSwitchboard(trusting: [loopback])) { server in
      func open(_ address: String, _ origin: String) async throws -> [UInt8] {
        let reply = try await server.send(
          .POST, "/v1/contacts?entry=shop", json: "{}",
          headers: [("origin", origin), ("x-forwarded-for", address), ("idempotency-key", "1")])
        #expect(reply.status == 201)
        return reply.body
      }
      let shop = "https://shop.example"
      let first = try await open("203.0.113.1", shop)
      #expect(try await open("203.0.113.1", shop) == first)
      #expect(try await open("203.0.113.2", shop) != first)
      #expect(try await open("203.0.113.1", server.origin) != first)
    }
  }

  @Test("An abandoned key leaves nothing behind, and counts anew from its next use")
  func abandoned() {
    var cache = IdempotencyCache(limit: 4, lifetime: 100)
    func key(_ name: String) -> IdempotencyCache.Key { .init(scope: "s", key: name) }
    func begin(_ name: String) -> Bool {
      if case .new = cache.begin(key(name), fingerprint: [1], at: 0) { true } else { false }
    }
    #expect(begin("a"))
    for _ in 0..<100 {
      #expect(begin("b"))
      cache.abandon(key("b"))
    }
    #expect(cache.count == 1)
    #expect(begin("c") && begin("b") && begin("d") && begin("e"))
    #expect(!begin("b"), "a and c are older and made room")
    #expect(cache.count == 3)
  }

  // MARK: Limits

  @Test("One address opens ten chats at once and then waits; tokens of the site are not limited")
  func rateLimit() async throws {
    try await withServer { server in
      func open(_ token: String? = nil) async throws -> TestServer.Reply {
        try await server.send(
          .POST, "/v1/contacts?entry=demo", token: token, json: "{}", headers: [("origin", server.origin)])
      }
      // On a busy machine a place may come free meanwhile, one each six seconds: the first ten are sure.
      var replies: [TestServer.Reply] = []
      while replies.count < 60, replies.last?.status ?? 201 == 201 { replies.append(try await open()) }
      #expect(replies.count > 10)
      #expect(replies[0].headers.first(name: "ratelimit") == "\"contacts\";r=9;t=0")
      #expect(replies[0].headers.first(name: "ratelimit-policy") == "\"contacts\";q=10;w=60")
      let refused = try #require(replies.last)
      #expect(try refused.problem().status == 429)
      let wait = try #require(refused.headers.first(name: "retry-after").flatMap { Int($0) })
      #expect((1...6).contains(wait))
      #expect(try await open("shop").status == 201)
    }
  }

  @Test("A forwarded address counts only from a trusted proxy")
  func forwarded() async throws {
    func contacts(trusting: [AddressRange]) async throws -> [Int] {
      var statuses: [Int] = []
      try await withServer(FakeSwitchboard(trusting: trusting)) { server in
        for number in 0..<40 {
          let headers = [("origin", server.origin), ("x-forwarded-for", "6.6.6.6, 203.0.113.\(number)")]
          statuses.append(
            try await server.send(.POST, "/v1/contacts?entry=demo", json: "{}", headers: headers).status)
        }
      }
      return statuses
    }
    let loopback = AddressRange(network: Endpoint(ipv4: 0x7f00_0000, port: 0), prefix: 104)
    #expect(try await contacts(trusting: [loopback]).allSatisfy { $0 == 201 })
    #expect(try await contacts(trusting: []).contains(429))
  }

  @Test("Addresses are read as proxies write them, and the first untrusted one from the right counts")
  func addresses() throws {
    #expect(Endpoint(forwarded: "192.0.2.1:4711") == Endpoint(address: "192.0.2.1", port: 0))
    #expect(Endpoint(forwarded: "[2001:db8::1]:443") == Endpoint(address: "2001:db8::1", port: 0))
    #expect(Endpoint(forwarded: "::ffff:192.0.2.1") == Endpoint(address: "192.0.2.1", port: 0))
    #expect(Endpoint(forwarded: "nonsense") == nil)
    let peer = try #require(Endpoint(forwarded: "10.0.0.1"))
    let proxies = [AddressRange(network: Endpoint(ipv4: 0x0a00_0000, port: 0), prefix: 104)]
    func client(_ hops: [String]) -> Endpoint { .client(peer: peer, forwardedFor: hops, trusting: proxies) }
    #expect(client(["9.9.9.9, 192.0.2.7, 10.0.0.2"]) == Endpoint(forwarded: "192.0.2.7"))
    #expect(client(["9.9.9.9", "10.0.0.2"]) == Endpoint(forwarded: "9.9.9.9"))
    #expect(client(["unknown"]) == peer)
    #expect(Endpoint(forwarded: "2001:db8::1")?.limitKey == Endpoint(forwarded: "2001:db8::2")?.limitKey)
  }

  @Test("A bucket gives its burst, then one per interval, and is bounded")
  func bucket() {
    var limiter = RateLimiter(limit: 100)
    let quota = RateLimiter.Quota(name: "q", burst: 3, interval: 1_000_000)
    let address = Endpoint(high: 0, low: 1, port: 0)
    #expect((0..<4).map { _ in limiter.take(quota, address: address, at: 0).isAllowed } == [true, true, true, false])
    #expect(limiter.take(quota, address: address, at: 1).retryAfter == 1)
    #expect(limiter.take(quota, address: address, at: 1_000_000).isAllowed)
    #expect(!limiter.take(quota, address: address, at: 1_000_001).isAllowed)
    for low in 0..<10_000 {
      _ = limiter.take(quota, address: Endpoint(high: 0, low: UInt64(low), port: 0), at: 2_000_000)
    }
    #expect(limiter.take(quota, address: address, at: 9_000_000).remaining == 2)
  }

  // MARK: Reports

  @Test("The list of contacts comes in pages, newest first, without a gap")
  func pages() async throws {
    try await withServer { server in
      server.fake.state.withLock { state in
        state.records = (1...250).map {
          var row = ContactRow(
            position: UInt64($0), id: PublicID(high: 0, low: UInt64($0)), queue: "support", channel: .chat,
            agent: "amina", entered: Instant(microseconds: Int64($0) * 1_000_000), outcome: "answered",
            wait: .seconds(2), talk: .milliseconds(1_500), code: "sale")
          row.agentQuality = CallControl.Quality(lossIn: 20_000, jitter: 5_000, roundTrip: 41_000)
          return row
        }
      }
      var (ids, cursor, calls) = ([String](), nil as String?, 0)
      repeat {
        let path = "/v1/contacts?limit=100" + (cursor.map { "&cursor=" + $0 } ?? "")
        let page: Page<ContactRecord> = try await server.send(.GET, path, token: "reader").decode()
        ids += page.items.map(\.id)
        cursor = page.nextCursor
        calls += 1
        #expect(page.items.first?.waitSeconds == 2 && page.items.first?.talkSeconds == 1.5)
        #expect(page.items.first?.agentQuality?.lossIn == 0.02 && page.items.first?.quality == nil)
      } while cursor != nil
      #expect(calls == 3)
      #expect(ids == (1...250).reversed().map { PublicID(high: 0, low: UInt64($0)).description })
      let intervals: Page<Interval> = try await server.send(
        .GET, "/v1/intervals?queue=q_support", token: "reader"
      ).decode()
      #expect(intervals.items.first?.serviceLevel?.metric == "sl.negative")
      #expect(intervals.items.first?.serviceLevel?.value == 0.3)
    }
  }
}
