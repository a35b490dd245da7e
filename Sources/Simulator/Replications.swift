import Foundation
import Synchronization

/// Independent replications of one plan, on as many threads as asked for. The result is in the order of the
/// replications and the same on any number of threads.
enum Replications {
  static func run(_ plan: Plan, seed: UInt64, _ numbers: Range<Int>, threads: Int) -> [Tally] {
    let results = Mutex<[Tally?]>(Array(repeating: nil, count: numbers.count))
    let next = Atomic<Int>(0)
    DispatchQueue.concurrentPerform(iterations: max(1, min(threads, numbers.count))) { _ in
      while true {
        let index = next.add(1, ordering: .relaxed).oldValue
        guard index < numbers.count else { break }
        var world = World(plan: plan, seed: seed, replication: UInt64(numbers.lowerBound + index))
        world.run()
        let tally = world.tally
        results.withLock { $0[index] = tally }
      }
    }
    return results.withLock { $0.compactMap(\.self) }
  }
}
