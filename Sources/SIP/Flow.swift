/// The path a message came on, and back on which its response goes: transport, our listener and the far end.
public struct Flow: Hashable, Sendable {
  public enum Transport: UInt8, Sendable { case udp, tcp, tls }
  public var transport: Transport
  /// The far end.
  public var remote: Endpoint
  /// The stream connection, as the driver numbers them; 0 for datagrams, or for a stream still to be opened.
  public var connection: UInt64
  public init(transport: Transport, remote: Endpoint, connection: UInt64 = 0) {
    self.transport = transport; self.remote = remote; self.connection = connection
  }
}

/// An IP address and a port. IPv4 stands in the last four bytes of an IPv4-mapped IPv6 address.
public struct Endpoint: Hashable, Sendable, CustomStringConvertible {
  public var high: UInt64
  public var low: UInt64
  public var port: UInt16
  public init(high: UInt64, low: UInt64, port: UInt16) { self.high = high; self.low = low; self.port = port }
  public init(ipv4: UInt32, port: UInt16) { self.init(high: 0, low: 0xffff_0000_0000 | UInt64(ipv4), port: port) }
  /// Dotted quad or IPv6 text (brackets allowed); nil if it is a host name.
  public init?(address: String, port: UInt16) { fatalError("unwritten") }
  /// The address without the port, as text.
  public var address: String { fatalError("unwritten") }
  public var isLoopback: Bool { high == 0 && (low == 1 || low >> 24 == 0xffff_7f) }
  public var description: String { fatalError("unwritten") }
}
