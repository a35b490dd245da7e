/// Deadlines in order, with true deletion: a long timer that is cancelled leaves nothing behind.
///
/// One timer per key. Timers of one instant fire in the order they were set. A key is hashed once per `set`, `cancel`
/// and `popDue`, never while the heap moves entries; where keys are small integers already, use `DenseTimerHeap`.
@frozen
public struct TimerHeap<Key: Hashable> {
  @usableFromInline internal var heap = DenseTimerHeap()
  @usableFromInline internal var slots = Index<Key, UInt32>()
  @usableFromInline internal var keys: [Key?] = []
  @usableFromInline internal var free: [UInt32] = []
  @usableFromInline internal var nextSequence: UInt64 = 0

  @inlinable public init() {}
  @inlinable public var count: Int { heap.count }
  @inlinable public var isEmpty: Bool { heap.isEmpty }
  @inlinable public var nextDeadline: Instant? { heap.nextDeadline }

  /// Sets or moves the timer of `key`.
  @inlinable public mutating func set(_ key: Key, at deadline: Instant) {
    nextSequence &+= 1
    if let slot = slots[key] {
      heap.set(slot, at: deadline, sequence: nextSequence)
      return
    }
    let slot: UInt32
    if let reused = free.popLast() {
      slot = reused
      keys[Int(slot)] = key
    } else {
      slot = UInt32(keys.count)
      keys.append(key)
    }
    slots[key] = slot
    heap.set(slot, at: deadline, sequence: nextSequence)
  }

  @discardableResult
  @inlinable public mutating func cancel(_ key: Key) -> Bool {
    guard let slot = slots.remove(key) else { return false }
    heap.cancel(slot)
    keys[Int(slot)] = nil
    free.append(slot)
    return true
  }

  @inlinable public func deadline(of key: Key) -> Instant? {
    guard let slot = slots[key] else { return nil }
    return heap.deadline(of: slot)
  }

  /// Takes the first timer if it is due.
  @inlinable public mutating func popDue(at now: Instant) -> (key: Key, deadline: Instant)? {
    guard let due = heap.popDue(at: now), let key = keys[Int(due.slot)].take() else { return nil }
    slots.remove(key)
    free.append(due.slot)
    return (key, due.deadline)
  }
}
extension TimerHeap: Sendable where Key: Sendable {}
