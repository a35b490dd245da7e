/// The fixed RTP header (RFC 3550 section 5.1), read from and written to raw bytes in place.
public struct RTPHeader: Sendable, Equatable {
  public static let size = 12

  public var payloadType: UInt8
  public var marker: Bool
  public var sequence: UInt16
  public var timestamp: UInt32
  public var ssrc: UInt32

  public init(payloadType: UInt8, marker: Bool = false, sequence: UInt16, timestamp: UInt32, ssrc: UInt32) {
    self.payloadType = payloadType; self.marker = marker; self.sequence = sequence
    self.timestamp = timestamp; self.ssrc = ssrc
  }

  /// Octets before the payload: fixed header, CSRCs and extension; nil if it is not RTP version 2 or is cut short.
  @inlinable
  public static func length(_ packet: UnsafeRawBufferPointer) -> Int? {
    guard packet.count >= size, packet[0] >> 6 == 2 else { return nil }
    var length = size + Int(packet[0] & 0x0f) * 4
    if packet[0] & 0x10 != 0 {
      guard packet.count >= length + 4 else { return nil }
      length += 4 + (Int(packet[length + 2]) << 8 | Int(packet[length + 3])) * 4
    }
    return length <= packet.count ? length : nil
  }

  /// Reads a packet: its header, and where its payload lies behind CSRCs and extension and before the padding; nil if
  /// it is not RTP version 2 or its parts do not fit.
  @inlinable
  public static func parse(_ packet: UnsafeRawBufferPointer) -> (header: RTPHeader, payload: Range<Int>)? {
    guard let start = length(packet) else { return nil }
    var end = packet.count
    if packet[0] & 0x20 != 0 {
      let padding = Int(packet[end - 1])
      guard padding > 0 else { return nil }
      end -= padding
    }
    guard start <= end else { return nil }
    let header = RTPHeader(
      payloadType: packet[1] & 0x7f, marker: packet[1] & 0x80 != 0, sequence: load(packet, 2),
      timestamp: load(packet, 4), ssrc: load(packet, 8))
    return (header, start..<end)
  }

  /// Writes the header without CSRC, extension and padding.
  /// - Precondition: the buffer holds 12 bytes.
  @inlinable
  public func write(to packet: UnsafeMutableRawBufferPointer) {
    packet[0] = 0x80
    packet[1] = payloadType & 0x7f | (marker ? 0x80 : 0)
    packet.storeBytes(of: sequence.bigEndian, toByteOffset: 2, as: UInt16.self)
    packet.storeBytes(of: timestamp.bigEndian, toByteOffset: 4, as: UInt32.self)
    packet.storeBytes(of: ssrc.bigEndian, toByteOffset: 8, as: UInt32.self)
  }

  @inlinable
  static func load<Integer: FixedWidthInteger>(_ packet: UnsafeRawBufferPointer, _ offset: Int) -> Integer {
    Integer(bigEndian: packet.loadUnaligned(fromByteOffset: offset, as: Integer.self))
  }
}
