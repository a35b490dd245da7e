/// Deadlines of small integer slots, in the order `(deadline, sequence)`, with true deletion and without hashing.
///
/// The caller gives the sequence, so that an engine whose timers are set by journaled events fires them in the order
/// of those events, after a restart too. Memory is four bytes for each slot up to the greatest one used.
@frozen
public struct DenseTimerHeap: Sendable {
  @frozen @usableFromInline internal struct Entry: Sendable {
    @usableFromInline var deadline: Int64
    @usableFromInline var sequence: UInt64
    @usableFromInline var slot: UInt32
    @inlinable init(deadline: Int64, sequence: UInt64, slot: UInt32) {
      self.deadline = deadline; self.sequence = sequence; self.slot = slot
    }
    @inlinable func isBefore(_ other: Entry) -> Bool {
      deadline != other.deadline ? deadline < other.deadline : sequence < other.sequence
    }
  }
  /// A heap of four children per entry.
  @usableFromInline internal var heap: [Entry] = []
  /// Where a slot's entry stands in `heap`; -1 where it has none.
  @usableFromInline internal var places: [Int32] = []

  @inlinable public init() {}
  @inlinable public var count: Int { heap.count }
  @inlinable public var isEmpty: Bool { heap.isEmpty }
  @inlinable public var nextDeadline: Instant? { heap.first.map { Instant(microseconds: $0.deadline) } }

  /// Sets or moves the timer of `slot`.
  @inlinable public mutating func set(_ slot: UInt32, at deadline: Instant, sequence: UInt64) {
    let entry = Entry(deadline: deadline.microseconds, sequence: sequence, slot: slot)
    if Int(slot) >= places.count { grow(to: slot) }
    let place = Int(places[Int(slot)])
    if place >= 0 {
      settle(entry, at: place)
    } else {
      heap.append(entry)
      siftUp(entry, from: heap.count - 1)
    }
  }

  @discardableResult
  @inlinable public mutating func cancel(_ slot: UInt32) -> Bool {
    guard Int(slot) < places.count, places[Int(slot)] >= 0 else { return false }
    remove(at: Int(places[Int(slot)]))
    return true
  }

  @inlinable public func deadline(of slot: UInt32) -> Instant? {
    guard Int(slot) < places.count, places[Int(slot)] >= 0 else { return nil }
    return Instant(microseconds: heap[Int(places[Int(slot)])].deadline)
  }

  /// Takes the first timer if it is due.
  @inlinable public mutating func popDue(at now: Instant) -> (slot: UInt32, deadline: Instant)? {
    guard let first = heap.first, first.deadline <= now.microseconds else { return nil }
    remove(at: 0)
    return (first.slot, Instant(microseconds: first.deadline))
  }

  @inlinable public mutating func removeAll() {
    for entry in heap { places[Int(entry.slot)] = -1 }
    heap.removeAll(keepingCapacity: true)
  }

  @usableFromInline internal mutating func grow(to slot: UInt32) {
    places.append(contentsOf: repeatElement(-1, count: Int(slot) + 1 - places.count))
  }

  @inlinable internal mutating func remove(at place: Int) {
    places[Int(heap[place].slot)] = -1
    let last = heap.removeLast()
    if place < heap.count { settle(last, at: place) }
  }

  /// Puts `entry` where the one at `place` stood, and moves it to where it belongs.
  @inlinable internal mutating func settle(_ entry: Entry, at place: Int) {
    if place > 0, entry.isBefore(heap[(place - 1) >> 2]) {
      siftUp(entry, from: place)
    } else {
      siftDown(entry, from: place)
    }
  }

  @inlinable internal mutating func siftUp(_ entry: Entry, from start: Int) {
    heap.withUnsafeMutableBufferPointer { heap in
      places.withUnsafeMutableBufferPointer { places in
        var child = start
        while child > 0 {
          let parent = (child - 1) >> 2
          guard entry.isBefore(heap[parent]) else { break }
          heap[child] = heap[parent]
          places[Int(heap[child].slot)] = Int32(truncatingIfNeeded: child)
          child = parent
        }
        heap[child] = entry
        places[Int(entry.slot)] = Int32(truncatingIfNeeded: child)
      }
    }
  }

  @inlinable internal mutating func siftDown(_ entry: Entry, from start: Int) {
    heap.withUnsafeMutableBufferPointer { heap in
      places.withUnsafeMutableBufferPointer { places in
        var parent = start
        while true {
          let first = 4 * parent + 1
          guard first < heap.count else { break }
          var least = first
          var child = first + 1
          while child < min(first + 4, heap.count) {
            if heap[child].isBefore(heap[least]) { least = child }
            child += 1
          }
          guard heap[least].isBefore(entry) else { break }
          heap[parent] = heap[least]
          places[Int(heap[parent].slot)] = Int32(truncatingIfNeeded: parent)
          parent = least
        }
        heap[parent] = entry
        places[Int(entry.slot)] = Int32(truncatingIfNeeded: parent)
      }
    }
  }
}
