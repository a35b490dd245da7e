import Digest
import Testing

private func text(_ bytes: [UInt8]) -> String { String(decoding: hexadecimal(bytes), as: UTF8.self) }

@Suite("Hash functions")
struct DigestTests {
  @Test(
    "The published digests of an empty string and of \"abc\" come out (RFC 1321, FIPS 180-4)",
    arguments: [
      (HashFunction.md5, "", "d41d8cd98f00b204e9800998ecf8427e"),
      (.md5, "abc", "900150983cd24fb0d6963f7d28e17f72"),
      (.sha1, "", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
      (.sha1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
      (.sha256, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      (.sha256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      (.sha512t256, "", "c672b8d1ef56ed28ab87c3622c5114069bdd3ad7b8f9737498d0c01ecef0967a"),
      (.sha512t256, "abc", "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23"),
    ])
  func digests(function: HashFunction, message: String, expected: String) {
    #expect(text(function.hash(Array(message.utf8))) == expected)
  }

  @Test("HMAC gives the codes of RFC 2202 and RFC 4231, with short keys and with keys longer than a block")
  func authenticationCodes() {
    let greeting = Array("Hi There".utf8)
    #expect(
      text(HashFunction.sha1.authenticationCode(of: greeting, key: Array(repeating: 0x0b, count: 20)))
        == "b617318655057264e28bc0b6fb378c8ef146be00")
    #expect(
      text(HashFunction.sha256.authenticationCode(of: greeting, key: Array(repeating: 0x0b, count: 20)))
        == "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7")
    #expect(
      text(
        HashFunction.sha256.authenticationCode(of: Array("what do ya want for nothing?".utf8), key: Array("Jefe".utf8)))
        == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    #expect(
      text(
        HashFunction.sha256.authenticationCode(
          of: Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
          key: Array(repeating: 0xaa, count: 131)))
        == "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")
    #expect(
      text(HashFunction.sha256.authenticationCode(of: [], key: []))
        == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad")
  }

  @Test("Secrets are equal only when every byte and the length agree")
  func comparison() {
    #expect(equalInConstantTime([1, 2, 3], [1, 2, 3]))
    #expect(equalInConstantTime([], []))
    #expect(!equalInConstantTime([1, 2, 3], [1, 2, 4]))
    #expect(!equalInConstantTime([1, 2, 3], [1, 2]))
  }

  @Test("Random bytes come in the wanted number, and never the same twice")
  func random() {
    #expect(randomBytes(0).isEmpty)
    #expect(randomBytes(33).count == 33)
    #expect(randomBytes(16) != randomBytes(16))
    #expect(randomSeed() != randomSeed())
  }
}
