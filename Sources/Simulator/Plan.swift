package import ACD
package import Primitives

/// A world compiled from a scenario: who calls, who works, and the definitions that serve live traffic too.
///
/// Laws, rates and shares stand in flat tables, so that nothing is counted or copied while the world runs.
package struct Plan: Sendable {
  var definitions: Definitions
  var start: Instant
  /// No first attempts after it; the world runs on until every contact has left.
  var end: Instant
  /// When the world begins: with `start`, or later where it takes over a live site.
  var begin: Instant
  /// The live site's engine, to which `definitions` are then applied as by a reload.
  var live: Engine?
  /// Contacts that arrive earlier warm the world up and are not counted.
  var measureFrom: Instant
  private(set) var callers: ContiguousArray<Callers> = []
  package var agents: [Shifts] = []
  /// Thresholds of service levels, microseconds, ascending.
  var thresholds: [Int64] = []
  /// Length of the intervals of the day's `Timeline`, microseconds; nil for none.
  var interval: Int64?
  /// By queue and channel, the threshold by which a `Timeline` counts; one of `thresholds` or not.
  var levels: [Int64] = []

  /// Rates per microsecond of all callers, constant over intervals of equal length from the start.
  private(set) var rates: ContiguousArray<Double> = []
  /// Recorded times of arrival of all callers, each with its own patience and handle time.
  private(set) var records: ContiguousArray<Record> = []
  private(set) var profiles: ContiguousArray<ProfileShare> = []
  /// Shape of a gamma factor of mean 1 that multiplies all rates of a day; 0 for none.
  var busyness = 0.0
  var closing = Closing.drain
  /// The measured time lasts until the last contact has left, not until the end of the span.
  var measuresDrain = false
  /// The numbers of those laws that have many.
  var numbers = Law.Numbers()

  package init(definitions: Definitions, start: Instant, end: Instant, measureFrom: Instant? = nil) {
    self.definitions = definitions
    self.start = start
    begin = start
    self.end = end
    self.measureFrom = measureFrom ?? start
  }

  /// What becomes of those who still wait at the end.
  enum Closing: Sendable {
    /// Agents whose shift ends then stay until nobody waits.
    case drain
    /// They are sent away.
    case dismiss
  }

  /// One kind of caller.
  package struct Callers: Sendable {
    var queue: QueueID
    var arrivals: Arrivals = .rates(0..<0, interval: 1)
    /// Shape of a gamma factor of mean 1 that multiplies the rates of a day; 0 for none.
    var busyness = 0.0
    /// Standard deviation of the logarithm of a factor of mean 1 that multiplies the rate of an interval; 0 for none.
    var swing = 0.0
    /// Between the logarithms of that factor in one interval and the next.
    var swingCorrelation = 0.0
    /// The share of voice; the rest is chat.
    var voice = 1.0
    /// Where its `ProfileShare`s stand; empty means no needs.
    var needs = 0..<0
    package var patience: Law?
    package var handleVoice = Law.constant(1)
    var handleChat = Law.constant(1)
    /// Probability that somebody who abandons tries again, and when.
    var redial = 0.0
    var redialAfter = Law.constant(0)

    package init(queue: QueueID) { self.queue = queue }
  }

  /// Where the rates or records stand.
  enum Arrivals: Sendable {
    case rates(Range<Int>, interval: Int64)
    case records(Range<Int>)
  }

  /// A cumulative share of callers with these needs.
  struct ProfileShare: Sendable, BitwiseCopyable {
    var profile: ProfileID
    var upTo: Double
  }

  /// A recorded contact; times in microseconds. A patience of `.max` has no end; what is negative was not recorded,
  /// and is drawn.
  struct Record: Sendable, BitwiseCopyable {
    var arrival: Int64
    var patience: Int64 = -1
    var handle: Int64 = -1
    var priority: Int16 = 0
  }

  package struct Shifts: Sendable {
    var agent: AgentID
    var spans: [Range<Int64>]
    var breaks: [Range<Int64>] = []
    /// How long until an offer is answered; nil means at once.
    var answersIn: Law?
    /// Probability that an offer is missed.
    var misses = 0.0
    /// Multiplies the handle times of the agent's contacts.
    var pace = 1.0

    package init(
      agent: AgentID, spans: [Range<Int64>], breaks: [Range<Int64>] = [], answersIn: Law? = nil, misses: Double = 0
    ) {
      self.agent = agent
      self.spans = spans
      self.breaks = breaks
      self.answersIn = answersIn
      self.misses = misses
    }
  }

  /// - Parameter rates: per microsecond, for intervals of `interval` microseconds from the start.
  package mutating func add(
    _ callers: Callers, rates: [Double], interval: Int64, needs: [(profile: ProfileID, probability: Double)] = []
  ) {
    var callers = callers
    callers.arrivals = .rates(self.rates.count..<self.rates.count + rates.count, interval: interval)
    self.rates += rates
    append(callers, needs)
  }

  mutating func add(_ callers: Callers, records: [Record], needs: [(profile: ProfileID, probability: Double)] = []) {
    var callers = callers
    callers.arrivals = .records(self.records.count..<self.records.count + records.count)
    self.records += records
    append(callers, needs)
  }

  private mutating func append(_ callers: Callers, _ needs: [(profile: ProfileID, probability: Double)]) {
    var callers = callers
    var sum = 0.0
    let first = profiles.count
    for need in needs {
      sum += need.probability
      profiles.append(ProfileShare(profile: need.profile, upTo: sum))
    }
    callers.needs = first..<profiles.count
    self.callers.append(callers)
  }
}
