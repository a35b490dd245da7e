extension MessageHead {
  /// Checks what identifies and routes the message: To, From, Call-ID, CSeq and Via must be there (RFC 3261 section
  /// 8.1.1; Max-Forwards may be missing, as RFC 2543 had it), single ones single, and all of these with Contact, Route
  /// and Record-Route in their grammar.
  func validated(
    _ bytes: Span<UInt8>, _ startLine: StartLine, limits: Limits
  ) throws(ParseError) -> (cseq: UInt32, method: Method, fromTag: Range<Int>?, toTag: Range<Int>?) {
    var seen = Seen()
    var fromTag: Range<Int>?
    var toTag: Range<Int>?
    var vias = 0
    var sequence: (number: UInt32, method: Range<Int>) = (0, 0..<0)
    var contactValues = 0
    for field in fields {
      let (start, end) = (Int(field.value), Int(field.valueEnd))
      switch field.header {
      case .via: vias += try Self.vias(bytes, start, end)
      case .from, .to:
        try seen.insert(field)
        var i = start
        var ranges = AddressRanges()
        try bytes.address(&i, end, into: &ranges)
        guard i == end else { throw ParseError(offset: i, reason: "text behind the address") }
        if field.header == .from { fromTag = ranges.tag } else { toTag = ranges.tag }
      case .callID:
        try seen.insert(field)
        try Self.callID(bytes, start, end)
      case .cseq:
        try seen.insert(field)
        sequence = try Self.sequence(bytes, start, end)
      case .maxForwards:
        try seen.insert(field)
        _ = try bytes.number(start, end, upTo: 255, "Max-Forwards is not a number")
      case .contact: try Self.contacts(bytes, start, end, &contactValues)
      case .route, .recordRoute: try Self.routes(bytes, start, end)
      case .contentType, .expires: try seen.insert(field)
      default: break
      }
      guard vias <= limits.vias else {
        throw ParseError(offset: Int(field.name), reason: "too many Via values", status: 513)
      }
    }
    try seen.requireAll(vias: vias, headEnd: bodyStart - 2)
    let name = startLine.status == 0 ? startLine.method : sequence.method
    if startLine.status == 0 {
      let isSame =
        name.count == sequence.method.count
        && zip(name, sequence.method).allSatisfy { bytes[$0] == bytes[$1] }
      guard isSame else {
        throw ParseError(offset: sequence.method.lowerBound, reason: "method of CSeq is not that of the request")
      }
    }
    return (sequence.number, Method(bytes, name), fromTag, toTag)
  }

  /// Which of the headers that stand once have come.
  private struct Seen {
    private var bits: UInt32 = 0

    mutating func insert(_ field: HeaderField) throws(ParseError) {
      let bit: UInt32 = 1 << UInt32(field.header.rawValue)
      guard bits & bit == 0 else { throw ParseError(offset: Int(field.name), reason: "second \(field.header.long)") }
      bits |= bit
    }

    func requireAll(vias: Int, headEnd: Int) throws(ParseError) {
      for header in [HeaderName.to, .from, .callID, .cseq] where bits & 1 << UInt32(header.rawValue) == 0 {
        throw ParseError(offset: headEnd, reason: "\(header.long) missing")
      }
      guard vias > 0 else { throw ParseError(offset: headEnd, reason: "Via missing") }
    }
  }

  private static func vias(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) throws(ParseError) -> Int {
    var i = start
    var count = 0
    repeat {
      _ = try bytes.via(&i, end)
      count += 1
    } while try bytes.comma(&i, end)
    return count
  }

  private static func contacts(
    _ bytes: Span<UInt8>, _ start: Int, _ end: Int, _ count: inout Int
  ) throws(ParseError) {
    // "*" removes all bindings and stands alone (RFC 3261 section 10.2.2).
    let isWildcard = end - start == 1 && bytes[start] == UInt8(ascii: "*")
    guard count >= 0, !isWildcard || count == 0 else {
      throw ParseError(offset: start, reason: "* beside another Contact")
    }
    if isWildcard {
      count = -1
      return
    }
    var i = start
    repeat {
      var ranges = AddressRanges()
      try bytes.address(&i, end, into: &ranges)
      count += 1
    } while try bytes.comma(&i, end)
  }

  private static func routes(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) throws(ParseError) {
    var i = start
    repeat {
      let value = i
      var ranges = AddressRanges()
      try bytes.address(&i, end, into: &ranges)
      guard ranges.isBracketed else {
        throw ParseError(offset: value, reason: "route without angle brackets")
      }
    } while try bytes.comma(&i, end)
  }

  /// One word without white space. The grammar forbids some of the signs, but base64 with its `=` is often met, and
  /// the identifier is only ever compared byte by byte.
  private static func callID(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) throws(ParseError) {
    guard start < end else { throw ParseError(offset: start, reason: "Call-ID is empty") }
    let stop = bytes.skip(.visible, start, end)
    guard stop == end else { throw ParseError(offset: stop, reason: "character not allowed in Call-ID") }
  }

  /// A number below 2^31 and a method (RFC 3261 section 8.1.1.5).
  private static func sequence(
    _ bytes: Span<UInt8>, _ start: Int, _ end: Int
  ) throws(ParseError) -> (UInt32, Range<Int>) {
    var digitsEnd = start
    while digitsEnd < end, ASCII.isDigit(bytes[digitsEnd]) { digitsEnd += 1 }
    let number = try bytes.number(start, digitsEnd, upTo: 0x7fff_ffff, "CSeq begins with no number")
    let method = bytes.skipSpace(digitsEnd, end)
    guard method > digitsEnd else { throw ParseError(offset: digitsEnd, reason: "CSeq without a method") }
    let methodEnd = bytes.skip(.token, method, end)
    guard methodEnd == end, methodEnd > method else {
      throw ParseError(offset: methodEnd, reason: "method of CSeq is not a token")
    }
    return (UInt32(number), method..<end)
  }
}

extension Span where Element == UInt8 {
  /// After a list element: true behind a comma with another element to come, false at the end.
  func comma(_ i: inout Int, _ end: Int) throws(ParseError) -> Bool {
    guard i < end else { return false }
    guard self[i] == UInt8(ascii: ",") else { throw ParseError(offset: i, reason: "text behind a value") }
    i = skipSpace(i + 1, end)
    guard i < end else { throw ParseError(offset: i, reason: "value missing behind a comma") }
    return true
  }
}

extension Method {
  init(_ bytes: Span<UInt8>, _ range: Range<Int>) { self.init(bytes.text(range)) }
}
