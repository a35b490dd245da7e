/// Deadlines in order, with true deletion: a long timer that is cancelled leaves nothing behind.
///
/// One timer per key. Timers of one instant fire in the order they were set. A key is hashed once per `set`, `cancel`
/// and `popDue`, never while the heap moves entries; where keys are small integers already, use `DenseTimerHeap`.
@frozen
public struct TimerHeap<Key: Hashable> {
  /// Owns the heap; copies share it until one of them changes.
  @usableFromInline internal final class Owner: @unchecked Sendable {
    @usableFromInline let heap: UnsafeMutablePointer<DenseTimerHeap>
    @usableFromInline init(_ heap: consuming DenseTimerHeap) {
      self.heap = .allocate(capacity: 1)
      self.heap.initialize(to: heap)
    }
    deinit {
      heap.deinitialize(count: 1)
      heap.deallocate()
    }
  }

  @usableFromInline internal var owner = Owner(DenseTimerHeap())
  @usableFromInline internal var slots = Index<Key, UInt32>()
  @usableFromInline internal var keys: [Key?] = []
  @usableFromInline internal var free: [UInt32] = []
  @usableFromInline internal var nextSequence: UInt64 = 0

  public init() {}
  @inlinable public var count: Int { owner.heap.pointee.count }
  @inlinable public var isEmpty: Bool { owner.heap.pointee.isEmpty }
  @inlinable public var nextDeadline: Instant? { owner.heap.pointee.nextDeadline }

  @inlinable internal mutating func own() -> UnsafeMutablePointer<DenseTimerHeap> {
    if !isKnownUniquelyReferenced(&owner) { owner = Owner(DenseTimerHeap(copying: owner.heap.pointee)) }
    return owner.heap
  }

  /// Sets or moves the timer of `key`.
  @inlinable public mutating func set(_ key: Key, at deadline: Instant) {
    nextSequence &+= 1
    let heap = own()
    if let slot = slots[key] {
      heap.pointee.set(slot, at: deadline, sequence: nextSequence)
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
    heap.pointee.set(slot, at: deadline, sequence: nextSequence)
  }

  @discardableResult
  @inlinable public mutating func cancel(_ key: Key) -> Bool {
    guard !slots.isEmpty, let slot = slots.remove(key) else { return false }
    own().pointee.cancel(slot)
    keys[Int(slot)] = nil
    free.append(slot)
    return true
  }

  @inlinable public func deadline(of key: Key) -> Instant? {
    guard let slot = slots[key] else { return nil }
    return owner.heap.pointee.deadline(of: slot)
  }

  /// Takes the first timer if it is due.
  @inlinable public mutating func popDue(at now: Instant) -> (key: Key, deadline: Instant)? {
    guard owner.heap.pointee.mayBeDue(at: now), let due = own().pointee.popDue(at: now),
      let key = keys[Int(due.slot)].take()
    else { return nil }
    slots.remove(key)
    free.append(due.slot)
    return (key, due.deadline)
  }
}
extension TimerHeap: Sendable where Key: Sendable {}
