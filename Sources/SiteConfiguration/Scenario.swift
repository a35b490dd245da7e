public import ACD
public import CallControl
public import Primitives

/// A simulated world: the files of a live site, and who calls and who works there for a while.
public struct Scenario: Sendable {
  public var file: String
  /// The folder of the site's files.
  public var folder: String
  /// The site; `definitions.profiles` holds what the callers need, too.
  public var site: Site
  public var span: Range<Instant>
  public var callers: [Caller]
  /// Agents who are not here stay signed out.
  public var agents: [Agent]
  public var runs = Runs()
  public var initial = Initial.empty
  /// The live site as which the span begins, instead of empty or stationary.
  public var live: LiveState?
  public var closing = Closing.drain
  /// Coefficient of variation of a gamma factor with mean 1 that multiplies all rates of a day.
  public var overdispersion = 0.0
  public var expectations: [Expectation] = []
  public var fingerprint: Fingerprint?

  public init(
    file: String, folder: String, site: Site, span: Range<Instant>, callers: [Caller] = [], agents: [Agent] = []
  ) {
    self.file = file; self.folder = folder; self.site = site; self.span = span; self.callers = callers
    self.agents = agents
  }

  /// The one meaning of the site, for the engine.
  public var definitions: Definitions { site.definitions }

  /// When it begins: with the span, or within it where a live site stood then.
  public var begin: Instant { live?.at ?? span.lowerBound }

  /// One of several possibilities; the probabilities of all of them add up to 1.
  public struct Share<Value: Sendable & Hashable>: Sendable, Hashable {
    public var value: Value
    public var probability: Double
    public init(_ value: Value, _ probability: Double) { self.value = value; self.probability = probability }
  }

  /// People who call for the same reason.
  public struct Caller: Sendable, Hashable {
    public var name: String
    public var place: Place
    public var queue: QueueID
    public var arrivals: Arrivals
    public var channels: [Share<Channel>]
    /// The queue's needs together with the caller's own.
    public var needs: [Share<ProfileID>]
    /// How long one waits before hanging up; nil for ever.
    public var patience: Distribution?
    /// Talk and hold, or the length of a chat, without wrap-up; for every channel of `channels`.
    public var handle: [Handle]
    public var redial: Redial?

    public func handle(_ channel: Channel) -> Distribution? { handle.first { $0.channel == channel }?.time }
  }
  public struct Handle: Sendable, Hashable {
    public var channel: Channel
    public var time: Distribution
  }
  /// A Poisson process whose rate changes from interval to interval, or recorded times.
  public struct Arrivals: Sendable, Hashable {
    /// Contacts per hour in each interval from the start of the span, the last perhaps a part of one.
    public var perHour: [Double]
    /// The length of the intervals, microseconds.
    public var interval: Int64 = .minutes(60)
    /// Coefficient of variation of a gamma factor with mean 1 that multiplies the rates of a whole day.
    public var overdispersion: Double
    /// Of a factor with mean 1 that multiplies the rate of an interval, and the correlation of its logarithm with
    /// that of the next.
    public var swing = 0.0
    public var swingCorrelation = 0.0
    /// In order; instead of rates.
    public var times: [Instant]?
  }

  public enum Initial: String, Sendable, CaseIterable {
    case empty
    /// As if the first interval had gone on for long.
    case stationary
  }

  /// What becomes of those who still wait at the end.
  public enum Closing: String, Sendable, CaseIterable {
    /// Agents whose shift ends then stay until nobody waits.
    case drain
    /// They are sent away.
    case dismiss
  }
  /// Who abandons may try again.
  public struct Redial: Sendable, Hashable {
    public var probability: Double
    public var after: Distribution
  }

  public struct Agent: Sendable, Hashable {
    public var agent: AgentID
    public var place: Place
    /// Signed in and ready, in order, within the span.
    public var shifts: [Range<Instant>]
    /// Not ready once the contact in hand is done, in order.
    public var breaks: [Range<Instant>]
    /// From the offer to the agent's accept.
    public var answersIn: Distribution
    /// The share of offers left to ring out.
    public var misses: Double

    public init(
      agent: AgentID, place: Place, shifts: [Range<Instant>], breaks: [Range<Instant>], answersIn: Distribution,
      misses: Double
    ) {
      self.agent = agent; self.place = place; self.shifts = shifts; self.breaks = breaks
      self.answersIn = answersIn; self.misses = misses
    }
  }

  public struct Runs: Sendable, Hashable {
    public var seed: UInt64 = 1
    /// The least number of replications, and the number where no precision is asked for.
    public var replications = 30
    /// Half-width of the 95 % interval relative to the value, at which replications stop.
    public var relativePrecision: Double?
    public init() {}
  }

  /// The hash of all outcomes that the author saw; another one means that the runs differ.
  public struct Fingerprint: Sendable, Hashable {
    public var text: String
    public var place: Place
  }
}

/// A live site as its journal leaves it.
public struct LiveState: Sendable {
  public var engine: Engine
  /// By which the engine's indices are meant.
  public var names: Names
  /// Where it was read, for people.
  public var source: String
  /// Of its last fact.
  public var at: Instant { engine.last.instant }

  public init(engine: Engine, names: Names, source: String) {
    self.engine = engine; self.names = names; self.source = source
  }
}

/// Every key of a scenario's file.
enum ScenarioSchema {
  static let file: [Key] = [
    Key("site", .scalar(.text), "The folder of the site's files, from this file.", isRequired: true),
    Key(
      "span",
      .record([
        Key("start", .scalar(.localTime), "In the site's time zone.", isRequired: true),
        Key("end", .scalar(.end), "In the site's time zone.", isRequired: true),
      ]), "From when to when.", isRequired: true),
    Key("callers", .table(.name, .record(caller)), "Who calls.", isRequired: true),
    Key("agents", .table(.name, .record(agent)), "Who works; others stay signed out.", isRequired: true),
    Key("initial", .word(Scenario.Initial.allCases.map(\.rawValue)), "The lines at the start; empty unless written."),
    Key("closing", .word(Scenario.Closing.allCases.map(\.rawValue)), "Who waits at the end is served, or sent away."),
    Key(
      "overdispersion", .scalar(.number(0...10, "a number from 0 to 10")),
      "Standard deviation between days, of all callers together."),
    Key("runs", .record(runs), "How often, and from which seed."),
    Key("expect", .list(.scalar(.text)), "Thresholds, such as `support.voice.sl.negative(20s) >= 0.80`."),
    Key("fingerprint", .scalar(.text), "The hash of all outcomes that is expected."),
  ]
  static let caller: [Key] = [
    Key("entry", .scalar(.entry), "The entry by which they come."),
    Key("queue", .scalar(.name), "Or the queue in which they wait."),
    Key(
      "arrivals",
      .record([
        Key("per_hour", .either(.scalar(rate), .list(.scalar(rate))), "A rate for each interval, or one for all."),
        Key("every", .scalar(.duration), "The length of the intervals; `1h` unless written."),
        Key(
          "overdispersion", .scalar(.number(0...10, "a number from 0 to 10")), "Standard deviation between days."),
        Key(
          "within_day",
          .record([
            Key(
              "cv", .scalar(.number(0...10, "a number from 0 to 10")), "From interval to interval.", isRequired: true),
            Key("correlation", .scalar(.fraction), "Between one interval and the next.", isRequired: true),
          ]), "A swing of the rates within a day."),
        Key(
          "csv", .scalar(.file), "Times in a column `time`; with a column `count`, how many come from then on."),
        .later("journal", .error, "A recorded journal.", instead: "write rates with `per_hour`"),
      ]), "When they come.", isRequired: true),
    Key("channel", .table(.name, .scalar(.fraction)), "Shares of voice and chat."),
    Key("needs", .table(.name, .scalar(.fraction)), "Shares of callers who need a skill; the rest need none."),
    Key("patience", Distribution.shape, "How long they wait; for ever unless written."),
    Key(
      "handle",
      .record([
        Key("voice", Distribution.shape, "Talk and hold."),
        Key("chat", Distribution.shape, "The length of a chat."),
      ]), "How long they are served.", isRequired: true),
    Key(
      "redial",
      .record([
        Key("probability", .scalar(.fraction), "Of trying again.", isRequired: true),
        Key("after", Distribution.shape, "The time until then.", isRequired: true),
      ]), "Who abandons may try again."),
  ]
  static let agent: [Key] = [
    Key("shift", .either(.scalar(.shift), .list(.scalar(.shift))), "Times of work; the whole span unless written."),
    Key("breaks", .list(.scalar(.pause)), "Breaks, as `10:00 15m`."),
    Key("answers_in", Distribution.shape, "From offer to accept; 3 s unless written."),
    Key("misses", .scalar(.fraction), "Share of offers missed."),
  ]
  static let runs: [Key] = [
    Key("seed", .scalar(.count(0...Int.max)), "Same seed, same bytes."),
    Key("replications", .scalar(.count(1...1_000_000)), "How often the span is run."),
    Key(
      "relative_precision", .scalar(.number(0.0001...1, "a number from 0.0001 to 1")), "Half-width at which to stop."),
  ]
  private static let rate = Form.number(0...1_000_000, "a rate per hour")
}
