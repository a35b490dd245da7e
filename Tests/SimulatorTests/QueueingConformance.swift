import ACD
import Foundation
import Primitives
import Testing

@testable import Simulator

/// Where reference values stand: our own copy beside the tests, and the folder that the environment names.
enum ReferenceFolder {
  static let own = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
    "Vectors/queueing")
  static let named = ProcessInfo.processInfo.environment["SWITCHBOARD_TESTDATA"].map {
    URL(fileURLWithPath: $0).appendingPathComponent("queueing")
  }

  /// Files of a folder with one ending, by name.
  static func files(_ folder: URL, _ ending: String) -> [URL] {
    let all = try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
    return (all ?? []).filter { $0.lastPathComponent.hasSuffix(ending) }
      .sorted { $0.lastPathComponent < $1.lastPathComponent }
  }
}

/// What one folder holds: points to run, and rows that are not, with the reason.
struct ReferenceSet {
  var points: [ReferencePoint] = []
  var skipped: [(id: String, reason: String)] = []

  /// Families whose rows are M/M/n+G.
  private static let families = ["erlang_a", "erlang_c", "mmng"]

  init(_ folder: URL, only: Set<String>? = nil) throws {
    for file in ReferenceFolder.files(folder, ".csv") {
      let family = file.deletingPathExtension().lastPathComponent
      for row in try Table(file).rows {
        let id = row["id"] ?? "\(family) without an id"
        if let only, !only.contains(id) { continue }
        if !Self.families.contains(family) {
          skipped.append((id, "no test for the family \(family) yet"))
        } else if let patience = QueueingModel.Patience(row), let point = ReferencePoint(row, patience: patience) {
          points.append(point)
        } else {
          skipped.append((id, "a law or a column that is not known here"))
        }
      }
    }
  }

  /// Runs every point; all intervals together hold with 99.9 %.
  func check(limit: Double) {
    let count = points.reduce(0) { $0 + $1.comparisons.count }
    for point in points {
      var trial = Trial(point, seed: 20_261, confidence: 1 - 0.001 / Double(max(1, count)))
      for finding in trial.run(limit: limit) {
        let (comparison, estimate) = (finding.comparison, finding.estimate)
        let name = "\(point.id) \(comparison.name)"
        #expect(finding.isInside, "\(name): \(estimate) instead of \(comparison.expected)")
        #expect(
          finding.isNarrow,
          "\(point.id) \(name): \(finding.estimate.halfWidth) is wider than \(finding.comparison.tolerance)")
      }
    }
  }
}

@Suite("The engine against queueing theory")
struct QueueingTests {
  @Test("A light Erlang C and a small Erlang A centre meet their closed forms")
  func fewPoints() throws {
    let set = try ReferenceSet(ReferenceFolder.own, only: ["erlang_c-1", "erlang_a-5"])
    #expect(set.points.count == 2)
    set.check(limit: 4e7)
  }

  @Test("The formulas behind the control variates agree with the reference values of Erlang A, C and M/M/n+G")
  func formulas() throws {
    let set = try ReferenceSet(ReferenceFolder.own)
    #expect(set.points.count >= 15)
    for point in set.points {
      let known = point.model.known(within: point.target)
      func expect(_ name: String, _ value: Double) {
        guard let expected = point.comparisons.first(where: { $0.name == name })?.expected else { return }
        #expect(abs(value - expected) <= 2e-4 * max(1e-3, expected), "\(point.id) \(name): \(value), not \(expected)")
      }
      expect("p_wait", known.waited)
      expect("p_abandon", known.abandoned)
      expect("mean_wait_all", known.meanWait)
      expect("service_level", known.answeredWithin)
      expect("sl_served_of_offered", known.answeredWithin)
    }
  }
}

/// Every row of every file in the folder that `SWITCHBOARD_TESTDATA` names.
@Suite("Queueing conformance", .enabled(if: ReferenceFolder.named != nil), .serialized)
struct QueueingConformance {
  @Test("Every Erlang C, Erlang A and M/M/n+G point lies in a narrow interval, 99.9 % family-wise")
  func points() throws {
    let set = try ReferenceSet(try #require(ReferenceFolder.named))
    #expect(!set.points.isEmpty)
    set.check(limit: 4e8)
    print("queueing: \(set.points.count) points run, \(set.skipped.count) rows skipped")
    for row in set.skipped { print("queueing: skipped \(row.id): \(row.reason)") }
  }
}
