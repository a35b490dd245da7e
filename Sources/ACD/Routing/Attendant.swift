import Primitives

/// Attendant: contacts are offered to nobody. Every attendant of the queue who is signed in sees all of them, and picks.
extension Engine {
  mutating func pick(_ contact: ContactID, by agent: AgentID, _ step: inout Step) {
    guard let slot = state.slot(of: contact), state.mayPick(Int(agent.index), slot) else { return }
    let left = state.liveOffer(of: Int(agent.index)).flatMap { $0.slot == slot ? nil : $0 }
    if let left { withdraw(left, .agentPicked, &step) }
    // The queues that a ladder has added ring by their own policies.
    let rest = state.liveOffers(of: slot)
    for live in rest { withdraw(live, .acceptedByOther, &step) }
    engage(makeOffer(slot, to: Int(agent.index), &step), &step)
    if let left { settle(left.slot, &step) }
    rematch(agents: rest, &step)
    match(agent: Int(agent.index), &step)
  }
}

/// What attendants see. Not for every step: `picks(of:)` walks the contacts.
extension Engine {
  /// The members of an attendant queue who are signed in; nobody of any other queue.
  public func attendants(of queue: QueueID) -> [AgentID] {
    guard state.isKnown(queue), state.queues[Int(queue.index)].policy == .attendant else { return [] }
    return (Int(state.memberStart[Int(queue.index)])..<Int(state.memberStart[Int(queue.index) + 1])).compactMap {
      place in
      let agent = Int(state.memberships[state.members[place]].agent)
      let isThere = state.agents[agent].presence != .signedOut && !state.agents[agent].isRemoved
      return isThere ? AgentID(index: UInt32(agent)) : nil
    }
  }

  /// The queues whose agents may take the contact: its own, and those that its ladder has added.
  public func queues(of contact: ContactID) -> [QueueID] {
    guard let slot = state.slot(of: contact) else { return [] }
    let row = state.contacts[slot]
    let rung = state.rungs[row.rung]
    let added = (rung.firstPool..<(rung.firstPool + rung.poolCount)).map { state.pools[$0] }
    return ([row.queue] + added).map { QueueID(index: UInt32($0)) }
  }

  /// What an attendant may pick, by order of entry, `limit` at most; nil for who is no attendant.
  public func picks(of agent: AgentID, limit: Int) -> [ContactID]? {
    guard state.isKnown(agent) else { return nil }
    let index = Int(agent.index)
    let isAttendant = state.memberships(of: index).contains {
      state.queues[state.memberships[$0].queue].policy == .attendant
    }
    guard isAttendant else { return nil }
    return state.contacts.indices.filter { state.mayPick(index, $0) }
      .sorted { state.contacts[$0].entrySequence < state.contacts[$1].entrySequence }
      .prefix(limit).map { state.contactID($0) }
  }

  public func mayPick(_ contact: ContactID, by agent: AgentID) -> Bool {
    guard state.isKnown(agent), let slot = state.slot(of: contact) else { return false }
    return state.mayPick(Int(agent.index), slot)
  }
}

extension State {
  /// A member of the contact's queue, or of an attendant queue that its ladder has added, whatever else the agent does.
  /// What the contact needs is for the attendant to judge, who may pick it only to pass it on.
  func mayPick(_ agent: Int, _ slot: Int) -> Bool {
    let row = contacts[slot]
    let worker = agents[agent]
    guard row.phase == .waiting || row.phase == .offered, !row.isLost, worker.presence != .signedOut, !worker.isRemoved,
      worker.load < Int(UInt8.max) - 1, (row.kind == Kind.voice ? worker.voiceCapacity : worker.chatCapacity) > 0
    else { return false }
    let rung = rungs[row.rung]
    return memberships(of: agent).contains { (place: Int) -> Bool in
      let queue = memberships[place].queue
      return queues[queue].policy == .attendant && memberships[place].carried & Kind.bit(row.kind) != 0
        && (queue == row.queue || (rung.firstPool..<(rung.firstPool + rung.poolCount)).contains { pools[$0] == queue })
    }
  }
}
