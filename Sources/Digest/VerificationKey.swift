import COpenSSL

/// A key that verifies signatures by the one algorithm it was made for, and by no other (RFC 7518 section 3.1, RFC 8725
/// section 3.1): what a message says about its algorithm can be compared with the key, never chosen.
public struct VerificationKey: Sendable {
  private enum Material: Sendable {
    case secret([UInt8])
    case rsa(PublicKey)
    case p256(PublicKey)
  }
  private let material: Material

  /// HS256: HMAC with SHA-256. The secret is the bytes of a file, of a text file without its last line end.
  public static func hs256(_ file: [UInt8]) throws(PEMError) -> VerificationKey {
    var secret = file
    if file.allSatisfy({ $0 == 10 || $0 == 13 || 0x20..<0x7f ~= $0 }) {
      if secret.last == 10 { secret.removeLast() }
      if secret.last == 13 { secret.removeLast() }
    }
    guard secret.count >= 32 else { throw PEMError("holds a secret of fewer than 32 bytes, which could be guessed") }
    return VerificationKey(material: .secret(secret))
  }

  /// RS256: RSASSA-PKCS1-v1_5 with SHA-256, at least 2048 bits (RFC 7518 section 3.3).
  /// - Parameter pem: a public key or a certificate.
  public static func rs256(_ pem: [UInt8]) throws(PEMError) -> VerificationKey {
    let key = try PublicKey(pem: pem)
    guard EVP_PKEY_get_base_id(key.pointer) == EVP_PKEY_RSA else { throw PEMError("holds no RSA key, as RS256 needs") }
    let bits = EVP_PKEY_get_bits(key.pointer)
    guard bits >= 2048 else { throw PEMError("holds an RSA key of \(bits) bits; RS256 needs 2048 or more") }
    return VerificationKey(material: .rsa(key))
  }

  /// ES256: ECDSA over P-256 with SHA-256.
  /// - Parameter pem: a public key or a certificate.
  public static func es256(_ pem: [UInt8]) throws(PEMError) -> VerificationKey {
    let key = try PublicKey(pem: pem)
    var name = [CChar](repeating: 0, count: 32)
    guard EVP_PKEY_get_base_id(key.pointer) == EVP_PKEY_EC,
      EVP_PKEY_get_group_name(key.pointer, &name, name.count, nil) == 1,
      String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self) == "prime256v1"
    else { throw PEMError("holds no key on the curve P-256, as ES256 needs") }
    return VerificationKey(material: .p256(key))
  }

  /// Whether a signature in the form of RFC 7518 is that of the message.
  public func verifies(_ signature: [UInt8], of message: [UInt8]) -> Bool {
    switch material {
    case .secret(let secret):
      equalInConstantTime(HashFunction.sha256.authenticationCode(of: message, key: secret), signature)
    case .rsa(let key): key.verifies(signature, of: message)
    case .p256(let key): Self.encoded(signature).map { key.verifies($0, of: message) } ?? false
    }
  }

  /// Two numbers of 32 bytes each (RFC 7518 section 3.4) as the sequence of two numbers that libcrypto reads. Nil for
  /// another length.
  private static func encoded(_ signature: [UInt8]) -> [UInt8]? {
    guard signature.count == 64 else { return nil }
    func number(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
      var digits = Array(bytes.drop { $0 == 0 })
      // A leading bit that is set would make it negative.
      if digits.first.map({ $0 >= 0x80 }) ?? true { digits.insert(0, at: 0) }
      return [0x02, UInt8(digits.count)] + digits
    }
    let numbers = number(signature[..<32]) + number(signature[32...])
    return [0x30, UInt8(numbers.count)] + numbers
  }
}

extension PublicKey {
  /// Reads a public key, or that of a certificate.
  convenience init(pem: [UInt8]) throws(PEMError) {
    if let key = reading(pem, { PEM_read_bio_PUBKEY($0, nil, refusePassword, nil) }) {
      self.init(owning: key)
      return
    }
    if let secret = reading(pem, { PEM_read_bio_PrivateKey($0, nil, refusePassword, nil) }) {
      EVP_PKEY_free(secret)
      throw PEMError("holds a private key, which belongs to the signing site alone; take its public key")
    }
    guard let certificate = reading(pem, { PEM_read_bio_X509($0, nil, refusePassword, nil) }) else {
      throw PEMError("holds no public key in PEM")
    }
    defer { X509_free(certificate) }
    guard let key = X509_get_pubkey(certificate) else { throw PEMError("holds a certificate without a key") }
    self.init(owning: key)
  }

  fileprivate func verifies(_ signature: [UInt8], of message: [UInt8]) -> Bool {
    guard let context = EVP_MD_CTX_new() else { return false }
    defer {
      EVP_MD_CTX_free(context)
      ERR_clear_error()
    }
    return EVP_DigestVerifyInit(context, nil, EVP_sha256(), nil, pointer) == 1
      && EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
  }
}
