import Primitives

/// Longest idle: who has had no contact for the longest time is offered the next one. Who holds contacts already comes
/// after everybody who is idle, the least loaded first, then who has been so for the longest time.
///
/// These look-ups change nothing; they are `mutating` because the compiler copies the whole state for a method that is
/// not, at a third of the cost of a decision.
extension State {
  /// The agent to offer a waiting contact to: the first of the queue's ready lists who has what it needs.
  mutating func firstAgent(for slot: Int, at now: Instant) -> Int? {
    let row = contacts[slot]
    let first = ReadyList.index(queue: row.queue, kind: row.kind, standing: 0)
    for list in first..<(first + ReadyList.standings) {
      var link = ready[list].head
      while link >= 0 {
        let candidate = readyLinks[link]
        let agent = Int(candidate.agent)
        if isEligible(agent, for: row.profile), !isAvoided(slot, by: agent, at: now) { return agent }
        link = candidate.next
      }
    }
    return nil
  }

  /// Whether anybody could take a contact of these needs at once.
  mutating func isAnybodyFree(queue: Int32, kind: Int, profile: UInt32, at now: Instant) -> Bool {
    let first = ReadyList.index(queue: queue, kind: kind, standing: 0)
    for list in first..<(first + ReadyList.standings) {
      var link = ready[list].head
      while link >= 0 {
        let agent = Int(readyLinks[link].agent)
        if isEligible(agent, for: profile), agents[agent].backOff <= now { return true }
        link = readyLinks[link].next
      }
    }
    return false
  }
}
