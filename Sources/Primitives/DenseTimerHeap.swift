/// Deadlines of small integer slots, in the order `(deadline, sequence)`, with true deletion and without hashing.
///
/// The caller gives the sequence, so that an engine whose timers are set by journaled events fires them in the order
/// of those events, after a restart too. Memory is four bytes for each slot up to the greatest one used.
///
/// Most timers are moved or cancelled soon after they were set. So a new one stands in a short tail behind the heap, in
/// no order, where that costs next to nothing; the tail joins the heap when it is full or when one of it may be due.
@frozen
public struct DenseTimerHeap: ~Copyable, @unchecked Sendable {
  // Unchecked because of the memory, which nobody else has.
  @frozen @usableFromInline internal struct Entry: BitwiseCopyable {
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

  /// A heap of four children per entry up to `ordered`, then the tail.
  @usableFromInline internal var heap: UnsafeMutablePointer<Entry>
  /// Where a slot's entry stands in `heap`; -1 where it has none.
  @usableFromInline internal var places: UnsafeMutablePointer<Int32>
  @usableFromInline internal var capacity: Int
  @usableFromInline internal var slots: Int
  @usableFromInline internal var all = 0
  @usableFromInline internal var ordered = 0
  /// No deadline in the tail is earlier; one that was moved or cancelled may have left it too early.
  @usableFromInline internal var tailBound = Int64.max

  @usableFromInline internal static let tailLimit = 8

  public init() { self.init(capacity: 16, slots: 16) }

  private init(capacity: Int, slots: Int) {
    self.capacity = capacity
    self.slots = slots
    heap = .allocate(capacity: capacity)
    places = .allocate(capacity: slots)
    places.initialize(repeating: -1, count: slots)
  }

  public init(copying other: borrowing DenseTimerHeap) {
    self.init(capacity: other.capacity, slots: other.slots)
    heap.update(from: other.heap, count: other.all)
    places.update(from: other.places, count: slots)
    (all, ordered, tailBound) = (other.all, other.ordered, other.tailBound)
  }

  deinit {
    heap.deallocate()
    places.deallocate()
  }

  @inlinable public var count: Int { all }
  @inlinable public var isEmpty: Bool { all == 0 }

  @inlinable public var nextDeadline: Instant? {
    if all == 0 { return nil }
    var first = ordered > 0 ? heap[0].deadline : .max
    if tailBound < first {
      for place in ordered..<all { first = min(first, heap[place].deadline) }
    }
    return Instant(microseconds: first)
  }

  @inlinable public func deadline(of slot: UInt32) -> Instant? {
    guard Int(slot) < slots, places[Int(slot)] >= 0 else { return nil }
    return Instant(microseconds: heap[Int(places[Int(slot)])].deadline)
  }

  /// Sets or moves the timer of `slot`.
  @inlinable @inline(__always)
  public mutating func set(_ slot: UInt32, at deadline: Instant, sequence: UInt64) {
    let entry = Entry(deadline: deadline.microseconds, sequence: sequence, slot: slot)
    guard Int(slot) < slots else { return setSlowly(entry) }
    var place = Int(places[Int(slot)])
    if place < 0 {
      if all &- ordered >= Self.tailLimit || all >= capacity { return setSlowly(entry) }
      place = all
      places[Int(slot)] = Int32(truncatingIfNeeded: place)
      all &+= 1
    } else if place < ordered {
      return setSlowly(entry)
    }
    heap[place] = entry
    tailBound = min(tailBound, entry.deadline)
  }

  @discardableResult
  @inlinable @inline(__always)
  public mutating func cancel(_ slot: UInt32) -> Bool {
    guard Int(slot) < slots, places[Int(slot)] >= 0 else { return false }
    let place = Int(places[Int(slot)])
    if place < ordered { removeOrdered(at: place) } else { removeFromTail(at: place) }
    return true
  }

  /// No timer is due before it: a quick look, without a search of the tail.
  @inlinable public var earliest: Instant {
    Instant(microseconds: ordered > 0 ? min(heap[0].deadline, tailBound) : tailBound)
  }
  /// False where no timer is due: a quick look before `popDue`.
  @inlinable public func mayBeDue(at now: Instant) -> Bool { earliest <= now }

  /// Takes the first timer if it is due.
  public mutating func popDue(at now: Instant) -> (slot: UInt32, deadline: Instant)? {
    if tailBound <= now.microseconds {
      tightenBound()
      if tailBound <= now.microseconds { join() }
    }
    guard ordered > 0, heap[0].deadline <= now.microseconds else { return nil }
    let first = heap[0]
    removeOrdered(at: 0)
    return (first.slot, Instant(microseconds: first.deadline))
  }
}

extension DenseTimerHeap {
  /// Where the tail is full, or the slot's entry stands in the heap, or memory is short.
  @usableFromInline mutating func setSlowly(_ entry: Entry) {
    if Int(entry.slot) >= slots { growPlaces(to: entry.slot) }
    let place = Int(places[Int(entry.slot)])
    if place >= 0, place < ordered { return settle(entry, at: place) }
    if all == ordered + Self.tailLimit { join() }
    if all == capacity { growHeap() }
    set(entry.slot, at: Instant(microseconds: entry.deadline), sequence: entry.sequence)
  }

  @inlinable @inline(__always)
  mutating func removeFromTail(at place: Int) {
    let removed = heap[place]
    all &-= 1
    put(heap[all], at: place)
    places[Int(removed.slot)] = -1
    if all == ordered { tailBound = .max }
  }

  @usableFromInline mutating func removeOrdered(at place: Int) {
    places[Int(heap[place].slot)] = -1
    ordered -= 1
    if place < ordered { settle(heap[ordered], at: place) }
    all -= 1
    if ordered < all { put(heap[all], at: ordered) }
  }

  @usableFromInline mutating func tightenBound() {
    tailBound = .max
    for place in ordered..<all { tailBound = min(tailBound, heap[place].deadline) }
  }

  /// Brings the tail into the heap.
  @usableFromInline mutating func join() {
    while ordered < all {
      ordered += 1
      siftUp(heap[ordered - 1], from: ordered - 1)
    }
    tailBound = .max
  }

  @inlinable func put(_ entry: Entry, at place: Int) {
    heap[place] = entry
    places[Int(entry.slot)] = Int32(truncatingIfNeeded: place)
  }

  /// Puts `entry` where the one at `place` stood, and moves it to where it belongs.
  @usableFromInline func settle(_ entry: Entry, at place: Int) {
    if place > 0, entry.isBefore(heap[(place - 1) >> 2]) {
      siftUp(entry, from: place)
    } else {
      siftDown(entry, from: place)
    }
  }

  @usableFromInline func siftUp(_ entry: Entry, from start: Int) {
    var child = start
    while child > 0 {
      let parent = (child - 1) >> 2
      guard entry.isBefore(heap[parent]) else { break }
      put(heap[parent], at: child)
      child = parent
    }
    put(entry, at: child)
  }

  @usableFromInline func siftDown(_ entry: Entry, from start: Int) {
    var parent = start
    while true {
      let first = 4 * parent + 1
      guard first < ordered else { break }
      var least = first
      var child = first + 1
      while child < min(first + 4, ordered) {
        if heap[child].isBefore(heap[least]) { least = child }
        child += 1
      }
      guard heap[least].isBefore(entry) else { break }
      put(heap[least], at: parent)
      parent = least
    }
    put(entry, at: parent)
  }

  @usableFromInline mutating func growHeap() {
    let larger = UnsafeMutablePointer<Entry>.allocate(capacity: capacity * 2)
    larger.moveInitialize(from: heap, count: all)
    heap.deallocate()
    heap = larger
    capacity *= 2
  }

  @usableFromInline mutating func growPlaces(to slot: UInt32) {
    let number = max(slots * 2, Int(slot) + 1)
    let larger = UnsafeMutablePointer<Int32>.allocate(capacity: number)
    larger.moveInitialize(from: places, count: slots)
    (larger + slots).initialize(repeating: -1, count: number - slots)
    places.deallocate()
    places = larger
    slots = number
  }
}
