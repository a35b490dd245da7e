/// What the simulated world waits for, earliest first; ties in the order they were set. Nothing is deleted: an event
/// whose contact has moved on is recognised when it comes up.
///
/// Most events lead to another one. So `pop` leaves a hole at the top, which the next `push` fills in one descent; only
/// when the next event is asked for first is the last entry moved up.
struct EventHeap: ~Copyable {
  struct Entry: BitwiseCopyable {
    var time: Int64
    /// Wraps; entries of one instant are never that far apart.
    var sequence: UInt32
    var event: WorldEvent

    /// One comparison without a branch, since no processor can guess it. Times are not negative.
    @inline(__always)
    func isBefore(_ other: Entry) -> Bool { key < other.key }
    @inline(__always)
    private var key: UInt128 { UInt128(UInt64(bitPattern: time)) << 64 | UInt128(sequence) }
  }

  private var entries = Rows<Entry>(capacity: 256)
  private var hasHole = false
  private var nextSequence: UInt32 = 0

  /// The time of the first event; `Int64.max` when there is none.
  @inline(__always)
  mutating func nextTime() -> Int64 {
    if hasHole { close() }
    return entries.count == 0 ? .max : entries[0].time
  }

  mutating func push(_ event: WorldEvent, at time: Int64) {
    nextSequence &+= 1
    let entry = Entry(time: time, sequence: nextSequence, event: event)
    if hasHole {
      hasHole = false
      sink(entry)
      return
    }
    entries.append(entry)
    let heap = entries.unchecked
    var child = entries.count - 1
    while child > 0 {
      let parent = (child - 1) >> 2
      guard entry.isBefore(heap[parent]) else { break }
      heap[child] = heap[parent]
      child = parent
    }
    heap[child] = entry
  }

  /// - Precondition: there is an entry, as `nextTime` has said.
  @inline(__always)
  mutating func pop() -> WorldEvent {
    hasHole = true
    return entries[0].event
  }

  private mutating func close() {
    hasHole = false
    if let last = entries.popLast(), entries.count > 0 { sink(last) }
  }

  /// Puts an entry where it belongs below the hole at the top.
  private func sink(_ entry: Entry) {
    let count = entries.count
    let heap = entries.unchecked
    var parent = 0
    while true {
      let first = 4 * parent + 1
      var best = first
      if first + 3 < count {
        let left = heap[first + 1].isBefore(heap[first]) ? first + 1 : first
        let right = heap[first + 3].isBefore(heap[first + 2]) ? first + 3 : first + 2
        best = heap[right].isBefore(heap[left]) ? right : left
      } else {
        guard first < count else { break }
        for child in first + 1..<count where heap[child].isBefore(heap[best]) { best = child }
      }
      guard heap[best].isBefore(entry) else { break }
      heap[parent] = heap[best]
      parent = best
    }
    heap[parent] = entry
  }
}

/// Events of the world outside the engine.
enum WorldEvent: BitwiseCopyable {
  case arrival(callers: UInt32)
  case patienceEnds(slot: UInt32, generation: UInt32)
  case handled(slot: UInt32, generation: UInt32)
  /// The agent accepts the offer, of whose sequence these are the last 32 bits.
  case answers(slot: UInt32, offer: UInt32)
  /// A person who abandoned tries again, in the row that was kept.
  case redial(slot: UInt32)
  case shiftBegins(agent: UInt32)
  case shiftEnds(agent: UInt32)
  case breakBegins(agent: UInt32)
  case breakEnds(agent: UInt32)
  /// An agent whom the engine made not ready for missing offers is back.
  case comesBack(agent: UInt32)
  /// Whoever waits is sent away.
  case closes
}
