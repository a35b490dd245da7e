public import ACD

/// A ratio as its two sums, so that intervals and queues roll up by addition and never by averaging ratios.
public struct Fraction: Sendable, Equatable {
  public var numerator: UInt64
  public var denominator: UInt64
  public init(_ numerator: UInt64, of denominator: UInt64) {
    self.numerator = numerator; self.denominator = denominator
  }
  /// Nil where there was nothing to count.
  public var ratio: Double? { denominator == 0 ? nil : Double(numerator) / Double(denominator) }
}

extension QueueCounters {
  /// A service level by name (`CALLS.md` 7). Short abandons are in none of the sums.
  public func serviceLevel(_ metric: ServiceLevelDefinition.Metric) -> Fraction {
    switch metric {
    case .ignored: Fraction(answeredWithin, of: answered + abandoned - abandonedWithin)
    case .negative: Fraction(answeredWithin, of: answered + abandoned)
    case .positive: Fraction(answeredWithin + abandonedWithin, of: answered + abandoned)
    case .answered: Fraction(answeredWithin, of: answered)
    }
  }

  public static func += (sum: inout QueueCounters, other: QueueCounters) {
    sum.entered += other.entered
    sum.answered += other.answered
    sum.answeredWithin += other.answeredWithin
    sum.abandoned += other.abandoned
    sum.abandonedWithin += other.abandonedWithin
    sum.shortAbandoned += other.shortAbandoned
    sum.left += other.left
    sum.failed += other.failed
    sum.refused += other.refused
    sum.answeredWait += other.answeredWait
    sum.excessWait += other.excessWait
    sum.handled += other.handled
    sum.talk += other.talk
    sum.wrapUp += other.wrapUp
    sum.callbacksQueued += other.callbacksQueued
    sum.callbacksAnswered += other.callbacksAnswered
    sum.callbacksClosed += other.callbacksClosed
    sum.estimates += other.estimates
  }

  /// Abandons over what was answered or abandoned: neither short abandons nor contacts that went on elsewhere, as a
  /// callback for one, count.
  public var abandonRate: Fraction { Fraction(abandoned, of: answered + abandoned) }
  /// The mean wait of answered contacts (ASA), and what it had beyond the threshold, in microseconds.
  public var meanAnsweredWait: Int64? { Self.mean(answeredWait, answered) }
  public var meanExcessWait: Int64? { Self.mean(excessWait, answered) }
  /// Talk, hold and wrap-up of contacts that ended (AHT), in microseconds.
  public var meanHandleTime: Int64? { Self.mean(talk + wrapUp, handled) }
  /// The share of announced ranges that held the wait.
  public var estimateCoverage: Fraction { Fraction(estimates.covered, of: estimates.announced) }

  private static func mean(_ sum: Int64, _ count: UInt64) -> Int64? {
    count == 0 ? nil : sum / Int64(clamping: count)
  }
}

extension IntervalRow {
  /// Adds an interval of the same queue and definition.
  public static func += (sum: inout IntervalRow, other: IntervalRow) {
    sum.counters += other.counters
    sum.callbacks += other.callbacks
    sum.hold += other.hold
  }
}

extension AgentIntervalRow {
  /// Adds an interval of the same agent.
  public static func += (sum: inout AgentIntervalRow, other: AgentIntervalRow) {
    sum.offered += other.offered
    sum.accepted += other.accepted
    sum.declined += other.declined
    sum.missed += other.missed
    sum.answered += other.answered
    sum.talk += other.talk
    sum.hold += other.hold
    sum.wrapUp += other.wrapUp
    sum.handling += other.handling
    sum.ready += other.ready
  }

  /// Handling ÷ (handling + ready).
  public var occupancy: Fraction {
    Fraction(UInt64(clamping: handling), of: UInt64(clamping: handling + ready))
  }
}

extension EstimateScore {
  /// The root of the mean squared error, in microseconds.
  public var rootMeanSquare: Int64? {
    count == 0 ? nil : Int64((Double(squaredError) / Double(count)).squareRoot() * 1_000)
  }
}
