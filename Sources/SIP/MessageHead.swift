internal import Primitives

/// One header line with its continuation lines, as offsets.
struct HeaderField: Sendable {
  var name: UInt32
  var nameEnd: UInt32
  /// Without white space at either end; folds inside remain.
  var value: UInt32
  var valueEnd: UInt32
  var header: HeaderName

  var nameRange: Range<Int> { Int(name)..<Int(nameEnd) }
  var valueRange: Range<Int> { Int(value)..<Int(valueEnd) }
}

/// The start line and the table of headers. Whoever asks where a message ends reads this first, and asks `length`:
/// datagram parser and stream framer share the two, so that they cannot disagree.
struct MessageHead: Sendable {
  var startLineEnd: Int
  var fields: [HeaderField]
  /// Behind the empty line.
  var bodyStart: Int

  /// Splits lines strictly by CRLF. A bare CR or LF, and a control character that no backslash escapes, is an error.
  init(scanning bytes: Span<UInt8>, limits: Limits) throws(ParseError) {
    startLineEnd = bytes.indexOfControl(from: 0)
    try Self.checkLineEnd(bytes, startLineEnd)
    guard startLineEnd > 0 else { throw ParseError(offset: 0, reason: "empty line where the start line belongs") }
    guard startLineEnd <= limits.headerLine else {
      throw ParseError(offset: limits.headerLine, reason: "start line too long", status: 414)
    }
    fields = []
    fields.reserveCapacity(20)
    var i = startLineEnd + 2
    while true {
      guard i < bytes.count else { throw ParseError(offset: bytes.count, reason: "no empty line behind the headers") }
      if bytes[i] == ASCII.cr {
        try Self.checkLineEnd(bytes, i)
        break
      }
      guard fields.count < limits.headers else {
        throw ParseError(offset: i, reason: "too many headers", status: 513)
      }
      let field = try Self.field(bytes, &i, limits)
      fields.append(field)
    }
    bodyStart = i + 2
  }

  @inline(__always)
  private static func field(
    _ bytes: Span<UInt8>, _ i: inout Int, _ limits: Limits
  ) throws(ParseError) -> HeaderField {
    let start = i
    guard bytes[start] != ASCII.space, bytes[start] != ASCII.tab else {
      throw ParseError(offset: start, reason: "continuation line without a header")
    }
    let (lineEnd, next) = try foldedEnd(bytes, start)
    i = next
    guard next - start <= limits.headerLine else {
      throw ParseError(offset: start, reason: "header too long", status: 513)
    }
    let colon = bytes.index(of: UInt8(ascii: ":"), start, lineEnd)
    let nameEnd = bytes.trimEnd(start, colon)
    let header = HeaderName(bytes, start, nameEnd)
    // A name that is no token is not a header we process, so it does no harm (RFC 3261 section 16.3 item 1).
    guard colon < lineEnd, nameEnd > start,
      header != .other || bytes.firstIndex(of: ASCII.cr, start, colon) == nil
    else { throw ParseError(offset: start, reason: "header without a name and a colon") }
    let value = bytes.skipSpace(colon + 1, lineEnd)
    return HeaderField(
      name: UInt32(truncatingIfNeeded: start), nameEnd: UInt32(truncatingIfNeeded: nameEnd),
      value: UInt32(truncatingIfNeeded: value),
      valueEnd: UInt32(truncatingIfNeeded: bytes.trimEnd(value, lineEnd)), header: header)
  }

  /// The end of the header that begins at `start`, and where the next one begins.
  @inline(__always)
  private static func foldedEnd(
    _ bytes: Span<UInt8>, _ start: Int
  ) throws(ParseError) -> (end: Int, next: Int) {
    var i = start
    while true {
      i = bytes.indexOfControl(from: i)
      if i < bytes.count, bytes[i] != ASCII.cr, bytes[i] != ASCII.lf, isEscaped(bytes, i, since: start) {
        i += 1
        continue
      }
      try checkLineEnd(bytes, i)
      guard i + 2 < bytes.count, bytes[i + 2] == ASCII.space || bytes[i + 2] == ASCII.tab else { return (i, i + 2) }
      i += 2
    }
  }

  /// Whether an odd number of backslashes stands before `i`.
  private static func isEscaped(_ bytes: Span<UInt8>, _ i: Int, since start: Int) -> Bool {
    var first = i
    while first > start, bytes[first - 1] == UInt8(ascii: "\\") { first -= 1 }
    return (i - first) % 2 == 1
  }

  @inline(__always)
  private static func checkLineEnd(_ bytes: Span<UInt8>, _ i: Int) throws(ParseError) {
    guard i < bytes.count else { throw ParseError(offset: i, reason: "no empty line behind the headers") }
    switch bytes[i] {
    case ASCII.cr:
      guard i + 1 < bytes.count, bytes[i + 1] == ASCII.lf else {
        throw ParseError(offset: i, reason: "CR without LF")
      }
    case ASCII.lf: throw ParseError(offset: i, reason: "LF without CR")
    default: throw ParseError(offset: i, reason: "control character")
    }
  }

  /// Bytes of the whole message as its Content-Length says; nil without one, when a datagram's end is the message's.
  func length(_ bytes: Span<UInt8>, limits: Limits) throws(ParseError) -> Int? {
    var length: Int?
    for field in fields where field.header == .contentLength {
      let (start, end) = (Int(field.value), Int(field.valueEnd))
      guard length == nil else { throw ParseError(offset: Int(field.name), reason: "second Content-Length") }
      let body = try bytes.number(start, end, upTo: UInt64(UInt32.max), "Content-Length is not a number")
      guard bodyStart + Int(body) <= limits.message else {
        throw ParseError(offset: start, reason: "message too long", status: 513)
      }
      length = bodyStart + Int(body)
    }
    return length
  }
}
