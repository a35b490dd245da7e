import Foundation
import Synchronization

/// A headless browser with a fake microphone, driven by the WebDriver protocol.
public final class Browser: Sendable {
  private let driver: any WebDriver
  private let lastSeen = Mutex("")

  /// Whether the programs are installed.
  public static var isHere: Bool { areHere([Chromium.chromedriver, Chromium.program]) }
  /// Whether Firefox is installed.
  public static var isFirefoxHere: Bool { areHere([Firefox.program]) }

  private static func areHere(_ programs: [String]) -> Bool {
    programs.allSatisfy { FileManager.default.isExecutableFile(atPath: $0) }
  }

  private init(_ driver: any WebDriver) { self.driver = driver }

  /// Chromium, whose microphone beeps once a second.
  /// - Parameter arguments: further ones for Chromium.
  public convenience init(_ arguments: [String] = []) async throws { self.init(try await Chromium(arguments)) }

  /// Firefox, whose microphone plays a tone.
  public static func firefox(playing hertz: Int) async throws -> Browser {
    Browser(try await Firefox(playing: hertz))
  }

  /// A test that throws leaves nothing running.
  deinit { driver.kill() }

  public func stop() async { await driver.stop() }

  public func go(to page: String) async throws { _ = try await driver.post("/url", ["url": page]) }

  public func reload() async throws { _ = try await driver.post("/refresh", [:]) }

  /// Runs a script in every page that is opened from now on: in Chromium before the page's own, in Firefox after.
  public func prepare(_ script: String) async throws { try await driver.prepare(script) }

  /// What the person has said about the microphone: `granted`, `denied` or `prompt`.
  public func setMicrophone(_ state: String) async throws {
    _ = try await driver.post("/permissions", ["descriptor": ["name": "microphone"], "state": state])
  }

  /// Runs the body of an async function in the page; `return` gives its value.
  @discardableResult
  public func run(_ script: String, _ arguments: [Any] = []) async throws -> Any {
    let script = "return (async function () { \(script) }).apply(null, arguments)"
    return try await driver.post("/execute/sync", ["script": script, "args": arguments])
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
    _ = try await driver.post("/actions", ["actions": [keyboard]])
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
    _ = try await driver.post("/goog/cdp/execute", ["cmd": command, "params": parameters])
  }
}

/// Keys without a letter, as WebDriver writes them.
public enum Keys {
  public static let tab = "\u{E004}"
  public static let enter = "\u{E007}"
  public static let escape = "\u{E00C}"
  public static let space = " "
}
