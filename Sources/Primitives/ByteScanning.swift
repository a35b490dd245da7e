extension Span where Element == UInt8 {
  /// The index of the first control character (below 0x20, other than HT) at or after `start`, or `count`.
  ///
  /// This is the line splitter of the text protocols: it stops at a line end, and in the same pass at what may not stand
  /// in a line at all. Eight bytes are looked at a time; that beats `memchr` here, which would need a pass per character.
  @inlinable
  public func indexOfControl(from start: Int) -> Int {
    let ones: UInt64 = 0x0101_0101_0101_0101
    var i = start
    while i <= count - 8 {
      let word = UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: i, as: UInt64.self))
      // Bit 7 of a byte is set if that byte is below 0x20; borrows only falsify bytes above the lowest such byte.
      let below = (word &- ones &* 0x20) & ~word & (ones &* 0x80)
      if below == 0 {
        i &+= 8
        continue
      }
      i &+= below.trailingZeroBitCount &>> 3
      if self[i] != 0x09 { return i }
      i &+= 1
    }
    while i < count, self[i] >= 0x20 || self[i] == 0x09 { i &+= 1 }
    return i
  }

  /// The index of the first `byte` in the range, or `end`.
  @inlinable @inline(__always)
  public func index(of byte: UInt8, _ start: Int, _ end: Int) -> Int {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let pattern = ones &* UInt64(byte)
    var i = start
    while i < end, i <= count - 8 {
      // A byte that is zero here is the one looked for; what borrows falsify stands above the lowest of them.
      let word = UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: i, as: UInt64.self)) ^ pattern
      let zero = (word &- ones) & ~word & (ones &* 0x80)
      if zero != 0 { return min(end, i &+ zero.trailingZeroBitCount &>> 3) }
      i &+= 8
    }
    while i < end, self[i] != byte { i &+= 1 }
    return min(i, end)
  }
}
