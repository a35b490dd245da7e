import COpenSSL

/// A certificate authority that lives for one test. It is made of libcrypto, so that tests need no program beside.
public final class TestAuthority {
  public struct Issued: Sendable {
    /// PEM.
    public var certificate: String
    public var key: String
    public init(certificate: String, key: String) { self.certificate = certificate; self.key = key }
  }
  public enum Kind: Sendable {
    case p256
    case rsa(bits: Int32)
  }

  private let key: OpaquePointer
  private let subject: OpaquePointer
  /// PEM.
  public let certificate: String
  private var serial = 1

  public init(_ name: String = "Authority of a test") {
    key = Self.makeKey(.p256)
    let root = Self.makeCertificate(
      name, serial: 1, validity: -3_600...86_400, key: key, extensions: ["CA:TRUE": NID_basic_constraints])
    subject = root
    Self.sign(root, issuer: root, with: key)
    certificate = Self.pem { PEM_write_bio_X509($0, root) }
  }

  deinit {
    EVP_PKEY_free(key)
    X509_free(subject)
  }

  /// A certificate and its new key.
  /// - Parameters:
  ///   - addresses: IP addresses that it names.
  ///   - validity: seconds from now.
  public func issue(
    _ name: String = "localhost", addresses: [String] = ["127.0.0.1"], kind: Kind = .p256,
    validity: ClosedRange<Int> = -3_600...86_400
  ) -> Issued {
    serial += 1
    let key = Self.makeKey(kind)
    defer { EVP_PKEY_free(key) }
    let names = (["DNS:" + name] + addresses.map { "IP:" + $0 }).joined(separator: ",")
    let certificate = Self.makeCertificate(
      name, serial: serial, validity: validity, key: key,
      extensions: ["CA:FALSE": NID_basic_constraints, names: NID_subject_alt_name])
    defer { X509_free(certificate) }
    Self.sign(certificate, issuer: subject, with: self.key)
    return Issued(
      certificate: Self.pem { PEM_write_bio_X509($0, certificate) },
      key: Self.pem { PEM_write_bio_PKCS8PrivateKey($0, key, nil, nil, 0, nil, nil) })
  }

  static func makeKey(_ kind: Kind) -> OpaquePointer {
    var key: OpaquePointer?
    let context: OpaquePointer?
    switch kind {
    case .p256:
      context = EVP_PKEY_CTX_new_id(EVP_PKEY_EC, nil)
      EVP_PKEY_keygen_init(context)
      EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context, NID_X9_62_prime256v1)
    case .rsa(let bits):
      context = EVP_PKEY_CTX_new_id(EVP_PKEY_RSA, nil)
      EVP_PKEY_keygen_init(context)
      EVP_PKEY_CTX_set_rsa_keygen_bits(context, bits)
    }
    defer { EVP_PKEY_CTX_free(context) }
    guard EVP_PKEY_keygen(context, &key) == 1, let key else { fatalError("libcrypto makes no key") }
    return key
  }

  private static func makeCertificate(
    _ name: String, serial: Int, validity: ClosedRange<Int>, key: OpaquePointer,
    extensions: KeyValuePairs<String, Int32>
  ) -> OpaquePointer {
    guard let certificate = X509_new() else { fatalError("libcrypto makes no certificate") }
    X509_set_version(certificate, 2)
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial)
    X509_gmtime_adj(X509_getm_notBefore(certificate), validity.lowerBound)
    X509_gmtime_adj(X509_getm_notAfter(certificate), validity.upperBound)
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC, name, -1, -1, 0)
    X509_set_pubkey(certificate, key)
    for (value, nid) in extensions {
      guard let made = X509V3_EXT_conf_nid(nil, nil, nid, value) else { fatalError("\(value) is no extension") }
      X509_add_ext(certificate, made, -1)
      X509_EXTENSION_free(made)
    }
    return certificate
  }

  private static func sign(_ certificate: OpaquePointer, issuer: OpaquePointer, with key: OpaquePointer) {
    X509_set_issuer_name(certificate, X509_get_subject_name(issuer))
    precondition(X509_sign(certificate, key, EVP_sha256()) > 0)
  }

  static func pem(_ write: (OpaquePointer) -> Int32) -> String {
    guard let sink = BIO_new(BIO_s_mem()) else { fatalError("libcrypto has no memory") }
    defer { BIO_free(sink) }
    precondition(write(sink) == 1)
    var bytes = [UInt8](repeating: 0, count: 16_384)
    let count = BIO_read(sink, &bytes, Int32(bytes.count))
    return String(decoding: bytes.prefix(Int(max(0, count))), as: UTF8.self)
  }
}
