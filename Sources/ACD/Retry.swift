import Primitives

/// A pair that is left alone for a while after a decline, a miss or a failure.
struct RetryPair {
  var contact: UInt32
  var generation: UInt32
  var until: Instant
  var sequence: UInt64
  var next: Int32
}

extension State {
  /// Leaves the pair alone until `until`, and forgets the agent's pairs that are over.
  func avoid(_ slot: Int, by agent: Int, until: Instant, at instant: Instant, _ sequence: UInt64) {
    var link = agents[agent].firstPair
    var first: Int32 = -1
    while link >= 0 {
      let next = pairs[link].next
      if pairs[link].until > instant {
        pairs[link].next = first
        first = link
      } else {
        pairs[link].next = freePair
        freePair = link
      }
      link = next
    }
    if until > instant {
      let pair = RetryPair(
        contact: UInt32(slot), generation: contacts[slot].generation, until: until, sequence: sequence, next: first)
      first = insertPair(pair)
      agents[agent].exceptionsUntil = max(agents[agent].exceptionsUntil, until)
    }
    agents[agent].firstPair = first
    armRetry(agent, after: instant)
  }

  func insertPair(_ pair: RetryPair) -> Int32 {
    if freePair >= 0 {
      let link = freePair
      freePair = pairs[link].next
      pairs[link] = pair
      return link
    }
    pairs.append(pair)
    return Int32(pairs.count - 1)
  }

  /// Sets the agent's timer to the first exception that ends after `instant`.
  func armRetry(_ agent: Int, after instant: Instant) {
    guard agents[agent].exceptionsUntil > instant else { return }
    var deadline = Instant.distantFuture
    var sequence: UInt64 = 0
    func consider(_ until: Instant, _ candidate: UInt64) {
      guard until > instant, until < deadline || until == deadline && candidate < sequence else { return }
      deadline = until
      sequence = candidate
    }
    consider(agents[agent].backOff, agents[agent].backOffSequence)
    var link = agents[agent].firstPair
    while link >= 0 {
      consider(pairs[link].until, pairs[link].sequence)
      link = pairs[link].next
    }
    if deadline != .distantFuture {
      timers.set(TimerSlot.retry(agent: agent).slot, at: deadline, sequence: sequence)
    }
  }

  /// Whether the pair is left alone at `now`.
  @inline(__always)
  func isAvoided(_ slot: Int, by agent: Int, at now: Instant) -> Bool {
    agents[agent].exceptionsUntil > now && isException(slot, for: agent, at: now)
  }

  private func isException(_ slot: Int, for agent: Int, at now: Instant) -> Bool {
    if agents[agent].backOff > now { return true }
    var link = agents[agent].firstPair
    while link >= 0 {
      let pair = pairs[link]
      if Int(pair.contact) == slot, pair.until > now, pair.generation == contacts[slot].generation { return true }
      link = pair.next
    }
    return false
  }
}
