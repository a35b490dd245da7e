import NIOCore
import SIP

extension Endpoint {
  /// Read by its bytes: port at 2, IPv4 address at 4, IPv6 address at 8. Nil for a socket of the file system.
  init?(_ address: SocketAddress) {
    switch address {
    case .v4(let address):
      self = withUnsafeBytes(of: address.address) { bytes in
        Endpoint(ipv4: Self.load(bytes, at: 4), port: Self.load(bytes, at: 2))
      }
    case .v6(let address):
      self = withUnsafeBytes(of: address.address) { bytes in
        Endpoint(high: Self.load(bytes, at: 8), low: Self.load(bytes, at: 16), port: Self.load(bytes, at: 2))
      }
    case .unixDomainSocket:
      return nil
    }
  }

  private static func load<Integer: FixedWidthInteger>(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> Integer {
    Integer(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Integer.self))
  }
}
