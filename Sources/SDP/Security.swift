import Primitives

/// How we protect media, and with what: what our side of a description says of it.
public enum LocalSecurity: Sendable, Equatable {
  /// Plain RTP.
  case none
  /// Keys in the description (RFC 4568), over `RTP/SAVP`: one for each suite we speak, the preferred one first. Only
  /// where the signalling is encrypted. To judge an offer alone (`Negotiation.outcome`) the suites suffice.
  case sdes([SDESKey])
  /// A browser's transport: ICE, DTLS-SRTP, one port for all.
  case web(WebTransport)
}

/// The protection that an offer and its answer agreed on.
public enum NegotiatedSecurity: Sendable, Equatable {
  case none
  case sdes(outgoing: SDESKey, incoming: SDESKey)
  /// - remote: what the far end's connectivity checks are keyed with; another value than before is an ICE restart.
  /// - fingerprints: the far end's certificate must match one of them; they use SHA-256 or stronger.
  /// - weAreClient: we open the DTLS association; nearly always the far end does.
  case web(remote: ICECredentials, fingerprints: [Fingerprint], weAreClient: Bool)
}

/// A cipher suite of SRTP by its name in `a=crypto` (RFC 4568 section 6.2, RFC 6188, RFC 7714).
public enum SRTPSuite: String, Sendable, CaseIterable {
  case aeadAES128GCM = "AEAD_AES_128_GCM"
  case aesCM128HMAC80 = "AES_CM_128_HMAC_SHA1_80"
  case aesCM128HMAC32 = "AES_CM_128_HMAC_SHA1_32"
  case aesCM256HMAC80 = "AES_256_CM_HMAC_SHA1_80"
  case aeadAES256GCM = "AEAD_AES_256_GCM"

  /// Stands for keys that are not drawn yet, where an offer is judged alone.
  public static let unkeyed = allCases.map { SDESKey(suite: $0, key: []) }

  public var keyBytes: Int {
    switch self {
    case .aeadAES128GCM, .aesCM128HMAC80, .aesCM128HMAC32: 16
    case .aesCM256HMAC80, .aeadAES256GCM: 32
    }
  }
  public var saltBytes: Int {
    switch self {
    case .aeadAES128GCM, .aeadAES256GCM: 12
    case .aesCM128HMAC80, .aesCM128HMAC32, .aesCM256HMAC80: 14
    }
  }
}

/// A master key as `a=crypto` carries it. Printing it does not show the key.
public struct SDESKey: Sendable, Equatable, CustomStringConvertible {
  public var suite: SRTPSuite
  /// The master key, then the master salt: `suite.keyBytes` and `suite.saltBytes`.
  public var key: [UInt8]
  public init(suite: SRTPSuite, key: [UInt8]) { self.suite = suite; self.key = key }
  public var description: String { suite.rawValue }
}

/// What connectivity checks of one side are keyed with (RFC 8839 section 5.4). Printing it does not show the password.
public struct ICECredentials: Sendable, Equatable, CustomStringConvertible {
  /// 4 to 256 of the characters `A-Z a-z 0-9 + /`.
  public var ufrag: String
  /// 22 to 256 of the same.
  public var password: String

  public init(ufrag: String, password: String) { self.ufrag = ufrag; self.password = password }

  /// Judges what a far end wrote.
  init?(checking ufrag: String, _ password: String) {
    func isWord(_ text: String, _ length: ClosedRange<Int>) -> Bool {
      length.contains(text.utf8.count) && text.utf8.allSatisfy { base64Value($0) != nil }
    }
    guard isWord(ufrag, 4...256), isWord(password, 22...256) else { return nil }
    self.init(ufrag: ufrag, password: password)
  }

  public var description: String { ufrag }
}

/// A certificate's fingerprint (RFC 8122).
public struct Fingerprint: Sendable, Equatable {
  /// The hash in small letters: `sha-256`, `sha-384` or `sha-512`.
  public var hash: String
  public var digest: [UInt8]
  public init(hash: String, digest: [UInt8]) { self.hash = hash; self.digest = digest }

  /// The value of `a=fingerprint`: `sha-256 4A:AD:…`. Nil where it is malformed or its hash is too weak to be trusted.
  init?(parsing value: String) {
    let fields = value.utf8.split(separator: UInt8(ascii: " "))
    guard fields.count == 2, let strength = Self.hashes.first(where: { equalWords($0.name.utf8, fields[0]) }) else {
      return nil
    }
    var digest: [UInt8] = []
    digest.reserveCapacity(strength.bytes)
    for pair in fields[1].split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false) {
      guard pair.count == 2, let byte = UInt8(hexadecimal: pair) else { return nil }
      digest.append(byte)
    }
    guard digest.count == strength.bytes else { return nil }
    self.init(hash: strength.name, digest: digest)
  }

  private static let hashes: [(name: String, bytes: Int)] = [("sha-256", 32), ("sha-384", 48), ("sha-512", 64)]

  /// The value that `init(parsing:)` reads.
  var text: String {
    var text: [UInt8] = []
    text.reserveCapacity(hash.utf8.count + 3 * digest.count + 1)
    text.append(utf8: hash)
    var separator = UInt8(ascii: " ")
    for byte in digest {
      text.append(separator)
      for digit in [byte >> 4, byte & 15] { text.append(digit < 10 ? digit + 0x30 : digit + 0x37) }
      separator = UInt8(ascii: ":")
    }
    return String(decoding: text, as: UTF8.self)
  }
}

/// Our side of a browser's transport as an answer states it: ICE-lite (RFC 8445) with host candidates only, `rtcp-mux`,
/// BUNDLE, and the browser opens DTLS unless it insists on the other role.
public struct WebTransport: Sendable, Equatable {
  /// A host candidate for component 1 over UDP.
  public struct Candidate: Sendable, Equatable {
    /// A numeric address at which browsers reach us.
    public var address: String
    public var port: UInt16
    public init(address: String, port: UInt16) { self.address = address; self.port = port }
  }

  public var ice: ICECredentials
  public var fingerprint: Fingerprint
  /// The preferred one first.
  public var candidates: [Candidate]
  public init(ice: ICECredentials, fingerprint: Fingerprint, candidates: [Candidate]) {
    self.ice = ice; self.fingerprint = fingerprint; self.candidates = candidates
  }
}
