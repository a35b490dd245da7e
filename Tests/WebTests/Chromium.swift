import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import Testing

/// Headless Chromium by the WebDriver protocol, for what a script in the page cannot do: keys that count as a
/// person's, another size, another colour scheme.
final class Chromium: Sendable {
  private let driver: Process
  private let url: String

  static var isHere: Bool {
    ["/usr/bin/chromium", "/usr/bin/chromedriver"].allSatisfy { FileManager.default.isExecutableFile(atPath: $0) }
  }

  init(_ arguments: [String] = []) async throws {
    driver = Process()
    driver.executableURL = URL(filePath: "/usr/bin/chromedriver")
    driver.arguments = ["--port=0"]
    let output = Pipe()
    driver.standardOutput = output
    driver.standardError = FileHandle.nullDevice
    try driver.run()
    var said = ""
    while said.firstMatch(of: /successfully on port (\d+)/) == nil {
      let more = output.fileHandleForReading.availableData
      guard !more.isEmpty else { break }
      said += String(decoding: more, as: UTF8.self)
    }
    let port = try #require(said.firstMatch(of: /successfully on port (\d+)/)?.1, "chromedriver did not start: \(said)")
    let options: [String: Any] = [
      "args": [
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=900,700",
        "--autoplay-policy=no-user-gesture-required", "--allow-loopback-in-peer-connection",
        "--disable-features=WebRtcHideLocalIpsWithMdns",
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

  func stop() async {
    _ = try? await Self.send(.DELETE, url, nil)
    // The test process blocks SIGTERM, and its children inherit that.
    kill(driver.processIdentifier, SIGKILL)
  }

  func go(to page: String) async throws { _ = try await Self.send(.POST, url + "/url", ["url": page]) }

  /// Runs the body of an async function in the page; `return` gives its value.
  @discardableResult
  func run(_ script: String) async throws -> Any {
    try await Self.send(
      .POST, url + "/execute/sync", ["script": "return (async () => { \(script) })()", "args": [] as [Any]])
  }

  /// As `run`, for a list of texts.
  func texts(_ script: String) async throws -> [String] { try await run(script) as? [String] ?? [] }

  /// Presses keys, one after the other, as a person does.
  func press(_ keys: String) async throws {
    let actions = keys.flatMap { [["type": "keyDown", "value": "\($0)"], ["type": "keyUp", "value": "\($0)"]] }
    let keyboard: [String: Any] = ["type": "key", "id": "keyboard", "actions": actions]
    _ = try await Self.send(.POST, url + "/actions", ["actions": [keyboard]])
  }

  /// The window's inner size, in CSS pixels.
  func resize(width: Int, height: Int) async throws {
    try await tell(
      "Emulation.setDeviceMetricsOverride",
      ["width": width, "height": height, "deviceScaleFactor": 1, "mobile": false])
  }

  /// What the person has set: `light` or `dark`, and less motion, which spares tests the waiting for it.
  func prefer(_ scheme: String) async throws {
    let features = [
      ["name": "prefers-color-scheme", "value": scheme], ["name": "prefers-reduced-motion", "value": "reduce"],
    ]
    try await tell("Emulation.setEmulatedMedia", ["features": features])
  }

  func tell(_ command: String, _ parameters: [String: Any]) async throws {
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
      throw Failure(message: message)
    }
    return value
  }

  struct Failure: Error, CustomStringConvertible {
    var message: String
    var description: String { message.split(separator: "\n").prefix(2).joined(separator: " ") }
  }
}

/// Keys without a letter, as WebDriver writes them.
enum Keys {
  static let tab = "\u{E004}"
  static let enter = "\u{E007}"
  static let escape = "\u{E00C}"
  static let space = " "
}
