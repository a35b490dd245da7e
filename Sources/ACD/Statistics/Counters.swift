import Primitives

extension State {
  /// Counts the one outcome of a contact in the queue it leaves (`CALLS.md` 7). Short abandons stand apart, and so do
  /// virtual callers.
  @inline(__always)
  func count(_ outcome: Outcome, of slot: Int, at instant: Instant) {
    let row = contacts.row(slot)
    let queue = queues.row(row.queue)
    let counters = counters.row(row.queue)
    let waited = instant - row.waitStart
    if row.channel == .callback {
      if outcome == .answered { counters.callbacksAnswered += 1 } else { counters.callbacksClosed += 1 }
      return
    }
    queue.waits.note(outcome, waited: waited)
    let isWithin = waited <= queue.threshold
    switch outcome {
    case .answered:
      counters.answered += 1
      if isWithin {
        counters.answeredWithin += 1
      } else {
        counters.excessWait &+= waited - queue.threshold
      }
      counters.answeredWait &+= waited
      if row.estimates.isMade { counters.estimates.score(row.estimates, waited: waited) }
    case .abandoned:
      counters.abandoned += 1
      if isWithin { counters.abandonedWithin += 1 }
    case .shortAbandoned: counters.shortAbandoned += 1
    case .timedOut, .overflowed, .leftMessage, .unstaffed: counters.left += 1
    case .callbackRequested: counters.callback += 1
    case .withdrawn: counters.withdrawn += 1
    case .failed, .unreached: counters.failed += 1
    }
  }
}
