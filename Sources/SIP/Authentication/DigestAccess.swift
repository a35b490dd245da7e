import Digest
public import Primitives

/// The hash of a digest challenge (RFC 7616 section 3.3, RFC 8760).
public enum DigestAlgorithm: UInt8, Sendable, Hashable, CaseIterable {
  case sha256, sha512t256, md5

  /// As challenges write it.
  public var name: String {
    switch self {
    case .sha256: "SHA-256"
    case .sha512t256: "SHA-512-256"
    case .md5: "MD5"
    }
  }
  /// An absent algorithm means MD5 (RFC 7616 section 3.3).
  init?(name: String?) {
    guard let name else {
      self = .md5
      return
    }
    guard let found = Self.allCases.first(where: { $0.name.lowercased() == name.lowercased() }) else { return nil }
    self = found
  }
  var function: HashFunction {
    switch self {
    case .sha256: .sha256
    case .sha512t256: .sha512t256
    case .md5: .md5
    }
  }
}

/// The arithmetic of digest access authentication (RFC 7616 section 3.4), on lower-case hexadecimal digits.
enum DigestAccess {
  /// H(A1): what is stored of a password.
  static func secret(_ algorithm: DigestAlgorithm, username: String, realm: String, password: String) -> [UInt8] {
    hash(algorithm, [Array(username.utf8), Array(realm.utf8), Array(password.utf8)])
  }

  /// The response with `qop=auth`; without qop if `count` is nil (RFC 2617 section 3.2.2.1, for old servers only).
  static func response(
    _ algorithm: DigestAlgorithm, secret: [UInt8], nonce: String, count: String?, clientNonce: String, method: String,
    uri: String
  ) -> [UInt8] {
    let request = hash(algorithm, [Array(method.utf8), Array(uri.utf8)])
    guard let count else { return hash(algorithm, [secret, Array(nonce.utf8), request]) }
    return hash(
      algorithm,
      [secret, Array(nonce.utf8), Array(count.utf8), Array(clientNonce.utf8), Array("auth".utf8), request])
  }

  private static func hash(_ algorithm: DigestAlgorithm, _ parts: [[UInt8]]) -> [UInt8] {
    hexadecimal(algorithm.function.hash(Array(parts.joined(separator: [UInt8(ascii: ":")]))))
  }
}

/// The parameters of a challenge or of credentials with the scheme `Digest` (RFC 3261 section 25.1).
struct DigestParameters {
  private var values: [(name: String, value: String)] = []

  /// Nil for another scheme, a malformed list or a parameter that stands twice.
  init?(parsing text: String) {
    let bytes = Array(text.utf8)
    let scheme = Array("digest".utf8)
    guard bytes.count > scheme.count, zip(bytes, scheme).allSatisfy({ $0 | 0x20 == $1 }),
      bytes[scheme.count] == 0x20 || bytes[scheme.count] == 0x09
    else { return nil }
    var place = scheme.count
    func skipBlanks() { while place < bytes.count, bytes[place] == 0x20 || bytes[place] == 0x09 { place += 1 } }
    while true {
      skipBlanks()
      let start = place
      while place < bytes.count, bytes[place] != UInt8(ascii: "="), bytes[place] != UInt8(ascii: ","),
        bytes[place] != 0x20, bytes[place] != 0x09
      {
        place += 1
      }
      let name = String(decoding: bytes[start..<place], as: UTF8.self).lowercased()
      skipBlanks()
      guard !name.isEmpty, place < bytes.count, bytes[place] == UInt8(ascii: "=") else { return nil }
      place += 1
      skipBlanks()
      guard let value = Self.value(bytes, &place), self[name] == nil else { return nil }
      values.append((name, value))
      skipBlanks()
      if place == bytes.count { return }
      guard bytes[place] == UInt8(ascii: ",") else { return nil }
      place += 1
    }
  }

  /// A token, or what stands between quotes: escapes stay, since both sides hash the text as it was sent
  /// (RFC 7616 section 3.3, `unq`).
  private static func value(_ bytes: [UInt8], _ place: inout Int) -> String? {
    guard place < bytes.count else { return nil }
    if bytes[place] == UInt8(ascii: "\"") {
      let start = place + 1
      place = start
      while place < bytes.count, bytes[place] != UInt8(ascii: "\"") {
        place += bytes[place] == UInt8(ascii: "\\") ? 2 : 1
      }
      guard place < bytes.count else { return nil }
      defer { place += 1 }
      return String(decoding: bytes[start..<place], as: UTF8.self)
    }
    let start = place
    while place < bytes.count, bytes[place] != UInt8(ascii: ","), bytes[place] != 0x20, bytes[place] != 0x09 {
      place += 1
    }
    return start == place ? nil : String(decoding: bytes[start..<place], as: UTF8.self)
  }

  subscript(name: String) -> String? { values.first { $0.name == name }?.value }
}

/// What we answer challenges of a trunk with, and whose challenges we answer at all: a response to anybody else would
/// give away a hash of the password.
public struct DigestCredentials: Sendable {
  public var realm: String
  public var username: String
  public var password: Redacted<String>
  public init(realm: String, username: String, password: String) {
    self.realm = realm
    self.username = username
    self.password = Redacted(password)
  }

  /// The header that answers a 401 or 407 (RFC 3261 section 22.2, 22.3); nil if none of its challenges is for this
  /// realm with an algorithm and a quality we know.
  /// - Parameters:
  ///   - method: of the request that is to be sent again, and `uri` its Request-URI.
  ///   - clientNonce: unpredictable text.
  ///   - count: how often this nonce was used, this time included.
  public func header(
    answering challenge: Message, method: Method, uri: URI, clientNonce: String, count: UInt32 = 1
  ) -> UserAgent.Header? {
    let isProxy = challenge.status == 407
    let uri = uri.description
    // The first is the one that the server likes best (RFC 8760 section 2.4).
    for value in challenge.headers(isProxy ? "Proxy-Authenticate" : "WWW-Authenticate") {
      guard let parameters = DigestParameters(parsing: value), parameters["realm"] == realm,
        let nonce = parameters["nonce"], let algorithm = DigestAlgorithm(name: parameters["algorithm"])
      else { continue }
      let qualities = parameters["qop"]?.lowercased().split(separator: ",").map { $0.filter { $0 != " " } }
      guard qualities?.contains("auth") ?? true else { continue }
      let digits = String(count, radix: 16)
      let nonceCount = qualities == nil ? nil : String(repeating: "0", count: 8 - digits.count) + digits
      let secret = DigestAccess.secret(algorithm, username: username, realm: realm, password: password.value)
      let response = DigestAccess.response(
        algorithm, secret: secret, nonce: nonce, count: nonceCount, clientNonce: clientNonce, method: method.name,
        uri: uri)
      var text = "Digest username=\"\(username)\", realm=\"\(realm)\", nonce=\"\(nonce)\", uri=\"\(uri)\""
      text += ", response=\"\(String(decoding: response, as: UTF8.self))\""
      if parameters["algorithm"] != nil { text += ", algorithm=\(algorithm.name)" }
      if let nonceCount { text += ", qop=auth, nc=\(nonceCount), cnonce=\"\(clientNonce)\"" }
      if let opaque = parameters["opaque"] { text += ", opaque=\"\(opaque)\"" }
      return UserAgent.Header(isProxy ? "Proxy-Authorization" : "Authorization", text)
    }
    return nil
  }
}
