/// What one input led to. The caller owns it and empties it between inputs; its storage is reused.
///
/// `sequence` is the journal sequence that the next event takes; the module above counts its own events with the same
/// counter, so there is one total order.
public struct Step: ~Copyable, Sendable {
  public var sequence: UInt64
  public internal(set) var events = StepList<Event>()
  public internal(set) var actions = StepList<Action>()

  public init(sequence: UInt64 = 1) { self.sequence = sequence }

  /// Forgets events and actions, keeps the storage and the sequence.
  public mutating func removeAll() {
    events.removeAll()
    actions.removeAll()
  }
}

/// Events or actions, in their order. It cannot be copied, so no append asks whether somebody else has the storage:
/// that question alone would cost a simulation a twentieth of its time.
@frozen
public struct StepList<Element>: ~Copyable, @unchecked Sendable {
  // Unchecked because of the memory, which nobody else has.
  @usableFromInline internal var base: UnsafeMutablePointer<Element>
  @usableFromInline internal var length = 0
  private var capacity = 64

  init() { base = .allocate(capacity: capacity) }

  deinit { base.deallocate() }

  @inlinable public var count: Int { length }
  @inlinable public var isEmpty: Bool { length == 0 }
  @inlinable public var last: Element? { length == 0 ? nil : base[length - 1] }
  /// A copy of all.
  public var array: [Element] { Array(UnsafeBufferPointer(start: base, count: length)) }

  @inlinable public subscript(index: Int) -> Element {
    precondition(UInt(bitPattern: index) < UInt(bitPattern: length))
    return base[index]
  }

  @inline(__always)
  mutating func append(_ element: Element) {
    if length == capacity { grow() }
    base[length] = element
    length &+= 1
  }

  @inline(never)
  private mutating func grow() {
    let larger = UnsafeMutablePointer<Element>.allocate(capacity: capacity * 2)
    larger.moveInitialize(from: base, count: length)
    base.deallocate()
    base = larger
    capacity *= 2
  }

  // Elements are trivial, so none is deinitialised.
  mutating func removeAll() { length = 0 }
}
