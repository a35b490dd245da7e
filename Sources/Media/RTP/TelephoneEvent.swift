/// The payload of a telephone-event packet (RFC 4733 section 2.3).
public struct TelephoneEvent: Sendable, Equatable {
  /// 0-9, 10 `*`, 11 `#`, 12-15 A-D.
  public var event: UInt8
  public var isEnd: Bool
  /// Timestamp units since the event began.
  public var duration: UInt16

  public init(event: UInt8, isEnd: Bool, duration: UInt16) {
    self.event = event; self.isEnd = isEnd; self.duration = duration
  }

  public init?(_ payload: UnsafeRawBufferPointer) {
    guard payload.count >= 4 else { return nil }
    self.init(
      event: payload[0], isEnd: payload[1] & 0x80 != 0, duration: UInt16(payload[2]) << 8 | UInt16(payload[3]))
  }

  /// Brings the duration in a payload from one clock to another; what does not fit any more stays the longest that does.
  static func rescale(_ payload: UnsafeMutableRawBufferPointer, from: UInt32, to: UInt32) {
    guard payload.count >= 4 else { return }
    let duration = UInt64(payload[2]) << 8 | UInt64(payload[3])
    let scaled = UInt16(clamping: duration * UInt64(to) / UInt64(from))
    payload[2] = UInt8(scaled >> 8)
    payload[3] = UInt8(truncatingIfNeeded: scaled)
  }
}

/// Makes one digit of the many packets that an event is sent in: updates every packet time, and three ends. All packets
/// of an event carry the timestamp of its beginning; a later one begins the next event.
public struct DigitReceiver: Sendable {
  private var last: (ssrc: UInt32, timestamp: UInt32, event: TelephoneEvent)?

  public init() {}

  /// The digit that this packet begins, if it begins one.
  public mutating func receive(_ event: TelephoneEvent, _ header: RTPHeader) -> UInt8? {
    guard event.event <= 15 else { return nil }
    guard let last, last.ssrc == header.ssrc else {
      self.last = (header.ssrc, header.timestamp, event)
      return event.event
    }
    let step = Int32(bitPattern: header.timestamp &- last.timestamp)
    guard step >= 0 else { return nil }
    self.last = (header.ssrc, header.timestamp, event)
    if step == 0 { return nil }
    // A key held for more than eight seconds goes on in a new segment (section 2.5.1.3).
    let isNextSegment = last.event.event == event.event && !last.event.isEnd && step == Int32(last.event.duration)
    return isNextSegment ? nil : event.event
  }
}
