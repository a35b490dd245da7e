/// Makes up sound where packets of G.711 are missing, as ITU-T G.711 appendix I does: the last pitch period is repeated
/// and dies away, and what comes after is blended in.
public struct Concealment: Sendable {
  /// Pitch periods looked for, 50 to 400 Hz, in samples.
  private static let pitches = 20...160
  /// What is kept of the past: the longest period, and as much to compare it with.
  private static let past = 320
  private static let blend = 40
  /// Full at first, silent at the end.
  private static let fade = 80..<480

  private var history = [Int16](repeating: 0, count: past)
  private var period: [Int16] = []
  /// Samples made up since the last real one.
  private var missing = 0

  public init() { period.reserveCapacity(Self.pitches.upperBound) }

  /// Takes real sound; its beginning is blended where sound was made up before it.
  public mutating func receive(_ samples: inout [Int16], _ range: Range<Int>) {
    if missing > 0 {
      let count = min(Self.blend, range.count)
      for step in 0..<count {
        let place = range.lowerBound + step
        samples[place] = Int16((Int(makeUp(missing + step)) * (count - step) + Int(samples[place]) * step) / count)
      }
      missing = 0
    }
    remember(samples[range])
  }

  /// Fills in for sound that is missing.
  public mutating func conceal(_ samples: inout [Int16], _ range: Range<Int>) {
    if missing == 0 { findPeriod() }
    for (step, place) in range.enumerated() { samples[place] = makeUp(missing + step) }
    missing = min(missing + range.count, Self.fade.upperBound)
    remember(samples[range])
  }

  private func makeUp(_ place: Int) -> Int16 {
    guard place < Self.fade.upperBound, !period.isEmpty else { return 0 }
    let sample = Int(period[place % period.count])
    guard place >= Self.fade.lowerBound else { return Int16(sample) }
    return Int16(sample * (Self.fade.upperBound - place) / Self.fade.count)
  }

  private mutating func remember(_ samples: ArraySlice<Int16>) {
    let new = samples.suffix(Self.past)
    history.removeFirst(new.count)
    history.append(contentsOf: new)
  }

  /// The lag at which the last 20 ms resemble what was before them most, and the sound of that period. Its end is
  /// blended into what came before its beginning, so that it repeats without a click.
  private mutating func findPeriod() {
    let window = 160
    let start = Self.past - window
    var best = (score: 0.0, lag: Self.pitches.upperBound)
    var energy = 1.0
    for lag in Self.pitches {
      var (product, power) = (0, 0)
      for place in start..<Self.past {
        let earlier = Int(history[place - lag])
        product += Int(history[place]) * earlier
        power += earlier * earlier
      }
      energy = Double(power) + 1
      let score = product > 0 ? Double(product) * Double(product) / energy : 0
      // A multiple of the period resembles as well; the shortest lag wins unless another is clearly better.
      if score > best.score * 1.02 { best = (score, lag) }
    }
    period.removeAll(keepingCapacity: true)
    period.append(contentsOf: history[(Self.past - best.lag)...])
    let seam = best.lag / 4
    for step in 0..<seam {
      let before = Int(history[Self.past - best.lag - seam + step])
      let place = best.lag - seam + step
      period[place] = Int16((Int(period[place]) * (seam - step) + before * step) / seam)
    }
  }
}
