import API
import CallControl
import Digest
import HTTPTypes
import HummingbirdCore
import SIP

/// What the demo page tells a newcomer.
public struct DemoPage: Sendable {
  /// The entry of the widget on the page.
  public var entry: String
  /// What to type in a second terminal.
  public var consoleCommand: String
  /// A SIP address to call, if SIP is on.
  public var callAddress: String?
  public init(entry: String = "web:demo", consoleCommand: String, callAddress: String? = nil) {
    self.entry = entry; self.consoleCommand = consoleCommand; self.callAddress = callAddress
  }
}

/// The widget's files, the agent's phone page, the demo page, health and metrics.
struct PageRoutes: Sendable {
  let desk: Desk
  let demo: DemoPage?

  /// Strict: own files only, no inline script or style.
  private static let pagePolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"

  var routes: [Route] {
    var routes = (Widget.files + Widget.phoneFiles).map { widget($0) }
    routes.append(ownPage("/phone", "phone", "The agent's phone in the browser.", html: Widget.phonePage))
    routes.append(
      page("/-/healthy", "readHealth", "200 while the process lives.") { _ in .text("ok\n") })
    routes.append(page("/-/ready", "readReadiness", "503 while the journal takes no events.", ready))
    routes.append(
      page("/metrics", "readMetrics", "Prometheus text format.", type: "text/plain; version=0.0.4", metrics))
    if let demo { routes += demoRoutes(demo) }
    return routes
  }

  private func page(
    _ path: String, _ name: String, _ summary: String, type: String = "text/plain",
    _ handle: @escaping @Sendable (Exchange) async throws -> Answer
  ) -> Route {
    Route(
      method: .get, path: path, name: name, summary: summary, access: .open, result: .text(type), handle: handle)
  }

  /// Other sites load these files as modules, which needs CORS; they hold nothing private.
  private func widget(_ file: Widget.File) -> Route {
    let hash = hexadecimal(HashFunction.sha256.hash(file.bytes))
    let tag = "\"" + String(decoding: hash.prefix(16), as: UTF8.self) + "\""
    return page(file.path, "widget", "A file of the widget.", type: file.type) { exchange in
      let headers: HTTPFields = [
        .contentType: file.type, .cacheControl: "public, max-age=300", .eTag: tag,
        .accessControlAllowOrigin: "*", .crossOriginResourcePolicy: "cross-origin",
      ]
      if exchange.request.headers[.ifNoneMatch] == tag { return Answer(status: .notModified, headers: headers) }
      return Answer(status: .ok, headers: headers, body: .bytes(file.bytes))
    }
  }

  /// A page of ours, under the strict policy.
  private func ownPage(
    _ path: String, _ name: String, _ summary: String, html: String,
    check: @escaping @Sendable (Exchange) throws -> Void = { _ in }
  ) -> Route {
    page(path, name, summary, type: "text/html") { exchange in
      try check(exchange)
      var answer = Answer.text(html, type: "text/html; charset=utf-8")
      answer.headers[.contentSecurityPolicy] = Self.pagePolicy
      return answer
    }
  }

  private func demoRoutes(_ demo: DemoPage) -> [Route] {
    [
      ownPage("/demo", "demo", "The demo page.", html: Widget.demoPage(demo)) { exchange in
        guard Self.isLocal(exchange.request.head.authority) else {
          throw Refused.forbidden("The demo is for this machine: open it by its address, as http://127.0.0.1.")
        }
      },
      page("/", "start", "Leads to the demo page.") { _ in
        Answer(status: .seeOther, headers: [.location: "/demo"])
      },
    ]
  }

  /// The page names an agent's token, so a foreign name that leads to the loopback (DNS rebinding) gets nothing.
  static func isLocal(_ authority: String?) -> Bool {
    guard let authority else { return false }
    let host = authority.first == "[" ? authority.prefix { $0 != "]" } + "]" : authority.prefix { $0 != ":" }
    return host == "localhost" || Endpoint(address: String(host), port: 0)?.isLoopback == true
  }

  @Sendable private func ready(_: Exchange) throws -> Answer {
    try desk.checkReady()
    return .text("ready\n")
  }

  @Sendable private func metrics(_: Exchange) async throws -> Answer {
    var metrics = desk.backend.metrics()
    if case .queues(let queues) = try await desk.perform(.describeQueues) { metrics += Metric.all(queues) }
    if case .counts(let counts) = try await desk.perform(.describeCounts) { metrics += Metric.all(counts) }
    metrics += Metric.all(desk.traffic, streams: desk.feed.count)
    return .text(metrics.map(\.text).joined(), type: "text/plain; version=0.0.4; charset=utf-8")
  }
}
