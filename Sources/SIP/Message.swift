/// A well-formed SIP message: one byte buffer and offsets into it. It exists only if the whole of it was understood
/// (RFC 3261 section 7, 25). A `Sendable` value, cheap to hand to another thread.
///
/// Parsing checks the start line, every header that identifies or routes the message, and its length; strings are made
/// only when an accessor is asked. Headers that no rule of this layer needs may say what they like.
public struct Message: Sendable {
  public enum Kind: Sendable, Equatable {
    case request(Method)
    case response(status: Int)
  }

  /// The message as received, without what a datagram carried behind it.
  public let bytes: [UInt8]
  public let kind: Kind
  /// The method of a request, or of the CSeq of a response.
  public let method: Method
  public let cseq: UInt32
  /// Where the tags stand, by which every message finds its dialog.
  let fromTag: Range<Int>?
  let toTag: Range<Int>?
  let fields: [HeaderField]
  let startLine: StartLine
  let bodyStart: Int

  /// Parses one whole message: a datagram, or what the stream framer cut.
  public init(parsing bytes: [UInt8], limits: Limits = Limits()) throws(ParseError) {
    let span = bytes.span
    let head = try MessageHead(scanning: span, limits: limits)
    let length = try head.length(span, limits: limits) ?? bytes.count
    let startLine = try StartLine(span, end: head.startLineEnd)
    let (cseq, method, fromTag, toTag) = try head.validated(span, startLine, limits: limits)
    guard length <= limits.message else {
      throw ParseError(offset: limits.message, reason: "message too long", status: 513)
    }
    guard length <= bytes.count else {
      throw ParseError(offset: bytes.count, reason: "message ends before its Content-Length says")
    }
    self.bytes = length == bytes.count ? bytes : Array(bytes[..<length])
    self.kind = startLine.status == 0 ? .request(method) : .response(status: startLine.status)
    self.method = method
    self.cseq = cseq
    self.fromTag = fromTag
    self.toTag = toTag
    self.fields = head.fields
    self.startLine = startLine
    self.bodyStart = head.bodyStart
  }

  public var isRequest: Bool { startLine.status == 0 }
  /// Of a response; 0 for a request.
  public var status: Int { startLine.status }
  /// The reason phrase of a response; empty for a request.
  public var reason: String { isRequest ? "" : bytes.span.text(startLine.target) }
  /// Of a request; for a response that of its To, so that the accessor is total.
  public var requestURI: URI {
    // The range was read once when the message was parsed.
    guard isRequest, let ranges = try? bytes.span.uri(startLine.target) else { return to.uri }
    return URI(bytes.span, ranges)
  }
  /// The Request-URI is a SIP, SIPS or TEL URI.
  var namesKnownScheme: Bool {
    let span = bytes.span
    let (start, end) = (startLine.target.lowerBound, startLine.target.upperBound)
    let colon = span.firstIndex(of: UInt8(ascii: ":"), start, end) ?? end
    return span.matches("sip", start, colon) || span.matches("sips", start, colon) || span.matches("tel", start, colon)
  }
  /// The Request-URI is a SIPS URI.
  var asksForSecurity: Bool {
    isRequest
      && bytes.span.matches(
        "sips:", startLine.target.lowerBound, min(startLine.target.lowerBound + 5, startLine.target.upperBound))
  }
  public var body: ArraySlice<UInt8> { bytes[bodyStart...] }
}

/// The start line as ranges.
struct StartLine: Sendable {
  /// Of a request; the status code of a response.
  var method: Range<Int>
  /// The Request-URI, or the reason phrase.
  var target: Range<Int>
  /// 0 for a request.
  var status: Int

  /// Reads the line that ends at `end` (RFC 3261 section 7.1, 7.2): single spaces, nothing behind the version.
  init(_ bytes: Span<UInt8>, end: Int) throws(ParseError) {
    if end >= 4, bytes.matches("sip/", 0, 4) {
      try self.init(status: bytes, end: end)
    } else {
      try self.init(request: bytes, end: end)
    }
  }

  private init(request bytes: Span<UInt8>, end: Int) throws(ParseError) {
    let methodEnd = bytes.skip(.token, 0, end)
    guard methodEnd > 0, bytes.isAt(ASCII.space, methodEnd, end) else {
      throw ParseError(offset: methodEnd, reason: "start line begins with no method and no version")
    }
    let targetEnd = bytes.firstIndex(of: ASCII.space, methodEnd + 1, end) ?? end
    guard targetEnd < end else { throw ParseError(offset: end, reason: "request line without a version") }
    // The version first: a later one may have another grammar for the URI.
    let versionEnd = bytes.trimEnd(targetEnd, end)
    let versionStart = bytes.lastIndex(of: ASCII.space, methodEnd, versionEnd) + 1
    try Self.version(bytes, versionStart, versionEnd)
    guard versionEnd == end else { throw ParseError(offset: versionEnd, reason: "white space behind the version") }
    var ranges = URIRanges()
    try bytes.uri(methodEnd + 1, targetEnd, into: &ranges)
    guard targetEnd + 1 == versionStart else { throw ParseError(offset: targetEnd, reason: "space in the Request-URI") }
    if let headers = ranges.headers {
      throw ParseError(offset: headers.lowerBound - 1, reason: "Request-URI with headers")
    }
    method = 0..<methodEnd
    target = methodEnd + 1..<targetEnd
    status = 0
  }

  private init(status bytes: Span<UInt8>, end: Int) throws(ParseError) {
    let versionEnd = bytes.firstIndex(of: ASCII.space, 0, end) ?? end
    try Self.version(bytes, 0, versionEnd)
    let start = versionEnd + 1
    let codeEnd = start < end ? bytes.firstIndex(of: ASCII.space, start, end) ?? end : end
    guard codeEnd == start + 3 else { throw ParseError(offset: min(start, end), reason: "status is not three digits") }
    status = Int(try bytes.number(start, codeEnd, upTo: 999, "status is not three digits"))
    guard status >= 100, status <= 699 else { throw ParseError(offset: start, reason: "status outside 100 to 699") }
    method = start..<codeEnd
    // The space before an empty reason phrase is left out by some.
    target = min(codeEnd + 1, end)..<end
  }

  private static func version(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) throws(ParseError) {
    if bytes.matches("sip/2.0", start, end) { return }
    guard end - start > 4, bytes.matches("sip/", start, start + 4) else {
      throw ParseError(offset: start, reason: "version is not SIP/2.0")
    }
    guard let dot = bytes.firstIndex(of: UInt8(ascii: "."), start + 4, end) else {
      throw ParseError(offset: start, reason: "version is not SIP/2.0")
    }
    _ = try bytes.number(start + 4, dot, upTo: UInt64.max / 100, "version is not SIP/2.0")
    _ = try bytes.number(dot + 1, end, upTo: UInt64.max / 100, "version is not SIP/2.0")
    throw ParseError(offset: start, reason: "version of SIP not supported", status: 505)
  }
}

extension Span where Element == UInt8 {
  /// The last index of a byte that the range is known to hold.
  func lastIndex(of byte: UInt8, _ start: Int, _ end: Int) -> Int {
    var i = end - 1
    while i > start, self[i] != byte { i -= 1 }
    return i
  }
}
