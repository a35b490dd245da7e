import Primitives

extension SessionDescription {
  /// Parses one whole description.
  public init(parsing bytes: some Collection<UInt8>, limits: Limits = Limits()) throws(SDPError) {
    var parser = Parser(bytes: Array(bytes), limits: limits)
    self = try parser.session()
  }
}

extension ICEFragment {
  /// Parses a fragment: attributes, and `m=` lines with theirs; other lines of a description are left aside.
  public init(parsing bytes: some Collection<UInt8>, limits: Limits = Limits()) throws(SDPError) {
    var parser = Parser(bytes: Array(bytes), limits: limits)
    self = try parser.fragment()
  }
}

/// Cuts lines and fields; one pass, offsets kept for errors.
private struct Parser {
  let bytes: [UInt8]
  let limits: Limits
  var position = 0
  var lines = 0
  /// The line last cut: its letter, and its value's place.
  var letter: UInt8 = 0
  var value = 0..<0
  var lineStart: Int { value.lowerBound - 2 }

  init(bytes: [UInt8], limits: Limits) { self.bytes = bytes; self.limits = limits }

  mutating func session() throws(SDPError) -> SessionDescription {
    guard bytes.count <= limits.bytes else { throw SDPError(offset: limits.bytes, .tooLong) }
    guard try nextLine(), letter == UInt8(ascii: "v"), value.count == 1, bytes[value.lowerBound] == UInt8(ascii: "0")
    else {
      throw SDPError(offset: 0, .noVersion)
    }
    var origin: Origin?
    var name: String?
    var timing: String?
    var session = SessionDescription(
      origin: Origin(sessionID: "", version: "", connection: Connection(addressType: .ip4, address: "")))
    while try nextLine() {
      switch letter {
      case UInt8(ascii: "m"):
        guard session.media.count < limits.media else { throw SDPError(offset: lineStart, .tooManyMedia) }
        session.media.append(try media())
      case _ where !session.media.isEmpty:
        try mediaLine(of: &session.media[session.media.count - 1])
      case UInt8(ascii: "o"):
        guard origin == nil else { throw SDPError(offset: lineStart, .repeatedLine) }
        origin = try self.origin()
      case UInt8(ascii: "s"):
        guard name == nil else { throw SDPError(offset: lineStart, .repeatedLine) }
        name = text(value)
      case UInt8(ascii: "c"):
        guard session.connection == nil else { throw SDPError(offset: lineStart, .repeatedLine) }
        session.connection = try connection(fields(of: value)[...])
      case UInt8(ascii: "t"):
        if timing == nil { timing = text(value) } else { session.otherLines.append(line()) }
      case UInt8(ascii: "a"):
        session.attributes.append(try attribute())
      case _ where "iuepbrzk".utf8.contains(letter):
        session.otherLines.append(line())
      case UInt8(ascii: "v"):
        throw SDPError(offset: lineStart, .repeatedLine)
      default:
        throw SDPError(offset: lineStart, .unknownLine)
      }
    }
    guard let origin else { throw SDPError(offset: bytes.count, .noOrigin) }
    session.origin = origin
    session.name = name ?? "-"
    session.timing = timing ?? "0 0"
    return session
  }

  mutating func fragment() throws(SDPError) -> ICEFragment {
    guard bytes.count <= limits.bytes else { throw SDPError(offset: limits.bytes, .tooLong) }
    var fragment = ICEFragment(attributes: [], media: [])
    while try nextLine() {
      switch letter {
      case UInt8(ascii: "m"):
        guard fragment.media.count < limits.media else { throw SDPError(offset: lineStart, .tooManyMedia) }
        fragment.media.append(try media())
      case _ where !fragment.media.isEmpty:
        try mediaLine(of: &fragment.media[fragment.media.count - 1])
      case UInt8(ascii: "a"):
        fragment.attributes.append(try attribute())
      case _ where "vosctiuepbrzk".utf8.contains(letter): break
      default: throw SDPError(offset: lineStart, .unknownLine)
      }
    }
    return fragment
  }

  /// A line below an `m=` line.
  private func mediaLine(of media: inout MediaDescription) throws(SDPError) {
    switch letter {
    case UInt8(ascii: "a"):
      media.attributes.append(try attribute())
    case UInt8(ascii: "c"):
      guard media.connection == nil else { throw SDPError(offset: lineStart, .repeatedLine) }
      media.connection = try connection(fields(of: value)[...])
    case _ where "ibk".utf8.contains(letter):
      media.otherLines.append(line())
    case _ where "vostruepz".utf8.contains(letter):
      throw SDPError(offset: lineStart, .misplacedLine)
    default:
      throw SDPError(offset: lineStart, .unknownLine)
    }
  }

  /// Cuts the next line; false at the end. Empty lines are forgiven at the end only.
  private mutating func nextLine() throws(SDPError) -> Bool {
    guard position < bytes.count else { return false }
    let start = position
    var end = bytes.span.indexOfControl(from: start)
    var stray: Int?
    while end < bytes.count, bytes[end] != UInt8(ascii: "\n") {
      if bytes[end] == 0 || bytes[end] == UInt8(ascii: "\r"), stray == nil { stray = end }
      end = bytes.span.indexOfControl(from: end + 1)
    }
    position = min(end + 1, bytes.count)
    let bare = end > start && bytes[end - 1] == UInt8(ascii: "\r") ? end - 1 : end
    if let stray, stray < bare { throw SDPError(offset: stray, .controlByte) }
    if bare == start {
      guard bytes[start...].allSatisfy({ $0 == UInt8(ascii: "\r") || $0 == UInt8(ascii: "\n") }) else {
        throw SDPError(offset: start, .emptyLine)
      }
      position = bytes.count
      return false
    }
    guard bare - start <= limits.lineBytes else { throw SDPError(offset: start, .lineTooLong) }
    lines += 1
    guard lines <= limits.lines else { throw SDPError(offset: start, .tooManyLines) }
    guard bare - start >= 2, bytes[start + 1] == UInt8(ascii: "="),
      (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(bytes[start])
    else { throw SDPError(offset: start, .notALine) }
    letter = bytes[start]
    value = start + 2..<bare
    return true
  }

  private func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
  private func line() -> Line { Line(letter: Character(Unicode.Scalar(letter)), value: text(value)) }

  private func fields(of range: Range<Int>) -> [Range<Int>] {
    var fields: [Range<Int>] = []
    fields.reserveCapacity(8)
    var start = range.lowerBound
    for i in range where bytes[i] == UInt8(ascii: " ") {
      if i > start { fields.append(start..<i) }
      start = i + 1
    }
    if range.upperBound > start { fields.append(start..<range.upperBound) }
    return fields
  }

  private func origin() throws(SDPError) -> Origin {
    let fields = fields(of: value)
    guard fields.count >= 6 else { throw SDPError(offset: lineStart, .malformedOrigin) }
    // Some phones put spaces into the user name, so the fixed fields are counted from the end.
    let fixed = fields.suffix(5)
    let first = fixed.startIndex
    return Origin(
      username: text(fields[0].lowerBound..<fields[first - 1].upperBound), sessionID: text(fields[first]),
      version: text(fields[first + 1]), connection: try connection(fixed.suffix(3), or: .malformedOrigin))
  }

  private func connection(
    _ fields: ArraySlice<Range<Int>>, or reason: SDPError.Reason = .malformedConnection
  ) throws(SDPError) -> Connection {
    guard fields.count == 3, let network = fields.first, isWord("IN", at: network),
      let type = addressType(fields[fields.startIndex + 1])
    else { throw SDPError(offset: lineStart, reason) }
    let range = fields[fields.startIndex + 2]
    let slash = bytes[range].firstIndex(of: UInt8(ascii: "/")) ?? range.upperBound
    guard slash > range.lowerBound else { throw SDPError(offset: range.lowerBound, reason) }
    var connection = Connection(addressType: type, address: text(range.lowerBound..<slash))
    connection.suffix = text(slash..<range.upperBound)
    return connection
  }

  private func addressType(_ range: Range<Int>) -> Connection.AddressType? {
    isWord("IP4", at: range) ? .ip4 : isWord("IP6", at: range) ? .ip6 : nil
  }

  private func isWord(_ word: StaticString, at range: Range<Int>) -> Bool {
    word.withUTF8Buffer { equalWords($0.span, bytes.span.extracting(range)) }
  }

  private func media() throws(SDPError) -> MediaDescription {
    let fields = fields(of: value)
    guard fields.count >= 3 else { throw SDPError(offset: lineStart, .malformedMedia) }
    let slash = bytes[fields[1]].firstIndex(of: UInt8(ascii: "/"))
    guard let port = UInt16(decimal: bytes[fields[1].lowerBound..<(slash ?? fields[1].upperBound)]) else {
      throw SDPError(offset: fields[1].lowerBound, .malformedPort)
    }
    var media = MediaDescription(
      kind: text(fields[0]), port: port, transport: text(fields[2]), formats: fields.dropFirst(3).map(text))
    if let slash {
      guard let count = UInt16(decimal: bytes[slash + 1..<fields[1].upperBound]), count > 0 else {
        throw SDPError(offset: fields[1].lowerBound, .malformedPort)
      }
      media.portCount = Int(count)
    }
    return media
  }

  private func attribute() throws(SDPError) -> Attribute {
    let colon = bytes[value].firstIndex(of: UInt8(ascii: ":")) ?? value.upperBound
    guard colon > value.lowerBound else { throw SDPError(offset: lineStart, .malformedAttribute) }
    let name = text(value.lowerBound..<colon)
    return colon == value.upperBound ? Attribute(name) : Attribute(name, text(colon + 1..<value.upperBound))
  }
}
