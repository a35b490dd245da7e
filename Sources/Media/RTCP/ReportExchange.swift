public import Primitives

/// How well packets of a leg travel.
public struct LegQuality: Sendable, Equatable {
  /// Since the leg began.
  public var packetsReceived: UInt64 = 0
  /// Parts per million since our last report: lost on the way to us, and on the way to the far end by its own word.
  public var lossIn: UInt32 = 0
  public var lossOut: UInt32 = 0
  /// Of what we receive (RFC 3550 section 6.4.1), in microseconds.
  public var jitter: Int64 = 0
  /// Microseconds there and back without the far end's own delay; nil until it has answered a report of ours.
  public var roundTrip: Int64?
  public init() {}
}

/// One leg's reports about its two streams (RFC 3550 section 6.4): ours every five seconds or so, and what those of the
/// far end tell. Nothing is decided by them; they are for people, and for the error correction of an encoder.
public struct ReportExchange: Sendable {
  /// Half as long to one and a half times as long, at random, so that legs do not report in step (section 6.3.1).
  public static let interval: Int64 = .seconds(5)
  /// A round trip longer than that is a far end's error.
  private static let longestTrip: Int64 = .seconds(30)
  /// The largest report: a sender report with one reception report, and a description.
  public static let mostBytes = 28 + 24 + 24

  /// As it was when our last report was written.
  public private(set) var quality = LegQuality()
  public private(set) var packets: UInt64 = 0
  private var dueAt: Instant?
  /// The far end's last sender report: the middle of its clock, and when it came.
  private var heard: (source: UInt32, clock: UInt32, at: Instant)?
  private var reported = (packets: UInt32(0), expected: UInt64(0), received: UInt64(0))
  private var dice: UInt64 = 0

  public init() {}

  /// Reads a datagram of the far end's; false if it is malformed. `isGoodbye` tells that its stream is over.
  public mutating func receive(
    _ datagram: UnsafeRawBufferPointer, about ssrc: UInt32, at now: Instant, isGoodbye: inout Bool
  ) -> Bool {
    guard let packet = RTCPPacket(datagram, about: ssrc) else { return false }
    packets += 1
    isGoodbye = packet.isGoodbye
    if let report = packet.senderReport { heard = (packet.source, Self.middle(report.clock), now) }
    guard let report = packet.reception else { return true }
    quality.lossOut = UInt32(report.fractionLost) * 1_000_000 / 256
    if report.lastReport != 0 {
      let units = Int32(bitPattern: Self.middle(Self.clock(now)) &- report.lastReport &- report.delay)
      let trip = Int64(units) * 1_000_000 / 65_536
      // Clocks are rounded, so that a trip through one machine may seem to take less than nothing.
      if trip > -1_000, trip <= Self.longestTrip { quality.roundTrip = max(trip, 0) }
    }
    return true
  }

  /// Writes the report that is due; nil if none is. Call it every second or more often.
  /// - Precondition: `buffer` holds `mostBytes`.
  public mutating func write(
    to buffer: UnsafeMutableRawBufferPointer, _ outgoing: OutgoingStream, _ reception: Reception, at now: Instant
  ) -> Int? {
    guard let dueAt else {
      // The first one comes early (section 6.2).
      dice = UInt64(outgoing.ssrc)
      self.dueAt = now + next() / 2
      return nil
    }
    guard now >= dueAt else { return nil }
    self.dueAt = now + next()
    return report(to: buffer, outgoing, reception, at: now)
  }

  private mutating func report(
    to buffer: UnsafeMutableRawBufferPointer, _ outgoing: OutgoingStream, _ reception: Reception, at now: Instant
  ) -> Int {
    measure(reception)
    var writer = RTCPWriter(buffer)
    let hasSent = outgoing.packets != reported.packets
    reported.packets = outgoing.packets
    let blocks = reception.source == nil ? 0 : 1
    writer.header(hasSent ? 200 : 201, count: blocks, size: (hasSent ? 28 : 8) + 24 * blocks)
    writer.write(outgoing.ssrc)
    if hasSent {
      writer.write(Self.clock(now))
      writer.write(outgoing.timestamp(at: now) ?? 0)
      writer.write(outgoing.packets)
      writer.write(outgoing.octets)
    }
    if let source = reception.source {
      writer.write(source)
      let fraction = min(UInt64(quality.lossIn) * 256 / 1_000_000, 255)
      let lost = UInt32(min(reception.lost, 0x7f_ffff))
      writer.write(UInt32(fraction) << 24 | lost)
      writer.write(reception.highestSequence)
      writer.write(reception.jitter)
      if let heard, heard.source == source {
        writer.write(heard.clock)
        writer.write(UInt32(clamping: (now - heard.at) * 65_536 / 1_000_000))
      } else {
        writer.write(UInt64(0))
      }
    }
    writer.description(of: outgoing.ssrc)
    return writer.count
  }

  /// What came and what did not since the last report.
  private mutating func measure(_ reception: Reception) {
    let expected = reception.expected &- reported.expected
    let received = reception.received &- reported.received
    quality.lossIn = expected > received ? UInt32((expected - received) * 1_000_000 / expected) : 0
    quality.packetsReceived = reception.received
    quality.jitter = reception.jitterTime
    reported.expected = reception.expected
    reported.received = reception.received
  }

  private mutating func next() -> Int64 {
    dice = dice &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Self.interval / 2 + Int64(dice >> 33) % Self.interval
  }

  /// Our clock in 32.32 bits of a second: how long the machine is up, since only differences are of use.
  private static func clock(_ now: Instant) -> UInt64 {
    let time = UInt64(max(now.microseconds, 0))
    return (time / 1_000_000) << 32 | ((time % 1_000_000) << 32) / 1_000_000
  }
  private static func middle(_ clock: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: clock >> 16) }
}

/// Writes into a buffer that is known to be large enough.
private struct RTCPWriter {
  let buffer: UnsafeMutableRawBufferPointer
  private(set) var count = 0
  init(_ buffer: UnsafeMutableRawBufferPointer) {
    precondition(buffer.count >= ReportExchange.mostBytes)
    self.buffer = buffer
  }

  mutating func write<Integer: FixedWidthInteger>(_ value: Integer) {
    buffer.storeBytes(of: value.bigEndian, toByteOffset: count, as: Integer.self)
    count += Integer.bitWidth / 8
  }
  mutating func header(_ type: UInt8, count: Int, size: Int) {
    write(0x80 | UInt8(count))
    write(type)
    write(UInt16(size / 4 - 1))
  }
  /// The canonical name that every compound packet carries: nothing but our source in hexadecimal (RFC 7022).
  mutating func description(of ssrc: UInt32) {
    header(202, count: 1, size: 24)
    write(ssrc)
    write(UInt16(0x0108))
    for shift in stride(from: UInt32(28), through: 0, by: -4) {
      let digit = UInt8(truncatingIfNeeded: ssrc >> shift & 15)
      write(digit < 10 ? digit + 0x30 : digit + 0x57)
    }
    // The list of items ends with a zero, and the chunk at a whole word.
    for _ in 0..<6 { write(UInt8(0)) }
  }
}
