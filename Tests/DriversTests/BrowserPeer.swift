import CallControl
import Glibc
import Media
import Primitives
import SDP
import SIP

@testable import Drivers

/// A browser as a test scripts it, on sockets of its own: it checks as a full agent, is the client of DTLS, and speaks
/// SRTP. Time is the kernel's, since the other end's is too.
final class BrowserPeer {
  let ufrag = Array("peer".utf8)
  let certificate: DTLSCertificate
  let ssrc: UInt32
  private(set) var socket: DatagramSocket
  private let server: KernelAddress
  private(set) var credentials: ICECredentials
  private var dtls: DTLSSession
  private var sender: SRTPSender?
  private var receiver: SRTPReceiver?
  private var transaction = STUNMessage.Transaction(high: 77, low: 0)
  private var room = [UInt8](repeating: 0, count: 2_048)
  private(set) var answers: [STUNMessage] = []
  private(set) var packets: [(header: RTPHeader, payload: [UInt8])] = []
  private(set) var isClosed = false
  /// Packets that its keys do not open.
  private(set) var unreadable = 0

  /// - Parameter web: what our SDP answer says.
  init(_ web: WebTransport, certificate: DTLSCertificate, ssrc: UInt32 = 0x1234) throws {
    self.certificate = certificate
    self.ssrc = ssrc
    socket = try DatagramSocket(bound: Self.home)
    credentials = web.ice
    guard let candidate = web.candidates.first,
      let endpoint = Endpoint(address: candidate.address, port: candidate.port),
      let address = KernelAddress(NetworkAddress(endpoint), family: AF_INET)
    else { throw SystemError(errno: EINVAL) }
    server = address
    dtls = try DTLSSession(
      .client, certificate, expecting: [CertificateFingerprint(.sha256, web.fingerprint.digest)])
  }

  deinit { socket.close() }

  static let home = NetworkAddress(ipv4: 0x7f00_0001, port: 0)

  /// What its sdpOffer says, as the media threads hear of it.
  func remote(
    _ codec: AudioCodec = .pcmu, digest: [UInt8]? = nil
  ) -> RemoteMedia {
    var remote = RemoteMedia(endpoint: nil, codec: codec, telephoneEvent: 101)
    remote.security = .web(
      remote: ICECredentials(ufrag: "peer", password: "its-password-is-not-needed"),
      fingerprints: [Fingerprint(hash: "sha-256", digest: digest ?? certificate.fingerprint)], weAreClient: false)
    return remote
  }

  var isConnected: Bool { sender != nil }
  var state: DTLSSession.State { dtls.state }

  /// Another network: a new socket, as another address.
  func move() throws {
    socket.close()
    socket = try DatagramSocket(bound: Self.home)
  }

  func use(_ credentials: ICECredentials) { self.credentials = credentials }

  func check(nominating: Bool = true, _ other: ICECredentials? = nil) {
    let credentials = other ?? credentials
    transaction.low += 1
    var writer = STUNWriter(.request, transaction)
    writer.username(Array(credentials.ufrag.utf8) + [UInt8(ascii: ":")] + ufrag)
    writer.priority(1)
    writer.role(.controlling(5))
    if nominating { writer.useCandidate() }
    writer.sign(Array(credentials.password.utf8))
    send(writer.finish())
  }

  func startDTLS() {
    dtls.start(at: MediaThread.now())
    flush()
  }

  func close() {
    dtls.close()
    flush()
  }

  func send(_ bytes: [UInt8]) { _ = bytes.withUnsafeBytes { socket.send($0, to: server) } }

  /// Sends an RTP packet with its protection.
  func send(_ payload: [UInt8], payloadType: UInt8 = 0, sequence: UInt16) {
    let header = RTPHeader(
      payloadType: payloadType, sequence: sequence, timestamp: UInt32(sequence) * 160, ssrc: ssrc)
    let count = RTPHeader.size + payload.count
    for (place, byte) in payload.enumerated() { room[RTPHeader.size + place] = byte }
    room.withUnsafeMutableBytes { room in
      header.write(to: room)
      guard let count = try? sender?.protect(room, count: count) else { return }
      socket.send(UnsafeRawBufferPointer(rebasing: room[..<count]), to: server)
    }
  }

  /// Sends a compound RTCP packet with its protection.
  func sendControl(_ packet: [UInt8]) {
    for (place, byte) in packet.enumerated() { room[place] = byte }
    room.withUnsafeMutableBytes { room in
      guard let count = try? sender?.protectControl(room, count: packet.count) else { return }
      socket.send(UnsafeRawBufferPointer(rebasing: room[..<count]), to: server)
    }
  }

  /// Reads what has come, at most so long until `isDone`.
  @discardableResult
  func wait(milliseconds: Int = 2_000, until isDone: (BrowserPeer) -> Bool = { _ in false }) -> Bool {
    let end = MediaThread.now() + Int64(milliseconds) * 1_000
    while !isDone(self) {
      let now = MediaThread.now()
      guard now < end else { return false }
      if dtls.deadline <= now {
        dtls.handleTimeout(at: now)
        flush()
      }
      var waiting = pollfd(fd: socket.descriptor, events: Int16(POLLIN), revents: 0)
      guard poll(&waiting, 1, 5) == 1 else { continue }
      read()
    }
    return true
  }

  /// Checks and shakes hands until keys are there.
  func connect() -> Bool {
    check()
    guard wait(until: { !$0.answers.isEmpty }) else { return false }
    startDTLS()
    return wait(until: { $0.isConnected })
  }

  /// Reads all that waits.
  func read() {
    while let count = room.withUnsafeMutableBytes({ socket.receive(into: $0)?.count }), count > 0 {
      take(count)
    }
  }

  private func take(_ count: Int) {
    switch room[0] {
    case 0...3:
      if let message = room[..<count].withUnsafeBytes({ STUNMessage($0) }) { answers.append(message) }
    case 20...63:
      room[..<count].withUnsafeBytes { dtls.receive($0, at: MediaThread.now()) }
      flush()
      if let keys = dtls.keys, sender == nil {
        sender = SRTPSender(keys.outgoing)
        receiver = SRTPReceiver(keys.incoming)
      }
      if dtls.state == .closed { isClosed = true }
    default:
      let isControl = (192...223).contains(room[1])
      let plain = room[..<count].withUnsafeMutableBytes { bytes -> Int? in
        isControl ? try? receiver?.unprotectControl(bytes) : try? receiver?.unprotect(bytes)
      }
      guard let plain else {
        unreadable += 1
        return
      }
      guard !isControl else { return }
      if let (header, payload) = room[..<plain].withUnsafeBytes({ RTPHeader.parse($0) }) {
        packets.append((header, Array(room[payload])))
      }
    }
  }

  private func flush() {
    for datagram in dtls.takeOutgoing() { send(datagram) }
  }
}
