import Foundation
import Synchronization
import Testing

/// The way between one browser and the server's port for browsers, as through a router: what is sent to the port at
/// 127.0.0.2 reaches that at 127.0.0.1 from a port of the relay's own.
final class Relay: Sendable {
  private struct State {
    /// Towards the server, the one in use last.
    var outer: [Int32]
    var isStopped = false
  }

  private let inner: Int32
  private let port: Int
  private let state: Mutex<State>

  init(port: Int) throws {
    let inner = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    try #require(withLoopback(port, host: 2) { bind(inner, $0, $1) } == 0, "127.0.0.2 has no port \(port)")
    self.inner = inner
    self.port = port
    state = Mutex(State(outer: [try Self.socketToServer(port)]))
    Thread.detachNewThread { self.run() }
  }

  private static func socketToServer(_ port: Int) throws -> Int32 {
    let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    try #require(withLoopback(port) { connect(descriptor, $0, $1) } == 0)
    return descriptor
  }

  /// The server sees the browser at another address from now on, as after a change of networks.
  func roam() throws {
    let new = try Self.socketToServer(port)
    state.withLock { $0.outer.append(new) }
  }

  func stop() { state.withLock { $0.isStopped = true } }

  private func run() {
    var browser = sockaddr_in()
    var bytes = [UInt8](repeating: 0, count: 2_048)
    while true {
      let now = state.withLock { $0 }
      guard !now.isStopped, let outer = now.outer.last else { break }
      var ready = [inner, outer].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
      guard poll(&ready, 2, 20) > 0 else { continue }
      if ready[0].revents != 0 {
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let count = withUnsafeMutablePointer(to: &browser) {
          $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { recvfrom(inner, &bytes, bytes.count, 0, $0, &length) }
        }
        if count > 0 { _ = send(outer, bytes, count, 0) }
      }
      if ready[1].revents != 0 {
        let count = recv(outer, &bytes, bytes.count, 0)
        guard count > 0 else { continue }
        _ = withUnsafePointer(to: &browser) {
          $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            sendto(inner, bytes, count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
          }
        }
      }
    }
    for descriptor in [inner] + state.withLock({ $0.outer }) { close(descriptor) }
  }
}
