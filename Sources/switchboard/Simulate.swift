import ArgumentParser
import Foundation
import Simulator
import SiteConfiguration

/// `switchboard simulate FILE…`
struct Simulate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulate", abstract: "Run scenarios through the engine that serves live traffic.",
    discussion: """
      Exits 0 if every threshold is met, 1 if one is not, 2 if a file is bad, and 3 if the replications cannot tell.
      The same seed gives the same bytes on any machine and any number of threads.
      """)

  enum Format: String, ExpressibleByArgument, CaseIterable { case text, github }

  @Argument(help: "Scenario files.") var files: [String]
  @Flag(help: "Print JSON.") var json = false
  @Option(help: "text, or github for workflow annotations.") var format = Format.text
  @Option(help: "Instead of the scenario's seed.") var seed: UInt64?
  @Option(help: "Instead of the scenario's number, and no more for precision.") var replications: Int?
  @Option(help: "How many to run at once; all cores unless given.") var threads: Int?
  @Flag(help: "Check every step against the declared rules, without the engine's help.") var audit = false

  func validate() throws {
    if let replications, replications < 1 { throw ValidationError("--replications must be at least 1") }
    if let threads, threads < 1 { throw ValidationError("--threads must be at least 1") }
  }

  func run() throws {
    var options = Simulation.Options()
    options.seed = seed
    options.replications = replications
    options.threads = threads ?? options.threads
    options.isAudited = audit
    var reports: [SimulationReport] = []
    for scenario in try load() {
      let report = Simulation.run(scenario, options)
      reports.append(report)
      if !json { print(report.text, terminator: "") }
      if format == .github, !json { for finding in report.findings { print(finding.annotation) } }
    }
    if json { print("[" + (try reports.map { try $0.json }).joined(separator: ",\n") + "]") }
    let verdicts = reports.map(\.verdict)
    let worst: Verdict = verdicts.contains(.fail) ? .fail : verdicts.contains(.inconclusive) ? .inconclusive : .pass
    if worst != .pass { throw ExitCode(worst.exitCode) }
  }

  private func load() throws -> [Scenario] {
    do throws(ConfigurationError) {
      return try files.map { file throws(ConfigurationError) in try ScenarioFile.load(file) }
    } catch {
      for finding in error.findings {
        if format == .github { print(finding.annotation) } else { complain(finding.description) }
      }
      throw ExitCode(2)
    }
  }
}
