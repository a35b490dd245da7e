import Primitives
import Testing

private struct RowID: SlotID {
  let slot: UInt32
  let generation: UInt32
}

@Suite struct TimerHeapTests {
  @Test("Timers pop in the order of their deadlines, then in the order they were set")
  func order() {
    var heap = TimerHeap<String>()
    heap.set("late", at: Instant(microseconds: 9))
    heap.set("first", at: Instant(microseconds: 5))
    heap.set("second", at: Instant(microseconds: 5))
    heap.set("moved", at: Instant(microseconds: 1))
    heap.set("moved", at: Instant(microseconds: 5))
    #expect(heap.popDue(at: Instant(microseconds: 4)) == nil)
    var popped: [String] = []
    while let due = heap.popDue(at: Instant(microseconds: 9)) { popped.append(due.key) }
    #expect(popped == ["first", "second", "moved", "late"])
    #expect(heap.isEmpty && heap.nextDeadline == nil)
  }

  @Test("A cancelled timer leaves nothing behind")
  func cancel() {
    var heap = TimerHeap<Int>()
    for key in 0..<1_000 { heap.set(key, at: Instant(microseconds: Int64(key))) }
    let cancelled = (0..<999).filter { heap.cancel($0) }
    #expect(cancelled.count == 999)
    #expect(heap.cancel(5) == false)
    #expect(heap.count == 1)
    #expect(heap.deadline(of: 5) == nil)
    #expect(heap.nextDeadline == Instant(microseconds: 999))
  }

  @Test("The dense heap does as a sorted list does, whatever is set, moved and cancelled", arguments: 0..<20)
  func model(seed: Int) {
    var entropy = Entropy(testing: UInt64(seed))
    var heap = DenseTimerHeap()
    var list: [(deadline: Int64, sequence: UInt64, slot: UInt32)] = []
    for sequence in 1...3_000 as ClosedRange<UInt64> {
      let slot = UInt32(entropy.next() % 60)
      switch entropy.next() % 4 {
      case 0:
        let cancelled = heap.cancel(slot)
        #expect(cancelled == list.contains { $0.slot == slot })
        list.removeAll { $0.slot == slot }
      case 1:
        let now = Int64(entropy.next() % 50)
        let first = list.min { ($0.deadline, $0.sequence) < ($1.deadline, $1.sequence) }
        let due = heap.popDue(at: Instant(microseconds: now))
        #expect(due?.slot == (first.flatMap { $0.deadline <= now ? $0.slot : nil }))
        if let due { list.removeAll { $0.slot == due.slot } }
      default:
        let deadline = Int64(entropy.next() % 50)
        heap.set(slot, at: Instant(microseconds: deadline), sequence: sequence)
        list.removeAll { $0.slot == slot }
        list.append((deadline, sequence, slot))
      }
      #expect(heap.count == list.count)
      #expect(heap.nextDeadline?.microseconds == list.map(\.deadline).min())
      #expect(heap.deadline(of: slot)?.microseconds == list.first { $0.slot == slot }?.deadline)
    }
  }
}

@Suite struct SlotMapTests {
  @Test("A stale id finds nothing, and its slot is used again under a new generation")
  func stale() {
    var map = SlotMap<RowID, String>()
    let first = map.insert("first")
    let second = map.insert("second")
    #expect(map.remove(first) == "first")
    #expect(map.remove(first) == nil)
    #expect(map[first] == nil)
    let third = map.insert("third")
    #expect(third.slot == first.slot && third != first)
    #expect(map[second] == "second" && map[third] == "third")
    #expect(map.ids == [third, second] && map.count == 2)
  }

  @Test("Ids restored from a journal keep their slots, and free slots stay free")
  func restoring() {
    var map = SlotMap<RowID, Int>()
    map.insert(5, restoring: RowID(slot: 5, generation: 3))
    map.insert(2, restoring: RowID(slot: 2, generation: 1))
    #expect(map[RowID(slot: 5, generation: 3)] == 5)
    let fresh = (0..<4).map { map.insert($0) }
    #expect(Set(fresh.map(\.slot)) == [0, 1, 3, 4])
    let appended = map.insert(9)
    #expect(appended.slot == 6)
    #expect(map.remove(RowID(slot: 2, generation: 1)) == 2)
    #expect(map.insert(10) == RowID(slot: 2, generation: 2))
    let last = map.insert(11)
    #expect(last.slot == 7)
    #expect(map.count == 8)
  }

  @Test("A table that was full and is empty takes its lowest slots first, and old ids find nothing in it")
  func emptied() throws {
    var map = SlotMap<RowID, Int>()
    let old = (0..<500).map { map.insert($0) }
    for id in old { map.remove(id) }
    #expect(map.isEmpty && map.ids.isEmpty && old.allSatisfy { map[$0] == nil && !map.contains($0) })
    let new = (0..<3).map { map.insert($0) }
    #expect(new == (0..<3).map { RowID(slot: $0, generation: 1) })
    map[old[400]] = 7
    #expect(map[old[400]] == nil && map.remove(old[400]) == nil && map.count == 3)

    // One that is restored hands out the same ids, and one with a journaled id reaches as far as that.
    var writer = ByteWriter()
    map.writeFreeSlots(into: &writer)
    var restored = SlotMap<RowID, Int>()
    for id in new { restored.insert(0, restoring: id) }
    var reader = ByteReader(writer.bytes)
    try restored.readFreeSlots(from: &reader)
    let late = RowID(slot: 450, generation: 1)
    for _ in 0..<2 {
      map.insert(9, restoring: late)
      #expect(map[late] == 9 && map.ids == new + [late])
      #expect((3..<10).map { RowID(slot: $0, generation: 1) } == (0..<7).map { map.insert($0) })
      swap(&map, &restored)
    }
  }
}

@Suite struct BytesTests {
  @Test("What the writer wrote the reader reads, and nothing beyond it")
  func roundTrip() throws {
    var writer = ByteWriter()
    writer.write(UInt16(0xBEEF))
    writer.write(Int64(-2))
    writer.write("zażółć")
    writer.write(true)
    writer.write(Instant(microseconds: .max))
    var reader = ByteReader(writer.bytes)
    #expect(try reader.read(UInt16.self) == 0xBEEF)
    #expect(try reader.read(Int64.self) == -2)
    #expect(try reader.readString() == "zażółć")
    #expect(try reader.readBool())
    #expect(try reader.readInstant() == .distantFuture)
    #expect(reader.isAtEnd)
    #expect(throws: ByteReader.Truncated(offset: reader.offset)) { try reader.read(UInt8.self) }
  }

  @Test("An integer that is known only later is written in its place, and nothing beside it changes")
  func rewritten() throws {
    var writer = ByteWriter(capacity: 4)
    writer.write(UInt8(7))
    let place = writer.count
    writer.write(UInt32(0))
    writer.write("behind it")
    writer.rewrite(UInt32(0x0102_0304), at: place)
    var reader = ByteReader(writer.bytes)
    #expect(try reader.read(UInt8.self) == 7)
    #expect(try reader.read(UInt32.self) == 0x0102_0304)
    #expect(try reader.readString() == "behind it" && reader.isAtEnd)
    writer.removeAll()
    #expect(writer.count == 0 && writer.bytes.isEmpty)
  }
}

@Suite struct EntropyTests {
  @Test("A seed repeats its numbers, and another seed gives others")
  func seeds() {
    var first = Entropy(testing: 1)
    var again = Entropy(testing: 1)
    var other = Entropy(testing: 2)
    let numbers = (0..<100).map { _ in first.next() }
    #expect(numbers == (0..<100).map { _ in again.next() })
    #expect(numbers != (0..<100).map { _ in other.next() })
    #expect(Set(numbers).count == 100)
  }
}
