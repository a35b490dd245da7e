import CallControl
import Glibc
import Media
import Primitives
import SDP
import SIP
import Synchronization
import Testing

@testable import Drivers

/// A phone's RTP socket on loopback.
struct Phone {
  let socket: DatagramSocket
  let address: NetworkAddress
  let ssrc: UInt32

  init(ssrc: UInt32) throws {
    let loopback = NetworkAddress(ipv4: 0x7f00_0001, port: 0)
    socket = try DatagramSocket(bound: loopback)
    address = socket.address
    self.ssrc = ssrc
  }

  var remote: Endpoint { Endpoint(high: address.high, low: address.low, port: address.port) }

  func send(_ payload: [UInt8], payloadType: UInt8 = 0, sequence: UInt16, to port: UInt16) {
    var bytes = [UInt8](repeating: 0, count: 12) + payload
    let header = RTPHeader(
      payloadType: payloadType, sequence: sequence, timestamp: UInt32(sequence) * 160, ssrc: ssrc)
    bytes.withUnsafeMutableBytes { header.write(to: $0) }
    guard let destination = KernelAddress(NetworkAddress(ipv4: 0x7f00_0001, port: port), family: AF_INET) else {
      return
    }
    _ = bytes.withUnsafeBytes { socket.send($0, to: destination) }
  }

  /// The next packet within a time; nil if none comes.
  func receive(within milliseconds: Int32 = 1_000) -> (header: RTPHeader, payload: [UInt8])? {
    var waiting = pollfd(fd: socket.descriptor, events: Int16(POLLIN), revents: 0)
    guard poll(&waiting, 1, milliseconds) == 1 else { return nil }
    var bytes = [UInt8](repeating: 0, count: 2_048)
    let count = bytes.withUnsafeMutableBytes { socket.receive(into: $0)?.count } ?? 0
    guard let (header, payload) = bytes[..<count].withUnsafeBytes({ RTPHeader.parse($0) }) else { return nil }
    return (header, Array(bytes[payload]))
  }
}

@Suite(.serialized) struct MediaThreadsTests {
  private let log = EventLog()
  private let media: MediaThreads
  private let a = MediaID(slot: 1, generation: 0)
  private let b = MediaID(slot: 2, generation: 0)

  init() throws {
    var settings = MediaThreads.Settings(address: Endpoint(ipv4: 0x7f00_0001, port: 0))
    settings.ports = 31_000...31_099
    settings.threads = 2
    let log = log
    media = try MediaThreads(settings: settings, entropy: Entropy(testing: 1), events: { log.append($0) })
  }

  private func open(_ id: MediaID) throws -> UInt16 { try open(id, media) }

  private func open(_ id: MediaID, _ media: MediaThreads) throws -> UInt16 {
    media.perform([.open(id, .rtp)])
    return try log.first { event in
      if case .opened(id, let opened) = event { return opened.port }
      return nil
    }
  }

  private func remote(_ phone: Phone, _ codec: AudioCodec = .pcmu) -> RemoteMedia {
    RemoteMedia(endpoint: phone.remote, codec: codec, telephoneEvent: 101)
  }

  @Test("A port is even, is ours while open, and is free for the system after it where none is kept")
  func ports() throws {
    var settings = MediaThreads.Settings(address: Endpoint(ipv4: 0x7f00_0001, port: 0))
    settings.ports = 31_000...31_099
    settings.idlePorts = 0
    media.stop()
    let media = try MediaThreads(settings: settings, entropy: Entropy(testing: 1), events: { [log] in log.append($0) })
    defer { media.stop() }
    let port = try open(a, media)
    #expect(port % 2 == 0 && (31_000...31_099).contains(port))
    let rtcp = NetworkAddress(ipv4: 0x7f00_0001, port: port + 1)
    #expect(throws: SystemError(errno: EADDRINUSE)) { try DatagramSocket(bound: rtcp) }
    media.perform([.close(a)])
    #expect(try open(b, media) != port)
    #expect(media.openPorts == 1)
    let socket = try DatagramSocket(bound: rtcp)
    socket.close()
  }

  @Test("The sockets of a call that is over serve another after their rest, and nothing of the first is heard in it")
  func reuse() throws {
    defer { media.stop() }
    let (old, new, agent) = (try Phone(ssrc: 1), try Phone(ssrc: 2), try Phone(ssrc: 3))
    let first = try open(a)
    media.perform([.setRemote(a, remote(old)), .play(a, .music(0))])
    #expect(old.receive() != nil)
    let second = try open(b)
    media.perform([.close(a)])
    #expect(second != first && media.openPorts == 1)
    // Who has not heard of the end goes on sending, and is not heard.
    for sequence in 1...100 as ClosedRange<UInt16> { old.send([1], sequence: sequence, to: first) }
    while old.receive(within: 100) != nil {}

    usleep(UInt32(PortPool.restTime))
    let c = MediaID(slot: 1, generation: 1)
    #expect(try open(c) == first)
    media.perform([.setRemote(c, remote(new)), .setRemote(b, remote(agent)), .join(c, b)])
    new.send([7], sequence: 1, to: first)
    #expect(agent.receive()?.payload == [7])
    agent.send([8], sequence: 1, to: second)
    #expect(new.receive()?.payload == [8])
    #expect(old.receive(within: 100) == nil)
    // Its music is its own.
    media.perform([.play(c, .music(0))])
    #expect(new.receive()?.payload.count == 160)
    media.perform([.close(c), .close(b)])
    #expect(media.openPorts == 0)
  }

  @Test("The sockets that no call has wanted for a while are closed; the next call opens its own")
  func idlePorts() throws {
    defer { media.stop() }
    let port = try open(a)
    let local = NetworkAddress(ipv4: 0x7f00_0001, port: port)
    let still = try open(b)
    media.perform([.close(a)])
    media.closeIdlePorts()
    #expect(throws: SystemError(errno: EADDRINUSE)) { try DatagramSocket(bound: local) }
    media.closeIdlePorts(after: 0)
    let socket = try DatagramSocket(bound: local)
    socket.close()
    // Ports with a leg are not idle.
    let phone = try Phone(ssrc: 1)
    media.perform([.setRemote(b, remote(phone)), .play(b, .music(0))])
    #expect(phone.receive() != nil)
    #expect(still != port && media.openPorts == 1)
    usleep(UInt32(PortPool.restTime))
    let next = MediaID(slot: 1, generation: 1)
    #expect(try open(next) == port)
    media.perform([.setRemote(next, remote(phone)), .play(next, .music(0)), .close(b)])
    while phone.receive(within: 15) != nil {}
    #expect(phone.receive() != nil)
  }

  @Test("Two callers hear each other through us, each in its own law")
  func relay() throws {
    defer { media.stop() }
    let (caller, agent) = (try Phone(ssrc: 10), try Phone(ssrc: 20))
    let ports = (try open(a), try open(b))
    media.perform([.setRemote(a, remote(caller)), .setRemote(b, remote(agent, .pcma)), .join(a, b)])
    usleep(50_000)
    for sequence in 1...20 as ClosedRange<UInt16> {
      caller.send([0xff, 0xce, 0x80], sequence: sequence, to: ports.0)
      let heard = try #require(agent.receive())
      #expect(heard.payload == [0xff, 0xce, 0x80].map { CompandingLaw.a.encode(CompandingLaw.mu.decode($0)) })
      #expect(heard.header.payloadType == 8 && heard.header.ssrc != 10)
      agent.send([0xd5], payloadType: 8, sequence: sequence, to: ports.1)
      let back = try #require(caller.receive())
      #expect(back.payload == [CompandingLaw.mu.encode(8)] && back.header.payloadType == 0)
    }
  }

  @Test("A caller behind a NAT is learned; a stranger neither hears nor is heard")
  func learning() throws {
    defer { media.stop() }
    let (signalled, real, stranger, agent) = (
      try Phone(ssrc: 1), try Phone(ssrc: 2), try Phone(ssrc: 3), try Phone(ssrc: 4)
    )
    let ports = (try open(a), try open(b))
    media.perform([.setRemote(a, remote(signalled)), .setRemote(b, remote(agent)), .join(a, b)])
    usleep(50_000)
    real.send([1], sequence: 1, to: ports.0)
    #expect(agent.receive()?.payload == [1])
    let learned: Endpoint = try log.first { event in
      if case .learned(let id, let endpoint) = event, id == a { return endpoint }
      return nil
    }
    #expect(learned == real.remote)
    stranger.send([2], sequence: 2, to: ports.0)
    #expect(agent.receive(within: 100) == nil)
    agent.send([3], sequence: 1, to: ports.1)
    #expect(real.receive()?.payload == [3])
    #expect(signalled.receive(within: 50) == nil && stranger.receive(within: 50) == nil)
  }

  @Test("Music comes every 20 ms and runs on into the agent's voice")
  func music() throws {
    defer { media.stop() }
    let (caller, agent) = (try Phone(ssrc: 1), try Phone(ssrc: 2))
    let ports = (try open(a), try open(b))
    media.perform([.setRemote(a, remote(caller)), .setRemote(b, remote(agent)), .play(a, .music(0))])
    var headers: [RTPHeader] = []
    let start = microseconds(of: CLOCK_MONOTONIC)
    for _ in 0..<40 { headers.append(try #require(caller.receive()).header) }
    let taken = microseconds(of: CLOCK_MONOTONIC) - start
    #expect((760_000...1_200_000).contains(taken))
    media.perform([.join(a, b)])
    usleep(100_000)
    while let heard = caller.receive(within: 0) { headers.append(heard.header) }
    for sequence in 1...10 as ClosedRange<UInt16> {
      agent.send([7], sequence: sequence, to: ports.1)
      headers.append(try #require(caller.receive()).header)
    }
    for (one, two) in zip(headers, headers.dropFirst()) {
      #expect(two.sequence == one.sequence &+ 1 && two.ssrc == one.ssrc)
      #expect((160...2_000).contains(two.timestamp &- one.timestamp))
    }
    media.perform([.play(a, .ringback)])
    #expect(caller.receive()?.payload.count == 160)
    media.perform([.stop(a)])
    usleep(60_000)
    while caller.receive(within: 0) != nil {}
    #expect(caller.receive(within: 100) == nil)
  }

  @Test("The demo phone says back what it hears")
  func echo() throws {
    defer { media.stop() }
    let caller = try Phone(ssrc: 1)
    let port = try open(a)
    media.perform([.setRemote(a, remote(caller)), .play(a, .echo)])
    usleep(50_000)
    caller.send([1, 2, 3], sequence: 9, to: port)
    #expect(caller.receive()?.payload == [1, 2, 3])
  }

  @Test("While an agent hears music the caller is not put through to it")
  func hold() throws {
    defer { media.stop() }
    let (caller, agent) = (try Phone(ssrc: 1), try Phone(ssrc: 2))
    let ports = (try open(a), try open(b))
    var held = remote(caller)
    held.sends = false
    media.perform([.setRemote(a, remote(caller)), .setRemote(b, remote(agent)), .join(a, b)])
    media.perform([.setRemote(a, held), .play(b, .music(0))])
    usleep(50_000)
    caller.send([9], sequence: 1, to: ports.0)
    for _ in 0..<5 { #expect(agent.receive()?.payload.count == 160) }
    agent.send([8], sequence: 1, to: ports.1)
    #expect(caller.receive(within: 100) == nil)
  }

  @Test("A digit in seven packets is reported once")
  func digit() throws {
    defer { media.stop() }
    let caller = try Phone(ssrc: 1)
    let port = try open(a)
    media.perform([.setRemote(a, remote(caller))])
    usleep(50_000)
    for step in 0..<7 {
      var bytes: [UInt8] = [0x80, 101, 0, UInt8(step), 0, 0, 3, 32, 0, 0, 0, 1]
      bytes += [11, step < 4 ? 10 : 0x8a, 0, UInt8(step * 20)]
      let destination = try #require(KernelAddress(NetworkAddress(ipv4: 0x7f00_0001, port: port), family: AF_INET))
      _ = bytes.withUnsafeBytes { caller.socket.send($0, to: destination) }
    }
    let first: UInt8 = try log.first { event in
      if case .digit(a, let digit) = event { return digit }
      return nil
    }
    #expect(first == 11)
    usleep(100_000)
    #expect(log.all.filter { $0 == .digit(a, 11) }.count == 1)
  }

  @Test("When every port is taken, opening fails and says so")
  func exhaustion() throws {
    defer { media.stop() }
    for slot in 0..<51 { media.perform([.open(MediaID(slot: UInt32(100 + slot), generation: 0), .rtp)]) }
    let failed: MediaID = try log.first { event in
      if case .failed(let id) = event { return id }
      return nil
    }
    #expect(failed.slot == 150)
    #expect(media.openPorts == 50)
  }
}
