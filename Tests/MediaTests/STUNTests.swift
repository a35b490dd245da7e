import Media
import Primitives
import Testing

let v4 = NetworkAddress(ipv4: 0xc000_0201, port: 32_853)
let v6 = NetworkAddress(high: 0x2001_0db8_0000_0001, low: 0x0002_0003_0004_0005, port: 50_000)
let transaction = STUNMessage.Transaction(high: 0x0102_0304, low: 0x0506_0708_090a_0b0c)

func parse(_ bytes: [UInt8]) -> STUNMessage? { bytes.withUnsafeBytes { STUNMessage($0) } }

@Suite struct STUNTests {
  private let key = Array("a password".utf8)

  private func request() -> [UInt8] {
    var writer = STUNWriter(.request, transaction)
    writer.username(Array("left:right".utf8))
    writer.priority(0x6e00_01ff)
    writer.role(.controlling(0x1122_3344_5566_7788))
    writer.useCandidate()
    writer.sign(key)
    return writer.finish()
  }

  @Test("What is written is read again, attribute for attribute")
  func roundTrip() throws {
    let bytes = request()
    let message = try #require(parse(bytes))
    #expect(message.kind == .request && message.method == STUNMessage.binding && message.transaction == transaction)
    #expect(message.priority == 0x6e00_01ff && message.usesCandidate && message.hasFingerprint)
    #expect(message.role == .controlling(0x1122_3344_5566_7788))
    let fragment = bytes.withUnsafeBytes { message.receiverFragment(in: $0).map { Array($0) } }
    #expect(fragment == Array("left".utf8))
    #expect(bytes.withUnsafeBytes { message.isAuthentic($0, key: key) })
    #expect(!bytes.withUnsafeBytes { message.isAuthentic($0, key: Array("another".utf8)) })
  }

  @Test("A message is these bytes, whoever computes them")
  func knownBytes() {
    // Computed with another program from the definitions of the RFC: CRC-32 of zlib, HMAC-SHA1 of hashlib.
    var writer = STUNWriter(.success, transaction)
    writer.mappedAddress(v4)
    writer.sign(key)
    #expect(
      writer.finish()
        == hex(
          """
          0101002c2112a4420102030405060708090a0b0c
          002000080001a147e112a643
          000800145a8b5a580aaba6b8410e0fb4f39d67d94034b189
          80280004beb62c98
          """))
  }

  @Test("Mapped addresses of both families come back", arguments: [v4, v6])
  func mappedAddress(_ address: NetworkAddress) {
    var writer = STUNWriter(.success, transaction)
    writer.mappedAddress(address)
    #expect(parse(writer.finish())?.mappedAddress == address)
  }

  @Test("Every kind and error code is told apart", arguments: [400, 401, 420, 487] as [UInt16])
  func errors(_ code: UInt16) {
    var writer = STUNWriter(.error, transaction)
    writer.error(code, "Because")
    writer.unknownAttributes([0x7001, 0x7002])
    let message = parse(writer.finish())
    #expect(message?.kind == .error && message?.errorCode == code)
    var indication = STUNWriter(.indication, transaction)
    #expect(parse(indication.finish())?.kind == .indication)
  }

  @Test("Any changed bit makes it no STUN message, or one without a fingerprint; so does a missing end")
  func changes() {
    let bytes = request()
    for place in bytes.indices {
      for bit in 0..<8 as Range<UInt8> {
        var changed = bytes
        changed[place] ^= 1 << bit
        #expect(parse(changed)?.hasFingerprint != true)
      }
      #expect(parse(Array(bytes[..<place])) == nil)
    }
  }

  @Test("Unknown attributes count if they must be understood; what follows the integrity does not")
  func unknown() throws {
    // Assembled by hand: an optional unknown attribute, a required one, then the integrity, then a forged one.
    var writer = STUNWriter(.request, transaction)
    writer.username(Array("l:r".utf8))
    var bytes = writer.finish().dropLast(8) + [0x80, 0x99, 0, 1, 7, 0, 0, 0, 0x7a, 0xbc, 0, 2, 1, 2, 0, 0]
    bytes += [0, 8, 0, 20] + [UInt8](repeating: 0, count: 20) + [0, 0x25, 0, 0, 0x7a, 0xbd, 0, 0]
    bytes[3] = UInt8(bytes.count - 20)
    let message = try #require(parse(Array(bytes)))
    #expect(message.unknownAttributes == [0x7abc])
    #expect(!message.usesCandidate && message.integrity != nil && !message.hasFingerprint)
  }

  @Test("Arbitrary and damaged bytes are read or refused, never more")
  func fuzz() {
    var draw = Draw(21)
    let seed = request()
    for _ in 0..<40_000 {
      var bytes = draw.below(4) == 0 ? draw.bytes(draw.below(120)) : seed
      for _ in 0..<draw.below(6) where !bytes.isEmpty { bytes[draw.below(bytes.count)] = UInt8(draw.below(256)) }
      // Without the fingerprint, so that damage gets past it.
      if draw.below(2) == 0, bytes.count > 28 {
        bytes.removeLast(8)
        bytes[2] = 0
        bytes[3] = UInt8(truncatingIfNeeded: bytes.count - 20)
      }
      bytes.withUnsafeBytes { bytes in
        guard let message = STUNMessage(bytes) else { return }
        _ = message.receiverFragment(in: bytes)
        #expect(!message.isAuthentic(bytes, key: Array("a password that nobody used".utf8)))
      }
    }
  }
}

func hex(_ text: String) -> [UInt8] {
  let digits = text.compactMap(\.hexDigitValue)
  return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}
