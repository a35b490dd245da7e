/// Deadlines in order, with true deletion: a long timer that is cancelled leaves nothing behind.
///
/// One timer per key; keyed by `(Instant, sequence)`, so timers of one instant fire in the order they were set.
@frozen
public struct TimerHeap<Key: Hashable> {
  @usableFromInline internal struct Entry {
    @usableFromInline var deadline: Instant
    @usableFromInline var sequence: UInt64
    @usableFromInline var key: Key
    @inlinable init(deadline: Instant, sequence: UInt64, key: Key) {
      self.deadline = deadline; self.sequence = sequence; self.key = key
    }
    @inlinable func isBefore(_ other: Entry) -> Bool {
      deadline != other.deadline ? deadline < other.deadline : sequence < other.sequence
    }
  }
  @usableFromInline internal var heap: [Entry] = []
  @usableFromInline internal var places: [Key: Int] = [:]
  @usableFromInline internal var nextSequence: UInt64 = 0

  @inlinable public init() {}
  @inlinable public var count: Int { heap.count }
  @inlinable public var nextDeadline: Instant? { heap.first?.deadline }

  /// Sets or moves the timer of `key`.
  @inlinable public mutating func set(_ key: Key, at deadline: Instant) {
    nextSequence &+= 1
    let entry = Entry(deadline: deadline, sequence: nextSequence, key: key)
    if let place = places[key] {
      heap[place] = entry
      siftUp(place)
      siftDown(places[key] ?? place)
    } else {
      heap.append(entry)
      places[key] = heap.count - 1
      siftUp(heap.count - 1)
    }
  }

  @discardableResult
  @inlinable public mutating func cancel(_ key: Key) -> Bool {
    guard let place = places.removeValue(forKey: key) else { return false }
    remove(at: place)
    return true
  }

  @inlinable public func deadline(of key: Key) -> Instant? { places[key].map { heap[$0].deadline } }

  /// Takes the first timer if it is due.
  @inlinable public mutating func popDue(at now: Instant) -> (key: Key, deadline: Instant)? {
    guard let first = heap.first, first.deadline <= now else { return nil }
    places.removeValue(forKey: first.key)
    remove(at: 0)
    return (first.key, first.deadline)
  }

  @inlinable internal mutating func remove(at place: Int) {
    let last = heap.removeLast()
    guard place < heap.count else { return }
    heap[place] = last
    places[last.key] = place
    siftUp(place)
    siftDown(places[last.key] ?? place)
  }

  @inlinable internal mutating func siftUp(_ start: Int) {
    var child = start
    let entry = heap[child]
    while child > 0 {
      let parent = (child - 1) / 2
      guard entry.isBefore(heap[parent]) else { break }
      heap[child] = heap[parent]
      places[heap[child].key] = child
      child = parent
    }
    heap[child] = entry
    places[entry.key] = child
  }

  @inlinable internal mutating func siftDown(_ start: Int) {
    var parent = start
    let entry = heap[parent]
    while true {
      var child = 2 * parent + 1
      guard child < heap.count else { break }
      if child + 1 < heap.count, heap[child + 1].isBefore(heap[child]) { child += 1 }
      guard heap[child].isBefore(entry) else { break }
      heap[parent] = heap[child]
      places[heap[parent].key] = parent
      parent = child
    }
    heap[parent] = entry
    places[entry.key] = parent
  }
}
extension TimerHeap: Sendable where Key: Sendable {}
extension TimerHeap.Entry: Sendable where Key: Sendable {}
