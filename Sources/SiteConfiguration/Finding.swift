/// A place in a file, counted from 1; columns count Unicode scalars.
public struct Place: Hashable, Comparable, Sendable, CustomStringConvertible {
  public var file: String
  public var line: Int
  public var column: Int
  public init(file: String, line: Int = 1, column: Int = 1) { self.file = file; self.line = line; self.column = column }

  public static func < (a: Place, b: Place) -> Bool { (a.file, a.line, a.column) < (b.file, b.line, b.column) }
  public var description: String { "\(file):\(line):\(column)" }
}

/// One thing that is wrong, or doubtful, in what people wrote.
public struct Finding: Hashable, Sendable, CustomStringConvertible {
  public enum Severity: Sendable { case error, warning }
  public var severity: Severity
  public var place: Place
  public var message: String
  public init(_ severity: Severity = .error, at place: Place, _ message: String) {
    self.severity = severity; self.place = place; self.message = message
  }

  /// `file:line:column: message`, which editors and compilers' readers understand.
  public var description: String { "\(place): \(severity == .warning ? "warning: " : "")\(message)" }

  /// A workflow command that shows the problem beside the line on GitHub.
  public var annotation: String {
    func escaped(_ text: String, _ characters: [(Character, String)]) -> String {
      text.map { character in characters.first { $0.0 == character }?.1 ?? String(character) }.joined()
    }
    let inMessage: [(Character, String)] = [("%", "%25"), ("\r", "%0D"), ("\n", "%0A")]
    let file = escaped(place.file, inMessage + [(":", "%3A"), (",", "%2C")])
    let command = severity == .error ? "error" : "warning"
    return "::\(command) file=\(file),line=\(place.line),col=\(place.column)::\(escaped(message, inMessage))"
  }
}

/// Every problem found in a folder or a file, in the order of the files; at least one is an error.
public struct ConfigurationError: Error, Sendable, CustomStringConvertible {
  public var findings: [Finding]
  public init(_ findings: [Finding]) { self.findings = findings.inOrder }
  public var description: String { findings.map(\.description).joined(separator: "\n") }
}

extension [Finding] {
  /// By place, each once: two checks may see the same fault.
  var inOrder: [Finding] {
    var seen: Set<Finding> = []
    return filter { seen.insert($0).inserted }.sorted { ($0.place, $0.message) < ($1.place, $1.message) }
  }
  var hasError: Bool { contains { $0.severity == .error } }
}
