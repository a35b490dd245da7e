import ACD
import API
import CallControl
import FoundationEssentials
import NIOCore
import NIOHTTP1
import Primitives
import SDP
import Synchronization
import Testing

@testable import Web

@Suite("Calls by web pages")
struct CallTests {
  private let sdp = ("content-type", "application/sdp")

  struct Verdict: Equatable {
    var status: Int
    var kind: String
    init(_ status: Int, _ kind: String) { self.status = status; self.kind = kind }
  }

  /// Opens a call as a visitor of our own page.
  private func openCall(_ server: TestServer) async throws -> (id: PublicID, token: String) {
    let reply = try await server.send(
      .POST, "/v1/contacts?entry=demo", json: "v=0\r\n", headers: [sdp, ("origin", server.origin)])
    let location = try #require(reply.headers.first(name: "location"))
    return (
      try #require(PublicID(parsing: location.dropFirst("/v1/contacts/".count))),
      try #require(reply.headers.first(name: "switchboard-token"))
    )
  }

  @Test("A visitor's sdpOffer is answered with ours, an address and a token that opens that contact")
  func opening() async throws {
    try await withServer { server in
      let visitor = Data(#"{"name":"Jo","attributes":{"url":"/cart"}}"#.utf8).base64EncodedString()
        .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
      let reply = try await server.send(
        .POST, "/v1/contacts?entry=demo", json: "v=0\r\n",
        headers: [
          ("content-type", "Application/SDP; charset=x"), ("origin", server.origin), ("switchboard-visitor", visitor),
        ])
      #expect(reply.status == 201)
      #expect(reply.headers.first(name: "content-type") == "application/sdp")
      #expect(reply.text == "v=0\r\ns=answer\r\n")
      let location = try #require(reply.headers.first(name: "location"))
      let token = try #require(reply.headers.first(name: "switchboard-token"))
      guard case .openCall(let request) = server.fake.commands.first else { return fail("no call was opened") }
      #expect(request.sdpOffer == Array("v=0\r\n".utf8))
      #expect(request.visitor.entry == "web:demo")
      #expect(request.visitor.name == "Jo")
      #expect(request.visitor.origin == server.origin)
      #expect(request.visitor.attributes == [.init(name: "page.url", value: "/cart")])
      let seen = try await server.send(.GET, location, token: token)
      let contact: Contact = try seen.decode()
      #expect(contact.channel == "voice" && contact.origin == "web")
      #expect(reply.headers.first(name: "access-control-expose-headers")?.contains("switchboard-token") == true)
      #expect(reply.headers.first(name: "access-control-expose-headers")?.contains("location") == true)
    }
  }

  @Test(
    "A header that is no description of a visitor is a bad request, and no call", arguments: ["%%%", "bm90IGpzb24"])
  func badVisitor(header: String) async throws {
    try await withServer { server in
      let long = String(repeating: "A", count: 2_737)
      for header in [header, long] {
        let reply = try await server.send(
          .POST, "/v1/contacts?entry=demo", json: "v=0",
          headers: [sdp, ("origin", server.origin), ("switchboard-visitor", header)])
        #expect(reply.status == 400)
      }
      #expect(server.fake.commands.isEmpty)
    }
  }

  @Test("Each refusal says what it is, with what to do")
  func refusals() async throws {
    try await withServer { server in
      func open(
        _ entry: String = "demo", origin: String? = nil, headers: [(String, String)] = [],
        type: String = "application/sdp"
      ) async throws -> Verdict {
        let reply = try await server.send(
          .POST, "/v1/contacts?entry=" + entry, json: "v=0",
          headers: [("content-type", type), ("origin", origin ?? server.origin)] + headers)
        return Verdict(reply.status, String(try reply.problem().type.dropFirst("urn:switchboard:problem:".count)))
      }
      let verdict1 = try await open("none")
      #expect(verdict1 == Verdict(404, "not-found"))
      let verdict2 = try await open(origin: "https://evil.example")
      #expect(verdict2 == Verdict(403, "forbidden"))
      let verdict3 = try await open("phone", headers: [("accept", "text/html")])
      #expect(verdict3 == Verdict(406, "not-acceptable"))
      let verdict4 = try await open(type: "text/plain")
      #expect(verdict4 == Verdict(415, "unsupported-media-type"))
    }
  }

  @Test("What call control refuses is told with its status")
  func decisions() async throws {
    try await withServer { server in
      func open() async throws -> Verdict {
        let reply = try await server.send(
          .POST, "/v1/contacts?entry=demo", json: "v=0", headers: [sdp, ("origin", server.origin)])
        return Verdict(reply.status, String(try reply.problem().type.dropFirst("urn:switchboard:problem:".count)))
      }
      let refusals: [(CallControl.Problem, Int, String)] = [
        (.unusable("Incompatible media format"), 422, "unusable-offer"), (.invalid("byte 3"), 422, "invalid"),
        (.refused(.full), 503, "queue-full"), (.refused(.closed), 503, "queue-closed"),
        (.refused(.unstaffed), 503, "queue-unstaffed"), (.refused(.policy), 403, "forbidden"),
        (.overloaded, 503, "overloaded"),
      ]
      for (problem, status, kind) in refusals {
        server.fake.state.withLock { $0.refusal = problem }
        let verdict5 = try await open()
        #expect(verdict5 == Verdict(status, kind))
      }
      server.fake.state.withLock {
        $0.refusal = nil; $0.isReady = false
      }
      let verdict6 = try await open()
      #expect(verdict6 == Verdict(503, "not-ready"))
    }
  }

  @Test("An entry that takes no calls says so, and one that takes no chats")
  func channels() async throws {
    try await withServer { server in
      let (shop, own) = (("origin", "https://shop.example"), ("origin", server.origin))
      for (entry, body, headers, status) in [
        ("shop", "v=0", [sdp, shop], 422), ("phone", "{}", [own], 422), ("phone", "v=0", [sdp, own], 201),
      ] {
        let reply = try await server.send(.POST, "/v1/contacts?entry=" + entry, json: body, headers: headers)
        #expect(reply.status == status)
      }
    }
  }

  @Test("A call with an Idempotency-Key is opened once; another visitor with the same key is another request")
  func idempotency() async throws {
    try await withServer { server in
      func open(_ visitor: String?) async throws -> TestServer.Reply {
        try await server.send(
          .POST, "/v1/contacts?entry=demo", json: "v=0",
          headers: [sdp, ("origin", server.origin), ("idempotency-key", "k")]
            + (visitor.map { [("switchboard-visitor", $0)] } ?? []))
      }
      let first = try await open(nil)
      let again = try await open(nil)
      #expect(first.status == 201 && again.status == 201)
      #expect(first.headers.first(name: "switchboard-token") == again.headers.first(name: "switchboard-token"))
      #expect(try await open("e30").status == 422)
      #expect(server.fake.commands.count == 1)
    }
  }

  @Test("PATCH changes the call of its visitor: an sdpOffer is answered, a fragment restarts ICE or is not needed")
  func changing() async throws {
    try await withServer { server in
      let (id, token) = try await openCall(server)
      let path = "/v1/contacts/\(id)"
      let reoffer = try await server.send(.PATCH, path, token: token, json: "v=0", headers: [sdp])
      #expect(reoffer.status == 200 && reoffer.headers.first(name: "content-type") == "application/sdp")
      #expect(server.fake.commands.last == .reoffer(.visitor(id), sdpOffer: Array("v=0".utf8)))
      let fragment = ("content-type", "application/trickle-ice-sdpfrag")
      let restart = try await server.send(.PATCH, path, token: token, json: "a=ice-ufrag:x", headers: [fragment])
      #expect(restart.status == 200 && restart.headers.first(name: "content-type") == fragment.1)
      #expect(restart.text == "a=ice-ufrag:ours")
      let candidates = try await server.send(.PATCH, path, token: token, json: "a=candidate:1", headers: [fragment])
      #expect(candidates.status == 204 && candidates.text.isEmpty)
      #expect(try await server.send(.PATCH, path, token: token, json: "{}").status == 415)
      // Neither a stranger nor the agent changes it.
      let (_, other) = try await openCall(server)
      for token in [other, "amina", "boss", "x"] {
        #expect(try await server.send(.PATCH, path, token: token, json: "v=0", headers: [sdp]).status == 401)
      }
      #expect(try await server.send(.DELETE, path, token: token).status == 204)
      #expect(server.fake.commands.last == .hangUp(id, .visitor))
    }
  }

  @Test("Browsers may send PATCH and the visitor's header")
  func preflight() async throws {
    try await withServer { server in
      let reply = try await server.send(
        .OPTIONS, "/v1/contacts/x",
        headers: [("access-control-request-method", "PATCH"), ("origin", "https://shop.example")])
      #expect(reply.headers.first(name: "access-control-allow-methods")?.contains("PATCH") == true)
      #expect(reply.headers.first(name: "access-control-allow-headers")?.contains("switchboard-visitor") == true)
    }
  }

  @Test("An offer that is too large is refused before it is read")
  func tooLarge() async throws {
    try await withServer { server in
      let reply = try await server.send(
        .POST, "/v1/contacts?entry=demo", json: String(repeating: "a", count: 65_537),
        headers: [sdp, ("origin", server.origin)])
      #expect(reply.status == 413)
      #expect(server.fake.commands.isEmpty)
    }
  }

  @Test("An agent's page becomes the agent's phone, and nobody else's")
  func phone() async throws {
    try await withServer { server in
      for agent in ["me", "ag_amina"] {
        let opened = try await server.send(
          .POST, "/v1/agents/\(agent)/phone", token: "amina", json: "v=0", headers: [sdp])
        #expect(opened.status == 201 && opened.text == "v=0\r\ns=answer\r\n")
        #expect(opened.headers.first(name: "location") == "/v1/agents/\(agent)/phone/ph_0000000000000007")
      }
      #expect(server.fake.commands.last == .openPhone(AgentIDs.amina, sdpOffer: Array("v=0".utf8)))
      let path = "/v1/agents/me/phone/ph_0000000000000007"
      let id = PhoneID(number: 7)
      #expect(try await server.send(.PATCH, path, token: "amina", json: "v=0", headers: [sdp]).status == 200)
      #expect(server.fake.commands.last == .reoffer(.phone(AgentIDs.amina, id), sdpOffer: Array("v=0".utf8)))
      #expect(try await server.send(.DELETE, path, token: "amina").status == 204)
      #expect(server.fake.commands.last == .closePhone(AgentIDs.amina, id))
      #expect(try await server.send(.DELETE, "/v1/agents/me/phone/ph_x", token: "amina").status == 404)
      let other = "/v1/agents/ag_other/phone"
      #expect(try await server.send(.POST, other, token: "amina", json: "v=0", headers: [sdp]).status == 403)
      for token in ["reader", "boss"] {
        #expect(
          try await server.send(.POST, "/v1/agents/me/phone", token: token, json: "v=0", headers: [sdp]).status == 403)
      }
      #expect(try await server.send(.POST, "/v1/agents/me/phone", json: "v=0", headers: [sdp]).status == 401)
      #expect(try await server.send(.POST, "/v1/agents/me/phone", token: "amina", json: "{}").status == 415)
    }
  }

  @Test("Quality reaches the visitor for the own leg and the agent for both, and no wallboard")
  func quality() async throws {
    let quality = CallControl.Quality(packetsReceived: 9, lossIn: 20_000, lossOut: 0, jitter: 5_000, roundTrip: 41_000)
    func body(_ side: Side) -> Notice.Body {
      .quality(QualityView(contact: PublicID(high: 1, low: 2), side: side, codec: .opus, quality: quality))
    }
    for (side, audience, isTold) in [
      (Side.contact, Audience.visitor, true), (.agent, .visitor, false), (.contact, .agent, true),
      (.agent, .agent, true),
      (.contact, .wallboard, false),
    ] {
      #expect((StreamEvent(body(side), for: audience) != nil) == isTold)
    }
    guard case .quality(let told) = StreamEvent(body(.contact), for: .visitor) else { return fail("nothing was told") }
    #expect(told.codec == "opus" && told.side == "contact")
    #expect(told.quality == API.Quality(lossIn: 0.02, lossOut: 0, jitterSeconds: 0.005, roundTripSeconds: 0.041))
    // A measure does not push facts out of what can be told again.
    let feed = Feed(after: 0, capacity: 2)
    let notice = Notice(sequence: 3, at: Instant(microseconds: 1), contact: nil, agent: nil, body: body(.contact))
    let fact = Notice(
      sequence: 1, at: Instant(microseconds: 1), contact: nil, agent: nil,
      body: .offerEnded(OfferID(sequence: 1), .missed))
    feed.publish([fact])
    for _ in 0..<5 { feed.publish([notice]) }
    #expect(feed.subscribe(.all, for: .holder(sha256: []), after: 0).missed == [fact])
  }

  @Test("How well packets travel is counted in classes in /metrics, by side and direction, and by nothing personal")
  func histograms() async throws {
    try await withServer { server in
      server.fake.state.withLock { state in
        state.counts.quality = [QualityBuckets(), QualityBuckets()]
        for loss in [0, 9_000, 600_000] as [UInt32] {
          state.counts.quality[1].count(CallControl.Quality(lossIn: loss, jitter: 3_000, roundTrip: 41_000))
        }
      }
      let text = try await server.send(.GET, "/metrics").text
      for (labels, count) in [
        (#"side="agent",direction="in",le="0""#, 1), (#"side="agent",direction="in",le="0.005""#, 1),
        (#"side="agent",direction="in",le="0.01""#, 2), (#"side="agent",direction="in",le="+Inf""#, 3),
        (#"side="agent",direction="out",le="0""#, 3), (#"side="contact",direction="in",le="+Inf""#, 0),
      ] { #expect(text.contains("switchboard_media_loss_ratio_bucket{\(labels)} \(count)\n"), "\(labels)") }
      #expect(text.contains("# TYPE switchboard_media_jitter_seconds histogram\n"))
      #expect(text.contains("switchboard_media_jitter_seconds_sum{side=\"agent\"} 0.009\n"))
      #expect(text.contains("switchboard_media_round_trip_seconds_count{side=\"agent\"} 3\n"))
      let labels = Set(text.matches(of: /[{,](\w+)=/).map { String($0.1) })
      #expect(labels.isSubset(of: ["direction", "estimator", "le", "queue", "route", "side", "status"]))
    }
  }
}
