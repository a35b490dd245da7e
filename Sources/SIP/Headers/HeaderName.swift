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
  init(_ name: Span<UInt8>) {
    self = .other
    if name.count == 1 {
      if ASCII.lower(name[0]) >= UInt8(ascii: "a") { self = Self.compact(name[0]) }
      return
    }
    guard name.count >= 2 else { return }
    let candidate: HeaderName =
      switch (name.count, name[0] | 0x20) {
      case (2, UInt8(ascii: "t")): .to
      case (3, UInt8(ascii: "v")): .via
      case (4, UInt8(ascii: "f")): .from
      case (4, UInt8(ascii: "c")): .cseq
      case (5, UInt8(ascii: "r")): .route
      case (5, UInt8(ascii: "e")): .event
      case (7, UInt8(ascii: "c")): name[1] | 0x20 == UInt8(ascii: "a") ? .callID : .contact
      case (7, UInt8(ascii: "e")): .expires
      case (7, UInt8(ascii: "s")): .subject
      case (8, UInt8(ascii: "r")): .referTo
      case (8, UInt8(ascii: "i")): .identity
      case (9, UInt8(ascii: "s")): .supported
      case (11, UInt8(ascii: "r")): .referredBy
      case (12, UInt8(ascii: "r")): .recordRoute
      case (12, UInt8(ascii: "m")): .maxForwards
      case (12, UInt8(ascii: "c")): .contentType
      case (12, UInt8(ascii: "a")): .allowEvents
      case (14, UInt8(ascii: "c")): .contentLength
      case (14, UInt8(ascii: "a")): .acceptContact
      case (14, UInt8(ascii: "r")): .rejectContact
      case (15, UInt8(ascii: "s")): .sessionExpires
      case (16, UInt8(ascii: "c")): .contentEncoding
      case (19, UInt8(ascii: "r")): .requestDisposition
      default: .other
      }
    guard candidate != .other else { return }
    let same = candidate.long.withUTF8Buffer { letters in
      for i in 0..<letters.count where ASCII.lower(letters[i]) != ASCII.lower(name[i]) { return false }
      return true
    }
    if same { self = candidate }
  }

  init(_ name: String) { self = Array(name.utf8).withSpan { HeaderName($0) } }

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

extension Array where Element == UInt8 {
  /// Calls with the array's span; a temporary has none of its own.
  func withSpan<Result>(_ body: (Span<UInt8>) -> Result) -> Result { body(span) }
}
