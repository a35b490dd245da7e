import ACD
import CallControl
import Foundation
import Primitives
public import SiteConfiguration

/// What the replications of a scenario came to. Only values: tables, JSON, JUnit and pages are made of them.
public struct SimulationReport: Sendable {
  public let file: String
  /// The name of the site.
  public let site: String
  /// The simulated time, in words of the site's time zone.
  public let span: String
  public let seed: UInt64
  public let replications: Int
  /// Over all replications.
  public let contacts: Int
  /// Sixteen hexadecimal digits over every outcome: the same seed gives the same ones on any machine.
  public let fingerprint: String
  public let lines: [Line]
  public let results: [Result]
  /// Of the intervals by which thresholds are judged; more than 95 % where they were looked at several times.
  public let confidence: Double
  /// Where another fingerprint was expected.
  public let fingerprintFinding: Finding?
  /// Rules that the auditor saw broken.
  public let violations: [Violation]
  /// The day by intervals, if asked for.
  public let course: Course?
  /// Against another configuration.
  public internal(set) var comparison: Comparison?
  /// What a reader must know of how this was made.
  public internal(set) var remarks: [String] = []
  /// The command and options that repeat it, without the seed and the replications.
  public internal(set) var command: String

  /// By `QueueID`.
  let queueNames: [String]

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
    /// By which it was judged; nil if there was nothing to count.
    public var estimate: Estimate?
    public var verdict: Verdict
    /// Nobody came in any replication, and nobody would in more of them.
    public var isEmpty = false
    /// Of a quantile: the share of waits up to the threshold, by which it was judged.
    public var within: Estimate?
  }

  init(_ scenario: Scenario, seed: UInt64, _ outcomes: [Replications.Outcome], confidence: Double = 0.95) {
    let tallies = outcomes.map(\.tally)
    let definitions = scenario.definitions
    file = scenario.file
    site = scenario.site.name
    span = Wording.span(scenario.begin..<scenario.span.upperBound, scenario.site.timeZone)
    command =
      "switchboard simulate \(scenario.file)" + (scenario.live.map { " --live \($0.source)" } ?? "")
    remarks = scenario.live.map { ["It begins with the live site of \($0.source): \($0.words)."] } ?? []
    self.seed = seed
    self.confidence = confidence
    queueNames = definitions.queues.map(\.name)
    replications = tallies.count
    contacts = tallies.reduce(0) { sum, tally in
      sum + tally.groups.reduce(0) { $0 + Int($1.offered + $1.refused) }
    }
    let fingerprint = Fingerprint(tallies).description
    self.fingerprint = fingerprint
    violations = outcomes.flatMap(\.violations)
    let scopes = Self.scopes(definitions) { tallies.sample($0, $1, definitions)?.value }
    lines = scopes.map { scope in
      Line(scope, definitions) { tallies.sample($0, scope, definitions) }
    }
    results = scenario.expectations.map { expectation in
      let estimate = tallies.estimate(
        Metric(expectation.metric), Scope(expectation), definitions, confidence: confidence)
      var result = Result(
        expectation: expectation, estimate: estimate,
        verdict: expectation.judged(tallies, definitions, confidence))
      let came = [Metric.offered, .refused].compactMap { tallies.sample($0, Scope(expectation), definitions)?.value }
      result.isEmpty = came.allSatisfy { $0 == 0 }
      if case .waitQuantile = expectation.metric {
        result.within = tallies.share(upTo: expectation.value, Scope(expectation))?.estimate(confidence)
      }
      return result
    }
    fingerprintFinding = scenario.fingerprint.flatMap { expected in
      expected.text == fingerprint
        ? nil : Finding(at: expected.place, "the fingerprint is \(fingerprint), not \(expected.text)")
    }
    course = Course(scenario, tallies)
  }

  /// Queues and channels in which somebody called, in the order of the definitions.
  static func scopes(_ definitions: Definitions, _ value: (Metric, Scope) -> Double?) -> [Scope] {
    definitions.queues.indices.flatMap { index in
      Channel.allCases.map { Scope(queue: QueueID(index: UInt32(index)), channel: $0) }
    }.filter { (value(.offered, $0) ?? 0) + (value(.refused, $0) ?? 0) > 0 }
  }

  /// Fail before inconclusive before pass; a broken rule or another fingerprint is a failure too.
  public var verdict: Verdict {
    let verdicts = results.map(\.verdict)
    if !violations.isEmpty || fingerprintFinding != nil || verdicts.contains(.fail) { return .fail }
    return verdicts.contains(.inconclusive) ? .inconclusive : .pass
  }

  /// What keeps the scenario from passing, at its places.
  public var findings: [Finding] {
    var findings: [Finding] = []
    for result in results where result.verdict != .pass {
      findings.append(
        Finding(
          result.verdict == .fail ? .error : .warning, at: result.expectation.place,
          "\(result.expectation.text): \(result.verdict.rawValue), \(result.words); repeat with `\(repetition)`"))
    }
    if let fingerprintFinding { findings.append(fingerprintFinding) }
    for violation in violations.prefix(10) {
      findings.append(Finding(at: Place(file: file), "broken rule: \(violation)"))
    }
    return findings
  }

  /// The command that gives these very numbers again.
  public var repetition: String { "\(command) --seed \(seed) --replications \(replications)" }
}

extension SimulationReport.Line {
  init(_ scope: Scope, _ definitions: Definitions, _ sample: (Metric) -> Sample?) {
    let queue = definitions.queues[Int(scope.queue?.index ?? 0)]
    func value(_ metric: Metric) -> Double { sample(metric)?.value ?? 0 }
    func estimate(_ metric: Metric) -> Estimate? { sample(metric)?.estimate() }
    self.queue = queue.name
    channel = scope.channel.map { "\($0)" } ?? "all"
    offered = value(.offered)
    answered = value(.answered)
    abandoned = value(.abandoned)
    left = value(.left)
    refused = value(.refused)
    serviceLevel = estimate(.serviceLevel(queue.serviceLevel.metric, within: queue.serviceLevel.within))
    serviceLevelName =
      "\(queue.serviceLevel.metric.rawValue)(\(Wording.threshold(queue.serviceLevel.within)))"
    waitMean = estimate(.waitMean)
    wait50 = estimate(.waitQuantile(0.5))
    wait95 = estimate(.waitQuantile(0.95))
    abandonRate = estimate(.abandonRate)
    occupancy = estimate(.occupancy)
  }
}

extension SimulationReport.Result {
  /// The value with its interval, as people write it.
  var words: String {
    guard let estimate else { return isEmpty ? "no contact arrived, so nothing can be judged" : "nothing counted" }
    let within = within.map { "; \(Wording.percent($0)) within \(Wording.duration(expectation.value))" }
    return Wording.value(estimate, expectation.metric) + (within ?? "")
  }
}

/// How the same callers fared under another configuration: differences replication by replication, this one minus
/// the base.
public struct Comparison: Sendable, Encodable {
  /// The folder of the other configuration's site, or what else it is called.
  public var base: String
  public var fingerprint: String
  /// Differences in every field; a queue that the base does not have is left out.
  public var lines: [SimulationReport.Line]
  public var thresholds: [Threshold]

  public struct Threshold: Sendable, Encodable {
    public var text: String
    public var base: Estimate?
    public var difference: Estimate?
  }

  init(
    _ scenario: Scenario, _ tallies: [Tally], to base: Scenario, _ others: [Tally], named name: String? = nil
  ) {
    self.base = name ?? base.folder
    fingerprint = Fingerprint(others).description
    let definitions = scenario.definitions
    /// The same queue of the base.
    func counterpart(_ scope: Scope) -> Scope? {
      guard let queue = scope.queue else { return scope }
      let name = definitions.queues[Int(queue.index)].name
      let index = base.definitions.queues.firstIndex { $0.name == name && !$0.isRemoved }
      return index.map { Scope(queue: QueueID(index: UInt32($0)), channel: scope.channel) }
    }
    func difference(_ metric: Metric, _ scope: Scope, _ other: Scope) -> Sample? {
      guard let a = tallies.sample(metric, scope, definitions),
        let b = others.sample(metric, other, base.definitions)
      else { return nil }
      return a - b
    }
    lines = SimulationReport.scopes(definitions) { metric, scope in
      tallies.sample(metric, scope, definitions)?.value
    }.compactMap { scope in
      counterpart(scope).map { other in
        SimulationReport.Line(scope, definitions) { difference($0, scope, other) }
      }
    }
    thresholds = scenario.expectations.map { expectation in
      let metric = Metric(expectation.metric)
      let other = counterpart(Scope(expectation))
      return Threshold(
        text: expectation.text, base: other.flatMap { others.estimate(metric, $0, base.definitions) },
        difference: other.flatMap { difference(metric, Scope(expectation), $0)?.estimate() })
    }
  }
}
