/// Just enough JSON to print, members in the order given: the pure modules do without Foundation.
public indirect enum JSON: Sendable {
  case null
  case bool(Bool)
  case number(Int)
  case string(String)
  case array([JSON])
  case object([(name: String, value: JSON)])

  /// Null where there is nothing to say.
  public init(_ string: String?) { self = string.map { .string($0) } ?? .null }

  /// Indented by two spaces a level; every control character escaped, so that the text is safe on a terminal.
  public var text: String { text(indentation: 0) }

  private func text(indentation: Int) -> String {
    switch self {
    case .null: return "null"
    case .bool(let flag): return flag ? "true" : "false"
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
    let outer = "\n" + String(repeating: " ", count: indentation)
    return open + inner + items.joined(separator: "," + inner) + outer + close
  }

  private static func quoted(_ string: String) -> String {
    var text = "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case _ where scalar.value < 0x20 || (0x7f..<0xa0).contains(scalar.value):
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text + "\""
  }
}
