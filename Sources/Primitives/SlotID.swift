/// The key of an entry in a table that reuses its slots: a slot, and the generation that tells its tenants apart.
///
/// Each table has its own id type that conforms, so that ids of different tables never mix.
public protocol SlotID: Hashable, Sendable {
  var slot: UInt32 { get }
  var generation: UInt32 { get }
  init(slot: UInt32, generation: UInt32)
}

extension SlotID {
  /// As one word.
  @inlinable public func hash(into hasher: inout Hasher) {
    hasher.combine(UInt64(slot) << 32 | UInt64(generation))
  }

  /// The standard library's hash guards against keys that somebody chose, and costs more than the look-up itself. Nobody
  /// chooses a slot, so one multiplication spreads it well enough. Should this requirement of `Hashable`, which the
  /// library underscores, ever go, `hash(into:)` takes its place.
  @inlinable public func _rawHashValue(seed: Int) -> Int { rawHash(kind: 0, seed: seed) }

  /// Of a key that is an id and what it is the key of.
  @inlinable @inline(__always)
  public func rawHash(kind: UInt64, seed: Int) -> Int {
    let word = UInt64(slot) << 4 ^ UInt64(generation) << 36 ^ kind
    let spread = (word ^ UInt64(bitPattern: Int64(seed))) &* 0x9e37_79b9_7f4a_7c15
    return Int(truncatingIfNeeded: spread ^ spread >> 32)
  }
}
