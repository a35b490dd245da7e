import ACD
import Primitives

/// A world compiled from a scenario: who calls, who works, and the definitions that serve live traffic too.
struct Plan: Sendable {
  var definitions: Definitions
  var start: Instant
  /// No first attempts after it; the world runs on until every contact has left.
  var end: Instant
  /// Contacts that arrive earlier warm the world up and are not counted.
  var measureFrom: Instant
  var callers: [Callers]
  var agents: [Shifts]
  /// Thresholds of service levels, microseconds.
  var thresholds: [Int64]

  /// One kind of caller.
  struct Callers: Sendable {
    var queue: QueueID
    var arrivals: Arrivals
    /// Shape of the gamma factor of mean 1 that multiplies a day's rates; nil for none.
    var busyness: Double?
    /// Cumulative shares of channels and of profiles.
    var channels: [(channel: Channel, upTo: Double)]
    var profiles: [(profile: ProfileID, upTo: Double)]
    var patience: Law?
    /// By channel.
    var handle: [Law]
    var redial: Redial?
  }

  struct Redial: Sendable {
    var probability: Double
    var after: Law
  }

  /// Rates per microsecond, constant over intervals of equal length from the start; or recorded times.
  enum Arrivals: Sendable {
    case rates([Double], interval: Int64)
    case times([Int64])
  }

  struct Shifts: Sendable {
    var agent: AgentID
    var spans: [ClosedRange<Int64>]
    var breaks: [ClosedRange<Int64>]
    /// How long until an offer is answered; nil means at once.
    var answersIn: Law?
    /// Probability that an offer is missed.
    var misses: Double
  }
}
