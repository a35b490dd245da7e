public import Primitives

/// Answers people's questions; decides nothing and changes nothing. The cost is (agents of the contact's queues) ×
/// (contacts in line), which nobody minds who asks, and the engine thread never pays.
extension Engine {
  /// Why the contact goes where it goes at `instant`, in the state as it stands: for a decision of the past, an engine
  /// replayed to just before it.
  ///
  /// - Parameter agents: whose tests are wanted, and who stands in line before the contact for them, even if they serve
  ///   none of its queues.
  /// - Returns: nil for a contact that is over or was never here.
  public func explanation(of contact: ContactID, agents: [AgentID] = [], at instant: Instant) -> Explanation? {
    guard let slot = state.slot(of: contact) else { return nil }
    let reader = Explainer(state: state, definitions: definitions, slot: slot, now: instant)
    return reader.explanation(agents.filter { state.isKnown($0) })
  }

  /// What the queue says to a contact of its own needs that wants in at `instant`.
  public func admission(to queue: QueueID, over channel: Channel, at instant: Instant) -> Admission? {
    guard state.isKnown(queue) else { return nil }
    var engine = self
    engine.pass(to: instant)
    let index = Int(queue.index)
    let row = state.queues[index]
    let hours = definitions.queues[index].hours
    var admission = Admission(waiting: Int(row.waiting), signedIn: 0)
    admission.isOpen = hours?.isOpen(at: instant)
    if admission.isOpen == false { admission.nextOpening = hours?.nextOpening(after: instant) }
    if row.waitingLimit < Int64(UInt32.max) { admission.waitingLimit = Int(row.waitingLimit) }
    _ = state.hasAgent(of: index, row.profile, channel == .chat ? Kind.chat : Kind.voice) {
      if state.agents[$0].presence != .signedOut { admission.signedIn += 1 }
      return false
    }
    admission.refusal = engine.refusal(queue, ProfileID(index: row.profile), channel)
    return admission
  }
}

private struct Explainer {
  let state: State
  let definitions: Definitions
  let slot: Int
  let now: Instant

  private var row: ContactRow { state.contacts[slot] }
  private var rung: Rung { state.rungs[row.rung] }
  private var steps: ArraySlice<LadderStep> {
    rung.ladder < 0 ? [] : state.ladders[Int(rung.ladder)].prefix(Int(rung.step))
  }
  private var needs: [Profile.Need] { definitions.profiles[Int(row.profile)].eased(by: steps).needs }
  private var queues: [Int32] {
    [row.queue]
      + (rung.firstPool..<(rung.firstPool + rung.poolCount)).map { state.pools[$0] }.filter { $0 != row.queue }
  }

  func explanation(_ asked: [AgentID]) -> Explanation {
    var explanation = Explanation(
      at: now, contact: state.contactID(slot), standing: standing, channel: row.channel,
      policy: state.queues[row.queue].policy, queues: queues.map { QueueID(index: UInt32($0)) }, needs: needs,
      step: Int(rung.step), steps: rung.ladder < 0 ? 0 : state.ladders[Int(rung.ladder)].count,
      rank: waiting(slot, nil),
      candidates: [])
    if row.heldFor >= 0 { explanation.heldFor = AgentID(index: UInt32(row.heldFor)) }
    if rung.preferred >= 0 { explanation.preferred = AgentID(index: UInt32(rung.preferred)) }
    let inTurn = inTurn()
    var judged = Index<AgentID, Bool>()
    for agent in inTurn + members() + asked.map({ Int($0.index) }) {
      let id = AgentID(index: UInt32(agent))
      if judged[id] != nil { continue }
      judged[id] = true
      var candidate = candidate(agent)
      if candidate.passes, asked.contains(id) || explanation.candidates.isEmpty { lineUp(&candidate) }
      explanation.candidates.append(candidate)
    }
    return explanation
  }

  private var standing: Explanation.Standing {
    let agent = AgentID(index: UInt32(bitPattern: row.agent))
    switch row.phase {
    case .waiting where row.isLost: return .lost
    case .waiting: return row.lineKind == Kind.dialledFirst ? .calledFirst : .inLine
    case .offered: return .offered(state.liveOffers(of: slot).map { AgentID(index: UInt32($0.agent)) })
    case .resting: return .resting
    case .dialling: return .dialling
    case .connecting: return .connecting(agent)
    case .answered: return .answered(agent)
    case .wrapUp, .placeHeld, .gone: return .over
    }
  }

  // MARK: Agents

  /// Everybody whom the matcher would offer the contact, one after the other.
  private func inTurn() -> [Int] {
    if row.heldFor >= 0 { return isFree(Int(row.heldFor)) ? [Int(row.heldFor)] : [] }
    var agents: [Int] = []
    if rung.preferred >= 0, isFree(Int(rung.preferred)) { agents.append(Int(rung.preferred)) }
    for queue in queues {
      _ = state.firstMember(of: queue, kind: row.kind) { agent in
        if isFree(agent), !agents.contains(agent) { agents.append(agent) }
        return false
      }
    }
    return agents
  }

  private func isFree(_ agent: Int) -> Bool { state.isFree(agent, for: slot, at: now) }

  /// Everybody who serves one of the queues by the definitions, able or not.
  private func members() -> [Int] {
    queues.flatMap { queue in
      (Int(state.memberStart[Int(queue)])..<Int(state.memberStart[Int(queue) + 1])).map {
        Int(state.memberships[state.members[$0]].agent)
      }
    }.sorted()
  }

  private func candidate(_ agent: Int) -> Explanation.Candidate {
    var candidate = Explanation.Candidate(agent: AgentID(index: UInt32(agent)), tests: tests(agent))
    let own = state.memberships(of: agent).filter { queues.contains(state.memberships[$0].queue) }
    let asked = queues.lazy.compactMap { queue in own.first { state.memberships[$0].queue == queue } }
      .first { state.memberships[$0].kinds & Kind.bit(row.kind) != 0 }
    if let asked {
      candidate.queue = QueueID(index: UInt32(state.memberships[asked].queue))
      if state.agents[agent].listed & Kind.bit(row.kind) != 0 { candidate.key = key(asked) }
    }
    return candidate
  }

  private func key(_ membership: Int) -> Explanation.Key {
    let (agent, queue) = (Int(state.memberships[membership].agent), Int(state.memberships[membership].queue))
    let window = state.queues[queue].window
    let tally = state.tally(of: agent, window)
    let measure: Explanation.Key.Measure =
      switch state.queues[queue].policy {
      case .longestIdle, .broadcast, .attendant: .idle
      case .roundRobin:
        .turn(after: state.queues[queue].cursor < 0 ? nil : AgentID(index: UInt32(state.queues[queue].cursor)))
      case .serial: .position(Int(state.memberships[membership].position) + 1)
      case .fewestContacts: .contacts(tally.contacts, window)
      case .leastOccupied: .occupancy(Double(tally.occupancy) / 1_000_000, window)
      case .bestSkilled: .score(state.memberships[membership].score)
      }
    return Explanation.Key(
      load: Int(state.agents[agent].listedLoad), measure: measure,
      since: Instant(microseconds: state.agents[agent].listedSince))
  }

  // MARK: Tests

  private func tests(_ agent: Int) -> [Explanation.Test] {
    let worker = state.agents[agent]
    var tests = [Explanation.Test(subject: .employed, passes: !worker.isRemoved)] + membershipTests(agent)
    tests += skillTests(agent, needs)
    tests.append(.init(subject: .ready(presence(worker)), passes: worker.isOnDuty || worker.isRemoved))
    let offered = worker.isOffered ? state.contactID(Int(worker.offered)) : nil
    tests.append(.init(subject: .unoffered(offered), passes: !worker.isOffered))
    tests.append(.init(subject: .room(held: worker.load, capacity: Int(worker.totalCapacity)), passes: worker.hasRoom))
    let capacity = row.kind == Kind.voice ? worker.voiceCapacity : worker.chatCapacity
    tests.append(
      .init(
        subject: .slot(calls: Int(worker.voices), chats: Int(worker.chats), capacity: Int(capacity)),
        passes: worker.freeSlots & Kind.bit(row.kind) != 0))
    let isBackingOff = worker.backOff > now
    tests.append(.init(subject: .backOff(until: isBackingOff ? worker.backOff : nil), passes: !isBackingOff))
    let isAvoided = !isBackingOff && state.isAvoided(slot, by: agent, at: now)
    let pairs = state.retryPairs(of: agent).filter {
      Int($0.contact) == slot && $0.generation == row.generation && $0.until > now
    }
    tests.append(.init(subject: .retry(until: isAvoided ? pairs.map(\.until).max() : nil), passes: !isAvoided))
    let isReserved = row.heldFor >= 0 && Int(row.heldFor) != agent
    let holder = row.heldFor < 0 ? nil : AgentID(index: UInt32(row.heldFor))
    tests.append(.init(subject: .unreserved(isReserved ? holder : nil), passes: !isReserved))
    return tests
  }

  /// One test where a queue offers the contact to the agent; else why none does, queue by queue.
  private func membershipTests(_ agent: Int) -> [Explanation.Test] {
    let own = state.memberships(of: agent).filter { queues.contains(state.memberships[$0].queue) }
    let ids = own.map { QueueID(index: UInt32(state.memberships[$0].queue)) }
    var tests = [Explanation.Test(subject: .member(ids), passes: !ids.isEmpty)]
    if queues.contains(where: { state.isMember(agent, of: $0, kind: row.kind) }) { return tests }
    for membership in own {
      let queue = state.memberships[membership].queue
      let id = QueueID(index: UInt32(queue))
      let definition = definitions.queues[Int(queue)]
      let isCarried = state.queues[queue].carries & Kind.bit(row.kind) != 0
      if !isCarried { tests.append(.init(subject: .carried(id), passes: false)) }
      if definition.policy == .attendant { tests.append(.init(subject: .offering(id), passes: false)) }
      let profile = definitions.profiles[Int(definition.profile.index)].eased(by: definition.ladder)
      tests += skillTests(agent, profile.needs.filter { !needs.contains($0) }).filter { !$0.passes }
    }
    return tests
  }

  private func skillTests(_ agent: Int, _ needs: [Profile.Need]) -> [Explanation.Test] {
    let definition = definitions.agents[agent]
    return needs.map { need in
      .init(
        subject: .skill(
          need.skill, needed: need.level, level: definition.skills.first { $0.skill == need.skill }?.level),
        passes: definition.meets(Profile(needs: [need])))
    }
  }

  private func presence(_ worker: AgentRow) -> AgentSummary.Presence {
    switch worker.presence {
    case .signedOut: .signedOut
    case .notReady: .notReady(ReasonID(index: worker.reason))
    case .ready: .ready
    }
  }

  // MARK: The line

  /// Who stands before the contact for an agent who is free for it.
  private func lineUp(_ candidate: inout Explanation.Candidate) {
    let agent = Int(candidate.agent.index)
    let own = rank(of: slot, for: agent)
    let ahead = state.contacts.indices.filter { other in
      let row = state.contacts[other]
      return other != slot && row.bucket >= 0 && row.lineKind == row.kind
        && (row.heldFor < 0 || Int(row.heldFor) == agent)
        && state.isFree(agent, for: other, at: now) && rank(of: other, for: agent).isBefore(own)
    }
    candidate.aheadCount = ahead.count
    candidate.ahead = ahead.sorted { rank(of: $0, for: agent).isBefore(rank(of: $1, for: agent)) }
      .prefix(Explanation.lineLimit).map { waiting($0, agent) }
  }

  private func rank(of slot: Int, for agent: Int) -> Rank {
    var rank = state.rank(of: slot, at: now)
    let row = state.contacts[slot]
    if state.agents[agent].takesByRank {
      rank.membership = state.membershipRank(agent, queue: row.queue, rung: row.rung, kind: UInt8(row.kind))
    }
    return rank
  }

  private func waiting(_ slot: Int, _ agent: Int?) -> Explanation.Waiting {
    let row = state.contacts[slot]
    var waiting = Explanation.Waiting(
      contact: state.contactID(slot), queue: QueueID(index: UInt32(row.queue)), entry: row.entry,
      priority: row.priority,
      aging: Int32(state.queues[row.queue].aging),
      effective: Double(state.rank(of: slot, at: now).effective) / Double(Rank.pointMinute))
    if let agent, state.agents[agent].takesByRank { waiting.rank = rank(of: slot, for: agent).membership }
    return waiting
  }
}
