public import Primitives

/// A queue as consoles and wallboards show it.
public struct QueueSummary: Sendable, Equatable {
  public var queue: QueueID
  public var waiting = 0
  /// Entry time of the contact that has waited longest.
  public var oldestEntry: Instant?
  /// Agents of the queue who are signed in, and those of them who could take an offer now.
  public var signedIn = 0
  public var ready = 0
  /// Folds over the journal since the start of the day or the engine: never reset by a change of state.
  public var counters = QueueCounters()
  public init(queue: QueueID) { self.queue = queue }
}

/// Sums only, so that intervals and queues roll up by addition (`CALLS.md` 7 names the ratios made of them).
public struct QueueCounters: Sendable, Equatable {
  public var entered: UInt64 = 0
  public var answered: UInt64 = 0
  public var answeredWithin: UInt64 = 0
  public var abandoned: UInt64 = 0
  public var abandonedWithin: UInt64 = 0
  public var shortAbandoned: UInt64 = 0
  /// Timed out and overflowed: left, beside the denominator.
  public var left: UInt64 = 0
  public var failed: UInt64 = 0
  public var refused: UInt64 = 0
  /// Sum of the waits of answered contacts, microseconds.
  public var answeredWait: Int64 = 0
  public init() {}
}

/// An agent as consoles show it.
public struct AgentSummary: Sendable, Equatable {
  public enum Presence: Sendable, Equatable { case signedOut, ready, notReady(ReasonID) }
  public enum SlotState: Sendable, Equatable { case offered(OfferID), connecting, engaged, wrapUp(until: Instant) }
  public struct Slot: Sendable, Equatable {
    public var contact: ContactID
    public var channel: Channel
    public var state: SlotState
    public init(contact: ContactID, channel: Channel, state: SlotState) {
      self.contact = contact; self.channel = channel; self.state = state
    }
  }
  public var agent: AgentID
  public var presence = Presence.signedOut
  public var idleSince: Instant?
  /// When the live offer was made, if there is one.
  public var offerMadeAt: Instant?
  public var slots: [Slot] = []
  public init(agent: AgentID) { self.agent = agent }
}

/// How long a waiting contact may still wait, as a range in microseconds: announced as a range, never rising.
public struct WaitRange: Sendable, Equatable {
  public var low: Int64
  public var high: Int64
  public init(low: Int64, high: Int64) { self.low = low; self.high = high }
}

/// Where a contact stands in the engine.
public enum ContactState: Sendable, Equatable {
  case waiting(queue: QueueID, since: Instant, ahead: Int)
  case offered(OfferID, AgentID)
  case connecting(OfferID, AgentID)
  case answered(AgentID)
  case wrapUp(AgentID)
}

extension Engine {
  public func summary(of queue: QueueID) -> QueueSummary { fatalError("unwritten") }
  public func summary(of agent: AgentID) -> AgentSummary { fatalError("unwritten") }
  public func state(of contact: ContactID) -> ContactState? { fatalError("unwritten") }
  /// The range for a waiting contact at `now`, from its place, the queue's agents and recent handle times; nil when
  /// nobody is signed in for it.
  public func waitRange(of contact: ContactID, at now: Instant) -> WaitRange? { fatalError("unwritten") }
  /// The range for a contact that would arrive at the queue now.
  public func waitRange(arrivingAt queue: QueueID, now: Instant) -> WaitRange? { fatalError("unwritten") }
}
