/// What the simulated world waits for, earliest first; ties in the order they were set. Nothing is deleted: an event
/// whose contact has moved on is recognised when it comes up.
struct EventHeap: Sendable {
  struct Entry: Sendable, BitwiseCopyable {
    var time: Int64
    var sequence: UInt64
    var event: WorldEvent

    @inline(__always)
    func isBefore(_ other: Entry) -> Bool {
      time != other.time ? time < other.time : sequence < other.sequence
    }
  }

  private var entries: ContiguousArray<Entry> = []
  private var nextSequence: UInt64 = 0

  @inline(__always) var nextTime: Int64 { entries.isEmpty ? .max : entries[0].time }

  mutating func push(_ event: WorldEvent, at time: Int64) {
    nextSequence &+= 1
    let entry = Entry(time: time, sequence: nextSequence, event: event)
    entries.append(entry)
    entries.withUnsafeMutableBufferPointer { heap in
      var child = heap.count - 1
      while child > 0 {
        let parent = (child - 1) >> 2
        guard entry.isBefore(heap[parent]) else { break }
        heap[child] = heap[parent]
        child = parent
      }
      heap[child] = entry
    }
  }

  /// - Precondition: there is an entry.
  mutating func pop() -> Entry {
    let first = entries[0]
    let last = entries.removeLast()
    guard !entries.isEmpty else { return first }
    entries.withUnsafeMutableBufferPointer { heap in
      var parent = 0
      let count = heap.count
      while true {
        let start = 4 * parent + 1
        guard start < count else { break }
        var best = start
        var bestTime = heap[start].time
        var child = start + 1
        let end = min(start + 4, count)
        while child < end {
          let time = heap[child].time
          if time < bestTime || time == bestTime && heap[child].sequence < heap[best].sequence {
            best = child
            bestTime = time
          }
          child += 1
        }
        guard heap[best].isBefore(last) else { break }
        heap[parent] = heap[best]
        parent = best
      }
      heap[parent] = last
    }
    return first
  }
}

/// Events of the world outside the engine.
enum WorldEvent: Sendable, BitwiseCopyable {
  case arrival(callers: UInt32)
  case patienceEnds(slot: UInt32, generation: UInt32)
  case handled(slot: UInt32, generation: UInt32)
  case answers(offer: UInt64)
  /// A person who abandoned tries again, in the row that was kept.
  case redial(slot: UInt32)
  case shiftBegins(agent: UInt32)
  case shiftEnds(agent: UInt32)
  case breakBegins(agent: UInt32)
  case breakEnds(agent: UInt32)
  /// An agent whom the engine made not ready for missing offers is back.
  case comesBack(agent: UInt32)
}
