import Foundation

extension SiteFolder {
  /// A JSON Schema (2020-12) of one file of the folder, for editors. Keys that are not built yet are left out.
  public static func jsonSchema() -> String {
    Shape.record(SiteSchema.file).document(title: "Switchboard site")
  }
}

extension ScenarioFile {
  /// A JSON Schema (2020-12) of a scenario's file, for editors.
  public static func jsonSchema() -> String {
    Shape.record(ScenarioSchema.file).document(title: "Switchboard scenario")
  }
}

/// A JSON value; objects keep the order in which they were written.
private indirect enum JSON {
  case string(String)
  case number(Double)
  case flag(Bool)
  case array([JSON])
  case object([(String, JSON)])

  func write(into text: inout String, indent: String = "") {
    switch self {
    case .string(let string): Self.quote(string, into: &text)
    case .number(let number): text += number.short
    case .flag(let flag): text += flag ? "true" : "false"
    case .array(let elements):
      text += "["
      for (index, element) in elements.enumerated() {
        if index > 0 { text += ", " }
        element.write(into: &text, indent: indent)
      }
      text += "]"
    case .object(let members):
      guard !members.isEmpty else { return text += "{}" }
      text += "{\n"
      for (index, member) in members.enumerated() {
        if index > 0 { text += ",\n" }
        text += indent + "  "
        Self.quote(member.0, into: &text)
        text += ": "
        member.1.write(into: &text, indent: indent + "  ")
      }
      text += "\n" + indent + "}"
    }
  }

  private static func quote(_ string: String, into text: inout String) {
    text += "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case _ where scalar.value < 0x20: text += String(format: "\\u%04x", scalar.value)
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }
}

extension Shape {
  fileprivate func document(title: String) -> String {
    var members: [(String, JSON)] = [
      ("$schema", .string("https://json-schema.org/draft/2020-12/schema")), ("title", .string(title)),
    ]
    if case .object(let own) = json { members += own }
    var text = ""
    JSON.object(members).write(into: &text)
    return text + "\n"
  }

  fileprivate var json: JSON {
    switch self {
    case .scalar(let form): return .object(form.json)
    case .word(let words, _): return .object([("enum", .array(words.map(JSON.string)))])
    case .list(let element): return .object([("type", .string("array")), ("items", element.json)])
    case .table(_, let shape):
      return .object([("type", .string("object")), ("additionalProperties", shape.json)])
    case .either(let a, let b): return .object([("anyOf", .array([a.json, b.json]))])
    case .anything: return .object([])
    case .record(let keys):
      let built = keys.filter { $0.later == nil }
      var members: [(String, JSON)] = [
        ("type", .string("object")), ("additionalProperties", .flag(false)),
        ("properties", .object(built.map { ($0.name, $0.json) })),
      ]
      let required = built.filter(\.isRequired).map { JSON.string($0.name) }
      if !required.isEmpty { members.append(("required", .array(required))) }
      return .object(members)
    }
  }
}

extension Key {
  fileprivate var json: JSON {
    guard case .object(let members) = shape.json else { return .object([]) }
    return .object([("description", .string(about))] + members)
  }
}

extension Form {
  fileprivate var json: [(String, JSON)] {
    var members: [(String, JSON)] = [("type", .string(type))]
    if let bounds { members += [("minimum", .number(bounds.lowerBound)), ("maximum", .number(bounds.upperBound))] }
    return members
  }
}
