import Glibc
public import Media

/// A UDP socket on 127.0.0.1 that never blocks.
public final class LoopbackSocket {
  public struct Failure: Error {
    /// As errno has it.
    public var code: Int32
  }

  public let descriptor: Int32
  /// Where it is bound.
  public let address: NetworkAddress

  /// - Parameter port: 0 for any that is free.
  public init(port: UInt16 = 0) throws {
    let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var local = Self.name(of: port)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    guard descriptor >= 0, Self.call(&local, { bind(descriptor, $0, length) }) == 0,
      Self.call(&local, { getsockname(descriptor, $0, &length) }) == 0
    else {
      let code = errno
      close(descriptor)
      throw Failure(code: code)
    }
    self.descriptor = descriptor
    address = NetworkAddress(ipv4: 0x7f00_0001, port: UInt16(bigEndian: local.sin_port))
  }

  deinit { close(descriptor) }

  /// Room for what comes in bursts, as much as the system grants.
  public func enlargeBuffer() {
    var size: Int32 = 8 << 20
    let length = socklen_t(MemoryLayout<Int32>.size)
    // Beyond the system's limit only an administrator's process may go.
    if setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &size, length) != 0 {
      setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, length)
    }
  }

  /// To a port of this host; what the kernel does not take is lost.
  public func send(_ packet: UnsafeRawBufferPointer, to port: UInt16) {
    var remote = Self.name(of: port)
    _ = Self.call(&remote) {
      sendto(
        descriptor, packet.baseAddress, packet.count, Int32(MSG_DONTWAIT), $0,
        socklen_t(MemoryLayout<sockaddr_in>.size))
    }
  }

  /// The size of the next datagram, which is written to `buffer`; nil if none waits.
  public func receive(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
    let count = recv(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
    return count < 0 ? nil : count
  }

  /// Waits for a datagram; false where none has come.
  public func wait(milliseconds: Int32) -> Bool {
    var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&waiting, 1, milliseconds) == 1
  }

  private static func name(of port: UInt16) -> sockaddr_in {
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    name.sin_port = port.bigEndian
    return name
  }

  private static func call<Result>(_ name: inout sockaddr_in, _ body: (UnsafeMutablePointer<sockaddr>) -> Result)
    -> Result
  {
    withUnsafeMutablePointer(to: &name) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1, body)
    }
  }
}
