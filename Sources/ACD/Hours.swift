public import Primitives

/// When a queue takes newcomers, as absolute intervals. The edge expands them from days and local times (`CALLS.md` 5);
/// the engine knows instants only.
public struct Hours: Sendable, Equatable {
  /// Sorted, apart from each other, each from its opening to just before its closing.
  public private(set) var open: [Range<Instant>]

  /// Sorts the intervals, joins those that touch, and drops empty ones.
  public init(open intervals: [Range<Instant>]) {
    open = []
    for interval in intervals.filter({ !$0.isEmpty }).sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let last = open.last, last.upperBound >= interval.lowerBound {
        open[open.count - 1] = last.lowerBound..<max(last.upperBound, interval.upperBound)
      } else {
        open.append(interval)
      }
    }
  }

  public func isOpen(at instant: Instant) -> Bool {
    let next = index(after: instant)
    return next > 0 && open[next - 1].contains(instant)
  }

  /// The first opening after `instant`; nil when none is known.
  public func nextOpening(after instant: Instant) -> Instant? {
    let next = index(after: instant)
    return next < open.count ? open[next].lowerBound : nil
  }

  /// Of the intervals, the first that opens after `instant`.
  private func index(after instant: Instant) -> Int {
    var (low, high) = (0, open.count)
    while low < high {
      let middle = (low + high) / 2
      if open[middle].lowerBound <= instant { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
