import ACD
import Foundation
import CallControl
import Primitives
public import SiteConfiguration

/// What the replications of a scenario came to.
public struct SimulationReport: Sendable {
  public let file: String
  public let seed: UInt64
  public let replications: Int
  /// Over all replications.
  public let contacts: Int
  /// Sixteen hexadecimal digits over every outcome: the same seed gives the same ones on any machine.
  public let fingerprint: String
  public let lines: [Line]
  public let results: [Result]
  /// Where another fingerprint was expected.
  public let fingerprintFinding: Finding?
  /// Rules that the auditor saw broken.
  public let violations: [Violation]

  /// A queue and a channel in which somebody called.
  public struct Line: Sendable, Encodable {
    public var queue: String
    public var channel: String
    /// Means over the replications.
    public var offered, answered, abandoned, left, refused: Double
    public var serviceLevel: Estimate?
    /// As `sl.negative(20s)`.
    public var serviceLevelName: String
    public var waitMean, wait50, wait95, abandonRate: Estimate?
    public var occupancy: Estimate?
  }

  public struct Result: Sendable {
    public var expectation: Expectation
    /// Nil if there was nothing to count.
    public var estimate: Estimate?
    public var verdict: Verdict
  }

  init(_ scenario: Scenario, seed: UInt64, _ outcomes: [Replications.Outcome]) {
    let tallies = outcomes.map(\.tally)
    let definitions = scenario.definitions
    file = scenario.file
    self.seed = seed
    replications = tallies.count
    contacts = tallies.reduce(0) { sum, tally in
      sum + tally.groups.reduce(0) { $0 + Int($1.offered + $1.refused) }
    }
    let fingerprint = Fingerprint(tallies).description
    self.fingerprint = fingerprint
    violations = outcomes.flatMap(\.violations)
    lines = Self.lines(tallies, definitions)
    results = scenario.expectations.map { expectation in
      let scope = Scope(queue: expectation.queue, channel: expectation.channel)
      let estimate = tallies.estimate(Metric(expectation.metric), scope, definitions)
      return Result(
        expectation: expectation, estimate: estimate,
        verdict: estimate.map { expectation.verdict($0) } ?? .inconclusive)
    }
    fingerprintFinding = scenario.fingerprint.flatMap { expected in
      expected.text == fingerprint
        ? nil : Finding(at: expected.place, "the fingerprint is \(fingerprint), not \(expected.text)")
    }
  }

  private static func lines(_ tallies: [Tally], _ definitions: Definitions) -> [Line] {
    var lines: [Line] = []
    for (index, queue) in definitions.queues.enumerated() {
      for channel in Channel.allCases {
        let scope = Scope(queue: QueueID(index: UInt32(index)), channel: channel)
        func mean(_ metric: Metric) -> Double { tallies.estimate(metric, scope, definitions)?.value ?? 0 }
        func estimate(_ metric: Metric) -> Estimate? { tallies.estimate(metric, scope, definitions) }
        guard mean(.offered) + mean(.refused) > 0 else { continue }
        let level = queue.serviceLevel
        lines.append(
          Line(
            queue: queue.name, channel: "\(channel)", offered: mean(.offered), answered: mean(.answered),
            abandoned: mean(.abandoned), left: mean(.left), refused: mean(.refused),
            serviceLevel: estimate(.serviceLevel(level.metric, within: level.within)),
            serviceLevelName: "\(level.metric.rawValue)(\(Self.seconds(Double(level.within) / 1e6)))",
            waitMean: estimate(.waitMean), wait50: estimate(.waitQuantile(0.5)),
            wait95: estimate(.waitQuantile(0.95)), abandonRate: estimate(.abandonRate),
            occupancy: estimate(.occupancy)))
      }
    }
    return lines
  }

  /// Fail before inconclusive before pass; a broken rule or another fingerprint is a failure too.
  public var verdict: Verdict {
    let verdicts = results.map(\.verdict)
    if !violations.isEmpty || fingerprintFinding != nil || verdicts.contains(.fail) { return .fail }
    return verdicts.contains(.inconclusive) ? .inconclusive : .pass
  }

  static func seconds(_ value: Double) -> String {
    value == value.rounded() ? "\(Int(value))s" : "\(value)s"
  }
}

// MARK: For people

extension SimulationReport {
  /// A table with 95 % intervals, and a line per threshold.
  public var text: String {
    var text = "\(file): \(replications) replications, seed \(seed), \(contacts) contacts, fingerprint \(fingerprint)\n"
    let header = [
      "queue", "channel", "offered", "answered", "abandoned", "service level", "", "mean wait", "p50", "p95",
      "abandon rate",
      "occupancy",
    ]
    let rows = lines.map { line in
      [
        line.queue, line.channel, Self.fixed(line.offered, 1), Self.fixed(line.answered, 1),
        Self.fixed(line.abandoned, 1), Self.percent(line.serviceLevel), line.serviceLevelName, Self.wait(line.waitMean),
        Self.wait(line.wait50), Self.wait(line.wait95), Self.percent(line.abandonRate), Self.percent(line.occupancy),
      ]
    }
    text += "\n" + Self.table([header] + rows) + "\n"
    for result in results {
      let value = result.estimate.map { Self.value($0, result.expectation.metric) } ?? "nothing counted"
      text += "\(Self.mark(result.verdict)) \(result.expectation.text)   \(value)\n"
    }
    if let fingerprintFinding { text += "✗ \(fingerprintFinding.message)\n" }
    for violation in violations.prefix(10) { text += "✗ broken rule: \(violation)\n" }
    return text
  }

  private static func mark(_ verdict: Verdict) -> String {
    switch verdict {
    case .pass: "✓"
    case .fail: "✗"
    case .inconclusive: "? inconclusive, more replications may tell:"
    }
  }

  private static func value(_ estimate: Estimate, _ metric: Expectation.Metric) -> String {
    switch metric {
    case .serviceLevel, .abandonRate, .occupancy: percent(estimate)
    case .waitMean, .waitQuantile, .waitMaximum, .speedOfAnswer: wait(estimate)
    case .offered, .answered, .abandoned, .left, .refused: interval(estimate, 1, "")
    }
  }

  private static func percent(_ estimate: Estimate?) -> String {
    estimate.map { interval(Estimate(value: $0.value * 100, halfWidth: $0.halfWidth * 100), 1, " %") } ?? "-"
  }

  private static func wait(_ estimate: Estimate?) -> String { estimate.map { interval($0, 1, " s") } ?? "-" }

  private static func interval(_ estimate: Estimate, _ digits: Int, _ unit: String) -> String {
    let half = estimate.halfWidth.isFinite ? " ± \(fixed(estimate.halfWidth, digits))" : ""
    return fixed(estimate.value, digits) + half + unit
  }

  private static func fixed(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }

  /// Words to the left, numbers to the right.
  private static func table(_ rows: [[String]]) -> String {
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      let cells = row.indices.map { column -> String in
        let space = String(repeating: " ", count: widths[column] - row[column].count)
        return column < 2 || column == 6 ? row[column] + space : space + row[column]
      }
      return cells.joined(separator: "  ").trimmingSuffix(" ") + "\n"
    }.joined()
  }
}

extension String {
  fileprivate func trimmingSuffix(_ character: Character) -> String {
    var text = self
    while text.last == character { text.removeLast() }
    return text
  }
}

// MARK: For programs

extension SimulationReport: Encodable {
  private enum Key: String, CodingKey {
    case file, seed, replications, contacts, fingerprint, lines, thresholds, violations, verdict
  }
  private struct Threshold: Encodable {
    var text: String
    var line: Int
    var estimate: Estimate?
    var verdict: Verdict
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(file, forKey: .file)
    try container.encode(seed, forKey: .seed)
    try container.encode(replications, forKey: .replications)
    try container.encode(contacts, forKey: .contacts)
    try container.encode(fingerprint, forKey: .fingerprint)
    try container.encode(lines, forKey: .lines)
    let thresholds = results.map {
      Threshold(
        text: $0.expectation.text, line: $0.expectation.place.line, estimate: $0.estimate, verdict: $0.verdict)
    }
    try container.encode(thresholds, forKey: .thresholds)
    try container.encode(violations.map(\.description), forKey: .violations)
    try container.encode(verdict, forKey: .verdict)
  }

  public var json: String {
    get throws {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
  }

  /// What keeps the scenario from passing, at its places.
  public var findings: [Finding] {
    var findings: [Finding] = []
    for result in results where result.verdict != .pass {
      let value = result.estimate.map { Self.value($0, result.expectation.metric) } ?? "nothing counted"
      findings.append(
        Finding(
          result.verdict == .fail ? .error : .warning, at: result.expectation.place,
          "\(result.expectation.text): \(result.verdict.rawValue), \(value); replay with --seed \(seed) "
            + "--replications \(replications)"))
    }
    if let fingerprintFinding { findings.append(fingerprintFinding) }
    for violation in violations.prefix(10) {
      findings.append(Finding(at: Place(file: file), "broken rule: \(violation)"))
    }
    return findings
  }
}

extension Estimate: Encodable {
  private enum Key: String, CodingKey { case value, halfWidth }
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(value, forKey: .value)
    // JSON has no infinity.
    try container.encode(halfWidth.isFinite ? halfWidth : nil, forKey: .halfWidth)
  }
}
