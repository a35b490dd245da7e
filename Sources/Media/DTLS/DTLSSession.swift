import COpenSSL
import Digest
public import Primitives

/// One DTLS 1.2 association (RFC 6347), over which only SRTP keys travel (RFC 5764). Datagrams go in and come out as
/// bytes; OpenSSL sees them through a BIO of ours, one datagram for each read and write.
///
/// Records that anybody could have sent do no harm: an alert without encryption is dropped, and after the handshake
/// OpenSSL itself drops what is not encrypted.
public struct DTLSSession: ~Copyable, @unchecked Sendable {
  public enum Role: Sendable { case server, client }

  public enum State: Sendable, Equatable {
    case handshaking
    case established
    /// The far end said that it is gone.
    case closed
    case failed(DTLSError)
  }

  /// What is left of 1,280 octets of IPv6 after IP and UDP, with room for a tunnel.
  private static let mtu = 1_200

  public private(set) var state = State.handshaking
  /// The keys of both directions, once the far end's certificate was found to be the one that its SDP named.
  public private(set) var keys: SRTPKeyPair?
  /// When to call `handleTimeout`.
  public private(set) var deadline = Instant.distantFuture
  private let ssl: OpaquePointer
  private let wire: UnsafeMutablePointer<Wire>
  private let role: Role
  private let fingerprints: [CertificateFingerprint]

  /// - Parameter fingerprints: those of the far end's SDP; one of its strongest hash function has to fit.
  public init(_ role: Role, _ certificate: DTLSCertificate, expecting fingerprints: [CertificateFingerprint])
    throws(DTLSError)
  {
    guard let ssl = SSL_new(certificate.context) else { throw .unavailable }
    guard let bio = BIO_new(Wire.method) else {
      SSL_free(ssl)
      throw .unavailable
    }
    self.ssl = ssl; self.role = role; self.fingerprints = fingerprints
    wire = .allocate(capacity: 1)
    wire.initialize(to: Wire())
    BIO_set_data(bio, wire)
    BIO_set_init(bio, 1)
    SSL_set_bio(ssl, bio, bio)
    openssl_set_mtu(ssl, Self.mtu)
    // 50 ms at first, twice as long each time, at most 3.2 s: OpenSSL gives up after 12 of them.
    DTLS_set_timer_cb(ssl) { _, last in last == 0 ? 50_000 : min(last * 2, 3_200_000) }
    if role == .server { SSL_set_accept_state(ssl) } else { SSL_set_connect_state(ssl) }
  }

  deinit {
    SSL_free(ssl)
    wire.deinitialize(count: 1)
    wire.deallocate()
  }

  /// Datagrams to send to the far end, in order.
  public mutating func takeOutgoing() -> [[UInt8]] {
    defer { wire.pointee.outgoing = [] }
    return wire.pointee.outgoing
  }

  /// Sends the first message of a client. A server waits for it.
  public mutating func start(at now: Instant) { if role == .client { step(at: now) } }

  /// Takes one datagram from the far end.
  public mutating func receive(_ datagram: UnsafeRawBufferPointer, at now: Instant) {
    if case .failed = state { return }
    let isPlainAlert = datagram.count >= 5 && datagram[0] == 21 && datagram.short(3) == 0
    guard !isPlainAlert, state != .closed else { return }
    wire.pointee.incoming = datagram
    step(at: now)
    wire.pointee.incoming = UnsafeRawBufferPointer(start: nil, count: 0)
  }

  /// Sends the last flight again.
  public mutating func handleTimeout(at now: Instant) {
    guard state == .handshaking, deadline <= now else { return }
    ERR_clear_error()
    if openssl_dtls_handle_timeout(ssl) < 0 { state = .failed(.handshake) }
    setDeadline(at: now)
  }

  /// Tells the far end that we are gone.
  public mutating func close() {
    guard state == .established else { return }
    ERR_clear_error()
    // They were given back after the handshake, and only reading takes them again by itself.
    SSL_alloc_buffers(ssl)
    SSL_shutdown(ssl)
    SSL_free_buffers(ssl)
    state = .closed
  }

  private mutating func step(at now: Instant) {
    ERR_clear_error()
    if state == .handshaking {
      let result = SSL_do_handshake(ssl)
      if result == 1 {
        state = agree()
      } else if SSL_get_error(ssl, result) != SSL_ERROR_WANT_READ {
        state = .failed(.handshake)
      }
    } else {
      // Nothing but alerts is expected, and the far end's last flight again if ours got lost: OpenSSL repeats it here.
      var byte: UInt8 = 0
      let result = SSL_read(ssl, &byte, 1)
      if result <= 0, SSL_get_error(ssl, result) == SSL_ERROR_ZERO_RETURN { state = .closed }
    }
    // The record buffers of 32 KiB are needed in a handshake only, and come back by themselves.
    if state != .handshaking { SSL_free_buffers(ssl) }
    setDeadline(at: now)
  }

  private mutating func setDeadline(at now: Instant) {
    var left = timeval()
    guard state == .handshaking, openssl_dtls_timeout(ssl, &left) == 1 else {
      deadline = .distantFuture
      return
    }
    deadline = now + (Int64(left.tv_sec) * 1_000_000 + Int64(left.tv_usec))
  }

  /// Checks whom the handshake was with before any key is taken out of it.
  private mutating func agree() -> State {
    guard let certificate = SSL_get1_peer_certificate(ssl) else { return .failed(.wrongFingerprint) }
    defer { X509_free(certificate) }
    let strongest = CertificateFingerprint.Hash.allCases.last { hash in fingerprints.contains { $0.hash == hash } }
    guard let strongest else { return .failed(.wrongFingerprint) }
    let digest = DTLSCertificate.digest(of: certificate, strongest)
    guard fingerprints.contains(where: { $0.hash == strongest && equalInConstantTime($0.digest, digest) }) else {
      return .failed(.wrongFingerprint)
    }
    guard let profile = agreedProfile, let keys = exportKeys(profile) else { return .failed(.noProfile) }
    self.keys = keys
    return .established
  }

  private var agreedProfile: SRTPProfile? {
    guard let profile = SSL_get_selected_srtp_profile(ssl) else { return nil }
    switch Int32(truncatingIfNeeded: profile.pointee.id) {
    case SRTP_AEAD_AES_128_GCM: return .aeadAES128GCM
    case SRTP_AES128_CM_SHA1_80: return .aes128CM80
    default: return nil
    }
  }

  /// RFC 5764 section 4.2: the client's key, the server's key, the client's salt, the server's salt.
  private func exportKeys(_ profile: SRTPProfile) -> SRTPKeyPair? {
    let (key, salt) = (profile.keyLength, profile.saltLength)
    let label = "EXTRACTOR-dtls_srtp"
    let bytes = [UInt8](unsafeUninitializedCapacity: 2 * (key + salt)) { buffer, count in
      let result = SSL_export_keying_material(
        ssl, buffer.baseAddress, buffer.count, label, label.utf8.count, nil, 0, 0)
      count = result == 1 ? buffer.count : 0
    }
    guard !bytes.isEmpty else { return nil }
    let client = SRTPMasterKey(
      profile, key: Array(bytes[..<key]), salt: Array(bytes[2 * key..<2 * key + salt]))
    let server = SRTPMasterKey(
      profile, key: Array(bytes[key..<2 * key]), salt: Array(bytes[(2 * key + salt)...]))
    guard let client, let server else { return nil }
    return role == .server
      ? SRTPKeyPair(outgoing: server, incoming: client) : SRTPKeyPair(outgoing: client, incoming: server)
  }
}

/// The master keys of both directions.
public struct SRTPKeyPair: Sendable, Equatable {
  public var outgoing: SRTPMasterKey
  public var incoming: SRTPMasterKey
  public init(outgoing: SRTPMasterKey, incoming: SRTPMasterKey) { self.outgoing = outgoing; self.incoming = incoming }
}

/// What the BIO of a session reads and writes: a datagram that is there during a call, and those that it made.
private struct Wire {
  /// Of the handshake's flights; a peer that makes OpenSSL say more is not worth it.
  static let mostOutgoing = 64

  var incoming = UnsafeRawBufferPointer(start: nil, count: 0)
  var outgoing: [[UInt8]] = []

  /// Made once, never written again.
  nonisolated(unsafe) static let method: OpaquePointer? = {
    let method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagrams in memory")
    BIO_meth_set_write(method) { bio, bytes, count in
      guard let wire = Wire.of(bio), let bytes, count > 0 else { return -1 }
      if wire.pointee.outgoing.count < mostOutgoing {
        wire.pointee.outgoing.append(Array(UnsafeRawBufferPointer(start: bytes, count: Int(count))))
      }
      return count
    }
    BIO_meth_set_read(method) { bio, room, count in
      BIO_clear_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY)
      guard let wire = Wire.of(bio), let room, !wire.pointee.incoming.isEmpty else {
        BIO_set_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY)
        return -1
      }
      // What does not fit is lost, as the end of a datagram is.
      let taken = min(Int(count), wire.pointee.incoming.count)
      UnsafeMutableRawBufferPointer(start: room, count: taken)
        .copyMemory(from: UnsafeRawBufferPointer(rebasing: wire.pointee.incoming[..<taken]))
      wire.pointee.incoming = UnsafeRawBufferPointer(start: nil, count: 0)
      return Int32(taken)
    }
    BIO_meth_set_ctrl(method) { _, command, _, _ in
      switch command {
      case BIO_CTRL_FLUSH: 1
      // IPv4 and UDP.
      case BIO_CTRL_DGRAM_GET_MTU_OVERHEAD: 28
      default: 0
      }
    }
    return method
  }()

  private static func of(_ bio: OpaquePointer?) -> UnsafeMutablePointer<Wire>? {
    BIO_get_data(bio)?.assumingMemoryBound(to: Wire.self)
  }
}
