import CallControl
import Media
import Primitives
import SDP
import SIP
import TestPeers
import Testing

@testable import Drivers

/// Ports in virtual time, over sockets of loopback that take a datagram at once.
@Suite final class MediaPortTests {
  private let loopback = NetworkAddress(ipv4: 0x7f00_0001, port: 0)
  private let frames = PlayedFrames([.builtInMusic()])
  private let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 2_112, alignment: 16)
  private let start = Instant(microseconds: 9_000_000)
  private var events: [MediaEvent] = []

  deinit { room.deallocate() }

  /// A leg with sockets of its own, and its RTP port.
  private func port(_ slot: UInt32) throws -> (port: MediaPort, number: UInt16) {
    let (rtp, rtcp) = (try DatagramSocket(bound: loopback), try DatagramSocket(bound: loopback))
    let number = rtp.address.port
    let port = MediaPort(
      id: MediaID(slot: slot, generation: 0), path: .own(number: number, rtp: rtp, rtcp: rtcp),
      outgoing: OutgoingStream(ssrc: slot, sequence: 1, timestamp: 1))
    return (port, number)
  }

  private func remote(_ socket: LoopbackSocket, _ codec: AudioCodec, _ security: NegotiatedSecurity = .none)
    -> RemoteMedia
  {
    var remote = RemoteMedia(
      endpoint: Endpoint(ipv4: 0x7f00_0001, port: socket.address.port), codec: codec, telephoneEvent: nil)
    remote.security = security
    // Where nobody listens.
    remote.controlPort = 9
    return remote
  }

  private func key(_ octet: UInt8) -> SDESKey {
    SDESKey(suite: .aesCM128HMAC80, key: [UInt8](repeating: octet, count: 30))
  }

  @Test("Under a fresh key of the far end our own stream goes on: no report repeats an index under its key")
  func freshKey() throws {
    let (port, _) = try port(1)
    defer { port.close() }
    let (phone, control) = (try LoopbackSocket(), try LoopbackSocket())
    let (ours, theirs) = (key(1), [key(2), key(3)])
    var receiver = SRTPReceiver(try #require(SRTPMasterKey(ours)))
    var reports = 0
    for (turn, key) in theirs.enumerated() {
      var remote = remote(phone, .pcmu, .sdes(outgoing: ours, incoming: key))
      remote.controlPort = control.address.port
      let begin = start + .seconds(Int64(turn) * 60)
      port.setFarEnd(remote, at: begin, into: &events)
      for second in 0..<60 as Range<Int64> {
        port.tick(frames, room, isTurn: true, at: begin + .seconds(second), into: &events)
        while let count = control.receive(into: room) {
          var bytes = Array(room[..<count])
          #expect(throws: Never.self) { try bytes.withUnsafeMutableBytes { try receiver.unprotectControl($0) } }
          reports += 1
        }
      }
    }
    #expect(reports > 15)
  }

  /// A network that loses a tenth of the packets and holds the others up for as long as 60 ms.
  private struct Network {
    private var entropy: Entropy
    private var travelling: [(at: Int64, bytes: [UInt8])] = []
    init(seed: UInt64) { entropy = Entropy(testing: seed) }

    mutating func send(_ bytes: [UInt8], at time: Int64) {
      guard entropy.next() % 10 != 0 else { return }
      travelling.append((time + Int64(entropy.next() % 61), bytes))
    }
    mutating func arrived(by time: Int64) -> [[UInt8]] {
      let arrived = travelling.filter { $0.at <= time }.sorted { $0.at < $1.at }
      travelling.removeAll { $0.at <= time }
      return arrived.map(\.bytes)
    }
  }

  private func packet(_ payload: [UInt8], _ number: Int, payloadType: UInt8, units: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: RTPHeader.size) + payload
    let header = RTPHeader(
      payloadType: payloadType, sequence: UInt16(number), timestamp: UInt32(number * units), ssrc: 70)
    bytes.withUnsafeMutableBytes { header.write(to: $0) }
    return bytes
  }

  /// Whether a tone stands out in nearly every tenth of a second.
  private func expectTone(_ hertz: Double, in heard: [Int16], sourceLocation: SourceLocation = #_sourceLocation) {
    let parts = stride(from: 8_000, to: heard.count - 800, by: 800).map { Array(heard[$0..<$0 + 800]) }
    let clear = parts.count { strength(of: hertz, in: $0) > 3 * strength(of: hertz * 1.37, in: $0) }
    #expect(
      parts.count > 50 && clear * 10 > parts.count * 8, "\(clear) of \(parts.count)", sourceLocation: sourceLocation)
  }

  @Test("With a tenth lost and 60 ms of jitter on the way to us both ends still know each other's tone, under keys too")
  func lossAndJitter() throws {
    let ((opus, opusNumber), (plain, plainNumber)) = (try port(1), try port(2))
    defer { for port in [opus, plain] { port.close() } }
    let (page, phone) = (try LoopbackSocket(), try LoopbackSocket())
    let (ours, theirs) = (key(1), key(2))
    opus.setFarEnd(remote(page, .opus, .sdes(outgoing: ours, incoming: theirs)), at: start, into: &events)
    plain.setFarEnd(remote(phone, .pcmu), at: start, into: &events)
    opus.setFeed(.port(plain))
    plain.setFeed(.port(opus))
    var sender = SRTPSender(try #require(SRTPMasterKey(theirs)))
    var receiver = SRTPReceiver(try #require(SRTPMasterKey(ours)))
    var encoder = OpusEncoder(for: .speech)
    var decoder = OpusDecoder()
    var samples = [Int16](repeating: 0, count: OpusDecoder.mostSamples)
    var (fromPage, fromPhone) = (Network(seed: 1), Network(seed: 2))
    let (low, high) = (
      makeTone(440, samples: 64_000, amplitude: 8_000), makeTone(880, samples: 64_000, amplitude: 8_000)
    )
    var (heardByPage, heardByPhone) = ([Int16](), [Int16]())
    for number in 0..<400 {
      let time = Int64(number) * 20
      let frame = number * 160..<(number + 1) * 160
      let count = encoder.encode(Array(low[frame]), to: room)
      let spoken = packet(Array(room[..<count]), number, payloadType: 111, units: 960)
      var bytes = spoken + [UInt8](repeating: 0, count: SRTPProfile.mostOverhead)
      let protected = try bytes.withUnsafeMutableBytes { try sender.protect($0, count: spoken.count) }
      fromPage.send(Array(bytes[..<protected]), at: time)
      fromPhone.send(packet(high[frame].map(CompandingLaw.mu.encode), number, payloadType: 0, units: 160), at: time)

      let now = start + .milliseconds(time)
      for bytes in fromPage.arrived(by: time) {
        bytes.withUnsafeBytes { page.send($0, to: opusNumber) }
        opus.relay(through: room, spare: 64, at: now, into: &events)
      }
      for bytes in fromPhone.arrived(by: time) {
        bytes.withUnsafeBytes { phone.send($0, to: plainNumber) }
        plain.relay(through: room, spare: 64, at: now, into: &events)
      }
      for port in [opus, plain] {
        port.tick(frames, room, isTurn: true, at: now, into: &events)
        #expect(port.lost(at: now) == nil)
      }
      while let count = phone.receive(into: room) {
        heardByPhone += room[RTPHeader.size..<count].map(CompandingLaw.mu.decode)
      }
      while let count = page.receive(into: room) {
        var bytes = Array(room[..<count])
        let plain = try bytes.withUnsafeMutableBytes { try receiver.unprotect($0) }
        let made = decoder.decode(Array(bytes[RTPHeader.size..<plain]), to: &samples, at: 0)
        heardByPage += samples[..<made]
      }
    }
    expectTone(440, in: heardByPhone)
    expectTone(880, in: heardByPage)
    // What was lost is seen in the reports.
    let losses = events.compactMap { if case .quality(_, let quality) = $0 { quality.lossIn } else { nil } }
    #expect(losses.contains { (50_000...200_000).contains($0) }, "\(losses)")
  }
}
