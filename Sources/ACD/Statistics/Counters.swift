import Primitives

extension State {
  /// Counts the one outcome of a contact in the queue it leaves (`CALLS.md` 7). Short abandons stand apart, and so do
  /// virtual callers.
  func count(_ outcome: Outcome, of slot: Int, at instant: Instant) {
    let row = contacts[slot]
    let queue = Int(row.queue)
    let waited = instant - row.waitStart
    if row.channel == .callback {
      if outcome == .answered { counters[queue].callbacksAnswered += 1 } else { counters[queue].callbacksClosed += 1 }
      return
    }
    queues[queue].waits.note(outcome, waited: waited)
    let isWithin = waited <= queues[queue].threshold
    switch outcome {
    case .answered:
      counters[queue].answered += 1
      if isWithin {
        counters[queue].answeredWithin += 1
      } else {
        counters[queue].excessWait &+= waited - queues[queue].threshold
      }
      counters[queue].answeredWait &+= waited
      if row.estimates.isMade { counters[queue].estimates.score(row.estimates, waited: waited) }
    case .abandoned:
      counters[queue].abandoned += 1
      if isWithin { counters[queue].abandonedWithin += 1 }
    case .shortAbandoned: counters[queue].shortAbandoned += 1
    case .timedOut, .overflowed, .leftMessage, .unstaffed: counters[queue].left += 1
    case .callbackRequested: counters[queue].callback += 1
    case .withdrawn: counters[queue].withdrawn += 1
    case .failed, .unreached: counters[queue].failed += 1
    }
  }
}
