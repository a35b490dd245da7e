import Primitives

/// Contacts that are held for one agent: the one they ask for, or the last they had. A held contact waits in the line
/// of that agent alone and keeps its place; then it stands where it would have stood.
extension State {
  /// Holds the contact for an agent, or for nobody (-1) any more.
  func applyPreferred(_ slot: Int, _ agent: Int32, _ until: Instant, _ sequence: UInt64) {
    let isInLine = contacts[slot].bucket >= 0
    if isInLine { stepOut(slot) }
    contacts[slot].heldFor = agent
    contacts[slot].holdDeadline = until
    contacts[slot].patienceSequence = sequence
    if isInLine { line(up: slot) }
    armPatience(slot)
  }

  /// Contacts in line that are held for the agent, in entry order.
  fileprivate func heldInLine(for agent: Int) -> [Int] {
    var slots: [Int] = []
    var visit = agents[agent].firstVisit
    while visit >= 0 {
      var slot = buckets[visits[visit].bucket].head
      while slot >= 0 {
        slots.append(Int(slot))
        slot = contacts[slot].next
      }
      visit = visits[visit].next
    }
    return slots.sorted { contacts[$0].entrySequence < contacts[$1].entrySequence }
  }
}

extension Engine {
  mutating func prefer(_ agent: AgentID, for slot: Int, _ step: inout Step) {
    let hold = state.queues[state.contacts[slot].queue].preferredHold
    guard state.isKnown(agent), hold > 0 else { return }
    emit(.agentPreferred(state.contactID(slot), agent, until: now + hold), &step)
    endPreferenceIfVain(slot, &step)
  }

  /// Ends the hold when its time is up, or where the agent cannot or will not take the contact.
  mutating func endPreferenceIfVain(_ slot: Int, _ step: inout Step) {
    let row = state.contacts[slot]
    guard row.heldFor >= 0 else { return }
    if state.agents[row.heldFor].presence == .signedOut {
      endPreference(slot, .signedOut, &step)
    } else if !state.serves(Int(row.heldFor), slot) {
      endPreference(slot, .unable, &step)
    } else if row.holdDeadline <= now {
      endPreference(slot, .waited, &step)
    }
  }

  mutating func endPreference(_ slot: Int, _ reason: PreferenceEnd, _ step: inout Step) {
    let agent = AgentID(index: UInt32(bitPattern: state.contacts[slot].heldFor))
    emit(.preferenceEnded(state.contactID(slot), agent, reason), &step)
  }

  /// The agent has signed out: who was held for that agent is everybody's.
  mutating func endPreferences(for agent: Int, _ step: inout Step) {
    if state.agents[agent].firstVisit < 0 { return }
    for slot in state.heldInLine(for: agent) {
      endPreference(slot, .signedOut, &step)
      rematch(contact: slot, &step)
    }
  }
}
