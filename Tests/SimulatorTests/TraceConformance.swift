import ACD
import Foundation
import Primitives
import Testing

@testable import Simulator

/// Contacts with their handle times and patience, and the one correct outcome of each.
struct Trace {
  enum Refusal: Error { case rule(String) }

  private(set) var plan: Plan
  /// By type and number: outcome, wait in milliseconds, agent (1 is the first).
  private var expected: [[(isAnswered: Bool, wait: Int64, agent: Int?)]] = []

  /// How the engine is set up for a rule of the page.
  private struct Setting {
    /// A freed agent takes what it ranks best first, the oldest among those.
    var takesByRank = false
    /// An arriving call goes to who ranks it best first, the longest idle among those.
    var goesByRank = false
    /// An agent's other skills count from this wait on, in microseconds.
    var overflow: Int64?

    init(_ rule: (takes: String, goes: String)) throws {
      let (takes, goes) = rule
      guard takes.contains("oldest"), goes.contains(/longest.idle/) else { throw Self.refusal(rule) }
      if goes.contains("whose first skill it is") {
        guard let match = takes.firstMatch(of: /other skills that have waited >= ([\d ]+) ms/),
          let limit = Int64(match.1.filter { $0 != " " })
        else { throw Self.refusal(rule) }
        overflow = limit * 1_000
        return
      }
      takesByRank = takes.contains("rank")
      goesByRank = goes.contains("rank")
      // The engine's order is the agent's rank, then the contact's priority, then age.
      if let rank = takes.firstRange(of: "rank"), let priority = takes.firstRange(of: "priority") {
        guard rank.lowerBound < priority.lowerBound else { throw Self.refusal(rule) }
      }
    }

    private static func refusal(_ rule: (takes: String, goes: String)) -> Refusal {
      .rule("freed agent takes \(rule.takes); arriving call goes to \(rule.goes)")
    }
  }

  /// - Parameter rule: what the page says of this trace: whom a freed agent takes, and to whom an arrival goes.
  init(calls: URL, agents: URL, rule: (takes: String, goes: String)) throws {
    let setting = try Setting(rule)
    let calls = try Table(calls).rows
    let agents = try Table(agents).rows
    var definitions = Definitions()
    let types = Set(calls.compactMap { $0["type"] }).sorted()
    definitions.queues = types.map { QueueDefinition(name: $0) }
    for type in types.indices {
      if setting.goesByRank { definitions.queues[type].prefersSkill(type) }
      if let after = setting.overflow {
        var others = QueueDefinition(name: "\(types[type]) as another skill")
        others.prefersSkill(type)
        definitions.queues.append(others)
        definitions.queues[type].ladder = [
          LadderStep(after: after, changes: [.also(QueueID(index: UInt32(types.count + type)))])
        ]
      }
    }
    let last = calls.compactMap { $0["arrival_ms"].flatMap(Int64.init) }.max() ?? 0
    let end = (last + 1) * 1_000
    var shifts: [Plan.Shifts] = []
    for (index, row) in agents.enumerated() {
      var agent = AgentDefinition(name: row["agent"] ?? "")
      for (rank, skill) in (row["skills"] ?? "").split(separator: ">").enumerated() {
        guard let type = types.firstIndex(of: String(skill)) else { continue }
        // Behind the queues of the types stand those of the agents who have a type as another skill.
        let queue = setting.overflow != nil && rank > 0 ? types.count + type : type
        agent.queues.append(.init(queue: QueueID(index: UInt32(queue)), rank: setting.takesByRank ? UInt8(rank) : 0))
        agent.skills.append(.init(skill: SkillID(index: UInt16(type)), level: UInt8(100 - rank)))
      }
      if setting.takesByRank { agent.take = .agentRank }
      agent.skills.sort { $0.skill < $1.skill }
      definitions.agents.append(agent)
      let on = (row["on_ms"].flatMap(Int64.init) ?? 0) * 1_000
      let off = row["off_ms"].flatMap(Int64.init).map { $0 * 1_000 } ?? 1_000 * end
      shifts.append(Plan.Shifts(agent: AgentID(index: UInt32(index)), spans: [on..<off]))
    }
    plan = Plan(definitions: definitions, start: Instant(microseconds: 0), end: Instant(microseconds: end))
    plan.agents = shifts
    for (queue, type) in types.enumerated() {
      let own = calls.filter { $0["type"] == type }
      let records = own.map { row -> Plan.Record in
        func time(_ column: String) -> Int64 { (row[column].flatMap(Int64.init) ?? 0) * 1_000 }
        // A trace's first class is its highest; ours is the highest number.
        return Plan.Record(
          arrival: time("arrival_ms"), patience: time("patience_ms"), handle: time("handle_ms"),
          priority: -(row["priority"].flatMap(Int16.init) ?? 0))
      }
      plan.add(Plan.Callers(queue: QueueID(index: UInt32(queue))), records: records)
      expected.append(
        own.map {
          ($0["outcome"] == "answered", $0["wait_ms"].flatMap(Int64.init) ?? -1, $0["agent"].flatMap(Int.init))
        })
    }
  }

  /// - Returns: how many contacts there were, and what differed.
  func differences() -> (contacts: Int, differences: [String]) {
    // The auditor judges by one list for each queue; a ladder's second list is proved by the expected outcomes alone.
    let isAudited = plan.definitions.queues.allSatisfy { $0.ladder.isEmpty }
    var world = World(plan: plan, seed: 0, replication: 0, isAudited: isAudited)
    var differences: [String] = []
    var seen = 0
    world.onLeaving = { leaving in
      let (type, number, wait, agent) = (leaving.callers, leaving.number, leaving.wait, leaving.agent)
      let outcome = leaving.outcome
      seen += 1
      let (isAnswered, expectedWait, expectedAgent) = expected[type][Int(number)]
      let isSame =
        isAnswered == (outcome == .answered) && expectedWait * 1_000 == wait
        && (!isAnswered || expectedAgent == Int(agent.index) + 1)
      if !isSame { differences.append("type \(type), call \(number): \(outcome) after \(wait) µs by \(agent)") }
    }
    world.run()
    if let violation = world.violations.first { differences.append("\(violation)") }
    let all = expected.reduce(0) { $0 + $1.count }
    if seen != all { differences.append("\(seen) outcomes of \(all) contacts") }
    return (seen, differences)
  }

  /// The rules of the traces, by number, as the table of the folder's page has them.
  static func rules(_ folder: URL) throws -> [Int: (takes: String, goes: String)] {
    let page = try String(contentsOf: folder.appendingPathComponent("README.md"), encoding: .utf8)
    var rules: [Int: (takes: String, goes: String)] = [:]
    let lines = page.split(separator: "\n").drop { !$0.hasPrefix("| trace |") }
    for line in lines.prefix(while: { $0.hasPrefix("|") }).dropFirst(2) {
      let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
      guard cells.count == 3 else { continue }
      for number in cells[0].matches(of: /(\d+) \(/) {
        if let number = Int(number.1) { rules[number] = (cells[1], cells[2]) }
      }
    }
    return rules
  }

  /// Runs every trace of a folder.
  /// - Returns: names of those run, and of those not run with the reason.
  static func check(_ folder: URL) throws -> (run: [String], skipped: [String]) {
    let rules = try rules(folder)
    var run: [String] = []
    var skipped: [String] = []
    for calls in ReferenceFolder.files(folder.appendingPathComponent("traces"), ".calls.csv") {
      let name = String(calls.lastPathComponent.dropLast(".calls.csv".count))
      let agents = calls.deletingLastPathComponent().appendingPathComponent("\(name).agents.csv")
      guard let number = Int(name.drop { !$0.isNumber }), let rule = rules[number] else {
        skipped.append("\(name): no rule is written for it")
        continue
      }
      do {
        let (contacts, differences) = try Trace(calls: calls, agents: agents, rule: rule).differences()
        #expect(contacts > 0)
        #expect(differences.isEmpty, "\(name): \(differences.count), such as \(differences.prefix(3))")
        run.append(name)
      } catch Refusal.rule(let text) {
        skipped.append("\(name): the engine has no such policy yet: \(text)")
      }
    }
    return (run, skipped)
  }
}

extension QueueDefinition {
  /// Agents who rank the skill better come first, then the longest idle.
  fileprivate mutating func prefersSkill(_ type: Int) {
    policy = .bestSkilled
    prefer = [.init(skill: SkillID(index: UInt16(type)), level: 100)]
  }
}

@Suite("Routing traces")
struct TraceTests {
  @Test("Every trace comes out exactly, call by call")
  func own() throws {
    let (run, skipped) = try Trace.check(ReferenceFolder.own)
    #expect(run == ["trace-1", "trace-3", "trace-5", "trace-7"] && skipped.isEmpty)
  }
}

@Suite("Routing trace conformance", .enabled(if: ReferenceFolder.named != nil))
struct TraceConformance {
  @Test("Every trace whose policy the engine has comes out exactly")
  func all() throws {
    let (run, skipped) = try Trace.check(try #require(ReferenceFolder.named))
    #expect(run.count + skipped.count > 0)
    print("traces: \(run.joined(separator: ", ")) exact, \(skipped.count) skipped")
    for line in skipped { print("traces: skipped \(line)") }
  }
}
