import Foundation

/// What the two sides of a call and the queue's music sound like in tests, in Hz, so that each is found by its frequency.
enum Tone {
  static let visitor = 440
  static let music = 620
  static let agent = 880
  static let all = [visitor, music, agent]
}

/// Mono sound at 16 bits.
struct Recording {
  var samples: [Double]
  var rate: Double

  /// Reads a WAV file of 16-bit PCM; several channels are averaged. Nil while there is no sound in it.
  init?(wave: Data) {
    let bytes = [UInt8](wave)
    func number(_ at: Int, _ width: Int) -> Int {
      (0..<width).reduce(0) { $0 | Int(bytes[at + $1]) << (8 * $1) }
    }
    guard bytes.count > 44 else { return nil }
    let channels = max(1, number(22, 2))
    rate = Double(number(24, 4))
    samples = stride(from: 44, to: bytes.count - 2 * channels, by: 2 * channels).map { frame in
      (0..<channels).reduce(0.0) { $0 + Double(Int16(truncatingIfNeeded: number(frame + 2 * $1, 2))) }
        / Double(channels)
    }
  }

  /// Whether a tone is heard at the end, and no other of a twentieth of its amplitude.
  func holds(_ hertz: Int) -> Bool {
    let level = level(of: hertz)
    return level > 500 && Tone.all.allSatisfy { $0 == hertz || level > 20 * self.level(of: $0) }
  }

  /// Amplitude at a frequency, by Goertzel's algorithm, over the last second.
  private func level(of hertz: Int) -> Double {
    let window = samples.suffix(Int(rate))
    let coefficient = 2 * cos(2 * .pi * Double(hertz) / rate)
    var (a, b) = (0.0, 0.0)
    for sample in window { (a, b) = (sample + coefficient * a - b, a) }
    return max(0, a * a + b * b - coefficient * a * b).squareRoot() / Double(max(1, window.count))
  }

  static func tone(hertz: Int, seconds: Int) -> Data {
    let rate = 8_000
    var data = Data()
    func append(_ value: Int, _ width: Int) { for i in 0..<width { data.append(UInt8(value >> (8 * i) & 255)) } }
    let size = 2 * rate * seconds
    data.append(contentsOf: "RIFF".utf8)
    append(36 + size, 4)
    data.append(contentsOf: "WAVEfmt ".utf8)
    append(16, 4)
    append(1, 2)
    append(1, 2)
    append(rate, 4)
    append(2 * rate, 4)
    append(2, 2)
    append(16, 2)
    data.append(contentsOf: "data".utf8)
    append(size, 4)
    for index in 0..<rate * seconds {
      append(Int(9_000 * sin(2 * .pi * Double(hertz * index) / Double(rate))) & 0xffff, 2)
    }
    return data
  }
}
