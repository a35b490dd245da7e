extension Message {
  public var from: Address { address(.from) }
  public var to: Address { address(.to) }
  public var callID: String { field(.callID).map { bytes.span.text($0.valueRange) } ?? "" }

  /// Empty also when the one Contact is `*`.
  public var contacts: [Address] { isWildcardContact ? [] : addresses(.contact) }
  /// `Contact: *`, which removes all bindings (RFC 3261 section 10.2.2).
  public var isWildcardContact: Bool {
    guard let contact = field(.contact) else { return false }
    return contact.valueRange.count == 1 && bytes[contact.valueRange.lowerBound] == UInt8(ascii: "*")
  }
  /// The URI of the first Contact.
  var contactURI: URI? {
    guard let field = field(.contact), !isWildcardContact, case var i = Int(field.value),
      let ranges = try? bytes.span.address(&i, Int(field.valueEnd))
    else { return nil }
    return URI(bytes.span, ranges.uri)
  }
  public var routes: [Address] { addresses(.route) }
  public var recordRoutes: [Address] { addresses(.recordRoute) }

  /// All Via values, the topmost first; there is at least one.
  public var vias: [Via] {
    let span = bytes.span
    var vias: [Via] = []
    for field in fields where field.header == .via {
      var i = Int(field.value)
      // The value was read once when the message was parsed.
      repeat {
        guard let ranges = try? span.via(&i, Int(field.valueEnd)) else { break }
        vias.append(Via(span, ranges))
      } while (try? span.comma(&i, Int(field.valueEnd))) == true
    }
    return vias
  }

  /// It took one hop.
  var hasOneVia: Bool {
    let vias = fields.filter { $0.header == .via }
    return vias.count == 1 && bytes.span.elementEnd(Int(vias[0].value), Int(vias[0].valueEnd)) == Int(vias[0].valueEnd)
  }

  public var topVia: Via {
    let span = bytes.span
    guard let field = field(.via), case var i = Int(field.value),
      let ranges = try? span.via(&i, Int(field.valueEnd))
    else { return Via(transport: "UDP", host: "") }
    return Via(span, ranges)
  }

  /// The branch of the topmost Via.
  var branch: Range<Int>? {
    let span = bytes.span
    guard let field = field(.via), case var i = Int(field.value) else { return nil }
    return (try? span.via(&i, Int(field.valueEnd)))?.branch
  }

  public var maxForwards: Int? { header("Max-Forwards").flatMap { Int($0) } }
  /// Seconds; nil if it is missing or no number, in which case a default applies (RFC 3261 section 10.3).
  public var expires: UInt32? { header("Expires").flatMap { UInt32($0) } }
  public var userAgent: String? { header(isRequest ? "User-Agent" : "Server") }
  public var require: [String] { headers("Require") }
  public var proxyRequire: [String] { headers("Proxy-Require") }
  public var supported: [String] { headers("Supported") }
  public var allow: [Method] { headers("Allow").map { Method($0) } }
  /// Credentials as they were sent, one value per header line.
  public var authorizations: [String] { headers("Authorization") }
  public var proxyAuthorizations: [String] { headers("Proxy-Authorization") }

  /// Media type in lower case without parameters, as `application/sdp`.
  public var contentType: String? {
    guard let field = field(.contentType) else { return nil }
    let span = bytes.span
    let (start, end) = (Int(field.value), Int(field.valueEnd))
    let typeEnd = span.skip(.token, start, end)
    let slash = span.skipSpace(typeEnd, end)
    guard typeEnd > start, span.isAt(UInt8(ascii: "/"), slash, end) else { return nil }
    let subtype = span.skipSpace(slash + 1, end)
    let subtypeEnd = span.skip(.token, subtype, end)
    guard subtypeEnd > subtype else { return nil }
    return ASCII.lowercased(span.text(start..<typeEnd) + "/" + span.text(subtype..<subtypeEnd))
  }

  /// The first value of a header by name (any case, compact or long), unfolded.
  public func header(_ name: String) -> String? {
    let span = bytes.span
    guard let field = firstField(name) else { return nil }
    guard HeaderName.isList(name) else { return span.unfolded(field.valueRange) }
    return span.elements(field.valueRange).first.map { span.unfolded($0) } ?? ""
  }

  /// All values of a header, comma-separated lists taken apart where the header's grammar allows.
  public func headers(_ name: String) -> [String] {
    let span = bytes.span
    let fields = allFields(name)
    guard !fields.isEmpty else { return [] }
    let isList = HeaderName.isList(name)
    var values: [String] = []
    for field in fields {
      let ranges = isList ? span.elements(field.valueRange) : [field.valueRange]
      values += ranges.map { span.unfolded($0) }
    }
    return values
  }

  func field(_ header: HeaderName) -> HeaderField? { fields.first { $0.header == header } }

  func allFields(_ name: String) -> [HeaderField] {
    let known = HeaderName(name)
    if known != .other { return fields.filter { $0.header == known } }
    return fields.filter { $0.header == .other && isNamed($0, name) }
  }

  private func firstField(_ name: String) -> HeaderField? {
    let known = HeaderName(name)
    if known != .other { return field(known) }
    return fields.first { $0.header == .other && isNamed($0, name) }
  }

  /// Most names differ in length already.
  private func isNamed(_ field: HeaderField, _ name: String) -> Bool {
    field.nameRange.count == name.utf8.count && ASCII.equal(bytes[field.nameRange], name.utf8)
  }

  private func address(_ header: HeaderName) -> Address {
    let span = bytes.span
    guard let field = field(header), case var i = Int(field.value),
      let ranges = try? span.address(&i, Int(field.valueEnd))
    else { return Address(uri: URI(host: "")) }
    return Address(span, ranges)
  }

  private func addresses(_ header: HeaderName) -> [Address] {
    let span = bytes.span
    var addresses: [Address] = []
    for field in fields where field.header == header {
      var i = Int(field.value)
      // The value was read once when the message was parsed.
      repeat {
        guard let ranges = try? span.address(&i, Int(field.valueEnd)) else { break }
        addresses.append(Address(span, ranges))
      } while (try? span.comma(&i, Int(field.valueEnd))) == true
    }
    return addresses
  }
}
