import Foundation
import Synchronization

/// Headless Firefox. Its driver is in no Debian package, but it takes WebDriver's commands itself: as JSON over TCP,
/// each message with its length before it (Marionette).
final class Firefox: WebDriver {
  static let program = "/usr/bin/firefox-esr"
  /// WebDriver's commands by Marionette's names.
  private static let commands = [
    "/url": "WebDriver:Navigate", "/refresh": "WebDriver:Refresh", "/execute/sync": "WebDriver:ExecuteScript",
    "/actions": "WebDriver:PerformActions",
  ]

  private let browser: Process
  private let profile: URL
  private let descriptor: Int32
  private let queue = DispatchQueue(label: "Marionette")
  private let scripts = Mutex<[String]>([])

  /// - Parameter hertz: of the tone that its microphone plays.
  init(playing hertz: Int) async throws {
    profile = URL(filePath: NSTemporaryDirectory()).appending(path: "firefox-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: profile, withIntermediateDirectories: true)
    // A page that may not use the microphone gets only the default route's address from ICE, and loopback has no route.
    try """
    user_pref("marionette.port", 0);
    user_pref("media.navigator.streams.fake", true);
    user_pref("media.navigator.audio.fake_frequency", \(hertz));
    user_pref("permissions.default.microphone", 1);
    user_pref("media.peerconnection.ice.loopback", true);
    """.write(to: profile.appending(path: "user.js"), atomically: true, encoding: .utf8)
    browser = Process()
    browser.executableURL = URL(filePath: Self.program)
    browser.arguments = ["--headless", "--marionette", "--no-remote", "--profile", profile.path]
    browser.environment = ProcessInfo.processInfo.environment.merging(["HOME": profile.path]) { $1 }
    (browser.standardOutput, browser.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
    try browser.run()
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    do {
      try connect(to: try await port())
      // Its greeting.
      _ = try receive()
      _ = try await tell("WebDriver:NewSession", [:])
    } catch {
      kill()
      throw error
    }
  }

  deinit {
    close(descriptor)
    try? FileManager.default.removeItem(at: profile)
  }

  /// Firefox writes down where it listens.
  private func port() async throws -> UInt16 {
    for _ in 0..<600 {
      let text = try? String(contentsOf: profile.appending(path: "MarionetteActivePort"), encoding: .utf8)
      if let port = text.flatMap({ UInt16($0.trimmingCharacters(in: .whitespacesAndNewlines)) }) { return port }
      try await Task.sleep(for: .milliseconds(50))
    }
    throw Fault(description: "Firefox did not start")
  }

  func post(_ path: String, _ parameters: [String: Any]) async throws -> Any {
    guard let command = Self.commands[path] else { throw Fault(description: "Firefox has no command for \(path)") }
    let value = try await tell(command, parameters)
    if ["/url", "/refresh"].contains(path) {
      for script in scripts.withLock({ $0 }) {
        _ = try await tell("WebDriver:ExecuteScript", ["script": script, "args": []])
      }
    }
    return value
  }

  /// Marionette runs scripts in a page that is there already, and so after the page's own.
  func prepare(_ script: String) { scripts.withLock { $0.append(script) } }

  func stop() async {
    _ = try? await tell("Marionette:Quit", ["flags": ["eForceQuit"]])
    kill()
    browser.waitUntilExit()
  }

  func kill() {
    if browser.isRunning { Foundation.kill(browser.processIdentifier, SIGKILL) }
  }

  private func tell(_ command: String, _ parameters: [String: Any]) async throws -> Any {
    let message = try JSONSerialization.data(withJSONObject: [0, 1, command, parameters])
    let answer = try await withCheckedThrowingContinuation { continuation in
      queue.async { continuation.resume(with: Result { try self.exchange(message) }) }
    }
    // An answer is its type, the command's number, an error or null, and the result.
    let parts = try JSONSerialization.jsonObject(with: answer) as? [Any] ?? []
    guard parts.count == 4 else { throw Fault(description: "Firefox said \(String(decoding: answer, as: UTF8.self))") }
    if let error = parts[2] as? [String: Any] { throw Fault(description: "\(error["message"] ?? error)") }
    return (parts[3] as? [String: Any])?["value"] ?? NSNull()
  }

  private func connect(to port: UInt16) throws {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    var patience = timeval(tv_sec: 60, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    let result = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Foundation.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard result == 0 else { throw Fault(description: "Firefox does not listen") }
  }

  private func exchange(_ message: Data) throws -> Data {
    let bytes = Array("\(message.count):".utf8) + message
    guard Foundation.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
      throw Fault(description: "Firefox takes no commands")
    }
    return try receive()
  }

  private func receive() throws -> Data {
    var length = 0
    while true {
      let digit = try read(1)[0]
      guard digit != UInt8(ascii: ":") else { break }
      length = 10 * length + Int(digit) - Int(UInt8(ascii: "0"))
    }
    return Data(try read(length))
  }

  private func read(_ count: Int) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    guard recv(descriptor, &bytes, count, Int32(MSG_WAITALL)) == count else {
      throw Fault(description: "Firefox does not answer")
    }
    return bytes
  }
}
