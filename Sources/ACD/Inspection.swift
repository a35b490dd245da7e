import Primitives

/// What a running engine sees of its own state. The sentences for tests are in `Invariants.swift`, which look at
/// everything after every step.
public enum Invariant: UInt8, Sendable, CaseIterable, BitwiseCopyable {
  /// What an agent is offered is offered to that agent.
  case agentOffer
  /// As many slots of an agent are in use as there are contacts that hold one.
  case agentSlots
  /// Who could take a contact stands among the free agents, and nobody else does.
  case agentListed
  /// No free agent and no waiting contact who match are left unmatched.
  case unmatched
  /// Who waits stands in line, between its neighbours, and nobody else does.
  case contactLine
  /// An offer of a contact is known, and its agent knows it.
  case contactOffer
  /// A contact with an agent is among those that the agent holds.
  case contactSlot
  /// Nobody is in a state beyond its deadline.
  case deadline
}

/// Sampled assertions. Every 32nd input one agent and one contact are looked at, in turn, so that a state that is
/// broken by a fault of ours is found, journaled and mended instead of going on for ever. The cost is that of a few rows.
extension Engine {
  static let inspectionMask: UInt32 = 31
  /// A fault that comes back at once is mended no more often.
  private static let inspectionRest: Int64 = .seconds(1)

  @inline(never)
  mutating func inspect(_ turn: UInt32, _ step: inout Step) {
    if state.agents.count > 0 {
      let agent = Int(turn) % state.agents.count
      if let invariant = state.brokenInvariant(ofAgent: agent, at: now) {
        return mend(invariant, contact: nil, agent: agent, &step)
      }
    }
    if state.contacts.count > 0 {
      let slot = Int(turn) % state.contacts.count
      if let invariant = state.brokenInvariant(ofContact: slot, at: now) {
        mend(invariant, contact: slot, agent: nil, &step)
      }
    }
  }

  /// Journals what is broken, builds all indexes anew, and lets everybody be matched. The contact whose own row makes no
  /// sense has failed; where only a deadline was lost it is met now.
  private mutating func mend(_ invariant: Invariant, contact slot: Int?, agent: Int?, _ step: inout Step) {
    guard now >= mendedUntil else { return }
    mendedUntil = now + Self.inspectionRest
    let contact = slot.map { state.contactID($0) } ?? .none
    let agent = agent.map { AgentID(index: UInt32(truncatingIfNeeded: $0)) } ?? .none
    emit(.invariantBroken(invariant, contact, agent), &step)
    rebuild()
    if let slot, invariant != .deadline {
      if state.slot(of: contact) != nil {
        fail(slot, &step)
      } else {
        emit(.contactEnded(contact, agent: .none, .failed), &step)
        step.actions.append(.release(contact))
        step.actions.append(.forget(contact))
      }
    }
    while let due = state.timers.popDue(at: now) { fire(TimerSlot(slot: due.slot), &step) }
    matchAll(&step)
  }

  /// The facts are written and read again as at a restart, which builds all that is derived from them.
  mutating func rebuild() {
    var writer = ByteWriter()
    writeCheckpoint(into: &writer)
    var reader = ByteReader(writer.bytes)
    guard let sound = try? Engine(checkpoint: &reader, definitions: definitions) else { return }
    replaceTables(by: sound)
  }
}

extension State {
  @inline(__always)
  func brokenInvariant(ofAgent agent: Int, at now: Instant) -> Invariant? {
    let row = agents.row(agent)
    if row.offered >= 0 {
      guard let live = liveOffer(of: agent), let known = offers[OfferID(sequence: live.sequence)],
        known.slot == live.slot, known.agent == agent, contacts[live.slot].phase == .offered
      else { return .agentOffer }
    }
    var slot = row.firstHeld
    var held = 0
    while slot >= 0, held <= row.value.load {
      guard contacts[slot].agent == Int32(truncatingIfNeeded: agent) else { return .agentSlots }
      held += 1
      slot = contacts[slot].nextHeld
    }
    if held != row.value.load { return .agentSlots }
    if row.listed != row.value.openKinds { return .agentListed }
    return firstContact(for: agent, at: now) == nil ? nil : .unmatched
  }

  @inline(__always)
  func brokenInvariant(ofContact slot: Int, at now: Instant) -> Invariant? {
    let row = contacts.row(slot)
    let isInLine = (row.phase == .waiting || row.phase == .offered && row.offer == 0) && !row.isLost
    switch row.phase {
    case .gone: return nil
    case .waiting: if min(row.waitDeadline, row.lostDeadline) < now { return .deadline }
    case .offered:
      if row.offer != 0 {
        guard let known = offers[OfferID(sequence: row.offer)], known.slot == slot, known.agent == Int(row.agent),
          agents[row.agent].offered == Int32(truncatingIfNeeded: slot)
        else { return .contactOffer }
        if row.phaseDeadline < now { return .deadline }
      } else {
        guard row.ringing >= 0, agents[row.ringing].offered == Int32(truncatingIfNeeded: slot) else {
          return .contactOffer
        }
        if agents[row.ringing].ringDeadline < now { return .deadline }
      }
    case .connecting, .answered, .wrapUp:
      guard row.agent >= 0 else { return .contactSlot }
      let holder = row.previousHeld >= 0 ? contacts[row.previousHeld].nextHeld : agents[row.agent].firstHeld
      if holder != Int32(truncatingIfNeeded: slot) { return .contactSlot }
      if row.phaseDeadline < now { return .deadline }
    case .resting, .dialling, .placeHeld: if row.phaseDeadline < now { return .deadline }
    }
    guard isInLine == (row.bucket >= 0) else { return .contactLine }
    guard isInLine else { return nil }
    let bucket = buckets.row(row.bucket)
    let before = row.previous >= 0 ? contacts[row.previous].next : bucket.head
    return before == Int32(truncatingIfNeeded: slot) && bucket.queue == row.queue ? nil : .contactLine
  }

  /// Facts that contradict each other. A contact that is said to ring or to be connected without an offer waits, and one
  /// that is said to talk to nobody is gone; an agent's part in a broadcast that is over is over, too. All else is derived.
  func applyBroken(_ contact: ContactID, _ agent: AgentID) {
    if let slot = slot(of: contact) {
      let row = contacts.row(slot)
      let hasOffer = row.offer != 0 ? row.agent >= 0 : agents.indices.contains { isRinging($0, for: slot) }
      switch row.phase {
      case .offered where !hasOffer, .connecting where row.offer == 0 || row.agent < 0:
        row.phase = .waiting
        row.offer = 0
        row.agent = -1
        row.phaseDeadline = .distantFuture
      case .answered where row.agent < 0, .wrapUp where row.agent < 0: close(slot)
      case .gone, .waiting, .offered, .connecting, .answered, .wrapUp, .resting, .dialling, .placeHeld: break
      }
    }
    guard isKnown(agent), agents[Int(agent.index)].offer != 0 else { return }
    let offered = agents[Int(agent.index)].offered
    guard offered < 0 || Int(offered) >= contacts.count || contacts[offered].phase != .offered else { return }
    agents[Int(agent.index)].offered = -1
    agents[Int(agent.index)].offer = 0
    agents[Int(agent.index)].ringDeadline = .distantFuture
  }

  private func isRinging(_ agent: Int, for slot: Int) -> Bool {
    agents[agent].offer != 0 && agents[agent].offered == Int32(truncatingIfNeeded: slot)
  }
}
