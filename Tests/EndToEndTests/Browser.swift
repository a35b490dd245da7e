import Foundation
import Testing

/// Headless Chromium, driven through chromedriver by the WebDriver protocol (plain HTTP and JSON). It lends pages a
/// microphone that beeps once a second.
final class Browser: @unchecked Sendable {
  private let driver: Peer
  private let port: Int
  private var session = ""

  init(in folder: URL) async throws {
    let driver = try Peer(try #require(find("chromedriver")), ["--port=0"], in: folder)
    let started = /successfully on port (\d+)/
    #expect(await eventually(within: 20) { driver.text.contains(started) })
    port = try #require(driver.text.firstMatch(of: started).flatMap { Int($0.1) }, "no chromedriver:\n\(driver.text)")
    self.driver = driver
    let options: [String: Any] = [
      "args": [
        "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=900,900",
        "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
        "--autoplay-policy=no-user-gesture-required",
        // On a machine with nothing but loopback, a browser needs leave to use it.
        "--allow-loopback-in-peer-connection",
      ]
    ]
    let answer = try call(
      "POST", "/session",
      ["capabilities": ["alwaysMatch": ["browserName": "chrome", "goog:chromeOptions": options]]])
    session = try #require(answer["sessionId"] as? String, "no browser session: \(answer)\n\(driver.text)")
  }

  func go(to url: String) async throws { try call("POST", "/session/\(session)/url", ["url": url]) }

  func reload() async throws { try call("POST", "/session/\(session)/refresh", [:]) }

  /// Runs a script in every page before its own.
  func prepare(_ script: String) async throws {
    try call(
      "POST", "/session/\(session)/goog/cdp/execute",
      ["cmd": "Page.addScriptToEvaluateOnNewDocument", "params": ["source": script]])
  }

  /// What the person has said about the microphone: `granted`, `denied` or `prompt`.
  func setMicrophone(_ state: String) async throws {
    try call(
      "POST", "/session/\(session)/permissions", ["descriptor": ["name": "microphone"], "state": state])
  }

  /// Runs the body of an async function in the page; `return` gives its value.
  @discardableResult
  func run(_ script: String, _ arguments: [Any] = []) async throws -> Any? {
    try perform(script, arguments)
  }

  private func perform(_ script: String, _ arguments: [Any] = []) throws -> Any? {
    let script = "return (async function () { \(script) }).apply(null, arguments)"
    return try call("POST", "/session/\(session)/execute/sync", ["script": script, "args": arguments])["value"]
  }

  /// What the page hears and says, for whom a test fails.
  var seen: String {
    (try? perform("return probe.levels() + '; ' + probe.text")) as? String ?? "the browser does not answer"
  }

  /// Waits until the script returns true.
  func waits(for script: String, within seconds: Double = 10) async -> Bool {
    await eventually(within: seconds) { (try? await self.run(script)) as? Bool == true }
  }

  func screenshot() async throws -> Data {
    let answer = try call("GET", "/session/\(session)/screenshot")
    return Data(base64Encoded: answer["value"] as? String ?? "") ?? Data()
  }

  func stop() async {
    _ = try? call("DELETE", "/session/\(session)")
    await driver.stop()
  }

  @discardableResult
  private func call(_ method: String, _ path: String, _ body: [String: Any]? = nil) throws -> [String: Any] {
    let json = try exchange(method, path, body.map { try JSONSerialization.data(withJSONObject: $0) } ?? Data())
    // Most answers stand under `value`; a script's value may be anything.
    guard let value = json["value"] as? [String: Any] else { return json }
    if value["error"] != nil, let message = value["message"] as? String { throw Fault(description: message) }
    return value.merging(["value": value]) { first, _ in first }
  }

  /// What the browser says went wrong.
  struct Fault: Error, CustomStringConvertible {
    var description: String
  }

  /// Foundation's client refuses chromedriver's headers, so this is HTTP by hand: one exchange, one connection.
  private func exchange(_ method: String, _ path: String, _ body: Data) throws -> [String: Any] {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var patience = timeval(tv_sec: 30, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    guard withLoopback(port, { connect(descriptor, $0, $1) }) == 0 else { throw POSIXError(.ECONNREFUSED) }
    let head =
      "\(method) \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nContent-Type: application/json\r\n"
      + "Content-Length: \(body.count)\r\nConnection: close\r\n\r\n"
    let request = [UInt8](head.utf8) + body
    guard send(descriptor, request, request.count, 0) == request.count else { throw POSIXError(.EIO) }
    var answer = Data()
    var bytes = [UInt8](repeating: 0, count: 65_536)
    while true {
      if let end = answer.range(of: Data("\r\n\r\n".utf8)),
        let json = try? JSONSerialization.jsonObject(with: answer[end.upperBound...]) as? [String: Any]
      {
        return json
      }
      let count = read(descriptor, &bytes, bytes.count)
      guard count > 0 else { throw POSIXError(.EIO) }
      answer.append(contentsOf: bytes[..<count])
    }
  }
}
