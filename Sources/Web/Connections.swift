import HummingbirdCore
import Logging
import NIOCore
import SIP
import Synchronization

/// Open connections by the address they come from, so that nobody takes all there are.
final class Connections: Sendable {
  private let counts = Mutex<[Endpoint: Int]>([:])
  private let limit: Int
  private let isExempt: @Sendable (Endpoint) -> Bool

  /// - Parameters:
  ///   - limit: connections of one address at once.
  ///   - isExempt: whether an address speaks for others, as a proxy does.
  init(limit: Int, isExempt: @escaping @Sendable (Endpoint) -> Bool) {
    self.limit = limit
    self.isExempt = isExempt
  }

  /// Whether the address may have one connection more; whoever got one gives it back by `close`.
  func open(from address: Endpoint) -> Bool {
    let isExempt = isExempt(address)
    return counts.withLock { counts in
      let count = counts[address.limitKey, default: 0]
      guard count < limit || isExempt else { return false }
      counts[address.limitKey] = count + 1
      return true
    }
  }

  func close(from address: Endpoint) {
    counts.withLock { counts in
      let count = counts[address.limitKey, default: 0] - 1
      counts[address.limitKey] = count > 0 ? count : nil
    }
  }
}

/// Closes what an address opens beyond its limit, before a byte of it is read.
struct LimitedChannel<Base: ServerChildChannel>: ServerChildChannel {
  typealias Value = Base.Value

  let base: Base
  let connections: Connections

  func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Base.Value> {
    guard let peer = channel.peer else { return base.setup(channel: channel, logger: logger) }
    guard connections.open(from: peer) else {
      channel.close(promise: nil)
      return channel.eventLoop.makeFailedFuture(ChannelError.ioOnClosedChannel)
    }
    channel.closeFuture.whenComplete { [connections] _ in connections.close(from: peer) }
    return base.setup(channel: channel, logger: logger)
  }

  func handle(value: Base.Value, logger: Logger) async { await base.handle(value: value, logger: logger) }
}

extension Channel {
  /// The far end's address, with port 0.
  var peer: Endpoint? { remoteAddress?.ipAddress.flatMap { Endpoint(address: $0, port: 0) } }
}
