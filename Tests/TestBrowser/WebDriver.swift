/// What carries WebDriver's commands to a browser that it has started.
protocol WebDriver: Sendable {
  /// Sends one command, by its path in a session; the value of its answer.
  func post(_ path: String, _ parameters: [String: Any]) async throws -> Any
  /// Runs a script in every page from the next on.
  func prepare(_ script: String) async throws
  func stop() async
  /// Ends the browser at once.
  func kill()
}

/// What the browser says went wrong.
struct Fault: Error, CustomStringConvertible {
  var description: String
}
