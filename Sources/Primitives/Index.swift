/// A look-up table without iteration: pure modules find by key and never depend on hash order.
@frozen
public struct Index<Key: Hashable, Value> {
  @usableFromInline internal var storage: [Key: Value] = [:]
  @inlinable public init() {}
  @inlinable public var count: Int { storage.count }
  @inlinable public var isEmpty: Bool { storage.isEmpty }
  @inlinable public subscript(key: Key) -> Value? {
    get { storage[key] }
    _modify { yield &storage[key] }
  }
  /// Takes the value of `key` out.
  @discardableResult
  @inlinable public mutating func remove(_ key: Key) -> Value? { storage.removeValue(forKey: key) }
  @inlinable public mutating func removeAll() { storage.removeAll() }
}
extension Index: Sendable where Key: Sendable, Value: Sendable {}
