import Dispatch
import Synchronization

/// Independent replications of one plan, on as many threads as asked for. The result is in the order of the
/// replications and the same on any number of threads.
struct Replications: Sendable {
  var plan: Plan
  var seed: UInt64
  var threads: Int
  var isAudited = false
  /// Told of how many are done, and of how many there will be.
  var progress: (@Sendable (_ done: Int, _ wanted: Int) -> Void)?

  struct Outcome: Sendable {
    var tally: Tally
    var violations: [Violation]
  }

  func run(_ numbers: Range<Int>) -> [Outcome] {
    Self.inOrder(numbers, threads: threads, progress: progress) { one($0) }
  }

  /// Runs `body` for every number on so many threads; the results stand in the order of the numbers.
  static func inOrder<Result: Sendable>(
    _ numbers: Range<Int>, threads: Int, progress: (@Sendable (_ done: Int, _ wanted: Int) -> Void)? = nil,
    _ body: @Sendable (Int) -> Result
  ) -> [Result] {
    let results = Mutex<[Result?]>(Array(repeating: nil, count: numbers.count))
    let next = Atomic<Int>(0)
    let done = Atomic<Int>(numbers.lowerBound)
    DispatchQueue.concurrentPerform(iterations: max(1, min(threads, numbers.count))) { _ in
      while true {
        let index = next.add(1, ordering: .relaxed).oldValue
        guard index < numbers.count else { break }
        let result = body(numbers.lowerBound + index)
        results.withLock { $0[index] = result }
        progress?(done.add(1, ordering: .relaxed).newValue, numbers.upperBound)
      }
    }
    return results.withLock { $0.compactMap(\.self) }
  }

  private func one(_ number: Int) -> Outcome {
    var world = World(plan: plan, seed: seed, replication: UInt64(number), isAudited: isAudited)
    world.run()
    return Outcome(tally: world.tally, violations: world.violations)
  }
}

/// A hash of all outcomes of all replications, in their order.
struct Fingerprint: Sendable, Equatable, CustomStringConvertible {
  private var value: UInt64 = 0xcbf2_9ce4_8422_2325

  init(_ tallies: [Tally]) {
    for tally in tallies {
      value = (value ^ tally.fingerprint) &* 0x9e37_79b9_7f4a_7c15
      value ^= value >> 29
    }
  }

  /// Sixteen hexadecimal digits.
  var description: String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
