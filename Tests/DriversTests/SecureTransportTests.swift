import CallControl
import Foundation
import Logging
import NIOSSL
import Primitives
import SIP
import TestAuthority
import Testing

@testable import Drivers

/// SIP over TLS with a certificate of an authority made for the test.
@Suite struct SecureTransportTests {
  /// Files of certificates, gone after the test.
  private final class Folder {
    let path = FileManager.default.temporaryDirectory.appending(path: "tls-\(UUID().uuidString)").path
    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ text: String, _ name: String) throws -> String {
      try text.write(toFile: path + "/" + name, atomically: true, encoding: .utf8)
      return path + "/" + name
    }
    func certificate(_ issued: TestAuthority.Issued, _ name: String = "site") throws -> Site.Listen.Certificate {
      .init(file: try write(issued.certificate, name + ".pem"), keyFile: try write(issued.key, name + ".key"))
    }
  }

  private let folder: Folder
  private let authority = TestAuthority()
  init() throws { folder = try Folder() }

  private func withTransport(
    _ issued: TestAuthority.Issued? = nil, trusting authority: String? = nil,
    _ change: (inout SIPTransport.Settings) -> Void = { _ in },
    isTrusted: @escaping @Sendable (Endpoint) -> Bool = { $0.low & 0xff == 1 },
    _ body: (SIPTransport, Inbox, Endpoint) async throws -> Void
  ) async throws {
    let inbox = Inbox()
    var settings = SIPTransport.Settings()
    settings.tcp = Endpoint(ipv4: 0, port: 0)
    // Handshakes take their time where many tests run at once.
    settings.messageTime = 60
    let certificate = try folder.certificate(issued ?? self.authority.issue(), UUID().uuidString)
    let authorities = try authority.map { try folder.write($0, "\(UUID().uuidString).pem") }
    settings.tls = .init(Endpoint(ipv4: 0, port: 0), certificate: certificate, authoritiesFile: authorities)
    change(&settings)
    let transport = try await SIPTransport.start(
      settings: settings, clock: EngineClock(), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
      sinks: .init(received: inbox.receive, failed: inbox.fail, isTrusted: isTrusted))
    let tls = try #require(transport.tls)
    let result = await Result { try await body(transport, inbox, Endpoint(ipv4: 0x7f00_0001, port: tls.port)) }
    await transport.stop()
    try result.get()
  }

  @Test("A phone's messages come over TLS, answers go back on its connection, and keep-alives are answered")
  func exchange() async throws {
    for version in [TLSVersion.tlsv12, .tlsv13] {
      try await withTransport { transport, inbox, tls in
        let phone = try await TLSClient(to: tls, trusting: authority.certificate, versions: (version, version))
        phone.send("\r\n\r\n" + SIPTransportTests.options(1))
        #expect(await inbox.wait { $0.messages.count == 1 })
        let flow = try #require(inbox.messages.first?.flow)
        #expect(flow.transport == .tls && flow.connection != 0 && flow.remote.address == "127.0.0.1")
        #expect(await phone.wait { $0 == "\r\n" })
        transport.send([.init(bytes: Array("back".utf8), flow: flow)])
        #expect(await phone.wait { $0 == "\r\nback" })
        phone.close()
        #expect(await inbox.wait { $0.failed == [flow] })
      }
    }
  }

  @Test("A chain of RSA certificates is shown whole")
  func chain() async throws {
    let issued = authority.issue(kind: .rsa(bits: 2048))
    let chain = TestAuthority.Issued(certificate: issued.certificate + authority.certificate, key: issued.key)
    try await withTransport(chain) { _, inbox, tls in
      let phone = try await TLSClient(to: tls, trusting: authority.certificate)
      phone.send(SIPTransportTests.options(1))
      #expect(await inbox.wait { $0.messages.count == 1 })
    }
  }

  @Test("TLS 1.1 and plain text find no handshake, and reach nobody")
  func refusedHandshakes() async throws {
    try await withTransport { transport, inbox, tls in
      let old = try await TLSClient(to: tls, trusting: authority.certificate, versions: (.tlsv1, .tlsv11))
      #expect(await old.isClosed())
      #expect(await inbox.wait { _ in transport.counters.failedHandshakes == 1 })
      let plain = Flow(transport: .tcp, remote: tls)
      try await withTransport { other, otherInbox, _ in
        other.send([.init(bytes: Array(SIPTransportTests.options(1).utf8), flow: plain)])
        #expect(await otherInbox.wait { $0.failed.contains(plain) })
      }
      #expect(await inbox.wait { _ in transport.counters.failedHandshakes == 2 })
      #expect(inbox.messages.isEmpty && inbox.failed.isEmpty)
    }
  }

  @Test("Whoever connects and does not finish the handshake, or says nothing after it, is put off in time")
  func stalled() async throws {
    try await withTransport(nil, { $0.messageTime = 1 }) { _, inbox, tls in
      let silent = try await TLSClient(to: tls, trusting: authority.certificate)
      #expect(await silent.isClosed())
      // A transport of ours that connects by TCP and says half a record.
      try await withTransport { other, otherInbox, _ in
        let flow = Flow(transport: .tcp, remote: tls)
        other.send([.init(bytes: [0x16, 0x03, 0x01, 0x02, 0x00, 0x01], flow: flow)])
        let start = ContinuousClock.now
        while otherInbox.failed.isEmpty, ContinuousClock.now - start < .seconds(8) {
          try await Task.sleep(for: .milliseconds(20))
        }
        #expect(otherInbox.failed.contains(flow))
      }
      #expect(inbox.messages.isEmpty)
    }
  }

  @Test("Strangers of one address have few connections; one over which a known phone spoke does not count")
  func connectionsPerSource() async throws {
    let known = Inbox()
    try await withTransport(
      nil, { $0.gate.messages = 1_000 },
      isTrusted: { endpoint in known.messages.contains { $0.flow.remote == endpoint } }
    ) { _, inbox, tls in
      func connect() async throws -> TLSClient {
        try await TLSClient(to: tls, from: "127.0.0.2", trusting: authority.certificate)
      }
      var phones: [TLSClient] = []
      for number in 0..<4 {
        phones.append(try await connect())
        phones[number].send(SIPTransportTests.options(number))
        #expect(await inbox.wait { $0.messages.count == number + 1 })
      }
      #expect(try await connect().isClosed())
      known.receive([inbox.messages[0]])
      let fifth = try await connect()
      fifth.send(SIPTransportTests.options(5))
      #expect(await inbox.wait { $0.messages.count == 5 })
      #expect(try await connect().isClosed())
    }
  }

  @Test("A stranger who insists is shut out over TLS as over TCP")
  func ban() async throws {
    try await withTransport { transport, inbox, tls in
      let stranger = try await TLSClient(to: tls, from: "127.0.0.2", trusting: authority.certificate)
      for number in 0..<40 { stranger.send(SIPTransportTests.options(number)) }
      #expect(await stranger.isClosed())
      // One of the fifteen was the connection, if that was not longer ago than they are counted.
      #expect(await inbox.wait { _ in transport.counters.banned == 1 })
      #expect((14...15).contains(inbox.messages.count))
      let again = try await TLSClient(to: tls, from: "127.0.0.2", trusting: authority.certificate)
      #expect(await again.isClosed())
    }
  }

  @Test("After a reload new connections see the new certificate, and those that are up go on")
  func renewed() async throws {
    let other = TestAuthority("Another authority")
    try await withTransport { transport, inbox, tls in
      let before = try await TLSClient(to: tls, trusting: authority.certificate)
      before.send(SIPTransportTests.options(1))
      #expect(await inbox.wait { $0.messages.count == 1 })
      try transport.use(try folder.certificate(other.issue(), "next"))
      let after = try await TLSClient(to: tls, trusting: other.certificate)
      after.send(SIPTransportTests.options(2))
      #expect(await inbox.wait { $0.messages.count == 2 })
      let mistrustful = try await TLSClient(to: tls, trusting: authority.certificate)
      #expect(await mistrustful.isClosed())
      before.send(SIPTransportTests.options(3))
      #expect(await inbox.wait { $0.messages.map(\.message.callID) == ["call-1", "call-2", "call-3"] })
      #expect(throws: (any Error).self) {
        try transport.use(.init(file: "/nowhere.pem", keyFile: "/nowhere.key"))
      }
      let still = try await TLSClient(to: tls, trusting: other.certificate)
      still.send(SIPTransportTests.options(4))
      #expect(await inbox.wait { $0.messages.count == 4 })
    }
  }

  @Test("We connect over TLS to whom an authority of ours names by address, and reuse that connection")
  func outgoing() async throws {
    try await withTransport { server, serverInbox, serverTLS in
      try await withTransport(trusting: authority.certificate) { client, inbox, _ in
        let flow = Flow(transport: .tls, remote: serverTLS)
        client.send([.init(bytes: Array(SIPTransportTests.options(1).utf8), flow: flow)])
        #expect(await serverInbox.wait { $0.messages.count == 1 })
        client.send([.init(bytes: Array(SIPTransportTests.options(2).utf8), flow: flow)])
        #expect(await serverInbox.wait { $0.messages.count == 2 })
        #expect(Set(serverInbox.messages.map(\.flow)).count == 1)
        let back = try #require(serverInbox.messages.first?.flow)
        server.send([.init(bytes: Array(SIPTransportTests.options(3).utf8), flow: back)])
        #expect(await inbox.wait { $0.messages.first?.message.callID == "call-3" })
        #expect(inbox.messages.first?.flow.remote == serverTLS)
      }
    }
  }

  @Test("A far end whose certificate names another address, or comes from an unknown authority, gets nothing")
  func mistrusted() async throws {
    for (issued, believed) in [
      (authority.issue(addresses: ["192.0.2.1"]), authority.certificate),
      (authority.issue(), TestAuthority().certificate),
      (authority.issue(validity: -7_200 ... -3_600), authority.certificate),
    ] {
      try await withTransport(issued) { _, serverInbox, serverTLS in
        try await withTransport(trusting: believed) { client, inbox, _ in
          let flow = Flow(transport: .tls, remote: serverTLS)
          client.send([.init(bytes: Array(SIPTransportTests.options(1).utf8), flow: flow)])
          #expect(await inbox.wait { $0.failed.contains(flow) })
          #expect(serverInbox.messages.isEmpty)
        }
      }
    }
  }

  @Test("A connection made to us is never taken for one to the far end's own listener")
  func noAlias() async throws {
    try await withTransport { transport, inbox, tls in
      let phone = try await TLSClient(to: tls, trusting: authority.certificate)
      phone.send(SIPTransportTests.options(1))
      #expect(await inbox.wait { $0.messages.count == 1 })
      let flow = try #require(inbox.messages.first?.flow)
      let unnamed = Flow(transport: .tls, remote: flow.remote)
      transport.send([.init(bytes: Array("not for you".utf8), flow: unnamed)])
      #expect(await inbox.wait { $0.failed.contains(unnamed) })
      transport.send([.init(bytes: Array("for you".utf8), flow: flow)])
      #expect(await phone.wait { $0 == "for you" })
    }
  }

  @Test("Files that hold no certificate, or a key of another, keep the transport from starting")
  func badFiles() async throws {
    let (one, two) = (authority.issue(), authority.issue())
    let mixed = TestAuthority.Issued(certificate: one.certificate, key: two.key)
    await #expect(throws: (any Error).self) { try await withTransport(mixed) { _, _, _ in } }
    let nothing = TestAuthority.Issued(certificate: "", key: "")
    await #expect(throws: (any Error).self) { try await withTransport(nothing) { _, _, _ in } }
  }
}

extension Result where Failure == any Error {
  fileprivate init(_ body: () async throws -> Success) async {
    do { self = .success(try await body()) } catch { self = .failure(error) }
  }
}
