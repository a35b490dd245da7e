import Glibc
import Media
import Primitives
import SIP
import Synchronization

/// SIP's UDP port. One thread reads it; any thread may send.
final class DatagramPort: Sendable {
  private let socket: DatagramSocket
  private let intake: Intake
  private let isStopping = Atomic(false)
  private let thread = Mutex<DriverThread?>(nil)

  /// - Throws: the system's error, as an address in use.
  init(bound endpoint: Endpoint, intake: Intake) throws(SystemError) {
    socket = try DatagramSocket(bound: NetworkAddress(endpoint), for: .signalling)
    self.intake = intake
    // Room for the messages of a burst, as far as the system allows.
    var size: Int32 = 4 << 20
    setsockopt(socket.descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
  }

  // Other threads may be sending until nobody holds the port any more.
  deinit { socket.close() }

  var endpoint: Endpoint { Endpoint(socket.address) }

  func start() throws(SystemError) {
    let started = try DriverThread("sip") { [self] in run() }
    thread.withLock { $0 = started }
  }

  /// Ends the thread; nothing is received any more.
  func stop() {
    isStopping.store(true, ordering: .relaxed)
    // It ends the wait for a datagram, though it says that there was no connection.
    shutdown(socket.descriptor, Int32(SHUT_RDWR))
    thread.withLock { $0.take() }?.join()
  }

  /// - Returns: false where the kernel has no room, or knows no way: the datagram is lost, as on any network.
  func send(_ bytes: [UInt8], to remote: Endpoint) -> Bool {
    guard let address = KernelAddress(NetworkAddress(remote), family: socket.family) else { return false }
    return bytes.withUnsafeBytes { socket.send($0, to: address) }
  }

  private func run() {
    var batch = DatagramBatch()
    var messages: [SIPTransport.Received] = []
    while true {
      let count = batch.receive(from: socket)
      if isStopping.load(ordering: .relaxed) { return }
      for index in 0..<count { read(batch[index], into: &messages) }
      intake.handOn(messages)
      messages.removeAll(keepingCapacity: true)
      // A socket outlives its errors; that it has one must not keep the thread running.
      if count == 0 { usleep(1_000) }
    }
  }

  /// One datagram, one message.
  private func read(
    _ datagram: (bytes: [UInt8], sender: NetworkAddress), into messages: inout [SIPTransport.Received]
  ) {
    let (bytes, remote) = (datagram.bytes, Endpoint(datagram.sender))
    // A keep-alive (RFC 5626) or STUN is no request; nobody waits for an answer to it here.
    guard bytes.count > 4, intake.admits(remote) else { return }
    let flow = Flow(transport: .udp, remote: remote)
    do throws(ParseError) {
      let message = try Message(parsing: bytes, limits: intake.limits)
      if intake.welcomes(message) { messages.append((message, flow)) }
    } catch {
      if let refusal = intake.refusal(of: bytes, for: error, flow) { _ = send(refusal, to: remote) }
    }
  }
}
