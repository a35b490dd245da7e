import Media
import TestPeers
import Testing

@Suite struct OpusTests {
  static func encode(_ samples: [Int16], for use: OpusEncoder.Use = .speech) -> [[UInt8]] {
    var encoder = OpusEncoder(for: use)
    var packet = [UInt8](repeating: 0, count: OpusEncoder.mostBytes)
    return stride(from: 0, to: samples.count - 159, by: 160).map { start in
      let frame = Array(samples[start..<start + 160])
      let count = packet.withUnsafeMutableBytes { encoder.encode(frame, to: $0) }
      return Array(packet[..<count])
    }
  }
  static func decode(_ packets: [[UInt8]]) -> [Int16] {
    var decoder = OpusDecoder()
    var samples = [Int16](repeating: 0, count: OpusDecoder.mostSamples)
    return packets.flatMap { packet in
      Array(samples[..<decoder.decode(packet, to: &samples, at: 0)])
    }
  }

  @Test("A tone keeps its strength through Opus, and no other appears", arguments: [440.0, 880, 1_700])
  func tone(hertz: Double) {
    let tone = makeTone(hertz, samples: 16_000, amplitude: 8_000)
    for use in [OpusEncoder.Use.speech, .music] {
      let heard = Array(Self.decode(Self.encode(tone, for: use)).dropFirst(1_600))
      #expect(heard.count == 14_400)
      // Within one decibel; all else 20 dB below.
      #expect(abs(strength(of: hertz, in: heard) / 8_000 - 1) < 0.12)
      #expect(strength(of: hertz * 1.5, in: heard) < 800)
    }
  }

  @Test("Speech packets stay small")
  func size() {
    let packets = Self.encode(makeTone(300, samples: 16_000, amplitude: 6_000))
    #expect(packets.allSatisfy { !$0.isEmpty && $0.count <= 140 })
  }

  @Test("A lost packet is made up from the one after it, better than from nothing")
  func errorCorrection() {
    // The pitch moves, so that the past alone does not tell what was lost.
    let voice = (0..<16_000).map { place -> Int16 in
      let level = place / 800 % 2 == 0 ? 7_000.0 : 1_500
      return makeTone(180 + Double(place / 800) * 20, samples: 16, amplitude: level)[place % 16]
    }
    let packets = Self.encode(voice)
    let whole = Self.decode(packets)
    func error(isCorrected: Bool) -> Int {
      var decoder = OpusDecoder()
      var samples = [Int16](repeating: 0, count: OpusDecoder.mostSamples)
      var sum = 0
      for (place, packet) in packets.enumerated() {
        if place % 5 == 4, place + 1 < packets.count {
          decoder.conceal(to: &samples, 0..<160, next: isCorrected ? packets[place + 1] : nil)
          sum += (0..<160).map { abs(Int(samples[$0]) - Int(whole[place * 160 + $0])) }.reduce(0, +)
        } else {
          _ = decoder.decode(packet, to: &samples, at: 0)
        }
      }
      return sum
    }
    #expect(error(isCorrected: true) * 10 < error(isCorrected: false) * 8)
  }

  @Test("Bytes that are no packet make no sound and do no harm")
  func malformed() {
    var decoder = OpusDecoder()
    var samples = [Int16](repeating: 7, count: OpusDecoder.mostSamples)
    #expect(decoder.decode([], to: &samples, at: 0) == 0)
    #expect(decoder.decode([0xff, 0xff, 0xff], to: &samples, at: 0) == 0)
    var seed: UInt64 = 9
    for _ in 0..<2_000 {
      let bytes = (0..<Int(seed >> 40 % 90)).map { _ -> UInt8 in
        seed = seed &* 6_364_136_223_846_793_005 &+ 1
        return UInt8(truncatingIfNeeded: seed >> 33)
      }
      seed &+= 77
      #expect((0...OpusDecoder.mostSamples).contains(decoder.decode(bytes, to: &samples, at: 0)))
      decoder.conceal(to: &samples, 0..<160, next: bytes)
    }
  }
}

@Suite struct ConcealmentTests {
  @Test("A tone goes on over a gap of 20 ms, and no click ends it", arguments: [200.0, 440, 1_000])
  func gap(hertz: Double) {
    let tone = makeTone(hertz, samples: 1_600, amplitude: 8_000)
    var concealment = Concealment()
    var heard: [Int16] = []
    for start in stride(from: 0, to: 1_600, by: 160) {
      var frame = Array(tone[start..<start + 160])
      if start == 800 {
        concealment.conceal(&frame, 0..<160)
      } else {
        concealment.receive(&frame, 0..<160)
      }
      heard += frame
    }
    #expect(heard[..<800] == tone[..<800] && heard[1_040...] == tone[1_040...])
    #expect(strength(of: hertz, in: Array(heard[800..<960])) > 5_500)
    let steepest = zip(tone, tone.dropFirst()).map { abs(Int($0) - Int($1)) }.max() ?? 0
    #expect(zip(heard, heard.dropFirst()).allSatisfy { abs(Int($0) - Int($1)) <= steepest * 2 })
  }

  @Test("What stays away dies away within 60 ms")
  func fade() {
    var concealment = Concealment()
    var frame = makeTone(440, samples: 160, amplitude: 8_000)
    for _ in 0..<4 { concealment.receive(&frame, 0..<160) }
    var peaks: [Int] = []
    for _ in 0..<5 {
      concealment.conceal(&frame, 0..<160)
      peaks.append(frame.map { abs(Int($0)) }.max() ?? 0)
    }
    #expect(peaks[0] > 6_000 && peaks[1] < peaks[0] && peaks[2] < 4_000 && peaks[3] == 0 && peaks[4] == 0)
  }

  @Test("Loud and silent pasts are made up without overflow")
  func extremes() {
    for past in [Int16.min, .max, 0] {
      var concealment = Concealment()
      var frame = Array(repeating: past, count: 160)
      concealment.receive(&frame, 0..<160)
      for _ in 0..<3 { concealment.conceal(&frame, 0..<160) }
      frame = Array(repeating: .min, count: 160)
      concealment.receive(&frame, 0..<160)
      #expect(frame.last == .min)
    }
  }
}
