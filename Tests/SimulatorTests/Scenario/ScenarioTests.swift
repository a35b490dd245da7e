import ACD
import Foundation
import Primitives
import SiteConfiguration
import Testing

@testable import Simulator

@Suite("Scenarios")
struct ScenarioTests {
  private static let repository = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// A scenario over the repository's own site.
  private func scenario(expect: [String] = [], runs: String = "{ seed: 5, replications: 10 }", more: String = "") throws
    -> Scenario
  {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("scenario-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appendingPathComponent("scenario.yaml")
    let text = """
      site: ../Queues
      span: { start: "2026-11-23T08:00", end: "12:00" }
      callers:
        visitors:
          queue: support
          arrivals: { per_hour: [10, 20, 30, 20], overdispersion: 0.2 }
          channel: { voice: 0.5, chat: 0.5 }
          needs: { lang_en: 0.5, lang_de: 0.25 }
          patience: { hyperexponential: [{ probability: 0.2, mean: 10s }, { probability: 0.8, mean: 4m }] }
          handle: { voice: { gamma: { mean: 4m, cv: 0.5 } }, chat: { empirical: [3m, 5m, 10m] } }
          redial: { probability: 0.4, after: 5m }
      agents:
        amina: { shift: "08:00-11:00", breaks: ["09:00 10m"], misses: 0.1 }
        chiara: { answers_in: { exponential: { mean: 5s } } }
      runs: \(runs)
      expect: [\(expect.map { "\"\($0)\"" }.joined(separator: ", "))]
      \(more)
      """
    try text.write(to: file, atomically: true, encoding: .utf8)
    return try ScenarioFile.load(file.path, site: Self.repository.appendingPathComponent("Queues").path)
  }

  @Test("A scenario becomes a plan: instants, rates, shares, laws and shifts")
  func plan() throws {
    let scenario = try scenario(expect: ["support.sl.ignored(45s) >= 0.1"])
    let plan = Plan(scenario)
    let hour: Int64 = .minutes(60)
    #expect(plan.end - plan.start == 4 * hour)
    #expect(plan.thresholds.contains(.seconds(45)))
    let callers = try #require(plan.callers.first)
    #expect(plan.rates.map { ($0 * Double(hour)).rounded() } == [10, 20, 30, 20])
    #expect(abs(callers.busyness - 25) < 1e-9)
    #expect(callers.voice == 0.5)
    #expect(callers.redial == 0.4)
    #expect(callers.handleVoice == .gamma(mean: 240e6, cv: 0.5))
    #expect(plan.profiles.map { ($0.upTo * 100).rounded() } == [50, 75, 100])
    // The queue's own needs stay: English at 50 for everybody.
    #expect(plan.profiles.allSatisfy { !plan.definitions.profiles[Int($0.profile.index)].needs.isEmpty })
    #expect(
      plan.agents.map(\.spans) == [
        [plan.start.microseconds..<(plan.start.microseconds + 3 * hour)],
        [plan.start.microseconds..<plan.end.microseconds],
      ])
    #expect(plan.agents[0].misses == 0.1)
    #expect(plan.agents[1].answersIn == .exponential(mean: 5e6))
  }

  @Test("A threshold passes, fails, or cannot be told, and the exit code says which")
  func verdicts() throws {
    func verdict(_ expect: String, runs: String = "{ seed: 5, replications: 10 }") throws -> Verdict {
      Simulation.run(try scenario(expect: [expect], runs: runs)).verdict
    }
    #expect(try verdict("*.offered >= 40") == .pass)
    #expect(try verdict("support.abandon_rate >= 0.99") == .fail)
    #expect(try verdict("support.occupancy >= 0.05", runs: "{ seed: 5, replications: 1 }") == .inconclusive)
    #expect([Verdict.pass, .fail, .inconclusive].map(\.exitCode) == [0, 1, 3])
  }

  @Test("Replications are added until a threshold is decided, and no further than the bound")
  func precision() throws {
    let easy = try scenario(
      expect: ["*.offered >= 40"], runs: "{ seed: 5, replications: 4, relative_precision: 0.0001 }")
    #expect(Simulation.run(easy).replications < 4 * Simulation.growth)
    let level = Simulation.run(easy)
    let exact = try #require(level.results[0].estimate?.value)
    let undecidable = try scenario(
      expect: ["*.offered == \(exact)"], runs: "{ seed: 5, replications: 2, relative_precision: 0.0001 }")
    #expect(Simulation.run(undecidable).replications == 2 * Simulation.growth)
  }

  @Test("Another fingerprint than the one written fails and names the new one")
  func fingerprint() throws {
    let report = Simulation.run(try scenario())
    let same = Simulation.run(try scenario(more: "fingerprint: \"\(report.fingerprint)\""))
    #expect(same.verdict == .pass)
    let other = Simulation.run(try scenario(more: "fingerprint: 0123456789abcdef"))
    #expect(other.verdict == .fail)
    #expect(try #require(other.fingerprintFinding).message.contains(report.fingerprint))
  }

  @Test("The report is a table for people, JSON for programs and annotations for a workflow")
  func report() throws {
    let report = Simulation.run(try scenario(expect: ["support.answered <= 1", "*.offered >= 1"]))
    #expect(report.text.contains("support"))
    #expect(report.text.contains("✗ support.answered <= 1"))
    #expect(report.text.contains("✓ *.offered >= 1"))
    let object = try JSONSerialization.jsonObject(with: Data(try report.json.utf8)) as? [String: Any]
    #expect(object?["verdict"] as? String == "fail")
    #expect((object?["thresholds"] as? [Any])?.count == 2)
    #expect(report.findings.count == 1)
    #expect(report.findings[0].annotation.hasPrefix("::error"))
    var options = Simulation.Options()
    options.threads = 1
    let other = Simulation.run(try scenario(expect: ["support.answered <= 1", "*.offered >= 1"]), options)
    #expect(
      other.text.split(separator: "\n").dropFirst() == report.text.split(separator: "\n").dropFirst())
  }

  @Test("The scenarios of the repository pass, and the auditor finds no broken rule")
  func ours() throws {
    let folder = Self.repository.appendingPathComponent("Simulations")
    let files = ReferenceFolder.files(folder, ".yaml")
    #expect(!files.isEmpty)
    for file in files {
      var options = Simulation.Options()
      options.isAudited = true
      let report = Simulation.run(try ScenarioFile.load(file.path), options)
      #expect(report.verdict == .pass, "\(report.text)")
    }
  }
}
