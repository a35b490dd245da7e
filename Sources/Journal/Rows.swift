public import ACD
public import CallControl
public import Primitives

/// A contact record: what became of one contact. Intervals are in microseconds.
public struct ContactRow: Sendable, Equatable {
  /// The sequence of the contact's `contactOpened`: its place in pages.
  public internal(set) var sequence: UInt64
  public internal(set) var id: PublicID
  public internal(set) var channel: Channel
  public internal(set) var entry: String
  /// The queue it last waited in.
  public internal(set) var queue: QueueID?
  /// The version of the service level in force when it entered that queue.
  public internal(set) var serviceLevel: Int64?
  /// Who answered.
  public internal(set) var agent: AgentID?
  public internal(set) var opened: Instant
  public internal(set) var entered: Instant?
  public internal(set) var answered: Instant?
  /// When it left the queue unanswered, was refused, or the talk ended.
  public internal(set) var ended: Instant?
  public internal(set) var refusal: Refusal?
  public internal(set) var outcome: Outcome?
  public internal(set) var endCause: EndCause?
  /// From entry to outcome.
  public internal(set) var wait: Int64?
  /// From answer to end, without holds.
  public internal(set) var talk: Int64?
  public internal(set) var hold: Int64 = 0
  public internal(set) var wrapUp: Int64?
  public internal(set) var code: CodeID?
  /// How well the packets of the last leg of each side travelled, of a call.
  public internal(set) var quality: Quality?
  public internal(set) var agentQuality: Quality?
}

/// The sums of one queue over 15 minutes of arrivals, under one service level.
public struct IntervalRow: Sendable, Equatable {
  public static let length: Int64 = .minutes(15)
  public var queue: QueueID
  public var start: Instant
  /// The version of the definition by which `answeredWithin`, `abandonedWithin` and `shortAbandoned` were counted.
  public var serviceLevel: Int64
  public var counters: QueueCounters
  /// Callbacks requested, which leave the queue beside the denominator.
  public var callbacks: UInt64
  /// Of `counters.talk`, the time on hold.
  public var hold: Int64 = 0

  public init(
    queue: QueueID, start: Instant, serviceLevel: Int64, counters: QueueCounters = QueueCounters(),
    callbacks: UInt64 = 0
  ) {
    self.queue = queue; self.start = start; self.serviceLevel = serviceLevel; self.counters = counters
    self.callbacks = callbacks
  }
}

/// The sums of one agent over 15 minutes; each counts when it happens, talk, hold and wrap-up when they end.
public struct AgentIntervalRow: Sendable, Equatable {
  public var agent: AgentID
  public var start: Instant
  public var offered: UInt64 = 0
  public var accepted: UInt64 = 0
  public var declined: UInt64 = 0
  public var missed: UInt64 = 0
  public var answered: UInt64 = 0
  public var talk: Int64 = 0
  public var hold: Int64 = 0
  public var wrapUp: Int64 = 0
  /// Time with at least one contact or wrap-up, and time ready without any. Unlike the others they are split where an
  /// interval ends, and count once the agent's state changes.
  public var handling: Int64 = 0
  public var ready: Int64 = 0
  public init(agent: AgentID, start: Instant) { self.agent = agent; self.start = start }
}

/// A queue's service level as it was when intervals were counted by it.
public struct ServiceLevel: Sendable, Hashable {
  public var metric: ServiceLevelDefinition.Metric
  /// The threshold T in microseconds.
  public var within: Int64
  public var target: Double
  /// Microseconds; 0 where none is set.
  public var shortAbandon: Int64
  public init(_ definition: ServiceLevelDefinition = .init(), shortAbandon: Int64 = 0) {
    metric = definition.metric
    within = definition.within
    target = definition.target
    self.shortAbandon = shortAbandon
  }
}

/// One message of a conversation, while it is kept.
public struct MessageRow: Sendable, Equatable {
  public var sequence: UInt64
  public var contact: PublicID
  public var at: Instant
  public var author: Author
  public var text: String
}

/// Who the person behind a contact is, while it is kept.
public struct PersonRow: Sendable, Equatable {
  public var contact: PublicID
  public var name: String?
  public var address: String?
  public var attributes: [ChatRequest.Attribute]
}
