internal import Primitives

/// A SIP, SIPS, TEL or other URI (RFC 3261 section 19.1, RFC 3966).
public struct URI: Hashable, Sendable {
  /// Lower case.
  public var scheme: String
  /// Percent-decoding is not applied. The number of a TEL URI stands here.
  public var user: String?
  public var password: String?
  /// Lower case; IPv6 without brackets. Empty where the scheme has none.
  public var host: String
  public var port: UInt16?
  public var parameters: [Parameter]
  /// What stands behind `?`, as written.
  public var headers: String?
  /// What stands behind the colon of a scheme other than SIP, SIPS and TEL.
  public var opaque: String?

  public struct Parameter: Hashable, Sendable {
    /// Lower case.
    public var name: String
    public var value: String?
    /// The value stood, or must stand, in quotes (header parameters only); `value` is without them.
    public var isQuoted = false
    public init(name: String, value: String?) {
      self.name = name
      self.value = value
    }
    public init(name: String, value: String, isQuoted: Bool) {
      self.name = name
      self.value = value
      self.isQuoted = isQuoted
    }
  }

  public init(
    scheme: String = "sip", user: String? = nil, host: String, port: UInt16? = nil, parameters: [Parameter] = []
  ) {
    self.scheme = scheme
    self.user = user
    self.host = host
    self.port = port
    self.parameters = parameters
  }

  public init(parsing text: String) throws(ParseError) {
    let bytes = Array(text.utf8)
    let span = bytes.span
    let ranges = try span.uri(0..<bytes.count)
    self.init(span, ranges)
  }

  init(_ bytes: Span<UInt8>, _ ranges: URIRanges) {
    scheme = ASCII.lowercased(bytes.text(ranges.scheme))
    user = ranges.user.map { bytes.text($0) }
    password = ranges.password.map { bytes.text($0) }
    host = ranges.host.isEmpty ? "" : ASCII.lowercased(bytes.text(ranges.host))
    port = ranges.port
    parameters = []
    var i = ranges.parameters.lowerBound
    while i < ranges.parameters.upperBound {
      // Each parameter begins with its semicolon; the scan has made sure of names and values.
      let last = ranges.parameters.upperBound
      let end = bytes.firstIndex(of: UInt8(ascii: ";"), i + 1, last) ?? last
      let equals = bytes.firstIndex(of: UInt8(ascii: "="), i + 1, end)
      parameters.append(
        Parameter(
          name: ASCII.lowercased(bytes.text(i + 1..<(equals ?? end))), value: equals.map { bytes.text($0 + 1..<end) }))
      i = end
    }
    headers = ranges.headers.map { bytes.text($0) }
    opaque = ranges.opaque.map { bytes.text($0) }
  }

  public var isSIP: Bool { scheme == "sip" || scheme == "sips" }

  /// The value of a parameter; an empty string if it stands without one.
  public func parameter(_ name: String) -> String? {
    parameters.first { $0.name == name }.map { $0.value ?? "" }
  }

  /// Whether two URIs name the same resource (RFC 3261 section 19.1.4): any case but in the user part, escapes undone,
  /// and of the parameters only those that matter when one side lacks them.
  public func isEquivalent(to other: URI) -> Bool {
    guard isSIP, other.isSIP else { return self == other }
    guard scheme == other.scheme, host == other.host, port == other.port,
      user.map(Self.unescaped) == other.user.map(Self.unescaped),
      password.map(Self.unescaped) == other.password.map(Self.unescaped)
    else { return false }
    let decisive = ["user", "ttl", "method", "maddr", "transport"]
    for (mine, theirs) in [(self, other), (other, self)] {
      for parameter in mine.parameters {
        guard let value = theirs.parameter(parameter.name) else {
          if decisive.contains(parameter.name) { return false }
          continue
        }
        guard ASCII.equal(Self.unescaped(value), Self.unescaped(parameter.value ?? "")) else { return false }
      }
    }
    return headers.map(Self.sortedHeaders) == other.headers.map(Self.sortedHeaders)
  }

  /// The octets behind percent escapes; a NUL is an octet like others (RFC 4475 section 3.1.1.4).
  static func unescaped(_ text: String) -> [UInt8] {
    let bytes = Array(text.utf8)
    var result: [UInt8] = []
    var i = 0
    while i < bytes.count {
      if bytes[i] == UInt8(ascii: "%"), i + 2 < bytes.count,
        let high = Character(UnicodeScalar(bytes[i + 1])).hexDigitValue,
        let low = Character(UnicodeScalar(bytes[i + 2])).hexDigitValue
      {
        result.append(UInt8(high << 4 | low))
        i += 3
      } else {
        result.append(bytes[i])
        i += 1
      }
    }
    return result
  }

  private static func sortedHeaders(_ headers: String) -> [String] {
    headers.split(separator: "&").map(String.init).sorted()
  }
}

extension URI: CustomStringConvertible {
  /// As it stands on the wire. A character that the grammar does not allow in its place is escaped, in a host dropped.
  public var description: String {
    var built = ByteBuilder(capacity: 96)
    write(into: &built)
    return built.text
  }

  func write(into built: inout ByteBuilder) {
    built.append(scheme, keeping: .scheme)
    built.append(UInt8(ascii: ":"))
    if let opaque {
      Self.append(opaque, keeping: .uric, to: &built)
      return
    }
    if let user {
      Self.append(user, keeping: .user, to: &built)
      if let password {
        built.append(UInt8(ascii: ":"))
        Self.append(password, keeping: .password, to: &built)
      }
      if !host.isEmpty { built.append(UInt8(ascii: "@")) }
    }
    Host.write(host, into: &built)
    if let port {
      built.append(UInt8(ascii: ":"))
      built.append(decimal: Int(port))
    }
    for parameter in parameters {
      built.append(UInt8(ascii: ";"))
      Self.append(parameter.name, keeping: .uriParameter, to: &built)
      guard let value = parameter.value else { continue }
      built.append(UInt8(ascii: "="))
      Self.append(value, keeping: .uriParameter, to: &built)
    }
    if let headers {
      built.append(UInt8(ascii: "?"))
      Self.append(headers, keeping: .uriHeaders, to: &built)
    }
  }

  private static func append(_ text: String, keeping set: ByteSet, to built: inout ByteBuilder) {
    let start = built.count
    built.append(utf8: text)
    guard !built.holds(set, from: start) else { return }
    built.truncate(to: start)
    let digits = Array("0123456789ABCDEF".utf8)
    for byte in text.utf8 {
      if set.contains(byte) {
        built.append(byte)
      } else {
        built.append(UInt8(ascii: "%"))
        built.append(digits[Int(byte >> 4)])
        built.append(digits[Int(byte & 15)])
      }
    }
  }
}

enum Host {
  /// A name or an address; IPv6 gets its brackets.
  static func write(_ host: String, into built: inout ByteBuilder) {
    if host.utf8.contains(UInt8(ascii: ":")) {
      built.append(UInt8(ascii: "["))
      built.append(host, keeping: .ipv6)
      built.append(UInt8(ascii: "]"))
    } else {
      built.append(host, keeping: .hostname)
    }
  }
}
