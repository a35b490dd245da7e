public import ACD
public import Primitives

/// A declared rule that was broken.
public struct Violation: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Rule: String, Sendable, CaseIterable {
    /// An agent has one live offer at most, and a contact too.
    case oneOffer = "one live offer"
    /// A voice contact blocks everything, chats have so many slots.
    case capacity
    /// The agent is ready, serves the queue and has the skills.
    case eligibility
    /// A pair that declined or missed is left alone for a while.
    case retry
    /// Effective priority, then entry, among the contacts that the agent may take.
    case order
    /// Who has been idle longest is offered first.
    case longestIdle = "longest idle"
    /// A contact leaves once, and what is said of it belongs to its state.
    case oneOutcome = "exactly one outcome"
    /// No free agent and no waiting contact who match are left unmatched.
    case unmatched = "no free pair"
  }
  public var rule: Rule
  public var instant: Instant
  public var contact: ContactID
  public var agent: AgentID
  public var description: String {
    "\(rule.rawValue): contact \(contact.slot).\(contact.generation), agent \(agent.index), at \(instant.microseconds)"
  }
}

/// Watches inputs and actions, and nothing else, and checks the declared rules against tables of its own. It shares no
/// code with the engine: it looks at everybody where the engine looks at indexes.
struct Auditor: Sendable {
  private struct Waiter {
    enum Phase { case none, waiting, offered, connecting, answered, wrapUp }
    var generation: UInt32 = 0
    var phase = Phase.none
    var isLost = false
    var channel = Channel.voice
    var queue = 0
    var profile = 0
    var priority = 0
    var entry: Int64 = 0
    var number = 0
    var agent = -1
    var offer = OfferID(sequence: 0)
    var offeredAt: Int64 = 0
  }

  private struct Worker {
    var isSignedIn = false
    var isReady = false
    var offered = -1
    var held: [Int] = []
    var missed = 0
    var declined = 0
    /// Since when idle; while not ready, how long it was idle before.
    var idle: Int64 = 0
    var avoided: [(contact: ContactID, until: Int64)] = []
    var backOff = Int64.min
  }

  private let definitions: Definitions
  private var waiters: [Waiter] = []
  private var workers: [Worker]
  /// Slots of the contacts that wait, in no order.
  private var line: [Int] = []
  private var arrivals = 0
  private(set) var violations: [Violation] = []

  /// More would say nothing new.
  private static let limit = 100

  init(definitions: Definitions) {
    self.definitions = definitions
    workers = Array(repeating: Worker(), count: definitions.agents.count)
  }

  private mutating func accuse(_ rule: Violation.Rule, _ contact: ContactID, _ agent: Int, _ now: Instant) {
    guard violations.count < Self.limit else { return }
    violations.append(
      Violation(rule: rule, instant: now, contact: contact, agent: AgentID(index: UInt32(truncatingIfNeeded: agent))))
  }

  private func id(_ slot: Int) -> ContactID { ContactID(slot: UInt32(slot), generation: waiters[slot].generation) }

  private func slot(_ contact: ContactID) -> Int? {
    let slot = Int(contact.slot)
    return slot < waiters.count && waiters[slot].generation == contact.generation && waiters[slot].phase != .none
      ? slot : nil
  }

  private mutating func setPhase(_ phase: Waiter.Phase, _ slot: Int) {
    if waiters[slot].phase == .waiting { line.removeAll { $0 == slot } }
    if phase == .waiting { line.append(slot) }
    waiters[slot].phase = phase
  }

  // MARK: Inputs and actions

  /// One input and the actions that the engine answered it with.
  mutating func check(_ input: Input, _ actions: ArraySlice<Action>, at now: Instant) {
    hear(input, now)
    for action in actions { see(action, input, now) }
  }

  private mutating func hear(_ input: Input, _ now: Instant) {
    switch input {
    case .contactArrived(let contact, let queue, let profile, let channel, let priority):
      arrive(contact, Int(queue.index), Int(profile.index), channel, Int(priority), now)
    case .contactLost(let contact): slot(contact).map { waiters[$0].isLost = true }
    case .contactReturned(let contact): slot(contact).map { waiters[$0].isLost = false }
    case .agentSignedIn(let agent): workers[Int(agent.index)].isSignedIn = true
    case .agentSignedOut(let agent):
      setReady(Int(agent.index), false, now)
      workers[Int(agent.index)].isSignedIn = false
      workers[Int(agent.index)].idle = 0
    case .agentReady(let agent), .agentReachable(let agent):
      if workers[Int(agent.index)].isSignedIn { setReady(Int(agent.index), true, now) }
    case .agentNotReady(let agent, _), .agentUnreachable(let agent): setReady(Int(agent.index), false, now)
    case .offerConnected(let offer):
      for slot in waiters.indices where waiters[slot].offer == offer && waiters[slot].phase == .connecting {
        setPhase(.answered, slot)
      }
    default: break
    }
  }

  private mutating func arrive(
    _ contact: ContactID, _ queue: Int, _ profile: Int, _ channel: Channel, _ priority: Int, _ now: Instant
  ) {
    let slot = Int(contact.slot)
    while waiters.count <= slot { waiters.append(Waiter()) }
    if waiters[slot].phase != .none { accuse(.oneOutcome, contact, -1, now) }
    arrivals += 1
    waiters[slot] = Waiter(
      generation: contact.generation, channel: channel, queue: queue, profile: profile,
      priority: priority + Int(definitions.queues[queue].priority), entry: now.microseconds, number: arrivals)
    setPhase(.waiting, slot)
  }

  private mutating func setReady(_ agent: Int, _ isReady: Bool, _ now: Instant) {
    guard workers[agent].isReady != isReady else { return }
    workers[agent].isReady = isReady
    workers[agent].idle = now.microseconds - workers[agent].idle
    if isReady { (workers[agent].missed, workers[agent].declined) = (0, 0) }
  }

  private mutating func see(_ action: Action, _ input: Input, _ now: Instant) {
    switch action {
    case .ring(let offer, let contact, let agent): ring(offer, contact, Int(agent.index), now)
    case .connect(_, let contact, let agent):
      guard let slot = slot(contact), waiters[slot].phase == .offered, waiters[slot].agent == Int(agent.index) else {
        return accuse(.oneOffer, contact, Int(agent.index), now)
      }
      setPhase(.connecting, slot)
      workers[Int(agent.index)].offered = -1
      workers[Int(agent.index)].held.append(slot)
      (workers[Int(agent.index)].missed, workers[Int(agent.index)].declined) = (0, 0)
    case .stopRinging(let offer, let contact, let agent):
      stopRinging(offer, contact, Int(agent.index), input, now)
    case .resumeWaiting(let contact):
      guard let slot = slot(contact), waiters[slot].phase == .connecting else { break }
      let agent = waiters[slot].agent
      workers[agent].held.removeAll { $0 == slot }
      avoid(slot, agent, now)
      setPhase(.waiting, slot)
    case .refuse(let contact, _):
      if let slot = slot(contact) { setPhase(.none, slot) } else { accuse(.oneOutcome, contact, -1, now) }
      // The `forget` that follows finds the contact gone.
      if let slot = Int(exactly: contact.slot) { waiters[slot].agent = -2 }
    case .release(let contact): release(contact, now)
    case .forget(let contact): forget(contact, now)
    case .moved(let contact, let queue): move(contact, to: Int(queue.index), nil)
    case .promiseCallback(let contact, let queue, _): move(contact, to: Int(queue.index), .callback)
    case .takeMessage(let contact, _):
      release(contact, now)
      forget(contact, now)
    case .dial, .stopDialling: break
    }
  }

  /// The place is kept; what the queue gives of priority and needs is the other queue's.
  private mutating func move(_ contact: ContactID, to queue: Int, _ channel: Channel?) {
    guard let slot = slot(contact), waiters[slot].phase == .waiting else {
      return accuse(.oneOutcome, contact, -1, Instant(microseconds: waiters[Int(contact.slot)].entry))
    }
    let old = definitions.queues[waiters[slot].queue]
    let new = definitions.queues[queue]
    waiters[slot].priority += Int(new.priority) - Int(old.priority)
    if waiters[slot].profile == Int(old.profile.index) { waiters[slot].profile = Int(new.profile.index) }
    waiters[slot].queue = queue
    if let channel { waiters[slot].channel = channel }
  }

  private mutating func stopRinging(
    _ offer: OfferID, _ contact: ContactID, _ agent: Int, _ input: Input, _ now: Instant
  ) {
    guard let slot = slot(contact), waiters[slot].phase == .offered, waiters[slot].offer == offer else {
      return accuse(.oneOffer, contact, agent, now)
    }
    workers[agent].offered = -1
    setPhase(.waiting, slot)
    let queue = definitions.queues[waiters[slot].queue]
    if now.microseconds >= waiters[slot].offeredAt + queue.ring {
      workers[agent].missed += 1
      if workers[agent].isReady, workers[agent].held.isEmpty { workers[agent].idle = now.microseconds }
      avoid(slot, agent, now)
      if queue.missedLimit > 0, workers[agent].missed >= queue.missedLimit { setReady(agent, false, now) }
    } else if case .offerDeclined(offer) = input {
      workers[agent].missed = 0
      workers[agent].declined += 1
      avoid(slot, agent, now)
      if queue.declinedLimit > 0, workers[agent].declined >= queue.declinedLimit { setReady(agent, false, now) }
    } else if case .offerFailed(offer, let failure) = input {
      switch failure {
      case .busy: workers[agent].backOff = now.microseconds + queue.busyBackOff
      case .unreachable: setReady(agent, false, now)
      case .media, .connect, .internal: avoid(slot, agent, now)
      case .restart: break
      }
    }
  }

  private mutating func avoid(_ slot: Int, _ agent: Int, _ now: Instant) {
    workers[agent].avoided.removeAll { $0.until <= now.microseconds }
    workers[agent].avoided.append((id(slot), now.microseconds + definitions.queues[waiters[slot].queue].retry))
  }

  private mutating func release(_ contact: ContactID, _ now: Instant) {
    guard let slot = slot(contact) else { return accuse(.oneOutcome, contact, -1, now) }
    switch waiters[slot].phase {
    case .waiting: setPhase(.none, slot)
    case .connecting:
      workers[waiters[slot].agent].held.removeAll { $0 == slot }
      setPhase(.none, slot)
    case .answered: setPhase(.wrapUp, slot)
    case .none, .offered, .wrapUp: accuse(.oneOutcome, contact, waiters[slot].agent, now)
    }
    if waiters[slot].phase == .none { waiters[slot].agent = -2 }
  }

  private mutating func forget(_ contact: ContactID, _ now: Instant) {
    let slot = Int(contact.slot)
    guard slot < waiters.count, waiters[slot].generation == contact.generation,
      waiters[slot].phase == .wrapUp || waiters[slot].phase == .none && waiters[slot].agent == -2
    else { return accuse(.oneOutcome, contact, -1, now) }
    if waiters[slot].phase == .wrapUp {
      let agent = waiters[slot].agent
      workers[agent].held.removeAll { $0 == slot }
      if workers[agent].held.isEmpty { workers[agent].idle = workers[agent].isReady ? now.microseconds : 0 }
    }
    waiters[slot] = Waiter(generation: contact.generation)
  }
}

// MARK: The rules of an offer

extension Auditor {
  private mutating func ring(_ offer: OfferID, _ contact: ContactID, _ agent: Int, _ now: Instant) {
    guard let slot = slot(contact), waiters[slot].phase == .waiting, !waiters[slot].isLost else {
      return accuse(.oneOffer, contact, agent, now)
    }
    if workers[agent].offered >= 0 { accuse(.oneOffer, contact, agent, now) }
    if !hasRoom(agent, waiters[slot].channel) { accuse(.capacity, contact, agent, now) }
    if !isEligible(agent, slot) { accuse(.eligibility, contact, agent, now) }
    if isAvoided(agent, slot, now) { accuse(.retry, contact, agent, now) }
    for other in line where other != slot && stands(other, before: slot, for: agent, now) && mayTake(agent, other, now)
    {
      accuse(.order, contact, agent, now)
      break
    }
    for other in workers.indices where other != agent && isIdler(other, than: agent) && mayTake(other, slot, now) {
      accuse(.longestIdle, contact, agent, now)
      break
    }
    setPhase(.offered, slot)
    waiters[slot].agent = agent
    waiters[slot].offer = offer
    waiters[slot].offeredAt = now.microseconds
    workers[agent].offered = slot
  }

  /// After each instant's inputs: nobody who could be served waits.
  mutating func checkQuiet(at now: Instant) {
    guard !line.isEmpty else { return }
    for agent in workers.indices where workers[agent].isReady && workers[agent].offered < 0 {
      for slot in line where !waiters[slot].isLost && mayTake(agent, slot, now) {
        accuse(.unmatched, id(slot), agent, now)
      }
    }
  }

  private func mayTake(_ agent: Int, _ slot: Int, _ now: Instant) -> Bool {
    workers[agent].offered < 0 && !waiters[slot].isLost && hasRoom(agent, waiters[slot].channel)
      && isEligible(agent, slot) && !isAvoided(agent, slot, now)
  }

  private func hasRoom(_ agent: Int, _ channel: Channel) -> Bool {
    let definition = definitions.agents[agent]
    let chats = workers[agent].held.filter { waiters[$0].channel == .chat }
    if chats.count < workers[agent].held.count { return false }
    if channel == .chat { return chats.count < Int(definition.chatCapacity) }
    return definition.voiceCapacity > 0
      && !(definition.chatBlocksVoice && chats.contains { waiters[$0].phase != .wrapUp })
  }

  private func isEligible(_ agent: Int, _ slot: Int) -> Bool {
    let definition = definitions.agents[agent]
    let needs = definitions.profiles[waiters[slot].profile].needs
    return workers[agent].isReady
      && definition.queues.contains { Int($0.queue.index) == waiters[slot].queue }
      && needs.allSatisfy { need in
        definition.skills.contains { $0.skill == need.skill && $0.level >= need.level }
      }
  }

  private func isAvoided(_ agent: Int, _ slot: Int, _ now: Instant) -> Bool {
    workers[agent].backOff > now.microseconds
      || workers[agent].avoided.contains { $0.contact == id(slot) && $0.until > now.microseconds }
  }

  private func stands(_ slot: Int, before other: Int, for agent: Int, _ now: Instant) -> Bool {
    let (a, b) = (waiters[slot], waiters[other])
    if definitions.agents[agent].take == .agentRank {
      let ranks = definitions.agents[agent].queues
      let (x, y) = (a.queue, b.queue)
      let (first, second) = (
        ranks.first { Int($0.queue.index) == x }?.rank ?? .max, ranks.first { Int($0.queue.index) == y }?.rank ?? .max
      )
      if first != second { return first < second }
    }
    let (x, y) = (effective(a, now), effective(b, now))
    return x != y ? x > y : a.number < b.number
  }

  /// Priority in thousandths of a point times microseconds a minute: exact.
  private func effective(_ waiter: Waiter, _ now: Instant) -> Int64 {
    Int64(waiter.priority) * 60_000_000_000
      + Int64(definitions.queues[waiter.queue].aging) * (now.microseconds - waiter.entry)
  }

  /// Idle agents only; who holds contacts comes after them.
  private func isIdler(_ agent: Int, than other: Int) -> Bool {
    guard workers[agent].held.isEmpty else { return false }
    guard workers[other].held.isEmpty else { return true }
    let (a, b) = (workers[agent].idle, workers[other].idle)
    return a != b ? a < b : agent < other
  }
}
