import Primitives

extension SessionDescription {
  /// The description in the order of RFC 8866 section 5, lines ended by CRLF.
  ///
  /// - Precondition: no value holds CR, LF or NUL; what was parsed never does, and what we make is made of numbers.
  public var bytes: [UInt8] {
    var text = Text()
    text.line("v=", "0")
    text.line("o=", origin.username, " ", origin.sessionID, " ", origin.version, " IN ", origin.connection.text)
    text.line("s=", name)
    text.lines(otherLines, "iuep")
    if let connection { text.line("c=IN ", connection.text) }
    text.lines(otherLines, "b")
    text.line("t=", timing)
    text.lines(otherLines, "trzk")
    text.lines(attributes)
    for line in media { text.line(line) }
    return text.bytes
  }
}

extension ICEFragment {
  /// The fragment with lines ended by CRLF.
  public var bytes: [UInt8] {
    var text = Text()
    text.lines(attributes)
    for line in media { text.line(line) }
    return text.bytes
  }
}

/// Built as bytes: a description goes into a message body, never to a person.
private struct Text {
  var bytes: [UInt8] = []
  init() { bytes.reserveCapacity(1_024) }

  mutating func line(_ media: MediaDescription) {
    let port = media.portCount == 1 ? "\(media.port)" : "\(media.port)/\(media.portCount)"
    append("m=", media.kind, " ", port, " ", media.transport)
    for format in media.formats { append(" ", format) }
    line()
    lines(media.otherLines, "i")
    if let connection = media.connection { line("c=IN ", connection.text) }
    lines(media.otherLines, "bk")
    lines(media.attributes)
  }

  mutating func append(_ parts: String...) {
    for part in parts { bytes.append(utf8: part) }
  }

  mutating func line(_ parts: String...) {
    for part in parts { bytes.append(utf8: part) }
    bytes.append(contentsOf: [0x0d, 0x0a])
  }

  mutating func lines(_ lines: [Line], _ letters: String) {
    guard !lines.isEmpty else { return }
    for letter in letters {
      for line in lines where line.letter == letter { self.line("\(letter)=", line.value) }
    }
  }

  mutating func lines(_ attributes: [Attribute]) {
    for attribute in attributes {
      append("a=", attribute.name)
      if let value = attribute.value { append(":", value) }
      line()
    }
  }
}

extension Connection {
  fileprivate var text: String { addressType.rawValue + " " + address + suffix }
}
