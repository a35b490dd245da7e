import ArgumentParser
import Foundation

/// The command line. Each subcommand is a thin shell around one module.
@main
struct Root: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "switchboard",
    abstract: "A click-to-call contact-centre router: calls and chats wait in one queue, agents take them.",
    version: "0.1.0",
    subcommands: [
      Serve.self, CheckCommand.self, Simulate.self, ReplayCommand.self, Staff.self, ConsoleCommand.self,
      ReportCommand.self, WhyCommand.self, MigrateWaiting.self, Inspect.self, Schema.self, TokenCommand.self,
    ])
}

/// Does what the person asked for. What fails is said on standard error and ends the program with code 1.
func answer<Answer>(_ question: () async throws -> Answer) async throws -> Answer {
  do {
    return try await question()
  } catch {
    complain("\(error)")
    throw ExitCode(1)
  }
}

/// Writes one line to standard error.
func complain(_ line: String) {
  FileHandle.standardError.write(Data((line + "\n").utf8))
}
