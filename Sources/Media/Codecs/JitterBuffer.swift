public import Primitives

/// Puts received packets back into even time before they are decoded: one is taken every 20 ms, in the order of the
/// timestamps, as late as the jitter of the last seconds asks for and no later.
///
/// Each packet has a transit time: its arrival less its timestamp. The shortest one of the last seconds is the base,
/// and what a packet came later than that its jitter. Playing is behind the base by a target delay, which 97 of 100
/// packets keep. So nothing grows: sound from a faster clock, or held for a jitter that is over, is shortened away by
/// its decoder, and a target that rises is reached by stretching.
public struct JitterBuffer: Sendable {
  /// What became of a packet.
  public enum Arrival: Sendable, Equatable {
    case stored
    case duplicate
    /// Its time to be heard is over.
    case late
    /// The stream began anew: another source, or its numbers jumped.
    case restarted
  }

  /// What is to be heard in the next step.
  public enum Step: Sendable, Equatable {
    /// Nothing yet, or not any more: the stream has not begun, or was silent for long.
    case idle
    /// A packet: its place for `payload`. `isEager`: sound waits longer than it need, and may be shortened.
    case packet(Int, isEager: Bool)
    /// A packet is missing, and the one after it is here, at this place.
    case lost(next: Int)
    /// Nothing is here, and time goes on.
    case missing
    /// Time stands still for this step, so that later packets come in time.
    case stretch
  }

  public static let step: Int64 = .milliseconds(20)
  /// Bounds of the target delay.
  public static let targets: ClosedRange<Int64> = .milliseconds(20) ... .milliseconds(200)

  /// A timestamp this far from where it is expected belongs to a new beginning.
  private static let jump: Int64 = .milliseconds(1_000)
  /// So many late packets in a row, and the stream's time itself must have changed.
  private static let mostLate = 5
  /// Silence after which the stream is over until its next packet.
  private static let patience: Int64 = .milliseconds(600)
  private static let capacity = 32
  /// How long a transit time counts as the shortest: one to two of these.
  private static let window: Int64 = .seconds(3)

  private struct Slot {
    var isUsed = false
    /// Microseconds of the stream at which the packet begins.
    var time: Int64 = 0
    var sequence: UInt16 = 0
    var payload: [UInt8] = []
  }

  private let unitsPerSecond: Int64
  private var slots = Array(repeating: Slot(), count: capacity)
  private var ssrc: UInt32?
  /// The last packet's timestamp and its time in the stream; unwraps the next one's.
  private var last: (timestamp: UInt32, time: Int64) = (0, 0)
  /// The stream's time of the next sound.
  private var position: Int64 = 0
  private var isPlaying = false
  private var lateInRow = 0
  private var silence: Int64 = 0
  /// When time may be stretched or shortened again: both can be heard.
  private var restsUntil = Instant.distantPast

  /// The shortest transit of this window and of the one before.
  private var base: (now: Int64, before: Int64) = (.max, .max)
  private var windowEnds = Instant.distantPast
  private var jitters = Jitters()

  /// - Parameter clockRate: Hz of the stream's timestamps.
  public init(clockRate: UInt32) { unitsPerSecond = Int64(clockRate) }

  /// Microseconds that a packet without jitter waits.
  public var target: Int64 { jitters.target }
  /// Packets that wait.
  public var count: Int { slots.count { $0.isUsed } }

  // MARK: Arrival

  public mutating func insert(
    _ header: RTPHeader, _ payload: UnsafeRawBufferPointer, at now: Instant
  ) -> Arrival {
    let delta = Int64(Int32(bitPattern: header.timestamp &- last.timestamp))
    var time = last.time + delta * 1_000_000 / unitsPerSecond
    var arrival = Arrival.stored
    let transit = now.microseconds - time
    if ssrc != header.ssrc || abs(transit - shortest) > Self.jump {
      time = begin(header, at: now)
      arrival = .restarted
    } else if isPlaying, time < position - Self.step / 2 {
      lateInRow += 1
      if lateInRow < Self.mostLate {
        measure(transit: transit, at: now)
        return .late
      }
      time = begin(header, at: now)
      arrival = .restarted
    }
    lateInRow = 0
    if slots.contains(where: { $0.isUsed && $0.sequence == header.sequence && $0.time == time }) { return .duplicate }
    if arrival == .stored { measure(transit: transit, at: now) }
    // The timestamp is unwrapped from the latest one, so that a packet that comes late does not move it back.
    if time >= last.time { last = (header.timestamp, time) }
    store(header, time, payload)
    return arrival
  }

  private mutating func begin(_ header: RTPHeader, at now: Instant) -> Int64 {
    for place in slots.indices { slots[place].isUsed = false }
    ssrc = header.ssrc
    last = (header.timestamp, 0)
    position = 0
    isPlaying = false
    silence = 0
    base = (now.microseconds, .max)
    windowEnds = now + Self.window
    return 0
  }

  private mutating func measure(transit: Int64, at now: Instant) {
    if now >= windowEnds {
      base = (transit, base.now)
      windowEnds = now + Self.window
    }
    base.now = min(base.now, transit)
    jitters.count(transit - shortest)
  }

  private var shortest: Int64 { min(base.now, base.before) }

  private mutating func store(_ header: RTPHeader, _ time: Int64, _ payload: UnsafeRawBufferPointer) {
    // Where all are used, the oldest gives way.
    let free = slots.firstIndex { !$0.isUsed } ?? earliest ?? 0
    slots[free].isUsed = true
    slots[free].time = time
    slots[free].sequence = header.sequence
    slots[free].payload.removeAll(keepingCapacity: true)
    slots[free].payload.append(contentsOf: payload)
  }

  private var earliest: Int? {
    var found: Int?
    for place in slots.indices where slots[place].isUsed {
      if let best = found, slots[best].time <= slots[place].time { continue }
      found = place
    }
    return found
  }

  // MARK: Playing

  /// What comes next. A packet's place is good until the next call; `advance` tells how much sound it was.
  public mutating func next(at now: Instant) -> Step {
    guard ssrc != nil else { return .idle }
    let lag = now.microseconds - shortest - target - position
    if !isPlaying {
      guard lag >= 0, let first = earliest else { return .idle }
      isPlaying = true
      position = slots[first].time
    }
    if lag < -Self.step / 4, now >= restsUntil {
      restsUntil = now + 3 * Self.step
      return .stretch
    }
    // After a stall there is more than a listener could catch up with.
    if lag > 10 * Self.step { position += lag / Self.step * Self.step }
    while let place = earliest {
      let gap = slots[place].time - position
      if gap < -Self.step / 2 {
        slots[place].isUsed = false
        continue
      }
      if gap < Self.step / 2 {
        slots[place].isUsed = false
        position = slots[place].time
        silence = 0
        let isEager = lag > Self.step * 3 / 2 && (lag > 4 * Self.step || now >= restsUntil)
        if isEager { restsUntil = now + 5 * Self.step }
        return .packet(place, isEager: isEager)
      }
      return gap < Self.step * 3 / 2 ? .lost(next: place) : .missing
    }
    silence += Self.step
    if silence >= Self.patience {
      ssrc = nil
      return .idle
    }
    return .missing
  }

  /// So many microseconds of sound were made of the last step.
  public mutating func advance(_ duration: Int64) { position += duration }

  /// The payload of the last step's packet.
  public func payload(_ place: Int) -> [UInt8] { slots[place].payload }
}

/// How late packets are, in steps of 20 ms: a histogram that forgets, so that it tells of the last seconds.
private struct Jitters: Sendable {
  private static let steps = 10
  /// A packet counts for half after 140 others, some three seconds.
  private static let memory: Float = 0.995
  private static let kept: Float = 0.97

  /// At first, 40 ms are thought enough.
  private var shares: [Float] = [0, 1] + Array(repeating: 0, count: steps - 2)
  private(set) var target: Int64 = 2 * JitterBuffer.step

  mutating func count(_ jitter: Int64) {
    let step = max(0, min(Int(jitter / JitterBuffer.step), Self.steps - 1))
    var (sum, found): (Float, Int?) = (0, nil)
    for place in shares.indices {
      shares[place] = shares[place] * Self.memory + (place == step ? 1 - Self.memory : 0)
      sum += shares[place]
      if found == nil, sum >= Self.kept { found = place }
    }
    target = Int64((found ?? Self.steps - 1) + 1) * JitterBuffer.step
  }
}
