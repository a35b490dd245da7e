import CallControl
import Glibc
import Media
import Primitives
import SDP
import SIP
import TestPeers
import Testing

@testable import Drivers

/// Browsers at the one port that they share, over real sockets of loopback.
@Suite(.serialized) struct BrowserPortTests {
  private let log = EventLog()
  private let media: MediaThreads
  private let certificate: DTLSCertificate
  private let a = MediaID(slot: 1, generation: 0)
  private let b = MediaID(slot: 2, generation: 0)

  init() throws {
    let loopback = Endpoint(ipv4: 0x7f00_0001, port: 0)
    var settings = MediaThreads.Settings(address: loopback)
    settings.ports = 32_000...32_099
    settings.threads = 2
    settings.browsers = .init(local: [loopback], advertised: ["127.0.0.1"])
    let log = log
    media = try MediaThreads(settings: settings, entropy: Entropy(testing: 2), events: { log.append($0) })
    certificate = try DTLSCertificate()
  }

  private func open(_ id: MediaID, _ transport: MediaTransport = .web) throws -> OpenedMedia {
    media.perform([.open(id, transport)])
    return try log.first { event in
      if case .opened(id, let opened) = event { return opened }
      return nil
    }
  }

  /// A browser whose offer was answered.
  private func browser(_ id: MediaID, _ codec: AudioCodec = .pcmu, ssrc: UInt32 = 0x1234) throws -> ScriptedBrowser {
    let web = try #require(try open(id).web)
    let peer = try ScriptedBrowser(web, certificate: certificate, ssrc: ssrc)
    media.perform([.setRemote(id, peer.remote(codec))])
    return peer
  }

  @Test("A browser connects, and hears itself from the echo: protected both ways")
  func echo() throws {
    defer { media.stop() }
    let peer = try browser(a)
    media.perform([.play(a, .echo)])
    #expect(peer.connect())
    try log.wait(for: .connected(a))
    for sequence in 1...20 as ClosedRange<UInt16> { peer.send([UInt8(sequence), 2, 3], sequence: sequence) }
    #expect(peer.wait { $0.packets.count == 20 })
    #expect(peer.packets.map(\.payload) == (1...20).map { [$0, 2, 3] })
    #expect(peer.unreadable == 0)
    #expect(peer.answers.allSatisfy { $0.kind == .success && $0.mappedAddress == peer.socket.address })
  }

  @Test("A browser and a plain phone hear each other, digits included")
  func phone() throws {
    defer { media.stop() }
    let peer = try browser(a)
    let phone = try Phone(ssrc: 20)
    let port = try open(b, .rtp).port
    media.perform([
      .setRemote(b, RemoteMedia(endpoint: phone.remote, codec: .pcmu, telephoneEvent: 96)), .join(a, b),
    ])
    #expect(peer.connect())
    peer.send([7, 7, 7], sequence: 1)
    let heard = try #require(phone.receive())
    #expect(heard.payload == [7, 7, 7] && heard.header.payloadType == 0 && heard.header.ssrc != peer.ssrc)
    peer.send([5, 0x80, 0, 160], payloadType: 101, sequence: 2)
    #expect(phone.receive()?.header.payloadType == 96)
    try log.wait(for: .digit(a, 5))
    phone.send([9, 9], sequence: 1, to: port)
    #expect(peer.wait { !$0.packets.isEmpty })
    #expect(peer.packets.first?.payload == [9, 9])
  }

  @Test("Two browsers hear each other")
  func browsers() throws {
    defer { media.stop() }
    let (one, two) = (try browser(a), try browser(b, ssrc: 0x5678))
    media.perform([.join(a, b)])
    #expect(one.connect() && two.connect())
    one.send([1, 1], sequence: 1)
    two.send([2, 2], sequence: 1)
    #expect(one.wait { !$0.packets.isEmpty } && two.wait { !$0.packets.isEmpty })
    #expect(one.packets.first?.payload == [2, 2] && two.packets.first?.payload == [1, 1])
  }

  @Test("Music goes to a browser in its codec", arguments: [AudioCodec.pcmu, .opus])
  func music(_ codec: AudioCodec) throws {
    defer { media.stop() }
    let peer = try browser(a, codec)
    media.perform([.play(a, .music(0))])
    #expect(peer.connect())
    #expect(peer.wait { $0.packets.count >= 10 })
    let packets = peer.packets.prefix(10)
    #expect(packets.allSatisfy { $0.header.payloadType == codec.payloadType && !$0.payload.isEmpty })
    let step: UInt32 = codec == .opus ? 960 : 160
    for (one, next) in zip(packets, packets.dropFirst()) {
      #expect(next.header.sequence == one.header.sequence + 1 && next.header.timestamp == one.header.timestamp &+ step)
    }
  }

  @Test("Opus from a browser reaches a telephone as G.711, and the other way round")
  func transcoding() throws {
    defer { media.stop() }
    let peer = try browser(a, .opus)
    let phone = try Phone(ssrc: 20)
    let port = try open(b, .rtp).port
    media.perform([
      .setRemote(b, RemoteMedia(endpoint: phone.remote, codec: .pcma, telephoneEvent: nil)), .join(a, b),
    ])
    #expect(peer.connect())
    var encoder = OpusEncoder(for: .speech)
    var packet = [UInt8](repeating: 0, count: OpusEncoder.mostBytes)
    let silence = [Int16](repeating: 0, count: OpusEncoder.frameSize)
    for number in 1...15 as ClosedRange<UInt16> {
      let count = packet.withUnsafeMutableBytes { encoder.encode(silence, to: $0) }
      peer.send(Array(packet[..<count]), payloadType: 111, sequence: number)
      phone.send([UInt8](repeating: 0xd5, count: 160), payloadType: 8, sequence: number, to: port)
      peer.wait(milliseconds: 20)
    }
    let heard = try #require(phone.receive())
    #expect(heard.header.payloadType == 8 && heard.payload.count == 160)
    #expect(peer.packets.contains { $0.header.payloadType == 111 })
  }

  @Test("A certificate that the sdpOffer did not name fails the leg, and no sound passes")
  func wrongFingerprint() throws {
    defer { media.stop() }
    let web = try #require(try open(a).web)
    let peer = try ScriptedBrowser(web, certificate: certificate)
    media.perform([.setRemote(a, peer.remote(digest: [UInt8](repeating: 1, count: 32))), .play(a, .echo)])
    _ = peer.connect()
    try log.wait(for: .failed(a))
    peer.send([1, 2, 3], sequence: 1)
    peer.wait(milliseconds: 100)
    #expect(peer.packets.isEmpty && !log.all.contains(.connected(a)))
  }

  @Test("A stranger's ClientHello, alert, RTP and noise are not answered and change nothing")
  func strangers() throws {
    defer { media.stop() }
    let peer = try browser(a)
    media.perform([.play(a, .echo)])
    let stranger = try ScriptedBrowser(
      WebTransport(
        ice: ICECredentials(ufrag: "nobodyAA", password: "x"), fingerprint: Fingerprint(hash: "sha-256", digest: [1]),
        candidates: try #require(try open(b).web).candidates),
      certificate: try DTLSCertificate())
    let noise: () -> Void = {
      stranger.startDTLS()
      stranger.check()
      stranger.check(ICECredentials(ufrag: peer.credentials.ufrag, password: "guessed-and-wrong"))
      stranger.send([21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40])
      var draw = Entropy(testing: 3)
      for length in 0..<60 { stranger.send((0..<length).map { _ in UInt8(truncatingIfNeeded: draw.next()) }) }
      for first in [0x80, 0x90, 0xbf] as [UInt8] { stranger.send([first] + [UInt8](repeating: 200, count: 40)) }
    }
    noise()
    peer.check()
    #expect(peer.wait { !$0.answers.isEmpty })
    noise()
    #expect(peer.connect())
    noise()
    peer.send([4, 4], sequence: 1)
    #expect(peer.wait { !$0.packets.isEmpty })
    stranger.wait(milliseconds: 100)
    // All it hears is that its guess was wrong.
    #expect(stranger.answers.allSatisfy { $0.errorCode == 401 } && stranger.packets.isEmpty && stranger.unreadable == 0)
  }

  @Test("Noise from the browser's own address does not end its call")
  func damaged() throws {
    defer { media.stop() }
    let peer = try browser(a)
    media.perform([.play(a, .echo)])
    #expect(peer.connect())
    var draw = Entropy(testing: 4)
    for round in 0..<400 {
      var bytes = (0..<(1 + draw.next() % 120)).map { _ in UInt8(truncatingIfNeeded: draw.next()) }
      bytes[0] = [0, 1, 20, 22, 63, 0x80, 0x90, 0xff][round % 8]
      peer.send(bytes)
    }
    peer.sendControl([0x80, 201, 0, 1, 0, 0, 0, 1])
    peer.send([4, 4], sequence: 1)
    #expect(peer.wait { $0.packets.contains { $0.payload == [4, 4] } })
  }

  @Test("After an ICE restart media moves with the first nomination under the new credentials")
  func restart() throws {
    defer { media.stop() }
    let peer = try browser(a)
    media.perform([.play(a, .echo)])
    #expect(peer.connect())
    let old = peer.credentials
    media.perform([.restartICE(a)])
    let new: ICECredentials = try log.first { event in
      if case .restarted(a, let credentials) = event { return credentials }
      return nil
    }
    #expect(new != old)
    // The old ones still do.
    peer.check()
    #expect(peer.wait { $0.answers.count == 2 } && peer.answers.last?.kind == .success)
    try peer.move()
    peer.use(new)
    peer.check()
    #expect(peer.wait { $0.answers.count == 3 } && peer.answers.last?.kind == .success)
    peer.send([6, 6], sequence: 1)
    #expect(peer.wait { !$0.packets.isEmpty })
    peer.check(old)
    #expect(peer.wait { $0.answers.count == 4 } && peer.answers.last?.errorCode == 401)
  }

  @Test("A browser that changes networks goes on from its new address once it has nominated it")
  func newAddress() throws {
    defer { media.stop() }
    let peer = try browser(a)
    media.perform([.play(a, .music(0))])
    #expect(peer.connect())
    #expect(peer.wait { $0.packets.count > 2 })
    try peer.move()
    peer.check(nominating: false)
    #expect(!peer.wait(milliseconds: 100) { $0.packets.count > 20 })
    peer.check()
    let before = peer.packets.count
    #expect(peer.wait { $0.packets.count > before + 5 })
    #expect(peer.unreadable == 0)
  }

  @Test("Closing tells the browser by DTLS; a browser that closes is lost")
  func closing() throws {
    defer { media.stop() }
    let (one, two) = (try browser(a), try browser(b, ssrc: 9))
    #expect(one.connect() && two.connect())
    media.perform([.close(a)])
    #expect(one.wait { $0.isClosed })
    one.check()
    #expect(!one.wait(milliseconds: 100) { $0.answers.count > 1 })
    two.close()
    try log.wait(for: .lost(b))
    #expect(media.openPorts == 1)
  }

  @Test(
    "A phone with keys in its SDP is protected both ways; nothing unprotected passes", arguments: SRTPSuite.allCases)
  func sdes(_ suite: SRTPSuite) throws {
    defer { media.stop() }
    let opened = try open(a, .srtp)
    let ours = try #require(opened.sdes.first { $0.suite == suite })
    let theirs = SDESKey(suite: suite, key: [UInt8](repeating: 3, count: suite.keyBytes + suite.saltBytes))
    let phone = try Phone(ssrc: 30)
    var remote = RemoteMedia(endpoint: phone.remote, codec: .pcmu, telephoneEvent: nil)
    remote.security = .sdes(outgoing: ours, incoming: theirs)
    media.perform([.setRemote(a, remote), .play(a, .echo)])
    var sender = SRTPSender(try #require(SRTPMasterKey(theirs)))
    var receiver = SRTPReceiver(try #require(SRTPMasterKey(ours)))
    for sequence in 1...5 as ClosedRange<UInt16> {
      phone.send([1, 2, 3], sequence: sequence, to: opened.port)
      var room = [UInt8](repeating: 0, count: 64)
      let header = RTPHeader(payloadType: 0, sequence: sequence, timestamp: 1, ssrc: 30)
      let count = try room.withUnsafeMutableBytes { room in
        header.write(to: room)
        room[12] = UInt8(sequence)
        return try sender.protect(room, count: 13)
      }
      let port = try #require(KernelAddress(NetworkAddress(ipv4: 0x7f00_0001, port: opened.port), family: AF_INET))
      _ = room[..<count].withUnsafeBytes { phone.socket.send($0, to: port) }
      let answer = try #require(phone.receiveBytes())
      var bytes = answer
      let plain = try bytes.withUnsafeMutableBytes { try receiver.unprotect($0) }
      #expect(plain == 13 && bytes[12] == UInt8(sequence))
    }
  }

  @Test("Three hundred browsers at once: all connect, and no packet of theirs is lost", .timeLimit(.minutes(2)))
  func many() throws {
    defer { media.stop() }
    let ids = (0..<300).map { MediaID(slot: UInt32(100 + $0), generation: 0) }
    let peers = try ids.map { try browser($0, ssrc: UInt32(1_000 + $0.slot)) }
    for id in ids { media.perform([.play(id, .echo)]) }
    for peer in peers { #expect(peer.connect()) }
    let rounds: UInt16 = 25
    for sequence in 1...rounds {
      for peer in peers { peer.send([UInt8(sequence)], sequence: sequence) }
      usleep(20_000)
      for peer in peers { peer.read() }
    }
    for peer in peers {
      #expect(peer.wait { $0.packets.count == Int(rounds) })
      #expect(peer.unreadable == 0)
    }
    media.perform(ids.map { .close($0) })
    #expect(media.openPorts == 0)
  }
}

extension ScriptedBrowser {
  /// What its sdpOffer says, as the media threads hear of it.
  func remote(_ codec: AudioCodec = .pcmu, digest: [UInt8]? = nil) -> RemoteMedia {
    var remote = RemoteMedia(endpoint: nil, codec: codec, telephoneEvent: 101)
    remote.security = .web(
      remote: ICECredentials(ufrag: Self.ufrag, password: Self.password),
      fingerprints: [Fingerprint(hash: "sha-256", digest: digest ?? certificate.fingerprint)], weAreClient: false)
    return remote
  }
}

extension Phone {
  func receiveBytes() -> [UInt8]? {
    var waiting = pollfd(fd: socket.descriptor, events: Int16(POLLIN), revents: 0)
    guard poll(&waiting, 1, 1_000) == 1 else { return nil }
    var bytes = [UInt8](repeating: 0, count: 2_048)
    let count = bytes.withUnsafeMutableBytes { socket.receive(into: $0)?.count } ?? 0
    return Array(bytes[..<count])
  }
}
