import API
import ArgumentParser
import Console

/// `switchboard migrate-waiting support`
struct MigrateWaiting: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "migrate-waiting", abstract: "Let the contacts that wait in a queue go on by its present ladder.",
    discussion: """
      After a reload who waits keeps the ladder of the entry. This brings them, on a running server, to the step of the
      present ladder that their waiting time has reached; their place in line stays. Needs a token with scope admin.
      """)

  @Argument(help: "The queue, by name.") var queue: String
  @Option(help: "The server's address.") var server = "http://127.0.0.1:8080"
  @OptionGroup var login: Login
  @Flag(help: "Print JSON.") var json = false

  func run() async throws {
    let migration = try await answer {
      try await Remote(server, token: try login.bearer()).migrateWaiting(in: queue)
    }
    if json {
      print(String(decoding: try JSON.encode(migration), as: UTF8.self))
    } else {
      print("\(migration.contacts) of the contacts that wait in \(queue) go on by its present ladder.")
    }
  }
}
