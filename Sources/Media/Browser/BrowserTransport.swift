public import Primitives

/// The transport of one browser (RFC 8835), as bytes in and bytes out: ICE-lite, and over the addresses that it has
/// proven, DTLS. What comes of it are the keys for `SRTPSender` and `SRTPReceiver`.
///
/// ```
///  opened ──checks──▶ proven ──DTLS──▶ connected ──30 s without a check──▶ lost ──check──▶ connected
///                                         └── far end closes DTLS ──▶ lost, for good
/// ```
/// DTLS is heard from proven addresses only, so a stranger's ClientHello or alert changes nothing (CVE-2023-51443). A
/// handshake that fails although the certificate was not wrong begins anew, twice: somebody who can forge the browser's
/// address must forge it more often than that.
public struct BrowserTransport: ~Copyable, Sendable {
  public enum Event: Sendable, Equatable {
    /// Packets go elsewhere from now on.
    case selected(NetworkAddress)
    /// DTLS is done, and whom it was with was checked.
    case keyed(SRTPKeyPair)
    case refused(DTLSError)
    /// No check came for 30 s, or the far end has closed DTLS.
    case lost
    /// A check came after all.
    case found
  }

  private static let mostHandshakes = 3

  public private(set) var ice: ICELite
  private let certificate: DTLSCertificate
  private var dtls: DTLSSession?
  private var role = DTLSSession.Role.server
  private var fingerprints: [CertificateFingerprint] = []
  private var handshakes = 0
  private var handshakeDeadline = Instant.distantFuture
  private var isKeyed = false
  private var isLost = false
  private var isClosed = false
  /// Where DTLS was heard from last, while no pair is selected.
  private var handshakeSource: NetworkAddress?
  private var events: [Event] = []
  private var outgoing: [[UInt8]] = []

  /// - Parameters: what our SDP states of us.
  public init(credentials: ShortTermCredentials, certificate: DTLSCertificate, at now: Instant) {
    ice = ICELite(credentials: credentials, at: now)
    self.certificate = certificate
  }

  /// What the browser's SDP states of it. Its certificate cannot change in a transport's life.
  public mutating func setFarEnd(
    _ fingerprints: [CertificateFingerprint], weAre role: DTLSSession.Role, at now: Instant
  ) {
    guard dtls == nil else { return }
    self.fingerprints = fingerprints
    self.role = role
    handshake(at: now)
  }

  public mutating func restart(_ credentials: ShortTermCredentials) { ice.restart(credentials) }

  /// Whether packets from an address are the browser's: it has answered for it by a check.
  public func isProven(_ address: NetworkAddress, at now: Instant) -> Bool { ice.isValidated(address, at: now) }

  /// Answers a check; the answer goes to where the check came from, nil is silence.
  public mutating func check(
    _ message: STUNMessage, in datagram: UnsafeRawBufferPointer, from source: NetworkAddress, at now: Instant
  ) -> [UInt8]? {
    let (selected, heardUntil) = (ice.selected, ice.consentDeadline)
    let answer = ice.receive(message, in: datagram, from: source, at: now)
    if ice.consentDeadline > heardUntil, isLost, !isClosed {
      isLost = false
      events.append(.found)
    }
    if let address = ice.selected, address != selected {
      events.append(.selected(address))
      if selected == nil { dtls?.start(at: now) }
      collect(at: now)
    }
    return answer
  }

  /// Takes a DTLS datagram.
  public mutating func receive(_ datagram: UnsafeRawBufferPointer, from source: NetworkAddress, at now: Instant) {
    guard isProven(source, at: now) else { return }
    handshakeSource = source
    dtls?.receive(datagram, at: now)
    collect(at: now)
  }

  /// The next moment at which `advance` has something to do.
  public var deadline: Instant {
    min(handshakeDeadline, isLost ? .distantFuture : ice.consentDeadline)
  }

  public mutating func advance(to now: Instant) {
    if !isLost, ice.consentDeadline <= now {
      isLost = true
      events.append(.lost)
    }
    dtls?.handleTimeout(at: now)
    collect(at: now)
  }

  /// Tells the browser that it is over.
  public mutating func close() {
    dtls?.close()
    outgoing += dtls?.takeOutgoing() ?? []
  }

  /// Datagrams to send, and where to.
  public mutating func takeOutgoing() -> (to: NetworkAddress, datagrams: [[UInt8]])? {
    guard let address = ice.selected ?? handshakeSource, !outgoing.isEmpty else { return nil }
    defer { outgoing = [] }
    return (address, outgoing)
  }

  /// What has happened since this was asked last.
  public mutating func takeEvents() -> [Event] {
    defer { events = [] }
    return events
  }

  private mutating func handshake(at now: Instant) {
    handshakes += 1
    do throws(DTLSError) {
      var session = try DTLSSession(role, certificate, expecting: fingerprints)
      if ice.selected != nil { session.start(at: now) }
      dtls = consume session
    } catch {
      events.append(.refused(error))
    }
  }

  /// Takes over what DTLS has made of its last step.
  private mutating func collect(at now: Instant) {
    guard let state = dtls?.state else { return }
    if state == .failed(.handshake), handshakes < Self.mostHandshakes {
      // Its alert is not sent: the browser itself may be in the middle of a handshake that goes well.
      return handshake(at: now)
    }
    outgoing += dtls?.takeOutgoing() ?? []
    handshakeDeadline = dtls?.deadline ?? .distantFuture
    switch state {
    case .handshaking: break
    case .established:
      guard !isKeyed, let keys = dtls?.keys else { return }
      isKeyed = true
      events.append(.keyed(keys))
    case .closed:
      guard !isClosed else { return }
      isClosed = true
      if !isLost { events.append(.lost) }
      isLost = true
    case .failed(let error):
      dtls = nil
      events.append(.refused(error))
    }
  }
}
