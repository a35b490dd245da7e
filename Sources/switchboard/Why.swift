import API
import ArgumentParser
import Console
import Foundation
import Service

/// `switchboard why ct_…`
struct WhyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "why", abstract: "Explain why a contact went where it went, or not to an agent.",
    discussion: """
      Replays the journal to just before the decision, under the configuration that was in force, and lists what the
      engine tested, with the values that it compared. Without --server the journal of a server that runs or not is read,
      and a contact that waits is explained as of the last record. Times are UTC.
      """)

  @Argument(help: "The contact, as ct_….") var contact: String
  @Option(help: "An agent, by name: why not to this one?") var agent: String?
  @Option(help: "Another of the contact's offers, as of_123.") var offer: String?
  @Option(help: "The server's data folder.") var data = "var"
  @Option(help: "Ask a running server instead, as http://127.0.0.1:8080.") var server: String?
  @OptionGroup var login: Login
  @Flag(help: "Print JSON.") var json = false

  func run() async throws {
    let why = try await answer {
      if let server {
        try await Remote(server, token: try login.bearer()).why(contact, agent: agent, offer: offer)
      } else {
        try Inquiry(dataFolder: data).why(contact, agent: agent, offer: offer)
      }
    }
    if json {
      print(String(decoding: try JSON.encode(why), as: UTF8.self))
    } else {
      for line in why.lines(about: agent) { print(line) }
    }
  }
}
