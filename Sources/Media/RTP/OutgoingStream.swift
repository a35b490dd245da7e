public import Primitives

/// One RTP stream towards a far end, whoever feeds it: sequence and timestamp run on without a jump when the source
/// changes from music to an agent and back (RFC 3550 section 5.1; a jump costs a far end's jitter buffer an outage).
public struct OutgoingStream: Sendable, Equatable {
  public let ssrc: UInt32
  private var nextSequence: UInt16
  private var lastTimestamp: UInt32
  private var lastSentAt: Instant?
  private var source = Source.none

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

  /// The header of a packet that we make ourselves, 20 ms of 8 kHz after the one before it.
  public mutating func generated(payloadType: UInt8, at now: Instant) -> RTPHeader {
    let takesOver = source != .generated
    lastTimestamp = takesOver ? resumed(at: now) : lastTimestamp &+ 160
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

  /// The same source, near the number that it had last; anything else takes over anew.
  private func continues(_ header: RTPHeader) -> Bool {
    guard case .relayed(let ssrc, _, _, _, let last) = source, ssrc == header.ssrc else { return false }
    return abs(Int32(Int16(bitPattern: header.sequence &- last))) <= 3_000
  }

  /// The timestamp at which a new source goes on: as much later as time has passed, at least one packet.
  private func resumed(at now: Instant) -> UInt32 {
    guard let lastSentAt else { return lastTimestamp }
    let samples = min(max((now - lastSentAt) / 125, 160), 8_000 * 3_600)
    return lastTimestamp &+ UInt32(truncatingIfNeeded: samples)
  }
}
