import Foundation

public func makeTone(_ hertz: Double, samples: Int, amplitude: Double, rate: Double = 8_000) -> [Int16] {
  (0..<samples).map { Int16(amplitude * sin(2 * .pi * hertz * Double($0) / rate)) }
}

/// The amplitude of one frequency in samples at 8 kHz, by Goertzel's recurrence.
public func strength(of hertz: Double, in samples: [Int16]) -> Double {
  let turn = 2 * Double.pi * hertz / 8_000
  let factor = 2 * cos(turn)
  var (one, two) = (0.0, 0.0)
  for sample in samples { (one, two) = (Double(sample) + factor * one - two, one) }
  let power = one * one + two * two - factor * one * two
  return 2 * max(power, 0).squareRoot() / Double(max(samples.count, 1))
}
