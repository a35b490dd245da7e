import Media
import TestPeers
import Testing

@Suite struct PlayerTests {
  func samples(_ recording: Recording, _ law: CompandingLaw = .mu) -> [Int16] {
    var frame = [UInt8](repeating: 0, count: Recording.frameSize)
    return (0..<recording.frames).flatMap { tick in
      frame.withUnsafeMutableBytes { recording.copyFrame(tick, law, to: $0) }
      return frame.map(law.decode)
    }
  }

  @Test("The built-in music is audible, soft, and loops without a click")
  func music() {
    let music = samples(.builtInMusic())
    #expect(music.count == 16 * 8_000)
    let peak = music.map { abs(Int($0)) }.max() ?? 0
    #expect((4_000...16_000).contains(peak))
    #expect(strength(of: 261.63, in: Array(music[..<16_000])) > 200)
    let steps = zip(music, music.dropFirst() + music.prefix(1)).map { abs(Int($0) - Int($1)) }
    #expect((steps.last ?? 0) <= (steps.max() ?? 0))
    #expect((steps.max() ?? 0) < 8_000)
    // Each second of it sounds: nobody waits in silence.
    for second in 0..<16 {
      let part = music[second * 8_000..<second * 8_000 + 8_000]
      #expect(part.map { abs(Int($0)) }.reduce(0, +) / 8_000 > 300)
    }
  }

  @Test("Both laws carry the same music")
  func musicInBothLaws() {
    let recording = Recording.builtInMusic()
    let (mu, a) = (samples(recording, .mu), samples(recording, .a))
    #expect(abs(strength(of: 392, in: mu) / strength(of: 392, in: a) - 1) < 0.02)
  }

  @Test("Ring-back is 425 Hz for one second of five")
  func ringBack() {
    let tone = samples(.ringBack())
    #expect(tone.count == 40_000)
    #expect(abs(strength(of: 425, in: Array(tone[..<8_000])) - 6_000) < 120)
    #expect(tone[8_000...].allSatisfy { $0 == 0 })
  }

  @Test("A recording ends in silence up to a whole frame, and begins again after its last frame")
  func loop() {
    let recording = Recording(samples: Array(repeating: 1_000, count: 200))
    #expect(recording.frames == 2)
    let all = samples(recording)
    #expect(all[199] != 0 && all[200] == 0 && all[319] == 0)
    var first = [UInt8](repeating: 0, count: 160)
    var third = first
    first.withUnsafeMutableBytes { recording.copyFrame(0, .a, to: $0) }
    third.withUnsafeMutableBytes { recording.copyFrame(2, .a, to: $0) }
    #expect(first == third)
  }

  static func waveFile(
    rate: Int, channels: Int, samples: [Int16], format: Int = 1, bits: Int = 16, extra: [UInt8] = []
  ) -> [UInt8] {
    func little(_ value: Int, _ bytes: Int) -> [UInt8] { (0..<bytes).map { UInt8(value >> (8 * $0) & 0xff) } }
    let data = samples.flatMap { little(Int($0) & 0xffff, 2) }
    var bytes = Array("RIFF".utf8) + little(36 + extra.count + data.count, 4) + Array("WAVEfmt ".utf8) + little(16, 4)
    bytes += little(format, 2) + little(channels, 2) + little(rate, 4) + little(rate * channels * 2, 4)
    bytes += little(channels * 2, 2) + little(bits, 2) + extra + Array("data".utf8) + little(data.count, 4) + data
    return bytes
  }

  @Test(
    "A WAV file sounds the same at 8 kHz, whatever its rate and channels",
    arguments: [8_000, 11_025, 16_000, 44_100, 48_000])
  func waveFiles(rate: Int) throws {
    let tone = makeTone(1_000, samples: rate, amplitude: 8_000, rate: Double(rate))
    for channels in 1...2 {
      let interleaved = tone.flatMap { Array(repeating: $0, count: channels) }
      let recording = try Recording(waveFile: Self.waveFile(rate: rate, channels: channels, samples: interleaved))
      #expect(abs(recording.frames - 50) <= 1)
      let sound = samples(recording).dropFirst(800).prefix(6_400)
      #expect(abs(strength(of: 1_000, in: Array(sound)) / 8_000 - 1) < 0.02)
      #expect(strength(of: 1_500, in: Array(sound)) < 120)
    }
  }

  @Test("What 8 kHz cannot carry is taken out and does not come back as another tone")
  func aliasing() throws {
    let tone = makeTone(6_000, samples: 44_100, amplitude: 8_000, rate: 44_100)
    let recording = try Recording(waveFile: Self.waveFile(rate: 44_100, channels: 1, samples: tone))
    #expect(strength(of: 2_000, in: Array(samples(recording).dropFirst(800).prefix(6_400))) < 80)
  }

  @Test("Chunks before the sound are skipped; files that are not 16-bit PCM are refused")
  func waveFileFaults() throws {
    let list = Array("LIST".utf8) + [3, 0, 0, 0, 1, 2, 3, 0]
    _ = try Recording(waveFile: Self.waveFile(rate: 8_000, channels: 1, samples: [1, 2, 3], extra: list))
    func fault(_ bytes: [UInt8]) -> WaveFileError? {
      do { _ = try Recording(waveFile: bytes) } catch { return error }
      return nil
    }
    let good = Self.waveFile(rate: 8_000, channels: 1, samples: [1, 2, 3])
    #expect(fault([]) == .notWave)
    #expect(fault(Array("RIFFxxxxAVI ".utf8)) == .notWave)
    #expect(fault(Array(good[..<30])) == .truncated)
    #expect(fault(Array(good[..<36])) == .truncated)
    #expect(fault(Self.waveFile(rate: 8_000, channels: 1, samples: [1], format: 6)) == .unsupported)
    #expect(fault(Self.waveFile(rate: 8_000, channels: 1, samples: [1], bits: 8)) == .unsupported)
    #expect(fault(Self.waveFile(rate: 96_000, channels: 1, samples: [1])) == .unsupported)
    #expect(fault(Self.waveFile(rate: 8_000, channels: 6, samples: [1])) == .unsupported)
    for length in good.indices { _ = fault(Array(good[..<length])) }
  }
}
