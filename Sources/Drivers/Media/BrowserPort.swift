import CLinux
import CallControl
import Glibc
import Media
import Primitives
import SDP
import SIP
import Synchronization

/// The one UDP port that all browsers use (RFC 8843 BUNDLE, RFC 5761 rtcp-mux): a socket for each family of the
/// addresses at which they reach us. A datagram is told apart by its first byte (RFC 7983); a check finds its leg by the
/// name in it, everything else by the address that a check has proven.
final class BrowserPort: Sendable {
  private struct Tables {
    /// By the first eight characters of our ICE name; ours has no more.
    var fragments: [UInt64: MediaPort] = [:]
    var addresses: [NetworkAddress: MediaPort] = [:]
    var counters = MediaThreads.BrowserCounters()
  }

  let sockets: [DatagramSocket]
  let number: UInt16
  /// Where browsers reach us, as candidates say it.
  let candidates: [WebTransport.Candidate]
  private let tables = Mutex(Tables())

  /// - Parameters:
  ///   - local: where to bind, one address of a family at most; port 0 is whatever is free.
  ///   - advertised: numeric addresses at which browsers reach us, the preferred one first.
  init(bound local: [NetworkAddress], advertised: [String]) throws(SystemError) {
    var sockets: [DatagramSocket] = []
    var number: UInt16 = 0
    // IPv4 first: a socket of IPv6 takes its addresses too, and may not reach them.
    for var address in local.sorted(by: { $0.high < $1.high }) {
      if address.port == 0 { address.port = number }
      do throws(SystemError) {
        let socket = try DatagramSocket(bound: address)
        socket.enlargeBuffer()
        sockets.append(socket)
        // Both families have one number.
        number = socket.address.port
      } catch {
        for socket in sockets { socket.close() }
        throw error
      }
    }
    self.sockets = sockets
    self.number = number
    let port = number
    candidates = advertised.map { WebTransport.Candidate(address: $0, port: port) }
  }

  func close() { for socket in sockets { socket.close() } }

  var counters: MediaThreads.BrowserCounters { tables.withLock { $0.counters } }

  /// The socket whose family reaches an address, and the address as the kernel takes it.
  func route(to address: NetworkAddress) -> (socket: DatagramSocket, address: KernelAddress)? {
    for socket in sockets {
      if let kernel = KernelAddress(address, family: socket.family) { return (socket, kernel) }
    }
    return nil
  }

  /// Checks by this name go to a leg.
  func register(_ fragment: [UInt8], for port: MediaPort) {
    tables.withLock { $0.fragments[Self.key(fragment)] = port }
  }

  /// Forgets names and addresses of a leg.
  func forget(fragments: [[UInt8]], addresses: [NetworkAddress], of port: MediaPort) {
    tables.withLock { tables in
      for fragment in fragments { tables.fragments[Self.key(fragment)] = nil }
      for address in addresses where tables.addresses[address] === port { tables.addresses[address] = nil }
    }
  }

  private static func key(_ fragment: some Sequence<UInt8>) -> UInt64 { fragment.reduce(0) { $0 << 8 | UInt64($1) } }

  /// Reads what waits at one of the sockets.
  func receive(
    from socket: DatagramSocket, _ batch: inout DatagramBatch, at now: Instant, into events: inout [MediaEvent]
  ) {
    let count = batch.receive(from: socket, waiting: false)
    for index in 0..<count {
      let datagram = batch.datagram(index)
      guard datagram.count > 1 else { continue }
      switch datagram.bytes[0] {
      case 0...3: check(datagram, from: socket, at: now, into: &events)
      case 20...63: owner(of: datagram)?.handshake(datagram, at: now, into: &events)
      case 128...191:
        guard let port = owner(of: datagram) else { continue }
        // RFC 5761 section 4: no RTP payload type looks like the type of an RTCP packet.
        if (192...223).contains(datagram.bytes[1]) {
          port.receiveControl(datagram, at: now)
        } else {
          port.relay(datagram, at: now, into: &events)
        }
      default: continue
      }
    }
  }

  private func owner(of datagram: Datagram) -> MediaPort? {
    tables.withLock { tables in
      let port = tables.addresses[datagram.sender.networkAddress]
      if port == nil { tables.counters.strangers += 1 }
      return port
    }
  }

  private func check(
    _ datagram: Datagram, from socket: DatagramSocket, at now: Instant, into events: inout [MediaEvent]
  ) {
    let bytes = UnsafeRawBufferPointer(rebasing: datagram.bytes[..<datagram.count])
    guard let message = STUNMessage(bytes), let fragment = message.receiverFragment(in: bytes), fragment.count == 8,
      let port = tables.withLock({ $0.fragments[Self.key(fragment)] })
    else { return tables.withLock { $0.counters.unknownChecks += 1 } }
    let source = datagram.sender.networkAddress
    // Nobody takes an address over that somebody else has proven and still uses.
    if let owner = tables.withLock({ $0.addresses[source] }), owner !== port, owner.isProven(source, at: now) { return }
    let (answer, isNew, dropped) = port.check(message, in: bytes, from: source, at: now, into: &events)
    if let answer { _ = answer.withUnsafeBytes { socket.send($0, to: datagram.sender) } }
    if isNew { tables.withLock { $0.addresses[source] = port } }
    if let dropped { forget(fragments: [], addresses: [dropped], of: port) }
  }
}
