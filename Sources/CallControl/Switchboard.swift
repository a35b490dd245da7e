public import ACD
public import Primitives

/// The top machine: the story of every contact. It owns the ACD and the calls; it never reads a clock, a socket or a
/// file.
///
/// Every fact is an `Event`: `emit` journals it and applies it, and replaying the journal applies it again, so the
/// state after a restart is the state before it. What is to be done outside follows as `Action`s.
public struct Switchboard: Sendable {
  public internal(set) var site: Site {
    didSet { hasAttendants = site.hasAttendants }
  }
  /// Some queue is for attendants.
  private(set) var hasAttendants: Bool
  var acd: Engine
  var contacts = SlotMap<ContactID, Contact>()
  var contactsByPublicID = Index<PublicID, ContactID>()
  /// Event streams that are open, and whether the link counts as lost: not journaled, so all are gone at a restart.
  var links = Index<ContactID, VisitorLink>()
  var timers = TimerHeap<Timer>()
  var entropy: Entropy
  var calls: Calls
  /// When `timersDue` is to come at the latest. Kept by every input, so that asking for it costs nothing.
  public private(set) var nextDeadline: Instant?

  /// What call control itself waits for.
  enum Timer: Hashable, Sendable {
    /// A chat visitor's link has been gone for 20 s: the contact is not offered.
    case lost(ContactID)
    /// A visitor who was asked for a message has left none for a while.
    case messageLimit(ContactID)
    /// A chat in talk whose visitor has been gone for 5 min ends.
    case abandonedTalk(ContactID)
    case call(Calls.Timer)
  }

  /// The ACD as it is now, for a simulation that begins here.
  public var engine: Engine { acd }

  public init(site: Site, entropy: Entropy) {
    self.site = site
    hasAttendants = site.hasAttendants
    self.entropy = entropy
    acd = Engine(definitions: site.definitions)
    calls = Calls(site: site, entropy: &self.entropy)
  }

  /// Handles one input at `now`. Due timers fire first, but for a restart: what was cut short by it is not late.
  public mutating func handle(_ input: Input, at now: Instant, into step: inout Step) {
    defer { nextDeadline = earliestDeadline }
    if case .restarted = input { restart(at: now, into: &step) }
    fireTimers(at: now, into: &step)
    switch input {
    case .message(let message, let flow): receive(message, from: flow, at: now, into: &step)
    case .flowFailed(let flow): flowFailed(flow, at: now, into: &step)
    case .media(let event): follow(event, at: now, into: &step)
    case .command(let request, let command):
      if let reply = carryOut(command, request, at: now, into: &step) {
        step.afterCommit.append(.reply(request, reply))
      }
    case .stopping: stop(at: now, into: &step)
    case .restarted, .timersDue: break
    }
  }

  private var earliestDeadline: Instant? {
    earlier(acd.nextDeadline, earlier(timers.nextDeadline, callsDeadline))
  }

  /// Swaps the configuration between two inputs. Waiting contacts keep what they were promised. What was due before is
  /// decided by the old one, and stands before the change in the journal.
  public mutating func reconfigure(_ site: Site, at now: Instant, into step: inout Step) {
    fireTimers(at: now, into: &step)
    emit(.configurationApplied(hash: site.hash), at: now, into: &step)
    self.site = site
    decide(at: now, into: &step) { $0.reconfigure(site.definitions, at: now, into: &$1) }
    reconfigureCalls(at: now, into: &step)
    requeueOrphans(at: now, into: &step)
    nextDeadline = earliestDeadline
  }

  /// Swaps the configuration without deciding anything, where the journal recorded a change of it.
  public mutating func replay(_ site: Site) {
    self.site = site
    acd.replay(site.definitions)
    adoptCalls()
  }

  private mutating func fireTimers(at now: Instant, into step: inout Step) {
    if let deadline = acd.nextDeadline, deadline <= now { tell(.timersDue, at: now, into: &step) }
    while let (timer, _) = timers.popDue(at: now) {
      switch timer {
      case .lost(let contact): visitorIsLost(contact, at: now, into: &step)
      case .abandonedTalk(let contact): tell(.contactLeft(contact), at: now, into: &step)
      case .messageLimit(let contact): endMessage(contact, at: now, into: &step)
      case .call(let timer): fire(timer, at: now, into: &step)
      }
    }
    fireCallTimers(at: now, into: &step)
  }

  // MARK: Events

  /// Journals a fact of call control and applies it.
  mutating func emit(_ event: Event, at now: Instant, into step: inout Step) {
    let sequence = step.acd.sequence
    step.acd.sequence += 1
    journal(event, as: sequence, at: now, into: &step)
  }

  private mutating func journal(_ event: Event, as sequence: UInt64, at now: Instant, into step: inout Step) {
    let cause = step.records.first?.sequence ?? sequence
    let record = Record(sequence: sequence, at: now, cause: cause, event: event)
    step.records.append(record)
    apply(record)
    announce(record, into: &step)
  }

  /// Gives the ACD an input and carries out what follows.
  mutating func tell(_ input: ACD.Input, at now: Instant, into step: inout Step) {
    decide(at: now, into: &step) { $0.handle(input, at: now, into: &$1) }
  }

  /// Lets the ACD decide, and takes over the events and actions that it adds to the step. An action may make it decide
  /// again, which adds behind these.
  private mutating func decide(
    at now: Instant, into step: inout Step, _ decision: (inout Engine, inout ACD.Step) -> Void
  ) {
    let (firstEvent, firstAction) = (step.acd.events.count, step.acd.actions.count)
    decision(&acd, &step.acd)
    let (events, actions) = (firstEvent..<step.acd.events.count, firstAction..<step.acd.actions.count)
    let sequence = step.acd.sequence - UInt64(events.count)
    for place in events {
      journal(
        .acd(step.acd.events[place]), as: sequence + UInt64(place - firstEvent), at: now, into: &step)
    }
    for place in actions { carryOut(step.acd.actions[place], at: now, into: &step) }
  }

  private mutating func carryOut(_ action: ACD.Action, at now: Instant, into step: inout Step) {
    switch action {
    case .ring(let offer, let contact, let agent):
      guard isVoice(contact) else { break }
      ring(offer, contact, agent, at: now, into: &step)
    case .stopRinging(let offer, let contact, let agent):
      guard isVoice(contact) else { break }
      stopRinging(offer, contact, agent, at: now, into: &step)
    case .connect(let offer, let contact, let agent):
      if isVoice(contact) {
        connect(offer, contact, agent, at: now, into: &step)
      } else {
        // A chat has no legs to join.
        tell(.offerConnected(offer), at: now, into: &step)
      }
    case .resumeWaiting(let contact):
      guard isVoice(contact) else { break }
      resumeWaiting(contact, at: now, into: &step)
    case .refuse(let contact, let refusal):
      if isVoice(contact) { refuseCall(contact, refusal, at: now, into: &step) }
      contacts[contact]?.refusal = refusal
    case .release(let contact):
      if isVoice(contact) { release(contact, at: now, into: &step) }
      links[contact] = nil
    case .forget(let contact):
      forget(contact, at: now, into: &step)
    case .moved(let contact, _):
      if isVoice(contact) { route(contact, into: &step) }
    case .promiseCallback(let contact, let queue, let occasion):
      promiseCallback(contact, in: queue, occasion, at: now, into: &step)
    case .takeMessage(let contact, _): takeMessage(contact, at: now, into: &step)
    case .dial(let contact, _): dial(contact, at: now, into: &step)
    case .stopDialling(let contact): stopDialling(contact, at: now, into: &step)
    }
  }

  /// Whether it has legs: a call, or a callback.
  func isVoice(_ contact: ContactID) -> Bool { contacts[contact].map { $0.channel != .chat } ?? false }
}

extension Site {
  fileprivate var hasAttendants: Bool { definitions.queues.contains { $0.policy == .attendant && !$0.isRemoved } }
}
