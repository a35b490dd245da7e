import Foundation
import Testing

/// The rules of the tree that no compiler checks: who may import whom, and what pure code never says.
@Suite("Tidy")
struct TidyTests {
  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  struct Source {
    var path: String
    var module: String
    var lines: [String]
  }

  static let sources: [Source] = files(under: "Sources", extension: "swift").map { path in
    Source(
      path: path, module: String(path.split(separator: "/")[1]),
      lines: (try? String(contentsOf: root.appending(path: path), encoding: .utf8))?.components(separatedBy: "\n") ?? []
    )
  }

  static func files(under folder: String, extension ending: String) -> [String] {
    let base = root.appending(path: folder)
    let all = FileManager.default.enumerator(atPath: base.path)?.compactMap { $0 as? String } ?? []
    return all.filter { $0.hasSuffix("." + ending) }.sorted().map { folder + "/" + $0 }
  }

  static let ours: [String: Set<String>] = [
    "Primitives": [], "ACD": ["Primitives"], "Digest": [], "SIP": ["Primitives", "Digest"], "SDP": ["Primitives"],
    "CallControl": ["ACD", "Primitives", "SIP", "SDP"], "Media": ["Digest", "Primitives"], "API": [],
    "SiteConfiguration": ["ACD", "CallControl", "Digest", "Primitives", "SDP", "SIP"],
    "Journal": ["ACD", "CallControl", "Primitives", "SIP"],
    "Simulator": ["ACD", "Primitives", "SiteConfiguration", "CallControl"],
    "Drivers": ["CallControl", "Digest", "Media", "Primitives", "SDP", "SIP"],
    "Web": ["ACD", "API", "CallControl", "Digest", "Journal", "Primitives", "SDP", "SIP"], "Console": ["API"],
    "Service": [
      "ACD", "API", "CallControl", "Digest", "Drivers", "Journal", "Media", "Primitives", "SDP", "SIP",
      "SiteConfiguration", "Web",
    ],
    "switchboard": [
      "API", "Console", "Digest", "Journal", "Primitives", "SDP", "SIP", "Service", "Simulator", "SiteConfiguration",
    ],
  ]

  static let others: [String: Set<String>] = [
    "Primitives": ["Glibc"], "ACD": [], "Digest": ["COpenSSL"], "SIP": [], "SDP": [], "CallControl": [],
    "Media": ["COpenSSL", "COpus"],
    "API": ["FoundationEssentials", "Foundation"],
    "SiteConfiguration": ["Yams", "FoundationEssentials", "Foundation"],
    "Journal": ["GRDB", "GRDBSQLite", "FoundationEssentials", "Foundation", "Glibc", "Dispatch", "Synchronization"],
    "Simulator": ["FoundationEssentials", "Foundation", "Glibc", "Dispatch", "Synchronization"],
    "Drivers": [
      "CLinux", "NIOCore", "NIOPosix", "NIOSSL", "NIOTLS", "Logging", "FoundationEssentials", "Foundation", "Glibc",
      "Synchronization",
    ],
    "Web": [
      "Hummingbird", "HummingbirdCore", "HummingbirdTLS", "NIOCore", "NIOPosix", "NIOSSL", "HTTPTypes", "Logging",
      "ServiceLifecycle", "FoundationEssentials", "Foundation", "Glibc", "Synchronization",
    ],
    "Console": [
      "AsyncHTTPClient", "NIOCore", "NIOHTTP1", "FoundationEssentials", "Foundation", "Glibc", "Synchronization",
      "Dispatch",
    ],
    "Service": [
      "NIOCore", "NIOPosix", "ServiceLifecycle", "UnixSignals", "Logging", "FoundationEssentials", "Foundation",
      "Glibc",
      "Dispatch", "Synchronization",
    ],
    "switchboard": [
      "ArgumentParser", "Logging", "FoundationEssentials", "Foundation", "Glibc", "Synchronization",
    ],
  ]

  static let pure: Set<String> = ["Primitives", "ACD", "SIP", "SDP", "CallControl", "Media"]

  @Test("Every import follows the module table")
  func imports() {
    let pattern =
      /^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:(?:public|package|internal|fileprivate|private)\s+)?import\s+(?:(?:struct|class|enum|protocol|func|var|let|typealias)\s+)?(\w+)/
    for source in Self.sources {
      guard let allowedOurs = Self.ours[source.module], let allowedOthers = Self.others[source.module] else {
        Issue.record("\(source.path): module \(source.module) is not in the table")
        continue
      }
      for (number, line) in source.lines.enumerated() {
        guard let match = line.firstMatch(of: pattern) else { continue }
        let name = String(match.1)
        if !allowedOurs.contains(name), !allowedOthers.contains(name) {
          Issue.record("\(source.path):\(number + 1): \(source.module) may not import \(name)")
        }
      }
    }
  }

  @Test("Pure modules name no clock, no random source, no task and no hash-ordered container")
  func pureWords() {
    let words = [
      "Date(", "ContinuousClock", ".random(", "UUID(", "Task.sleep", "print(", "Dictionary<", "Set<",
    ]
    let dictionary = /\[[A-Z][A-Za-z0-9.]*\s*:\s*[A-Z\[(][^\]]*\]/
    for source in Self.sources where Self.pure.contains(source.module) {
      // `Index` is the one wrapper around a dictionary.
      if source.path == "Sources/Primitives/Index.swift" { continue }
      for (number, line) in source.lines.enumerated() {
        let code = Self.withoutComment(line)
        for word in words where Self.says(code, word) {
          Issue.record("\(source.path):\(number + 1): a pure module says \(word)")
        }
        if code.firstMatch(of: dictionary) != nil, !code.contains("\"") {
          Issue.record("\(source.path):\(number + 1): a pure module has a dictionary type")
        }
      }
    }
  }

  @Test("A forced unwrap or try! stands beside its reason")
  func forced() {
    let pattern = /[\w)\]]!(?=[.\s,)\]\[(?:]|$)|\btry!/
    for source in Self.sources where Self.pure.contains(source.module) {
      for (number, line) in source.lines.enumerated() {
        let code = Self.withoutStrings(Self.withoutComment(line))
        guard code.firstMatch(of: pattern) != nil else { continue }
        let above = number > 0 ? source.lines[number - 1].trimmingCharacters(in: .whitespaces) : ""
        if !line.contains("//"), !above.hasPrefix("//") {
          Issue.record("\(source.path):\(number + 1): a forced unwrap without a reason beside it")
        }
      }
    }
  }

  @Test("Each of the eighteen scenarios of other switches' trackers has a test of its name", arguments: 1...18)
  func scenarios(number: Int) {
    let isThere = Self.files(under: "Tests", extension: "swift").contains { path in
      let text = try? String(contentsOf: Self.root.appending(path: path), encoding: .utf8)
      return text?.contains("\"Scenario \(number): ") == true
    }
    #expect(isThere)
  }

  @Test("No mark of unfinished work is left")
  func leftOver() {
    let marks = ["TO" + "DO", "FIX" + "ME", "XX" + "X:", "fatalError(\"un" + "written\")"]
    for source in Self.sources {
      for (number, line) in source.lines.enumerated() {
        for mark in marks where line.contains(mark) {
          Issue.record("\(source.path):\(number + 1): \(mark)")
        }
      }
    }
  }

  @Test("Long files and lines are listed, not refused")
  func sizes() {
    for source in Self.sources {
      if source.lines.count > 601 { print("long file: \(source.path) has \(source.lines.count) lines") }
      for (number, line) in source.lines.enumerated() where line.count > 120 {
        print("long line: \(source.path):\(number + 1) has \(line.count) columns")
      }
    }
  }

  private static func withoutComment(_ line: String) -> String {
    guard let range = line.range(of: "//") else { return line }
    return String(line[..<range.lowerBound])
  }

  private static func withoutStrings(_ line: String) -> String { line.replacing(/"(?:[^"\\]|\\.)*"/, with: "\"\"") }

  /// Whether `word` stands in the code as a word of its own: `Set<` is not `OptionSet<`.
  private static func says(_ code: String, _ word: String) -> Bool {
    var rest = code[...]
    while let range = rest.range(of: word) {
      let before = range.lowerBound > code.startIndex ? code[code.index(before: range.lowerBound)] : " "
      if word.hasPrefix(".") || !(before.isLetter || before.isNumber || before == "_") { return true }
      rest = rest[range.upperBound...]
    }
    return false
  }
}
