import Primitives

extension SessionDescription {
  /// The description in the order of RFC 8866 section 5, lines ended by CRLF.
  ///
  /// - Precondition: no value holds CR, LF or NUL; what was parsed never does, and what we make is made of numbers.
  public var bytes: [UInt8] {
    var text = Text()
    text.append("v=0\r\no=")
    text.append(origin.username)
    text.append(" ")
    text.append(origin.sessionID)
    text.append(" ")
    text.append(origin.version)
    text.append(" IN ")
    text.append(origin.connection)
    text.line()
    text.line("s=", name)
    text.lines(otherLines, "iuep")
    if let connection { text.line(connection) }
    text.lines(otherLines, "b")
    text.line("t=", timing)
    text.lines(otherLines, "trzk")
    text.lines(attributes)
    for line in media { text.line(line) }
    return text.built.array
  }
}

extension ICEFragment {
  /// The fragment with lines ended by CRLF.
  public var bytes: [UInt8] {
    var text = Text()
    text.lines(attributes)
    for line in media { text.line(line) }
    return text.built.array
  }
}

/// Built as bytes: a description goes into a message body, never to a person.
private struct Text: ~Copyable {
  var built = ByteBuilder(capacity: 1_024)

  mutating func line(_ media: MediaDescription) {
    append("m=")
    append(media.kind)
    append(" ")
    built.append(decimal: Int(media.port))
    if media.portCount != 1 {
      append("/")
      built.append(decimal: media.portCount)
    }
    append(" ")
    append(media.transport)
    for format in media.formats {
      append(" ")
      append(format)
    }
    line()
    lines(media.otherLines, "i")
    if let connection = media.connection { line(connection) }
    lines(media.otherLines, "bk")
    lines(media.attributes)
  }

  mutating func line(_ connection: Connection) {
    append("c=IN ")
    append(connection)
    line()
  }

  mutating func lines(_ lines: [Line], _ letters: String) {
    guard !lines.isEmpty else { return }
    for letter in letters {
      for line in lines where line.letter == letter { self.line("\(letter)=", line.value) }
    }
  }

  mutating func lines(_ attributes: [Attribute]) {
    for attribute in attributes {
      append("a=")
      append(attribute.name)
      if let value = attribute.value {
        append(":")
        append(value)
      }
      line()
    }
  }

  mutating func line(_ type: String, _ value: String) {
    append(type)
    append(value)
    line()
  }

  mutating func append(_ connection: Connection) {
    append(connection.addressType.rawValue)
    append(" ")
    append(connection.address)
    append(connection.suffix)
  }

  mutating func append(_ text: String) { built.append(utf8: text) }

  mutating func line() {
    built.append(0x0d)
    built.append(0x0a)
  }
}
