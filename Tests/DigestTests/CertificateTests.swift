import Digest
import TestAuthority
import Testing

@Suite("Certificates")
struct CertificateTests {
  @Test("A certificate tells its validity, and knows its own key from another", arguments: [true, false])
  func ownKey(isRSA: Bool) throws {
    let authority = TestAuthority()
    let kind = isRSA ? TestAuthority.Kind.rsa(bits: 2048) : .p256
    let issued = authority.issue(kind: kind, validity: -60...3_600)
    let other = authority.issue(kind: kind)
    let certificate = try Certificate(pem: Array(issued.certificate.utf8))
    #expect(certificate.notAfter - certificate.notBefore == 3_660)
    #expect(try certificate.belongs(toKey: Array(issued.key.utf8)))
    #expect(try !certificate.belongs(toKey: Array(other.key.utf8)))
  }

  @Test("The first certificate of a chain counts")
  func chain() throws {
    let authority = TestAuthority()
    let issued = authority.issue()
    let certificate = try Certificate(pem: Array((issued.certificate + authority.certificate).utf8))
    #expect(try certificate.belongs(toKey: Array(issued.key.utf8)))
  }

  @Test("What is no PEM, or another kind of it, is told apart from a certificate and a key")
  func nonsense() throws {
    let issued = TestAuthority().issue()
    for text in ["", "nonsense", issued.key, issued.certificate.replacing("M", with: "!")] {
      #expect(throws: PEMError("holds no certificate in PEM")) { try Certificate(pem: Array(text.utf8)) }
    }
    let certificate = try Certificate(pem: Array(issued.certificate.utf8))
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIGj\n-----END ENCRYPTED PRIVATE KEY-----\n"
    for text in ["", issued.certificate, encrypted] {
      #expect(throws: PEMError.self) { try certificate.belongs(toKey: Array(text.utf8)) }
    }
  }
}
