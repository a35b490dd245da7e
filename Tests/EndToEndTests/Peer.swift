import Foundation
import Testing

/// A program under test or a real peer of it: started by path, ended by process id, its output kept in a file.
final class Peer: @unchecked Sendable {
  let process = Process()
  let output: URL
  private let input = Pipe()

  /// - Parameter environment: added to the test's own.
  init(_ executable: String, _ arguments: [String], in folder: URL, environment: [String: String] = [:]) throws {
    let name = (executable as NSString).lastPathComponent
    output = folder.appending(path: "\(name)-\(UUID().uuidString.prefix(8)).log")
    _ = FileManager.default.createFile(atPath: output.path, contents: nil)
    let handle = try FileHandle(forWritingTo: output)
    process.executableURL = URL(filePath: executable)
    process.arguments = arguments
    process.currentDirectoryURL = folder
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.standardOutput = handle
    process.standardError = handle
    process.standardInput = input
    // This thread may block signals, and a child that inherits that would not hear SIGTERM.
    var (none, blocked) = (sigset_t(), sigset_t())
    sigemptyset(&none)
    pthread_sigmask(SIG_SETMASK, &none, &blocked)
    defer { pthread_sigmask(SIG_SETMASK, &blocked, nil) }
    try process.run()
  }

  /// A test that throws leaves nothing running.
  deinit { kill(SIGKILL) }

  var text: String { (try? String(contentsOf: output, encoding: .utf8)) ?? "" }

  func type(_ line: String) { input.fileHandleForWriting.write(Data((line + "\n").utf8)) }

  func closeInput() { try? input.fileHandleForWriting.close() }

  /// Waits until the output holds `needle`.
  func says(_ needle: String, within seconds: Double = 10) async -> Bool {
    await eventually(within: seconds) { self.text.contains(needle) }
  }

  /// Waits for the end; the exit status, or nil if it is still running.
  func ends(within seconds: Double) async -> Int32? {
    _ = await eventually(within: seconds) { !self.process.isRunning }
    return process.isRunning ? nil : process.terminationStatus
  }

  func kill(_ signal: Int32 = SIGTERM) {
    guard process.isRunning else { return }
    Foundation.kill(process.processIdentifier, signal)
  }

  /// Ends the process and waits for it.
  func stop() async {
    kill()
    if await ends(within: 5) == nil {
      kill(SIGKILL)
      _ = await ends(within: 5)
    }
  }
}

/// Looks again until the condition holds. Real peers live in real time, so these tests wait; all others do not.
func eventually(within seconds: Double, _ condition: () async -> Bool) async -> Bool {
  let deadline = Date(timeIntervalSinceNow: seconds)
  while Date() < deadline {
    if await condition() { return true }
    try? await Task.sleep(for: .milliseconds(20))
  }
  return await condition()
}

/// Where a program of the peers' package list is; nil where it is not installed.
func find(_ program: String) -> String? {
  let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin").split(separator: ":")
  return folders.map { "\($0)/\(program)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
}

/// End-to-end tests need the built server and the peers. `SWITCHBOARD_PEERS=required` turns a missing peer from a
/// skipped test into a failed one.
enum Peers {
  static let server = ProcessInfo.processInfo.environment["SWITCHBOARD"]
  static let areRequired = ProcessInfo.processInfo.environment["SWITCHBOARD_PEERS"] == "required"
  /// What `Tests/isolated.sh` could make: browsers that make calls would else offer any address that the machine has.
  static let network = ProcessInfo.processInfo.environment["SWITCHBOARD_NETWORK"]
  static let areIsolated = areRequired || network == "own"

  static func have(_ programs: String...) -> Bool {
    areRequired || (server != nil && programs.allSatisfy { find($0) != nil })
  }
}

/// Calls a socket function with a port at 127.0.0.1, or at another of the loopback's addresses.
func withLoopback(_ port: Int, host: Int = 1, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = in_port_t(port).bigEndian
  address.sin_addr.s_addr = inet_addr("127.0.0.\(host)")
  return withUnsafePointer(to: &address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
  }
}
