/// The injected source of unpredictable bits: tags, branches, nonces and public ids.
///
/// A value, so that a test or a simulated world repeats it from a seed; a server seeds it from the system once at
/// start. The generator is ChaCha20 in counter mode keyed by the seed, so outputs cannot be predicted from each other.
public struct Entropy: Sendable {
  private var key: (UInt64, UInt64, UInt64, UInt64)
  private var counter: UInt64 = 0
  private var block: [UInt32] = []

  /// - Parameter seed: four words; 256 bits from the system in a server.
  public init(seed: (UInt64, UInt64, UInt64, UInt64)) { key = seed }

  /// A repeatable source for tests and simulated worlds.
  public init(testing seed: UInt64) { key = (seed, 0x5377_6974_6368, 0x626f_6172_64, ~seed) }

  public mutating func next() -> UInt64 {
    if block.count < 2 { refill() }
    let low = UInt64(block.removeLast())
    return UInt64(block.removeLast()) << 32 | low
  }

  private mutating func refill() {
    func low(_ word: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: word) }
    func high(_ word: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: word >> 32) }
    let initial: [UInt32] = [
      0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574,
      low(key.0), high(key.0), low(key.1), high(key.1), low(key.2), high(key.2), low(key.3), high(key.3),
      low(counter), high(counter), 0, 0,
    ]
    counter &+= 1
    var state = initial
    func quarter(_ a: Int, _ b: Int, _ c: Int, _ d: Int) {
      state[a] &+= state[b]; state[d] = rotate(state[d] ^ state[a], 16)
      state[c] &+= state[d]; state[b] = rotate(state[b] ^ state[c], 12)
      state[a] &+= state[b]; state[d] = rotate(state[d] ^ state[a], 8)
      state[c] &+= state[d]; state[b] = rotate(state[b] ^ state[c], 7)
    }
    func rotate(_ word: UInt32, _ n: UInt32) -> UInt32 { word << n | word >> (32 - n) }
    for _ in 0..<10 {
      quarter(0, 4, 8, 12); quarter(1, 5, 9, 13); quarter(2, 6, 10, 14); quarter(3, 7, 11, 15)
      quarter(0, 5, 10, 15); quarter(1, 6, 11, 12); quarter(2, 7, 8, 13); quarter(3, 4, 9, 14)
    }
    for i in 0..<16 { state[i] &+= initial[i] }
    block = state
  }
}
