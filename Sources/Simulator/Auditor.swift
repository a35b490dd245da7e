public import ACD
public import Primitives

/// A declared rule that was broken.
public struct Violation: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Rule: String, Sendable, CaseIterable {
    /// An agent has one live offer at most, and so has a contact, unless its queue broadcasts.
    case oneOffer = "one live offer"
    /// A voice contact blocks everything, chats have so many slots.
    case capacity
    /// The agent is ready, serves the queue and has the skills.
    case eligibility
    /// A pair that declined or missed is left alone for a while.
    case retry
    /// Effective priority, then entry, among the contacts that the agent may take.
    case order
    /// Of the agents who may take a contact, the first by the policy of the queue that asks is offered it.
    case policy = "the queue's policy"
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
  struct Waiter {
    enum Phase { case none, waiting, connecting, answered, wrapUp, dialling, resting }
    struct Ring {
      var offer: OfferID
      var agent: Int
      var since: Int64
    }
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
    /// Live offers, also while it waits on: of a broadcast there may be several.
    var rings: [Ring] = []
    var accepted = OfferID(sequence: 0)
    /// A virtual caller whom nobody may have before the customer is on the line.
    var isToBeDialled = false
    /// When a virtual caller waits again.
    var restsUntil: Int64 = 0
    /// Steps of its queue's ladder that it has certainly taken.
    var taken = 0
  }

  struct Worker {
    /// Of a shift or of a day.
    struct Tally {
      var contacts: Int64 = 0
      var handled: Int64 = 0
      var ready: Int64 = 0
    }
    var isSignedIn = false
    var isReady = false
    var offered = -1
    var held: [Int] = []
    var missed = 0
    var declined = 0
    /// Since when idle; while not ready, how long it was idle before.
    var idle: Int64 = 0
    /// Since when as many contacts are held as now.
    var loadSince: Int64 = 0
    var avoided: [(contact: ContactID, until: Int64)] = []
    var backOff = Int64.min
    /// Up to when the time is counted.
    var until: Int64 = 0
    var shift = Tally()
    var day = Tally()
  }

  let definitions: Definitions
  private(set) var waiters: [Waiter] = []
  private(set) var workers: [Worker]
  /// Slots of the contacts that wait, be it that somebody is rung for them; in no order.
  private(set) var line: [Int] = []
  /// Of each queue, the agent who had its last offer.
  private(set) var cursors: [Int]
  private var arrivals = 0
  private var lastCheck = Instant.distantPast
  private(set) var violations: [Violation] = []

  /// More would say nothing new.
  private static let limit = 100

  init(definitions: Definitions) {
    self.definitions = definitions
    workers = Array(repeating: Worker(), count: definitions.agents.count)
    cursors = Array(repeating: -1, count: definitions.queues.count)
  }

  private mutating func accuse(_ rule: Violation.Rule, _ contact: ContactID, _ agent: Int, _ now: Instant) {
    guard violations.count < Self.limit else { return }
    violations.append(
      Violation(rule: rule, instant: now, contact: contact, agent: AgentID(index: UInt32(truncatingIfNeeded: agent))))
  }

  func id(_ slot: Int) -> ContactID { ContactID(slot: UInt32(slot), generation: waiters[slot].generation) }

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
    if definitions.days.contains(where: { lastCheck < $0 && $0 <= now }), lastCheck != .distantPast {
      for agent in workers.indices {
        countTime(of: agent, now)
        workers[agent].day = Worker.Tally()
      }
    }
    lastCheck = now
    for slot in waiters.indices where waiters[slot].phase == .resting && waiters[slot].restsUntil <= now.microseconds {
      setPhase(.waiting, slot)
    }
    hear(input, now)
    for action in actions { see(action, input, now) }
    for slot in line where !waiters[slot].isLost { waiters[slot].taken = steps(of: waiters[slot], now) }
  }

  private mutating func hear(_ input: Input, _ now: Instant) {
    switch input {
    case .contactArrived(let contact, let queue, let profile, let channel, let priority):
      arrive(contact, Int(queue.index), Int(profile.index), channel, Int(priority), now)
    case .contactLost(let contact): slot(contact).map { waiters[$0].isLost = true }
    case .contactReturned(let contact): slot(contact).map { waiters[$0].isLost = false }
    case .agentSignedIn(let agent):
      countTime(of: Int(agent.index), now)
      workers[Int(agent.index)].shift = Worker.Tally()
      workers[Int(agent.index)].isSignedIn = true
    case .agentSignedOut(let agent):
      setReady(Int(agent.index), false, now)
      workers[Int(agent.index)].isSignedIn = false
      workers[Int(agent.index)].idle = 0
    case .agentReady(let agent), .agentReachable(let agent):
      if workers[Int(agent.index)].isSignedIn { setReady(Int(agent.index), true, now) }
    case .agentNotReady(let agent, _), .agentUnreachable(let agent): setReady(Int(agent.index), false, now)
    case .offerConnected(let offer):
      for slot in waiters.indices where waiters[slot].accepted == offer && waiters[slot].phase == .connecting {
        setPhase(.answered, slot)
      }
    case .dialAnswered(let contact):
      guard let slot = slot(contact) else { break }
      if waiters[slot].phase == .connecting { setPhase(.answered, slot) }
      if waiters[slot].phase == .dialling { setPhase(.waiting, slot) }
      waiters[slot].isToBeDialled = false
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
    countTime(of: agent, now)
    guard workers[agent].isReady != isReady else { return }
    workers[agent].isReady = isReady
    workers[agent].idle = now.microseconds - workers[agent].idle
    if isReady { (workers[agent].missed, workers[agent].declined) = (0, 0) }
  }

  private mutating func see(_ action: Action, _ input: Input, _ now: Instant) {
    switch action {
    case .ring(let offer, let contact, let agent): ring(offer, contact, Int(agent.index), now)
    case .connect(let offer, let contact, let agent): connect(offer, contact, Int(agent.index), now)
    case .stopRinging(let offer, let contact, let agent):
      stopRinging(offer, contact, Int(agent.index), input, now)
    case .resumeWaiting(let contact):
      guard let slot = slot(contact), waiters[slot].phase == .connecting else { break }
      let agent = waiters[slot].agent
      giveBack(slot, now)
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
    case .dial(let contact, let agent):
      if let slot = slot(contact), agent == .none { setPhase(.dialling, slot) }
    case .stopDialling(let contact):
      guard let slot = slot(contact) else { break }
      if waiters[slot].phase == .connecting { giveBack(slot, now) }
      setPhase(.resting, slot)
      waiters[slot].restsUntil =
        now.microseconds + max(1, definitions.queues[waiters[slot].queue].callback?.gap ?? 0)
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
    waiters[slot].taken = 0
    guard let channel else { return }
    waiters[slot].channel = channel
    waiters[slot].isToBeDialled = new.callback?.mode == .customerFirst
  }

  private mutating func connect(_ offer: OfferID, _ contact: ContactID, _ agent: Int, _ now: Instant) {
    guard let slot = slot(contact), waiters[slot].phase == .waiting,
      let ring = waiters[slot].rings.firstIndex(where: { $0.offer == offer && $0.agent == agent })
    else { return accuse(.oneOffer, contact, agent, now) }
    waiters[slot].rings.remove(at: ring)
    setPhase(.connecting, slot)
    waiters[slot].agent = agent
    waiters[slot].accepted = offer
    workers[agent].offered = -1
    countTime(of: agent, now)
    workers[agent].held.append(slot)
    workers[agent].loadSince = now.microseconds
    (workers[agent].missed, workers[agent].declined) = (0, 0)
    workers[agent].shift.contacts += 1
    workers[agent].day.contacts += 1
  }

  /// The legs could not be joined, or the customer was not reached: as if the agent had never accepted.
  private mutating func giveBack(_ slot: Int, _ now: Instant) {
    let agent = waiters[slot].agent
    release(slot, of: agent, now)
    workers[agent].shift.contacts -= 1
    workers[agent].day.contacts -= 1
  }

  private mutating func release(_ slot: Int, of agent: Int, _ now: Instant) {
    countTime(of: agent, now)
    workers[agent].held.removeAll { $0 == slot }
    workers[agent].loadSince = now.microseconds
  }

  /// Before load or presence change.
  private mutating func countTime(of agent: Int, _ now: Instant) {
    let elapsed = now.microseconds - workers[agent].until
    workers[agent].until = now.microseconds
    if !workers[agent].held.isEmpty {
      workers[agent].shift.handled += elapsed
      workers[agent].day.handled += elapsed
    } else if workers[agent].isReady {
      workers[agent].shift.ready += elapsed
      workers[agent].day.ready += elapsed
    }
  }

  private mutating func stopRinging(
    _ offer: OfferID, _ contact: ContactID, _ agent: Int, _ input: Input, _ now: Instant
  ) {
    guard let slot = slot(contact), let place = waiters[slot].rings.firstIndex(where: { $0.offer == offer }) else {
      return accuse(.oneOffer, contact, agent, now)
    }
    let ring = waiters[slot].rings.remove(at: place)
    workers[agent].offered = -1
    let queue = definitions.queues[waiters[slot].queue]
    // Somebody else was quicker.
    guard waiters[slot].phase == .waiting else { return }
    if now.microseconds >= ring.since + queue.ring {
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
    case .waiting where waiters[slot].rings.isEmpty, .resting: setPhase(.none, slot)
    case .connecting:
      release(slot, of: waiters[slot].agent, now)
      setPhase(.none, slot)
    case .answered:
      // The agent's slot goes over to the wrap-up.
      release(slot, of: waiters[slot].agent, now)
      workers[waiters[slot].agent].held.append(slot)
      setPhase(.wrapUp, slot)
    case .none, .waiting, .dialling, .wrapUp: accuse(.oneOutcome, contact, waiters[slot].agent, now)
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
      release(slot, of: agent, now)
      if workers[agent].held.isEmpty { workers[agent].idle = workers[agent].isReady ? now.microseconds : 0 }
    }
    waiters[slot] = Waiter(generation: contact.generation)
  }

  private mutating func ring(_ offer: OfferID, _ contact: ContactID, _ agent: Int, _ now: Instant) {
    guard let slot = slot(contact), waiters[slot].phase == .waiting, !waiters[slot].isLost else {
      return accuse(.oneOffer, contact, agent, now)
    }
    // Steps that others have taken in this very instant are not held against the offer: they may come after it.
    waiters[slot].taken = steps(of: waiters[slot], now)
    for rule in brokenRules(ofOffering: slot, to: agent, now) { accuse(rule, contact, agent, now) }
    let asks = queues(of: waiters[slot]).first { isMember(agent, of: $0, waiters[slot]) }
    if let asks { cursors[asks] = agent }
    waiters[slot].rings.append(Waiter.Ring(offer: offer, agent: agent, since: now.microseconds))
    workers[agent].offered = slot
  }

  /// After each instant's inputs: nobody who could be served waits.
  mutating func checkQuiet(at now: Instant) {
    for agent in workers.indices where !line.isEmpty && workers[agent].isReady && workers[agent].offered < 0 {
      for slot in line where mayTake(agent, slot, now) { accuse(.unmatched, id(slot), agent, now) }
    }
  }
}
