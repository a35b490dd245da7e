/// The extended sequence number of one stream and which of the latest packets were seen (RFC 3711 section 3.3). RTP and
/// RTCP keep one each.
struct PacketIndex: Sendable, Equatable {
  /// Packets that may come late; more than RFC 3711 asks for (64).
  static let window: UInt64 = 128
  /// Two to the power of 48 packets may use one key (section 9.2).
  static let most: UInt64 = 1 << 48

  private(set) var highest: UInt64 = 0
  /// Bit n: the packet n before the highest one was seen.
  private var seen: UInt128 = 0

  /// The index that a sequence number stands for, with the roll-over counter guessed from what was seen (section 3.3.1).
  @inline(__always)
  func guess(_ sequence: UInt16) -> UInt64 {
    let last = UInt16(truncatingIfNeeded: highest)
    var rollOver = highest >> 16
    if last < 0x8000 {
      // No packet lies before the first roll-over counter.
      if rollOver > 0, Int(sequence) - Int(last) > 0x8000 { rollOver -= 1 }
    } else if Int(last) - 0x8000 > Int(sequence) {
      rollOver += 1
    }
    return rollOver << 16 | UInt64(sequence)
  }

  /// - Throws: `replayed`, `tooOld` or `exhausted`.
  @inline(__always)
  func check(_ index: UInt64) throws(SRTPError) {
    guard index < Self.most else { throw .exhausted }
    guard index <= highest else { return }
    guard highest - index < Self.window else { throw .tooOld }
    guard seen >> UInt128(highest - index) & 1 == 0 else { throw .replayed }
  }

  /// Notes a packet that was checked and is authentic.
  @inline(__always)
  mutating func note(_ index: UInt64) {
    if index > highest {
      // Swift's shift yields zero where it goes beyond the width.
      seen = seen << UInt128(index - highest) | 1
      highest = index
    } else {
      seen |= 1 << UInt128(highest - index)
    }
  }
}

/// Why a packet was not protected or not accepted.
public enum SRTPError: Error, Sendable, Equatable {
  /// Shorter than its own header says.
  case malformed
  /// Seen before; a sender must not use an index twice.
  case replayed
  /// Too far behind the newest one to know whether it was seen.
  case tooOld
  /// The tag does not fit: another key, or changed on the way.
  case unauthentic
  /// The key has protected as much as it may.
  case exhausted
  /// More synchronisation sources than one far end needs.
  case tooManySources
}
