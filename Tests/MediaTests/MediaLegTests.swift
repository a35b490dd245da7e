import Media
import Primitives
import Testing

@Suite struct MediaLegTests {
  static let phone = NetworkAddress(ipv4: 0xc000_0201, port: 4_000)
  static let nat = NetworkAddress(ipv4: 0xcb00_7101, port: 61_000)
  let start = Instant(microseconds: 10_000_000)

  func leg(
    _ law: CompandingLaw = .mu, address: NetworkAddress? = phone, event: UInt8? = 101, incomingEvent: UInt8? = nil,
    sends: Bool = true, receives: Bool = true
  ) -> MediaLeg {
    var leg = MediaLeg(outgoing: OutgoingStream(ssrc: 0xaaaa, sequence: 100, timestamp: 5_000))
    leg.setFarEnd(
      farEnd(law, address: address, event: event, incomingEvent: incomingEvent, sends: sends, receives: receives),
      at: start)
    return leg
  }
  func farEnd(
    _ law: CompandingLaw = .mu, address: NetworkAddress? = phone, event: UInt8? = 101, incomingEvent: UInt8? = nil,
    sends: Bool = true, receives: Bool = true
  ) -> FarEnd {
    let payloadType: UInt8 = law == .mu ? 0 : 8
    return FarEnd(
      address: address, codec: .g711(law), payloadType: payloadType, incomingPayloadType: payloadType,
      telephoneEvent: event,
      incomingTelephoneEvent: incomingEvent ?? event, sends: sends, receives: receives)
  }
  func packet(_ payloadType: UInt8, _ payload: [UInt8], sequence: UInt16 = 1, timestamp: UInt32 = 160) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 12) + payload
    let header = RTPHeader(payloadType: payloadType, sequence: sequence, timestamp: timestamp, ssrc: 0xbbbb)
    bytes.withUnsafeMutableBytes { header.write(to: $0) }
    return bytes
  }
  /// The verdict, and whether the source was learned.
  func receive(
    _ leg: inout MediaLeg, _ bytes: [UInt8], from: NetworkAddress = phone, after: Int64 = 0
  ) -> (verdict: MediaLeg.Verdict, learned: Bool) {
    var learned = false
    let verdict = bytes.withUnsafeBytes { leg.receive($0, from: from, at: start + after, learned: &learned) }
    return (verdict, learned)
  }

  func forward(_ leg: inout MediaLeg, _ verdict: MediaLeg.Verdict, _ bytes: [UInt8]) -> [UInt8]? {
    var bytes = bytes
    let range = bytes.withUnsafeMutableBytes { leg.forward(verdict, in: $0, at: start) }
    return range.map { Array(bytes[$0]) }
  }
  func generate(_ leg: inout MediaLeg) -> RTPHeader? { leg.nextGenerated(at: start)?.header }
  func isLost(_ leg: inout MediaLeg, after seconds: Int64) -> Bool { leg.isLost(at: start + .seconds(seconds)) }
  func take(_ pool: inout PortPool, after interval: Int64 = 0) -> UInt16? { pool.take(at: start + interval) }

  @Test("The SDP's address is heard, and nobody else after it")
  func signalledAddress() {
    var leg = leg()
    let sound = packet(0, [1, 2, 3])
    #expect(receive(&leg, sound).verdict != .ignored)
    let stranger = receive(&leg, sound, from: Self.nat)
    #expect(stranger.verdict == .ignored && !stranger.learned)
    #expect(leg.destination == Self.phone && leg.strangers == 1)
  }

  @Test("A first packet from behind a NAT moves the far end once; then it is locked")
  func learning() {
    var leg = leg()
    #expect(leg.destination == Self.phone)
    let first = receive(&leg, packet(0, [1]), from: Self.nat, after: .milliseconds(1_999))
    #expect(first.learned && first.verdict != .ignored)
    #expect(leg.destination == Self.nat)
    #expect(receive(&leg, packet(0, [1]), from: Self.phone).verdict == .ignored)
    let thief = NetworkAddress(ipv4: 0x0a00_0001, port: 9)
    #expect(receive(&leg, packet(0, [1]), from: thief).verdict == .ignored)
    #expect(leg.destination == Self.nat)
  }

  @Test("After two seconds only the SDP's address can begin")
  func learningEnds() {
    var leg = leg()
    #expect(receive(&leg, packet(0, [1]), from: Self.nat, after: .seconds(2)).verdict == .ignored)
    #expect(leg.destination == Self.phone)
    #expect(receive(&leg, packet(0, [1]), after: .seconds(9)).verdict != .ignored)
  }

  @Test("Garbage locks nobody in")
  func garbage() {
    var leg = leg()
    #expect(receive(&leg, [1, 2, 3], from: Self.nat).verdict == .ignored)
    #expect(receive(&leg, [0x16, 0xfe, 0xfd] + Array(repeating: 0, count: 40), from: Self.nat).verdict == .ignored)
    #expect(receive(&leg, packet(0, [1])).verdict != .ignored)
    #expect(leg.destination == Self.phone)
  }

  @Test("A re-offer with the same address keeps what was learned, another address learns anew")
  func reoffer() {
    var leg = leg()
    _ = receive(&leg, packet(0, [1]), from: Self.nat)
    leg.setFarEnd(farEnd(address: nil, sends: false), at: start + .seconds(5))
    #expect(leg.destination == nil)
    leg.setFarEnd(farEnd(), at: start + .seconds(6))
    #expect(leg.destination == Self.nat)
    let elsewhere = NetworkAddress(ipv4: 0xc000_0299, port: 7_000)
    leg.setFarEnd(farEnd(address: elsewhere), at: start + .seconds(7))
    #expect(leg.destination == elsewhere)
    #expect(receive(&leg, packet(0, [1]), from: elsewhere, after: .seconds(8)).verdict != .ignored)
  }

  @Test("Before the SDP nothing is heard or sent")
  func beforeNegotiation() {
    var leg = MediaLeg(outgoing: OutgoingStream(ssrc: 1, sequence: 1, timestamp: 1))
    #expect(receive(&leg, packet(0, [1])).verdict == .ignored)
    #expect(leg.destination == nil)
    #expect(generate(&leg) == nil)
  }

  @Test("A packet goes on with our header in front of its payload, in the other law")
  func transcodedForwarding() throws {
    var caller = leg(.mu)
    var agent = leg(.a)
    let samples: [Int16] = [0, 1_000, -1_000, 12_000, -30_000]
    var bytes = packet(0, samples.map(CompandingLaw.mu.encode))
    // An extension and padding of the caller's stay behind.
    bytes[0] |= 0x30
    bytes.insert(contentsOf: [0xbe, 0xde, 0, 1, 7, 7, 7, 7], at: 12)
    bytes += [0, 0, 3]
    let verdict = receive(&caller, bytes).verdict
    let sent = try #require(forward(&agent, verdict, bytes))
    let (header, payload) = try #require(sent.withUnsafeBytes { RTPHeader.parse($0) })
    #expect(header == RTPHeader(payloadType: 8, marker: true, sequence: 100, timestamp: 5_000, ssrc: 0xaaaa))
    #expect(payload == 12..<17)
    for (byte, sample) in zip(sent[12...], samples) {
      #expect(abs(Int(CompandingLaw.a.decode(byte)) - Int(sample)) <= max(abs(Int(sample)) / 16, 16))
    }
  }

  @Test("A far end may change to the other G.711 law under its static number")
  func otherLaw() {
    var leg = leg(.mu)
    guard case .audio(_, let codec, _) = receive(&leg, packet(8, [0xd5])).verdict else {
      Issue.record("PCMA was not heard")
      return
    }
    #expect(codec == .g711(.a))
    #expect(receive(&leg, packet(13, [1])).verdict == .ignored)
  }

  @Test("Digits are reported once and go on under the other leg's payload type")
  func digits() throws {
    var caller = leg(event: 96, incomingEvent: 101)
    var agent = leg(event: 126)
    var deaf = leg(event: nil)
    var digits: [UInt8] = []
    for (step, end) in [false, false, true, true, true].enumerated() {
      let bytes = packet(101, [9, end ? 0x8a : 0x0a, 0, 160], sequence: UInt16(step), timestamp: 800)
      let verdict = receive(&caller, bytes).verdict
      if case .event(_, _, _, let digit?, _) = verdict { digits.append(digit) }
      let copy = try #require(forward(&agent, verdict, bytes))
      let sent = try #require(copy.withUnsafeBytes { RTPHeader.parse($0) })
      #expect(sent.header.payloadType == 126 && sent.header.timestamp == 5_000)
      #expect(forward(&deaf, verdict, bytes) == nil)
    }
    #expect(digits == [9])
  }

  @Test("Digits at 8000 Hz beside Opus, as of Firefox, go on among a telephone's decoded audio, and none go there")
  func digitsOfAnotherClock() throws {
    var far = FarEnd(
      address: Self.phone, codec: .opus, payloadType: 111, incomingPayloadType: 111, telephoneEvent: 126,
      incomingTelephoneEvent: 126, sends: true, receives: true)
    far.telephoneEventRate = 8_000
    var firefox = MediaLeg(outgoing: OutgoingStream(ssrc: 1, sequence: 1, timestamp: 1))
    firefox.setFarEnd(far, at: start)
    var agent = leg()
    _ = generate(&agent)
    let first = packet(126, [7, 0x0a, 0, 160], sequence: 1, timestamp: 800)
    let verdict = receive(&firefox, first).verdict
    guard case .event(_, .opus, 8_000, 7?, _) = verdict else { return #expect(Bool(false), "\(verdict)") }
    let begin = try #require(forward(&agent, verdict, first)?.withUnsafeBytes { RTPHeader.parse($0) }).header
    // Decoded audio goes on between the packets of the digit, which stays one.
    let audio = try #require(generate(&agent))
    let last = packet(126, [7, 0x8a, 1, 64], sequence: 2, timestamp: 800)
    let bytes = try #require(forward(&agent, receive(&firefox, last).verdict, last))
    let end = try #require(bytes.withUnsafeBytes { RTPHeader.parse($0) }).header
    #expect(end.timestamp == begin.timestamp && begin.marker && !end.marker && !audio.marker)
    #expect([begin.sequence + 1, audio.sequence + 1] == [audio.sequence, end.sequence])
    #expect(bytes.suffix(4) == [7, 0x8a, 1, 64])
    let theirs = packet(101, [7, 0x0a, 0, 160])
    #expect(forward(&firefox, receive(&agent, theirs).verdict, theirs) == nil)
  }

  @Test("A held far end gets nothing, and one that we hold is not heard")
  func hold() {
    var held = leg(sends: false)
    #expect(generate(&held) == nil)
    var holding = leg(receives: false)
    #expect(receive(&holding, packet(0, [1])).verdict == .ignored)
    #expect(holding.reception.received == 1)
    #expect(generate(&holding)?.payloadType == 0)
  }

  @Test("Silence of thirty seconds is reported once, until the far end is heard again")
  func lost() {
    var leg = leg()
    #expect(!isLost(&leg, after: 29))
    #expect(isLost(&leg, after: 30))
    #expect(!isLost(&leg, after: 60))
    _ = receive(&leg, packet(0, [1]), after: .seconds(61))
    #expect(!isLost(&leg, after: 90))
    #expect(isLost(&leg, after: 91))
    var holding = self.leg(receives: false)
    #expect(!isLost(&holding, after: 99))
  }

  @Test("Ports are even, come in turn, and rest before they are used again")
  func ports() {
    var pool = PortPool(20_001...20_007)
    #expect(pool.capacity == 3)
    for port in [20_002, 20_004, 20_006] as [UInt16] { #expect(take(&pool) == port) }
    #expect(take(&pool) == nil)
    pool.giveBack(20_004, at: start)
    pool.giveBack(20_002, at: start + 1)
    #expect(take(&pool, after: PortPool.restTime - 1) == nil)
    #expect(take(&pool, after: PortPool.restTime) == 20_004)
    #expect(take(&pool, after: PortPool.restTime) == nil)
    #expect(take(&pool, after: PortPool.restTime + 1) == 20_002)
    #expect(pool.free == 0)
  }
}
