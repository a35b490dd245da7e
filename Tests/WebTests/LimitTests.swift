import API
import CallControl
import Dispatch
import Glibc
import NIOHTTP1
import SIP
import Synchronization
import Testing

@testable import Web

/// A bare connection to the server on the loopback.
private final class Line: Sendable {
  private let socket: Int32

  init(to port: Int) throws {
    socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var limit = timeval(tv_sec: 20, tv_usec: 0)
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    try #require(result == 0)
  }
  deinit { Glibc.close(socket) }

  func get(_ path: String, token: String? = nil) {
    let login = token.map { "Authorization: Bearer \($0)\r\n" } ?? ""
    let request = Array("GET \(path) HTTP/1.1\r\nHost: localhost\r\n\(login)\r\n".utf8)
    _ = send(socket, request, request.count, Int32(MSG_NOSIGNAL))
  }

  /// Reads until the words have come; false if the connection ends before.
  func reads(_ words: String) async -> Bool {
    // A thread of its own waits: those of the tests are few.
    await withCheckedContinuation { continuation in
      DispatchQueue.global().async { continuation.resume(returning: self.receives(words)) }
    }
  }

  private func receives(_ words: String) -> Bool {
    var text: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4_096)
    while text.firstRange(of: Array(words.utf8)) == nil {
      let count = recv(socket, &buffer, buffer.count, 0)
      guard count > 0 else { return false }
      text += buffer[..<count]
    }
    return true
  }

  func isAnswered() async -> Bool {
    get("/-/healthy")
    return await reads("HTTP/1.1 200")
  }
}

@Suite struct LimitTests {
  private static let loopback = AddressRange(network: Endpoint(ipv4: 0x7f00_0000, port: 0), prefix: 104)

  @Test(
    "An address has so many connections, and what is more is closed at once; a trusted proxy has any number",
    arguments: [false, true])
  func connections(isTrusted: Bool) async throws {
    var options = WebServer.Options()
    options.connectionsPerAddress = 3
    try await withServer(FakeSwitchboard(trusting: isTrusted ? [Self.loopback] : []), options: options) { server in
      var lines = try (0..<3).map { _ in try Line(to: server.port) }
      for line in lines { #expect(await line.isAnswered()) }
      #expect(try await Line(to: server.port).isAnswered() == isTrusted)
      lines.removeLast()
      // The server hears of the end in its own time.
      var isFree = false
      for _ in 0..<200 where !isFree {
        isFree = try await Line(to: server.port).isAnswered()
        if !isFree { try await Task.sleep(for: .milliseconds(10)) }
      }
      #expect(isFree && lines.count == 2)
    }
  }

  @Test("Connections are counted by address, and by the /64 of one IPv6 customer")
  func addresses() throws {
    let connections = Connections(limit: 2) { _ in false }
    let customer = try ["2001:db8::1", "2001:db8::2", "2001:db8::3"].map { try #require(Endpoint(forwarded: $0)) }
    #expect(customer.map { connections.open(from: $0) } == [true, true, false])
    #expect(connections.open(from: try #require(Endpoint(forwarded: "2001:db8:0:1::1"))))
    #expect(connections.open(from: try #require(Endpoint(forwarded: "192.0.2.1"))))
    connections.close(from: customer[0])
    #expect(connections.open(from: customer[2]) && !connections.open(from: customer[0]))
  }

  @Test("A stream more than a reader may have ends the reader's oldest, and nobody else's")
  func streams() async {
    let feed = Feed()
    for reader in [Feed.Reader.visitor(token: "vt_1"), .holder(sha256: [1])] {
      let other = feed.subscribe(.all, for: .visitor(token: "vt_2"), after: nil)
      let streams = (0...reader.limit).map { _ in feed.subscribe(.all, for: reader, after: nil) }
      #expect(feed.count == reader.limit + 1)
      for await _ in streams[0].pieces { Issue.record("nothing was said") }
      for stream in streams { #expect(!feed.cancel(stream), "it was not too slow") }
      #expect(feed.count == 1)
      _ = feed.cancel(other)
    }
    #expect(feed.count == 0)
  }

  @Test("A visitor's ninth event stream ends the first, and the visitor is there all the time")
  func visitorStreams() async throws {
    try await withServer { server in
      let (id, token) = try await server.openChat()
      var lines: [Line] = []
      for _ in 0..<9 {
        let line = try Line(to: server.port)
        line.get("/v1/contacts/\(id)/events", token: token)
        #expect(await line.reads("stream.reset"))
        lines.append(line)
      }
      #expect(await lines[0].reads("0\r\n\r\n"))
      #expect(server.fake.feed.count == 8)
      server.fake.say("still there?", in: id)
      for line in lines.dropFirst() { #expect(await line.reads("still there?")) }
      let hasGone = server.fake.commands.contains { if case .detach = $0 { true } else { false } }
      #expect(!hasGone)
    }
  }

  // MARK: What is kept under an Idempotency-Key

  @Test("What a limit refused is not kept: the same key is carried out once there is room")
  func refusedByLimit() async throws {
    var options = WebServer.Options()
    options.openingByOrigin = RateLimiter.Quota(name: "origin", burst: 1, interval: 3_000_000)
    try await withServer(options: options) { server in
      func open(_ key: Int) async throws -> TestServer.Reply {
        try await server.send(
          .POST, "/v1/contacts?entry=demo", json: "{}",
          headers: [("origin", server.origin), ("idempotency-key", "\(key)")])
      }
      // On a busy machine a place may come free meanwhile.
      var key = 0
      while try await open(key).status != 429 {
        key += 1
        try #require(key < 8)
      }
      var status = 429
      for _ in 0..<3 where status == 429 {
        try await Task.sleep(for: .milliseconds(3_050))
        status = try await open(key).status
      }
      #expect(status == 201)
    }
  }

  @Test("A key whose request is still being carried out is told apart from other conflicts, and then has the answer")
  func inProgress() async throws {
    try await withServer { server in
      let (id, token) = try await server.openChat()
      @Sendable func post() async throws -> TestServer.Reply {
        try await server.send(
          .POST, "/v1/contacts/\(id)/messages", token: token, json: #"{"text":"hi"}"#,
          headers: [("idempotency-key", "k")])
      }
      server.fake.state.withLock { $0.isHeld = true }
      async let first = post()
      _ = await server.fake.next { if case .post = $0 { true } else { false } }
      let second = try await post()
      #expect(second.status == 409 && second.headers.first(name: "retry-after") == "1")
      #expect(try second.problem().type == "urn:switchboard:problem:in-progress")
      server.fake.state.withLock { $0.isHeld = false }
      let answer = try await first
      let again = try await post()
      #expect(answer.status == 201 && again.body == answer.body)
      let posts = server.fake.commands.count { if case .post = $0 { true } else { false } }
      #expect(posts == 1)
    }
  }
}
