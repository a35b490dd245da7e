public import ArgumentParser
import Foundation
public import Journal
import Logging
import Service
import SiteConfiguration

/// `switchboard serve [Queues]`
struct Serve: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Serve a site: SIP, HTTP, queues and agents.",
    discussion: "SIGHUP reads the configuration anew; SIGTERM stops.")

  enum LogFormat: String, ExpressibleByArgument, CaseIterable { case json, text }

  @Argument(help: "The folder of YAML files.") var folder = "Queues"
  @Option(help: "Where the journal and keys are kept.") var data = "var"
  @Flag(help: "Add a demo page, two robot agents and one login, on loopback only.") var demo = false
  @Option(help: "json for machines, text for people.") var logFormat = LogFormat.json
  @Option(help: "process survives kill -9; power_loss waits for the disk at each commit.")
  var durability = Durability.process

  func run() async throws {
    let format = demo ? LogFormat.text : logFormat
    LoggingSystem.bootstrap { label in
      var handler: any LogHandler = format == .json ? JSONLogHandler() : StreamLogHandler.standardError(label: label)
      handler.logLevel = .info
      return handler
    }
    let service = SwitchboardService(
      options: .init(folder: folder, dataFolder: data, isDemo: demo, durability: durability),
      logger: Logger(label: "switchboard"),
      say: { line in
        print(line); fflush(nil)
      })
    do {
      try await service.run()
    } catch let error as ConfigurationError {
      complain("\(error)")
      throw ExitCode(1)
    } catch let error as SwitchboardService.Failure {
      complain("\(error)")
      throw ExitCode(1)
    } catch let error as JournalError {
      complain("\(error)")
      throw ExitCode(1)
    }
  }
}

extension Durability: ExpressibleByArgument {}
