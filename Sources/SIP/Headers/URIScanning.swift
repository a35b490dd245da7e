/// The parts of a URI as ranges.
struct URIRanges {
  var scheme = 0..<0
  var user: Range<Int>?
  var password: Range<Int>?
  var host = 0..<0
  var port: UInt16?
  /// From the first semicolon on.
  var parameters = 0..<0
  var headers: Range<Int>?
  var opaque: Range<Int>?
}

extension Span where Element == UInt8 {
  /// Reads a URI that fills the whole range (RFC 3261 section 25.1: SIP-URI, SIPS-URI, absoluteURI).
  func uri(_ range: Range<Int>) throws(ParseError) -> URIRanges {
    var ranges = URIRanges()
    try uri(range.lowerBound, range.upperBound, into: &ranges)
    return ranges
  }

  /// The same, into ranges that say nothing yet: the parser reads many, and keeps none.
  @inline(__always)
  func uri(_ start: Int, _ end: Int, into ranges: inout URIRanges) throws(ParseError) {
    let colon = skip(.scheme, start, end)
    guard isAt(UInt8(ascii: ":"), colon, end), colon > start, ASCII.lower(self[start]) >= UInt8(ascii: "a") else {
      throw ParseError(offset: min(colon, end), reason: "URI without a scheme")
    }
    ranges.scheme = start..<colon
    let rest = colon + 1
    if matches("sip", start, colon) || matches("sips", start, colon) {
      try sipURI(rest, end, &ranges)
    } else if matches("tel", start, colon) {
      let numberEnd = firstIndex(of: UInt8(ascii: ";"), rest, end) ?? end
      try check(.user, rest, numberEnd, "character that no telephone number has")
      ranges.user = rest..<numberEnd
      ranges.parameters = numberEnd..<(try uriParameters(numberEnd, end))
      guard ranges.parameters.upperBound == end else {
        throw ParseError(offset: ranges.parameters.upperBound, reason: "character not allowed in a URI")
      }
    } else {
      try check(.uric, rest, end, "character not allowed in a URI")
      ranges.opaque = rest..<end
    }
  }

  @inline(__always)
  private func sipURI(_ start: Int, _ end: Int, _ ranges: inout URIRanges) throws(ParseError) {
    var i = skip(.hostname, start, end)
    if isAt(UInt8(ascii: "@"), i, end), i > start {
      // The common user part, which needs no second look; it begins no escape.
      ranges.user = start..<i
      i += 1
    } else if let at = firstIndex(of: UInt8(ascii: "@"), start, end) {
      let colon = firstIndex(of: UInt8(ascii: ":"), start, at)
      try check(.user, start, colon ?? at, "character not allowed in the user part")
      ranges.user = start..<(colon ?? at)
      if let colon {
        if colon + 1 < at { try check(.password, colon + 1, at, "character not allowed in the password") }
        ranges.password = colon + 1..<at
      }
      i = at + 1
    } else {
      i = start
    }
    let hostEnd = try host(i, end)
    ranges.host = self[i] == UInt8(ascii: "[") ? i + 1..<hostEnd - 1 : i..<hostEnd
    i = hostEnd
    if isAt(UInt8(ascii: ":"), i, end) {
      let (port, next) = try port(i + 1, end)
      ranges.port = port
      i = next
    }
    let parametersEnd = try uriParameters(i, end)
    ranges.parameters = i..<parametersEnd
    i = parametersEnd
    if isAt(UInt8(ascii: "?"), i, end) {
      try check(.uriHeaders, i + 1, end, "character not allowed in the headers of a URI")
      ranges.headers = i + 1..<end
      i = end
    }
    guard i == end else { throw ParseError(offset: i, reason: "character not allowed in a URI") }
  }

  @inline(__always)
  private func uriParameters(_ start: Int, _ end: Int) throws(ParseError) -> Int {
    var i = start
    while isAt(UInt8(ascii: ";"), i, end) {
      let name = i + 1
      i = skip(.uriParameter, name, end)
      guard i > name else { throw ParseError(offset: name, reason: "URI parameter without a name") }
      if isAt(UInt8(ascii: "="), i, end) {
        let value = i + 1
        i = skip(.uriParameter, value, end)
        guard i > value else { throw ParseError(offset: value, reason: "URI parameter without a value behind =") }
      }
      try checkEscapes(name, i)
    }
    return i
  }

  /// All of a range that may not be empty is of the set, and each percent sign begins an escape.
  private func check(_ set: ByteSet, _ start: Int, _ end: Int, _ fault: StaticString) throws(ParseError) {
    let stop = skip(set, start, end)
    guard stop == end, end > start else { throw ParseError(offset: stop, reason: fault.description) }
    try checkEscapes(start, end)
  }

  @inline(__always)
  private func checkEscapes(_ start: Int, _ end: Int) throws(ParseError) {
    var i = start
    while let percent = firstIndex(of: UInt8(ascii: "%"), i, end) {
      guard percent + 2 < end, ASCII.isHexDigit(self[percent + 1]), ASCII.isHexDigit(self[percent + 2]) else {
        throw ParseError(offset: percent, reason: "percent sign without two hexadecimal digits")
      }
      i = percent + 3
    }
  }

  /// A host name, an IPv4 address or an IPv6 reference in brackets; returns the index behind it.
  @inline(__always)
  func host(_ start: Int, _ end: Int) throws(ParseError) -> Int {
    if isAt(UInt8(ascii: "["), start, end) {
      guard let close = firstIndex(of: UInt8(ascii: "]"), start, end) else {
        throw ParseError(offset: start, reason: "IPv6 reference without its closing bracket")
      }
      guard Endpoint.IPv6(self, start + 1..<close) != nil else {
        throw ParseError(offset: start + 1, reason: "not an IPv6 address")
      }
      return close + 1
    }
    let stop = skip(.hostname, start, end)
    guard stop > start else { throw ParseError(offset: start, reason: "host missing") }
    guard ByteSet.alphanum.contains(self[start]) || self[start] == UInt8(ascii: "_") else {
      throw ParseError(offset: start, reason: "host name begins with a sign")
    }
    return stop
  }

  @inline(__always)
  func port(_ start: Int, _ end: Int) throws(ParseError) -> (UInt16, next: Int) {
    var i = start
    while i < end, ASCII.isDigit(self[i]) { i += 1 }
    // The limit makes the conversion exact.
    return (UInt16(try number(start, i, upTo: 65_535, "port is not a number")), i)
  }
}
