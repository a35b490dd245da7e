/// The path a message came on, and back on which its response goes: transport, our listener and the far end.
public struct Flow: Hashable, Sendable {
  public enum Transport: UInt8, Sendable { case udp, tcp, tls }
  public var transport: Transport
  /// The far end.
  public var remote: Endpoint
  /// The stream connection, as the driver numbers them; 0 for datagrams, or for a stream still to be opened.
  public var connection: UInt64
  public init(transport: Transport, remote: Endpoint, connection: UInt64 = 0) {
    self.transport = transport
    self.remote = remote
    self.connection = connection
  }
}

extension Flow.Transport {
  /// As it stands in Via.
  public var name: String {
    switch self {
    case .udp: "UDP"
    case .tcp: "TCP"
    case .tls: "TLS"
    }
  }
}
