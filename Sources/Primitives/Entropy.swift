/// The injected source of unpredictable bits: tags, branches, nonces and public ids.
///
/// A value, so that a test or a simulated world repeats it from a seed; a server seeds it from the system once at
/// start. The generator is ChaCha20 in counter mode keyed by the seed, so outputs cannot be predicted from each other.
public struct Entropy: Sendable {
  private var key: (UInt64, UInt64, UInt64, UInt64)
  private var counter: UInt64 = 0
  private var block = InlineArray<16, UInt32>(repeating: 0)
  /// Words of the block that were not handed out; the last one goes first.
  private var left = 0

  /// - Parameter seed: four words; 256 bits from the system in a server.
  public init(seed: (UInt64, UInt64, UInt64, UInt64)) { key = seed }

  /// A repeatable source for tests and simulated worlds.
  public init(testing seed: UInt64) { key = (seed, 0x5377_6974_6368, 0x626f_6172_64, ~seed) }

  public mutating func next() -> UInt64 {
    if left < 2 { refill() }
    left -= 2
    return UInt64(block[left]) << 32 | UInt64(block[left + 1])
  }

  /// The block function of RFC 8439 section 2.3, a row of its matrix in each vector.
  private mutating func refill() {
    func row(_ low: UInt64, _ high: UInt64) -> SIMD4<UInt32> {
      SIMD4(
        UInt32(truncatingIfNeeded: low), UInt32(truncatingIfNeeded: low >> 32), UInt32(truncatingIfNeeded: high),
        UInt32(truncatingIfNeeded: high >> 32))
    }
    let initial = (
      SIMD4<UInt32>(0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574), row(key.0, key.1), row(key.2, key.3),
      row(counter, 0)
    )
    counter &+= 1
    var (a, b, c, d) = initial
    func rotate(_ row: SIMD4<UInt32>, _ n: UInt32) -> SIMD4<UInt32> { row &<< n | row &>> (32 - n) }
    func quarters() {
      a &+= b; d = rotate(d ^ a, 16)
      c &+= d; b = rotate(b ^ c, 12)
      a &+= b; d = rotate(d ^ a, 8)
      c &+= d; b = rotate(b ^ c, 7)
    }
    for _ in 0..<10 {
      quarters()
      // Turned so that the columns are the diagonals.
      b = SIMD4(b[1], b[2], b[3], b[0]); c = SIMD4(c[2], c[3], c[0], c[1]); d = SIMD4(d[3], d[0], d[1], d[2])
      quarters()
      b = SIMD4(b[3], b[0], b[1], b[2]); c = SIMD4(c[2], c[3], c[0], c[1]); d = SIMD4(d[1], d[2], d[3], d[0])
    }
    for (place, row) in [a &+ initial.0, b &+ initial.1, c &+ initial.2, d &+ initial.3].enumerated() {
      for i in 0..<4 { block[4 * place + i] = row[i] }
    }
    left = 16
  }
}
