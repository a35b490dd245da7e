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
}
