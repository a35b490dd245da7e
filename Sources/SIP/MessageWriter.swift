internal import Primitives

/// Writes requests and responses into one built: start line, headers in the order of the calls, `finish`.
///
/// Whatever a value says, it stays inside its line: CR, LF, NUL and other control characters become spaces, display
/// names are quoted anew, and a header whose name is no token is left out.
public struct MessageWriter: ~Copyable, Sendable {
  private var built = ByteBuilder(capacity: 1_024)

  public init() {}

  /// What was written since the last `finish`.
  public var bytes: [UInt8] { built.array }

  public mutating func request(_ method: Method, _ uri: URI) {
    built.append(method.name, keeping: .token)
    built.append(ASCII.space)
    uri.write(into: &built)
    line(" SIP/2.0")
  }

  public mutating func response(_ status: Int, reason: String? = nil) {
    built.append("SIP/2.0 ")
    built.append(decimal: status)
    built.append(ASCII.space)
    text(reason ?? reasonPhrase(status))
    line("")
  }

  /// The start line of a response and all it takes from its request (RFC 3261 section 8.2.6): every Via, From, To,
  /// Call-ID, CSeq, the Timestamp in a 100, and Record-Route where the response makes a dialog (section 12.1.1).
  ///
  /// `tag` is added to a To without one. `source` is where the request came from, written into the topmost Via.
  public mutating func response(
    to request: Message, status: Int, reason: String? = nil, tag: String?, source: Endpoint? = nil
  ) {
    response(status, reason: reason)
    vias(of: request, source: source)
    copy(.from, from: request)
    to(of: request, tag: status == 100 ? nil : tag)
    copy(.callID, from: request)
    copy(.cseq, from: request)
    if status == 100 { copy("Timestamp", from: request) }
    if status > 100, status < 300 { copy(.recordRoute, from: request) }
  }

  public mutating func header(_ name: String, _ value: String) {
    guard self.name(name) else { return }
    text(value)
    line("")
  }

  public mutating func header(_ name: String, _ value: Int) {
    guard self.name(name) else { return }
    built.append(decimal: value)
    line("")
  }

  public mutating func header(_ name: String, _ address: Address) {
    guard self.name(name) else { return }
    write(address)
    line("")
  }

  /// A header of ours, whose name is a token and whose value may not be.
  mutating func header(own name: StaticString, _ value: String) {
    built.append(name)
    built.append(": ")
    text(value)
    line("")
  }

  /// An address alone.
  static func text(_ address: Address) -> String {
    var writer = MessageWriter()
    writer.write(address)
    return writer.built.text
  }

  public mutating func via(_ via: Via) {
    built.append("Via: ")
    write(via)
    line("")
  }

  public mutating func cseq(_ number: UInt32, _ method: Method) {
    built.append("CSeq: ")
    built.append(decimal: Int(number))
    built.append(ASCII.space)
    text(method.name)
    line("")
  }

  /// The lines of a header as they stand in a message, unfolded.
  public mutating func copy(_ name: String, from message: Message) {
    for field in message.allFields(name) {
      _ = self.name(name)
      copy(message.bytes, field.valueRange)
      line("")
    }
  }

  mutating func copy(_ header: HeaderName, from message: Message) {
    for field in message.fields where field.header == header {
      built.append(header.long)
      built.append(": ")
      copy(message.bytes, field.valueRange)
      line("")
    }
  }

  /// Content-Type if there is a body, Content-Length always, the body; returns the message and leaves the writer empty.
  public mutating func finish(contentType: String? = nil, body: some Collection<UInt8> = EmptyCollection()) -> [UInt8] {
    if let contentType { header(own: "Content-Type", contentType) }
    built.append("Content-Length: ")
    built.append(decimal: body.count)
    built.append("\r\n\r\n")
    if body.withContiguousStorageIfAvailable({ built.append($0) }) == nil { for byte in body { built.append(byte) } }
    defer { built.truncate(to: 0) }
    return built.array
  }

  /// A message written anew: long names, no folds, addresses and Via in one form, the length counted. Written twice, it
  /// stays as it is.
  public static func rewritten(_ message: Message) -> [UInt8] {
    var writer = MessageWriter()
    if message.isRequest {
      writer.request(message.method, message.requestURI)
    } else {
      writer.response(message.status, reason: message.reason)
    }
    let span = message.bytes.span
    var written: UInt32 = 0
    for field in message.fields {
      let bit: UInt32 = 1 << UInt32(field.header.rawValue)
      let name = field.header == .other ? span.text(field.nameRange) : field.header.long.description
      switch field.header {
      case .contentLength: continue
      case .via, .from, .to, .contact, .route, .recordRoute:
        guard written & bit == 0 else { continue }
        written |= bit
        writer.values(of: field.header, name, message)
      default:
        guard writer.name(name) else { continue }
        writer.built.append(utf8: message.bytes.span.unfolded(field.valueRange))
        writer.line("")
      }
    }
    return writer.finish(body: message.body)
  }

  private mutating func values(of header: HeaderName, _ name: String, _ message: Message) {
    switch header {
    case .via: message.vias.forEach { via($0) }
    case .from: self.header(name, message.from)
    case .to: self.header(name, message.to)
    case .route: message.routes.forEach { self.header(name, $0) }
    case .recordRoute: message.recordRoutes.forEach { self.header(name, $0) }
    default:
      if message.isWildcardContact { self.header(name, "*") }
      message.contacts.forEach { self.header(name, $0) }
    }
  }
}

extension MessageWriter {
  /// Refuses bytes that are no message, as far as they let themselves be answered (RFC 3261 section 8.2): nil where the
  /// lines cannot be told apart, where a header that a response must repeat is missing or doubled, and for responses
  /// and ACK, which are never answered.
  public static func refusal(
    of bytes: [UInt8], for error: ParseError, tag: String, source: Endpoint?
  ) -> [UInt8]? {
    let span = bytes.span
    guard let head = try? MessageHead(scanning: span, limits: Limits()), !span.matches("sip/", 0, min(4, bytes.count)),
      !span.matches("ack ", 0, min(4, bytes.count))
    else { return nil }
    let once = { (header: HeaderName) in head.fields.filter { $0.header == header }.count == 1 }
    let vias = head.fields.filter { $0.header == .via }
    guard let top = vias.first, [HeaderName.from, .to, .callID, .cseq].allSatisfy(once) else { return nil }
    var writer = MessageWriter()
    writer.response(error.status)
    writer.top(top, bytes, source: source)
    for header in [HeaderName.via, .from, .to, .callID, .cseq] {
      for field in head.fields where field.header == header && !(header == .via && field.name == top.name) {
        _ = writer.name(header.long.description)
        writer.copy(bytes, field.valueRange)
        if header == .to, !ASCII.lowercased(span.unfolded(field.valueRange)).contains("tag=") {
          writer.built.append(utf8: ";tag=\(tag)")
        }
        writer.line("")
      }
    }
    return writer.finish()
  }

  private mutating func vias(of request: Message, source: Endpoint?) {
    var isTop = true
    for field in request.fields where field.header == .via {
      if isTop {
        top(field, request.bytes, source: source)
      } else {
        built.append("Via: ")
        copy(request.bytes, field.valueRange)
        line("")
      }
      isTop = false
    }
  }

  /// The line with the topmost Via, which learns where the request came from; the values behind it are copied.
  private mutating func top(_ field: HeaderField, _ bytes: [UInt8], source: Endpoint?) {
    built.append("Via: ")
    let span = bytes.span
    var i = Int(field.value)
    if let source, let ranges = try? span.via(&i, Int(field.valueEnd)) {
      stamp(bytes, ranges, Int(field.value), source: source)
      copy(bytes, i..<Int(field.valueEnd))
    } else {
      copy(bytes, field.valueRange)
    }
    line("")
  }

  /// `Via.stamp` on the value as it stands in the request.
  private mutating func stamp(_ bytes: [UInt8], _ ranges: ViaRanges, _ start: Int, source: Endpoint) {
    let span = bytes.span
    copy(bytes, start..<ranges.parameters.lowerBound)
    var asksPort = false
    var i = ranges.parameters.lowerBound
    // The ranges come from a scan that has read these parameters already.
    while let parameter = try? span.parameter(&i, ranges.parameters.upperBound) {
      if span.matches("received", parameter.name.lowerBound, parameter.name.upperBound) { continue }
      let isPort = span.matches("rport", parameter.name.lowerBound, parameter.name.upperBound)
      built.append(UInt8(ascii: ";"))
      copy(bytes, parameter.name)
      guard isPort || parameter.value != nil else { continue }
      built.append(UInt8(ascii: "="))
      if isPort, !asksPort {
        built.append(decimal: Int(source.port))
      } else if let value = parameter.value {
        copy(bytes, value)
      }
      asksPort = asksPort || isPort
    }
    guard asksPort || !span.names(source, ranges.host) else { return }
    built.append(";received=")
    built.append(utf8: source.address)
  }

  private mutating func to(of request: Message, tag: String?) {
    guard let tag, request.toTag == nil, let field = request.field(.to) else { return copy(.to, from: request) }
    built.append("To: ")
    copy(request.bytes, field.valueRange)
    parameter(URI.Parameter(name: "tag", value: tag))
    line("")
  }

  /// False, and nothing written, if the name is no token.
  private mutating func name(_ name: String) -> Bool {
    let start = built.count
    built.append(utf8: name)
    guard built.count > start, built.holds(.token, from: start) else {
      built.truncate(to: start)
      return false
    }
    built.append(": ")
    return true
  }

  private mutating func write(_ via: Via) {
    built.append("SIP/2.0/")
    built.append(via.transport, keeping: .token)
    built.append(ASCII.space)
    Host.write(via.host, into: &built)
    if let port = via.port {
      built.append(UInt8(ascii: ":"))
      built.append(decimal: Int(port))
    }
    for parameter in via.parameters { self.parameter(parameter) }
  }

  private mutating func write(_ address: Address) {
    if let name = address.displayName {
      quoted(name)
      built.append(ASCII.space)
    }
    built.append(UInt8(ascii: "<"))
    address.uri.write(into: &built)
    built.append(UInt8(ascii: ">"))
    for parameter in address.parameters { self.parameter(parameter) }
  }

  private mutating func parameter(_ parameter: URI.Parameter) {
    let start = built.count
    built.append(UInt8(ascii: ";"))
    built.append(utf8: parameter.name)
    guard built.count > start + 1, built.holds(.token, from: start + 1) else { return built.truncate(to: start) }
    guard let value = parameter.value else { return }
    built.append(UInt8(ascii: "="))
    if parameter.isQuoted || value.isEmpty || !value.utf8.allSatisfy(ByteSet.parameterValue.contains) {
      quoted(value)
    } else {
      built.append(utf8: value)
    }
  }

  /// Controls stand in quotes behind a backslash (`quoted-pair`), all but CR and LF, which nothing can escape.
  private mutating func quoted(_ string: String) {
    built.append(UInt8(ascii: "\""))
    for byte in string.utf8 {
      switch byte {
      case ASCII.cr, ASCII.lf: built.append(ASCII.space)
      case UInt8(ascii: "\""), UInt8(ascii: "\\"), 0..<ASCII.tab, ASCII.tab + 1..<ASCII.space, 0x7f:
        built.append(UInt8(ascii: "\\"))
        built.append(byte)
      default: built.append(byte)
      }
    }
    built.append(UInt8(ascii: "\""))
  }

  /// A value from outside, kept to its line.
  private mutating func text(_ string: String) {
    let start = built.count
    built.append(utf8: string)
    blank(from: start) { _ in true }
  }

  /// A value from a parsed message: its line ends are folds, its other controls are escaped.
  private mutating func copy(_ bytes: [UInt8], _ range: Range<Int>) {
    let start = built.count
    built.append(bytes, range)
    blank(from: start) { $0 == ASCII.cr || $0 == ASCII.lf }
  }

  /// Makes spaces of control characters.
  @inline(__always)
  private mutating func blank(from start: Int, where isUnwanted: (UInt8) -> Bool) {
    var i = built.withSpan { $0.indexOfControl(from: start) }
    while i < built.count {
      if isUnwanted(built[i]) { built[i] = ASCII.space }
      i = built.withSpan { $0.indexOfControl(from: i + 1) }
    }
  }

  private mutating func line(_ end: StaticString) {
    built.append(end)
    built.append(ASCII.cr)
    built.append(ASCII.lf)
  }
}

extension ByteBuilder {
  /// Whether all bytes from `start` on are of the set.
  func holds(_ set: ByteSet, from start: Int) -> Bool { withSpan { $0.skip(set, start, $0.count) } == count }

  /// The text without the bytes that are not of the set.
  mutating func append(_ text: String, keeping set: ByteSet) {
    let start = count
    append(utf8: text)
    guard !holds(set, from: start) else { return }
    truncate(to: start)
    for byte in text.utf8 where set.contains(byte) { append(byte) }
  }
}

extension Span where Element == UInt8 {
  /// Whether the host in this range is the address of an endpoint.
  func names(_ endpoint: Endpoint, _ host: Range<Int>) -> Bool {
    if let ipv4 = Endpoint.ipv4(self, host) { return ipv4 == endpoint.ipv4 }
    guard let ipv6 = Endpoint.IPv6(self, host) else { return false }
    return ipv6.high == endpoint.high && ipv6.low == endpoint.low
  }
}
