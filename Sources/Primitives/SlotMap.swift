/// A table whose entries keep their place: constant-time insert, look-up and removal, and stale ids find nothing.
///
/// Iteration is in slot order, so it is the same on every machine.
@frozen
public struct SlotMap<ID: SlotID, Element> {
  /// The entry of slot n stands at n + 1, if the table reaches so far. The first place is always empty: what a stale id
  /// finds, so that reading and changing an entry in place are one access each.
  @usableFromInline internal var elements: [Element?] = [nil]
  @usableFromInline internal var generations: [UInt32] = []
  /// Whether slot n has an entry. To ask the entry itself would copy the whole of it.
  @usableFromInline internal var taken: [Bool] = []
  /// Empty slots, the last one first; may also hold slots that `insert(_:restoring:)` took meanwhile.
  @usableFromInline internal var free: [UInt32] = []
  @usableFromInline internal var occupied = 0

  @inlinable public init() {}
  @inlinable public var count: Int { occupied }
  @inlinable public var isEmpty: Bool { occupied == 0 }

  /// Where the entry of an id stands, if it has not been removed.
  @inlinable @inline(__always)
  internal func place(_ id: ID) -> Int {
    let place = Int(id.slot) + 1
    return place < elements.count && generations[place - 1] == id.generation ? place : 0
  }

  @inlinable internal mutating func put(_ element: consuming Element, at slot: Int) {
    while elements.count <= slot + 1 { elements.append(nil) }
    elements[slot + 1] = consume element
    taken[slot] = true
    occupied += 1
  }

  @inlinable public mutating func insert(_ element: consuming Element) -> ID {
    let slot = takeSlot()
    put(consume element, at: slot)
    return ID(slot: UInt32(slot), generation: generations[slot])
  }

  /// An empty slot, which is free no more.
  @usableFromInline internal mutating func takeSlot() -> Int {
    while let slot = free.popLast() {
      if !taken[Int(slot)] { return Int(slot) }
    }
    appendSlot()
    return generations.count - 1
  }

  @usableFromInline internal mutating func appendSlot() {
    generations.append(0)
    taken.append(false)
  }

  /// Puts an element under an id that a journal recorded; slots in between become free.
  /// - Precondition: the slot is empty.
  @inlinable public mutating func insert(_ element: Element, restoring id: ID) {
    while generations.count <= Int(id.slot) {
      if generations.count < Int(id.slot) { free.append(UInt32(generations.count)) }
      appendSlot()
    }
    precondition(!taken[Int(id.slot)], "the slot is taken")
    generations[Int(id.slot)] = id.generation
    put(element, at: Int(id.slot))
  }

  @discardableResult
  @inlinable public mutating func remove(_ id: ID) -> Element? {
    guard contains(id) else { return nil }
    let element = elements[Int(id.slot) + 1].take()
    taken[Int(id.slot)] = false
    generations[Int(id.slot)] &+= 1
    free.append(id.slot)
    occupied -= 1
    if occupied == 0, elements.count > 64 { shrink() }
    return element
  }

  /// Nothing is left after there was much: its memory is given back. From now on the lowest slots are taken first, so
  /// that the table reaches no further than it must.
  @usableFromInline internal mutating func shrink() {
    elements = [nil]
    free = (0..<UInt32(generations.count)).reversed()
  }

  @inlinable public func contains(_ id: ID) -> Bool {
    let slot = Int(id.slot)
    return slot < generations.count && generations[slot] == id.generation && taken[slot]
  }

  /// The entry, to be read and changed in place; it leaves by `remove` only.
  @inlinable public subscript(id: ID) -> Element? {
    // Lends the entry through a span: who wants one field of it does not copy the others, as an array's own getter does.
    // Inlined, since a coroutine that is called may take its frame from the heap; what changes an entry is called.
    @inline(__always)
    _read {
      let span = elements.span
      yield span[place(id)]
    }
    _modify {
      let place = contains(id) ? Int(id.slot) + 1 : 0
      defer { if place == 0 { clearFirst() } }
      yield &elements[place]
    }
  }

  /// What is written under a stale id is lost, as what is read there is nil. A function of its own, so that the coroutine
  /// above has no room for an entry in its frame, and so no need of the heap.
  @inline(never) @usableFromInline internal mutating func clearFirst() { elements[0] = nil }

  /// Writes generations and the order of the free slots, so that a restored table hands out the same ids.
  public func writeFreeSlots(into writer: inout ByteWriter) {
    writer.write(UInt32(generations.count))
    for generation in generations { writer.write(generation) }
    // The list may hold slots that were restored meanwhile: each empty slot counts where it stands last.
    var isWritten = taken
    var order: [UInt32] = []
    for slot in free.reversed() where !isWritten[Int(slot)] {
      isWritten[Int(slot)] = true
      order.append(slot)
    }
    for slot in order.reversed() { writer.write(slot) }
  }

  /// Reads what `writeFreeSlots` wrote, after all entries were restored.
  public mutating func readFreeSlots(from reader: inout ByteReader) throws(ByteReader.Truncated) {
    let slots = Int(try reader.read(UInt32.self))
    guard slots >= generations.count, reader.remaining >= slots * 4 else {
      throw ByteReader.Truncated(offset: reader.offset)
    }
    while generations.count < slots { appendSlot() }
    for slot in 0..<slots { generations[slot] = try reader.read() }
    free.removeAll(keepingCapacity: true)
    for _ in 0..<(slots - count) {
      let slot: UInt32 = try reader.read()
      guard slot < slots else { throw ByteReader.Truncated(offset: reader.offset) }
      free.append(slot)
    }
  }

  /// The ids of all entries, in slot order.
  @inlinable public var ids: [ID] {
    generations.indices.compactMap { taken[$0] ? ID(slot: UInt32($0), generation: generations[$0]) : nil }
  }
}
extension SlotMap: Sendable where Element: Sendable {}
