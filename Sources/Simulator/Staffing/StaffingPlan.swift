import ACD
import CallControl
import Foundation
import Primitives
import SiteConfiguration

/// How many of each kind of agent to have in each interval, beside what formulas say.
public struct StaffingPlan: Sendable, Encodable {
  public let file: String
  public let seed: UInt64
  public let candidates: Int
  /// False if no number of agents was found that meets the thresholds; the numbers are then the last tried.
  public let isFound: Bool
  /// When each interval begins, as the site's clock shows it.
  public let intervals: [String]
  public let minutes: Int
  public let kinds: [Kind]
  public let thresholds: [Threshold]

  public struct Kind: Sendable, Encodable {
    /// An agent of the scenario who is of this kind, and how many the scenario has.
    public var like: String
    public var members: Int
    public var queues: [String]
    /// By interval.
    public var agents, erlangA, squareRoot: [Int]
  }
  /// Judged with callers whom the search has not met.
  public struct Threshold: Sendable, Encodable {
    public var text: String
    public var estimate: Estimate?
    public var verdict: Verdict
  }

  init(
    _ staffing: Staffing, isFound: Bool, agents: Staffing.Matrix, erlang: Staffing.Matrix, squareRoot: Staffing.Matrix,
    results: [SimulationReport.Result], report seed: UInt64
  ) {
    let scenario = staffing.scenario
    file = scenario.file
    self.seed = seed
    self.isFound = isFound
    candidates = staffing.tried
    minutes = Int(staffing.options.interval / .minutes(1))
    intervals = Wording.times(
      (0..<staffing.count).map { scenario.span.lowerBound + Int64($0) * staffing.options.interval },
      scenario.site.timeZone, isDated: scenario.span.upperBound - scenario.span.lowerBound > .minutes(24 * 60))
    kinds = staffing.kinds.enumerated().map { index, kind in
      Kind(
        like: scenario.definitions.agents[Int(kind.example.index)].name, members: kind.members,
        queues: kind.definition.queues.map { scenario.definitions.queues[Int($0.queue.index)].name },
        agents: agents[index], erlangA: erlang[index], squareRoot: squareRoot[index])
    }
    thresholds = results.map { Threshold(text: $0.expectation.text, estimate: $0.estimate, verdict: $0.verdict) }
    words = results.map(\.words)
  }

  /// Of the thresholds' values.
  private let words: [String]
  private enum CodingKeys: String, CodingKey {
    case file, seed, candidates, isFound, intervals, minutes, kinds, thresholds
  }

  /// Agents times hours.
  private func hours(_ numbers: (Kind) -> [Int]) -> Double {
    Double(kinds.reduce(0) { $0 + numbers($1).reduce(0, +) } * minutes) / 60
  }

  public var text: String {
    var text = "\(file): the least staffing that meets every threshold, \(candidates) candidates tried\n\n"
    if !isFound {
      text = "\(file): no staffing was found that meets every threshold; the last of \(candidates) tried\n\n"
    }
    let header = ["from"] + kinds.map { "like \($0.like)" } + ["together", "Erlang A", "square root"]
    var rows = [header]
    for place in intervals.indices {
      func sum(_ numbers: (Kind) -> [Int]) -> String { "\(kinds.reduce(0) { $0 + numbers($1)[place] })" }
      rows.append(
        [intervals[place]] + kinds.map { "\($0.agents[place])" } + [sum(\.agents), sum(\.erlangA), sum(\.squareRoot)])
    }
    rows.append(
      ["hours"] + kinds.map { Wording.fixed(Double($0.agents.reduce(0, +) * minutes) / 60, 1) }
        + [
          Wording.fixed(hours(\.agents), 1), Wording.fixed(hours(\.erlangA), 1), Wording.fixed(hours(\.squareRoot), 1),
        ])
    text += SimulationReport.table(rows, words: [0]) + "\n"
    for kind in kinds {
      text += "like \(kind.like) (\(kind.members) in the scenario): \(kind.queues.joined(separator: ", "))\n"
    }
    text += "Without breaks. Erlang A and the square-root rule look at each kind's own work alone.\n"
    text += "With other callers (seed \(seed)) than those it was fitted to:\n"
    for (threshold, words) in zip(thresholds, words) {
      let mark = threshold.verdict == .pass ? "✓" : threshold.verdict == .fail ? "✗" : "?"
      text += "\(mark) \(threshold.text)   \(words)\n"
    }
    return text
  }

  public var json: String {
    get throws {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
  }
}
