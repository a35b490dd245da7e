public import ACD

/// A threshold that a simulated scenario has to meet, such as `support.voice.sl.negative(20s) >= 0.80`.
public struct Expectation: Sendable, Hashable {
  public enum Metric: Sendable, Hashable {
    /// The threshold is in microseconds.
    case serviceLevel(ServiceLevelDefinition.Metric, within: Int64)
    /// Of all contacts that waited here, abandoned ones too.
    case waitMean
    /// 0.5, 0.9, 0.95 or 0.99 of the waits are not longer.
    case waitQuantile(Double)
    case waitMaximum
    /// Mean wait of the answered.
    case speedOfAnswer
    case abandonRate
    case occupancy
    case offered, answered, abandoned
    /// Timed out, beside the denominator of the service level (`CALLS.md` 7).
    case left
    case refused
  }
  public enum Comparison: String, Sendable, CaseIterable {
    case atLeast = ">=", atMost = "<=", equal = "==", above = ">", below = "<"

    public func holds(_ value: Double, _ limit: Double) -> Bool {
      switch self {
      case .atLeast: value >= limit
      case .atMost: value <= limit
      case .equal: value == limit
      case .above: value > limit
      case .below: value < limit
      }
    }
  }

  /// As written.
  public var text: String
  public var place: Place
  /// Nil for all queues together.
  public var queue: QueueID?
  /// Nil for all channels together.
  public var channel: Channel?
  public var metric: Metric
  public var comparison: Comparison
  /// Seconds for waits, 0 to 1 for shares, otherwise a count.
  public var value: Double

  /// What is wrong with the text of an expectation.
  struct Refusal: Error {
    var message: String
    init(_ message: String) { self.message = message }
  }

  private enum Unit { case time, share, count }
  private static let plain: [(name: String, metric: Metric, unit: Unit)] = [
    ("wait.mean", .waitMean, .time), ("wait.p50", .waitQuantile(0.5), .time), ("wait.p90", .waitQuantile(0.9), .time),
    ("wait.p95", .waitQuantile(0.95), .time), ("wait.p99", .waitQuantile(0.99), .time),
    ("wait.max", .waitMaximum, .time), ("asa", .speedOfAnswer, .time), ("abandon_rate", .abandonRate, .share),
    ("occupancy", .occupancy, .share), ("offered", .offered, .count), ("answered", .answered, .count),
    ("abandoned", .abandoned, .count), ("left", .left, .count), ("refused", .refused, .count),
  ]

  init(_ text: String, at place: Place, queues: [String], find: (String) -> QueueID?) throws(Refusal) {
    self.text = text
    self.place = place
    guard let (comparison, range) = Self.comparison(in: text) else {
      throw Refusal("a threshold is a metric, one of `>= <= == > <`, and a value: `support.wait.p95 <= 120s`")
    }
    self.comparison = comparison
    let left = text[..<range.lowerBound].filter { $0 != " " }
    let right = String(text[range.upperBound...].drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    guard let dot = left.firstIndex(of: ".") else {
      throw Refusal("`\(left)` names no queue: write `\(queues.first ?? "support").\(left)`, or `*.\(left)` for all")
    }
    let scope = String(left[..<dot])
    var name = String(left[left.index(after: dot)...])
    queue = find(scope)
    guard queue != nil || scope == "*" else {
      throw Refusal("no queue is called `\(scope)`\(suggestion(for: scope, among: queues))")
    }
    for candidate in [Channel.voice, .chat] where name.hasPrefix("\(candidate).") {
      channel = candidate
      name.removeFirst("\(candidate).".count)
    }
    let unit: Unit
    (metric, unit) = try Self.metric(name)
    value = try Self.value(right, unit)
  }

  private static func comparison(in text: String) -> (Comparison, Range<String.Index>)? {
    for comparison in Comparison.allCases {
      if let range = text.firstRange(of: comparison.rawValue) { return (comparison, range) }
    }
    return nil
  }

  private static func metric(_ name: String) throws(Refusal) -> (Metric, Unit) {
    if let known = plain.first(where: { $0.name == name }) { return (known.metric, known.unit) }
    let levels = ServiceLevelDefinition.Metric.allCases
    // "80/20" is a different number for each of them, so its author has to choose.
    if name == "sl" || name.hasPrefix("sl(") {
      let threshold = name.hasPrefix("sl(") ? name.dropFirst(2) : "(20s)"
      throw Refusal(
        "`sl` may mean different numbers; say what callers who hang up do to it: `sl.negative\(threshold)` they count "
          + "against it, `sl.ignored\(threshold)` early ones are left out, `sl.positive\(threshold)` early ones count "
          + "as good, `sl.answered\(threshold)` all are left out")
    }
    guard let bracket = name.firstIndex(of: "("), name.last == ")" else {
      if levels.contains(where: { $0.rawValue == name }) {
        throw Refusal("`\(name)` needs its threshold: `\(name)(20s)`")
      }
      throw Refusal(
        "no metric is called `\(name)`\(suggestion(for: name, among: plain.map(\.name) + levels.map(\.rawValue)))")
    }
    let level = String(name[..<bracket])
    guard let metric = ServiceLevelDefinition.Metric(rawValue: level) else {
      throw Refusal("no service level is called `\(level)`\(suggestion(for: level, among: levels.map(\.rawValue)))")
    }
    let threshold = String(name[name.index(after: bracket)...].dropLast())
    guard let within = microseconds(in: threshold) else {
      throw Refusal("the threshold of `\(level)` must be \(Form.duration.noun), not `\(threshold)`")
    }
    return (.serviceLevel(metric, within: within), .share)
  }

  private static func value(_ text: String, _ unit: Unit) throws(Refusal) -> Double {
    switch unit {
    case .time:
      if let time = microseconds(in: text) { return Double(time) / 1e6 }
      throw Refusal("a wait is compared with \(Form.duration.noun), not `\(text)`")
    case .share:
      let share = text.hasSuffix("%") ? decimal(in: text.dropLast()).map { $0 / 100 } : decimal(in: text)
      if let share, (0...1).contains(share) { return share }
      throw Refusal("a share is compared with a number from 0 to 1 or a percentage, not `\(text)`")
    case .count:
      if let count = decimal(in: text), count >= 0 { return count }
      throw Refusal("a count is compared with a number, not `\(text)`")
    }
  }
}
