/// Protects what goes to one far end (RFC 3711), in place, on libcrypto.
///
/// An index is never used twice, whoever feeds the stream: a packet that comes again is refused, since a second packet
/// under one index would give the key stream away.
public struct SRTPSender: ~Copyable, Sendable {
  private var media: SRTPContext
  private var control: SRTPContext

  public init(_ key: SRTPMasterKey) {
    media = SRTPContext(key, encrypts: true, isControl: false)
    control = SRTPContext(key, encrypts: true, isControl: true)
  }

  /// Protects an RTP packet of `count` octets.
  /// - Parameter room: the packet, and behind it at least `SRTPProfile.mostOverhead` octets.
  /// - Returns: its new length.
  public mutating func protect(_ room: UnsafeMutableRawBufferPointer, count: Int) throws(SRTPError) -> Int {
    precondition(count + SRTPProfile.mostOverhead <= room.count, "no room for a tag")
    let packet = UnsafeRawBufferPointer(rebasing: room[..<count])
    guard let header = RTPHeader.length(packet) else { throw .malformed }
    let ssrc = packet.word(8)
    let (source, index) = try media.place(ssrc, packet.short(2))
    media.note(source, ssrc, index)
    return media.protect(room, count: count, header: header, ssrc: ssrc, index: index)
  }

  /// Protects a compound RTCP packet of `count` octets; the room as above.
  public mutating func protectControl(_ room: UnsafeMutableRawBufferPointer, count: Int) throws(SRTPError) -> Int {
    precondition(count + SRTPProfile.mostOverhead <= room.count, "no room for a tag")
    guard count >= 8 else { throw .malformed }
    let ssrc = UnsafeRawBufferPointer(room).word(4)
    let (source, index) = try control.nextIndex(ssrc)
    control.note(source, ssrc, UInt64(index))
    return control.protect(
      room, count: count, header: 8, ssrc: ssrc, index: UInt64(index), control: 1 << 31 | index)
  }
}

/// Checks and decrypts what comes from one far end (RFC 3711), in place, on libcrypto. A packet that is refused changes
/// nothing of what is known of its source.
public struct SRTPReceiver: ~Copyable, Sendable {
  private var media: SRTPContext
  private var control: SRTPContext

  public init(_ key: SRTPMasterKey) {
    media = SRTPContext(key, encrypts: false, isControl: false)
    control = SRTPContext(key, encrypts: false, isControl: true)
  }

  /// - Returns: the length of the RTP packet; after an error its bytes are worthless.
  public mutating func unprotect(_ packet: UnsafeMutableRawBufferPointer) throws(SRTPError) -> Int {
    let end = packet.count - media.tagLength
    guard let header = RTPHeader.length(UnsafeRawBufferPointer(packet)), header <= end else { throw .malformed }
    let ssrc = UnsafeRawBufferPointer(packet).word(8)
    let (source, index) = try media.place(ssrc, UnsafeRawBufferPointer(packet).short(2))
    try media.unprotect(packet, end: end, header: header, ssrc: ssrc, index: index)
    media.note(source, ssrc, index)
    return end
  }

  /// The same for a compound RTCP packet. One that is not encrypted is refused.
  public mutating func unprotectControl(_ packet: UnsafeMutableRawBufferPointer) throws(SRTPError) -> Int {
    let end = packet.count - control.tagLength - 4
    guard end >= 8 else { throw .malformed }
    let bytes = UnsafeRawBufferPointer(packet)
    let word = bytes.word(control.isAEAD ? end + control.tagLength : end)
    guard word >> 31 == 1 else { throw .unauthentic }
    let (ssrc, index) = (bytes.word(4), word & 0x7fff_ffff)
    let source = try control.place(ssrc, at: index)
    try control.unprotect(packet, end: end, header: 8, ssrc: ssrc, index: UInt64(index), control: word)
    control.note(source, ssrc, UInt64(index))
    return end
  }
}
