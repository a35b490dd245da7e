import COpenSSL

/// How media is protected: cipher, authentication, lengths (RFC 3711, RFC 6188, RFC 7714).
public enum SRTPProfile: UInt8, Sendable, CaseIterable {
  case aeadAES128GCM, aeadAES256GCM
  case aes128CM80, aes128CM32, aes256CM80

  public var keyLength: Int {
    switch self {
    case .aeadAES128GCM, .aes128CM80, .aes128CM32: 16
    case .aeadAES256GCM, .aes256CM80: 32
    }
  }
  public var saltLength: Int { isAEAD ? 12 : 14 }
  var isAEAD: Bool { self == .aeadAES128GCM || self == .aeadAES256GCM }

  /// Octets that protection adds to an RTP packet.
  public var tagLength: Int { isAEAD ? 16 : self == .aes128CM32 ? 4 : 10 }
  /// Octets of authentication on an RTCP packet, which never is short (RFC 5764 section 4.1.2); the index comes besides.
  var controlTagLength: Int { isAEAD ? 16 : 10 }
  /// The most that protection adds to a packet of either kind, under any profile.
  public static let mostOverhead = 20

  var cipher: OpaquePointer? {
    switch self {
    case .aeadAES128GCM: Fetched.gcm128
    case .aeadAES256GCM: Fetched.gcm256
    case .aes128CM80, .aes128CM32: Fetched.ctr128
    case .aes256CM80: Fetched.ctr256
    }
  }

  /// Looked up in libcrypto's providers once; never written again, and libcrypto shares them between threads.
  private enum Fetched {
    nonisolated(unsafe) static let gcm128 = EVP_CIPHER_fetch(nil, "AES-128-GCM", nil)
    nonisolated(unsafe) static let gcm256 = EVP_CIPHER_fetch(nil, "AES-256-GCM", nil)
    nonisolated(unsafe) static let ctr128 = EVP_CIPHER_fetch(nil, "AES-128-CTR", nil)
    nonisolated(unsafe) static let ctr256 = EVP_CIPHER_fetch(nil, "AES-256-CTR", nil)
  }
}

/// The master key and salt of one direction, from DTLS or from SDES.
public struct SRTPMasterKey: Sendable, Equatable {
  public var profile: SRTPProfile
  public var key: [UInt8]
  public var salt: [UInt8]

  /// Nil if the lengths do not fit the profile.
  public init?(_ profile: SRTPProfile, key: [UInt8], salt: [UInt8]) {
    guard key.count == profile.keyLength, salt.count == profile.saltLength else { return nil }
    self.profile = profile; self.key = key; self.salt = salt
  }

  /// What a session key is for (RFC 3711 section 4.3.1).
  enum Label: UInt8 {
    case encryption = 0, authentication, salt
    case controlEncryption, controlAuthentication, controlSalt
  }

  /// A session key by the AES counter mode function of RFC 3711 section 4.3.3 with a key derivation rate of zero. A salt
  /// of 96 bits counts as one of 112 bits that ends with zeros (RFC 7714 section 11).
  func sessionKey(_ label: Label, count: Int) -> [UInt8] {
    let padded = (salt + [UInt8](repeating: 0, count: 16 - salt.count)).reduce(0) { $0 << 8 | UInt128($1) }
    var stream = [UInt8](repeating: 0, count: count)
    SRTPCipher(profile.keyLength == 16 ? .aes128CM80 : .aes256CM80, key: key)
      .apply(padded ^ UInt128(label.rawValue) << 64, to: &stream)
    return stream
  }
}
