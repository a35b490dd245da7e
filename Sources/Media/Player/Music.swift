extension Recording {
  /// The built-in music on hold: sixteen seconds of a soft broken-chord figure over a held chord, which loop unheard.
  public static func builtInMusic() -> Recording {
    // Four bars of C, A minor, F and G: the held notes, then the figure, in Hz.
    let bars: [(held: [Double], figure: [Double])] = [
      ([130.81, 196.00], [261.63, 329.63, 392.00, 523.25, 659.26, 523.25, 392.00, 329.63]),
      ([110.00, 164.81], [220.00, 329.63, 440.00, 523.25, 659.26, 523.25, 440.00, 329.63]),
      ([174.61, 130.81], [349.23, 261.63, 440.00, 523.25, 698.46, 523.25, 440.00, 261.63]),
      ([196.00, 146.83], [293.66, 392.00, 493.88, 587.33, 783.99, 587.33, 493.88, 392.00]),
    ]
    let bar = 32_000
    var mix = [Double](repeating: 0, count: bars.count * bar)
    for (place, chord) in bars.enumerated() {
      for note in chord.held { add(note, at: place * bar, level: 900, halfLife: 16_000, to: &mix) }
      for (step, note) in chord.figure.enumerated() {
        add(note, at: place * bar + step * bar / 8, level: 2_200, halfLife: 2_800, to: &mix)
      }
    }
    return Recording(samples: mix.map { Int16(max(-32_000, min(32_000, $0))) })
  }

  /// The European ring-back tone: 425 Hz, one second on, four off (ITU-T E.180).
  public static func ringBack() -> Recording {
    let tone = (0..<8_000).map { Int16(6_000 * sine(turns: Double($0) * 425 / 8_000)) }
    return Recording(samples: tone + Array(repeating: 0, count: 32_000))
  }

  /// Adds a plucked note that dies away and rings on over the end of the loop into its beginning.
  private static func add(_ hertz: Double, at start: Int, level: Double, halfLife: Int, to mix: inout [Double]) {
    var envelope = level
    let decay = 1 - 0.693_147 / Double(halfLife)
    for offset in 0..<min(mix.count, halfLife * 8) {
      let turns = Double(offset) * hertz / 8_000
      let attack = min(Double(offset) / 120, 1)
      let wave = sine(turns: turns) + 0.30 * sine(turns: 2 * turns) + 0.08 * sine(turns: 3 * turns)
      mix[(start + offset) % mix.count] += wave * envelope * attack
      envelope *= decay
    }
  }
}
