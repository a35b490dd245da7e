/// What the simulated world waits for, earliest first; ties by their numbers. Nothing is deleted: an event whose contact
/// has moved on is recognised by its number when it comes up.
///
/// Most events lead to another one. So `pop` leaves a hole at the top, which the next `push` fills in one descent; only
/// when the next event is asked for first is the last entry moved up.
struct EventHeap: ~Copyable {
  struct Entry: BitwiseCopyable {
    /// Microseconds, not negative.
    var time: Int64
    /// The number of the event, then what it is: kind and subject.
    var word: UInt64

    @inline(__always)
    init(time: Int64, number: UInt32, event: WorldEvent) {
      self.time = time
      word = UInt64(number) << 32 | UInt64(event.kind.rawValue) << 28 | UInt64(event.subject)
    }

    /// Later than every event.
    static let never = Entry(time: .max, number: .max, event: WorldEvent(.closes, 0))

    @inline(__always) var number: UInt32 { UInt32(truncatingIfNeeded: word >> 32) }
    @inline(__always) var event: WorldEvent {
      // Written by `init` only; asking whether the number is one of the kinds would cost as much as the push.
      WorldEvent(
        unsafeBitCast(UInt8(truncatingIfNeeded: word >> 28 & 0xf), to: WorldEvent.Kind.self),
        UInt32(truncatingIfNeeded: word & 0xfff_ffff))
    }

    /// One comparison without a branch, since no processor can guess it.
    @inline(__always)
    func isBefore(_ other: Entry) -> Bool { key < other.key }
    @inline(__always)
    private var key: UInt128 { UInt128(UInt64(bitPattern: time)) << 64 | UInt128(word) }
  }

  private var entries = Rows<Entry>(capacity: 256)
  private var hasHole = false

  /// The first event; `never` when there is none.
  @inline(__always)
  mutating func first() -> Entry {
    if hasHole { close() }
    return entries.count == 0 ? .never : entries.unchecked[0]
  }

  mutating func push(_ entry: Entry) {
    if hasHole {
      hasHole = false
      return sink(entry)
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

  /// Takes the first event.
  /// - Precondition: there is one, as `first` has said.
  @inline(__always)
  mutating func pop() { hasHole = true }

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
      let first = 4 &* parent &+ 1
      var best = first
      if first &+ 3 < count {
        let left = heap[first &+ 1].isBefore(heap[first]) ? first &+ 1 : first
        let right = heap[first &+ 3].isBefore(heap[first &+ 2]) ? first &+ 3 : first &+ 2
        best = heap[right].isBefore(heap[left]) ? right : left
      } else {
        guard first < count else { break }
        for child in first &+ 1..<count where heap[child].isBefore(heap[best]) { best = child }
      }
      guard heap[best].isBefore(entry) else { break }
      heap[parent] = heap[best]
      parent = best
    }
    heap[parent] = entry
  }
}

/// An event of the world outside the engine: what happens, and to which caller type, contact (by slot) or agent.
struct WorldEvent: BitwiseCopyable {
  enum Kind: UInt8 {
    /// Of a caller type.
    case arrival
    // Of a contact.
    case patienceEnds
    case handled
    /// The agent accepts the contact's latest offer.
    case answers
    /// A person who abandoned tries again, in the row that was kept.
    case redial
    // Of a place in the plan's shifts.
    case shiftBegins, shiftEnds, breakBegins, breakEnds
    /// An agent whom the engine made not ready for missing offers is back.
    case comesBack
    /// Whoever waits is sent away.
    case closes
  }
  var kind: Kind
  /// Below 2^28.
  var subject: UInt32

  @inline(__always)
  init(_ kind: Kind, _ subject: UInt32) {
    self.kind = kind
    self.subject = subject
  }
}
