import Media
import Primitives
import Testing

/// Our transport and a browser's DTLS, with their datagrams carried by hand in virtual time.
private final class Link {
  let ours = ShortTermCredentials(random: Array(1...24))
  var transport: BrowserTransport
  var client: DTLSSession
  var checker: Checker
  var now = Instant(microseconds: 1_000)
  var events: [BrowserTransport.Event] = []
  let home = NetworkAddress(ipv4: 0xc000_0207, port: 40_000)

  init(expecting digest: [UInt8]? = nil) throws {
    let (server, browser) = (try DTLSCertificate(), try DTLSCertificate())
    transport = BrowserTransport(credentials: ours, certificate: server, at: now)
    client = try DTLSSession(.client, browser, expecting: [CertificateFingerprint(.sha256, server.fingerprint)])
    checker = Checker(ours)
    transport.setFarEnd([CertificateFingerprint(.sha256, digest ?? browser.fingerprint)], weAre: .server, at: now)
  }

  @discardableResult
  func check(nominating: Bool = true, from source: NetworkAddress? = nil) -> STUNMessage.Kind? {
    let bytes = checker.check(nominating: nominating)
    let answer = bytes.withUnsafeBytes { bytes in
      STUNMessage(bytes).flatMap { transport.check($0, in: bytes, from: source ?? home, at: now) }
    }
    events += transport.takeEvents()
    return answer.flatMap { parse($0)?.kind }
  }

  func send(_ datagram: [UInt8], from source: NetworkAddress? = nil) {
    datagram.withUnsafeBytes { transport.receive($0, from: source ?? home, at: now) }
    events += transport.takeEvents()
  }

  /// Carries DTLS both ways until both are silent.
  func handshake() {
    client.start(at: now)
    while true {
      let flight = client.takeOutgoing()
      for datagram in flight { send(datagram) }
      let answers = transport.takeOutgoing()
      for datagram in answers?.datagrams ?? [] { datagram.withUnsafeBytes { client.receive($0, at: now) } }
      if flight.isEmpty, answers == nil { return }
    }
  }

  func advance(by interval: Int64) {
    now = now + interval
    transport.advance(to: now)
    events += transport.takeEvents()
  }

  var isSilent: Bool { transport.takeOutgoing() == nil }
  var deadline: Instant { transport.deadline }
  var clientState: DTLSSession.State { client.state }
  var clientKeys: SRTPKeyPair? { client.keys }
  var keys: SRTPKeyPair? { events.compactMap { if case .keyed(let keys) = $0 { keys } else { nil } }.first }
}

@Suite struct BrowserTransportTests {
  @Test("Checks, then DTLS: the browser's address, then keys that fit its own")
  func connect() throws {
    let link = try Link()
    #expect(link.check(nominating: false) == .success)
    #expect(link.events.isEmpty)
    link.check()
    #expect(link.events == [.selected(link.home)])
    link.handshake()
    let keys = try #require(link.keys)
    #expect(keys.incoming == link.clientKeys?.outgoing && keys.outgoing == link.clientKeys?.incoming)
  }

  @Test("DTLS before a nomination is answered to where it came from")
  func early() throws {
    let link = try Link()
    link.check(nominating: false)
    link.handshake()
    #expect(link.keys != nil && link.clientState == .established)
  }

  @Test("DTLS from an address that no check has proven is not heard, whatever it says")
  func strangers() throws {
    let link = try Link()
    let elsewhere = NetworkAddress(ipv4: 0xc000_0299, port: 1)
    link.client.start(at: link.now)
    let hello = link.client.takeOutgoing()
    for datagram in hello { link.send(datagram, from: elsewhere) }
    #expect(link.isSilent)
    link.check()
    for datagram in hello + [[21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40]] {
      link.send(datagram, from: elsewhere)
    }
    #expect(link.isSilent)
    for datagram in hello { link.send(datagram) }
    link.handshake()
    #expect(link.keys != nil)
  }

  @Test("A forged ClientHello that no handshake can come of does not spoil the browser's own")
  func forgedHello() throws {
    let link = try Link()
    link.check()
    link.client.start(at: link.now)
    let hello = link.client.takeOutgoing()
    // The browser's own address, one cipher that nobody has.
    for _ in 0..<2 {
      var forged = hello[0]
      let suites = 13 + 12 + 2 + 32 + 1 + 1
      let count = Int(forged[suites]) << 8 | Int(forged[suites + 1])
      for place in stride(from: suites + 2, to: suites + 2 + count, by: 2) {
        (forged[place], forged[place + 1]) = (0, 2)
      }
      link.send(forged)
    }
    for datagram in hello { link.send(datagram) }
    link.handshake()
    #expect(link.keys != nil && link.clientState == .established)
  }

  @Test("A certificate that the SDP did not name is refused, and no keys come of it")
  func wrongFingerprint() throws {
    let link = try Link(expecting: [UInt8](repeating: 9, count: 32))
    link.check()
    link.handshake()
    #expect(link.events.contains(.refused(.wrongFingerprint)) && link.keys == nil)
  }

  @Test("Thirty seconds without a check lose the browser, once; the next check finds it again")
  func consent() throws {
    let link = try Link()
    link.check()
    link.handshake()
    for _ in 0..<10 {
      link.advance(by: .seconds(20))
      link.check(nominating: false)
    }
    link.events = []
    link.advance(by: .seconds(29))
    #expect(link.events.isEmpty && link.deadline == link.now + .seconds(1))
    link.advance(by: .seconds(1))
    link.advance(by: .seconds(60))
    #expect(link.events == [.lost])
    link.check(nominating: false)
    #expect(link.events == [.lost, .found])
    link.advance(by: .seconds(30))
    #expect(link.events == [.lost, .found, .lost])
  }

  @Test("A browser that never comes is lost after thirty seconds")
  func never() throws {
    let link = try Link()
    link.advance(by: .seconds(30))
    #expect(link.events == [.lost])
  }

  @Test("A browser that closes DTLS is lost at once and for good")
  func closing() throws {
    let link = try Link()
    link.check()
    link.handshake()
    link.client.close()
    for datagram in link.client.takeOutgoing() { link.send(datagram) }
    #expect(link.events.last == .lost)
    link.check()
    #expect(link.events.last == .lost)
  }

  @Test("When we close, the browser hears of it by DTLS")
  func closed() throws {
    let link = try Link()
    link.check()
    link.handshake()
    link.transport.close()
    for datagram in link.transport.takeOutgoing()?.datagrams ?? [] {
      datagram.withUnsafeBytes { link.client.receive($0, at: link.now) }
    }
    #expect(link.clientState == .closed)
  }

  @Test("After a restart media moves with the first nomination under the new credentials, and the keys stay")
  func restart() throws {
    let link = try Link()
    link.check()
    link.handshake()
    link.events = []
    let new = ShortTermCredentials(random: Array(101...124))
    link.transport.restart(new)
    let mobile = NetworkAddress(ipv4: 0xc633_6401, port: 7)
    #expect(link.check() == .success && link.events.isEmpty)
    link.checker = Checker(new)
    #expect(link.check(from: mobile) == .success)
    #expect(link.events == [.selected(mobile)])
    link.checker = Checker(link.ours)
    #expect(link.check() == .error)
    #expect(link.events == [.selected(mobile)])
  }

  @Test("As the DTLS client we begin when a pair is there")
  func client() throws {
    let (ours, theirs) = (try DTLSCertificate(), try DTLSCertificate())
    let now = Instant(microseconds: 0)
    let credentials = ShortTermCredentials(random: Array(1...24))
    var transport = BrowserTransport(credentials: credentials, certificate: ours, at: now)
    var server = try DTLSSession(.server, theirs, expecting: [CertificateFingerprint(.sha256, ours.fingerprint)])
    transport.setFarEnd([CertificateFingerprint(.sha256, theirs.fingerprint)], weAre: .client, at: now)
    let early = transport.takeOutgoing()
    #expect(early?.datagrams == nil)
    var checker = Checker(credentials)
    let home = NetworkAddress(ipv4: 0xc000_0207, port: 40_000)
    let check = checker.check(nominating: true)
    check.withUnsafeBytes { bytes in
      if let message = STUNMessage(bytes) { _ = transport.check(message, in: bytes, from: home, at: now) }
    }
    while let (address, datagrams) = transport.takeOutgoing() {
      #expect(address == home)
      for datagram in datagrams { datagram.withUnsafeBytes { server.receive($0, at: now) } }
      for datagram in server.takeOutgoing() { datagram.withUnsafeBytes { transport.receive($0, from: home, at: now) } }
    }
    let keys = server.keys
    let events = transport.takeEvents()
    #expect(keys != nil && events.contains(.keyed(try #require(keys?.turned))))
  }
}

extension SRTPKeyPair {
  /// The same, seen from the other end.
  var turned: SRTPKeyPair { SRTPKeyPair(outgoing: incoming, incoming: outgoing) }
}
