import Digest
public import Primitives

/// Asks who is there and checks the answer: the server side of digest authentication (RFC 3261 section 22, RFC 7616,
/// RFC 8760).
///
/// It does not know the accounts: the layer above finds one by `username(in:)` and hands it, or nil, to `verify`. For
/// an unknown user it does the same work and gives the same verdict as for a wrong password.
public struct Authenticator: Sendable {
  public struct Settings: Sendable {
    public var realm: String
    /// Offered in this order where the caller names no others.
    public var algorithms: [DigestAlgorithm] = [.sha256]
    /// How long a nonce may be used, in microseconds.
    public var nonceLifetime: Int64 = .seconds(300)
    /// After so many wrong responses one source may not try one user for `lock` microseconds.
    public var failures = 5
    public var lock: Int64 = .seconds(300)
    /// Nonces in use, and pairs of source and user with failures, that are remembered.
    public var nonces = 10_000
    public var pairs = 10_000
    public init(realm: String) { self.realm = realm }
  }

  public struct Account: Sendable {
    public var username: String
    /// Those that this account may use, best first; never empty.
    public var algorithms: [DigestAlgorithm] { secrets.value.map(\.algorithm) }
    let secrets: Redacted<[(algorithm: DigestAlgorithm, secret: [UInt8])]>

    /// - Parameter algorithms: those that this account may use; a response with another is refused.
    public init(username: String, realm: String, password: String, algorithms: [DigestAlgorithm] = [.sha256]) {
      self.username = username
      secrets = Redacted(
        algorithms.map { ($0, DigestAccess.secret($0, username: username, realm: realm, password: password)) })
    }
  }

  public enum Verdict: Sendable, Equatable {
    case accepted
    /// No credentials for our realm, or right ones for a nonce whose time is over (`stale`).
    case challenge(stale: Bool)
    /// Unknown user, wrong password, weaker algorithm, another request's credentials: all look the same. The answer is
    /// a challenge again.
    case refused
    /// Too many failures of this source for this user. The answer is 403.
    case locked
  }

  private struct Pair: Hashable {
    var high: UInt64
    var low: UInt64
    var username: String
  }
  private struct Failures {
    var count: Int
    var until: Instant
  }
  /// The nonce counts seen of one nonce: the highest, and a bit for each of the 64 below it.
  private struct Counts {
    var highest: UInt32 = 0
    var seen: UInt64 = 0

    mutating func take(_ count: UInt32) -> Bool {
      if count > highest {
        let step = count - highest
        seen = step > 64 ? 0 : (step == 64 ? 0 : seen << UInt64(step)) | 1 << UInt64(step - 1)
        highest = count
        return true
      }
      let age = highest - count
      guard age > 0, age <= 64, count > 0, seen & 1 << UInt64(age - 1) == 0 else { return false }
      seen |= 1 << UInt64(age - 1)
      return true
    }
  }

  private let settings: Settings
  private let key: [UInt8]
  /// Stands in for the secret of an account that does not exist.
  private let nobody: [UInt8]
  private var serial: UInt32 = 0
  private var failures = Index<Pair, Failures>()
  private var failureOrder = Ring<Pair>()
  private var counts = Index<[UInt8], Counts>()
  private var countOrder = Ring<[UInt8]>()
  /// Nonces made up to here may have been forgotten, and with them which counts were used.
  private var forgotten = Instant.distantPast

  public init(settings: Settings, entropy: inout Entropy) {
    self.settings = settings
    var writer = ByteWriter()
    for _ in 0..<4 { writer.write(entropy.next()) }
    key = writer.bytes
    nobody = hexadecimal(HashFunction.sha256.authenticationCode(of: Array("nobody".utf8), key: key))
  }

  /// The user that a request claims to be in our realm, not yet verified.
  public func username(in message: Message) -> String? { credentials(message)?["username"] }

  /// Whether a request answers a challenge of ours, rightly or not: its nonce was made for this source.
  public func isAnswer(_ message: Message, from source: Endpoint) -> Bool {
    guard let credentials = credentials(message), let nonce = nonce(in: credentials) else { return false }
    return made(nonce, source) != nil
  }

  private func nonce(in credentials: DigestParameters) -> [UInt8]? {
    guard let nonce = credentials["nonce"].flatMap(bytes(hexadecimal:)), nonce.count == 24 else { return nil }
    return nonce
  }

  private func credentials(_ message: Message) -> DigestParameters? {
    message.headers("Authorization").lazy.compactMap(DigestParameters.init(parsing:))
      .first { $0["realm"] == settings.realm }
  }

  /// WWW-Authenticate lines for a 401, best algorithm first.
  /// - Parameter algorithms: other than the settings', where an account may use others or the response must be short.
  public mutating func challenges(
    to source: Endpoint, stale: Bool = false, algorithms: [DigestAlgorithm]? = nil, at now: Instant
  ) -> [UserAgent.Header] {
    serial &+= 1
    let nonce = String(decoding: hexadecimal(nonce(made: now, serial: serial, source)), as: UTF8.self)
    return (algorithms ?? settings.algorithms).map {
      var text = "Digest realm=\"\(settings.realm)\", nonce=\"\(nonce)\", algorithm=\($0.name), qop=\"auth\""
      if stale { text += ", stale=true" }
      return UserAgent.Header("WWW-Authenticate", text)
    }
  }

  /// A number below `count` that nobody outside can tell from chance, the same for one address as long as this value
  /// lives: which account's challenge an address without one is given.
  public func decoy(for address: String, among count: Int) -> Int {
    let code = HashFunction.sha256.authenticationCode(of: Array("decoy \(address)".utf8), key: key)
    return Int(code.prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }) % max(1, count)
  }

  /// When it was made, a serial number, and a code over both and the source's address. The port is left out: a
  /// translator may change it, and a stream opens with a new one.
  private func nonce(made: Instant, serial: UInt32, _ source: Endpoint) -> [UInt8] {
    var writer = ByteWriter()
    writer.write(made)
    writer.write(serial)
    let open = writer.bytes
    writer.write(source.high)
    writer.write(source.low)
    return open + HashFunction.sha256.authenticationCode(of: writer.bytes, key: key).prefix(12)
  }

  /// Checks the credentials of a request. `account` is the one whose name is `username(in:)`, or nil.
  public mutating func verify(
    _ message: Message, from source: Endpoint, account: Account?, at now: Instant
  ) -> Verdict {
    guard let credentials = credentials(message), let username = credentials["username"] else {
      return .challenge(stale: false)
    }
    // Whoever forges a source cannot know a nonce made for it, so such an answer says nothing about that source.
    guard let nonce = nonce(in: credentials), let made = made(nonce, source) else { return .challenge(stale: true) }
    let pair = Pair(high: source.high, low: source.low, username: username)
    if let failures = failures[pair], failures.count >= settings.failures, now < failures.until { return .locked }
    guard isRight(credentials, message, account?.username == username ? account : nil) else {
      countFailure(pair, at: now)
      return .refused
    }
    // Only now: a nonce of ours that is told to be stale before would let passwords be tried without a count.
    guard now - made <= settings.nonceLifetime, made <= now, made > forgotten,
      let count = credentials["nc"].flatMap({ UInt32($0, radix: 16) }), take(count, of: nonce)
    else { return .challenge(stale: true) }
    failures[pair] = nil
    return .accepted
  }

  /// The response fits the request and the account, whatever the age of its nonce.
  private func isRight(_ credentials: DigestParameters, _ message: Message, _ account: Account?) -> Bool {
    guard let algorithm = DigestAlgorithm(name: credentials["algorithm"]), let nonce = credentials["nonce"],
      let uri = credentials["uri"], let response = credentials["response"], let count = credentials["nc"],
      let clientNonce = credentials["cnonce"], credentials["qop"]?.lowercased() == "auth", count.utf8.count == 8
    else { return false }
    let secret = account?.secrets.value.first { $0.algorithm == algorithm }?.secret
    let expected = DigestAccess.response(
      algorithm, secret: secret ?? nobody, nonce: nonce, count: count, clientNonce: clientNonce,
      method: message.method.name, uri: uri)
    let isEqual = equalInConstantTime(expected, Array(response.lowercased().utf8))
    return isEqual && secret != nil && names(uri, requestURI: message.requestURI)
  }

  /// RFC 3261 section 22.4 item 9: credentials are for one Request-URI.
  private func names(_ uri: String, requestURI: URI) -> Bool {
    guard let parsed = try? URI(parsing: uri) else { return false }
    return parsed == requestURI || parsed.isEquivalent(to: requestURI)
  }

  /// When we made a nonce for this source; nil if we did not.
  private func made(_ nonce: [UInt8], _ source: Endpoint) -> Instant? {
    var reader = ByteReader(nonce)
    guard let made = try? reader.readInstant(), let serial = try? reader.read(UInt32.self),
      equalInConstantTime(self.nonce(made: made, serial: serial, source), nonce)
    else { return nil }
    return made
  }

  private func bytes(hexadecimal text: String) -> [UInt8]? {
    let digits = Array(text.utf8)
    guard digits.count == 48 else { return nil }
    var bytes: [UInt8] = []
    for place in stride(from: 0, to: digits.count, by: 2) {
      guard let byte = UInt8(String(decoding: digits[place..<place + 2], as: UTF8.self), radix: 16) else { return nil }
      bytes.append(byte)
    }
    return bytes
  }

  /// False if the count was used with this nonce before (RFC 7616 section 3.4.3).
  private mutating func take(_ count: UInt32, of nonce: [UInt8]) -> Bool {
    if var known = counts[nonce] {
      defer { counts[nonce] = known }
      return known.take(count)
    }
    var fresh = Counts()
    guard fresh.take(count) else { return false }
    counts[nonce] = fresh
    if let oldest = countOrder.append(nonce, limit: settings.nonces) {
      counts[oldest] = nil
      var reader = ByteReader(oldest)
      if let made = try? reader.readInstant() { forgotten = max(forgotten, made) }
    }
    return true
  }

  private mutating func countFailure(_ pair: Pair, at now: Instant) {
    let known = failures[pair]
    if known == nil, let oldest = failureOrder.append(pair, limit: settings.pairs) { failures[oldest] = nil }
    let count = known.map { now < $0.until ? $0.count : 0 } ?? 0
    failures[pair] = Failures(count: count + 1, until: now + settings.lock)
  }
}

/// A bounded first-in, first-out list of keys: what a table forgets when it is full.
struct Ring<Element: Sendable>: Sendable {
  private var elements: [Element] = []
  private var next = 0

  /// Yields the oldest element if it had to go.
  mutating func append(_ element: Element, limit: Int) -> Element? {
    guard elements.count >= max(1, limit) else {
      elements.append(element)
      return nil
    }
    let oldest = elements[next]
    elements[next] = element
    next = (next + 1) % elements.count
    return oldest
  }
}
