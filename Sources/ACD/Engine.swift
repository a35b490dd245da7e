public import Primitives

/// THE engine: one value that queues contacts and offers them to agents. The same code serves live traffic and
/// simulation; it reads no clock, no socket and no random source.
///
/// Inputs are decided in this type's extensions, which only read `state`; what they decide is an event, and
/// `State.apply` writes it. Between two inputs no free agent and no waiting contact that match are left unmatched, so a
/// decision only ever has to look at the contact or the agent that has just become free.
public struct Engine: Sendable {
  /// Keeps the tables that copies of the engine share until one of them changes.
  private final class Owner: Sendable {
    let state: State
    init(_ state: State) { self.state = state }
    deinit { state.deallocate() }
  }

  public internal(set) var definitions: Definitions
  private(set) var state: State
  private var owner: Owner
  /// The latest instant seen: time never runs backwards here.
  private var clock = Instant.distantPast
  /// When the site's next day begins; the distant past where that is to be looked up.
  private var nextDay = Instant.distantPast
  /// Inputs so far, as turns of the sampled inspection, and until when it rests.
  private var turns: UInt32 = 0
  var mendedUntil = Instant.distantPast

  public init(definitions: Definitions) {
    self.definitions = definitions
    state = State()
    owner = Owner(state)
    state.adopt(definitions)
  }

  /// Decides about one input at `now`. Timers due at or before `now` fire first, in the order of their deadlines; their
  /// events and actions stand before those of the input. Only a restart comes before them: an offer that it cut short
  /// was not missed, however long the process was down.
  /// - Returns: an instant before which there is no deadline, without looking for the first one as `nextDeadline` does.
  @discardableResult
  public mutating func handle(_ input: Input, at now: Instant, into step: inout Step) -> Instant {
    own()
    clock = max(clock, now)
    if clock >= nextDay { beginDay(&step) }
    if case .restarted = input { restart(&step) }
    if state.timers.mayBeDue(at: clock) { fireDue(&step) }
    decide(input, &step)
    turns &+= 1
    if turns & Self.inspectionMask == 0 { inspect(turns / (Self.inspectionMask + 1), &step) }
    return min(nextDay, state.timers.earliest)
  }

  /// When to call `handle(.timersDue, …)` next.
  public var nextDeadline: Instant? {
    guard nextDay != .distantPast, nextDay != .distantFuture else { return state.timers.nextDeadline }
    return min(state.timers.nextDeadline ?? nextDay, nextDay)
  }

  /// Writes a journaled event into the state without deciding anything: replay after a restart.
  public mutating func replay(_ event: Event, at instant: Instant, sequence: UInt64) {
    own()
    clock = max(clock, instant)
    state.apply(event, at: instant, sequence: sequence)
    if case .invariantBroken = event { rebuild() }
  }

  var now: Instant { clock }

  /// After a checkpoint was read: time goes on from its last event.
  mutating func catchUp() { clock = state.lastInstant }

  /// The definitions have changed, and with them the site's days perhaps.
  mutating func lookUpDays() { nextDay = .distantPast }

  /// For questions about a moment after the last event.
  mutating func pass(to instant: Instant) { clock = max(clock, instant) }

  /// Writes an event and says it.
  @inline(__always)
  mutating func emit(_ event: Event, _ step: inout Step) {
    state.apply(event, at: clock, sequence: step.sequence)
    step.events.append(event)
    step.sequence &+= 1
  }

  @inline(__always)
  mutating func own() { if !isKnownUniquelyReferenced(&owner) { takeTables() } }

  /// What is derived was built anew from the same facts.
  mutating func replaceTables(by other: Engine) {
    #if DEBUG
      other.state.probe = state.probe
    #endif
    state = other.state
    owner = other.owner
    own()
  }

  @inline(never)
  private mutating func takeTables() {
    state = State(copying: state)
    owner = Owner(state)
  }
}

extension Engine {
  /// Days that began while nobody looked are one beginning. The first thing that ever happens is in the middle of a day.
  @inline(never)
  private mutating func beginDay(_ step: inout Step) {
    let days = definitions.days
    let next = days.firstIndex { $0 > clock } ?? days.endIndex
    nextDay = next < days.endIndex ? days[next] : .distantFuture
    guard next > days.startIndex, state.lastInstant != .distantPast, days[next - 1] > state.lastInstant else { return }
    emit(.dayStarted, &step)
  }

  @inline(never)
  private mutating func fireDue(_ step: inout Step) {
    while let due = state.timers.popDue(at: clock) { fire(TimerSlot(slot: due.slot), &step) }
  }

  @inline(__always)
  private mutating func decide(_ input: Input, _ step: inout Step) {
    switch input {
    case .contactArrived(let contact, let queue, let profile, let channel, let priority):
      arrive(contact, queue, profile, channel, priority, for: nil, &step)
    case .contactArrivedFor(let agent, let contact, let queue, let profile, let channel, let priority):
      arrive(contact, queue, profile, channel, priority, for: agent, &step)
    case .contactLeft(let contact):
      if let slot = state.slot(of: contact) { leave(slot, &step) }
    case .contactLost(let contact):
      if let slot = state.slot(of: contact) { lose(slot, &step) }
    case .contactReturned(let contact):
      if let slot = state.slot(of: contact) { regain(slot, &step) }
    case .contactFinished(let contact):
      if let slot = state.slot(of: contact) { finish(slot, &step) }
    case .contactWithdrawn(let contact):
      if let slot = state.slot(of: contact) { dismiss(slot, &step) }
    case .contactFailed(let contact):
      if let slot = state.slot(of: contact) { fail(slot, &step) }

    case .contactCameBack(let contact, let after, let queue, let profile, let channel, let priority):
      comeBack(contact, after: after, queue, profile, channel, priority, &step)
    case .callbackRequested(let contact):
      if let slot = state.slot(of: contact) { requestCallback(slot, &step) }
    case .contactTransferred(let contact, let next, let queue, let profile, let priority):
      if let slot = state.slot(of: contact) { transfer(slot, as: next, to: queue, profile, priority, &step) }
    case .dialAnswered(let contact):
      if let slot = state.slot(of: contact) { dialAnswered(slot, &step) }
    case .dialFailed(let contact, let failure):
      if let slot = state.slot(of: contact) { failDial(slot, failure, &step) }

    case .offerAccepted(let offer):
      if let live = state.live(offer) { accept(live, &step) }
    case .offerDeclined(let offer):
      if let live = state.live(offer) { decline(live, &step) }
    case .offerFailed(let offer, let failure):
      if let live = state.live(offer) { failOffer(live, failure, &step) }
    case .offerConnected(let offer):
      if let live = state.live(offer) { connected(live, &step) }

    case .contactPicked(let contact, let agent):
      if isEmployed(agent) { pick(contact, by: agent, &step) }
    case .ladderMigrated(let queue):
      if state.isKnown(queue) { migrate(queue, &step) }

    case .agentSignedIn(let agent):
      if isEmployed(agent) { signIn(agent, &step) }
    case .agentSignedOut(let agent):
      if isEmployed(agent) { signOut(agent, .agentSignedOut, &step) }
    case .agentReady(let agent):
      if isEmployed(agent) { makeReady(agent, &step) }
    case .agentNotReady(let agent, let reason):
      if isEmployed(agent) { takeBreak(agent, reason, &step) }
    case .agentUnreachable(let agent):
      if isEmployed(agent) { losePhone(agent, &step) }
    case .agentReachable(let agent):
      if isEmployed(agent) { regainPhone(agent, &step) }

    case .wrapUpEnded(let agent, let contact, let code):
      if let slot = state.slot(of: contact) { endWrapUp(slot, by: agent, code, &step) }
    case .wrapUpExtended(let agent, let contact, let interval):
      if let slot = state.slot(of: contact) { extendWrapUp(slot, by: agent, interval, &step) }

    case .stopping: stop(&step)
    case .restarted, .timersDue: break
    }
  }

  mutating func fire(_ timer: TimerSlot, _ step: inout Step) {
    switch timer {
    case .patience(let slot): losePatience(slot, &step)
    case .phase(let slot):
      switch state.contacts[slot].phase {
      case .offered: miss(soleOffer(of: slot), &step)
      case .connecting:
        if isDialling(slot) {
          failDial(slot, .noAnswer, &step)
        } else {
          failOffer(soleOffer(of: slot), .connect, &step)
        }
      case .dialling: failDial(slot, .noAnswer, &step)
      case .resting: resumeCallback(slot, &step)
      case .placeHeld: releasePlace(slot, &step)
      case .wrapUp: endWrapUp(slot, .none, &step)
      case .waiting, .answered, .gone: break
      }
    case .retry(let agent):
      state.armRetry(agent, after: now)
      match(agent: agent, &step)
    case .ring(let agent):
      if let live = state.liveOffer(of: agent) { miss(live, &step) }
    }
  }

  private func isEmployed(_ agent: AgentID) -> Bool {
    state.isKnown(agent) && !state.agents[Int(agent.index)].isRemoved
  }
}

public struct CheckpointError: Error, Sendable, Equatable {
  public var offset: Int
  public var reason: String
  public init(offset: Int, reason: String) { self.offset = offset; self.reason = reason }
}
