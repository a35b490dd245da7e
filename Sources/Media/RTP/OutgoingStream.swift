public import Primitives

/// One RTP stream towards a far end, whoever feeds it: sequence and timestamp run on without a jump when the source
/// changes from music to an agent and back (RFC 3550 section 5.1; a jump costs a far end's jitter buffer an outage).
public struct OutgoingStream: Sendable {
  public let ssrc: UInt32
  /// Hz of our timestamps: that of the far end's codec.
  public var clockRate: UInt32 = 8_000
  /// What was sent, for sender reports; they wrap around (RFC 3550 section 6.4.1).
  public private(set) var packets: UInt32 = 0
  public private(set) var octets: UInt32 = 0
  private var nextSequence: UInt16
  private var lastTimestamp: UInt32
  private var lastSentAt: Instant?
  private var source = Source.none
  /// The digit that is passed on among packets of our own making: its source's timestamp, and ours.
  private var event: (source: UInt32, theirs: UInt32, ours: UInt32)?

  private enum Source: Sendable, Equatable {
    case none
    case generated
    /// Offsets from a received stream's numbers to ours, and our first number since it took over.
    case relayed(ssrc: UInt32, sequence: UInt16, timestamp: UInt32, first: UInt16, last: UInt16)
  }

  /// - Parameters: unpredictable start values (RFC 3550 section 5.1).
  public init(ssrc: UInt32, sequence: UInt16, timestamp: UInt32) {
    self.ssrc = ssrc; nextSequence = sequence; lastTimestamp = timestamp
  }

  /// The header of a packet that we make ourselves, 20 ms after the one before it.
  public mutating func generated(payloadType: UInt8, at now: Instant) -> RTPHeader {
    let takesOver = source != .generated
    lastTimestamp = takesOver ? resumed(at: now) : lastTimestamp &+ clockRate / 50
    source = .generated
    defer { nextSequence &+= 1 }
    lastSentAt = now
    return RTPHeader(
      payloadType: payloadType, marker: takesOver, sequence: nextSequence, timestamp: lastTimestamp, ssrc: ssrc)
  }

  /// The header of a received packet that goes on to the far end; nil if it is too late: its number belongs to what we
  /// sent before its source took over.
  public mutating func relayed(_ header: RTPHeader, payloadType: UInt8, at now: Instant) -> RTPHeader? {
    var takesOver = false
    if !continues(header) {
      takesOver = true
      source = .relayed(
        ssrc: header.ssrc, sequence: nextSequence &- header.sequence, timestamp: resumed(at: now) &- header.timestamp,
        first: nextSequence, last: header.sequence)
    }
    guard case .relayed(let ssrc, let sequenceOffset, let timestampOffset, let first, _) = source else { return nil }
    let sequence = header.sequence &+ sequenceOffset
    let timestamp = header.timestamp &+ timestampOffset
    guard Int16(bitPattern: sequence &- first) >= 0 else { return nil }
    if Int16(bitPattern: sequence &- nextSequence) >= 0 {
      // `first` follows at a distance, or numbers would wrap around to its other side.
      nextSequence = sequence &+ 1
      lastTimestamp = timestamp
      lastSentAt = now
      source = .relayed(
        ssrc: ssrc, sequence: sequenceOffset, timestamp: timestampOffset,
        first: sequence &- first > 0x2000 ? sequence &- 0x2000 : first, last: header.sequence)
    }
    return RTPHeader(
      payloadType: payloadType, marker: takesOver || header.marker, sequence: sequence, timestamp: timestamp,
      ssrc: self.ssrc)
  }

  /// The header of a telephone-event packet whose source counts at another clock than we do, so that its own numbers
  /// mean nothing here: all packets of an event get the timestamp of its beginning.
  public mutating func interleaved(_ header: RTPHeader, payloadType: UInt8, at now: Instant) -> RTPHeader {
    let ours: UInt32
    var isFirst = false
    if let event, event.source == header.ssrc, event.theirs == header.timestamp {
      ours = event.ours
    } else {
      ours = resumed(at: now)
      event = (header.ssrc, header.timestamp, ours)
      isFirst = true
    }
    defer { nextSequence &+= 1 }
    return RTPHeader(
      payloadType: payloadType, marker: isFirst, sequence: nextSequence, timestamp: ours, ssrc: ssrc)
  }

  public mutating func count(payload octets: Int) {
    packets &+= 1
    self.octets &+= UInt32(truncatingIfNeeded: octets)
  }

  /// The timestamp of a moment, and whether anything was sent yet.
  public func timestamp(at now: Instant) -> UInt32? {
    lastSentAt.map { lastTimestamp &+ units(of: now - $0) }
  }

  /// The same source, near the number that it had last; anything else takes over anew.
  private func continues(_ header: RTPHeader) -> Bool {
    guard case .relayed(let ssrc, _, _, _, let last) = source, ssrc == header.ssrc else { return false }
    return abs(Int32(Int16(bitPattern: header.sequence &- last))) <= 3_000
  }

  /// The timestamp at which a new source goes on: as much later as time has passed, at least one packet.
  private func resumed(at now: Instant) -> UInt32 {
    guard let lastSentAt else { return lastTimestamp }
    return lastTimestamp &+ max(units(of: now - lastSentAt), clockRate / 50)
  }

  /// An interval in timestamp units, an hour at most.
  private func units(of interval: Int64) -> UInt32 {
    UInt32(max(0, min(interval, .seconds(3_600))) * Int64(clockRate) / 1_000_000)
  }
}
