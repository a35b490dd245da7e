import ACD
import Primitives

/// What one replication counted. Contacts count in the group of their queue and channel, at the moment of their
/// arrival; those of the warm-up do not count. Sums only, so that groups and replications add up.
///
/// A `Ledger` makes it.
package struct Tally: Sendable {
  /// One queue and channel.
  struct Group: Sendable, BitwiseCopyable {
    var offered: Int64 = 0
    var answered: Int64 = 0
    /// Without the short ones.
    var abandoned: Int64 = 0
    var shortAbandoned: Int64 = 0
    /// Timed out or overflowed.
    var left: Int64 = 0
    var refused: Int64 = 0
    /// Not answered at once.
    var waited: Int64 = 0
    /// Sums of waits in microseconds, of all and of the answered; a refused contact has none.
    var wait: Int64 = 0
    var answeredWait: Int64 = 0
    var longestWait: Int64 = 0
  }

  /// Of the contacts of a group, how many were answered, and how many abandoned, within a threshold.
  struct Within: Sendable, BitwiseCopyable {
    var answered: Int64 = 0
    var abandoned: Int64 = 0
  }

  /// What an agent did in the measured time, microseconds: handling (talk, hold, wrap-up), and ready but not handling.
  struct Work: Sendable, BitwiseCopyable {
    var handling: Int64 = 0
    var ready: Int64 = 0
  }

  let thresholds: ContiguousArray<Int64>
  /// By queue and channel: `queue * Channel.count + channel`.
  let groups: ContiguousArray<Group>
  let withins: ContiguousArray<Within>
  let waits: ContiguousArray<Histogram>
  let work: ContiguousArray<Work>
  /// By queue, the line's length integrated over the measured time, in contacts times microseconds.
  let areas: ContiguousArray<Int64>
  /// Length of the measured time, microseconds.
  let measuredTime: Double
  /// The day by intervals, where the plan asks for it.
  let timeline: Timeline?
  /// A hash of (contact number, outcome, wait, agent) of all contacts, in the order in which they left the queue.
  package let fingerprint: UInt64

  @inline(__always)
  static func group(_ queue: QueueID, _ channel: Channel) -> Int {
    Int(queue.index) &* Channel.count &+ Int(channel.rawValue)
  }
}

extension Channel {
  static let count = 3
}

// MARK: Reading

extension Tally {
  /// The groups of a queue and a channel; nil means all.
  func groups(_ queue: QueueID?, _ channel: Channel?) -> [Int] {
    groups.indices.filter { index in
      return (queue.map { Int($0.index) == index / Channel.count } ?? true)
        && (channel.map { Int($0.rawValue) == index % Channel.count } ?? true)
    }
  }

  func sum(_ chosen: [Int], _ field: KeyPath<Group, Int64>) -> Double {
    chosen.reduce(0) { $0 + Double(groups[$1][keyPath: field]) }
  }

  func sum(_ chosen: [Int], within threshold: Int, _ field: KeyPath<Within, Int64>) -> Double {
    chosen.reduce(0) { $0 + Double(withins[$1 * thresholds.count + threshold][keyPath: field]) }
  }

  func waits(_ chosen: [Int]) -> Histogram {
    var sum = Histogram()
    for group in chosen { sum.add(waits[group]) }
    return sum
  }

  /// The line's length integrated over the measured time, in contacts times microseconds.
  func area(_ queue: QueueID) -> Double { Double(areas[Int(queue.index)]) }
}
