import Logging
import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS
import Primitives
import SIP
import Synchronization

/// The stream connections, ours and theirs. Lives on the loop.
final class StreamTable {
  private let loop: any EventLoop
  private let settings: SIPTransport.Settings
  private let intake: Intake
  private let security: TLSContexts?
  private var streams: [UInt64: Stream] = [:]
  /// The connection to use for a far end when a flow names none: one that is up, or that is being made. Over TLS only
  /// those that we made: the far end of another one has shown no certificate.
  private var byRemote: [Flow: UInt64] = [:]
  private var nextConnection: UInt64 = 1
  private var unflushed: [UInt64] = []

  /// A far end may leave this much unread.
  static let waterMark = ChannelOptions.Types.WriteBufferWaterMark(low: 256 << 10, high: 1 << 20)

  /// Messages that may wait for a connection to be made; more are lost, and repeated by whoever needs them.
  private static let patience = 1_000

  private struct Stream {
    var flow: Flow
    var isOurs: Bool
    /// Nil while it is being made; `waiting` goes out when it is up.
    var channel: (any Channel)?
    var waiting: [[UInt8]] = []
    /// Whether a message came in or went out: only then may a transaction or a dialog depend on it.
    var isUsed = false
  }

  init(loop: any EventLoop, settings: SIPTransport.Settings, security: TLSContexts?, intake: Intake) {
    self.loop = loop; self.settings = settings; self.security = security; self.intake = intake
  }

  struct Refused: Error {}

  /// Takes a connection that a far end made.
  /// - Throws: `Refused` where it is one too many; NIO closes it then.
  func accept(_ channel: any Channel, over transport: Flow.Transport) throws {
    // A connection counts like a message, so that opening and closing them is no way around the gate.
    guard let remote = channel.remoteAddress.flatMap(Endpoint.init), intake.admits(remote) else { throw Refused() }
    guard streams.count < settings.connections, guests(at: remote) < settings.connectionsPerSource
    else { throw Refused() }
    if transport == .tls, let context = security?.forServer {
      try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
    }
    try add(channel, Stream(flow: newFlow(transport, remote), isOurs: false, channel: channel))
  }

  /// Connections from an address over which nobody known has spoken; 0 for a source that is trusted. An office of many
  /// phones behind one address is welcome as its phones register.
  private func guests(at remote: Endpoint) -> Int {
    guard !intake.sinks.isTrusted(remote) else { return 0 }
    return streams.values.count { stream in
      let other = stream.flow.remote
      return other.high == remote.high && other.low == remote.low && !intake.sinks.isTrusted(other)
    }
  }

  private func newFlow(_ transport: Flow.Transport, _ remote: Endpoint) -> Flow {
    defer { nextConnection += 1 }
    return Flow(transport: transport, remote: remote, connection: nextConnection)
  }

  private func add(_ channel: any Channel, _ stream: Stream) throws {
    let flow = stream.flow
    let table = NIOLoopBound(self, eventLoop: loop)
    let handler = StreamHandler(flow, isOurs: stream.isOurs, intake) {
      table.value.streams[flow.connection]?.isUsed = true
    }
    try channel.pipeline.syncOperations.addHandler(handler)
    streams[flow.connection] = stream
    if flow.transport != .tls || stream.isOurs { byRemote[flow.unnamed] = flow.connection }
    channel.closeFuture.whenComplete { _ in table.value.closed(flow) }
  }

  private func closed(_ flow: Flow) {
    guard let stream = streams.removeValue(forKey: flow.connection) else { return }
    if byRemote[flow.unnamed] == flow.connection { byRemote[flow.unnamed] = nil }
    guard stream.isUsed else { return }
    intake.sinks.failed(flow)
    // Who asked for a connection without naming one waits under that flow.
    if stream.isOurs { intake.sinks.failed(flow.unnamed) }
  }

  func send(_ transmission: UserAgent.Transmission) {
    let flow = transmission.flow
    guard let connection = flow.connection == 0 ? byRemote[flow] : flow.connection else {
      connect(flow, first: transmission.bytes)
      return
    }
    guard let stream = streams[connection] else {
      intake.sinks.failed(flow)
      return
    }
    guard let channel = stream.channel else {
      guard stream.waiting.count < Self.patience else { return }
      streams[connection]?.waiting.append(transmission.bytes)
      return
    }
    // A far end that reads nothing must not fill our memory.
    guard channel.isWritable else {
      channel.close(promise: nil)
      return
    }
    streams[connection]?.isUsed = true
    channel.write(channel.allocator.buffer(bytes: transmission.bytes), promise: nil)
    unflushed.append(connection)
  }

  func flush() {
    for connection in unflushed { streams[connection]?.channel?.flush() }
    unflushed.removeAll(keepingCapacity: true)
  }

  func closeAll() {
    for stream in streams.values { stream.channel?.close(promise: nil) }
  }

  private func connect(_ unnamed: Flow, first bytes: [UInt8]) {
    guard unnamed.transport == .tcp || security != nil, streams.count < settings.connections else {
      return intake.sinks.failed(unnamed)
    }
    let flow = newFlow(unnamed.transport, unnamed.remote)
    streams[flow.connection] = Stream(flow: flow, isOurs: true, waiting: [bytes], isUsed: true)
    byRemote[unnamed] = flow.connection
    let table = NIOLoopBound(self, eventLoop: loop)
    ClientBootstrap(group: loop)
      .connectTimeout(.seconds(4))
      .channelInitializer { $0.setOption(.writeBufferWaterMark, value: Self.waterMark) }
      .connect(host: flow.remote.address, port: Int(flow.remote.port))
      .whenComplete { result in
        switch result {
        case .success(let channel): table.value.connected(flow, channel)
        case .failure: table.value.closed(flow)
        }
      }
  }

  private func connected(_ flow: Flow, _ channel: any Channel) {
    guard var stream = streams[flow.connection] else {
      channel.close(promise: nil)
      return
    }
    let waiting = stream.waiting
    stream.channel = channel
    stream.waiting = []
    do {
      if flow.transport == .tls, let context = security?.client {
        // Without a name: the certificate must hold the address.
        let handler = try NIOSSLClientHandler(context: context, serverHostname: nil)
        try channel.pipeline.syncOperations.addHandler(handler)
      }
      try add(channel, stream)
    } catch {
      channel.close(promise: nil)
      closed(flow)
      return
    }
    for bytes in waiting { channel.write(channel.allocator.buffer(bytes: bytes), promise: nil) }
    channel.flush()
  }
}

extension Flow {
  /// The flow to the same far end over whichever connection there is.
  fileprivate var unnamed: Flow { Flow(transport: transport, remote: remote) }
}

/// Cuts one connection's bytes into messages.
private final class StreamHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let flow: Flow
  private let isOurs: Bool
  private let intake: Intake
  private var framer: StreamFramer
  /// When the message that is coming in began; for a connection made to us also when that was, until its first one;
  /// for a handshake of ours when it began.
  private var awaitedSince: NIODeadline?
  private var lastHeard = NIODeadline.now()
  private var watch: RepeatedTask?
  /// Called with the first message, before it is handed on.
  private var onFirstMessage: (() -> Void)?

  init(_ flow: Flow, isOurs: Bool, _ intake: Intake, onFirstMessage: @escaping () -> Void) {
    self.flow = flow; self.intake = intake; self.onFirstMessage = onFirstMessage
    framer = StreamFramer(limits: intake.limits)
    awaitedSince = isOurs && flow.transport != .tls ? nil : .now()
    self.isOurs = isOurs
  }

  func handlerAdded(context: ChannelHandlerContext) {
    let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
    let channel = context.channel
    watch = context.eventLoop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { _ in
      if handler.value.isOverdue { channel.close(promise: nil) }
    }
  }

  func handlerRemoved(context: ChannelHandlerContext) { watch?.cancel() }

  private var isOverdue: Bool {
    let now = NIODeadline.now()
    if let awaitedSince, now - awaitedSince > .seconds(intake.settings.messageTime) { return true }
    return now - lastHeard > .seconds(intake.settings.idleTime)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    lastHeard = .now()
    framer.append(unwrapInboundIn(data).readableBytesView)
    var messages: [SIPTransport.Received] = []
    defer { intake.handOn(messages) }
    do throws(ParseError) {
      while let frame = try framer.next() {
        awaitedSince = nil
        guard take(frame, context, &messages) else {
          context.close(promise: nil)
          return
        }
      }
    } catch {
      // Where the next message begins is not known any more.
      intake.counters.withLock { $0.malformed += 1 }
      intake.logger.debug("stream lost", metadata: ["offset": "\(error.offset)", "reason": "\(error.reason)"])
      context.close(promise: nil)
      return
    }
    if framer.pending > 0, awaitedSince == nil { awaitedSince = lastHeard }
  }

  /// False where the connection shall end.
  private func take(
    _ frame: StreamFramer.Frame, _ context: ChannelHandlerContext, _ messages: inout [SIPTransport.Received]
  ) -> Bool {
    switch frame {
    case .ping:
      write([0x0d, 0x0a], context)
    case .message(let message):
      guard intake.admits(flow.remote) else { return false }
      onFirstMessage?()
      onFirstMessage = nil
      if intake.welcomes(message) { messages.append((message, flow)) }
    case .refused(let error, let bytes):
      guard intake.admits(flow.remote) else { return false }
      if let refusal = intake.refusal(of: bytes, for: error, flow) { write(refusal, context) }
    }
    return true
  }

  private func write(_ bytes: [UInt8], _ context: ChannelHandlerContext) {
    context.writeAndFlush(wrapOutboundOut(context.channel.allocator.buffer(bytes: bytes)), promise: nil)
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if isOurs, case TLSUserEvent.handshakeCompleted(_) = event { awaitedSince = nil }
    context.fireUserInboundEventTriggered(event)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if case NIOSSLError.handshakeFailed(let reason) = error {
      intake.counters.withLock { $0.failedHandshakes += 1 }
      intake.logger.debug(
        "TLS handshake failed", metadata: ["remote": "\(Redacted(flow.remote.address))", "reason": "\(reason)"])
    }
    context.close(promise: nil)
  }
}
