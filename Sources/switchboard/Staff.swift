import ArgumentParser
import Foundation
import Primitives
import Simulator
import SiteConfiguration

/// `switchboard staff FILE`
struct Staff: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "staff", abstract: "Find the least staffing that meets a scenario's thresholds, interval by interval.",
    discussion: """
      Starts at Erlang A and tries one agent more or less, with the same callers for every candidate; then judges the
      result with callers it has not met. Thresholds on service levels, abandonment and the mean wait must hold in each
      interval, others over the whole time. Exits 0 if it found one, 1 if not, 2 if the file is bad.
      """)

  @Argument(help: "A scenario file.") var file: String
  @Option(help: "Length of an interval in minutes.") var interval = 30
  @Option(help: "Instead of the scenario's seed.") var seed: UInt64?
  @Option(help: "Instead of the scenario's number.") var replications: Int?
  @Option(help: "How many to run at once; all cores unless given.") var threads: Int?
  @Flag(help: "Print JSON.") var json = false
  @Flag(help: "Show progress on standard error even if it is no terminal.") var progress = false

  func validate() throws {
    guard (5...1440).contains(interval) else { throw ValidationError("--interval must be 5 to 1440 minutes") }
    if let replications, replications < 1 { throw ValidationError("--replications must be at least 1") }
    if let threads, threads < 1 { throw ValidationError("--threads must be at least 1") }
  }

  func run() throws {
    var options = Staffing.Options()
    options.interval = .minutes(Int64(interval))
    options.seed = seed
    options.replications = replications
    options.threads = threads ?? options.threads
    let meter = ProgressMeter.shown(file, "candidates", isForced: progress)
    if let meter { options.progress = { tried in meter.report(tried, nil) } }
    do {
      var staffing = try Staffing(try ScenarioFile.load(file), options)
      let plan = staffing.plan()
      meter?.finish()
      print(json ? try plan.json : plan.text, terminator: json ? "\n" : "")
      if !plan.isFound { throw ExitCode(1) }
    } catch let error as ConfigurationError {
      for finding in error.findings { complain(finding.description) }
      throw ExitCode(2)
    } catch let error as Staffing.Refusal {
      complain("\(file): \(error)")
      throw ExitCode(2)
    }
  }
}
