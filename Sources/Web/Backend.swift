public import ACD
public import API
public import CallControl
public import Primitives

/// What stands behind the web edge, injected by the composition root: the engine's mailbox and the journal's readers.
public struct Backend: Sendable {
  /// Suspends until the command's facts are committed. A full mailbox is `.refused(.overloaded)`.
  public var perform: @Sendable (Command) async -> Reply
  /// The site in force.
  public var site: @Sendable () -> Site
  /// Messages of a contact behind this sequence, oldest first, from the archive.
  public var messages: @Sendable (PublicID, _ after: UInt64) async throws -> [MessageView]
  /// Ended contacts, newest first.
  public var contacts: @Sendable (ContactQuery) async throws -> [ContactRow]
  /// Rows by start, then queue.
  public var intervals: @Sendable (IntervalQuery) async throws -> [IntervalRow]
  /// Why a contact went where it went, or not to an agent; throws a `Problem` where that cannot be told.
  public var why: @Sendable (WhyQuery) async throws -> Why
  /// Whether the journal takes events.
  public var isReady: @Sendable () -> Bool
  /// What the process knows beside queues and contacts.
  public var metrics: @Sendable () -> [Metric]

  public init(
    perform: @escaping @Sendable (Command) async -> Reply, site: @escaping @Sendable () -> Site,
    messages: @escaping @Sendable (PublicID, _ after: UInt64) async throws -> [MessageView],
    contacts: @escaping @Sendable (ContactQuery) async throws -> [ContactRow],
    intervals: @escaping @Sendable (IntervalQuery) async throws -> [IntervalRow],
    why: @escaping @Sendable (WhyQuery) async throws -> Why,
    isReady: @escaping @Sendable () -> Bool, metrics: @escaping @Sendable () -> [Metric]
  ) {
    self.perform = perform; self.site = site; self.messages = messages; self.contacts = contacts
    self.intervals = intervals; self.why = why; self.isReady = isReady; self.metrics = metrics
  }
}

/// Which decision about a contact is to be explained.
public struct WhyQuery: Sendable, Equatable {
  public var contact: PublicID
  /// Whose tests are wanted, by name or as `ag_…`.
  public var agent: String?
  /// As `of_…`; the one that was accepted, or what happened last, unless given.
  public var offer: String?
  public init(contact: PublicID, agent: String? = nil, offer: String? = nil) {
    self.contact = contact; self.agent = agent; self.offer = offer
  }
}

/// Which contact records to list.
public struct ContactQuery: Sendable, Equatable {
  /// Only rows whose position is below this one.
  public var before: UInt64?
  /// By name.
  public var queue: String?
  /// Entered at or after, and before.
  public var from: Instant?
  public var to: Instant?
  public var limit: Int
  public init(before: UInt64? = nil, queue: String? = nil, from: Instant? = nil, to: Instant? = nil, limit: Int) {
    self.before = before; self.queue = queue; self.from = from; self.to = to; self.limit = limit
  }
}

/// A contact in the report. Intervals are in microseconds.
public struct ContactRow: Sendable, Equatable {
  /// Grows with each contact: its place in the list, as the journal sequence of its opening.
  public var position: UInt64
  public var id: PublicID
  public var queue: String
  public var channel: Channel
  /// The agent's key in the site.
  public var agent: String?
  public var entered: Instant
  public var answered: Instant?
  public var ended: Instant?
  public var outcome: String?
  public var wait: Int64
  public var talk: Int64
  public var code: String?
  /// Of the person's leg and of the agent's.
  public var quality: CallControl.Quality?
  public var agentQuality: CallControl.Quality?
  public init(
    position: UInt64, id: PublicID, queue: String, channel: Channel, agent: String? = nil, entered: Instant,
    answered: Instant? = nil, ended: Instant? = nil, outcome: String? = nil, wait: Int64 = 0, talk: Int64 = 0,
    code: String? = nil
  ) {
    self.position = position; self.id = id; self.queue = queue; self.channel = channel; self.agent = agent
    self.entered = entered; self.answered = answered; self.ended = ended; self.outcome = outcome; self.wait = wait
    self.talk = talk; self.code = code
  }
}

public struct IntervalQuery: Sendable, Equatable {
  /// By name.
  public var queue: String?
  public var from: Instant?
  public var to: Instant?
  public var limit: Int
  public init(queue: String? = nil, from: Instant? = nil, to: Instant? = nil, limit: Int) {
    self.queue = queue; self.from = from; self.to = to; self.limit = limit
  }
}

public struct IntervalRow: Sendable, Equatable {
  public var queue: String
  public var start: Instant
  public var counters: QueueCounters
  public init(queue: String, start: Instant, counters: QueueCounters) {
    self.queue = queue; self.start = start; self.counters = counters
  }
}
