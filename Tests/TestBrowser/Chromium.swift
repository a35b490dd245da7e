import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

/// Headless Chromium, driven through chromedriver. It lends pages a microphone that beeps once a second.
final class Chromium: WebDriver {
  static let chromedriver = "/usr/bin/chromedriver"
  static let program = "/usr/bin/chromium"

  private let driver: Process
  private let url: String

  /// - Parameter arguments: further ones for Chromium.
  init(_ arguments: [String]) async throws {
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
      guard let session = (answer as? [String: Any])?["sessionId"] as? String else {
        throw Fault(description: "no session: \(answer)")
      }
      url = "http://127.0.0.1:\(port)/session/\(session)"
    } catch {
      Foundation.kill(driver.processIdentifier, SIGKILL)
      throw error
    }
  }

  func stop() async {
    _ = try? await Self.send(.DELETE, url, nil)
    // The test process blocks SIGTERM, and its children inherit that.
    kill()
    driver.waitUntilExit()
  }

  func kill() {
    if driver.isRunning { Foundation.kill(driver.processIdentifier, SIGKILL) }
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

  func prepare(_ script: String) async throws {
    _ = try await post(
      "/goog/cdp/execute", ["cmd": "Page.addScriptToEvaluateOnNewDocument", "params": ["source": script]])
  }

  func post(_ path: String, _ parameters: [String: Any]) async throws -> Any {
    try await Self.send(.POST, url + path, parameters)
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
}
