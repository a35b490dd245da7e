public struct Queue: Codable, Sendable, Equatable {
  /// `q_<name>`
  public var id: String
  public var name: String
  public var waiting: Int
  /// When the contact that has waited longest came.
  public var oldestEnteredAt: Timestamp?
  /// Agents signed in, and those of them who could take an offer now.
  public var signedIn: Int
  public var ready: Int
  /// What a contact arriving now would be told.
  public var wait: WaitRange?
  public var serviceLevel: ServiceLevel
  /// Since the engine's day began.
  public var counters: Counters
  public init(
    id: String, name: String, waiting: Int, oldestEnteredAt: Timestamp? = nil, signedIn: Int, ready: Int,
    wait: WaitRange? = nil, serviceLevel: ServiceLevel, counters: Counters
  ) {
    self.id = id; self.name = name; self.waiting = waiting; self.oldestEnteredAt = oldestEnteredAt
    self.signedIn = signedIn; self.ready = ready; self.wait = wait; self.serviceLevel = serviceLevel
    self.counters = counters
  }
  enum CodingKeys: String, CodingKey {
    case id, name, waiting, ready, wait, counters
    case oldestEnteredAt = "oldest_entered_at"
    case signedIn = "signed_in"
    case serviceLevel = "service_level"
  }
}

/// A service level, never without the name of its definition.
public struct ServiceLevel: Codable, Sendable, Equatable {
  /// `sl.ignored`, `sl.negative`, `sl.positive` or `sl.answered`.
  public var metric: String
  public var withinSeconds: Double
  /// 0-1
  public var target: Double
  /// 0-1; nil while nothing counts.
  public var value: Double?
  public init(metric: String, withinSeconds: Double, target: Double, value: Double?) {
    self.metric = metric; self.withinSeconds = withinSeconds; self.target = target; self.value = value
  }
  enum CodingKeys: String, CodingKey {
    case metric, target, value
    case withinSeconds = "within_seconds"
  }
}

/// Sums only, so that intervals and queues roll up by addition.
public struct Counters: Codable, Sendable, Equatable {
  public var entered: UInt64
  public var answered: UInt64
  public var answeredWithin: UInt64
  public var abandoned: UInt64
  public var abandonedWithin: UInt64
  public var shortAbandoned: UInt64
  /// Timed out, overflowed, left a message, or let go by an empty floor.
  public var left: UInt64
  public var failed: UInt64
  public var refused: UInt64
  /// Sum of the waits of answered contacts.
  public var answeredWaitSeconds: Double
  /// Sum of what those waits had beyond the service level's time.
  public var excessWaitSeconds: Double = 0
  /// Contacts whose talk has ended, their talk with holds, and their wrap-up.
  public var handled: UInt64 = 0
  public var talkSeconds: Double = 0
  public var wrapUpSeconds: Double = 0
  /// Callers who asked to be called back; virtual callers who entered, were answered, and went otherwise.
  public var callbacksRequested: UInt64 = 0
  public var callbacksQueued: UInt64 = 0
  public var callbacksAnswered: UInt64 = 0
  public var callbacksClosed: UInt64 = 0
  /// Answered contacts whose wait had been estimated, and those of them whose wait lay within the range.
  public var waitsEstimated: UInt64 = 0
  public var waitsWithinRange: UInt64 = 0
  public init(
    entered: UInt64 = 0, answered: UInt64 = 0, answeredWithin: UInt64 = 0, abandoned: UInt64 = 0,
    abandonedWithin: UInt64 = 0, shortAbandoned: UInt64 = 0, left: UInt64 = 0, failed: UInt64 = 0,
    refused: UInt64 = 0, answeredWaitSeconds: Double = 0
  ) {
    self.entered = entered; self.answered = answered; self.answeredWithin = answeredWithin
    self.abandoned = abandoned; self.abandonedWithin = abandonedWithin; self.shortAbandoned = shortAbandoned
    self.left = left; self.failed = failed; self.refused = refused; self.answeredWaitSeconds = answeredWaitSeconds
  }
  enum CodingKeys: String, CodingKey {
    case entered, answered, abandoned, left, failed, refused
    case answeredWithin = "answered_within"
    case abandonedWithin = "abandoned_within"
    case shortAbandoned = "short_abandoned"
    case answeredWaitSeconds = "answered_wait_seconds"
    case excessWaitSeconds = "excess_wait_seconds"
    case handled
    case talkSeconds = "talk_seconds"
    case wrapUpSeconds = "wrap_up_seconds"
    case callbacksRequested = "callbacks_requested"
    case callbacksQueued = "callbacks_queued"
    case callbacksAnswered = "callbacks_answered"
    case callbacksClosed = "callbacks_closed"
    case waitsEstimated = "waits_estimated"
    case waitsWithinRange = "waits_within_range"
  }
}

/// One queue in one interval of arrival.
public struct Interval: Codable, Sendable, Equatable {
  public var queue: String
  public var start: Timestamp
  public var counters: Counters
  public var serviceLevel: ServiceLevel?
  public init(queue: String, start: Timestamp, counters: Counters, serviceLevel: ServiceLevel?) {
    self.queue = queue; self.start = start; self.counters = counters; self.serviceLevel = serviceLevel
  }
  enum CodingKeys: String, CodingKey {
    case queue, start, counters
    case serviceLevel = "service_level"
  }
}
