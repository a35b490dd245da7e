import ArgumentParser
import Foundation
import Service
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

  @Argument(help: "Scenario files.") var files: [String]
  @Option(help: "Compare with another configuration, a folder like Queues, that meets the same callers.")
  var base: String?
  @Option(help: "Begin with a live site: the data folder of a server that runs or not, as of its last record.")
  var live: String?
  @Option(help: "Instead of the scenario's seed.") var seed: UInt64?
  @Option(help: "Instead of the scenario's number, and no more for precision.") var replications: Int?
  @Option(help: "How many to run at once; all cores unless given.") var threads: Int?
  @Flag(help: "Check every step against the declared rules, without the engine's help.") var audit = false
  @OptionGroup var output: ReportOutput

  func validate() throws {
    if let replications, replications < 1 { throw ValidationError("--replications must be at least 1") }
    if let threads, threads < 1 { throw ValidationError("--threads must be at least 1") }
    if live != nil, audit { throw ValidationError("--audit does not know what came before --live") }
  }

  func run() throws {
    var options = Simulation.Options()
    options.seed = seed
    options.replications = replications
    options.threads = threads ?? options.threads
    options.isAudited = audit
    options.isByInterval = output.isByInterval
    var reports: [SimulationReport] = []
    for (scenario, base) in try load() {
      let meter = output.meter(scenario.file)
      if let meter { options.progress = { done, wanted in meter.report(done, wanted) } }
      reports.append(Simulation.run(scenario, base: base, options))
      meter?.finish()
    }
    try output.write(reports)
  }

  private func load() throws -> [(Scenario, Scenario?)] {
    let live = try liveState()
    do throws(ConfigurationError) {
      return try files.map { file throws(ConfigurationError) in
        (
          try ScenarioFile.load(file, from: live),
          try base.map { site throws(ConfigurationError) in
            try ScenarioFile.loadBase(file, site: site, from: live)
          }
        )
      }
    } catch {
      throw output.refuse(error)
    }
  }

  private func liveState() throws -> LiveState? {
    do {
      return try live.map { try LiveState(dataFolder: $0) }
    } catch {
      complain("\(error)")
      throw ExitCode(2)
    }
  }
}
