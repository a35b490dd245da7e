/// The two laws of G.711: one byte per sample at 8 kHz.
public enum CompandingLaw: UInt8, Sendable, CaseIterable {
  case mu, a

  /// The byte of a 16-bit sample (ITU-T G.711 tables 1 and 2).
  public func encode(_ sample: Int16) -> UInt8 {
    switch self {
    case .mu:
      let sign: UInt8 = sample < 0 ? 0x80 : 0
      let magnitude = min(Int(sample.magnitude), 32_635) + 0x84
      let segment = Int.bitWidth - 1 - magnitude.leadingZeroBitCount - 7
      return ~(sign | UInt8(segment << 4) | UInt8(magnitude >> (segment + 3) & 0x0f))
    case .a:
      let sign: UInt8 = sample < 0 ? 0 : 0x80
      let magnitude = Int(sample < 0 ? ~sample : sample)
      let segment = max(Int.bitWidth - 1 - magnitude.leadingZeroBitCount - 7, 0)
      let mantissa = magnitude >> (segment == 0 ? 4 : segment + 3) & 0x0f
      return (sign | UInt8(segment << 4) | UInt8(mantissa)) ^ 0x55
    }
  }

  /// The sample of a byte.
  public func decode(_ byte: UInt8) -> Int16 {
    switch self {
    case .mu:
      let bits = ~byte
      let magnitude = ((Int(bits & 0x0f) << 3) + 0x84) << Int(bits >> 4 & 7) - 0x84
      return Int16(bits & 0x80 != 0 ? -magnitude : magnitude)
    case .a:
      let bits = byte ^ 0x55
      let segment = Int(bits >> 4 & 7)
      let step = Int(bits & 0x0f) << 4 + 8
      let magnitude = segment == 0 ? step : (step + 0x100) << (segment - 1)
      return Int16(bits & 0x80 != 0 ? magnitude : -magnitude)
    }
  }

  /// Digital silence.
  public var silence: UInt8 { encode(0) }

  /// 256 bytes each: what a byte of one law is in the other.
  private static let muToA = (0...255).map { CompandingLaw.a.encode(CompandingLaw.mu.decode(UInt8($0))) }
  private static let aToMu = (0...255).map { CompandingLaw.mu.encode(CompandingLaw.a.decode(UInt8($0))) }

  /// Turns bytes of this law into bytes of another, in place.
  public func transcode(_ payload: UnsafeMutableRawBufferPointer, to law: CompandingLaw) {
    guard law != self else { return }
    let table = self == .mu ? Self.muToA : Self.aToMu
    table.withUnsafeBufferPointer { table in
      for place in payload.indices { payload[place] = table[Int(payload[place])] }
    }
  }
}
