import Media
import Primitives
import Testing

@Suite struct RTCPTests {
  static let start = Instant(microseconds: 3_000_000_000)

  static func parse(_ bytes: [UInt8], about ssrc: UInt32 = 0xaaaa_bbbb) -> RTCPPacket? {
    bytes.withUnsafeBytes { RTCPPacket($0, about: ssrc) }
  }

  /// A sender report with reports about another source and ours, then a description and a goodbye.
  static let compound: [UInt8] =
    [0x82, 200, 0, 18] + [0, 0, 0, 7] + [1, 2, 3, 4, 5, 6, 7, 8] + [0, 0, 0, 9] + [0, 0, 0, 10] + [0, 0, 0, 11]
    + [0, 0, 0, 1, 255, 0, 0, 1] + [UInt8](repeating: 1, count: 16)
    + [0xaa, 0xaa, 0xbb, 0xbb, 64, 0xff, 0xff, 0xfe, 0, 1, 2, 3, 0, 0, 0, 80, 9, 8, 7, 6, 0, 1, 0, 0]
    + [0x81, 202, 0, 3, 0, 0, 0, 7, 1, 1, 0x78, 0, 0, 0, 0, 0] + [0x81, 203, 0, 1, 0, 0, 0, 7]

  @Test("A compound packet tells how the far end sends, and how it hears us")
  func compound() throws {
    let packet = try #require(Self.parse(Self.compound))
    #expect(packet.source == 7 && packet.isGoodbye)
    let report = try #require(packet.senderReport)
    #expect(report.clock == 0x0102_0304_0506_0708 && report.timestamp == 9 && report.packets == 10)
    #expect(report.octets == 11)
    let reception = try #require(packet.reception)
    #expect(reception.fractionLost == 64 && reception.lost == -2 && reception.highest == 0x0001_0203)
    #expect(reception.jitter == 80 && reception.lastReport == 0x0908_0706 && reception.delay == 0x1_0000)
    #expect(try #require(Self.parse(Self.compound, about: 5)).reception == nil)
  }

  @Test("Feedback alone, unknown types and padding of the last packet are stepped over")
  func leniency() {
    #expect(Self.parse([0x81, 205, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2]) != nil)
    #expect(Self.parse([0x80, 210, 0, 1, 0, 0, 0, 1]) != nil)
    #expect(Self.parse([0xa0, 201, 0, 2, 0, 0, 0, 1, 0, 0, 0, 4]) != nil)
    #expect(Self.parse([0x80, 203, 0, 1, 0, 0, 0, 1])?.isGoodbye == false)
  }

  @Test(
    "A packet that does not hold what it says is refused",
    arguments: [
      [], [0x80, 201, 0, 1], [0x80, 201, 0, 1, 0, 0, 0], [0x40, 201, 0, 1, 0, 0, 0, 1], [0x80, 100, 0, 1, 0, 0, 0, 1],
      [0x80, 201, 0, 2, 0, 0, 0, 1], [0x81, 201, 0, 1, 0, 0, 0, 1], [0x80, 200, 0, 1, 0, 0, 0, 1],
      [0x82, 203, 0, 1, 0, 0, 0, 1], [0x80, 201, 0, 1, 0, 0, 0, 1, 0x80, 201, 0, 9],
      [0xa0, 201, 0, 1, 0, 0, 0, 1], [0xa0, 201, 0, 1, 0, 0, 0, 0], [0xa0, 201, 0, 1, 0, 0, 0, 8],
      [0xa0, 201, 0, 1, 0, 0, 0, 4, 0x80, 201, 0, 1, 0, 0, 0, 1],
    ])
  func malformed(_ bytes: [UInt8]) {
    #expect(Self.parse(bytes) == nil)
  }

  @Test("Any bytes are RTCP or not, whatever their length")
  func fuzz() {
    var entropy = Entropy(testing: 11)
    var read = 0
    for _ in 0..<40_000 {
      var bytes = Self.compound
      for _ in 0...Int(entropy.next() % 3) {
        let place = Int(entropy.next() % UInt64(bytes.count))
        if entropy.next() % 4 == 0 {
          bytes.removeLast(bytes.count - place)
        } else {
          bytes[place] = UInt8(truncatingIfNeeded: entropy.next())
        }
        if bytes.isEmpty { break }
      }
      if Self.parse(bytes) != nil { read += 1 }
    }
    #expect(read > 1_000)
  }

  /// Two legs that hear each other through a network with a delay and loss each way.
  struct Pair {
    var a = MediaLeg(outgoing: OutgoingStream(ssrc: 0xa, sequence: 65_500, timestamp: 7))
    var b = MediaLeg(outgoing: OutgoingStream(ssrc: 0xb, sequence: 9, timestamp: 1))
    static let (hostA, hostB) = (NetworkAddress(ipv4: 1, port: 4_000), NetworkAddress(ipv4: 2, port: 5_000))
    var qualities: [(a: LegQuality, b: LegQuality)] = []
    /// Bytes of each report of A, and the time between them.
    var reports: [[UInt8]] = []
    var times: [Int64] = []

    init() {
      a.setFarEnd(Self.farEnd(Self.hostB), at: start)
      b.setFarEnd(Self.farEnd(Self.hostA), at: start)
    }
    static func farEnd(_ address: NetworkAddress) -> FarEnd {
      FarEnd(
        address: address, codec: .g711(.mu), payloadType: 0, incomingPayloadType: 0, telephoneEvent: nil,
        incomingTelephoneEvent: nil, sends: true, receives: true)
    }

    /// Every 20 ms each sends a packet; `lose` says which of A's are lost, `jitter` how many milliseconds late one is.
    mutating func run(
      seconds: Int, delay: Int64, lose: (Int) -> Bool = { _ in false }, jitter: (Int) -> Int64 = { _ in 0 }
    ) {
      var flying: [(at: Int64, toB: Bool, isControl: Bool, bytes: [UInt8])] = []
      for time in 0..<Int64(seconds) * 1_000 {
        let now = start + .milliseconds(time)
        for packet in flying where packet.at == time { deliver(packet.bytes, toB: packet.toB, packet.isControl, now) }
        flying.removeAll { $0.at <= time }
        guard time % 20 == 0 else { continue }
        let number = Int(time / 20)
        for isA in [true, false] {
          if let sent = generate(isA, now), !(isA && lose(number)) {
            flying.append((time + delay + (isA ? jitter(number) : 0), isA, false, sent))
          }
          if let report = report(isA, now) {
            if isA { reports.append(report); times.append(time) }
            flying.append((time + delay, isA, true, report))
            qualities.append((a.quality, b.quality))
          }
        }
      }
    }

    private mutating func generate(_ isA: Bool, _ now: Instant) -> [UInt8]? {
      guard let header = isA ? a.nextGenerated(at: now)?.header : b.nextGenerated(at: now)?.header else {
        return nil
      }
      var bytes = [UInt8](repeating: 0xff, count: 172)
      bytes.withUnsafeMutableBytes { header.write(to: $0) }
      return bytes
    }
    private mutating func report(_ isA: Bool, _ now: Instant) -> [UInt8]? {
      var bytes = [UInt8](repeating: 0, count: ReportExchange.mostBytes)
      let count = bytes.withUnsafeMutableBytes { isA ? a.nextControl(to: $0, at: now) : b.nextControl(to: $0, at: now) }
      return count.map { Array(bytes[..<$0]) }
    }
    private mutating func deliver(_ bytes: [UInt8], toB: Bool, _ isControl: Bool, _ now: Instant) {
      bytes.withUnsafeBytes { packet in
        var flag = false
        if isControl {
          var sender = toB ? Self.hostA : Self.hostB
          sender.port += 1
          let isTaken =
            toB
            ? b.receiveControl(packet, from: sender, at: now, isGoodbye: &flag)
            : a.receiveControl(packet, from: sender, at: now, isGoodbye: &flag)
          #expect(isTaken && !flag)
        } else if toB {
          _ = b.receive(packet, from: Self.hostA, at: now, learned: &flag)
        } else {
          _ = a.receive(packet, from: Self.hostB, at: now, learned: &flag)
        }
      }
    }
  }

  @Test("A quiet network loses nothing, and its round trip is measured")
  func quiet() {
    var pair = Pair()
    pair.run(seconds: 31, delay: 40)
    for quality in [pair.a.quality, pair.b.quality] {
      #expect(quality.lossIn == 0 && quality.lossOut == 0 && quality.jitter == 0)
      #expect(quality.packetsReceived > 1_000)
      let trip = quality.roundTrip ?? 0
      #expect(abs(trip - 80_000) < 100, "\(trip)")
    }
    // Five seconds on average, never in step.
    #expect((4...9).contains(pair.times.count))
    let gaps = zip(pair.times, pair.times.dropFirst()).map { $1 - $0 }
    #expect(gaps.allSatisfy { (2_500...7_520).contains($0) } && Set(gaps).count > 1)
    #expect(pair.times[0] <= 3_760)
  }

  @Test("A tenth lost one way is seen by both ends, each on its own side")
  func loss() {
    var pair = Pair()
    pair.run(seconds: 31, delay: 5, lose: { $0 % 10 == 3 })
    #expect((90_000...110_000).contains(pair.b.quality.lossIn) && pair.b.quality.lossOut == 0)
    #expect((85_000...110_000).contains(pair.a.quality.lossOut) && pair.a.quality.lossIn == 0)
    #expect((0.09...0.11).contains(Double(pair.b.reception.lost) / Double(pair.b.reception.expected)))
  }

  @Test("Jitter is that of RFC 3550, in microseconds")
  func jitter() {
    var pair = Pair()
    pair.run(seconds: 31, delay: 5, jitter: { $0 % 2 == 0 ? 0 : 16 })
    // Each packet is 16 ms nearer or farther than the one before it.
    #expect(abs(pair.b.quality.jitter - 16_000) < 500)
    #expect(pair.a.quality.jitter == 0)
  }

  @Test("A report is a sender report with one reception report and a name; without sound, a receiver report")
  func shape() throws {
    var pair = Pair()
    pair.run(seconds: 16, delay: 5)
    let report = try #require(pair.reports.last)
    #expect(report.count == ReportExchange.mostBytes && report[1] == 200 && report[52 + 1] == 202)
    #expect(
      Array(report[52...]) == [0x81, 202, 0, 5, 0, 0, 0, 0xa, 1, 8] + Array("0000000a".utf8) + [0, 0, 0, 0, 0, 0])
    let packet = try #require(Self.parse(report, about: 0xb))
    #expect(packet.source == 0xa && packet.reception?.lost == 0 && packet.reception?.lastReport != 0)
    #expect((packet.senderReport?.packets ?? 0) > 100)

    var silent = MediaLeg(outgoing: OutgoingStream(ssrc: 3, sequence: 1, timestamp: 1))
    var bytes = [UInt8](repeating: 0, count: ReportExchange.mostBytes)
    func next(_ after: Int64) -> Int? {
      bytes.withUnsafeMutableBytes { silent.nextControl(to: $0, at: Self.start + after) }
    }
    #expect(next(0) == nil)
    silent.setFarEnd(Pair.farEnd(Pair.hostB), at: Self.start)
    #expect(next(0) == nil)
    #expect(next(.seconds(4)) == 8 + 24)
    #expect(bytes[0...1] == [0x80, 201])
  }

  @Test("Reports of strangers are not read, and our own go to where the far end's come from")
  func destination() {
    var pair = Pair()
    var flag = false
    let report: [UInt8] = [0x80, 201, 0, 1, 0, 0, 0, 1]
    func receive(_ port: UInt16, host: UInt32 = 2, _ bytes: [UInt8]) -> Bool {
      bytes.withUnsafeBytes {
        pair.a.receiveControl($0, from: NetworkAddress(ipv4: host, port: port), at: Self.start, isGoodbye: &flag)
      }
    }
    #expect(pair.a.controlDestination == NetworkAddress(ipv4: 2, port: 5_001))
    #expect(!receive(5_001, host: 3, report))
    #expect(!receive(7_777, [1, 2, 3]))
    #expect(pair.a.controlDestination?.port == 5_001)
    #expect(receive(7_777, report) && !flag)
    #expect(pair.a.controlDestination?.port == 7_777)
    #expect(receive(7_777, [0x81, 203, 0, 1, 0, 0, 0, 1]) && flag)
    var stated = Pair.farEnd(NetworkAddress(ipv4: 9, port: 600))
    stated.controlPort = 900
    pair.a.setFarEnd(stated, at: Self.start)
    #expect(pair.a.controlDestination == NetworkAddress(ipv4: 9, port: 900))
  }

  @Test("A far end's impossible times make no round trip")
  func impossible() {
    var exchange = ReportExchange()
    var flag = false
    for (last, delay) in [(UInt32(1), UInt32(0)), (.max, .max), (0x1234, 0x7fff_ffff)] {
      var report: [UInt8] = [0x81, 201, 0, 7, 0, 0, 0, 1, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
      for word in [last, delay] { report += (0..<4).map { UInt8(truncatingIfNeeded: word >> (24 - 8 * $0)) } }
      #expect(report.withUnsafeBytes { exchange.receive($0, about: 5, at: Self.start, isGoodbye: &flag) })
      #expect((exchange.quality.roundTrip ?? 0) <= .seconds(30))
    }
  }
}
