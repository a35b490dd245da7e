import Digest
import TestAuthority
import Testing

@Suite("Keys that verify")
struct VerificationKeyTests {
  private static let secret = [UInt8](repeating: 7, count: 32)

  private static func pairs() throws -> [(TestSigner, VerificationKey)] {
    let (hmac, curve, rsa) = (TestSigner(secret: secret), TestSigner(.p256), TestSigner(.rsa(bits: 2048)))
    return [(hmac, try .hs256(hmac.file)), (curve, try .es256(curve.file)), (rsa, try .rs256(rsa.file))]
  }

  @Test("Each key takes its own signatures, of the message that was signed and no other")
  func signatures() throws {
    let pairs = try Self.pairs()
    for round in 0..<20 {
      let message = Array("message \(round)".utf8)
      for (place, (signer, key)) in pairs.enumerated() {
        let signature = signer.signature(of: message)
        #expect(key.verifies(signature, of: message))
        #expect(!key.verifies(signature, of: message + [0]))
        var broken = signature
        broken[round % broken.count] ^= 1
        #expect(!key.verifies(broken, of: message))
        for other in pairs.indices where other != place {
          #expect(!pairs[other].1.verifies(signature, of: message))
        }
      }
    }
  }

  @Test("Signatures of every length and of nothing but zeros are refused, and leave no trace")
  func lengths() throws {
    let message = Array("message".utf8)
    for (signer, key) in try Self.pairs() {
      for length in 0...300 { #expect(!key.verifies([UInt8](repeating: 0, count: length), of: message)) }
      #expect(!key.verifies(signer.signature(of: message) + [0], of: message))
      #expect(key.verifies(signer.signature(of: message), of: message))
    }
  }

  @Test("A public key is no secret: what HS256 makes of its file is refused by the key itself")
  func confusion() throws {
    let curve = TestSigner(.p256)
    let forger = TestSigner(secret: curve.file)
    let message = Array("message".utf8)
    #expect(try !VerificationKey.es256(curve.file).verifies(forger.signature(of: message), of: message))
  }

  @Test("Files of another kind, keys too small and curves of another kind are refused, with the reason")
  func files() throws {
    let (curve, rsa, small) = (TestSigner(.p256), TestSigner(.rsa(bits: 2048)), TestSigner(.rsa(bits: 1024)))
    let issued = TestAuthority().issue()
    func reason(_ make: ([UInt8]) throws(PEMError) -> VerificationKey, _ file: [UInt8]) -> String? {
      do throws(PEMError) {
        _ = try make(file)
        return nil
      } catch { return error.description }
    }
    #expect(reason(VerificationKey.es256, rsa.file) == "holds no key on the curve P-256, as ES256 needs")
    #expect(reason(VerificationKey.rs256, curve.file) == "holds no RSA key, as RS256 needs")
    #expect(reason(VerificationKey.rs256, small.file) == "holds an RSA key of 1024 bits; RS256 needs 2048 or more")
    #expect(reason(VerificationKey.es256, Array(issued.certificate.utf8)) == nil)
    #expect(reason(VerificationKey.es256, Array(issued.key.utf8))?.hasPrefix("holds a private key") == true)
    #expect(reason(VerificationKey.es256, []) == "holds no public key in PEM")
    #expect(reason(VerificationKey.hs256, [UInt8](repeating: 200, count: 31))?.contains("32 bytes") == true)
    #expect(reason(VerificationKey.hs256, Array(repeating: 0x61, count: 31) + [10])?.contains("32 bytes") == true)
  }

  @Test("The line end of a secret in text does not count, a byte of a binary one does")
  func lineEnds() throws {
    let message = Array("message".utf8)
    let text = [UInt8](repeating: 0x61, count: 32)
    for file in [text, text + [10], text + [13, 10]] {
      #expect(try VerificationKey.hs256(file).verifies(TestSigner(secret: text).signature(of: message), of: message))
    }
    let binary = [UInt8](repeating: 200, count: 32) + [10]
    #expect(try VerificationKey.hs256(binary).verifies(TestSigner(secret: binary).signature(of: message), of: message))
  }
}
