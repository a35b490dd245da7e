/// A set of ASCII bytes as two constants: a test costs a shift. The sets are those of RFC 3261 section 25.1.
struct ByteSet {
  let low: UInt64
  let high: UInt64

  @inline(__always)
  func contains(_ byte: UInt8) -> Bool {
    byte < 0x80 && ((byte < 0x40 ? low : high) &>> UInt64(byte & 0x3f)) & 1 == 1
  }

  static var alphanum: ByteSet { ByteSet(low: 0x03ff_0000_0000_0000, high: 0x07ff_fffe_07ff_fffe) }
  /// `token`: alphanum and `-.!%*_+` with backquote, quote and tilde.
  static var token: ByteSet { ByteSet(low: 0x03ff_6ca2_0000_0000, high: 0x47ff_ffff_87ff_fffe) }
  /// What an unquoted parameter value may hold: token, and the brackets and colons of IPv6 (RFC 5118 section 4.5).
  static var parameterValue: ByteSet { ByteSet(low: 0x07ff_6ca2_0000_0000, high: 0x47ff_ffff_afff_fffe) }
  static var scheme: ByteSet { ByteSet(low: 0x03ff_6800_0000_0000, high: 0x07ff_fffe_07ff_fffe) }
  /// `user` and the characters `%` that begin an escape.
  static var user: ByteSet { ByteSet(low: 0xabff_fff2_0000_0000, high: 0x47ff_fffe_87ff_fffe) }
  static var password: ByteSet { ByteSet(low: 0x23ff_7ff2_0000_0000, high: 0x47ff_fffe_87ff_fffe) }
  /// Host names; the underscore is not in the grammar but in too many real names.
  static var hostname: ByteSet { ByteSet(low: 0x03ff_6000_0000_0000, high: 0x07ff_fffe_87ff_fffe) }
  static var ipv6: ByteSet { ByteSet(low: 0x07ff_4000_0000_0000, high: 0x0000_007e_0000_007e) }
  /// `paramchar` of a URI parameter.
  static var uriParameter: ByteSet { ByteSet(low: 0x07ff_eff2_0000_0000, high: 0x47ff_fffe_afff_fffe) }
  /// `hname`, `hvalue` and the `=` and `&` between them.
  static var uriHeaders: ByteSet { ByteSet(low: 0xa7ff_eff2_0000_0000, high: 0x47ff_fffe_afff_fffe) }
  /// `uric`, and what a fragment adds: any URI of a scheme that is not looked into.
  static var uric: ByteSet { ByteSet(low: 0xafff_fffa_0000_0000, high: 0x47ff_fffe_afff_ffff) }
}

enum ASCII {
  static let tab: UInt8 = 0x09
  static let lf: UInt8 = 0x0a
  static let cr: UInt8 = 0x0d
  static let space: UInt8 = 0x20

  /// Folds an ASCII letter; other bytes keep apart from letters because callers compare with letters only.
  @inline(__always)
  static func lower(_ byte: UInt8) -> UInt8 { byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte }
  @inline(__always)
  static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }
  static func isHexDigit(_ byte: UInt8) -> Bool {
    isDigit(byte) || (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x66)
  }
  static func lowercased(_ text: String) -> String {
    text.utf8.contains { $0 >= 0x41 && $0 <= 0x5a } ? String(decoding: text.utf8.map(lower), as: UTF8.self) : text
  }
  static func equal(_ a: some Sequence<UInt8>, _ b: some Sequence<UInt8>) -> Bool {
    a.elementsEqual(b) { lower($0) == lower($1) }
  }
}
