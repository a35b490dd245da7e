/// Why bytes are not a WAV file that can be played.
public enum WaveFileError: Error, Sendable, Equatable {
  case notWave
  /// A chunk ends behind the file, or a needed one is missing.
  case truncated
  /// Not 16-bit linear PCM with one or two channels at 8 to 48 kHz.
  case unsupported
  case tooLong
}

extension Recording {
  /// Ten minutes.
  public static let longest = 8_000 * 600

  /// Reads a RIFF WAVE file of 16-bit linear PCM, mono or stereo, 8 to 48 kHz, and brings it to 8 kHz mono.
  public init(waveFile bytes: [UInt8]) throws(WaveFileError) {
    func word(_ offset: Int) -> Int { Int(bytes[offset]) | Int(bytes[offset + 1]) << 8 }
    func long(_ offset: Int) -> Int { word(offset) | word(offset + 2) << 16 }
    func tag(_ offset: Int) -> String { String(decoding: bytes[offset..<offset + 4], as: UTF8.self) }
    guard bytes.count >= 12, tag(0) == "RIFF", tag(8) == "WAVE" else { throw .notWave }
    var offset = 12
    var format: (channels: Int, rate: Int)?
    while bytes.count - offset >= 8 {
      let size = long(offset + 4)
      let content = offset + 8
      switch tag(offset) {
      case "fmt ":
        guard size >= 16, bytes.count - content >= size else { throw .truncated }
        // WAVE_FORMAT_EXTENSIBLE carries linear PCM too.
        guard [1, 0xfffe].contains(word(content)), (1...2).contains(word(content + 2)),
          (8_000...48_000).contains(long(content + 4)), word(content + 14) == 16
        else { throw .unsupported }
        format = (word(content + 2), long(content + 4))
      case "data":
        guard let format else { throw .truncated }
        // Programs that write to a pipe leave the size open.
        let end = min(size, bytes.count - content) / (2 * format.channels)
        guard end / format.rate <= Self.longest / 8_000 else { throw .tooLong }
        let mono = (0..<end).map { frame -> Float in
          var sum = 0
          for channel in 0..<format.channels {
            sum += Int(Int16(truncatingIfNeeded: word(content + 2 * (frame * format.channels + channel))))
          }
          return Float(sum / format.channels)
        }
        self.init(samples: Self.resample(mono, from: format.rate))
        return
      default: break
      }
      guard bytes.count - content >= size else { throw .truncated }
      offset = content + size + size % 2
    }
    throw .truncated
  }

  /// Windowed-sinc resampling to 8 kHz; what lies above 3.6 kHz is taken out first, or it would sound as noise.
  private static func resample(_ input: [Float], from rate: Int) -> [Int16] {
    if rate == 8_000 { return input.map { Int16($0) } }
    var (a, divisor) = (rate, 8_000)
    while a != 0 { (a, divisor) = (divisor % a, a) }
    let (phases, step) = (8_000 / divisor, rate / divisor)
    let reach = 16 * rate / 8_000
    let cutoff = 3_600 / Double(rate)
    let kernels = (0..<phases).map { phase in
      let fraction = Double(phase * step % phases) / Double(phases)
      let taps = (-reach...reach).map { tap -> Double in
        let x = Double(tap) - fraction
        let sinc = x == 0 ? 2 * cutoff : sine(turns: cutoff * x) / (Double.pi * x)
        return sinc * (0.5 + 0.5 * sine(turns: 0.25 + x / Double(2 * reach + 2)))
      }
      let sum = taps.reduce(0, +)
      return taps.map { Float($0 / sum) }
    }
    return (0..<input.count * phases / step).map { output in
      let position = output * step / phases
      let kernel = kernels[output % phases]
      var sum: Float = 0
      for (tap, weight) in kernel.enumerated() {
        let place = position + tap - reach
        if place >= 0, place < input.count { sum += weight * input[place] }
      }
      return Int16(max(-32_768, min(32_767, sum)))
    }
  }
}
