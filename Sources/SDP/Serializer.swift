extension SessionDescription {
  /// The description in the order of RFC 8866 section 5, lines ended by CRLF.
  ///
  /// - Precondition: no value holds CR, LF or NUL; what was parsed never does, and what we make is made of numbers.
  public var bytes: [UInt8] {
    var text = "v=0\r\n"
    text += "o=\(origin.username) \(origin.sessionID) \(origin.version) IN \(origin.connection.text)\r\n"
    text += "s=\(name)\r\n"
    append(otherLines, "iuep", to: &text)
    if let connection { text += "c=IN \(connection.text)\r\n" }
    append(otherLines, "b", to: &text)
    text += "t=\(timing)\r\n"
    append(otherLines, "trzk", to: &text)
    append(attributes, to: &text)
    for line in media {
      let port = line.portCount == 1 ? "\(line.port)" : "\(line.port)/\(line.portCount)"
      text += "m=" + ([line.kind, port, line.transport] + line.formats).joined(separator: " ") + "\r\n"
      append(line.otherLines, "i", to: &text)
      if let connection = line.connection { text += "c=IN \(connection.text)\r\n" }
      append(line.otherLines, "bk", to: &text)
      append(line.attributes, to: &text)
    }
    return Array(text.utf8)
  }

  private func append(_ lines: [Line], _ letters: String, to text: inout String) {
    for letter in letters {
      for line in lines where line.letter == letter { text += "\(letter)=\(line.value)\r\n" }
    }
  }

  private func append(_ attributes: [Attribute], to text: inout String) {
    for attribute in attributes {
      text += "a=\(attribute.name)" + (attribute.value.map { ":" + $0 } ?? "") + "\r\n"
    }
  }
}

extension Connection {
  fileprivate var text: String { "\(addressType.rawValue) \(address)\(suffix)" }
}
