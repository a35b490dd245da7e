import CallControl
import Glibc
import Logging
import Media
import Primitives
import SIP
import Synchronization
import Testing

@testable import Drivers

/// What the engine thread would have got.
final class Inbox: Sendable {
  struct Contents {
    var messages: [(message: Message, flow: Flow)] = []
    var failed: [Flow] = []
  }
  private let contents = Mutex(Contents())
  func receive(_ messages: [SIPTransport.Received]) { contents.withLock { $0.messages += messages } }
  func fail(_ flow: Flow) { contents.withLock { $0.failed.append(flow) } }
  var messages: [(message: Message, flow: Flow)] { contents.withLock { $0.messages } }
  var failed: [Flow] { contents.withLock { $0.failed } }

  /// Waits until the transport's thread has brought something about.
  func wait(_ condition: (Inbox) -> Bool) async -> Bool {
    for _ in 0..<2_000 {
      if condition(self) { return true }
      try? await Task.sleep(for: .milliseconds(5))
    }
    return condition(self)
  }
}

/// A client's socket on loopback, blocking with a time limit.
private struct Client {
  let descriptor: Int32

  init(_ kind: __socket_type, from source: UInt32 = 0x7f00_0001, to server: Endpoint) throws {
    descriptor = socket(AF_INET, Int32(kind.rawValue), 0)
    var limit = timeval(tv_sec: 2, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var local = try #require(KernelAddress(.init(ipv4: source, port: 0), family: AF_INET))
    let descriptor = descriptor
    try #require(local.withPointer { bind(descriptor, $0, $1.pointee) } == 0)
    var remote = try #require(
      KernelAddress(.init(high: server.high, low: server.low, port: server.port), family: AF_INET))
    try #require(remote.withPointer { connect(descriptor, $0, $1.pointee) } == 0)
  }

  func send(_ text: String) {
    let bytes = Array(text.utf8)
    _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
  }
  /// What came; empty at the end of a stream, nil if nothing came in time.
  func receive(within seconds: Int = 2) -> String? {
    var limit = timeval(tv_sec: seconds, tv_usec: seconds == 0 ? 150_000 : 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var bytes = [UInt8](repeating: 0, count: 65_536)
    let count = recv(descriptor, &bytes, bytes.count, 0)
    return count < 0 ? nil : String(decoding: bytes[..<count], as: UTF8.self)
  }
  func close() { Glibc.close(descriptor) }
}

@Suite struct SIPTransportTests {
  static func options(_ number: Int, _ extra: String = "", body: String = "") -> String {
    """
    OPTIONS sip:support@127.0.0.1 SIP/2.0\r
    Via: SIP/2.0/UDP 127.0.0.1:5099;branch=z9hG4bK\(number);rport\r
    From: <sip:someone@example.com>;tag=1\r
    To: <sip:support@127.0.0.1>\r
    Call-ID: call-\(number)\r
    CSeq: 1 OPTIONS\r
    Max-Forwards: 70\r
    \(extra)Content-Length: \(body.utf8.count)\r
    \r
    \(body)
    """
  }

  private func withTransport(
    _ change: (inout SIPTransport.Settings) -> Void = { _ in },
    isTrusted: @escaping @Sendable (Endpoint) -> Bool = { $0.low & 0xff == 1 },
    _ body: (SIPTransport, Inbox, _ udp: Endpoint, _ tcp: Endpoint) async throws -> Void
  ) async throws {
    let inbox = Inbox()
    var settings = SIPTransport.Settings()
    settings.udp = Endpoint(ipv4: 0, port: 0)
    settings.tcp = Endpoint(ipv4: 0, port: 0)
    change(&settings)
    let transport = try await SIPTransport.start(
      settings: settings, clock: EngineClock(), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
      sinks: .init(received: inbox.receive, failed: inbox.fail, isTrusted: isTrusted))
    let (udp, tcp) = (try #require(transport.udp), try #require(transport.tcp))
    do {
      try await body(
        transport, inbox, Endpoint(ipv4: 0x7f00_0001, port: udp.port), Endpoint(ipv4: 0x7f00_0001, port: tcp.port))
    } catch {
      await transport.stop()
      throw error
    }
    await transport.stop()
  }

  @Test("A datagram becomes a message with its flow, and bytes go back on it")
  func datagram() async throws {
    try await withTransport { transport, inbox, udp, _ in
      let client = try Client(SOCK_DGRAM, to: udp)
      defer { client.close() }
      client.send("\r\n\r\n")
      client.send(Self.options(1))
      #expect(await inbox.wait { $0.messages.count == 1 })
      let (message, flow) = try #require(inbox.messages.first)
      #expect(message.callID == "call-1" && flow.transport == .udp && flow.remote.address == "127.0.0.1")
      transport.send([.init(bytes: Array("one".utf8), flow: flow), .init(bytes: Array("two".utf8), flow: flow)])
      #expect(client.receive() == "one")
      #expect(client.receive() == "two")
      #expect(transport.counters.received == 1 && transport.counters.sent == 2)
    }
  }

  @Test("A trusted source's nonsense is refused at once, a stranger's gets nothing larger than itself")
  func malformed() async throws {
    try await withTransport { transport, inbox, udp, _ in
      let bad = Self.options(1).replacing("CSeq: 1 OPTIONS", with: "CSeq: 1 INVITE")
      let friend = try Client(SOCK_DGRAM, to: udp)
      defer { friend.close() }
      friend.send(bad)
      #expect(friend.receive()?.hasPrefix("SIP/2.0 400 ") == true)
      let stranger = try Client(SOCK_DGRAM, from: 0x7f00_0002, to: udp)
      defer { stranger.close() }
      stranger.send(bad)
      if let answer = stranger.receive(within: 0) { #expect(answer.utf8.count <= bad.utf8.count) }
      friend.send("nonsense")
      #expect(friend.receive(within: 0) == nil)
      #expect(inbox.messages.isEmpty && transport.counters.malformed == 3)
    }
  }

  @Test("A stranger who insists is shut out on both transports, a trusted source is not")
  func ban() async throws {
    try await withTransport { transport, inbox, udp, tcp in
      let stranger = try Client(SOCK_DGRAM, from: 0x7f00_0002, to: udp)
      defer { stranger.close() }
      for n in 0..<40 { stranger.send(Self.options(n)) }
      #expect(await inbox.wait { _ in transport.counters.dropped == 24 })
      #expect(inbox.messages.count == 15 && transport.counters.banned == 1)
      let stream = try Client(SOCK_STREAM, from: 0x7f00_0002, to: tcp)
      defer { stream.close() }
      #expect(["", nil].contains(stream.receive()))
      let friend = try Client(SOCK_DGRAM, to: udp)
      defer { friend.close() }
      for n in 100..<150 { friend.send(Self.options(n)) }
      #expect(await inbox.wait { $0.messages.count == 65 })
    }
  }

  @Test("Scanners hear nothing and reach nobody")
  func scanners() async throws {
    try await withTransport { transport, inbox, udp, _ in
      let client = try Client(SOCK_DGRAM, to: udp)
      defer { client.close() }
      client.send(Self.options(1, "User-Agent: friendly-scanner\r\n"))
      client.send(Self.options(2).replacing("From: <", with: "From: \"sipvicious\" <"))
      #expect(await inbox.wait { _ in transport.counters.dropped == 2 })
      #expect(client.receive(within: 0) == nil && inbox.messages.isEmpty)
    }
  }

  @Test("A scanner is known by what it says of itself, not by words in other places")
  func scannerNames() throws {
    func isScanner(_ text: String) throws -> Bool { Scanners.sent(try Message(parsing: Array(text.utf8))) }
    for header in ["User-Agent: SIPVicious", "USER-AGENT : x pplsip/1", "User-Agent: some\r\n Scanner"] {
      #expect(try isScanner(Self.options(1, header + "\r\n")), "\(header)")
    }
    #expect(try isScanner(Self.options(1).replacing("From: <", with: "f: SunDayDDR <")))
    for header in ["Subject: scanner", "User-Agent: Scan", "User-Agent: phone <scanner>"] {
      #expect(try !isScanner(Self.options(1, header + "\r\n", body: "User-Agent: scanner")), "\(header)")
    }
    #expect(try !isScanner(Self.options(1).replacing("<sip:someone@", with: "<sip:scanner@")))
    #expect(try !isScanner("SIP/2.0 200 OK\r\n" + Self.options(1, "User-Agent: scanner\r\n").drop { $0 != "V" }))
  }

  @Test("Datagrams of a burst come in their order, more than are read at once")
  func burst() async throws {
    try await withTransport { transport, inbox, udp, _ in
      let client = try Client(SOCK_DGRAM, to: udp)
      defer { client.close() }
      for number in 0..<100 { client.send(Self.options(number)) }
      #expect(await inbox.wait { $0.messages.count == 100 })
      #expect(inbox.messages.map(\.message.callID) == (0..<100).map { "call-\($0)" })
      #expect(transport.counters.received == 100)
    }
  }

  @Test("A datagram that cannot be sent is counted, and hurts no other")
  func unsent() async throws {
    try await withTransport { transport, inbox, udp, _ in
      let nobody = try Client(SOCK_DGRAM, to: udp)
      nobody.send(Self.options(1))
      #expect(await inbox.wait { $0.messages.count == 1 })
      let gone = try #require(inbox.messages.first).flow
      nobody.close()
      let client = try Client(SOCK_DGRAM, to: udp)
      defer { client.close() }
      client.send(Self.options(2))
      #expect(await inbox.wait { $0.messages.count == 2 })
      let flow = try #require(inbox.messages.last).flow
      transport.send([
        .init(bytes: [1], flow: gone), .init(bytes: Array(repeating: 0, count: 70_000), flow: flow),
        .init(bytes: [1], flow: Flow(transport: .udp, remote: Endpoint(high: 1, low: 1, port: 5060))),
        .init(bytes: Array("still here".utf8), flow: flow),
      ])
      #expect(client.receive() == "still here")
      #expect(transport.counters.sent == 4 && transport.counters.unsent == 2)
      client.send(Self.options(3))
      #expect(await inbox.wait { $0.messages.count == 3 })
    }
  }

  @Test("An address in use is the system's error")
  func addressInUse() async throws {
    try await withTransport { _, _, udp, _ in
      await #expect(throws: SystemError(errno: EADDRINUSE)) {
        try await withTransport({ $0.udp = Endpoint(ipv4: 0, port: udp.port) }) { _, _, _, _ in }
      }
    }
  }

  @Test("A socket of IPv6 serves both kinds of addresses")
  func bothFamilies() async throws {
    try await withTransport({ $0.udp = Endpoint(high: 0, low: 0, port: 0) }) { transport, inbox, udp, _ in
      let client = try Client(SOCK_DGRAM, to: udp)
      defer { client.close() }
      client.send(Self.options(1))
      #expect(await inbox.wait { $0.messages.count == 1 })
      let flow = try #require(inbox.messages.first).flow
      #expect(flow.remote.address == "127.0.0.1")
      transport.send([.init(bytes: Array("back".utf8), flow: flow)])
      #expect(client.receive() == "back")
    }
  }

  @Test("A stream is cut into messages however it comes, and keep-alives are answered")
  func framing() async throws {
    try await withTransport { transport, inbox, _, tcp in
      let client = try Client(SOCK_STREAM, to: tcp)
      client.send("\r\n\r\n")
      #expect(client.receive() == "\r\n")
      let all = Self.options(1, body: "hello") + "\r\n\r\n" + Self.options(2) + Self.options(3, body: "x")
      var rest = Substring(all)
      while !rest.isEmpty {
        client.send(String(rest.prefix(97)))
        rest = rest.dropFirst(97)
        usleep(1_000)
      }
      #expect(await inbox.wait { $0.messages.count == 3 })
      #expect(inbox.messages.map { String(decoding: $0.message.body, as: UTF8.self) } == ["hello", "", "x"])
      #expect(Set(inbox.messages.map(\.flow)).count == 1)
      let flow = try #require(inbox.messages.first?.flow)
      #expect(flow.transport == .tcp && flow.connection != 0)
      #expect(client.receive() == "\r\n")
      transport.send([.init(bytes: Array("back".utf8), flow: flow)])
      #expect(client.receive() == "back")
      client.close()
      #expect(await inbox.wait { $0.failed == [flow] })
    }
  }

  @Test("A stream whose messages cannot be told apart is closed")
  func lostFraming() async throws {
    try await withTransport { _, inbox, _, tcp in
      let client = try Client(SOCK_STREAM, to: tcp)
      defer { client.close() }
      client.send(Self.options(1).replacing("Content-Length: 0\r\n", with: ""))
      #expect(client.receive() == "")
      #expect(inbox.messages.isEmpty)
    }
  }

  @Test("A connection that brings no whole message in time is closed")
  func slowMessage() async throws {
    try await withTransport({ $0.messageTime = 1 }) { _, _, _, tcp in
      let silent = try Client(SOCK_STREAM, to: tcp)
      defer { silent.close() }
      let slow = try Client(SOCK_STREAM, to: tcp)
      defer { slow.close() }
      slow.send(Self.options(1) + "OPTIONS sip:a@b")
      #expect(silent.receive(within: 4) == "")
      #expect(slow.receive(within: 4) == "")
    }
  }

  @Test("A trusted source may have many connections, up to the total of all")
  func connectionLimit() async throws {
    try await withTransport({ $0.connections = 8 }) { _, _, _, tcp in
      let clients = try (0..<10).map { _ in try Client(SOCK_STREAM, to: tcp) }
      defer { for client in clients { client.close() } }
      for client in clients { client.send("\r\n\r\n") }
      let answers = clients.map { $0.receive(within: 1) }
      #expect(answers.filter { $0 == "\r\n" }.count == 8)
    }
  }

  @Test("A connection that brought no message fails unheard; a stranger who makes many is shut out")
  func idleConnections() async throws {
    try await withTransport { transport, inbox, _, tcp in
      for _ in 0..<20 { try Client(SOCK_STREAM, from: 0x7f00_0002, to: tcp).close() }
      #expect(await inbox.wait { _ in transport.counters.banned == 1 && transport.counters.dropped == 4 })
      for _ in 0..<20 { try Client(SOCK_STREAM, to: tcp).close() }
      let talker = try Client(SOCK_STREAM, to: tcp)
      talker.send(Self.options(1))
      #expect(await inbox.wait { $0.messages.count == 1 })
      talker.close()
      #expect(await inbox.wait { !$0.failed.isEmpty })
      #expect(inbox.failed == inbox.messages.map(\.flow))
    }
  }

  @Test("A message without a connection opens one, and its answer comes back on it")
  func outgoing() async throws {
    try await withTransport { server, serverInbox, _, serverTCP in
      try await withTransport { client, inbox, _, _ in
        let flow = Flow(transport: .tcp, remote: serverTCP)
        client.send([
          .init(bytes: Array(Self.options(1).utf8), flow: flow), .init(bytes: Array(Self.options(2).utf8), flow: flow),
        ])
        #expect(await serverInbox.wait { $0.messages.count == 2 })
        let arrived = serverInbox.messages.map(\.flow)
        #expect(arrived.first == arrived.last)
        let back = try #require(arrived.first)
        server.send([.init(bytes: Array(Self.options(3).utf8), flow: back)])
        #expect(await inbox.wait { $0.messages.first?.message.callID == "call-3" })
        #expect(inbox.messages.first?.flow.remote == serverTCP)
      }
    }
  }

  @Test("A connection that cannot be made fails its flow")
  func refusedConnection() async throws {
    try await withTransport { transport, inbox, _, _ in
      let nobody = Flow(transport: .tcp, remote: Endpoint(ipv4: 0x7f00_0001, port: 1))
      transport.send([.init(bytes: [1], flow: nobody)])
      #expect(await inbox.wait { $0.failed.contains(nobody) })
      let gone = Flow(transport: .tcp, remote: nobody.remote, connection: 99)
      transport.send([.init(bytes: [1], flow: gone)])
      #expect(await inbox.wait { $0.failed.contains(gone) })
    }
  }
}
