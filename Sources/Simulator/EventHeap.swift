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

  /// Four children to an entry. Places behind the last one hold `never`, so that no child need be asked whether it is
  /// there.
  private var entries: UnsafeMutablePointer<Entry>
  private var capacity = 256
  private var count = 0
  private var hasHole = false

  init() {
    entries = .allocate(capacity: capacity)
    entries.initialize(repeating: .never, count: capacity)
  }

  deinit { entries.deallocate() }

  /// The first event; `never` when there is none.
  @inline(__always)
  mutating func first() -> Entry {
    if hasHole { close() }
    return entries[0]
  }

  @inline(__always)
  mutating func push(_ entry: Entry) {
    if hasHole {
      hasHole = false
      sink(entry)
    } else {
      append(entry)
    }
  }

  /// Takes the first event.
  /// - Precondition: there is one, as `first` has said.
  @inline(__always)
  mutating func pop() { hasHole = true }

  private mutating func append(_ entry: Entry) {
    // With room for a neighbour.
    if count &+ 1 >= capacity { grow() }
    count &+= 1
    rise(entry, from: count &- 1)
  }

  private mutating func close() {
    hasHole = false
    count &-= 1
    let last = entries[count]
    entries[count] = .never
    if count > 0 { sink(last) }
  }

  /// Fills the hole at the top: the earlier children move up to the bottom, where most entries belong, and there the
  /// entry rises to its place.
  private mutating func sink(_ entry: Entry) {
    var hole = 0
    var child = 1
    while child < count {
      child &+= entries[child &+ 1].isBefore(entries[child]) ? 1 : 0
      entries[hole] = entries[child]
      hole = child
      child = 2 &* child &+ 1
    }
    rise(entry, from: hole)
  }

  @inline(__always)
  private func rise(_ entry: Entry, from place: Int) {
    var child = place
    while child > 0 {
      let parent = (child &- 1) >> 1
      guard entry.isBefore(entries[parent]) else { break }
      entries[child] = entries[parent]
      child = parent
    }
    entries[child] = entry
  }

  private mutating func grow() {
    let larger = UnsafeMutablePointer<Entry>.allocate(capacity: capacity * 2)
    larger.moveInitialize(from: entries, count: count)
    (larger + count).initialize(repeating: .never, count: capacity * 2 - count)
    entries.deallocate()
    entries = larger
    capacity *= 2
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
