import COpenSSL

/// The hash functions that signalling and media need, computed by libcrypto.
public enum HashFunction: UInt8, Sendable, Hashable, CaseIterable {
  case md5, sha1, sha256
  /// SHA-512 truncated to 256 bits with initial values of its own (FIPS 180-4 section 5.3.6), not a prefix of SHA-512.
  case sha512t256

  /// Octets of a digest.
  public var byteCount: Int {
    switch self {
    case .md5: 16
    case .sha1: 20
    case .sha256, .sha512t256: 32
    }
  }

  /// The digest of a byte string.
  public func hash(_ message: [UInt8]) -> [UInt8] {
    var length: UInt32 = 0
    return [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
      let done = EVP_Digest(message, message.count, buffer.baseAddress, &length, algorithm, nil)
      precondition(done == 1 && Int(length) == byteCount, "libcrypto refuses a hash function")
      count = byteCount
    }
  }

  /// The keyed-hash message authentication code (RFC 2104) of a byte string.
  public func authenticationCode(of message: [UInt8], key: [UInt8]) -> [UInt8] {
    var length: UInt32 = 0
    return [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
      // An empty array may have no address, which HMAC would take for "the key as before".
      let code = (key.isEmpty ? [0] : key).withUnsafeBytes {
        HMAC(algorithm, $0.baseAddress, Int32(key.count), message, message.count, buffer.baseAddress, &length)
      }
      precondition(code != nil && Int(length) == byteCount, "libcrypto refuses an HMAC")
      count = byteCount
    }
  }

  private var algorithm: OpaquePointer? {
    switch self {
    case .md5: Fetched.md5
    case .sha1: Fetched.sha1
    case .sha256: Fetched.sha256
    case .sha512t256: Fetched.sha512t256
    }
  }
}

/// The algorithms are looked up in libcrypto's providers once: the look-up costs more than hashing a short string.
/// They are never written again and libcrypto shares them between threads, so their isolation is not checked.
private enum Fetched {
  nonisolated(unsafe) static let md5 = EVP_MD_fetch(nil, "MD5", nil)
  nonisolated(unsafe) static let sha1 = EVP_MD_fetch(nil, "SHA1", nil)
  nonisolated(unsafe) static let sha256 = EVP_MD_fetch(nil, "SHA256", nil)
  nonisolated(unsafe) static let sha512t256 = EVP_MD_fetch(nil, "SHA512-256", nil)
}

/// Unpredictable bytes from the operating system through libcrypto. Edges seed `Entropy` with them, once, at start.
public func randomBytes(_ count: Int) -> [UInt8] {
  [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
    precondition(RAND_bytes(buffer.baseAddress, Int32(count)) == 1, "the system has no random bytes")
    initialized = count
  }
}

/// 256 unpredictable bits in the shape that `Entropy` takes.
public func randomSeed() -> (UInt64, UInt64, UInt64, UInt64) {
  let bytes = randomBytes(32)
  func word(_ place: Int) -> UInt64 { bytes[place * 8..<place * 8 + 8].reduce(0) { $0 << 8 | UInt64($1) } }
  return (word(0), word(1), word(2), word(3))
}

/// Compares secrets in a time that depends on their lengths only.
public func equalInConstantTime(_ a: [UInt8], _ b: [UInt8]) -> Bool {
  a.count == b.count && CRYPTO_memcmp(a, b, a.count) == 0
}

/// Lower-case hexadecimal digits, as digest authentication and fingerprints write them.
public func hexadecimal(_ bytes: [UInt8]) -> [UInt8] {
  func digit(_ nibble: UInt8) -> UInt8 { nibble < 10 ? 0x30 + nibble : 0x57 + nibble }
  return [UInt8](unsafeUninitializedCapacity: bytes.count * 2) { buffer, count in
    for (place, byte) in bytes.enumerated() {
      buffer[place * 2] = digit(byte >> 4)
      buffer[place * 2 + 1] = digit(byte & 15)
    }
    count = bytes.count * 2
  }
}
