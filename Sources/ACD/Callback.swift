import Primitives

/// How a queue calls people back.
public struct CallbackDefinition: Sendable, Equatable {
  public enum Mode: String, Sendable {
    /// The agent accepts, then the customer is called.
    case agentFirst = "agent_first"
    /// The customer is called when an agent is free and nobody else waits for one.
    case customerFirst = "customer_first"
  }
  public var mode = Mode.agentFirst
  /// Calls to the customer at most.
  public var attempts: UInt8 = 2
  /// Least time between two of them, in microseconds.
  public var gap: Int64 = .minutes(10)
  /// How long the customer's phone rings, in microseconds.
  public var ring: Int64 = .seconds(30)
  /// How long the request stands, in microseconds.
  public var limit: Int64 = .minutes(8 * 60)
  public init() {}
}

/// Virtual callers: contacts on channel `.callback` that stand in line while nobody holds a line.
///
/// A caller who asks leaves the queue as a caller (`callbackRequested`, exactly one outcome) and enters it again, under
/// the same id, as a virtual caller with the same entry and order. Virtual callers are counted apart
/// (`QueueCounters.callbacksQueued` and the two after it) and in no service level: their wait costs nobody a line.
/// One dial is in flight per request, for a contact is in one phase at a time.
extension Engine {
  mutating func requestCallback(_ slot: Int, _ step: inout Step) {
    let row = state.contacts[slot]
    guard row.channel != .callback, definitions.queues[Int(row.queue)].callback != nil,
      row.phase == .waiting || row.phase == .offered
    else { return }
    let offers = state.liveOffers(of: slot)
    for live in offers { withdraw(live, .callbackRequested, &step) }
    becomeCallback(slot, of: Int(row.queue), .requested, &step)
    rematch(agents: offers, &step)
  }

  /// The person need not hold the line any longer.
  mutating func becomeCallback(_ slot: Int, of queue: Int, _ occasion: Occasion, _ step: inout Step) {
    queueAgain(slot, in: queue, as: .callback, after: .callbackRequested, &step)
    step.actions.append(.promiseCallback(state.contactID(slot), in: self.queue(of: slot), occasion))
    rematch(contact: slot, &step)
  }

  /// The agent accepted: the one call to the customer for this attempt.
  mutating func dial(_ slot: Int, for agent: AgentID, _ step: inout Step) {
    let contact = state.contactID(slot)
    emit(.dialStarted(contact, agent: agent, attempt: state.contacts[slot].attempts + 1), &step)
    step.actions.append(.dial(contact, agent))
  }

  /// Calls a customer before an agent is rung, where more agents are free than calls are out.
  mutating func dialFirst(_ slot: Int, _ step: inout Step) {
    let row = state.contacts[slot]
    // One that is being called stands in no line.
    guard row.bucket >= 0 else { return }
    let needs = state.needs(rung: row.rung, profile: row.profile)
    let free = state.freeAgents(queue: row.queue, needs: needs, at: now)
    if free > state.queues[row.queue].dialling { dial(slot, for: .none, &step) }
  }

  /// An agent has found nobody in line: the first virtual caller of the agent's queues is called.
  mutating func dialFirst(for agent: Int, _ step: inout Step) {
    guard state.dialledFirst > 0, let slot = state.firstToDial(for: agent, at: now) else { return }
    dialFirst(slot, &step)
  }

  mutating func dialAnswered(_ slot: Int, _ step: inout Step) {
    switch state.contacts[slot].phase {
    case .connecting: connected(soleOffer(of: slot), &step)
    case .dialling:
      emit(.dialAnswered(state.contactID(slot)), &step)
      match(contact: slot, &step)
    default: break
    }
  }

  /// The customer was not reached. Nobody is blamed; the place is kept, and after the gap the request waits again.
  mutating func failDial(_ slot: Int, _ failure: DialFailure, _ step: inout Step) {
    let row = state.contacts[slot]
    guard isDialling(slot) || row.phase == .dialling else { return }
    breakDial(slot, failure, &step)
    settleRest(slot, &step)
    if row.phase == .connecting { match(agent: Int(row.agent), &step) } else { dialNext(in: row.queue, &step) }
  }

  /// A call that was out is over, and another one may be made.
  private mutating func dialNext(in queue: Int32, _ step: inout Step) {
    var next: Int32?
    state.forEachBucket(of: queue) { place in
      let bucket = state.buckets[place]
      guard Int(bucket.kind) == Kind.dialledFirst else { return }
      if next.map({ bucket.headSequence < state.contacts[$0].entrySequence }) ?? true { next = bucket.head }
    }
    if let next { dialFirst(Int(next), &step) }
  }

  /// Ends the dial; the caller settles the contact and the agent.
  mutating func breakDial(_ slot: Int, _ failure: DialFailure, _ step: inout Step) {
    let row = state.contacts[slot]
    let contact = state.contactID(slot)
    let agent = row.phase == .connecting ? AgentID(index: UInt32(row.agent)) : .none
    emit(.dialFailed(contact, agent: agent, failure), &step)
    step.actions.append(.stopDialling(contact))
  }

  /// An agent waits for the customer to answer.
  func isDialling(_ slot: Int) -> Bool {
    let row = state.contacts[slot]
    return row.channel == .callback && row.phase == .connecting && !row.isOnLine
  }

  /// A request whose dial is over rests, or is over with it.
  mutating func settleRest(_ slot: Int, _ step: inout Step) {
    let row = state.contacts[slot]
    if row.attempts >= definitions.queues[Int(row.queue)].callback?.attempts ?? 0 {
      conclude(slot, .unreached, .contactLeft, &step)
    } else if state.contacts[slot].waitDeadline <= now {
      conclude(slot, .timedOut, .timedOut, &step)
    }
  }

  /// The gap between two attempts is over.
  mutating func resumeCallback(_ slot: Int, _ step: inout Step) {
    emit(.callbackResumed(state.contactID(slot)), &step)
    match(contact: slot, &step)
  }
}

extension State {
  func applyDialStarted(
    _ slot: Int, _ agent: AgentID, _ attempt: UInt8, at instant: Instant, _ sequence: UInt64
  ) {
    contacts[slot].attempts = attempt
    let until = instant + queues[contacts[slot].queue].dial
    if agent == .none {
      stepOut(slot)
      setPhase(.dialling, of: slot, until: until, sequence)
      queues[contacts[slot].queue].dialling += 1
    } else {
      setPhase(.connecting, of: slot, until: until, sequence)
    }
  }

  /// The request is fulfilled; as a caller the person waits for the limit of callers, from now.
  func applyDialAnswered(_ slot: Int, at instant: Instant, _ sequence: UInt64) {
    guard contacts[slot].phase == .dialling else { return }
    let limit = queues[contacts[slot].queue].waitLimit
    queues[contacts[slot].queue].dialling -= 1
    contacts[slot].isOnLine = true
    contacts[slot].waitDeadline = limit == .max ? .distantFuture : instant + limit
    contacts[slot].patienceSequence = sequence
    armPatience(slot)
    setPhase(.waiting, of: slot)
    line(up: slot)
  }

  func applyDialFailed(_ slot: Int, at instant: Instant, _ sequence: UInt64) {
    let row = contacts[slot]
    switch row.phase {
    case .connecting:
      releaseSlot(slot, of: Int(row.agent), at: instant, keepingIdle: true)
      countContact(-1, of: Int(row.agent))
      offers.remove(row.offer)
      contacts[slot].offer = 0
      contacts[slot].agent = -1
      queues[row.queue].waiting += 1
    case .dialling: queues[row.queue].dialling -= 1
    default: return
    }
    setPhase(.resting, of: slot, until: instant + queues[row.queue].gap, sequence)
    if row.phase == .connecting { relist(Int(row.agent)) }
  }

  func applyCallbackResumed(_ slot: Int) {
    guard contacts[slot].phase == .resting else { return }
    setPhase(.waiting, of: slot)
    line(up: slot)
  }

  /// How many agents could take a call of these needs at once.
  func freeAgents(queue: Int32, needs: UInt32, at now: Instant) -> Int64 {
    var free: Int64 = 0
    var link = ready[ReadyList.index(queue: queue, kind: Kind.voice)].head
    while link >= 0 {
      let agent = Int(readyLinks[link].agent)
      if isEligible(agent, for: needs), agents[agent].backOff <= now { free += 1 }
      link = readyLinks[link].next
    }
    return free
  }

  /// The best of the virtual callers that are dialled first and that the agent could take now.
  func firstToDial(for agent: Int, at now: Instant) -> Int? {
    let row = agents[agent]
    guard row.openKinds & Kind.bit(Kind.voice) != 0, row.backOff <= now else { return nil }
    var best: Int?
    for link in Int(row.firstMembership)..<Int(row.firstMembership + row.membershipCount) {
      let membership = memberships[link]
      guard membership.kinds & Kind.bit(Kind.voice) != 0 else { continue }
      var place = queues[membership.queue].firstBucket
      while place >= 0 {
        let bucket = buckets[place]
        place = bucket.next
        guard Int(bucket.kind) == Kind.dialledFirst, isEligible(agent, for: bucket.needs) else { continue }
        if best.map({ bucket.headSequence < contacts[$0].entrySequence }) ?? true { best = Int(bucket.head) }
      }
    }
    return best
  }
}
