/// How long people wait before they hang up, from waits of which most ended otherwise: who was answered after 20 s
/// would have waited longer than 20 s (Kaplan and Meier 1958). The mean wait of those who hung up says nothing of it.
struct KaplanMeier: Sendable {
  /// Instants at which somebody hung up, ascending, in microseconds, and the share that waits longer than each.
  private var times: [Int64] = []
  private var survival: [Double] = []
  /// The longest wait seen, however it ended; beyond it the curve is a guess.
  private(set) var longest: Int64 = 0
  /// Of hanging up, per microsecond of all waiting seen: an exponential tail goes on with it.
  private let hazard: Double

  /// - Parameter waits: whether each ended with a hang-up.
  init(_ waits: [(wait: Int64, hungUp: Bool)]) {
    let sorted = waits.sorted { ($0.wait, $0.hungUp ? 0 : 1) < ($1.wait, $1.hungUp ? 0 : 1) }
    let exposure = waits.reduce(0) { $0 + Double($1.wait) }
    let count = waits.count { $0.hungUp }
    hazard = exposure > 0 ? Double(count) / exposure : 0
    longest = sorted.last?.wait ?? 0
    var share = 1.0
    var place = 0
    while place < sorted.count {
      let time = sorted[place].wait
      let atRisk = Double(sorted.count - place)
      var gone = 0
      while place < sorted.count, sorted[place].wait == time {
        if sorted[place].hungUp { gone += 1 }
        place += 1
      }
      guard gone > 0 else { continue }
      share *= 1 - Double(gone) / atRisk
      times.append(time)
      survival.append(share)
    }
  }

  /// The share that waits longer than this.
  func share(after wait: Int64) -> Double {
    if wait > longest { return (survival.last ?? 1) * Elementary.exp(-hazard * Double(wait - longest)) }
    let next = times.partition { $0 > wait }
    return next == 0 ? 1 : survival[next - 1]
  }

  /// The patience of somebody known to wait longer than `wait`.
  /// - Parameter uniform: between 0 and 1.
  func patience(beyond wait: Int64, _ uniform: Double) -> Int64 {
    let sought = share(after: wait) * uniform
    // The first hang-up after which no more than the sought share is left.
    let place = survival.partition { $0 <= sought }
    if place < times.count, times[place] > wait { return times[place] }
    let last = survival.last ?? 1
    guard hazard > 0, last > 0 else { return Self.forEver }
    let beyond = -Elementary.log(min(1, sought / last)) / hazard
    return max(wait, longest) + Int64(min(beyond, 1e15))
  }

  /// Where nobody was seen to hang up.
  static let forEver = Int64.max
}

extension Array {
  /// The first index whose element satisfies what all later ones do too; the count if none does.
  fileprivate func partition(_ isLate: (Element) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if isLate(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
