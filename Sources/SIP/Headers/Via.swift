/// One value of Via (RFC 3261 section 20.42, RFC 3581).
public struct Via: Hashable, Sendable {
  /// Upper case, as `UDP`.
  public var transport: String
  /// Lower case; IPv6 without brackets.
  public var host: String
  public var port: UInt16?
  /// In the order they came, `branch` and the others among them.
  public var parameters: [URI.Parameter]

  public init(transport: String, host: String, port: UInt16? = nil, parameters: [URI.Parameter] = []) {
    self.transport = transport
    self.host = host
    self.port = port
    self.parameters = parameters
  }

  public var branch: String? { parameter("branch") }
  public var maddr: String? { parameter("maddr") }
  public var ttl: UInt8? { parameter("ttl").flatMap { UInt8($0) } }
  /// Without brackets, which some put there (RFC 5118 section 4.5).
  public var received: String? {
    parameter("received").map { $0.first == "[" && $0.last == "]" ? String($0.dropFirst().dropLast()) : $0 }
  }
  /// The sender asks for the response on the port it sent from (RFC 3581 section 3).
  public var wantsRport: Bool { parameters.contains { $0.name == "rport" } }
  public var rport: UInt16? { parameter("rport").flatMap { UInt16($0) } }
  /// A branch that is a transaction identifier (RFC 3261 section 8.1.1.7); without the cookie, or with nothing behind
  /// it, the rules of RFC 2543 match transactions.
  public var hasTransactionBranch: Bool {
    branch.map { $0.utf8.count > 7 && ASCII.equal($0.utf8.prefix(7), "z9hG4bK".utf8) } ?? false
  }

  public func parameter(_ name: String) -> String? {
    parameters.first { $0.name == name }.map { $0.value ?? "" }
  }

  /// What a server adds to the topmost value: where the request really came from (RFC 3261 section 18.2.1, RFC 3581
  /// section 4). What the sender wrote there itself is replaced.
  public mutating func stamp(source: Endpoint) {
    let asksPort = wantsRport
    parameters.removeAll { $0.name == "received" }
    if asksPort || Endpoint(address: host, port: source.port) != source {
      parameters.append(URI.Parameter(name: "received", value: source.address))
    }
    if let i = parameters.firstIndex(where: { $0.name == "rport" }) {
      parameters[i].value = String(source.port)
    }
  }

  /// Where a response goes over datagrams, if the values are addresses (RFC 3261 section 18.2.2, RFC 3581 section 4).
  public var responseEndpoint: Endpoint? {
    if let maddr { return Endpoint(address: maddr, port: port ?? 5060) }
    let target = received ?? host
    return Endpoint(address: target, port: (received == nil ? nil : rport) ?? port ?? 5060)
  }

  init(_ bytes: Span<UInt8>, _ ranges: ViaRanges) {
    transport =
      bytes.extracting(ranges.transport).isUppercase
      ? bytes.text(ranges.transport)
      : String(
        decoding: bytes.text(ranges.transport).utf8.map { $0 >= 0x61 && $0 <= 0x7a ? $0 & 0xdf : $0 }, as: UTF8.self)
    host = ASCII.lowercased(bytes.text(ranges.host))
    port = ranges.port
    parameters = []
    var i = ranges.parameters.lowerBound
    // The ranges come from a scan that has read these parameters already.
    while let parameter = try? bytes.parameter(&i, ranges.parameters.upperBound) {
      parameters.append(bytes.decoded(parameter))
    }
  }
}

/// The parts of one Via value as ranges.
struct ViaRanges {
  var transport: Range<Int>
  var host: Range<Int>
  var port: UInt16?
  var parameters: Range<Int>
  var branch: Range<Int>?
}

extension Span where Element == UInt8 {
  /// Reads `SIP/2.0/UDP host:port;parameters`, with white space around each slash and colon.
  func via(_ i: inout Int, _ end: Int) throws(ParseError) -> ViaRanges {
    let protocolStart = i
    i = skip(.token, i, end)
    guard matches("sip", protocolStart, i) else {
      throw ParseError(offset: protocolStart, reason: "protocol of Via is not SIP")
    }
    let version = try viaPart(&i, end)
    guard matches("2.0", version.lowerBound, version.upperBound) else {
      throw ParseError(offset: version.lowerBound, reason: "version of Via is not 2.0")
    }
    let transport = try viaPart(&i, end)
    let host = skipSpace(i, end)
    guard host > i else { throw ParseError(offset: i, reason: "no white space before the sender of Via") }
    let hostEnd = try self.host(host, end)
    let isReference = self[host] == UInt8(ascii: "[")
    var ranges = ViaRanges(
      transport: transport, host: isReference ? host + 1..<hostEnd - 1 : host..<hostEnd, parameters: end..<end)
    i = skipSpace(hostEnd, end)
    if isAt(UInt8(ascii: ":"), i, end) {
      let (port, next) = try port(skipSpace(i + 1, end), end)
      ranges.port = port
      i = skipSpace(next, end)
    }
    let first = i
    while let parameter = try parameter(&i, end) {
      guard matches("branch", parameter.name.lowerBound, parameter.name.upperBound) else { continue }
      guard ranges.branch == nil else { throw ParseError(offset: parameter.name.lowerBound, reason: "second branch") }
      guard let value = parameter.value, self[value.lowerBound] != UInt8(ascii: "\"") else {
        throw ParseError(offset: parameter.name.lowerBound, reason: "branch is not a token")
      }
      ranges.branch = value
    }
    ranges.parameters = first..<i
    return ranges
  }

  var isUppercase: Bool {
    for i in indices where self[i] >= 0x61 && self[i] <= 0x7a { return false }
    return true
  }

  @inline(__always)
  private func viaPart(_ i: inout Int, _ end: Int) throws(ParseError) -> Range<Int> {
    i = skipSpace(i, end)
    guard isAt(UInt8(ascii: "/"), i, end) else { throw ParseError(offset: i, reason: "slash missing in Via") }
    let start = skipSpace(i + 1, end)
    i = skip(.token, start, end)
    guard i > start else { throw ParseError(offset: start, reason: "version or transport missing in Via") }
    return start..<i
  }
}
