public import Primitives

/// A name and a password that one side of ICE gives for one generation of checks (RFC 8445 section 5.3).
public struct ShortTermCredentials: Sendable, Equatable {
  public var ufrag: [UInt8]
  public var password: [UInt8]
  public init(ufrag: [UInt8], password: [UInt8]) { self.ufrag = ufrag; self.password = password }

  /// 48 bits of name and 144 of password, as ICE characters.
  /// - Parameter random: 24 unpredictable bytes.
  public init(random: [UInt8]) {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var characters: [UInt8] = []
    for start in stride(from: 0, to: 24, by: 3) {
      let bits = random[start..<start + 3].reduce(0) { $0 << 8 | Int($1) }
      for shift in [18, 12, 6, 0] { characters.append(alphabet[bits >> shift & 63]) }
    }
    self.init(ufrag: Array(characters[..<8]), password: Array(characters[8...]))
  }
}

/// Our side of ICE towards one browser, as a lite agent (RFC 8445, RFC 8839): we send no checks, we answer the
/// browser's, for as long as the call lives, since each answer is also its consent to send (RFC 7675).
///
/// ```
///  waiting ──authentic check──▶ validated ──USE-CANDIDATE──▶ selected ──30 s without a check──▶ lost
///                                               ▲                │
///                                               └── another pair ┘
/// ```
/// A pair is known by the browser's address only: it is learned from checks (peer reflexive), never from candidates.
/// The pair nominated last is where media goes, which fits regular and aggressive nomination and a browser that changes
/// networks. After a restart the old credentials live on until a pair is nominated under the new ones.
public struct ICELite: Sendable {
  /// Silence after which the browser has no consent to send any more (RFC 7675 section 5.1), and is lost.
  public static let consentTime: Int64 = .seconds(30)
  /// Addresses of one browser that are remembered; the one heard least recently makes room.
  public static let mostPairs = 16

  private struct Pair: Sendable {
    var address: NetworkAddress
    var checkedAt: Instant
  }

  /// Ours, as the last SDP answer or fragment gave them.
  public private(set) var credentials: ShortTermCredentials
  /// Those before a restart that is not finished.
  public private(set) var previousCredentials: ShortTermCredentials?
  /// Where media goes: the pair nominated last.
  public private(set) var selected: NetworkAddress?
  private var pairs: [Pair] = []
  private var lastCheck: Instant

  public init(credentials: ShortTermCredentials, at now: Instant) {
    self.credentials = credentials
    lastCheck = now
  }

  /// When the browser is lost if no check comes.
  public var consentDeadline: Instant { lastCheck + Self.consentTime }

  /// New credentials for an ICE restart (RFC 8445 section 2.4). A restart before the last one was finished replaces it.
  public mutating func restart(_ credentials: ShortTermCredentials) {
    if previousCredentials == nil { previousCredentials = self.credentials }
    self.credentials = credentials
  }

  /// Whether an authentic check came from this address within the consent time: only then anything else may.
  public func isValidated(_ address: NetworkAddress, at now: Instant) -> Bool {
    pairs.contains { $0.address == address && now - $0.checkedAt < Self.consentTime }
  }

  /// Answers a check.
  /// - Returns: what to send back to its source; nil where silence is the answer: no Binding request, or one whose error
  ///   response would be longer than itself.
  public mutating func receive(
    _ message: STUNMessage, in datagram: UnsafeRawBufferPointer, from source: NetworkAddress, at now: Instant
  ) -> [UInt8]? {
    guard message.kind == .request, message.method == STUNMessage.binding, message.hasFingerprint else { return nil }
    let answer = respond(to: message, datagram, from: source, at: now)
    return answer.isError && answer.bytes.count > datagram.count ? nil : answer.bytes
  }

  private mutating func respond(
    to request: STUNMessage, _ datagram: UnsafeRawBufferPointer, from source: NetworkAddress, at now: Instant
  ) -> (bytes: [UInt8], isError: Bool) {
    guard request.username != nil, request.integrity != nil else {
      return (refusal(request, 400, "Bad Request"), true)
    }
    guard let ufrag = request.receiverFragment(in: datagram), let used = credentials(named: ufrag),
      request.isAuthentic(datagram, key: used.password)
    else { return (refusal(request, 401, "Unauthorized"), true) }
    guard request.unknownAttributes.isEmpty else {
      return (refusal(request, 420, "Unknown", signedBy: used), true)
    }
    // A lite agent never controls, so a full one that thinks it is controlled has to change its mind.
    if case .controlled = request.role { return (refusal(request, 487, "Role Conflict", signedBy: used), true) }
    note(source, at: now)
    if request.usesCandidate { nominate(source, under: used) }
    var response = STUNWriter(.success, request.transaction)
    response.mappedAddress(source)
    response.sign(used.password)
    return (response.finish(), false)
  }

  private func refusal(
    _ request: STUNMessage, _ code: UInt16, _ reason: String, signedBy credentials: ShortTermCredentials? = nil
  ) -> [UInt8] {
    var response = STUNWriter(.error, request.transaction)
    response.error(code, reason)
    if code == 420 { response.unknownAttributes(request.unknownAttributes) }
    if let credentials { response.sign(credentials.password) }
    return response.finish()
  }

  private func credentials(named ufrag: Slice<UnsafeRawBufferPointer>) -> ShortTermCredentials? {
    if ufrag.elementsEqual(credentials.ufrag) { return credentials }
    if let previousCredentials, ufrag.elementsEqual(previousCredentials.ufrag) { return previousCredentials }
    return nil
  }

  private mutating func note(_ source: NetworkAddress, at now: Instant) {
    lastCheck = now
    if let known = pairs.firstIndex(where: { $0.address == source }) {
      pairs[known].checkedAt = now
    } else if pairs.count < Self.mostPairs {
      pairs.append(Pair(address: source, checkedAt: now))
    } else if let oldest = pairs.indices.filter({ pairs[$0].address != selected })
      .min(by: { pairs[$0].checkedAt < pairs[$1].checkedAt })
    {
      pairs[oldest] = Pair(address: source, checkedAt: now)
    }
  }

  private mutating func nominate(_ source: NetworkAddress, under used: ShortTermCredentials) {
    selected = source
    // The restart is done; late checks of the old generation must not turn media back.
    if used == credentials { previousCredentials = nil }
  }
}
