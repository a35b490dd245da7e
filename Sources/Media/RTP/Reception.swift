public import Primitives

/// How much of a stream arrived, and how evenly (RFC 3550 appendix A.1, A.3, A.8).
public struct Reception: Sendable, Equatable {
  public private(set) var received: UInt64 = 0
  /// The source heard last; nil before the first packet.
  public private(set) var source: UInt32?
  private var first: UInt64 = 0
  private var highest: UInt64 = 0
  /// Expected and received of streams before the present source.
  private var expectedBefore: UInt64 = 0
  private var receivedOfStream: UInt64 = 0
  /// Sixteen times the jitter, in timestamp units, and what it is measured from.
  private var jitter16: UInt32 = 0
  private var clockRate: UInt32 = 8_000
  private var previous: (transit: UInt32, timestamp: UInt32)?

  public init() {}

  /// Packets that should have come by the sequence numbers seen.
  public var expected: UInt64 { expectedBefore + (receivedOfStream == 0 ? 0 : highest - first + 1) }
  /// Never negative: repeated packets count as received.
  public var lost: UInt64 { expected > received ? expected - received : 0 }
  /// The highest number with how often numbers began again above it.
  public var highestSequence: UInt32 { UInt32(truncatingIfNeeded: highest &- 0x1_0000) }
  /// In timestamp units.
  public var jitter: UInt32 { jitter16 / 16 }
  /// In microseconds.
  public var jitterTime: Int64 { Int64(jitter16) * 1_000_000 / 16 / Int64(clockRate) }

  public mutating func count(_ header: RTPHeader) {
    received += 1
    let step = Int64(Int16(bitPattern: header.sequence &- UInt16(truncatingIfNeeded: highest)))
    if receivedOfStream == 0 || header.ssrc != source || abs(step) > 3_000 {
      expectedBefore = expected
      source = header.ssrc
      // Room below the first number, so that a packet that comes late needs no negative one.
      first = 0x1_0000 + UInt64(header.sequence)
      highest = first
      receivedOfStream = 1
      previous = nil
      return
    }
    receivedOfStream += 1
    if step > 0 { highest += UInt64(step) }
  }

  /// Measures how evenly sound arrives. Not for telephone-events, whose packets all carry one timestamp.
  public mutating func measure(_ header: RTPHeader, clockRate: UInt32, at now: Instant) {
    if clockRate != self.clockRate {
      self.clockRate = clockRate
      jitter16 = 0
      previous = nil
    }
    let arrival = UInt32(truncatingIfNeeded: now.microseconds * Int64(clockRate) / 1_000_000)
    let transit = arrival &- header.timestamp
    defer { previous = (transit, header.timestamp) }
    guard let previous, previous.timestamp != header.timestamp else { return }
    // A pause in which a source's clock stood still is no jitter.
    let difference = Int32(bitPattern: transit &- previous.transit).magnitude
    guard difference < clockRate else { return }
    jitter16 = jitter16 &+ difference &- (jitter16 &+ 8) >> 4
  }

  public static func == (a: Reception, b: Reception) -> Bool {
    a.received == b.received && a.source == b.source && a.first == b.first && a.highest == b.highest
      && a.expectedBefore == b.expectedBefore && a.receivedOfStream == b.receivedOfStream && a.jitter16 == b.jitter16
  }
}
