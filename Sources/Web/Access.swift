import ACD
import CallControl
import Digest
import FoundationEssentials
import Glibc
import SIP

/// Who a request comes from.
enum Principal: Sendable {
  case anonymous
  /// A bearer token that is not in the site: perhaps the token of a visitor.
  case stranger(token: String)
  /// A token of the site.
  case holder(Site.Token)

  init(authorization: String?, site: Site) {
    guard let authorization, authorization.prefix(7).lowercased() == "bearer " else {
      self = .anonymous
      return
    }
    let presented = String(authorization.dropFirst(7))
    let hash = HashFunction.sha256.hash(Array(presented.utf8))
    // Every token is compared, so that the time tells nothing about which one came close.
    var found: Site.Token?
    for token in site.tokens where equalInConstantTime(token.sha256, hash) { found = token }
    self = found.map { .holder($0) } ?? .stranger(token: presented)
  }

  /// Whether the site still has the token as it was when the request came.
  func isValid(in site: Site) -> Bool {
    if case .holder(let token) = self { site.tokens.contains(token) } else { true }
  }

  func has(oneOf scopes: [Site.Token.Scope]) -> Bool {
    if case .holder(let token) = self { token.scopes.contains { scopes.contains($0) } } else { false }
  }

  /// As whom it reads event streams; nil if it shows no token.
  var reader: Feed.Reader? {
    switch self {
    case .anonymous: nil
    case .stranger(let token): .visitor(token: token)
    case .holder(let token): .holder(sha256: token.sha256)
    }
  }

  /// What an `Idempotency-Key` is bound to. Who shows no token is known by where they are, since the answer to one
  /// visitor, which carries their token, must not reach another who happens to send the same key.
  func fingerprint(at address: Endpoint, origin: String?) -> String {
    switch self {
    case .anonymous: "anonymous \(address.address) \(origin ?? "-")"
    case .stranger(let token): "visitor " + token
    case .holder(let token): "token " + String(decoding: hexadecimal(token.sha256), as: UTF8.self)
    }
  }
}

/// Makes and checks the tokens of visitors: a keyed hash of the contact's id, so that they survive a restart without
/// being stored. Whoever has one speaks for this one visitor and nobody else.
public struct VisitorKey: Sendable {
  private let key: [UInt8]

  /// - Parameter key: at least 32 unpredictable bytes.
  public init(_ key: [UInt8]) {
    precondition(key.count >= 32, "a visitor key has at least 32 bytes")
    self.key = key
  }

  public struct Unreadable: Error, CustomStringConvertible {
    public var file: String
    public var reason: String
    public var description: String { "\(file): \(reason)" }
  }

  /// Reads the key from a file, or makes the file, readable by its owner only.
  public init(file: String) throws(Unreadable) {
    let descriptor = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    if descriptor >= 0 {
      defer { close(descriptor) }
      let key = randomBytes(32)
      guard write(descriptor, key, key.count) == key.count, fsync(descriptor) == 0 else {
        unlink(file)
        throw Unreadable(file: file, reason: "the visitor key cannot be written")
      }
      self.init(key)
    } else {
      guard let key = try? Data(contentsOf: URL(filePath: file)), key.count >= 32 else {
        throw Unreadable(file: file, reason: "the visitor key cannot be read, or is shorter than 32 bytes")
      }
      self.init(Array(key))
    }
  }

  func token(for contact: PublicID) -> String {
    let code = HashFunction.sha256.authenticationCode(of: Array("visitor \(contact)".utf8), key: key)
    return "vt_" + String(decoding: hexadecimal(code), as: UTF8.self)
  }

  func isToken(_ token: String, of contact: PublicID) -> Bool {
    equalInConstantTime(Array(token.utf8), Array(self.token(for: contact).utf8))
  }
}

/// Web pages that may use an entry.
enum Origins {
  /// The site's own pages may use every entry, other pages only those that name them.
  static func allows(_ origin: String, entry: Site.Entry, authority: String?) -> Bool {
    isOwn(origin, authority: authority) || entry.origins.contains { covers($0, origin) }
  }

  /// Whether any entry names the origin: enough to let its browser read answers, which carry nothing without a token.
  static func allowsReading(_ origin: String, site: Site, authority: String?) -> Bool {
    isOwn(origin, authority: authority)
      || site.entries.contains { $0.name.hasPrefix("web:") && $0.origins.contains { covers($0, origin) } }
  }

  private static func isOwn(_ origin: String, authority: String?) -> Bool {
    guard let authority else { return false }
    return equal(origin, "https://" + authority) || equal(origin, "http://" + authority)
  }

  /// Scheme, host and port must be those of the rule; `*.` in front of its host stands for one or more labels.
  private static func covers(_ rule: String, _ origin: String) -> Bool {
    guard let star = rule.firstRange(of: "://*.") else { return equal(rule, origin) }
    let (scheme, rest) = (rule[..<star.lowerBound].lowercased() + "://", "." + rule[star.upperBound...].lowercased())
    let origin = origin.lowercased()
    return origin.hasPrefix(scheme) && origin.hasSuffix(rest)
      && isLabels(origin.dropFirst(scheme.count).dropLast(rest.count))
  }

  /// Labels of a host name with dots between them, and nothing else: no port, no user, no path.
  private static func isLabels(_ text: Substring) -> Bool {
    text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
      !label.isEmpty && label.utf8.allSatisfy { 0x61...0x7a ~= $0 || 0x30...0x39 ~= $0 || $0 == 0x2d || $0 == 0x5f }
    }
  }

  private static func equal(_ a: String, _ b: String) -> Bool { a.lowercased() == b.lowercased() }
}
