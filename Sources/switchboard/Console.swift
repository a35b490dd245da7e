import ArgumentParser
import Console
import Foundation

/// `switchboard console`
struct ConsoleCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "console", abstract: "The agent's console: queues, offers, contacts and conversations.",
    discussion: "The token is an agent's; the environment variable SWITCHBOARD_TOKEN hides it from lists of processes.")

  @Option(help: "The server's address.") var server = "http://127.0.0.1:8080"
  @OptionGroup var login: Login
  @Flag(help: "One line per event, commands from standard input. So it is without a terminal, too.") var plain = false

  func run() async throws {
    try await answer {
      let console = AgentConsole(address: server, token: try login.bearer())
      if plain || !AgentConsole.hasScreen { try await console.runPlain() } else { try await console.runScreen() }
    }
  }
}

/// Who asks: a token on the command line, in a file, or in the environment.
struct Login: ParsableArguments {
  struct Refusal: Error, CustomStringConvertible { let description: String }

  @Option(help: "The bearer token.") var token: String?
  @Option(help: "A file that holds the token.") var tokenFile: String?

  func bearer() throws -> String {
    if let token { return token }
    if let tokenFile {
      guard let text = try? String(contentsOfFile: tokenFile, encoding: .utf8) else {
        throw Refusal(description: "The token's file \(tokenFile) cannot be read.")
      }
      return text.trimmingCharacters(in: .whitespacesAndNewlines)
    }
    guard let token = ProcessInfo.processInfo.environment["SWITCHBOARD_TOKEN"], !token.isEmpty else {
      throw Refusal(description: "A token is needed: --token, --token-file or SWITCHBOARD_TOKEN.")
    }
    return token
  }
}
