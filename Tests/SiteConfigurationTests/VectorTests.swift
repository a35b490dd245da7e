import Foundation
import SiteConfiguration
import Testing

/// Folders with faults. A vector is one file: the files of a folder, each after a line `>>> name`, and after a line
/// `>>> expect` the findings in order. One beginning with `Scenarios/` is a scenario and is checked as one.
@Suite struct VectorTests {
  static let vectors: [String] = {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Vectors").path(
      percentEncoded: false)
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.filter { $0.hasSuffix(".txt") }.sorted().map { folder + "/" + $0 }
  }()

  @Test("Every fault is reported at its line and column, all of them, and nothing else", arguments: vectors)
  func findings(vector: String) throws {
    let text = try String(contentsOfFile: vector, encoding: .utf8)
    var files: [String: String] = [:]
    var name = "expect"
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix(">>> ") { name = String(line.dropFirst(4)) } else { files[name, default: ""] += line + "\n" }
    }
    let expected = try #require(files["expect"]).split(separator: "\n").map(String.init)
    files["expect"] = nil
    let folder = try Folder(files)
    let scenarios = files.keys.filter { $0.hasPrefix("Scenarios/") }.sorted().map { folder.path + "/" + $0 }
    let found = Check.run(folder.path, scenarios: scenarios)
    let lines = found.map { $0.description.replacing(folder.path + "/", with: "").replacing(folder.path, with: ".") }
    #expect(lines == expected, "\(lines.joined(separator: "\n"))")
    #expect(Check.passes(found) == expected.allSatisfy { $0.contains(": warning: ") })
  }

  @Test("There are vectors to read") func vectorsExist() { #expect(Self.vectors.count >= 20) }
}
