import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import Synchronization
import Testing

/// Headless Chromium, driven through chromedriver by the WebDriver protocol. It lends pages a microphone that beeps
/// once a second.
public final class Browser: Sendable {
  private let driver: Process
  private let url: String
  private let lastSeen = Mutex("")

  /// Whether the programs are installed.
  public static var isHere: Bool {
    [chromedriver, "/usr/bin/chromium"].allSatisfy { FileManager.default.isExecutableFile(atPath: $0) }
  }
  private static let chromedriver = "/usr/bin/chromedriver"

  /// - Parameter arguments: further ones for Chromium.
  public init(_ arguments: [String] = []) async throws {
    let (driver, port) = try Self.startDriver()
    self.driver = driver
    let options: [String: Any] = [
      "args": [
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=900,900",
        "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
        "--autoplay-policy=no-user-gesture-required",
        // On a machine with nothing but loopback, a browser needs leave to use it.
        "--allow-loopback-in-peer-connection",
      ] + arguments
    ]
    let capabilities = ["alwaysMatch": ["browserName": "chrome", "goog:chromeOptions": options] as [String: Any]]
    do {
      let answer = try await Self.send(.POST, "http://127.0.0.1:\(port)/session", ["capabilities": capabilities])
      let session = try #require((answer as? [String: Any])?["sessionId"] as? String, "no session: \(answer)")
      url = "http://127.0.0.1:\(port)/session/\(session)"
    } catch {
      kill(driver.processIdentifier, SIGKILL)
      throw error
    }
  }

  /// A test that throws leaves nothing running.
  deinit { kill(driver.processIdentifier, SIGKILL) }

  public func stop() async {
    _ = try? await Self.send(.DELETE, url, nil)
    // The test process blocks SIGTERM, and its children inherit that.
    kill(driver.processIdentifier, SIGKILL)
    driver.waitUntilExit()
  }

  /// Starts chromedriver on a free port. It takes one that is free for IPv6 and gives up where IPv4 has it in use, so
  /// one refusal is no reason to fail.
  private static func startDriver() throws -> (Process, port: Int) {
    var said = ""
    for _ in 0..<10 {
      let driver = Process()
      driver.executableURL = URL(filePath: chromedriver)
      driver.arguments = ["--port=0"]
      let output = Pipe()
      driver.standardOutput = output
      driver.standardError = FileHandle.nullDevice
      try driver.run()
      said = ""
      while true {
        let more = output.fileHandleForReading.availableData
        said += String(decoding: more, as: UTF8.self)
        if let port = said.firstMatch(of: /successfully on port (\d+)/).flatMap({ Int($0.1) }) { return (driver, port) }
        guard !more.isEmpty else { break }
      }
      driver.waitUntilExit()
    }
    throw Fault(description: "chromedriver did not start: \(said)")
  }

  public func go(to page: String) async throws { _ = try await Self.send(.POST, url + "/url", ["url": page]) }

  public func reload() async throws { _ = try await Self.send(.POST, url + "/refresh", [:]) }

  /// Runs a script in every page before its own.
  public func prepare(_ script: String) async throws {
    try await tell("Page.addScriptToEvaluateOnNewDocument", ["source": script])
  }

  /// What the person has said about the microphone: `granted`, `denied` or `prompt`.
  public func setMicrophone(_ state: String) async throws {
    _ = try await Self.send(.POST, url + "/permissions", ["descriptor": ["name": "microphone"], "state": state])
  }

  /// Runs the body of an async function in the page; `return` gives its value.
  @discardableResult
  public func run(_ script: String, _ arguments: [Any] = []) async throws -> Any {
    let script = "return (async function () { \(script) }).apply(null, arguments)"
    return try await Self.send(.POST, url + "/execute/sync", ["script": script, "args": arguments])
  }

  /// As `run`, for a list of texts.
  public func texts(_ script: String) async throws -> [String] { try await run(script) as? [String] ?? [] }

  /// Waits until the script returns true; what the page shows where it does not is `seen`.
  public func waits(for script: String, within seconds: Double = 10) async -> Bool {
    let deadline = Date(timeIntervalSinceNow: seconds)
    repeat {
      if (try? await run(script)) as? Bool == true { return true }
      try? await Task.sleep(for: .milliseconds(20))
    } while Date() < deadline
    let account = "return (window.probe?.levels() ?? '') + '; ' + (window.probe?.text ?? document.body.innerText)"
    let seen = (try? await run(account)) as? String ?? "the browser does not answer"
    lastSeen.withLock { $0 = seen }
    return false
  }

  /// What the page showed when it was last waited for in vain, for whom a test fails.
  public var seen: String { lastSeen.withLock { $0 } }

  /// Presses keys, one after the other, as a person does.
  public func press(keys: String) async throws {
    let actions = keys.flatMap { [["type": "keyDown", "value": "\($0)"], ["type": "keyUp", "value": "\($0)"]] }
    let keyboard: [String: Any] = ["type": "key", "id": "keyboard", "actions": actions]
    _ = try await Self.send(.POST, url + "/actions", ["actions": [keyboard]])
  }

  /// The window's inner size, in CSS pixels.
  public func resize(width: Int, height: Int) async throws {
    try await tell(
      "Emulation.setDeviceMetricsOverride",
      ["width": width, "height": height, "deviceScaleFactor": 1, "mobile": false])
  }

  /// What the person has set: `light` or `dark`, and less motion, which spares tests the waiting for it.
  public func prefer(_ scheme: String) async throws {
    let features = [
      ["name": "prefers-color-scheme", "value": scheme], ["name": "prefers-reduced-motion", "value": "reduce"],
    ]
    try await tell("Emulation.setEmulatedMedia", ["features": features])
  }

  public func tell(_ command: String, _ parameters: [String: Any]) async throws {
    _ = try await Self.send(.POST, url + "/goog/cdp/execute", ["cmd": command, "params": parameters])
  }

  private static func send(_ method: HTTPMethod, _ url: String, _ body: [String: Any]?) async throws -> Any {
    var request = HTTPClientRequest(url: url)
    request.method = method
    if let body {
      request.headers.add(name: "content-type", value: "application/json")
      request.body = .bytes(ByteBuffer(bytes: try JSONSerialization.data(withJSONObject: body)))
    }
    let response = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
    let bytes = try await response.body.collect(upTo: 1 << 24)
    let answer = try JSONSerialization.jsonObject(with: Data(Array(buffer: bytes))) as? [String: Any]
    let value = answer?["value"] ?? NSNull()
    if let error = value as? [String: Any], let message = error["message"] as? String, error["error"] != nil {
      throw Fault(description: message.split(separator: "\n").prefix(2).joined(separator: " "))
    }
    return value
  }

  /// What the browser says went wrong.
  struct Fault: Error, CustomStringConvertible {
    var description: String
  }
}

/// Keys without a letter, as WebDriver writes them.
public enum Keys {
  public static let tab = "\u{E004}"
  public static let enter = "\u{E007}"
  public static let escape = "\u{E00C}"
  public static let space = " "
}
