import Primitives

/// What a limit of a queue does with the contact that it turns away.
public enum OverflowAction: Sendable, Equatable {
  /// A newcomer is refused, a waiting contact leaves.
  case disconnect
  /// It waits in another queue, with its entry time and its rank.
  case queue(QueueID)
  /// It becomes a virtual caller, where it can be called back.
  case callback
  /// It may leave a message; of a chat alone, for no call is recorded.
  case message
}

/// Which limit turned a contact away, or that the person asked.
public enum Occasion: UInt8, Sendable, CaseIterable, BitwiseCopyable {
  case full, late, closed, unstaffed, requested
}

public struct OverflowDefinition: Sendable, Equatable {
  /// Who leaves a full queue: the newcomer, or who has waited longest.
  public enum Candidate: String, Sendable { case newest, oldest }
  /// Whether there is anybody to wait for.
  public enum Staffing: Sendable, Equatable {
    /// Nobody is asked.
    case any
    /// Somebody who may take the contact is signed in.
    case staffed
    /// Somebody who may take the contact is ready, and free or expected to be so within the interval (microseconds):
    /// wrap-ups count to their end, contacts to the queue's mean handle time.
    case answerable(within: Int64)
  }
  public var candidate = Candidate.newest
  public var staffing = Staffing.any
  /// Whether waiting contacts leave, too, when the last agent who makes the test true goes.
  public var ejectsUnstaffed = false
  public var full = OverflowAction.disconnect
  /// Beyond the wait limit.
  public var late = OverflowAction.disconnect
  public var closed = OverflowAction.disconnect
  public var unstaffed = OverflowAction.disconnect
  public init() {}

  func action(on occasion: Occasion) -> OverflowAction {
    switch occasion {
    case .full: full
    case .late: late
    case .closed: closed
    case .unstaffed: unstaffed
    case .requested: .callback
    }
  }
}

/// Contacts beyond the limits.
extension Engine {
  /// A contact passes from queue to queue so many times at most.
  static let hopLimit: UInt8 = 4

  /// Where an overflow leads in the end.
  private enum Destination {
    case nowhere, message
    case queue(Int)
    /// A virtual caller of this queue.
    case callback(Int)
  }

  /// A contact that has just come and is turned away. One that is passed on has entered the queue and left at once.
  mutating func turnAway(
    _ contact: ContactID, _ queue: QueueID, _ profile: ProfileID, _ channel: Channel, _ priority: Int16,
    _ refusal: Refusal, _ step: inout Step
  ) -> Bool {
    guard let occasion = Occasion(refusal), state.isKnown(queue) else { return false }
    let index = Int(queue.index)
    if occasion == .full, definitions.queues[index].overflow.candidate == .oldest,
      let oldest = state.oldestInLine(index)
    {
      // The newcomer stands in line before the other leaves, as its destination may be the same agent's queue.
      enter(contact, queue, profile, channel, priority, &step)
      overflow(Int(oldest), .full, .overflowed, &step)
      if state.contacts[Int(contact.slot)].phase == .waiting { match(contact: Int(contact.slot), &step) }
      return true
    }
    switch destination(on: occasion, from: index, profile: profile.index, channel: channel, hops: 0) {
    case .nowhere: return false
    case let destination:
      enter(contact, queue, profile, channel, priority, &step)
      pass(Int(contact.slot), to: destination, occasion, &step)
      return true
    }
  }

  /// Past the wait limit: where the limit leads, or out. A callback is not passed on.
  mutating func expire(_ slot: Int, _ step: inout Step) { overflow(slot, .late, .timedOut, &step) }

  /// A contact that waits in line leaves it; `outcome` where the occasion leads nowhere.
  private mutating func overflow(_ slot: Int, _ occasion: Occasion, _ outcome: Outcome, _ step: inout Step) {
    let row = state.contacts[slot]
    let destination =
      row.channel == .callback
      ? .nowhere
      : destination(
        on: occasion, from: Int(row.queue), profile: row.profile, channel: row.channel, hops: row.hops)
    if case .nowhere = destination {
      conclude(slot, outcome, outcome == .timedOut ? .timedOut : .contactLeft, &step)
    } else {
      pass(slot, to: destination, occasion, &step)
    }
  }

  private mutating func destination(
    on occasion: Occasion, from origin: Int, profile: UInt32, channel: Channel, hops: UInt8
  ) -> Destination {
    var queue = origin
    var action = definitions.queues[queue].overflow.action(on: occasion)
    var hops = hops
    while true {
      switch action {
      case .disconnect: return .nowhere
      case .message: return channel == .chat ? .message : .nowhere
      case .callback:
        return channel == .voice && definitions.queues[queue].callback != nil ? .callback(queue) : .nowhere
      case .queue(let next):
        hops += 1
        guard hops <= Self.hopLimit, state.isKnown(next) else { return .nowhere }
        let own = self.profile(profile, from: origin, to: Int(next.index))
        guard let refusal = refusal(next, ProfileID(index: own), channel) else { return .queue(Int(next.index)) }
        guard let occasion = Occasion(refusal) else { return .nowhere }
        queue = Int(next.index)
        action = definitions.queues[queue].overflow.action(on: occasion)
      }
    }
  }

  /// What is needed in another queue: that queue's own needs, but for a contact that brought needs of its own.
  private func profile(_ profile: UInt32, from queue: Int, to next: Int) -> UInt32 {
    profile == state.queues[queue].profile ? state.queues[next].profile : profile
  }

  private mutating func pass(_ slot: Int, to destination: Destination, _ occasion: Occasion, _ step: inout Step) {
    let contact = state.contactID(slot)
    switch destination {
    case .nowhere: break
    case .message:
      emit(.outcomeFixed(contact, queue: queue(of: slot), agent: .none, .leftMessage), &step)
      step.actions.append(.takeMessage(contact, occasion))
    case .callback(let queue):
      becomeCallback(slot, of: queue, occasion, &step)
    case .queue(let next):
      queueAgain(slot, in: next, as: state.contacts[slot].channel, after: .overflowed, &step)
      step.actions.append(.moved(contact, to: queue(of: slot)))
      rematch(contact: slot, &step)
    }
  }

  /// The contact leaves its queue with an outcome and stands in another at once, or in the same on another channel, with
  /// its entry, its order and its own share of the priority.
  mutating func queueAgain(
    _ slot: Int, in next: Int, as channel: Channel, after outcome: Outcome, _ step: inout Step
  ) {
    let row = state.contacts[slot]
    let contact = state.contactID(slot)
    let own = ProfileID(index: profile(row.profile, from: Int(row.queue), to: next))
    let share = Int(row.priority) - Int(state.queues[row.queue].priority)
    let priority = Int16(clamping: Int(state.queues[next].priority) + share)
    emit(.outcomeFixed(contact, queue: queue(of: slot), agent: .none, outcome), &step)
    emit(.placeKept(contact, entry: row.entry, order: row.entrySequence), &step)
    emit(
      .contactQueued(
        contact, queue: QueueID(index: UInt32(next)), profile: own, channel: channel, priority: priority), &step)
  }

  func queue(of slot: Int) -> QueueID { QueueID(index: UInt32(state.contacts[slot].queue)) }

  // MARK: Hours and staff

  /// What closed hours and an empty floor say about a newcomer.
  func refusalOfHours(_ queue: Int, _ profile: UInt32, _ channel: Channel) -> Refusal? {
    if let hours = definitions.queues[queue].hours, !hours.isOpen(at: now) { return .closed }
    return isStaffed(queue, profile, channel == .chat ? Kind.chat : Kind.voice) ? nil : .unstaffed
  }

  private func isStaffed(_ queue: Int, _ profile: UInt32, _ kind: Int) -> Bool {
    switch definitions.queues[queue].overflow.staffing {
    case .any: true
    case .staffed:
      state.hasAgent(of: queue, profile, kind) { state.agents[$0].presence != .signedOut }
    case .answerable(let interval):
      state.hasAgent(of: queue, profile, kind) {
        state.agents[$0].presence == .ready && state.freeing(of: $0, kind, at: now) <= now + interval
      }
    }
  }

  /// The contact's own queue, or one that its ladder has added.
  private func isStaffed(_ slot: Int) -> Bool {
    let row = state.contacts[slot]
    let needs = state.needs(rung: row.rung, profile: row.profile)
    let rung = state.rungs[row.rung]
    return isStaffed(Int(row.queue), needs, row.kind)
      || (rung.firstPool..<(rung.firstPool + rung.poolCount)).contains {
        isStaffed(Int(state.pools[$0]), needs, row.kind)
      }
  }

  /// An agent has gone, or takes a break: who waited for nobody else leaves.
  mutating func ejectUnstaffed(after agent: Int, _ step: inout Step) {
    let first = Int(state.agents[agent].firstMembership)
    for membership in first..<(first + Int(state.agents[agent].membershipCount)) {
      let queue = Int(state.memberships[membership].queue)
      guard definitions.queues[queue].overflow.ejectsUnstaffed else { continue }
      for slot in state.inLine(of: queue) {
        // Whom an earlier one made room for may have left the line.
        let row = state.contacts[slot]
        guard row.phase == .waiting, Int(row.queue) == queue, row.channel != .callback,
          !isStaffed(slot)
        else { continue }
        overflow(slot, .unstaffed, .unstaffed, &step)
      }
    }
  }
}

extension Occasion {
  public init?(_ refusal: Refusal) {
    switch refusal {
    case .full: self = .full
    case .closed: self = .closed
    case .unstaffed: self = .unstaffed
    case .policy, .channel: return nil
    }
  }
}

extension State {
  /// Whether an agent of the queue, one with what the profile needs, passes a test.
  func hasAgent(of queue: Int, _ profile: UInt32, _ kind: Int, where test: (Int) -> Bool) -> Bool {
    (Int(memberStart[queue])..<Int(memberStart[queue + 1])).contains { place in
      let membership = memberships[members[place]]
      let agent = Int(membership.agent)
      return membership.carried & Kind.bit(kind) != 0 && isEligible(agent, for: profile) && test(agent)
    }
  }

  /// When the agent is expected to have a slot for a contact of this kind.
  func freeing(of agent: Int, _ kind: Int, at now: Instant) -> Instant {
    if agents[agent].openKinds & Kind.bit(kind) != 0 { return now }
    let held = held(by: agent)
    // Nothing that ends frees a slot which is not there.
    guard !held.isEmpty || agents[agent].offered >= 0 else { return .distantFuture }
    let ends = held.map { slot in
      let row = contacts[slot]
      if row.phase == .wrapUp { return row.phaseDeadline }
      let mean = queues[row.queue].handleTime
      let begin = row.phase == .answered ? row.answered : now
      return max(now, begin + (mean > 0 ? mean : Engine.expectedHandleTime))
    }
    let offered = agents[agent].offered
    let isOneOfMany = agents[agent].offer != 0
    let offerEnds =
      offered < 0 ? now : isOneOfMany ? agents[agent].ringDeadline : contacts[offered].phaseDeadline
    // A call needs every slot that is not a chat's; a chat needs one.
    let first = kind == Kind.chat && agents[agent].voices == 0 ? ends.min() : ends.max()
    return max(first ?? now, offerEnds)
  }

  /// The earliest entry among those in line who are callers: virtual callers keep their place.
  func oldestInLine(_ queue: Int) -> Int32? {
    var oldest: Int32?
    forEachBucket(of: Int32(queue)) { bucket in
      var slot = buckets[bucket].head
      // One that rings keeps that chance.
      while slot >= 0, contacts[slot].channel == .callback || contacts[slot].ringing >= 0 { slot = contacts[slot].next }
      if slot >= 0, oldest.map({ contacts[slot].entrySequence < contacts[$0].entrySequence }) ?? true { oldest = slot }
    }
    return oldest
  }

  /// Those in line, by order of entry.
  func inLine(of queue: Int) -> [Int] {
    var slots: [Int] = []
    forEachBucket(of: Int32(queue)) { bucket in
      var slot = buckets[bucket].head
      while slot >= 0 {
        slots.append(Int(slot))
        slot = contacts[slot].next
      }
    }
    return slots.sorted { contacts[$0].entrySequence < contacts[$1].entrySequence }
  }
}
