/// What a datagram of RTCP (RFC 3550 section 6, reduced-size ones of RFC 5506 too) says that matters to a sender:
/// how its far end sends, and how it hears us. Descriptions, feedback and what is unknown are stepped over.
public struct RTCPPacket: Sendable, Equatable {
  /// A sender report, without its reception reports.
  public struct SenderReport: Sendable, Equatable {
    /// Seconds since 1900 in 32.32 bits, or since any other moment: only differences count here.
    public var clock: UInt64
    public var timestamp: UInt32
    public var packets: UInt32
    public var octets: UInt32
  }

  /// How the far end receives one source.
  public struct ReceptionReport: Sendable, Equatable {
    /// In 256ths, since its report before.
    public var fractionLost: UInt8
    /// Since the beginning; less than zero where packets came twice.
    public var lost: Int32
    public var highest: UInt32
    /// In timestamp units.
    public var jitter: UInt32
    /// The middle 32 bits of the clock in our last sender report that it has, 0 if it has none.
    public var lastReport: UInt32
    /// Since that report came, in 65536ths of a second.
    public var delay: UInt32
  }

  /// The first source that speaks.
  public var source: UInt32
  public var senderReport: SenderReport?
  /// What is said of the source asked for.
  public var reception: ReceptionReport?
  /// The far end says that its stream is over.
  public var isGoodbye = false

  /// - Parameter ssrc: the source whose reception matters.
  /// - Returns: nil where the packets do not fill the datagram exactly, or one is shorter than what it says to hold.
  public init?(_ bytes: UnsafeRawBufferPointer, about ssrc: UInt32) {
    guard bytes.count >= 8, bytes.count % 4 == 0 else { return nil }
    source = RTPHeader.load(bytes, 4)
    var start = 0
    while start < bytes.count {
      guard let end = Self.end(of: start, in: bytes) else { return nil }
      let packet = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
      guard read(packet, about: ssrc) else { return nil }
      start = end
    }
  }

  /// Where the packet ends that begins at `start`, by its own word; nil if it does not fit.
  private static func end(of start: Int, in bytes: UnsafeRawBufferPointer) -> Int? {
    guard bytes.count - start >= 4, bytes[start] >> 6 == 2, (192...223).contains(bytes[start + 1]) else { return nil }
    let words: UInt16 = RTPHeader.load(bytes, start + 2)
    let end = start + (Int(words) + 1) * 4
    guard end <= bytes.count else { return nil }
    if bytes[start] & 0x20 != 0 {
      // Only the last one may be padded, by whole words that count themselves.
      let padding = Int(bytes[end - 1])
      guard end == bytes.count, padding > 0, padding % 4 == 0, padding <= end - start - 4 else { return nil }
    }
    return end
  }

  private mutating func read(_ packet: UnsafeRawBufferPointer, about ssrc: UInt32) -> Bool {
    let count = Int(packet[0] & 0x1f)
    let size = packet.count - (packet[0] & 0x20 != 0 ? Int(packet[packet.count - 1]) : 0)
    switch packet[1] {
    case 200:
      guard size >= 28 + 24 * count else { return false }
      senderReport = SenderReport(
        clock: RTPHeader.load(packet, 8), timestamp: RTPHeader.load(packet, 16), packets: RTPHeader.load(packet, 20),
        octets: RTPHeader.load(packet, 24))
      readReports(packet, at: 28, count, about: ssrc)
    case 201:
      guard size >= 8 + 24 * count else { return false }
      readReports(packet, at: 8, count, about: ssrc)
    case 203:
      guard size >= 4 + 4 * count else { return false }
      isGoodbye = isGoodbye || count > 0
    case 204...207:
      return size >= 8
    default: break
    }
    return true
  }

  private mutating func readReports(
    _ packet: UnsafeRawBufferPointer, at start: Int, _ count: Int, about ssrc: UInt32
  ) {
    for place in 0..<count {
      let block = start + 24 * place
      guard RTPHeader.load(packet, block) == ssrc else { continue }
      let losses: UInt32 = RTPHeader.load(packet, block + 4)
      reception = ReceptionReport(
        fractionLost: UInt8(losses >> 24), lost: Int32(bitPattern: losses << 8) >> 8,
        highest: RTPHeader.load(packet, block + 8), jitter: RTPHeader.load(packet, block + 12),
        lastReport: RTPHeader.load(packet, block + 16), delay: RTPHeader.load(packet, block + 20))
    }
  }
}
