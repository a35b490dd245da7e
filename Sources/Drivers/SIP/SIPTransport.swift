public import Logging
import NIOCore
import NIOPosix
import Primitives
public import SIP
import Synchronization

/// SIP over UDP and TCP (RFC 3261 section 18). Framing, parsing and stateless refusals happen here on one NIO loop;
/// transactions and dialogs belong to the engine thread, which gets whole messages and gives bytes back.
public final class SIPTransport: Sendable {
  public struct Settings: Sendable {
    /// Where to listen; port 0 takes any. Nil: not at all.
    public var udp: Endpoint?
    public var tcp: Endpoint?
    public var limits = SIP.Limits()
    public var gate = SourceGate.Limits()
    /// Stream connections from one source; trusted sources and loopback may have `connections`.
    public var connectionsPerSource = 4
    public var connections = 2_000
    /// Seconds that a begun message may take, the first one counted from the connection.
    public var messageTime: Int64 = 10
    /// Seconds that a connection may be silent.
    public var idleTime: Int64 = 600
    public init() {}
  }

  /// What the transport calls, on its own thread; none may block.
  public struct Sinks: Sendable {
    public var received: @Sendable (Message, Flow) -> Void
    /// A connection over which a message came or went is gone, or one could not be made.
    public var failed: @Sendable (Flow) -> Void
    /// Registered accounts, trunks and trusted sources: they pass the gate uncounted.
    public var isTrusted: @Sendable (Endpoint) -> Bool
    public init(
      received: @escaping @Sendable (Message, Flow) -> Void, failed: @escaping @Sendable (Flow) -> Void,
      isTrusted: @escaping @Sendable (Endpoint) -> Bool
    ) {
      self.received = received; self.failed = failed; self.isTrusted = isTrusted
    }
  }

  /// For metrics.
  public struct Counters: Sendable, Equatable {
    public var received: UInt64 = 0
    public var sent: UInt64 = 0
    public var malformed: UInt64 = 0
    public var dropped: UInt64 = 0
    public var banned: UInt64 = 0
    public init() {}
  }

  private let loop: any EventLoop
  private let settings: Settings
  private let intake: Intake
  private let streams: NIOLoopBound<StreamTable>
  private let datagrams: (any Channel)?
  private let listener: (any Channel)?
  /// Where we listen in fact.
  public let udp: Endpoint?
  public let tcp: Endpoint?

  /// Binds the listeners.
  /// - Throws: the system's error, as an address in use.
  public static func start(
    settings: Settings, clock: EngineClock, logger: Logger, sinks: Sinks
  ) async throws -> SIPTransport {
    let loop = MultiThreadedEventLoopGroup.singleton.next()
    return try await loop.flatSubmit {
      let intake = Intake(settings: settings, clock: clock, logger: logger, sinks: sinks)
      let table = StreamTable(loop: loop, settings: settings, intake: intake)
      let streams = NIOLoopBound(table, eventLoop: loop)
      let udp = bindDatagrams(settings.udp, loop, intake)
      let tcp = bindStreams(settings.tcp, loop, streams)
      return udp.flatMap { udp in
        tcp.flatMapThrowing { tcp in
          try SIPTransport(
            loop: loop, settings: settings, intake: intake, streams: streams, datagrams: udp, listener: tcp)
        }
      }
    }.get()
  }

  private init(
    loop: any EventLoop, settings: Settings, intake: Intake, streams: NIOLoopBound<StreamTable>,
    datagrams: (any Channel)?, listener: (any Channel)?
  ) throws {
    self.loop = loop; self.settings = settings; self.intake = intake; self.streams = streams
    self.datagrams = datagrams; self.listener = listener
    udp = datagrams?.localAddress.flatMap(Endpoint.init)
    tcp = listener?.localAddress.flatMap(Endpoint.init)
  }

  private static func bindDatagrams(
    _ endpoint: Endpoint?, _ loop: any EventLoop, _ intake: Intake
  ) -> EventLoopFuture<(any Channel)?> {
    guard let endpoint else { return loop.makeSucceededFuture(nil) }
    return DatagramBootstrap(group: loop)
      .channelOption(.socketOption(.so_rcvbuf), value: 4 << 20)
      .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 65_536))
      .channelOption(.datagramVectorReadMessageCount, value: 16)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(DatagramHandler(intake: intake))
        }
      }
      .bind(host: endpoint.address, port: Int(endpoint.port)).map { $0 }
  }

  private static func bindStreams(
    _ endpoint: Endpoint?, _ loop: any EventLoop, _ streams: NIOLoopBound<StreamTable>
  ) -> EventLoopFuture<(any Channel)?> {
    guard let endpoint else { return loop.makeSucceededFuture(nil) }
    return ServerBootstrap(group: loop, childGroup: loop)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .serverChannelOption(.backlog, value: 512)
      .childChannelOption(.writeBufferWaterMark, value: StreamTable.waterMark)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try streams.value.accept(channel) }
      }
      .bind(host: endpoint.address, port: Int(endpoint.port)).map { $0 }
  }

  public var counters: Counters { intake.counters.withLock { $0 } }

  /// Sends bytes, in order for each flow, many with one hop to the loop and one flush.
  public func send(_ transmissions: [UserAgent.Transmission]) {
    guard !transmissions.isEmpty else { return }
    loop.execute { [self] in
      var wroteDatagram = false
      for transmission in transmissions {
        intake.counters.withLock { $0.sent += 1 }
        if transmission.flow.transport == .udp {
          guard let datagrams, let remote = try? SocketAddress(transmission.flow.remote) else {
            intake.sinks.failed(transmission.flow)
            continue
          }
          let buffer = datagrams.allocator.buffer(bytes: transmission.bytes)
          let envelope = AddressedEnvelope(remoteAddress: remote, data: buffer)
          datagrams.write(envelope, promise: nil)
          wroteDatagram = true
        } else {
          streams.value.send(transmission)
        }
      }
      if wroteDatagram { datagrams?.flush() }
      streams.value.flush()
    }
  }

  /// Stops listening, sends what was given before, and closes all connections.
  public func stop() async {
    try? await listener?.close()
    try? await loop.submit { self.streams.value.closeAll() }.get()
    try? await datagrams?.close()
  }
}

/// What happens to bytes of any transport before the engine sees a message. Lives on the loop.
final class Intake: Sendable {
  let settings: SIPTransport.Settings
  let clock: EngineClock
  let logger: Logger
  let sinks: SIPTransport.Sinks
  let counters = Mutex(SIPTransport.Counters())
  private let gate: Mutex<SourceGate>
  /// The To tag of stateless refusals: one for the life of the process, so that repeated requests get the same.
  private let tag: String

  init(settings: SIPTransport.Settings, clock: EngineClock, logger: Logger, sinks: SIPTransport.Sinks) {
    self.settings = settings; self.clock = clock; self.logger = logger; self.sinks = sinks
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

  /// Hands a message on, unless a scanner sent it.
  func take(_ message: Message, _ flow: Flow) {
    if Scanners.sent(message) {
      counters.withLock { $0.dropped += 1 }
      return
    }
    counters.withLock { $0.received += 1 }
    logger.trace(
      "received",
      metadata: ["call_id": "\(message.callID)", "method": "\(message.method)", "status": "\(message.status)"])
    sinks.received(message, flow)
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

/// One datagram, one message.
private final class DatagramHandler: ChannelInboundHandler {
  typealias InboundIn = AddressedEnvelope<ByteBuffer>
  typealias OutboundOut = AddressedEnvelope<ByteBuffer>
  private let intake: Intake
  init(intake: Intake) { self.intake = intake }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let envelope = unwrapInboundIn(data)
    // A keep-alive (RFC 5626) or STUN is no request; nobody waits for an answer to it here.
    guard envelope.data.readableBytes > 4, let remote = Endpoint(envelope.remoteAddress), intake.admits(remote) else {
      return
    }
    let flow = Flow(transport: .udp, remote: remote)
    let bytes = Array(envelope.data.readableBytesView)
    do throws(ParseError) {
      intake.take(try Message(parsing: bytes, limits: intake.settings.limits), flow)
    } catch {
      guard let refusal = intake.refusal(of: bytes, for: error, flow) else { return }
      let buffer = context.channel.allocator.buffer(bytes: refusal)
      let answer = AddressedEnvelope(remoteAddress: envelope.remoteAddress, data: buffer)
      context.writeAndFlush(wrapOutboundOut(answer), promise: nil)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // A datagram socket outlives its errors, as ICMP's word that nobody listens over there.
    intake.logger.debug("datagram error", metadata: ["error": "\(error)"])
  }
}
