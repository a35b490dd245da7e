import Glibc
import Media
import Primitives
import Testing

/// Two ends of DTLS whose datagrams a test carries.
private final class Pair {
  var server: DTLSSession
  var client: DTLSSession
  var now = Instant(microseconds: 0)
  var serverState: DTLSSession.State { server.state }
  var clientState: DTLSSession.State { client.state }
  var serverKeys: SRTPKeyPair? { server.keys }
  var clientKeys: SRTPKeyPair? { client.keys }

  init(
    server: DTLSCertificate, client: DTLSCertificate, serverExpects: [CertificateFingerprint]? = nil,
    clientExpects: [CertificateFingerprint]? = nil
  ) throws {
    self.server = try DTLSSession(
      .server, server, expecting: serverExpects ?? [CertificateFingerprint(.sha256, client.fingerprint)])
    self.client = try DTLSSession(
      .client, client, expecting: clientExpects ?? [CertificateFingerprint(.sha256, server.fingerprint)])
    self.client.start(at: now)
  }

  /// Carries everything back and forth, but for the datagrams whose numbers are `lost`.
  func carry(losing lost: Set<Int> = []) -> Int {
    var number = 0
    while true {
      let before = number
      for datagram in client.takeOutgoing() {
        if !lost.contains(number) { datagram.withUnsafeBytes { server.receive($0, at: now) } }
        number += 1
      }
      for datagram in server.takeOutgoing() {
        if !lost.contains(number) { datagram.withUnsafeBytes { client.receive($0, at: now) } }
        number += 1
      }
      if number == before { return number }
    }
  }
}

@Suite struct DTLSTests {
  private let ours: DTLSCertificate
  private let theirs: DTLSCertificate

  init() throws {
    ours = try DTLSCertificate()
    theirs = try DTLSCertificate()
  }

  @Test("Both ends have the same keys after a handshake, crosswise, and no datagram is larger than the path takes")
  func handshake() throws {
    let pair = try Pair(server: ours, client: theirs)
    let first = pair.client.takeOutgoing()
    #expect(first.count == 1 && first[0].count <= 1_200)
    first[0].withUnsafeBytes { pair.server.receive($0, at: pair.now) }
    let deadline = pair.server.deadline
    #expect(deadline > pair.now && deadline <= pair.now + 50_000)
    _ = pair.carry()
    #expect(pair.serverState == .established && pair.clientState == .established)
    let (server, client) = (try #require(pair.serverKeys), try #require(pair.clientKeys))
    #expect(server.outgoing == client.incoming && server.incoming == client.outgoing)
    #expect(server.outgoing != server.incoming)
    #expect(server.outgoing.profile == .aeadAES128GCM)
    let after = pair.server.deadline
    #expect(after == .distantFuture)
    // The keys work.
    var sender = SRTPSender(server.outgoing)
    var receiver = SRTPReceiver(client.incoming)
    let packet: [UInt8] = [0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7, 1, 2, 3]
    #expect(try unprotect(&receiver, try protect(&sender, packet)) == packet)
  }

  @Test("A certificate that the SDP did not name ends the handshake without keys, whichever side it is")
  func wrongFingerprint() throws {
    let wrong = CertificateFingerprint(.sha256, [UInt8](repeating: 7, count: 32))
    let pair = try Pair(server: ours, client: theirs, serverExpects: [wrong])
    _ = pair.carry()
    #expect(pair.serverState == .failed(.wrongFingerprint) && pair.serverKeys == nil)
    let other = try Pair(server: ours, client: theirs, clientExpects: [wrong])
    _ = other.carry()
    #expect(other.clientState == .failed(.wrongFingerprint) && other.clientKeys == nil)
    let none = try Pair(server: ours, client: theirs, serverExpects: [])
    _ = none.carry()
    #expect(none.serverState == .failed(.wrongFingerprint) && none.serverKeys == nil)
  }

  @Test("One right fingerprint among several is enough, but only of the strongest function that is named")
  func severalFingerprints() throws {
    let right = CertificateFingerprint(.sha256, theirs.fingerprint)
    let wrong = CertificateFingerprint(.sha256, [UInt8](repeating: 7, count: 32))
    let two = try Pair(server: ours, client: theirs, serverExpects: [wrong, right])
    _ = two.carry()
    #expect(two.serverState == .established)
    let stronger = CertificateFingerprint(.sha512, [UInt8](repeating: 7, count: 64))
    let weakened = try Pair(server: ours, client: theirs, serverExpects: [right, stronger])
    _ = weakened.carry()
    #expect(weakened.serverState == .failed(.wrongFingerprint))
    #expect(CertificateFingerprint(name: "sha-1", digest: []) == nil)
    #expect(CertificateFingerprint(name: "SHA-256", digest: [1])?.hash == .sha256)
  }

  @Test("A close_notify from the far end is seen; one that anybody could have sent is not")
  func closing() throws {
    let pair = try Pair(server: ours, client: theirs)
    // A fatal alert and a close_notify in plain text, before and after the handshake.
    let alerts: [[UInt8]] = [
      [21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40], [21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 10, 0, 2, 1, 0],
    ]
    for alert in alerts { alert.withUnsafeBytes { pair.server.receive($0, at: pair.now) } }
    _ = pair.carry()
    #expect(pair.serverState == .established)
    for alert in alerts { alert.withUnsafeBytes { pair.server.receive($0, at: pair.now) } }
    #expect(pair.serverState == .established)
    pair.client.close()
    _ = pair.carry()
    #expect(pair.serverState == .closed)
  }

  @Test("A ClientHello after the handshake changes nothing and is not answered")
  func lateClientHello() throws {
    let pair = try Pair(server: ours, client: theirs)
    let hello = pair.client.takeOutgoing()
    for datagram in hello { datagram.withUnsafeBytes { pair.server.receive($0, at: pair.now) } }
    _ = pair.carry()
    #expect(pair.serverState == .established)
    let keys = pair.serverKeys
    var stranger = try DTLSSession(.client, try DTLSCertificate(), expecting: [])
    stranger.start(at: pair.now)
    for datagram in hello + stranger.takeOutgoing() {
      datagram.withUnsafeBytes { pair.server.receive($0, at: pair.now) }
    }
    let answer = pair.server.takeOutgoing()
    #expect(answer.isEmpty)
    #expect(pair.serverState == .established && pair.serverKeys == keys)
  }

  @Test("Each lost datagram is repeated when its deadline passes", arguments: 0..<8)
  func loss(number: Int) throws {
    let pair = try Pair(server: ours, client: theirs)
    _ = pair.carry(losing: [number])
    // OpenSSL reads its own clock, so this test has to wait a little: 50 ms for each round.
    for _ in 0..<4 where pair.serverState != .established || pair.clientState != .established {
      usleep(55_000)
      pair.now = pair.now + 55_000
      pair.client.handleTimeout(at: pair.now)
      pair.server.handleTimeout(at: pair.now)
      _ = pair.carry()
      pair.now = pair.now + 200_000
      usleep(60_000)
    }
    #expect(pair.serverState == .established && pair.clientState == .established)
    #expect(pair.serverKeys?.outgoing == pair.clientKeys?.incoming)
  }

  @Test("Noise in a handshake and after it harms nothing")
  func noise() throws {
    var draw = Draw(11)
    for round in 0..<60 {
      let pair = try Pair(server: ours, client: theirs)
      var recorded: [[UInt8]] = []
      for _ in 0..<4 {
        var datagrams = pair.client.takeOutgoing()
        recorded += datagrams
        // Strange bytes before each datagram: records of other types and epochs, and cut-off copies of real ones.
        datagrams.insert([UInt8(20 + draw.below(44)), 0xfe, 0xfd] + draw.bytes(draw.below(60)), at: 0)
        if let copy = recorded.last, round % 2 == 0 { datagrams.append(Array(copy[..<draw.below(copy.count)])) }
        for datagram in datagrams { datagram.withUnsafeBytes { pair.server.receive($0, at: pair.now) } }
        for datagram in pair.server.takeOutgoing() {
          datagram.withUnsafeBytes { pair.client.receive($0, at: pair.now) }
        }
      }
      #expect(pair.serverState == .established)
    }
  }

  @Test("Changed and random datagrams never crash a session, and never give it keys without the right certificate")
  func fuzz() throws {
    var draw = Draw(12)
    for _ in 0..<200 {
      let pair = try Pair(server: ours, client: theirs)
      for _ in 0..<5 {
        for var datagram in pair.client.takeOutgoing() {
          for _ in 0..<draw.below(4) { datagram[draw.below(datagram.count)] = UInt8(draw.below(256)) }
          if draw.below(6) == 0 { datagram.removeLast(draw.below(datagram.count)) }
          datagram.withUnsafeBytes { pair.server.receive($0, at: pair.now) }
        }
        for datagram in pair.server.takeOutgoing() {
          datagram.withUnsafeBytes { pair.client.receive($0, at: pair.now) }
        }
        let noise = draw.bytes(draw.below(100))
        noise.withUnsafeBytes { pair.client.receive($0, at: pair.now) }
      }
      if pair.serverState == .established {
        #expect(pair.serverKeys?.incoming == pair.clientKeys?.outgoing || pair.clientKeys == nil)
      } else {
        #expect(pair.serverKeys == nil)
      }
    }
  }
}
