/// The headers the parser knows by name, with their compact forms (RFC 3261 section 7.3.3 and the IANA registry).
enum HeaderName: UInt8, Sendable, CaseIterable {
  case via, from, to, callID, cseq, contact, route, recordRoute, maxForwards, contentLength, contentType
  case contentEncoding, expires, supported, subject, event, allowEvents, referTo, referredBy, sessionExpires
  case acceptContact, rejectContact, requestDisposition, identity
  /// Any other header, looked up by its text.
  case other

  /// As it is written.
  var long: StaticString {
    switch self {
    case .via: "Via"
    case .from: "From"
    case .to: "To"
    case .callID: "Call-ID"
    case .cseq: "CSeq"
    case .contact: "Contact"
    case .route: "Route"
    case .recordRoute: "Record-Route"
    case .maxForwards: "Max-Forwards"
    case .contentLength: "Content-Length"
    case .contentType: "Content-Type"
    case .contentEncoding: "Content-Encoding"
    case .expires: "Expires"
    case .supported: "Supported"
    case .subject: "Subject"
    case .event: "Event"
    case .allowEvents: "Allow-Events"
    case .referTo: "Refer-To"
    case .referredBy: "Referred-By"
    case .sessionExpires: "Session-Expires"
    case .acceptContact: "Accept-Contact"
    case .rejectContact: "Reject-Contact"
    case .requestDisposition: "Request-Disposition"
    case .identity: "Identity"
    case .other: ""
    }
  }

  static func compact(_ letter: UInt8) -> HeaderName {
    switch letter | 0x20 {
    case UInt8(ascii: "v"): .via
    case UInt8(ascii: "f"): .from
    case UInt8(ascii: "t"): .to
    case UInt8(ascii: "i"): .callID
    case UInt8(ascii: "m"): .contact
    case UInt8(ascii: "l"): .contentLength
    case UInt8(ascii: "c"): .contentType
    case UInt8(ascii: "e"): .contentEncoding
    case UInt8(ascii: "k"): .supported
    case UInt8(ascii: "s"): .subject
    case UInt8(ascii: "o"): .event
    case UInt8(ascii: "u"): .allowEvents
    case UInt8(ascii: "r"): .referTo
    case UInt8(ascii: "b"): .referredBy
    case UInt8(ascii: "x"): .sessionExpires
    case UInt8(ascii: "a"): .acceptContact
    case UInt8(ascii: "j"): .rejectContact
    case UInt8(ascii: "d"): .requestDisposition
    case UInt8(ascii: "y"): .identity
    default: .other
    }
  }

  /// Length and first letter leave one candidate, which is then compared whole.
  @inline(__always)
  init(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) {
    self = .other
    let count = end - start
    if count == 1 {
      if ASCII.lower(bytes[start]) >= UInt8(ascii: "a") { self = Self.compact(bytes[start]) }
      return
    }
    guard count >= 2 else { return }
    let letter = bytes[start] | 0x20
    let candidate: HeaderName =
      switch count {
      case 2: .to
      case 3: .via
      case 4: letter == UInt8(ascii: "f") ? .from : .cseq
      case 5: letter == UInt8(ascii: "r") ? .route : .event
      case 7:
        switch letter {
        case UInt8(ascii: "c"): bytes[start + 1] | 0x20 == UInt8(ascii: "a") ? .callID : .contact
        case UInt8(ascii: "e"): .expires
        default: .subject
        }
      case 8: letter == UInt8(ascii: "r") ? .referTo : .identity
      case 9: .supported
      case 11: .referredBy
      case 12:
        switch letter {
        case UInt8(ascii: "m"): .maxForwards
        case UInt8(ascii: "c"): .contentType
        case UInt8(ascii: "r"): .recordRoute
        default: .allowEvents
        }
      case 14:
        switch letter {
        case UInt8(ascii: "c"): .contentLength
        case UInt8(ascii: "a"): .acceptContact
        default: .rejectContact
        }
      case 15: .sessionExpires
      case 16: .contentEncoding
      case 19: .requestDisposition
      default: .other
      }
    if candidate != .other, bytes.matches(candidate.long, start, end) { self = candidate }
  }

  init(_ name: String) {
    let utf8 = name.utf8
    self.init(utf8.span, 0, utf8.count)
  }

  /// Whether a header of this name is a comma-separated list, so that several lines and one line mean the same
  /// (RFC 3261 section 7.3.1). Challenges and credentials hold commas but are no lists.
  static func isList(_ name: String) -> Bool {
    switch HeaderName(name) {
    case .via, .contact, .route, .recordRoute, .contentEncoding, .supported, .allowEvents, .acceptContact,
      .rejectContact, .requestDisposition:
      true
    case .other:
      [
        "accept", "accept-encoding", "accept-language", "accept-resource-priority", "alert-info", "allow", "call-info",
        "content-language", "diversion", "error-info", "geolocation", "history-info", "in-reply-to",
        "p-asserted-identity", "p-associated-uri", "p-preferred-identity", "path", "proxy-require", "reason",
        "recv-info", "require", "resource-priority", "security-client", "security-server", "security-verify",
        "service-route", "unsupported", "warning",
      ].contains(ASCII.lowercased(name))
    default: false
    }
  }
}
