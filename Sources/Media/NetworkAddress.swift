/// Where a packet came from or goes to: an IP address and a port. IPv4 stands in the last four bytes, mapped.
public struct NetworkAddress: Hashable, Sendable {
  public var high: UInt64
  public var low: UInt64
  public var port: UInt16
  public init(high: UInt64, low: UInt64, port: UInt16) { self.high = high; self.low = low; self.port = port }
  public init(ipv4: UInt32, port: UInt16) { self.init(high: 0, low: 0xffff_0000_0000 | UInt64(ipv4), port: port) }
}
