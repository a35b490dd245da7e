import Primitives

/// Contacts that come, go, and wait.
extension Engine {
  mutating func arrive(
    _ contact: ContactID, _ queue: QueueID, _ profile: ProfileID, _ channel: Channel, _ priority: Int16,
    for agent: AgentID? = nil, _ step: inout Step
  ) {
    // An id that is still in use arrives twice only by mistake; the first stands.
    let slot = Int(contact.slot)
    if slot < state.contacts.count, state.contacts[slot].phase != .gone { return }
    if let refusal = refusal(queue, profile, channel) {
      if turnAway(contact, queue, profile, channel, priority, refusal, &step) { return }
      emit(.contactRefused(contact, queue: queue, refusal), &step)
      step.actions.append(.refuse(contact, refusal))
      step.actions.append(.forget(contact))
      return
    }
    enter(contact, queue, profile, channel, priority, &step)
    if let agent { prefer(agent, for: slot, &step) }
    match(contact: slot, &step)
    if state.queues[Int(queue.index)].estimatesWaits, state.contacts[slot].phase == .waiting {
      estimateWait(slot, &step)
    }
  }

  @inline(__always)
  mutating func enter(
    _ contact: ContactID, _ queue: QueueID, _ profile: ProfileID, _ channel: Channel, _ priority: Int16,
    _ step: inout Step
  ) {
    let total = Int(state.queues[Int(queue.index)].priority) + Int(priority)
    let clamped = Int16(clamping: total)
    emit(.contactQueued(contact, queue: queue, profile: profile, channel: channel, priority: clamped), &step)
  }

  @inline(__always)
  mutating func refusal(_ queue: QueueID, _ profile: ProfileID, _ channel: Channel) -> Refusal? {
    guard state.isKnown(queue), !state.queues[Int(queue.index)].isRemoved else { return .closed }
    guard Int(profile.index) < definitions.profiles.count else { return .policy }
    let row = state.queues[Int(queue.index)]
    guard row.channels & (1 << channel.rawValue) != 0 else { return .channel }
    if row.isGuarded, let refusal = refusalOfHours(Int(queue.index), profile.index, channel) { return refusal }
    if row.waiting >= row.waitingLimit {
      let kind = channel == .chat ? Kind.chat : Kind.voice
      let isFree = state.isAnybodyFree(queue: Int32(queue.index), kind: kind, profile: profile.index, at: now)
      return isFree ? nil : .full
    }
    return nil
  }

  mutating func leave(_ slot: Int, _ step: inout Step) { close(slot, abandonment(slot), .contactLeft, &step) }
  mutating func fail(_ slot: Int, _ step: inout Step) { close(slot, .failed, .failed, &step) }
  mutating func dismiss(_ slot: Int, _ step: inout Step) { close(slot, .withdrawn, .agentLeft, &step) }

  /// Ends the contact whatever it is doing: unanswered with the outcome, answered with the cause.
  private mutating func close(_ slot: Int, _ outcome: Outcome, _ cause: EndCause, _ step: inout Step) {
    switch state.contacts[slot].phase {
    case .waiting, .offered, .connecting, .resting, .dialling: conclude(slot, outcome, .contactLeft, &step)
    case .answered: end(slot, cause, &step)
    case .wrapUp, .gone, .placeHeld: break
    }
  }

  mutating func lose(_ slot: Int, _ step: inout Step) {
    let row = state.contacts[slot]
    // A virtual caller holds no line that could be lost.
    guard !row.isLost, row.channel != .callback || row.phase == .answered else { return }
    guard row.phase != .wrapUp, row.phase != .gone, row.phase != .placeHeld else { return }
    emit(.contactLost(state.contactID(slot)), &step)
    guard row.phase == .offered else { return }
    let offers = state.liveOffers(of: slot)
    for live in offers { withdraw(live, .contactLost, &step) }
    // The wait limit may have passed while the offer was its last chance.
    settle(slot, &step)
    rematch(agents: offers, &step)
  }

  mutating func regain(_ slot: Int, _ step: inout Step) {
    guard state.contacts[slot].isLost else { return }
    emit(.contactReturned(state.contactID(slot)), &step)
    if state.contacts[slot].phase == .waiting { match(contact: slot, &step) }
  }

  /// The wait limit or the lost limit has passed, or a hold or a step of the ladder has come to its end. A contact on
  /// offer or connecting keeps that chance; `settle` asks again when it is over.
  mutating func losePatience(_ slot: Int, _ step: inout Step) {
    let phase = state.contacts[slot].phase
    if phase == .waiting { return settle(slot, &step) }
    if phase == .resting, state.contacts[slot].waitDeadline <= now {
      return conclude(slot, .timedOut, .timedOut, &step)
    }
    endPreferenceIfVain(slot, &step)
    climb(slot, &step)
    // One that rings many goes on to those whom the step has added.
    if phase == .offered { match(contact: slot, &step) }
    state.armPatience(slot, after: now)
  }

  /// A waiting contact whose offer is over, or whose patience may be: it leaves, or waits for the next agent.
  mutating func settle(_ slot: Int, _ step: inout Step) {
    let row = state.contacts[slot]
    // Others still ring for it.
    if row.phase == .offered { return rematch(contact: slot, &step) }
    if row.lostDeadline <= now, row.lostDeadline <= row.waitDeadline {
      conclude(slot, abandonment(slot), .contactLeft, &step)
    } else if row.waitDeadline <= now {
      expire(slot, &step)
    } else {
      endPreferenceIfVain(slot, &step)
      rematch(contact: slot, &step)
    }
  }

  private func abandonment(_ slot: Int) -> Outcome {
    let row = state.contacts[slot]
    let limit = state.queues[row.queue].shortAbandon
    return limit > 0 && now - row.waitStart <= limit ? .shortAbandoned : .abandoned
  }

  /// The contact leaves its queue unanswered. An agent who was ringing or connecting is free again.
  mutating func conclude(_ slot: Int, _ outcome: Outcome, _ withdrawal: Withdrawal, _ step: inout Step) {
    let row = state.contacts[slot]
    let contact = state.contactID(slot)
    if row.ringing >= 0 { return concludeBroadcast(slot, outcome, withdrawal, &step) }
    if row.phase == .offered { withdraw(soleOffer(of: slot), withdrawal, &step) }
    if row.phase == .dialling { breakDial(slot, .noAnswer, &step) }
    emit(.outcomeFixed(contact, queue: QueueID(index: UInt32(row.queue)), agent: .none, outcome), &step)
    step.actions.append(.release(contact))
    let mayReturn = outcome == .abandoned || outcome == .shortAbandoned || outcome == .failed
    if mayReturn, row.channel == .voice, state.queues[row.queue].grace > 0 {
      holdPlace(slot, &step)
    } else {
      step.actions.append(.forget(contact))
    }
    if row.phase == .offered || row.phase == .connecting { match(agent: Int(row.agent), &step) }
  }

  private mutating func concludeBroadcast(
    _ slot: Int, _ outcome: Outcome, _ withdrawal: Withdrawal, _ step: inout Step
  ) {
    let offers = state.liveOffers(of: slot)
    for live in offers { withdraw(live, withdrawal, &step) }
    conclude(slot, outcome, withdrawal, &step)
    rematch(agents: offers, &step)
  }
}
