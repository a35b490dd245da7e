import Foundation
import Testing

/// Headless Chromium, driven through chromedriver by the WebDriver protocol (plain HTTP and JSON).
final class Browser: @unchecked Sendable {
  private let driver: Peer
  private let base: String
  private var session = ""

  init(port: Int, in folder: URL) async throws {
    driver = try Peer(try #require(find("chromedriver")), ["--port=\(port)", "--allowed-ips="], in: folder)
    base = "http://127.0.0.1:\(port)"
    let isUp = await eventually(within: 20) { ((try? await self.call("GET", "/status"))?["ready"] as? Bool) == true }
    try #require(isUp, "chromedriver did not start:\n\(driver.text)")
    let options: [String: Any] = [
      "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=900,900"]
    ]
    let answer = try await call(
      "POST", "/session",
      ["capabilities": ["alwaysMatch": ["browserName": "chrome", "goog:chromeOptions": options]]])
    session = try #require(answer["sessionId"] as? String, "no browser session: \(answer)\n\(driver.text)")
  }

  func go(to url: String) async throws { try await call("POST", "/session/\(session)/url", ["url": url]) }

  func reload() async throws { try await call("POST", "/session/\(session)/refresh", [:]) }

  /// Runs a function body in the page; `return` gives its value.
  @discardableResult
  func run(_ script: String, _ arguments: [Any] = []) async throws -> Any? {
    let answer = try await call(
      "POST", "/session/\(session)/execute/sync", ["script": script, "args": arguments])
    return answer["value"]
  }

  /// Waits until the script returns true.
  func waits(for script: String, within seconds: Double = 10) async -> Bool {
    await eventually(within: seconds) { (try? await self.run(script)) as? Bool == true }
  }

  func screenshot() async throws -> Data {
    let answer = try await call("GET", "/session/\(session)/screenshot")
    return Data(base64Encoded: answer["value"] as? String ?? "") ?? Data()
  }

  func stop() async {
    _ = try? await call("DELETE", "/session/\(session)")
    await driver.stop()
  }

  @discardableResult
  private func call(_ method: String, _ path: String, _ body: [String: Any]? = nil) async throws -> [String: Any] {
    let json = try await Web.send(method, base + path, body: body).json
    // Most answers stand under `value`; a script's value may be anything.
    if let value = json["value"] as? [String: Any] { return value.merging(["value": value]) { first, _ in first } }
    return json
  }
}
