import COpenSSL

/// Why a PEM file is not what it should be, for people: "holds no certificate".
public struct PEMError: Error, Equatable, CustomStringConvertible {
  public var description: String
  public init(_ description: String) { self.description = description }
}

/// The first certificate of a PEM chain, as far as whoever configures a listener must know it.
public struct Certificate: Sendable {
  /// Seconds since 1970.
  public let notBefore: Int64
  public let notAfter: Int64
  public let key: PublicKey

  public init(pem: [UInt8]) throws(PEMError) {
    let certificate = reading(pem) { PEM_read_bio_X509($0, nil, refusePassword, nil) }
    guard let certificate else { throw PEMError("holds no certificate in PEM") }
    defer { X509_free(certificate) }
    guard let notBefore = seconds(X509_get0_notBefore(certificate)),
      let notAfter = seconds(X509_get0_notAfter(certificate)), let key = X509_get_pubkey(certificate)
    else { throw PEMError("holds a certificate without a validity or a key") }
    self.notBefore = notBefore
    self.notAfter = notAfter
    self.key = PublicKey(owning: key)
  }

  /// Whether a PEM private key is that of the certificate.
  /// - Throws: where it is no private key, or one behind a password, which nobody could type.
  public func belongs(toKey pem: [UInt8]) throws(PEMError) -> Bool {
    let found = reading(pem) { PEM_read_bio_PrivateKey($0, nil, refusePassword, nil) }
    guard let found else { throw PEMError("holds no private key in PEM without a password") }
    defer { EVP_PKEY_free(found) }
    return EVP_PKEY_eq(key.pointer, found) == 1
  }
}

/// A public key in libcrypto's hands.
public final class PublicKey: Sendable {
  /// Shared between threads for reading only, which libcrypto allows.
  nonisolated(unsafe) let pointer: OpaquePointer

  init(owning pointer: OpaquePointer) { self.pointer = pointer }
  deinit { EVP_PKEY_free(pointer) }
}

/// Reads an object of libcrypto out of PEM text. What libcrypto says about failures is dropped, since it would be taken
/// for that of the next call on this thread.
func reading(_ pem: [UInt8], _ read: (OpaquePointer) -> OpaquePointer?) -> OpaquePointer? {
  guard let source = BIO_new_mem_buf(pem, Int32(clamping: pem.count)) else { return nil }
  defer {
    BIO_free(source)
    ERR_clear_error()
  }
  return read(source)
}

/// Without it libcrypto asks for the password of a key on the terminal.
func refusePassword(
  _: UnsafeMutablePointer<CChar>?, _: Int32, _: Int32, _: UnsafeMutableRawPointer?
) -> Int32 { -1 }

private func seconds(_ time: UnsafePointer<ASN1_TIME>?) -> Int64? {
  guard let epoch = ASN1_TIME_set(nil, 0) else { return nil }
  defer { ASN1_TIME_free(epoch) }
  var (days, rest): (Int32, Int32) = (0, 0)
  guard let time, ASN1_TIME_diff(&days, &rest, epoch, time) == 1 else { return nil }
  return Int64(days) * 86_400 + Int64(rest)
}
