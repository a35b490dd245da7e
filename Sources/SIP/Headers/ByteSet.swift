/// A set of ASCII bytes, one bit of a class table: a test costs one load. The sets are those of RFC 3261 section 25.1.
struct ByteSet {
  private let bit: UInt16

  @inline(__always)
  private init(_ position: UInt16) { bit = 1 &<< position }

  @inline(__always)
  func contains(_ byte: UInt8) -> Bool { byteClasses[Int(byte)] & bit != 0 }

  static var alphanum: ByteSet { ByteSet(0) }
  /// `token`: alphanum and `-.!%*_+` with backquote, quote and tilde.
  static var token: ByteSet { ByteSet(1) }
  /// What an unquoted parameter value may hold: token, and the brackets and colons of IPv6 (RFC 5118 section 4.5).
  static var parameterValue: ByteSet { ByteSet(2) }
  static var scheme: ByteSet { ByteSet(3) }
  /// `user`, with the percent sign that begins an escape.
  static var user: ByteSet { ByteSet(4) }
  static var password: ByteSet { ByteSet(5) }
  /// Host names; the underscore is not in the grammar but in too many real names.
  static var hostname: ByteSet { ByteSet(6) }
  static var ipv6: ByteSet { ByteSet(7) }
  /// `paramchar` of a URI parameter.
  static var uriParameter: ByteSet { ByteSet(8) }
  /// `hname`, `hvalue` and the `=` and `&` between them.
  static var uriHeaders: ByteSet { ByteSet(9) }
  /// `uric`, and what a fragment adds: any URI of a scheme that is not looked into.
  static var uric: ByteSet { ByteSet(10) }
  /// White space inside a value, where CR and LF occur only in a fold.
  static var space: ByteSet { ByteSet(11) }
  static var visible: ByteSet { ByteSet(12) }
}

/// For each byte the sets it is in; a test spells them out. Literals, so that the table stands in the binary.
private let byteClasses: InlineArray<256, UInt16> =
  [
    0x0000, 0x0000, 0x0000, 0x0000, 0x0000, 0x0000, 0x0000, 0x0000,
    0x0000, 0x0800, 0x0800, 0x0000, 0x0000, 0x0800, 0x0000, 0x0000,
    0x0000, 0x0000, 0x0000, 0x0000, 0x0000, 0x0000, 0x0000, 0x0000,
    0x0000, 0x0000, 0x0000, 0x0000, 0x0000, 0x0000, 0x0000, 0x0000,
    0x0800, 0x1736, 0x1000, 0x1400, 0x1730, 0x1736, 0x1730, 0x1736,
    0x1730, 0x1730, 0x1736, 0x173e, 0x1430, 0x177e, 0x17fe, 0x1710,
    0x17ff, 0x17ff, 0x17ff, 0x17ff, 0x17ff, 0x17ff, 0x17ff, 0x17ff,
    0x17ff, 0x17ff, 0x1784, 0x1410, 0x1000, 0x1630, 0x1000, 0x1610,
    0x1400, 0x17ff, 0x17ff, 0x17ff, 0x17ff, 0x17ff, 0x17ff, 0x177f,
    0x177f, 0x177f, 0x177f, 0x177f, 0x177f, 0x177f, 0x177f, 0x177f,
    0x177f, 0x177f, 0x177f, 0x177f, 0x177f, 0x177f, 0x177f, 0x177f,
    0x177f, 0x177f, 0x177f, 0x1704, 0x1000, 0x1704, 0x1000, 0x1776,
    0x1006, 0x17ff, 0x17ff, 0x17ff, 0x17ff, 0x17ff, 0x17ff, 0x177f,
    0x177f, 0x177f, 0x177f, 0x177f, 0x177f, 0x177f, 0x177f, 0x177f,
    0x177f, 0x177f, 0x177f, 0x177f, 0x177f, 0x177f, 0x177f, 0x177f,
    0x177f, 0x177f, 0x177f, 0x1000, 0x1000, 0x1000, 0x1736, 0x0000,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  ]

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
  static func hexadecimal(_ byte: UInt8) -> UInt8? {
    if isDigit(byte) { return byte & 15 }
    return isHexDigit(byte) ? (byte & 15) + 9 : nil
  }
  static func lowercased(_ text: String) -> String {
    let utf8 = text.utf8
    let span = utf8.span
    var i = 0
    while i < span.count, span[i] < 0x41 || span[i] > 0x5a { i += 1 }
    return i == span.count ? text : String(decoding: utf8.map(lower), as: UTF8.self)
  }
  static func equal(_ a: some Sequence<UInt8>, _ b: some Sequence<UInt8>) -> Bool {
    a.elementsEqual(b) { lower($0) == lower($1) }
  }
}
