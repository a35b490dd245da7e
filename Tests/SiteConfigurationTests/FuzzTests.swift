import Foundation
import SiteConfiguration
import Testing

/// A small generator with a seed, so that each fuzz run is the same (SplitMix64).
struct Seeded: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
    return z ^ z >> 31
  }
}

@Suite struct FuzzTests {
  /// Changes a few bytes, cuts, doubles, or puts in what YAML gives a meaning to.
  static func mutated(_ bytes: [UInt8], using random: inout Seeded) -> [UInt8] {
    let spice = [
      "{", "}", "[", "]", ":", ": ", "- ", "\n", "  ", "\"", "'", "&a ", "*a", "!!int ", "|", ">", "#", "\0",
      "\u{feff}", "0s", "-1",
      "99999999999999999999", "1e999", "?", "%", "---\n", "\t", "é", "🙂", "<<",
    ]
    var bytes = bytes
    for _ in 0..<Int.random(in: 1...6, using: &random) {
      let place = Int.random(in: 0...bytes.count, using: &random)
      switch Int.random(in: 0..<5, using: &random) {
      case 0 where place < bytes.count: bytes[place] = UInt8.random(in: 0...255, using: &random)
      case 1: bytes.insert(contentsOf: Array(spice.randomElement(using: &random)?.utf8 ?? "".utf8), at: place)
      case 2: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 0...40, using: &random)))
      case 3: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 60)], at: place)
      default: bytes.swapAt(max(0, min(place, bytes.count - 1)), 0)
      }
      if bytes.isEmpty { bytes = [10] }
    }
    return bytes
  }

  @Test("No bytes crash the check, and what is refused is refused with a place in a file")
  func anyBytes() throws {
    var random = Seeded(state: 2026)
    let folder = try Folder(["site/site.yaml": "queues: {}", "monday.yaml": ""])
    let file = folder.path + "/site/site.yaml"
    let scenario = folder.path + "/monday.yaml"
    let files = ["site", "support", "sales", "agents", "reception"]
    let site = try files.flatMap { Array(try Data(contentsOf: URL(filePath: "\(repository)/Queues/\($0).yaml"))) }
    let monday = Array(try Data(contentsOf: URL(filePath: repository + "/Simulations/monday-morning.yaml")))
    var accepted = 0
    for _ in 0..<500 {
      try Data(Self.mutated(site, using: &random)).write(to: URL(filePath: file))
      try Data(Self.mutated(monday, using: &random)).write(to: URL(filePath: scenario))
      do { _ = try SiteFolder(reading: folder.path + "/site"); accepted += 1 } catch {
        #expect(!error.findings.isEmpty)
        #expect(error.findings.allSatisfy { $0.place.line >= 1 && $0.place.column >= 1 && !$0.message.isEmpty })
      }
      do { _ = try ScenarioFile.load(scenario, site: repository + "/Queues"); accepted += 1 } catch {
        #expect(error.findings.contains { $0.severity == .error })
      }
    }
    #expect(accepted > 0 && accepted < 1000, "the mutations neither break all files nor none: \(accepted)")
  }

  @Test("Deep nesting and aliases of aliases end in a finding, not in the ground")
  func hostile() throws {
    let deep = String(repeating: "[", count: 20_000)
    #expect(try Folder(["site.yaml": "queues: " + deep]).findings().count == 1)
    var aliases = "a0: &a0 [x, x, x, x, x, x, x, x]\n"
    for level in 1...12 {
      aliases += "a\(level): &a\(level) [\(Array(repeating: "*a\(level - 1)", count: 8).joined(separator: ", "))]\n"
    }
    #expect(
      try Folder(["site.yaml": aliases]).findings() == [
        "site.yaml:1:1: more than 200000 items stand in the file, aliases resolved"
      ])
    #expect(try Folder(["site.yaml": "a: \u{7}"]).findings().first?.hasPrefix("site.yaml:1:4: not YAML") == true)
  }
}
