import ArgumentParser
import Foundation
import Journal
import Primitives
import Simulator
import SiteConfiguration

/// `switchboard replay --journal FILE`
struct ReplayCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay", abstract: "Rerun recorded traffic under another configuration or staffing.",
    discussion: """
      Arrivals, queues, needs, channels and handle times are the recorded ones, and so are the agents' sign-ins and
      breaks unless --staffing names others. The patience of whoever was answered is drawn beyond the wait that was seen
      (Kaplan-Meier); the report says how many contacts that concerns. Exits like `simulate`; thresholds come from the
      scenario of --staffing.
      """)

  @Option(help: "A journal, or the data folder of a server that runs or not.") var journal: String
  @Option(help: "The configuration to replay it under.") var site = "Queues"
  @Option(help: "A scenario whose agents and thresholds to take instead of the recorded agents.") var staffing: String?
  @OptionGroup var window: TimeWindow
  @Option(help: "What is drawn is drawn from this seed.") var seed: UInt64?
  @Option(help: "How often what is not known is drawn; 10 unless given.") var replications: Int?
  @Option(help: "How many to run at once; all cores unless given.") var threads: Int?
  @OptionGroup var output: ReportOutput

  func validate() throws {
    if let replications, replications < 1 { throw ValidationError("--replications must be at least 1") }
    if let threads, threads < 1 { throw ValidationError("--threads must be at least 1") }
  }

  func run() throws {
    var options = Simulation.Options()
    options.seed = seed
    options.replications = replications
    options.threads = threads ?? options.threads
    options.isByInterval = output.isByInterval
    let recording = try record()
    do {
      let staffing = try staffing.map { file throws(ConfigurationError) in try ScenarioFile.load(file, site: site) }
      let scenario = try recording.scenario(
        journal: journal, site: try SiteFolder.load(site), folder: site, staffing: staffing)
      let meter = output.meter(journal)
      if let meter { options.progress = { done, wanted in meter.report(done, wanted) } }
      let report = try Replay(recording, scenario).run(options)
      meter?.finish()
      try output.write([report])
    } catch let error as ConfigurationError {
      throw output.refuse(error)
    } catch let error as Replay.Refusal {
      complain("\(journal): \(error)")
      throw ExitCode(2)
    }
  }

  /// The simulator folds records, and does not know how they are stored.
  private func record() throws -> Recording {
    do {
      var isFolder: ObjCBool = false
      let path =
        FileManager.default.fileExists(atPath: journal, isDirectory: &isFolder) && isFolder.boolValue
        ? journal + "/journal.sqlite" : journal
      let reader = try JournalReader(path: path)
      var recording = Recording(names: try reader.names(), window: try window.range)
      try reader.forEachRecord(after: 0) { recording.observe($0) }
      recording.finish()
      return recording
    } catch let error as JournalError {
      complain("\(error)")
      throw ExitCode(2)
    }
  }
}
