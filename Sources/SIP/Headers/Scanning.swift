internal import Primitives

/// The grammar of header values (RFC 3261 section 25.1) as functions from an index to the index behind what was read.
///
/// Inside a value CR and LF occur only as part of a fold, which the head scanner has made sure of; so they count as
/// white space here.
extension Span where Element == UInt8 {
  @inline(__always)
  func skipSpace(_ start: Int, _ end: Int) -> Int {
    var i = start
    while i < end {
      guard ByteSet.space.contains(self[i]) else { break }
      i &+= 1
    }
    return i
  }

  /// The end of `range` without white space at its tail.
  @inline(__always)
  func trimEnd(_ start: Int, _ end: Int) -> Int {
    var i = end
    while i > start {
      guard ByteSet.space.contains(self[i &- 1]) else { break }
      i &-= 1
    }
    return i
  }

  @inline(__always)
  func skip(_ set: ByteSet, _ start: Int, _ end: Int) -> Int {
    // Checked once, so that the loop, in which a parse spends most of its time, needs no check per byte.
    precondition(start >= 0 && end <= count)
    var i = start
    while i < end, set.contains(self[unchecked: i]) { i &+= 1 }
    return i
  }

  @inline(__always)
  func isAt(_ byte: UInt8, _ i: Int, _ end: Int) -> Bool { i < end && self[i] == byte }

  /// The index of `byte` in the range, or nil.
  @inline(__always)
  func firstIndex(of byte: UInt8, _ start: Int, _ end: Int) -> Int? {
    let i = index(of: byte, start, end)
    return i < end ? i : nil
  }

  /// Compares with an ASCII word, any case.
  @inline(__always)
  func matches(_ word: StaticString, _ start: Int, _ end: Int) -> Bool {
    let count = word.utf8CodeUnitCount
    guard end - start == count else { return false }
    // The words are string literals of more than one character, which always have their bytes in memory.
    let letters = UnsafeRawPointer(word.utf8Start)
    // Bit 5 is the case of a letter. Of the signs in our words it confuses "-", "." and "/" with control characters,
    // which no caller passes.
    // The first and the last few bytes, which overlap; of long words the first eight, further ones by eights, and the
    // last eight.
    if count < 4 {
      guard count >= 2 else { return false }
      let first = bytes.unsafeLoadUnaligned(fromByteOffset: start, as: UInt16.self)
      let last = bytes.unsafeLoadUnaligned(fromByteOffset: end &- 2, as: UInt16.self)
      let difference =
        (first ^ letters.loadUnaligned(as: UInt16.self))
        | (last ^ letters.loadUnaligned(fromByteOffset: count &- 2, as: UInt16.self))
      return difference & 0xdfdf == 0
    }
    if count < 8 {
      let first = bytes.unsafeLoadUnaligned(fromByteOffset: start, as: UInt32.self)
      let last = bytes.unsafeLoadUnaligned(fromByteOffset: end &- 4, as: UInt32.self)
      let difference =
        (first ^ letters.loadUnaligned(as: UInt32.self))
        | (last ^ letters.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self))
      return difference & 0xdfdf_dfdf == 0
    }
    var i = 0
    while true {
      let mine = bytes.unsafeLoadUnaligned(fromByteOffset: start &+ i, as: UInt64.self)
      let theirs = letters.loadUnaligned(fromByteOffset: i, as: UInt64.self)
      guard (mine ^ theirs) & 0xdfdf_dfdf_dfdf_dfdf == 0 else { return false }
      if i == count &- 8 { return true }
      i = min(i &+ 8, count &- 8)
    }
  }

  /// A number of at least one digit, all of the range; `fault` names what was expected.
  @inline(__always)
  func number(_ start: Int, _ end: Int, upTo limit: UInt64, _ fault: StaticString) throws(ParseError) -> UInt64 {
    guard start < end else { throw ParseError(offset: start, reason: fault.description) }
    var value: UInt64 = 0
    for i in start..<end {
      guard ASCII.isDigit(self[i]) else { throw ParseError(offset: i, reason: fault.description) }
      value = value &* 10 &+ UInt64(self[i] &- 0x30)
      guard value <= limit else { throw ParseError(offset: start, reason: "number too large") }
    }
    return value
  }

  /// From an opening quote to behind the closing one. A backslash escapes any character but CR and LF.
  func quotedEnd(_ start: Int, _ end: Int) throws(ParseError) -> Int {
    var i = start + 1
    while i < end {
      switch self[i] {
      case UInt8(ascii: "\""): return i + 1
      case UInt8(ascii: "\\"):
        guard i + 1 < end, self[i + 1] < 0x80, self[i + 1] != ASCII.cr, self[i + 1] != ASCII.lf else {
          throw ParseError(offset: i, reason: "backslash escapes nothing")
        }
        i &+= 2
      case let byte where byte < 0x20 && byte != ASCII.tab && byte != ASCII.cr && byte != ASCII.lf || byte == 0x7f:
        throw ParseError(offset: i, reason: "control character in a quoted string")
      default: i &+= 1
      }
    }
    throw ParseError(offset: start, reason: "quoted string without its closing quote")
  }

  func text(_ range: Range<Int>) -> String {
    extracting(range).withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
  }

  /// The text with each fold, and the white space around it, as one space (RFC 3261 section 7.3.1).
  func unfolded(_ range: Range<Int>) -> String {
    guard firstIndex(of: ASCII.cr, range.lowerBound, range.upperBound) != nil else { return text(range) }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(range.count)
    var i = range.lowerBound
    while i < range.upperBound {
      if self[i] == ASCII.cr {
        i = skipSpace(i, range.upperBound)
        while let last = bytes.last, last == ASCII.space || last == ASCII.tab { bytes.removeLast() }
        bytes.append(ASCII.space)
      } else {
        bytes.append(self[i])
        i += 1
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// What a quoted string says: without quotes, folds and backslashes.
  func unquoted(_ range: Range<Int>) -> String {
    var bytes: [UInt8] = []
    var i = range.lowerBound + 1
    while i < range.upperBound - 1 {
      if self[i] == UInt8(ascii: "\\") {
        i += 1
        bytes.append(self[i])
        i += 1
      } else if self[i] == ASCII.cr {
        i = skipSpace(i, range.upperBound - 1)
        bytes.append(ASCII.space)
      } else {
        bytes.append(self[i])
        i += 1
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Where the list element that begins at `start` ends: at a comma outside quotes and angle brackets, or at `end`.
  func elementEnd(_ start: Int, _ end: Int) -> Int {
    var i = start
    var inBrackets = false
    while i < end {
      switch self[i] {
      case UInt8(ascii: "\""):
        guard let closing = try? quotedEnd(i, end) else { return end }
        i = closing
        continue
      case UInt8(ascii: "<"): inBrackets = true
      case UInt8(ascii: ">"): inBrackets = false
      case UInt8(ascii: ",") where !inBrackets: return i
      default: break
      }
      i += 1
    }
    return end
  }
}

extension Span where Element == UInt8 {
  /// The elements of a comma-separated list without the white space around them; empty ones are left out.
  func elements(_ range: Range<Int>) -> [Range<Int>] {
    var elements: [Range<Int>] = []
    var i = range.lowerBound
    while i < range.upperBound {
      let stop = elementEnd(i, range.upperBound)
      let end = trimEnd(i, stop)
      if end > i { elements.append(i..<end) }
      i = skipSpace(stop + 1, range.upperBound)
    }
    return elements
  }
}

/// `;name[=value]` behind a header value, as ranges; a quoted value keeps its quotes.
struct ParameterRange {
  var name: Range<Int>
  var value: Range<Int>?
}

extension Span where Element == UInt8 {
  /// Reads one header parameter if a semicolon comes next; `i` moves behind it and the white space that follows.
  func parameter(_ i: inout Int, _ end: Int) throws(ParseError) -> ParameterRange? {
    guard isAt(UInt8(ascii: ";"), i, end) else { return nil }
    let start = skipSpace(i + 1, end)
    let nameEnd = skip(.token, start, end)
    guard nameEnd > start else { throw ParseError(offset: start, reason: "parameter without a name") }
    i = skipSpace(nameEnd, end)
    guard isAt(UInt8(ascii: "="), i, end) else { return ParameterRange(name: start..<nameEnd, value: nil) }
    let value = skipSpace(i + 1, end)
    let valueEnd =
      isAt(UInt8(ascii: "\""), value, end) ? try quotedEnd(value, end) : skip(.parameterValue, value, end)
    guard valueEnd > value else { throw ParseError(offset: value, reason: "parameter without a value behind =") }
    i = skipSpace(valueEnd, end)
    return ParameterRange(name: start..<nameEnd, value: value..<valueEnd)
  }

  func decoded(_ parameter: ParameterRange) -> URI.Parameter {
    let name = ASCII.lowercased(text(parameter.name))
    guard let value = parameter.value else { return URI.Parameter(name: name, value: nil) }
    if self[value.lowerBound] == UInt8(ascii: "\"") {
      return URI.Parameter(name: name, value: unquoted(value), isQuoted: true)
    }
    return URI.Parameter(name: name, value: text(value))
  }
}
