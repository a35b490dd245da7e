import NIOCore
import NIOPosix
import NIOSSL
import Primitives
import SIP
import Synchronization

/// A far end that speaks TLS to a transport under test, as a phone does: it believes one authority and shows no
/// certificate.
final class TLSClient: Sendable {
  private final class Received: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    let text: @Sendable (String) -> Void
    init(_ text: @escaping @Sendable (String) -> Void) { self.text = text }
    func channelRead(context: ChannelHandlerContext, data: NIOAny) { text(String(buffer: unwrapInboundIn(data))) }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
  }
  private final class State: Sendable {
    let text = Mutex("")
    let isClosed = Atomic(false)
  }

  private let channel: any Channel
  private let state: State

  init(
    to server: Endpoint, from source: String = "127.0.0.1", trusting authority: String,
    versions: (least: TLSVersion, most: TLSVersion) = (.tlsv12, .tlsv13)
  ) async throws {
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(authority.utf8)))
    configuration.minimumTLSVersion = versions.least
    configuration.maximumTLSVersion = versions.most
    let context = try NIOSSLContext(configuration: configuration)
    let state = State()
    self.state = state
    channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .bind(to: SocketAddress(ipAddress: source, port: 0))
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let pipeline = channel.pipeline.syncOperations
          try pipeline.addHandler(NIOSSLClientHandler(context: context, serverHostname: nil))
          try pipeline.addHandler(Received { text in state.text.withLock { $0 += text } })
        }
      }
      .connect(host: server.address, port: Int(server.port)).get()
    channel.closeFuture.whenComplete { _ in state.isClosed.store(true, ordering: .sequentiallyConsistent) }
  }

  func send(_ text: String) { channel.writeAndFlush(ByteBuffer(string: text), promise: nil) }
  func close() { channel.close(mode: .all, promise: nil) }

  var text: String { state.text.withLock { $0 } }

  func wait(_ condition: (String) -> Bool) async -> Bool {
    for _ in 0..<2_000 where !condition(text) { try? await Task.sleep(for: .milliseconds(5)) }
    return condition(text)
  }

  /// Whether the far end ended the connection, or let no handshake come about.
  func isClosed() async -> Bool {
    for _ in 0..<4_000 where !state.isClosed.load(ordering: .sequentiallyConsistent) {
      try? await Task.sleep(for: .milliseconds(5))
    }
    return state.isClosed.load(ordering: .sequentiallyConsistent)
  }
}
