import Primitives

/// The end of an answered contact, and the work after it.
extension Engine {
  /// The agent or the system ends a contact after its accept. While legs are being joined that is a failed connect.
  @inline(__always)
  mutating func finish(_ slot: Int, _ step: inout Step) {
    switch state.contacts[slot].phase {
    case .answered: end(slot, .agentLeft, &step)
    case .connecting where isDialling(slot): failDial(slot, .noAnswer, &step)
    case .connecting: failOffer(soleOffer(of: slot), .connect, &step)
    case .waiting, .offered, .wrapUp, .resting, .dialling, .placeHeld, .gone: break
    }
  }

  /// The contact ends; the agent wraps up, or is free at once. An agent who has signed out has no wrap-up.
  mutating func end(_ slot: Int, _ cause: EndCause, _ step: inout Step) {
    let agent = Int(state.contacts[slot].agent)
    leaveAgent(slot, cause, &step)
    match(agent: agent, &step)
  }

  /// Ends the contact for its agent; the caller matches the agent.
  mutating func leaveAgent(_ slot: Int, _ cause: EndCause, _ step: inout Step) {
    let contact = state.contactID(slot)
    let row = state.contacts.row(slot)
    let agent = AgentID(index: UInt32(bitPattern: row.agent))
    emit(.contactEnded(contact, agent: agent, cause), &step)
    if cause != .transferred { step.actions.append(.release(contact)) }
    let wrapUp = state.queues[row.queue].wrapUp
    if wrapUp > 0, state.agents[Int(agent.index)].presence != .signedOut {
      emit(.wrapUpStarted(agent, contact, until: now + wrapUp), &step)
    } else {
      step.actions.append(.forget(contact))
    }
  }

  mutating func endWrapUp(_ slot: Int, by agent: AgentID, _ code: CodeID, _ step: inout Step) {
    guard state.contacts[slot].phase == .wrapUp, state.contacts[slot].agent == Int32(bitPattern: agent.index)
    else { return }
    endWrapUp(slot, code, &step)
  }

  mutating func endWrapUp(_ slot: Int, _ code: CodeID, _ step: inout Step) {
    let agent = closeWrapUp(slot, code, &step)
    match(agent: agent, &step)
  }

  /// Ends a wrap-up; the caller matches the agent.
  @discardableResult
  mutating func closeWrapUp(_ slot: Int, _ code: CodeID, _ step: inout Step) -> Int {
    let contact = state.contactID(slot)
    let agent = state.contacts[slot].agent
    emit(.wrapUpEnded(AgentID(index: UInt32(agent)), contact, code), &step)
    step.actions.append(.forget(contact))
    return Int(agent)
  }

  /// More time, counted from now, up to the queue's limit counted from the start; never less than there was.
  mutating func extendWrapUp(_ slot: Int, by agent: AgentID, _ interval: Int64, _ step: inout Step) {
    let row = state.contacts[slot]
    guard row.phase == .wrapUp, row.agent == Int32(bitPattern: agent.index), interval > 0 else { return }
    let limit = state.queues[row.queue].wrapUpLimit
    let latest = Instant(microseconds: row.wrapUpStart.microseconds.addingClamped(limit))
    let until = min(Instant(microseconds: now.microseconds.addingClamped(interval)), latest)
    guard until > row.phaseDeadline else { return }
    emit(.wrapUpExtended(agent, state.contactID(slot), until: until), &step)
  }
}

extension Int64 {
  /// The sum, or the greatest value where it would overflow; `interval` is not negative.
  func addingClamped(_ interval: Int64) -> Int64 {
    let (sum, overflow) = addingReportingOverflow(interval)
    return overflow ? .max : sum
  }
}
