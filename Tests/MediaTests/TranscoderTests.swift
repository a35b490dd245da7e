import Media
import Primitives
import TestPeers
import Testing

@Suite struct TranscoderTests {
  static let mu = Codec.g711(.mu)
  static let start = Instant(microseconds: 9_000_000)

  /// What a far end that speaks `source` sends, `milliseconds` a packet.
  static func packets(_ samples: [Int16], _ source: Codec, milliseconds: Int = 20) -> [[UInt8]] {
    if source == .opus { return OpusTests.encode(samples) }
    let size = milliseconds * 8
    return stride(from: 0, to: samples.count - size + 1, by: size).map { start in
      samples[start..<start + size].map(CompandingLaw.mu.encode)
    }
  }
  static func decode(_ packets: [[UInt8]], _ codec: Codec) -> [Int16] {
    guard case .g711(let law) = codec else { return OpusTests.decode(packets) }
    return packets.flatMap { $0.map(law.decode) }
  }

  /// Sends a tone through a network that delays and loses, and returns what the other side decodes.
  static func run(
    _ hertz: Double, from source: Codec, to target: Codec, seconds: Int = 6, milliseconds: Int = 20,
    loss: Int = 0, jitter: Int64 = 0, seed: UInt64 = 1
  ) -> [Int16] {
    var entropy = Entropy(testing: seed)
    let tone = makeTone(hertz, samples: seconds * 8_000, amplitude: 8_000)
    let units = Int(source.clockRate) / 1_000 * milliseconds
    var arrivals: [(at: Int64, header: RTPHeader, payload: [UInt8])] = []
    for (number, payload) in packets(tone, source, milliseconds: milliseconds).enumerated() {
      if Int(entropy.next() % 100) < loss { continue }
      let delay = jitter == 0 ? 0 : Int64(entropy.next() % UInt64(jitter + 1))
      let header = RTPHeader(
        payloadType: 0, sequence: UInt16(number), timestamp: UInt32(truncatingIfNeeded: number * units), ssrc: 5)
      arrivals.append((Int64(number * milliseconds) + delay, header, payload))
    }
    arrivals.sort { $0.at < $1.at }
    var transcoder = Transcoder(from: source, to: target)
    var payload = [UInt8](repeating: 0, count: Transcoder.mostBytes)
    var sent: [[UInt8]] = []
    var next = 0
    for time in stride(from: Int64(7), to: Int64(seconds) * 1_000, by: 20) {
      while next < arrivals.count, arrivals[next].at <= time {
        let (at, header, bytes) = arrivals[next]
        _ = bytes.withUnsafeBytes { transcoder.insert(header, $0, at: start + .milliseconds(at)) }
        next += 1
      }
      let count = payload.withUnsafeMutableBytes { transcoder.next(to: $0, at: start + .milliseconds(time)) }
      if let count { sent.append(Array(payload[..<count])) }
    }
    return decode(sent, target)
  }

  static let ways: [(Codec, Codec)] = [(.opus, mu), (.opus, .g711(.a)), (mu, .opus)]

  @Test("A tone passes either way within one decibel, without a gap", arguments: [440.0, 880], 0..<3)
  func tone(hertz: Double, way: Int) {
    let (source, target) = Self.ways[way]
    let heard = Self.run(hertz, from: source, to: target)
    #expect(heard.count >= 47_000)
    let steady = Array(heard.dropFirst(1_600))
    #expect(abs(strength(of: hertz, in: steady) / 8_000 - 1) < 0.12)
    #expect(strength(of: hertz * 1.5, in: steady) < 400)
  }

  @Test("With a tenth lost and 60 ms of jitter the tone is still there", arguments: [440.0, 880], 0..<3)
  func lossAndJitter(hertz: Double, way: Int) {
    let (source, target) = Self.ways[way]
    for seed in 1...3 as ClosedRange<UInt64> {
      let heard = Self.run(hertz, from: source, to: target, loss: 10, jitter: 60, seed: seed)
      #expect(heard.count >= 46_000)
      // A tenth of a second at a time, since the phase slips where sound is made up.
      let parts = stride(from: 8_000, to: 44_000, by: 800).map { Array(heard[$0..<$0 + 800]) }
      let tones = parts.map { strength(of: hertz, in: $0) }.sorted()
      // What libopus makes up for a pure tone is half as loud.
      #expect(tones[tones.count / 2] > 3_000 && tones[tones.count / 10] > 1_000, "\(seed): \(tones)")
      #expect(parts.count { strength(of: hertz, in: $0) > 3 * strength(of: hertz * 1.37, in: $0) } >= 40)
    }
  }

  @Test("Packets of other lengths are cut into ours", arguments: [10, 30, 40, 60])
  func lengths(milliseconds: Int) {
    let heard = Array(Self.run(440, from: Self.mu, to: .opus, milliseconds: milliseconds).dropFirst(3_200))
    #expect(abs(strength(of: 440, in: heard) / 8_000 - 1) < 0.12)
  }

  @Test("Nothing is made before the first packet, nor long after the last")
  func silence() {
    var transcoder = Transcoder(from: Self.mu, to: .opus)
    var payload = [UInt8](repeating: 0, count: Transcoder.mostBytes)
    func next(_ milliseconds: Int64) -> Int? {
      payload.withUnsafeMutableBytes { transcoder.next(to: $0, at: Self.start + .milliseconds(milliseconds)) }
    }
    #expect(next(0) == nil)
    let header = RTPHeader(payloadType: 0, sequence: 1, timestamp: 1, ssrc: 1)
    _ = [UInt8](repeating: 0xff, count: 160).withUnsafeBytes { transcoder.insert(header, $0, at: Self.start) }
    let made = stride(from: Int64(0), to: 2_000, by: 20).map { next($0) != nil }
    #expect(made.count { $0 } == 30 && made.last == false)
  }

  @Test("Any payload makes some sound and does no harm")
  func fuzz() {
    var entropy = Entropy(testing: 4)
    for (source, target) in Self.ways {
      var transcoder = Transcoder(from: source, to: target)
      var payload = [UInt8](repeating: 0, count: Transcoder.mostBytes)
      for step in 0..<3_000 as Range<Int64> {
        for _ in 0..<Int(entropy.next() % 3) {
          let bytes = (0..<Int(entropy.next() % 1_500)).map { _ in UInt8(truncatingIfNeeded: entropy.next()) }
          let header = RTPHeader(
            payloadType: 0, sequence: UInt16(truncatingIfNeeded: entropy.next() % 50),
            timestamp: UInt32(truncatingIfNeeded: step * 960) &+ UInt32(entropy.next() % 20_000),
            ssrc: UInt32(entropy.next() % 50 / 49))
          _ = bytes.withUnsafeBytes { transcoder.insert(header, $0, at: Self.start + .milliseconds(step * 20)) }
        }
        let now = Self.start + .milliseconds(step * 20 + 3)
        if let count = payload.withUnsafeMutableBytes({ transcoder.next(to: $0, at: now) }) {
          #expect((1...Transcoder.mostBytes).contains(count))
        }
        #expect(JitterBuffer.targets.contains(transcoder.delay))
      }
    }
  }
}
