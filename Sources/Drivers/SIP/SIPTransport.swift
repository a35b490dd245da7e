public import CallControl
public import Logging
import NIOCore
import NIOPosix
import Primitives
public import SIP
import Synchronization

/// SIP over UDP, TCP and TLS (RFC 3261 section 18). Framing, parsing and stateless refusals happen here: for datagrams
/// on a thread that waits in the kernel for the next batch, for streams on one NIO loop. Transactions and dialogs belong
/// to the engine thread, which gets whole messages and gives bytes back.
public final class SIPTransport: Sendable {
  public struct Settings: Sendable {
    /// Where to listen; port 0 takes any. Nil: not at all.
    public var udp: Endpoint?
    public var tcp: Endpoint?
    public var tls: TLS?
    public var limits = SIP.Limits()
    public var gate = SourceGate.Limits()
    /// Stream connections from one address over which nobody known has spoken; trusted sources may have `connections`.
    public var connectionsPerSource = 4
    public var connections = 2_000
    /// Seconds that a begun message may take, the first one, and the TLS handshake before it, counted from the
    /// connection.
    public var messageTime: Int64 = 10
    /// Seconds that a connection may be silent.
    public var idleTime: Int64 = 600
    public init() {}

    public struct TLS: Sendable {
      public var endpoint: Endpoint
      public var certificate: Site.Listen.Certificate
      /// PEM of authorities that are believed besides the system's, when we connect.
      public var authoritiesFile: String?
      public init(_ endpoint: Endpoint, certificate: Site.Listen.Certificate, authoritiesFile: String? = nil) {
        self.endpoint = endpoint; self.certificate = certificate; self.authoritiesFile = authoritiesFile
      }
    }
  }

  /// A message and where it came from.
  public typealias Received = (message: Message, flow: Flow)

  /// What the transport calls, on its own threads, `failed` also on that of the sender; none may block.
  public struct Sinks: Sendable {
    /// Messages that came together, in their order.
    public var received: @Sendable ([Received]) -> Void
    /// A connection over which a message came or went is gone, or one could not be made.
    public var failed: @Sendable (Flow) -> Void
    /// Registered accounts, trunks and trusted sources: they pass the gate uncounted.
    public var isTrusted: @Sendable (Endpoint) -> Bool
    public init(
      received: @escaping @Sendable ([Received]) -> Void, failed: @escaping @Sendable (Flow) -> Void,
      isTrusted: @escaping @Sendable (Endpoint) -> Bool
    ) {
      self.received = received; self.failed = failed; self.isTrusted = isTrusted
    }
  }

  /// For metrics.
  public struct Counters: Sendable, Equatable {
    public var received: UInt64 = 0
    public var sent: UInt64 = 0
    /// Datagrams that the kernel did not take; who needs one sends it again.
    public var unsent: UInt64 = 0
    public var malformed: UInt64 = 0
    public var dropped: UInt64 = 0
    public var banned: UInt64 = 0
    /// TLS connections that came to no message: another version, another protocol, a certificate not believed.
    public var failedHandshakes: UInt64 = 0
    public init() {}
  }

  private let loop: any EventLoop
  private let intake: Intake
  private let streams: NIOLoopBound<StreamTable>
  /// Nil where we neither listen for TLS nor connect by it.
  private let security: TLSContexts?
  private let datagrams: DatagramPort?
  private let listeners: [any Channel]
  /// Where we listen in fact.
  public let udp: Endpoint?
  public let tcp: Endpoint?
  public let tls: Endpoint?

  /// Binds the listeners.
  /// - Throws: the system's error, as an address in use, or what is wrong with a certificate.
  public static func start(
    settings: Settings, clock: EngineClock, logger: Logger, sinks: Sinks
  ) async throws -> SIPTransport {
    let intake = Intake(settings: settings, clock: clock, logger: logger, sinks: sinks)
    let datagrams = try settings.udp.map { endpoint in try DatagramPort(bound: endpoint, intake: intake) }
    let security = try settings.tls.map { try TLSContexts($0) }
    let loop = MultiThreadedEventLoopGroup.singleton.next()
    let transport = try await loop.flatSubmit {
      let table = StreamTable(loop: loop, settings: settings, security: security, intake: intake)
      let streams = NIOLoopBound(table, eventLoop: loop)
      let tcp = bindStreams(.tcp, settings.tcp, loop, streams)
      return tcp.and(bindStreams(.tls, settings.tls?.endpoint, loop, streams)).map { tcp, tls in
        SIPTransport(
          loop: loop, intake: intake, streams: streams, security: security, datagrams: datagrams, tcp: tcp, tls: tls)
      }
    }.get()
    try datagrams?.start()
    return transport
  }

  private init(
    loop: any EventLoop, intake: Intake, streams: NIOLoopBound<StreamTable>, security: TLSContexts?,
    datagrams: DatagramPort?, tcp: (any Channel)?, tls: (any Channel)?
  ) {
    self.loop = loop; self.intake = intake; self.streams = streams; self.security = security
    self.datagrams = datagrams
    listeners = [tcp, tls].compactMap { $0 }
    udp = datagrams?.endpoint
    self.tcp = tcp?.localAddress.flatMap(Endpoint.init)
    self.tls = tls?.localAddress.flatMap(Endpoint.init)
  }

  private static func bindStreams(
    _ transport: Flow.Transport, _ endpoint: Endpoint?, _ loop: any EventLoop, _ streams: NIOLoopBound<StreamTable>
  ) -> EventLoopFuture<(any Channel)?> {
    guard let endpoint else { return loop.makeSucceededFuture(nil) }
    return ServerBootstrap(group: loop, childGroup: loop)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .serverChannelOption(.backlog, value: 512)
      .childChannelOption(.writeBufferWaterMark, value: StreamTable.waterMark)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try streams.value.accept(channel, over: transport) }
      }
      .bind(host: endpoint.address, port: Int(endpoint.port)).map { $0 }
  }

  public var counters: Counters { intake.counters.withLock { $0 } }

  /// Sends bytes, in order for each flow as one thread gives them: datagrams at once, those for streams with one hop to
  /// the loop and one flush. Never waits.
  public func send(_ transmissions: [UserAgent.Transmission]) {
    var unsent: UInt64 = 0
    var forStreams: [UserAgent.Transmission] = []
    for transmission in transmissions {
      if transmission.flow.transport != .udp {
        forStreams.append(transmission)
      } else if let datagrams {
        if !datagrams.send(transmission.bytes, to: transmission.flow.remote) { unsent += 1 }
      } else {
        intake.sinks.failed(transmission.flow)
      }
    }
    intake.counters.withLock { counters in
      counters.sent += UInt64(transmissions.count)
      counters.unsent += unsent
    }
    guard !forStreams.isEmpty else { return }
    loop.execute { [streams, forStreams] in
      for transmission in forStreams { streams.value.send(transmission) }
      streams.value.flush()
    }
  }

  /// Shows another certificate to whoever connects from now on; connections that are up stay as they are.
  /// - Throws: what is wrong with it; then the old one is shown on.
  public func use(_ certificate: Site.Listen.Certificate) throws {
    try security?.use(certificate)
  }

  /// Stops listening, sends what was given before, and closes all connections.
  public func stop() async {
    for listener in listeners { try? await listener.close() }
    try? await loop.submit { self.streams.value.closeAll() }.get()
    datagrams?.stop()
  }
}

/// What happens to bytes of any transport before the engine sees a message. The threads of all transports use it.
final class Intake: Sendable {
  let settings: SIPTransport.Settings
  /// Those of the settings: to lend the settings for each message would copy the certificate's names too.
  let limits: SIP.Limits
  let clock: EngineClock
  let logger: Logger
  let sinks: SIPTransport.Sinks
  let counters = Mutex(SIPTransport.Counters())
  /// Messages are logged one by one; to ask the logger each time costs as much as a short message.
  private let isTracing: Bool
  private let gate: Mutex<SourceGate>
  /// The To tag of stateless refusals: one for the life of the process, so that repeated requests get the same.
  private let tag: String

  init(settings: SIPTransport.Settings, clock: EngineClock, logger: Logger, sinks: SIPTransport.Sinks) {
    self.settings = settings; self.clock = clock; self.logger = logger; self.sinks = sinks
    limits = settings.limits
    isTracing = logger.logLevel <= .trace
    gate = Mutex(SourceGate(limits: settings.gate))
    tag = "r" + String(UInt64(bitPattern: clock.now.microseconds) &* 0x9e37_79b9_7f4a_7c15, radix: 36)
  }

  /// Whether to look at what a source sent, a message or a connection. Counts it.
  func admits(_ source: Endpoint) -> Bool {
    if sinks.isTrusted(source) { return true }
    switch gate.withLock({ $0.judge(source, at: clock.now) }) {
    case .admitted: return true
    case .banned:
      logger.notice("source banned", metadata: ["source": "\(Redacted(source.address))"])
      counters.withLock { $0.banned += 1 }
      return false
    case .shutOut:
      counters.withLock { $0.dropped += 1 }
      return false
    }
  }

  /// False for a message that a scanner sent. Counts it.
  func welcomes(_ message: Message) -> Bool {
    guard Scanners.sent(message) else { return true }
    counters.withLock { $0.dropped += 1 }
    return false
  }

  /// Hands on messages that came together.
  func handOn(_ messages: [SIPTransport.Received]) {
    guard !messages.isEmpty else { return }
    counters.withLock { $0.received += UInt64(messages.count) }
    if isTracing {
      for (message, _) in messages {
        logger.trace(
          "received",
          metadata: ["call_id": "\(message.callID)", "method": "\(message.method)", "status": "\(message.status)"])
      }
    }
    sinks.received(messages)
  }

  /// The refusal of bytes that are no message, if they may have one: a source that nobody vouches for gets nothing
  /// larger than it sent, since its address may be forged.
  func refusal(of bytes: [UInt8], for error: ParseError, _ flow: Flow) -> [UInt8]? {
    counters.withLock { $0.malformed += 1 }
    logger.debug("malformed", metadata: ["offset": "\(error.offset)", "reason": "\(error.reason)"])
    guard let refusal = MessageWriter.refusal(of: bytes, for: error, tag: tag, source: flow.remote) else { return nil }
    let mayGrow = flow.transport != .udp || sinks.isTrusted(flow.remote)
    return mayGrow || refusal.count <= bytes.count ? refusal : nil
  }
}
