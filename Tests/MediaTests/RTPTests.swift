import Media
import Primitives
import Testing

@Suite struct RTPTests {
  func parse(_ bytes: [UInt8]) -> (header: RTPHeader, payload: Range<Int>)? {
    bytes.withUnsafeBytes { RTPHeader.parse($0) }
  }
  static let packet: [UInt8] = [0x80, 0x80, 0x12, 0x34, 0, 0, 1, 0, 0xde, 0xad, 0xbe, 0xef, 1, 2, 3, 4]

  @Test("A header is read and written byte for byte")
  func header() throws {
    let (header, payload) = try #require(parse(Self.packet))
    #expect(header == RTPHeader(payloadType: 0, marker: true, sequence: 0x1234, timestamp: 256, ssrc: 0xdead_beef))
    #expect(payload == 12..<16)
    var written = [UInt8](repeating: 0xff, count: 16)
    written.withUnsafeMutableBytes { header.write(to: $0) }
    #expect(written[..<12] == Self.packet[..<12])
  }

  @Test("Contributing sources, extension and padding are not payload")
  func parts() throws {
    var bytes = Self.packet
    bytes[0] = 0x80 | 0x20 | 0x10 | 2
    bytes.replaceSubrange(12..., with: [0, 0, 0, 1, 0, 0, 0, 2])
    bytes += [0xbe, 0xde, 0, 1, 9, 9, 9, 9, 42, 43, 0, 0, 3]
    #expect(try #require(parse(bytes)).payload == 28..<30)
  }

  @Test("What does not fit is no packet")
  func malformed() {
    #expect(parse([]) == nil)
    #expect(parse(Array(Self.packet[..<11])) == nil)
    var bytes = Self.packet
    bytes[0] = 0x40
    #expect(parse(bytes) == nil)
    bytes[0] = 0x8f
    #expect(parse(bytes) == nil)
    bytes[0] = 0x90
    #expect(parse(bytes) == nil)
    bytes[0] = 0xa0
    bytes[15] = 0
    #expect(parse(bytes) == nil)
    bytes[15] = 5
    #expect(parse(bytes) == nil)
    bytes[15] = 4
    #expect(parse(bytes)?.payload == 12..<12)
  }

  @Test("Any bytes are a packet or not, and a payload lies inside them")
  func fuzz() {
    var entropy = Entropy(testing: 3)
    for _ in 0..<20_000 {
      var bytes = (0..<Int(entropy.next() % 40)).map { _ in UInt8(truncatingIfNeeded: entropy.next()) }
      if !bytes.isEmpty { bytes[0] = bytes[0] & 0x3f | 0x80 }
      guard let (_, payload) = parse(bytes) else { continue }
      #expect(payload.lowerBound >= 12 && payload.upperBound <= bytes.count)
    }
  }

  @Test("Sequence and timestamp run on from music to an agent and back")
  func continuity() throws {
    var stream = OutgoingStream(ssrc: 7, sequence: 65_530, timestamp: .max - 500)
    var now = Instant(microseconds: 1_000_000)
    var sent: [RTPHeader] = []
    for _ in 0..<10 {
      sent.append(stream.generated(payloadType: 0, at: now))
      now = now + .milliseconds(20)
    }
    var agent = RTPHeader(payloadType: 8, sequence: 100, timestamp: 90_000, ssrc: 99)
    for _ in 0..<10 {
      let header = stream.relayed(agent, payloadType: 0, at: now)
      sent.append(try #require(header))
      agent.sequence += 1
      agent.timestamp += 160
      now = now + .milliseconds(20)
    }
    for _ in 0..<10 {
      sent.append(stream.generated(payloadType: 0, at: now))
      now = now + .milliseconds(20)
    }
    for (a, b) in zip(sent, sent.dropFirst()) {
      #expect(b.sequence == a.sequence &+ 1)
      #expect(b.timestamp == a.timestamp &+ 160)
      #expect(b.ssrc == 7 && b.payloadType == 0)
    }
    #expect(sent.map(\.marker).enumerated().filter(\.element).map(\.offset) == [0, 10, 20])
  }

  @Test("A pause moves the timestamp on by its length, not the sequence")
  func pause() {
    var stream = OutgoingStream(ssrc: 7, sequence: 1, timestamp: 0)
    let start = Instant(microseconds: 0)
    let first = stream.generated(payloadType: 0, at: start)
    let agent = RTPHeader(payloadType: 0, sequence: 500, timestamp: 7, ssrc: 99)
    let second = stream.relayed(agent, payloadType: 0, at: start + .seconds(3))
    #expect(second?.sequence == first.sequence + 1)
    #expect(second?.timestamp == first.timestamp + 24_000)
  }

  @Test("Reordered and repeated packets keep their order numbers; one from before the take-over is dropped")
  func reordering() {
    var stream = OutgoingStream(ssrc: 7, sequence: 1_000, timestamp: 0)
    let now = Instant(microseconds: 0)
    func relay(_ sequence: UInt16, ssrc: UInt32 = 99) -> UInt16? {
      let header = RTPHeader(payloadType: 0, sequence: sequence, timestamp: UInt32(sequence) * 160, ssrc: ssrc)
      return stream.relayed(header, payloadType: 0, at: now)?.sequence
    }
    #expect(relay(10) == 1_000)
    #expect(relay(13) == 1_003)
    #expect(relay(11) == 1_001)
    #expect(relay(14) == 1_004)
    #expect(relay(9) == nil)
    #expect(relay(2_000, ssrc: 100) == 1_005)
    let music = stream.generated(payloadType: 0, at: now)
    #expect(music.sequence == 1_006)
  }

  @Test("A long call's numbers wrap around several times without a break")
  func longCall() {
    var stream = OutgoingStream(ssrc: 7, sequence: 5, timestamp: 0)
    var expected: UInt16 = 5
    for n in 0..<200_000 {
      let header = RTPHeader(
        payloadType: 0, sequence: UInt16(truncatingIfNeeded: n), timestamp: UInt32(n) &* 160, ssrc: 99)
      let sent = stream.relayed(header, payloadType: 0, at: Instant(microseconds: Int64(n) * 20_000))
      if sent?.sequence != expected { Issue.record("broke at \(n)"); return }
      expected &+= 1
    }
  }

  @Test("Loss is what the sequence numbers say did not come")
  func loss() {
    var reception = Reception()
    func count(_ sequence: UInt16, ssrc: UInt32 = 1) {
      reception.count(RTPHeader(payloadType: 0, sequence: sequence, timestamp: 0, ssrc: ssrc))
    }
    for sequence in [65_534, 65_535, 0, 1, 3, 2, 5] as [UInt16] { count(sequence) }
    #expect(reception.received == 7 && reception.lost == 1)
    count(40_000, ssrc: 2)
    count(40_003, ssrc: 2)
    #expect(reception.expected == 12 && reception.lost == 3)
  }

  @Test("A digit in many packets is one digit, the same key again is another")
  func digits() {
    var receiver = DigitReceiver()
    var heard: [UInt8] = []
    func packet(_ event: UInt8, _ timestamp: UInt32, end: Bool = false, duration: UInt16 = 160, ssrc: UInt32 = 1) {
      let header = RTPHeader(payloadType: 101, sequence: 0, timestamp: timestamp, ssrc: ssrc)
      if let digit = receiver.receive(TelephoneEvent(event: event, isEnd: end, duration: duration), header) {
        heard.append(digit)
      }
    }
    for duration in [160, 320, 480] as [UInt16] { packet(5, 1_000, duration: duration) }
    for _ in 0..<3 { packet(5, 1_000, end: true, duration: 640) }
    for _ in 0..<3 { packet(5, 3_000, end: true) }
    packet(5, 1_000, end: true)
    packet(11, 9_000)
    packet(16, 10_000)
    #expect(heard == [5, 5, 11])
    packet(7, 100_000, duration: .max)
    packet(7, 165_535, duration: 800)
    #expect(heard == [5, 5, 11, 7])
    packet(1, 4, ssrc: 2)
    #expect(heard == [5, 5, 11, 7, 1])
  }

  @Test("A telephone-event payload is read from its four bytes")
  func telephoneEvent() {
    let bytes: [UInt8] = [10, 0x8a, 0x03, 0x20]
    let event = bytes.withUnsafeBytes { TelephoneEvent($0) }
    #expect(event == TelephoneEvent(event: 10, isEnd: true, duration: 800))
    #expect([UInt8]([1, 2, 3]).withUnsafeBytes { TelephoneEvent($0) } == nil)
  }
}
