import COpenSSL

/// A site that signs tokens for its visitors (RFC 7515), with a key of its own.
public final class TestSigner: Sendable {
  /// Only read, which libcrypto allows on several threads at once.
  nonisolated(unsafe) private let key: OpaquePointer?
  private let secret: [UInt8]
  private let isEllipticCurve: Bool
  /// What the verifier's file holds.
  public let file: [UInt8]

  /// ES256 or RS256.
  public init(_ kind: TestAuthority.Kind) {
    let key = TestAuthority.makeKey(kind)
    self.key = key
    secret = []
    isEllipticCurve = if case .p256 = kind { true } else { false }
    file = Array(TestAuthority.pem { PEM_write_bio_PUBKEY($0, key) }.utf8)
  }

  /// HS256.
  public init(secret: [UInt8]) {
    key = nil
    self.secret = secret
    isEllipticCurve = false
    file = secret
  }

  deinit { EVP_PKEY_free(key) }

  /// The compact form of a token with this header and payload, as they are written.
  public func token(_ header: String, _ payload: String) -> String {
    let signed = Self.base64URL(Array(header.utf8)) + "." + Self.base64URL(Array(payload.utf8))
    return signed + "." + Self.base64URL(signature(of: Array(signed.utf8)))
  }

  public func signature(of message: [UInt8]) -> [UInt8] {
    guard let key else {
      var code = [UInt8](repeating: 0, count: 32)
      HMAC(EVP_sha256(), secret, Int32(secret.count), message, message.count, &code, nil)
      return code
    }
    let context = EVP_MD_CTX_new()
    defer { EVP_MD_CTX_free(context) }
    var signature = [UInt8](repeating: 0, count: 1_024)
    var count = signature.count
    precondition(EVP_DigestSignInit(context, nil, EVP_sha256(), nil, key) == 1)
    precondition(EVP_DigestSign(context, &signature, &count, message, message.count) == 1)
    signature = Array(signature.prefix(count))
    return isEllipticCurve ? Self.numbers(in: signature) : signature
  }

  /// The two numbers of an ECDSA signature, 32 bytes each.
  private static func numbers(in encoded: [UInt8]) -> [UInt8] {
    var (place, numbers) = (2, [UInt8]())
    for _ in 0..<2 {
      let count = Int(encoded[place + 1])
      let digits = encoded[place + 2..<place + 2 + count].drop { $0 == 0 }
      numbers += [UInt8](repeating: 0, count: 32 - digits.count) + digits
      place += 2 + count
    }
    return numbers
  }

  public static func base64URL(_ bytes: [UInt8]) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
    var text: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = bytes[start..<min(start + 3, bytes.count)]
      let word = group.reduce(0) { $0 << 8 | UInt32($1) } << UInt32(8 * (3 - group.count))
      for digit in 0..<group.count + 1 { text.append(alphabet[Int(word >> UInt32(18 - 6 * digit) & 63)]) }
    }
    return String(decoding: text, as: UTF8.self)
  }
}
