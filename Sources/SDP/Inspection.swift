extension SessionDescription {
  /// The description as JSON text, for `switchboard inspect sdp`: what it says, with defaults made plain.
  public var json: String {
    let lines = media.map { line in
      JSON.object([
        ("kind", .string(line.kind)), ("port", .number(Int(line.port))), ("transport", .string(line.transport)),
        ("formats", .array(line.formats.map { .string($0) })),
        ("connection", (line.connection ?? connection).map { .string($0.address) } ?? .null),
        ("direction", .string((line.attributes.direction ?? attributes.direction ?? .sendrecv).rawValue)),
        ("codecs", .array(line.codecs.map(Self.describe))),
        ("attributes", .array(line.attributes.map(Self.describe))),
      ])
    }
    return JSON.object([
      (
        "origin",
        .object([
          ("username", .string(origin.username)), ("sessionID", .string(origin.sessionID)),
          ("version", .string(origin.version)), ("address", .string(origin.connection.address)),
        ])
      ),
      ("name", .string(name)), ("timing", .string(timing)),
      ("connection", connection.map { .string($0.address) } ?? .null),
      ("otherLines", .array(otherLines.map { .string("\($0.letter)=\($0.value)") })),
      ("attributes", .array(attributes.map(Self.describe))),
      ("media", .array(lines)),
    ]).text(indentation: 0)
  }

  private static func describe(_ codec: Codec) -> JSON {
    .object([
      ("payloadType", .number(Int(codec.payloadType))), ("name", .string(codec.name)),
      ("clockRate", .number(codec.clockRate)), ("channels", .number(codec.channels)),
      ("parameters", codec.parameters.map { .string($0) } ?? .null),
    ])
  }

  private static func describe(_ attribute: Attribute) -> JSON {
    .object([("name", .string(attribute.name)), ("value", attribute.value.map { .string($0) } ?? .null)])
  }
}

/// Just enough JSON to print: this module does without Foundation.
private indirect enum JSON {
  case null
  case number(Int)
  case string(String)
  case array([JSON])
  case object([(name: String, value: JSON)])

  func text(indentation: Int) -> String {
    switch self {
    case .null: return "null"
    case .number(let number): return "\(number)"
    case .string(let string): return Self.quoted(string)
    case .array(let elements):
      return Self.block("[", elements.map { $0.text(indentation: indentation + 2) }, "]", indentation)
    case .object(let members):
      let texts = members.map { "\(Self.quoted($0.name)): \($0.value.text(indentation: indentation + 2))" }
      return Self.block("{", texts, "}", indentation)
    }
  }

  private static func block(_ open: String, _ items: [String], _ close: String, _ indentation: Int) -> String {
    if items.isEmpty { return open + close }
    let inner = "\n" + String(repeating: " ", count: indentation + 2)
    return open + inner + items.joined(separator: "," + inner) + "\n" + String(repeating: " ", count: indentation)
      + close
  }

  private static func quoted(_ string: String) -> String {
    var text = "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case _ where scalar.value < 0x20 || scalar.value == 0x7f:
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text + "\""
  }
}
