/// A name-addr or addr-spec with its header parameters (RFC 3261 section 20: From, To, Contact, Route…).
public struct Address: Hashable, Sendable {
  /// Without quotes and escapes.
  public var displayName: String?
  public var uri: URI
  public var parameters: [URI.Parameter]
  public var tag: String? { parameter("tag") }
  public init(displayName: String? = nil, uri: URI, parameters: [URI.Parameter] = []) {
    self.displayName = displayName
    self.uri = uri
    self.parameters = parameters
  }

  /// Reads one address that fills the text.
  public init(parsing text: String) throws(ParseError) {
    let bytes = Array(text.utf8)
    let span = bytes.span
    var i = span.skipSpace(0, bytes.count)
    let ranges = try span.address(&i, bytes.count)
    guard i == bytes.count else { throw ParseError(offset: i, reason: "text behind an address") }
    self.init(span, ranges)
  }

  /// The value of a header parameter; an empty string if it stands without one.
  public func parameter(_ name: String) -> String? {
    parameters.first { $0.name == name }.map { $0.value ?? "" }
  }

  init(_ bytes: Span<UInt8>, _ ranges: AddressRanges) {
    displayName = ranges.displayName.map {
      bytes[$0.lowerBound] == UInt8(ascii: "\"") ? bytes.unquoted($0) : bytes.unfolded($0)
    }
    uri = URI(bytes, ranges.uri)
    parameters = []
    var i = ranges.parameters.lowerBound
    // The ranges come from a scan that has read these parameters already.
    while let parameter = try? bytes.parameter(&i, ranges.parameters.upperBound) {
      parameters.append(bytes.decoded(parameter))
    }
  }
}

/// The parts of an address as ranges.
struct AddressRanges {
  /// With its quotes, if it has any.
  var displayName: Range<Int>?
  var uri = URIRanges()
  /// The URI stood in angle brackets.
  var isBracketed = false
  var parameters = 0..<0
  var tag: Range<Int>?
}

extension Span where Element == UInt8 {
  /// Reads `name-addr` or `addr-spec` and the parameters behind it; `i` moves behind them and the white space after.
  func address(_ i: inout Int, _ end: Int) throws(ParseError) -> AddressRanges {
    var ranges = AddressRanges()
    try address(&i, end, into: &ranges)
    return ranges
  }

  /// The same, into ranges that say nothing yet.
  func address(_ i: inout Int, _ end: Int, into ranges: inout AddressRanges) throws(ParseError) {
    let start = i
    if isAt(UInt8(ascii: "\""), i, end) {
      i = try quotedEnd(i, end)
      ranges.displayName = start..<i
      i = skipSpace(i, end)
      guard isAt(UInt8(ascii: "<"), i, end) else {
        throw ParseError(offset: i, reason: "display name without a URI in angle brackets")
      }
    } else {
      // Words and white space up to "<" are a display name; anything else begins a URI (RFC 4475 section 3.1.1.6:
      // the white space before "<" may be missing).
      var stop = i
      while stop < end {
        let next = skipSpace(skip(.token, stop, end), end)
        if next == stop { break }
        stop = next
      }
      if isAt(UInt8(ascii: "<"), stop, end) {
        if stop > start { ranges.displayName = start..<trimEnd(start, stop) }
        i = stop
      }
    }
    ranges.isBracketed = try bracketedOrBare(&i, end, &ranges.uri)
    let parameters = i
    while let parameter = try parameter(&i, end) {
      guard matches("tag", parameter.name.lowerBound, parameter.name.upperBound) else { continue }
      guard ranges.tag == nil else { throw ParseError(offset: parameter.name.lowerBound, reason: "second tag") }
      guard let value = parameter.value, self[value.lowerBound] != UInt8(ascii: "\"") else {
        throw ParseError(offset: parameter.name.lowerBound, reason: "tag is not a token")
      }
      ranges.tag = value
    }
    ranges.parameters = parameters..<i
  }

  /// True if the URI stood in angle brackets.
  @inline(__always)
  private func bracketedOrBare(_ i: inout Int, _ end: Int, _ ranges: inout URIRanges) throws(ParseError) -> Bool {
    if isAt(UInt8(ascii: "<"), i, end) {
      guard let close = firstIndex(of: UInt8(ascii: ">"), i, end) else {
        throw ParseError(offset: i, reason: "angle bracket not closed")
      }
      try uri(i + 1, close, into: &ranges)
      i = skipSpace(close + 1, end)
      return true
    }
    // Without brackets the first semicolon, comma or question mark ends the URI (RFC 3261 section 20).
    let start = i
    while i < end {
      switch self[i] {
      case UInt8(ascii: ";"), UInt8(ascii: ","), ASCII.space, ASCII.tab, ASCII.cr:
        break
      case UInt8(ascii: "?"):
        throw ParseError(offset: i, reason: "URI with headers needs angle brackets")
      default:
        i += 1
        continue
      }
      break
    }
    guard i > start else { throw ParseError(offset: start, reason: "URI missing") }
    try uri(start, i, into: &ranges)
    i = skipSpace(i, end)
    return false
  }
}
