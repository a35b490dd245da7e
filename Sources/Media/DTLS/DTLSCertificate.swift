import COpenSSL

/// A self-signed P-256 certificate with its key, and the settings of all DTLS sessions that show it (RFC 8827 section
/// 6.5). An edge makes one at start and a new one now and then; a session keeps the one that its SDP answer named.
public final class DTLSCertificate: Sendable {
  /// A client certificate is one, and small.
  private static let mostCertificateBytes = 16_384

  /// SHA-256 of the certificate, as `a=fingerprint:sha-256` states it.
  public let fingerprint: [UInt8]
  /// OpenSSL counts its references and lets threads share it.
  nonisolated(unsafe) let context: OpaquePointer

  /// - Throws: `unavailable` where OpenSSL lacks what WebRTC requires.
  public init() throws(DTLSError) {
    guard let context = SSL_CTX_new(DTLS_method()) else { throw .unavailable }
    self.context = context
    guard let key = openssl_p256_key(), let certificate = X509_new() else {
      SSL_CTX_free(context)
      throw .unavailable
    }
    defer {
      EVP_PKEY_free(key)
      X509_free(certificate)
    }
    fingerprint = Self.sign(certificate, with: key)
    openssl_set_dtls_options(context)
    openssl_set_most_certificate_bytes(context, Self.mostCertificateBytes)
    // A browser's certificate is self-signed: its fingerprint is what counts, and is compared after the handshake.
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT) { _, _ in 1 }
    let ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256"
    let isComplete =
      SSL_CTX_use_certificate(context, certificate) == 1 && SSL_CTX_use_PrivateKey(context, key) == 1
      && SSL_CTX_set_cipher_list(context, ciphers) == 1 && openssl_set_groups(context, "X25519:P-256") == 1
      // This one returns 0 on success.
      && SSL_CTX_set_tlsext_use_srtp(context, "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80") == 0
    guard isComplete else {
      SSL_CTX_free(context)
      throw .unavailable
    }
  }

  deinit { SSL_CTX_free(context) }

  /// Names nobody and is valid long enough for clocks that differ; both ends look at the fingerprint only.
  private static func sign(_ certificate: OpaquePointer, with key: OpaquePointer) -> [UInt8] {
    var serial: UInt64 = 0
    withUnsafeMutableBytes(of: &serial) { _ = RAND_bytes($0.bindMemory(to: UInt8.self).baseAddress, 8) }
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1)
    X509_set_version(certificate, 2)
    X509_gmtime_adj(X509_getm_notBefore(certificate), -86_400)
    X509_gmtime_adj(X509_getm_notAfter(certificate), 30 * 86_400)
    X509_set_pubkey(certificate, key)
    let name = X509_get_subject_name(certificate)
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, "switchboard", -1, -1, 0)
    X509_set_issuer_name(certificate, name)
    X509_sign(certificate, key, EVP_sha256())
    return digest(of: certificate, .sha256)
  }

  static func digest(of certificate: OpaquePointer, _ hash: CertificateFingerprint.Hash) -> [UInt8] {
    let function =
      switch hash {
      case .sha256: EVP_sha256()
      case .sha384: EVP_sha384()
      case .sha512: EVP_sha512()
      }
    return [UInt8](unsafeUninitializedCapacity: Int(EVP_MAX_MD_SIZE)) { buffer, count in
      var length: UInt32 = 0
      X509_digest(certificate, function, buffer.baseAddress, &length)
      count = Int(length)
    }
  }
}

/// What a far end's SDP says of its certificate (RFC 8122). Older functions than SHA-256 count as none.
public struct CertificateFingerprint: Sendable, Equatable {
  public enum Hash: String, Sendable, CaseIterable { case sha256 = "sha-256", sha384 = "sha-384", sha512 = "sha-512" }
  public var hash: Hash
  public var digest: [UInt8]
  public init(_ hash: Hash, _ digest: [UInt8]) { self.hash = hash; self.digest = digest }

  /// From the words of the attribute; nil for a function that does not count.
  public init?(name: String, digest: [UInt8]) {
    guard let hash = Hash(rawValue: name.lowercased()) else { return nil }
    self.init(hash, digest)
  }
}

public enum DTLSError: Error, Sendable, Equatable {
  /// OpenSSL refuses the settings that WebRTC requires.
  case unavailable
  /// The far end's certificate is not the one that its SDP named. No key was used.
  case wrongFingerprint
  /// The far end offers no protection of media that we have.
  case noProfile
  /// The handshake failed: no common cipher, a malformed message, or too many retransmissions.
  case handshake
}
