import Primitives

/// Agents who come, go, and take breaks; and the start of the process itself.
extension Engine {
  /// Signing in makes nobody ready: the agent says so when the phone and the headset are in place.
  mutating func signIn(_ agent: AgentID, _ step: inout Step) {
    guard state.agents[Int(agent.index)].presence == .signedOut else { return }
    emit(.agentSignedIn(agent), &step)
  }

  mutating func makeReady(_ agent: AgentID, _ step: inout Step) {
    guard state.agents[Int(agent.index)].presence == .notReady else { return }
    emit(.agentReady(agent), &step)
    match(agent: Int(agent.index), &step)
  }

  /// Takes effect for offers at once, a live one included; a contact in progress goes on.
  mutating func takeBreak(_ agent: AgentID, _ reason: ReasonID, _ step: inout Step) {
    let row = state.agents[Int(agent.index)]
    guard row.presence != .signedOut, row.presence == .ready || row.reason != reason.index else { return }
    emit(.agentNotReady(agent, reason), &step)
    let climbers = climbAll(without: Int(agent.index), &step)
    withdrawOffer(of: agent, .agentNotReady, &step)
    rematch(contacts: climbers, &step)
    ejectUnstaffed(after: Int(agent.index), &step)
  }

  /// Ends the live offer and the wrap-ups; a contact in progress goes on without a wrap-up after it.
  mutating func signOut(_ agent: AgentID, _ reason: Withdrawal, _ step: inout Step) {
    guard state.agents[Int(agent.index)].presence != .signedOut else { return }
    emit(.agentSignedOut(agent), &step)
    let climbers = climbAll(without: Int(agent.index), &step)
    withdrawOffer(of: agent, reason, &step)
    if state.agents[Int(agent.index)].firstHeld >= 0 {
      for slot in state.held(by: Int(agent.index)) where state.contacts[slot].phase == .wrapUp {
        closeWrapUp(slot, .none, &step)
      }
    }
    endPreferences(for: Int(agent.index), &step)
    rematch(contacts: climbers, &step)
    ejectUnstaffed(after: Int(agent.index), &step)
  }

  private mutating func withdrawOffer(of agent: AgentID, _ reason: Withdrawal, _ step: inout Step) {
    guard let live = state.liveOffer(of: Int(agent.index)) else { return }
    withdraw(live, reason, &step)
    settle(live.slot, &step)
  }

  /// The phone is gone: a live offer fails, and nothing is offered until the phone is back or the agent says ready.
  mutating func losePhone(_ agent: AgentID, _ step: inout Step) {
    let row = state.agents[Int(agent.index)]
    guard row.presence == .ready else { return }
    if let live = state.liveOffer(of: Int(agent.index)) {
      failOffer(live, .unreachable, &step)
    } else {
      emit(.agentNotReady(agent, .unreachable), &step)
      rematch(contacts: climbAll(without: Int(agent.index), &step), &step)
    }
  }

  mutating func regainPhone(_ agent: AgentID, _ step: inout Step) {
    guard state.agents[Int(agent.index)].presence == .notReady,
      state.agents[Int(agent.index)].reason == ReasonID.unreachable.index
    else { return }
    makeReady(agent, &step)
  }

  /// The process starts over a restored state. What rang or was being joined has failed; calls have lost their media:
  /// those in talk end with cause `restart`, callers who waited have failed. Chats go on, and callbacks that wait.
  /// Then everybody is matched afresh.
  mutating func restart(_ step: inout Step) {
    for slot in state.contacts.indices { breakOff(slot, &step) }
    endCalls(&step)
    matchAll(&step)
  }

  /// Ends what rang, was being joined or dialled.
  private mutating func breakOff(_ slot: Int, _ step: inout Step) {
    let phase = state.contacts[slot].phase
    if phase == .dialling || isDialling(slot) {
      breakDial(slot, .restart, &step)
      settleRest(slot, &step)
    } else if phase == .connecting {
      breakOffer(soleOffer(of: slot), .restart, &step)
    } else {
      for live in state.liveOffers(of: slot) { breakOffer(live, .restart, &step) }
    }
  }

  /// A planned stop: what a restart would do to calls is done while both sides can still be told. Chats go on.
  mutating func stop(_ step: inout Step) {
    for slot in state.contacts.indices where state.contacts[slot].kind == Kind.voice {
      breakOff(slot, &step)
    }
    endCalls(&step)
    matchAll(&step)
  }

  /// No call outlives the process.
  private mutating func endCalls(_ step: inout Step) {
    for slot in state.contacts.indices {
      let row = state.contacts[slot]
      if row.phase == .waiting, row.kind == Kind.voice, row.channel == .voice || row.isOnLine { fail(slot, &step) }
    }
    for slot in state.contacts.indices {
      let row = state.contacts[slot]
      if row.phase == .answered, row.kind == Kind.voice { end(slot, .restart, &step) }
    }
  }

  /// After a change that may have freed many at once: every contact in line, in the order of their ranks, goes to the
  /// first agent by its queue's policy, who may have to take another one first. Who has waited too long leaves.
  mutating func matchAll(_ step: inout Step) {
    for slot in state.contacts.indices where state.contacts[slot].phase == .waiting {
      let row = state.contacts[slot]
      if min(row.waitDeadline, row.lostDeadline) <= now { settle(slot, &step) }
      endPreferenceIfVain(slot, &step)
      climb(slot, &step)
    }
    let line = state.contacts.indices.filter { state.contacts[$0].bucket >= 0 }
    let ranked = line.map { (slot: $0, rank: state.rank(of: $0, at: now)) }.sorted { $0.rank.isBefore($1.rank) }
    for contact in ranked { rematch(contact: contact.slot, &step) }
  }
}
