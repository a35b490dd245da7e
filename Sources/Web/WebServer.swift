public import CallControl
public import Logging
public import NIOCore
public import ServiceLifecycle
import API
import Hummingbird
import HummingbirdCore
import HummingbirdTLS

/// The HTTP side of Switchboard: widget, API, event streams, health and metrics.
public struct WebServer: Service {
  public struct Options: Sendable {
    /// How long a visitor whose tab said goodbye may take to be back, as after a reload.
    public var leaveGrace = Duration.seconds(10)
    /// How often a silent event stream shows that it is alive.
    public var beat = Duration.seconds(15)
    /// Connections at once.
    public var connections = 10_000
    /// Connections at once from one address, or from the /64 of one IPv6 customer; `trusted_proxies` may have any
    /// number. An office of some hundred agents or visitors behind one address has room, while no single machine
    /// takes all connections there are.
    public var connectionsPerAddress = 1_000
    /// Contacts that one page's visitors may open together: a page that calls without end must not fill the queues.
    var openingByOrigin = RateLimiter.Quota(name: "origin", burst: 300, interval: 100_000)
    public init() {}
  }

  private let desk: Desk
  private let gate: Gate
  private let listen: Site.Listen.HTTP
  private let certificate = ShownCertificate()
  private let logger: Logger
  private let eventLoops: any EventLoopGroup
  private let onListening: @Sendable (Int) async -> Void

  /// - Parameters:
  ///   - listen: where to listen; port 0 takes any. Address and port stay until the next start; where there is a
  ///     certificate, `renew` shows another.
  ///   - demo: what the demo page says, if there is one.
  ///   - onListening: gets the port once connections are accepted.
  public init(
    backend: Backend, feed: Feed, visitorKey: VisitorKey, listen: Site.Listen.HTTP, demo: DemoPage? = nil,
    options: Options = Options(), logger: Logger,
    eventLoops: any EventLoopGroup,
    onListening: @escaping @Sendable (Int) async -> Void = { _ in }
  ) {
    desk = Desk(backend: backend, feed: feed, visitorKey: visitorKey, options: options)
    gate = Gate(routes: Self.routes(desk, demo: demo), desk: desk)
    self.listen = listen
    self.logger = logger
    self.eventLoops = eventLoops
    self.onListening = onListening
  }

  /// Every route there is. Those under `/v1`, health and metrics stand in the OpenAPI document.
  static func routes(_ desk: Desk, demo: DemoPage?) -> [Route] {
    var routes =
      ContactRoutes(desk: desk).routes + CallRoutes(desk: desk).routes + AgentRoutes(desk: desk).routes
      + ReadingRoutes(desk: desk).routes + SiteRoutes(desk: desk).routes + EntryRoutes(desk: desk).routes
      + PageRoutes(desk: desk, demo: demo).routes
    let described = routes.filter { !$0.isPage || $0.path.hasPrefix("/-/") || $0.path == "/metrics" }
    // A document of strings and flags always encodes.
    let document = (try? JSON.encode(OpenAPI.document(described))) ?? []
    routes.append(
      Route(
        method: .get, path: "/openapi.json", name: "openapi", summary: "This API, as OpenAPI 3.1.", access: .open,
        result: .text("application/json")
      ) { _ in Answer(status: .ok, headers: [.contentType: "application/json"], body: .bytes(document)) })
    return routes
  }

  public func run() async throws {
    let onListening = onListening
    let application = Application(
      responder: gate, server: try server(),
      configuration: ApplicationConfiguration(
        address: .hostname(listen.address, port: Int(listen.port)), serverName: nil,
        availableConnectionsDelegate: MaximumAvailableConnections(desk.options.connections)),
      onServerRunning: { channel in await onListening(channel.localAddress?.port ?? 0) },
      eventLoopGroupProvider: .shared(eventLoops), logger: logger)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await application.run() }
      group.addTask { [desk] in
        while true {
          for part in 0..<Feed.beatParts {
            try await Task.sleep(for: desk.options.beat / Int(Feed.beatParts))
            desk.feed.beat(part: part)
          }
        }
      }
      try await group.next()
      group.cancelAll()
    }
  }

  private func server() throws -> HTTPServerBuilder {
    let configuration = HTTP1Channel.Configuration(
      idleTimeout: .seconds(75),
      httpDecoderConfiguration: .init(
        maxHeaderFieldSize: 8_192, maxHeaderListSize: 16_384, maxHeaderFieldCount: 100))
    let connections = Connections(limit: desk.options.connectionsPerAddress) { [backend = desk.backend] address in
      backend.site().listen.http.trustedProxies.contains { $0.contains(address) }
    }
    guard let shown = listen.certificate else {
      return HTTPServerBuilder { responder in
        LimitedChannel(
          base: HTTP1Channel(responder: responder, configuration: configuration), connections: connections)
      }
    }
    try certificate.show(shown)
    let tls = try certificate.configuration()
    return HTTPServerBuilder { responder in
      let plain = HTTP1Channel(responder: responder, configuration: configuration)
      return LimitedChannel(base: try TLSChannel(plain, tlsConfiguration: tls), connections: connections)
    }
  }

  /// Shows another certificate to whoever connects from now on, if the server speaks TLS.
  /// - Throws: what is wrong with it; then the old one is shown on.
  public func renew(_ certificate: Site.Listen.Certificate) throws {
    if listen.certificate != nil { try self.certificate.show(certificate) }
  }
}
