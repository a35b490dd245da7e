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
    accept(makeOffer(slot, to: Int(agent.index), &step), &step)
    if let left { settle(left.slot, &step) }
    rematch(agents: rest, &step)
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
