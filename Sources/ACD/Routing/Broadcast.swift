import Primitives

/// Broadcast: a contact is offered to all who could take it, and to whoever becomes free while it rings. It stays in
/// line until somebody accepts; an agent still has one live offer at most. The rows of the agents who ring hold the
/// offers, the last one first.
extension State {
  func ring(_ slot: Int, _ agent: Int, until deadline: Instant, _ sequence: UInt64) {
    if contacts[slot].phase == .waiting { setPhase(.offered, of: slot) }
    let next = contacts[slot].ringing
    agents[agent].offer = sequence
    agents[agent].ringDeadline = deadline
    agents[agent].previousRinging = -1
    agents[agent].nextRinging = next
    if next >= 0 { agents[next].previousRinging = Int32(agent) }
    contacts[slot].ringing = Int32(agent)
    timers.set(TimerSlot.ring(agent: agent).slot, at: deadline, sequence: sequence)
  }

  func stopRinging(_ slot: Int, _ agent: Int) {
    let (previous, next) = (agents[agent].previousRinging, agents[agent].nextRinging)
    if previous >= 0 { agents[previous].nextRinging = next } else { contacts[slot].ringing = next }
    if next >= 0 { agents[next].previousRinging = previous }
    agents[agent].offer = 0
    agents[agent].ringDeadline = .distantFuture
    agents[agent].previousRinging = -1
    agents[agent].nextRinging = -1
    timers.cancel(TimerSlot.ring(agent: agent).slot)
  }

  /// The agent's live offer.
  func liveOffer(of agent: Int) -> LiveOffer? {
    let slot = Int(agents[agent].offered)
    guard slot >= 0 else { return nil }
    let own = agents[agent].offer
    return LiveOffer(sequence: own != 0 ? own : contacts[slot].offer, slot: slot, agent: agent)
  }

  /// The live offers of a contact, in the order in which they were made.
  func liveOffers(of slot: Int) -> [LiveOffer] {
    let row = contacts[slot]
    var offers: [LiveOffer] = []
    if row.phase == .offered, row.offer != 0 {
      offers.append(LiveOffer(sequence: row.offer, slot: slot, agent: Int(row.agent)))
    }
    var agent = row.ringing
    while agent >= 0 {
      offers.append(LiveOffer(sequence: agents[agent].offer, slot: slot, agent: Int(agent)))
      agent = agents[agent].nextRinging
    }
    return offers.reversed()
  }
}

extension Engine {
  /// Somebody else has accepted the contact: those who still ring are free again.
  @inline(__always)
  mutating func withdrawRest(_ slot: Int, _ step: inout Step) {
    if state.contacts[slot].ringing >= 0, !state.has(.lostWithdrawal) { withdrawRinging(slot, &step) }
  }

  @inline(never)
  private mutating func withdrawRinging(_ slot: Int, _ step: inout Step) {
    let rest = state.liveOffers(of: slot)
    for live in rest { withdraw(live, .acceptedByOther, &step) }
    rematch(agents: rest, &step)
  }
}
