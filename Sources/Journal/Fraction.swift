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
  }
}

extension IntervalRow {
  /// Adds an interval of the same queue and definition.
  public static func += (sum: inout IntervalRow, other: IntervalRow) {
    sum.counters += other.counters
    sum.callbacks += other.callbacks
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
  }
}
