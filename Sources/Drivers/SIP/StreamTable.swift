import Logging
import NIOCore
import NIOPosix
import Primitives
import SIP
import Synchronization

/// The stream connections, ours and theirs. Lives on the loop.
final class StreamTable {
  private let loop: any EventLoop
  private let settings: SIPTransport.Settings
  private let intake: Intake
  private var streams: [UInt64: Stream] = [:]
  /// The connection to use for a far end when a flow names none: one that is up, or that is being made.
  private var byRemote: [Endpoint: UInt64] = [:]
  private var perSource: [String: Int] = [:]
  private var nextConnection: UInt64 = 1
  private var unflushed: [UInt64] = []

  /// A far end may leave this much unread.
  static let waterMark = ChannelOptions.Types.WriteBufferWaterMark(low: 256 << 10, high: 1 << 20)

  private struct Stream {
    var flow: Flow
    var isOurs: Bool
    /// Nil while it is being made; `waiting` goes out when it is up.
    var channel: (any Channel)?
    var waiting: [[UInt8]] = []
    /// Whether a message came in or went out: only then may a transaction or a dialog depend on it.
    var isUsed = false
  }

  init(loop: any EventLoop, settings: SIPTransport.Settings, intake: Intake) {
    self.loop = loop; self.settings = settings; self.intake = intake
  }

  struct Refused: Error {}

  /// Takes a connection that a far end made.
  /// - Throws: `Refused` where it is one too many; NIO closes it then.
  func accept(_ channel: any Channel) throws {
    // A connection counts like a message, so that opening and closing them is no way around the gate.
    guard let remote = channel.remoteAddress.flatMap(Endpoint.init), intake.admits(remote) else { throw Refused() }
    let isGuest = !remote.isLoopback && !intake.sinks.isTrusted(remote)
    let limit = isGuest ? settings.connectionsPerSource : settings.connections
    guard streams.count < settings.connections, perSource[remote.address, default: 0] < limit else { throw Refused() }
    try add(channel, Stream(flow: newFlow(remote), isOurs: false, channel: channel))
  }

  private func newFlow(_ remote: Endpoint) -> Flow {
    defer { nextConnection += 1 }
    return Flow(transport: .tcp, remote: remote, connection: nextConnection)
  }

  private func add(_ channel: any Channel, _ stream: Stream) throws {
    let flow = stream.flow
    let table = NIOLoopBound(self, eventLoop: loop)
    let handler = StreamHandler(flow, isOurs: stream.isOurs, intake) {
      table.value.streams[flow.connection]?.isUsed = true
    }
    try channel.pipeline.syncOperations.addHandler(handler)
    streams[flow.connection] = stream
    byRemote[flow.remote] = flow.connection
    perSource[flow.remote.address, default: 0] += 1
    channel.closeFuture.whenComplete { _ in table.value.closed(flow) }
  }

  private func closed(_ flow: Flow) {
    guard let stream = streams.removeValue(forKey: flow.connection) else { return }
    if byRemote[flow.remote] == flow.connection { byRemote[flow.remote] = nil }
    if stream.channel != nil {
      let count = perSource[flow.remote.address, default: 1] - 1
      perSource[flow.remote.address] = count > 0 ? count : nil
    }
    guard stream.isUsed else { return }
    intake.sinks.failed(flow)
    // Who asked for a connection without naming one waits under that flow.
    if stream.isOurs { intake.sinks.failed(Flow(transport: flow.transport, remote: flow.remote)) }
  }

  func send(_ transmission: UserAgent.Transmission) {
    let flow = transmission.flow
    guard let connection = flow.connection == 0 ? byRemote[flow.remote] : flow.connection else {
      connect(flow.remote, first: transmission.bytes)
      return
    }
    guard let stream = streams[connection] else {
      intake.sinks.failed(flow)
      return
    }
    guard let channel = stream.channel else {
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

  private func connect(_ remote: Endpoint, first bytes: [UInt8]) {
    let flow = newFlow(remote)
    streams[flow.connection] = Stream(flow: flow, isOurs: true, waiting: [bytes], isUsed: true)
    byRemote[remote] = flow.connection
    let table = NIOLoopBound(self, eventLoop: loop)
    ClientBootstrap(group: loop)
      .connectTimeout(.seconds(4))
      .channelInitializer { $0.setOption(.writeBufferWaterMark, value: Self.waterMark) }
      .connect(host: remote.address, port: Int(remote.port))
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

/// Cuts one connection's bytes into messages.
private final class StreamHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let flow: Flow
  private let intake: Intake
  private var framer: StreamFramer
  /// When the message that is coming in began; for a connection made to us also when that was, until its first one.
  private var awaitedSince: NIODeadline?
  private var lastHeard = NIODeadline.now()
  private var watch: RepeatedTask?
  /// Called with the first message, before it is handed on.
  private var onFirstMessage: (() -> Void)?

  init(_ flow: Flow, isOurs: Bool, _ intake: Intake, onFirstMessage: @escaping () -> Void) {
    self.flow = flow; self.intake = intake; self.onFirstMessage = onFirstMessage
    framer = StreamFramer(limits: intake.settings.limits)
    awaitedSince = isOurs ? nil : .now()
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

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
