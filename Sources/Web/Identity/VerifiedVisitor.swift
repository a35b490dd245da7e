import CallControl
import Digest

/// Who a visitor is by the word of the page's own site: the claims of a token that was checked.
struct VerifiedVisitor: Equatable {
  /// `name`, or `sub` where there is none.
  var name: String?
  /// Every claim that is short text, a number or a flag, but those that say what the token is for; as `verified.sub`.
  var attributes: [ChatRequest.Attribute]

  /// Seconds by which the signing site's clock may differ from ours.
  static let skew = 60.0
  /// Seconds that a token may be good for: it is made for one visit, and may leak.
  static let longest = 3_600.0
  static let most = 16

  /// Why a token is not believed, for who integrates.
  struct Disbelief: Error, Equatable {
    var reason: String
    init(_ reason: String) { self.reason = reason }
  }

  /// Checks a token for an entry.
  /// - Parameters:
  ///   - audiences: one of these must be in `aud`.
  ///   - now: seconds since 1970.
  init(
    _ text: String, keys: [Site.VisitorIdentity.Key], audiences: [String], now: Double
  ) throws(Disbelief) {
    let token: SignedToken
    do throws(SignedToken.Malformed) { token = try SignedToken(parsing: text) } catch {
      throw Disbelief(error.reason)
    }
    let key = try Self.key(of: token, among: keys)
    guard let verifier = VerificationKey(key), verifier.verifies(token.signature, of: token.signed) else {
      throw Disbelief("The token's signature is not that of the key")
    }
    try Self.checkTimes(token.claims, now: now)
    try Self.checkAudience(token.claims, audiences)
    attributes = token.claims.members.lazy.compactMap(Self.attribute).prefix(Self.most).map { $0 }
    let told = attributes.first { $0.name == "verified.name" } ?? attributes.first { $0.name == "verified.sub" }
    name = told.map { String($0.value.prefix(64)) }
  }

  private static func key(
    of token: SignedToken, among keys: [Site.VisitorIdentity.Key]
  ) throws(Disbelief) -> Site.VisitorIdentity.Key {
    // Where there is one key, its name may be left out.
    let named = token.keyID.map { id in keys.first { $0.id == id } } ?? (keys.count == 1 ? keys.first : nil)
    guard let named else {
      throw Disbelief(token.keyID == nil ? "The token names no key by kid" : "The token's kid is not known here")
    }
    guard named.algorithm.rawValue == token.algorithm else {
      throw Disbelief("The token's alg is not the one of its key")
    }
    return named
  }

  private static func checkTimes(_ claims: JSONObject, now: Double) throws(Disbelief) {
    func time(_ name: String) throws(Disbelief) -> Double? {
      switch claims[name] {
      case nil: return nil
      case .number(let text)?:
        if let seconds = Double(text), seconds.isFinite { return seconds }
        fallthrough
      default: throw Disbelief("The token's \(name) is no time in seconds")
      }
    }
    guard let end = try time("exp") else { throw Disbelief("The token has no exp: it would be good for ever") }
    guard now < end + skew else { throw Disbelief("The token has expired") }
    guard end - now <= longest + skew else {
      throw Disbelief("The token is good for more than an hour: make one for each visit")
    }
    if let start = try time("nbf"), start > now + skew { throw Disbelief("The token is not good yet") }
    if let issued = try time("iat"), issued > now + skew {
      throw Disbelief("The token comes from the future: compare the clocks")
    }
  }

  private static func checkAudience(_ claims: JSONObject, _ audiences: [String]) throws(Disbelief) {
    let named: [JSONObject.Value] =
      switch claims["aud"] {
      case .list(let values)?: values
      case let value?: [value]
      case nil: []
      }
    guard named.contains(where: { if case .string(let text) = $0 { audiences.contains(text) } else { false } }) else {
      throw Disbelief("The token's aud must be " + audiences.joined(separator: " or "))
    }
  }

  private static func attribute(_ name: String, _ value: JSONObject.Value) -> ChatRequest.Attribute? {
    let text: String
    switch value {
    case .string(let string):
      text = string.filter { !$0.unicodeScalars.contains { $0.properties.generalCategory == .control } }
    case .number(let number): text = number
    case .flag(let flag): text = flag ? "true" : "false"
    case .null, .list, .object: return nil
    }
    let full = "verified." + name
    guard !["iss", "aud", "exp", "nbf", "iat", "jti"].contains(name), !text.isEmpty,
      full.utf8.count <= ChatRequest.Attribute.nameLimit, text.utf8.count <= ChatRequest.Attribute.valueLimit
    else { return nil }
    return .init(name: full, value: text)
  }
}

extension VerificationKey {
  /// Nil for what the configuration would have refused.
  fileprivate init?(_ key: Site.VisitorIdentity.Key) {
    let made: VerificationKey? =
      switch key.algorithm {
      case .hs256: try? .hs256(key.file)
      case .es256: try? .es256(key.file)
      case .rs256: try? .rs256(key.file)
      }
    guard let made else { return nil }
    self = made
  }
}
