/// Counts of waits in microseconds, log-linear: 64 buckets to a power of two, so that a quantile, which is
/// interpolated inside its bucket, is right within 1.6 %.
struct Histogram: Sendable, Equatable {
  private var counts: ContiguousArray<UInt32> = []
  private(set) var total: Int64 = 0

  private static let steps: Int64 = 64
  /// The binary digits of `steps`.
  private static let digits = 6

  @inline(__always)
  private static func bucket(_ value: Int64) -> Int {
    guard value >= steps else { return Int(max(0, value)) }
    let magnitude = 63 - value.leadingZeroBitCount
    return (magnitude - digits) << digits + Int(value >> (magnitude - digits))
  }

  /// Where a bucket begins, and how many whole values it holds.
  private static func extent(_ bucket: Int) -> (first: Double, width: Double) {
    guard bucket >= steps else { return (Double(bucket), 1) }
    let magnitude = bucket >> digits - 1
    let width = Double(UInt64(1) << UInt64(magnitude))
    return (Double(bucket - magnitude << digits) * width, width)
  }

  @inline(__always)
  mutating func count(_ value: Int64) {
    let bucket = Self.bucket(value)
    if bucket >= counts.count { grow(to: bucket) }
    counts[bucket] += 1
    total += 1
  }

  private mutating func grow(to bucket: Int) {
    counts.append(contentsOf: repeatElement(0, count: bucket + 1 - counts.count))
  }

  mutating func add(_ other: Histogram) {
    if counts.count < other.counts.count { grow(to: other.counts.count - 1) }
    for bucket in other.counts.indices { counts[bucket] += other.counts[bucket] }
    total += other.total
  }

  /// The value below which a share `p` lies; nil if nothing was counted.
  func quantile(_ p: Double) -> Double? {
    guard total > 0 else { return nil }
    let rank = max(0, min(p, 1)) * Double(total)
    var seen = 0.0
    for bucket in counts.indices where counts[bucket] > 0 {
      let count = Double(counts[bucket])
      let (first, width) = Self.extent(bucket)
      if seen + count >= rank { return first + (width - 1) * max(0, rank - seen) / count }
      seen += count
    }
    return nil
  }

  /// How many values are at most `limit`, those of its own bucket in proportion.
  func count(upTo limit: Double) -> Double {
    var sum = 0.0
    for bucket in counts.indices where counts[bucket] > 0 {
      let (first, width) = Self.extent(bucket)
      if first > limit { break }
      let share = width == 1 ? 1 : min(1, (limit - first) / (width - 1))
      sum += Double(counts[bucket]) * share
    }
    return sum
  }
}
