import CLinux
import Glibc
import Media
import SIP

/// An address as the kernel takes it: `sockaddr_in6`, or `sockaddr_in` in the same bytes.
struct KernelAddress {
  private var storage = sockaddr_in6()
  private var length = socklen_t(MemoryLayout<sockaddr_in6>.size)

  /// Ready to be filled by `recvfrom`.
  init() {}

  init(_ storage: sockaddr_in6) { self.storage = storage }

  /// Nil if a socket of this family cannot reach the address.
  init?(_ address: NetworkAddress, family: Int32) {
    let isIPv4 = address.high == 0 && address.low >> 32 == 0xffff
    if family == AF_INET {
      guard isIPv4 else { return nil }
      withUnsafeMutableBytes(of: &storage) { bytes in
        bytes.storeBytes(of: sa_family_t(AF_INET), as: sa_family_t.self)
        bytes.storeBytes(of: address.port.bigEndian, toByteOffset: 2, as: UInt16.self)
        bytes.storeBytes(of: UInt32(truncatingIfNeeded: address.low).bigEndian, toByteOffset: 4, as: UInt32.self)
      }
      length = socklen_t(MemoryLayout<sockaddr_in>.size)
    } else {
      withUnsafeMutableBytes(of: &storage) { bytes in
        bytes.storeBytes(of: sa_family_t(AF_INET6), as: sa_family_t.self)
        bytes.storeBytes(of: address.port.bigEndian, toByteOffset: 2, as: UInt16.self)
        bytes.storeBytes(of: address.high.bigEndian, toByteOffset: 8, as: UInt64.self)
        bytes.storeBytes(of: address.low.bigEndian, toByteOffset: 16, as: UInt64.self)
      }
    }
  }

  var networkAddress: NetworkAddress {
    withUnsafeBytes(of: storage) { bytes in
      let port = UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
      if Int32(storage.sin6_family) == AF_INET {
        let ipv4 = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
        return NetworkAddress(ipv4: ipv4, port: port)
      }
      return NetworkAddress(
        high: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
        low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self)), port: port)
    }
  }

  /// Calls a socket function with the address; the length comes back with what the kernel made of it.
  mutating func withPointer<Result>(
    _ body: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Result
  ) -> Result {
    withUnsafeMutablePointer(to: &storage) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        withUnsafeMutablePointer(to: &length) { body(address, $0) }
      }
    }
  }
}

extension NetworkAddress {
  init(_ endpoint: Endpoint) { self.init(high: endpoint.high, low: endpoint.low, port: endpoint.port) }
}

extension Endpoint {
  init(_ address: NetworkAddress) { self.init(high: address.high, low: address.low, port: address.port) }
}

/// A datagram socket bound to an address. Sending never blocks.
struct DatagramSocket {
  let descriptor: Int32
  let family: Int32

  /// The class of its packets on the way, as a network may honour it (RFC 4594).
  enum ServiceClass: Int32 {
    /// Expedited forwarding (RFC 3246).
    case voice = 46
    case signalling = 40
  }

  /// - Throws: what the system says, as an address that is taken or not ours.
  init(bound address: NetworkAddress, for serviceClass: ServiceClass = .voice) throws(SystemError) {
    family = address.high == 0 && address.low >> 32 == 0xffff ? AF_INET : AF_INET6
    descriptor = socket(family, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0, var local = KernelAddress(address, family: family) else { throw SystemError(errno: errno) }
    var dscp = serviceClass.rawValue << 2
    let (level, option) = family == AF_INET ? (IPPROTO_IP, IP_TOS) : (IPPROTO_IPV6, IPV6_TCLASS)
    setsockopt(descriptor, Int32(level), option, &dscp, socklen_t(MemoryLayout<Int32>.size))
    guard local.withPointer({ bind(descriptor, $0, $1.pointee) }) == 0 else {
      let error = SystemError(errno: errno)
      Glibc.close(descriptor)
      throw error
    }
  }

  func close() { Glibc.close(descriptor) }

  /// Room for what comes while its thread does something else, as much as the system grants.
  func enlargeBuffer() {
    var size: Int32 = 4 << 20
    let length = socklen_t(MemoryLayout<Int32>.size)
    // Beyond the system's limit only an administrator's process may go.
    if setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &size, length) != 0 {
      setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, length)
    }
  }

  /// Where it is bound in fact.
  var address: NetworkAddress {
    var address = KernelAddress()
    _ = address.withPointer { getsockname(descriptor, $0, $1) }
    return address.networkAddress
  }

  /// Bytes of one datagram and who sent it; nil if none is waiting.
  func receive(into buffer: UnsafeMutableRawBufferPointer) -> (count: Int, sender: KernelAddress)? {
    var sender = KernelAddress()
    let count = sender.withPointer {
      recvfrom(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT), $0, $1)
    }
    return count < 0 ? nil : (count, sender)
  }

  /// A datagram that cannot be sent now is lost, as on any network.
  /// - Returns: whether the kernel took it.
  @discardableResult
  func send(_ packet: UnsafeRawBufferPointer, to address: KernelAddress) -> Bool {
    var address = address
    return address.withPointer {
      sendto(descriptor, packet.baseAddress, packet.count, Int32(MSG_DONTWAIT), $0, $1.pointee)
    } >= 0
  }
}

/// A datagram in the room that it was read into.
struct Datagram {
  /// All of the room: what protects a packet writes behind its end.
  var bytes: UnsafeMutableRawBufferPointer
  var count: Int
  var sender: KernelAddress
}

/// Datagrams read with one call.
struct DatagramBatch: ~Copyable {
  private let datagrams: UnsafeMutableBufferPointer<linux_datagram>
  private let rooms: UnsafeMutableRawBufferPointer
  private let room: Int

  /// - Parameters:
  ///   - most: octets of a datagram that are read; a longer one is cut off.
  ///   - spare: octets behind them that are free for who works on the datagram.
  init(most: Int = 65_536, spare: Int = 0) {
    let count = Int(LINUX_MOST_DATAGRAMS)
    room = most + spare
    rooms = .allocate(byteCount: count * room, alignment: 16)
    datagrams = .allocate(capacity: count)
    for index in 0..<count {
      let bytes = rooms.baseAddress?.advanced(by: index * room)
      datagrams.initializeElement(
        at: index, to: linux_datagram(bytes: bytes, room: UInt32(most), size: 0, sender: sockaddr_in6()))
    }
  }

  deinit {
    datagrams.deallocate()
    rooms.deallocate()
  }

  /// Takes the datagrams that are there; if it is `waiting` it first waits for one.
  /// - Returns: how many; 0 after an error of the socket.
  mutating func receive(from socket: DatagramSocket, waiting: Bool = true) -> Int {
    Int(max(0, linux_receive(socket.descriptor, datagrams.baseAddress, UInt32(datagrams.count), waiting ? 1 : 0)))
  }

  /// One of them, in place.
  func datagram(_ index: Int) -> Datagram {
    Datagram(
      bytes: UnsafeMutableRawBufferPointer(start: datagrams[index].bytes, count: room),
      count: Int(datagrams[index].size), sender: KernelAddress(datagrams[index].sender))
  }

  subscript(index: Int) -> (bytes: [UInt8], sender: NetworkAddress) {
    let datagram = datagram(index)
    return (Array(datagram.bytes[..<datagram.count]), datagram.sender.networkAddress)
  }
}
