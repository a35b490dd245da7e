import Glibc
import Media

/// An address as the kernel takes it: `sockaddr_in6`, or `sockaddr_in` in the same bytes.
struct KernelAddress {
  private var storage = sockaddr_in6()
  private var length = socklen_t(MemoryLayout<sockaddr_in6>.size)

  /// Ready to be filled by `recvfrom`.
  init() {}

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
      let port = UInt16(bigEndian: bytes.load(fromByteOffset: 2, as: UInt16.self))
      if Int32(storage.sin6_family) == AF_INET {
        return NetworkAddress(ipv4: UInt32(bigEndian: bytes.load(fromByteOffset: 4, as: UInt32.self)), port: port)
      }
      return NetworkAddress(
        high: UInt64(bigEndian: bytes.load(fromByteOffset: 8, as: UInt64.self)),
        low: UInt64(bigEndian: bytes.load(fromByteOffset: 16, as: UInt64.self)), port: port)
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

/// A datagram socket that never blocks, bound to an address.
struct DatagramSocket {
  let descriptor: Int32
  let family: Int32

  /// Nil if the address is taken or not ours.
  init?(bound address: NetworkAddress) {
    family = address.high == 0 && address.low >> 32 == 0xffff ? AF_INET : AF_INET6
    let kind = SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue
    descriptor = socket(family, Int32(kind), 0)
    guard descriptor >= 0, var local = KernelAddress(address, family: family) else { return nil }
    // Expedited forwarding for voice (RFC 3246); a network that does not care ignores it.
    var dscp: Int32 = 46 << 2
    let (level, option) = family == AF_INET ? (IPPROTO_IP, IP_TOS) : (IPPROTO_IPV6, IPV6_TCLASS)
    setsockopt(descriptor, Int32(level), option, &dscp, socklen_t(MemoryLayout<Int32>.size))
    guard local.withPointer({ bind(descriptor, $0, $1.pointee) }) == 0 else {
      Glibc.close(descriptor)
      return nil
    }
  }

  func close() { Glibc.close(descriptor) }

  /// Bytes of one datagram and who sent it; nil if none is waiting.
  func receive(into buffer: UnsafeMutableRawBufferPointer) -> (count: Int, sender: KernelAddress)? {
    var sender = KernelAddress()
    let count = sender.withPointer { recvfrom(descriptor, buffer.baseAddress, buffer.count, 0, $0, $1) }
    return count < 0 ? nil : (count, sender)
  }

  /// A datagram that cannot be sent now is lost, as on any network.
  func send(_ packet: UnsafeRawBufferPointer, to address: KernelAddress) {
    var address = address
    _ = address.withPointer {
      sendto(descriptor, packet.baseAddress, packet.count, 0, $0, $1.pointee)
    }
  }
}
