import Glibc
public import Media
public import Primitives
public import SDP

/// A browser as a test scripts it, on sockets of its own: it checks as a full agent, is the client of DTLS, and speaks
/// SRTP. Time is the kernel's, since the other end's is too.
public final class ScriptedBrowser {
  public static let ufrag = "peer"
  /// For checks of ours that it would answer, if we sent any.
  public static let password = "itsPasswordIsNotNeeded"
  public let certificate: DTLSCertificate
  public let ssrc: UInt32
  public private(set) var socket: LoopbackSocket
  private let server: UInt16
  public private(set) var credentials: ICECredentials
  private var dtls: DTLSSession
  private var sender: SRTPSender?
  private var receiver: SRTPReceiver?
  private var transaction = STUNMessage.Transaction(high: 77, low: 0)
  private var room = [UInt8](repeating: 0, count: 2_048)
  public private(set) var answers: [STUNMessage] = []
  /// What it heard. A long run does better to forget it: see `forget`.
  public private(set) var packets: [(header: RTPHeader, payload: [UInt8])] = []
  public private(set) var isClosed = false
  /// Packets that its keys do not open.
  public private(set) var unreadable = 0

  /// - Parameter web: what our SDP answer says.
  public init(_ web: WebTransport, certificate: DTLSCertificate, ssrc: UInt32 = 0x1234) throws {
    self.certificate = certificate
    self.ssrc = ssrc
    socket = try LoopbackSocket()
    credentials = web.ice
    server = web.candidates.first?.port ?? 0
    dtls = try DTLSSession(
      .client, certificate, expecting: [CertificateFingerprint(.sha256, web.fingerprint.digest)])
  }

  public static var now: Instant {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Instant(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000)
  }

  /// Its sdpOffer, of one audio line.
  /// - Parameter codecs: payload types and encodings, as `0 PCMU/8000`.
  public static func sdpOffer(certificate: DTLSCertificate, codecs: [String] = ["0 PCMU/8000"]) -> [UInt8] {
    let fingerprint = certificate.fingerprint.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
    let formats = codecs.map { String($0.prefix { $0 != " " }) }.joined(separator: " ")
    let lines =
      [
        "v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0", "m=audio 9 UDP/TLS/RTP/SAVPF \(formats)",
        "c=IN IP4 0.0.0.0", "a=mid:0", "a=sendrecv", "a=rtcp-mux", "a=ice-ufrag:\(ufrag)",
        "a=ice-pwd:\(password)", "a=setup:actpass",
        "a=fingerprint:sha-256 " + fingerprint.joined(separator: ":"),
      ] + codecs.map { "a=rtpmap:" + $0 }
    return Array(lines.map { $0 + "\r\n" }.joined().utf8)
  }

  public var isConnected: Bool { sender != nil }
  public var state: DTLSSession.State { dtls.state }

  /// Another network: a new socket, as another address.
  public func move() throws { socket = try LoopbackSocket() }

  public func use(_ credentials: ICECredentials) { self.credentials = credentials }

  public func check(nominating: Bool = true, _ other: ICECredentials? = nil) {
    let credentials = other ?? credentials
    transaction.low += 1
    var writer = STUNWriter(.request, transaction)
    writer.username(Array((credentials.ufrag + ":" + Self.ufrag).utf8))
    writer.priority(1)
    writer.role(.controlling(5))
    if nominating { writer.useCandidate() }
    writer.sign(Array(credentials.password.utf8))
    send(writer.finish())
  }

  public func startDTLS() {
    dtls.start(at: Self.now)
    flush()
  }

  public func close() {
    dtls.close()
    flush()
  }

  public func send(_ bytes: [UInt8]) { bytes.withUnsafeBytes { socket.send($0, to: server) } }

  /// Sends an RTP packet with its protection.
  public func send(_ payload: [UInt8], payloadType: UInt8 = 0, sequence: UInt16) {
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
  public func sendControl(_ packet: [UInt8]) {
    for (place, byte) in packet.enumerated() { room[place] = byte }
    room.withUnsafeMutableBytes { room in
      guard let count = try? sender?.protectControl(room, count: packet.count) else { return }
      socket.send(UnsafeRawBufferPointer(rebasing: room[..<count]), to: server)
    }
  }

  /// Reads what has come, at most so long until `isDone`.
  @discardableResult
  public func wait(milliseconds: Int = 2_000, until isDone: (ScriptedBrowser) -> Bool = { _ in false }) -> Bool {
    let end = Self.now + .milliseconds(Int64(milliseconds))
    while !isDone(self) {
      guard Self.now < end else { return false }
      repeatHandshake()
      if socket.wait(milliseconds: 5) { read() }
    }
    return true
  }

  /// Sends again what DTLS has waited for too long.
  public func repeatHandshake() {
    let now = Self.now
    guard dtls.deadline <= now else { return }
    dtls.handleTimeout(at: now)
    flush()
  }

  /// Checks and shakes hands until keys are there.
  public func connect() -> Bool {
    check()
    guard wait(until: { !$0.answers.isEmpty }) else { return false }
    startDTLS()
    return wait(until: { $0.isConnected })
  }

  /// Reads all that waits.
  public func read() {
    while let count = room.withUnsafeMutableBytes({ socket.receive(into: $0) }), count > 0 { take(count) }
  }

  /// Forgets what it heard, and the answers to its checks.
  /// - Returns: how many packets it had heard.
  public func forget() -> Int {
    defer {
      packets.removeAll(keepingCapacity: true)
      answers.removeAll(keepingCapacity: true)
    }
    return packets.count
  }

  private func take(_ count: Int) {
    switch room[0] {
    case 0...3:
      if let message = room[..<count].withUnsafeBytes({ STUNMessage($0) }) { answers.append(message) }
    case 20...63:
      room[..<count].withUnsafeBytes { dtls.receive($0, at: Self.now) }
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

extension WebTransport {
  /// Our side as an sdpAnswer tells it; nil where it is none for a browser.
  public init?(answer: [UInt8]) {
    guard let line = try? SessionDescription(parsing: answer).media.first,
      let ufrag = line.attributes.first("ice-ufrag"), let password = line.attributes.first("ice-pwd"),
      let fingerprint = line.attributes.first("fingerprint"),
      let candidate = line.attributes.first("candidate")?.split(separator: " "), candidate.count > 5,
      let port = UInt16(candidate[5])
    else { return nil }
    let digest = fingerprint.split(separator: " ").last?.split(separator: ":").compactMap { UInt8($0, radix: 16) } ?? []
    self.init(
      ice: ICECredentials(ufrag: ufrag, password: password), fingerprint: Fingerprint(hash: "sha-256", digest: digest),
      candidates: [Candidate(address: String(candidate[4]), port: port)])
  }
}
