import Primitives

extension State {
  /// Counts the one outcome of a contact in the queue it leaves (`CALLS.md` 7). Short abandons stand apart.
  mutating func count(_ outcome: Outcome, queue: Int, waited: Int64) {
    let isWithin = waited <= queues[queue].threshold
    switch outcome {
    case .answered:
      counters[queue].answered += 1
      if isWithin { counters[queue].answeredWithin += 1 }
      counters[queue].answeredWait &+= waited
    case .abandoned:
      counters[queue].abandoned += 1
      if isWithin { counters[queue].abandonedWithin += 1 }
    case .shortAbandoned: counters[queue].shortAbandoned += 1
    case .timedOut, .overflowed: counters[queue].left += 1
    case .callbackRequested: counters[queue].callback += 1
    case .withdrawn: counters[queue].withdrawn += 1
    case .failed: counters[queue].failed += 1
    }
  }
}
