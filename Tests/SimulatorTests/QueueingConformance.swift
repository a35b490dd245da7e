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
  var studies: [Study] = []
  var skipped: [(id: String, reason: String)] = []
  /// Limits for many agents, and the exact values that they should be close to.
  var limits: [(id: String, exact: Double, limit: Double)] = []

  init(_ folder: URL, only: Set<String>? = nil) throws {
    for file in ReferenceFolder.files(folder, ".csv") {
      let family = file.deletingPathExtension().lastPathComponent
      let rows = try Table(file).rows.filter { row in only.map { $0.contains(row["id"] ?? "") } ?? true }
      // Rows of one point stand together.
      var points: [[Study.Row]] = []
      for row in rows {
        if let id = row["id"], points.last?.first?["id"] == id {
          points[points.count - 1].append(row)
        } else {
          points.append([row])
        }
      }
      for point in points { add(point, family) }
    }
  }

  private mutating func add(_ point: [Study.Row], _ family: String) {
    guard let first = point.first else { return }
    let id = first["id"] ?? "\(family) without an id"
    let study: Study?
    switch family {
    case "erlang_a", "erlang_c", "mmng": study = Study.waiting(first)
    case "erlang_b": study = Study.loss(first)
    case "finite_lines": study = Study.finiteLines(first)
    case "square_root":
      let found = Study.manyAgents(first)
      study = found?.study
      if let found { limits.append((id, found.exact, found.limit)) }
    case "mg1", "mdn": study = Study.general(first)
    case "priority": study = Study.priorities(point)
    case "busyness": study = Study.busyness(first)
    case "ewt": study = Study.remainingWait(first)
    case "redial": study = Study.redial(first)
    case "time_varying": study = Study.day(point)
    case "multiskill": study = Study.pools(point)
    default: study = nil
    }
    if let study { studies.append(study) } else { skipped.append((id, "a rule, a law or a column not known here")) }
  }

  /// Runs every point; all intervals together hold with 99.9 %.
  func check() {
    let count = studies.reduce(0) { $0 + $1.comparisons.count }
    for study in studies {
      let begun = ContinuousClock.now
      for finding in study.run(confidence: 1 - 0.001 / Double(max(1, count))) {
        let (comparison, estimate) = (finding.comparison, finding.estimate)
        let name = "\(study.id) \(comparison.name)"
        #expect(
          finding.isInside, "\(name): \(estimate.value) ± \(estimate.halfWidth) instead of \(comparison.expected)")
        #expect(finding.isNarrow, "\(name): \(estimate.halfWidth) is wider than \(comparison.tolerance)")
      }
      let seconds = (ContinuousClock.now - begun) / .seconds(1)
      if seconds > 2 { print("queueing: \(study.id) took \(Int(seconds)) s") }
    }
    for (id, exact, limit) in limits {
      #expect(abs(exact / limit - 1) <= 0.02, "\(id): \(exact) at 4,000 Erlang, \(limit) in the limit")
    }
  }
}

@Suite("The engine against queueing theory")
struct QueueingTests {
  @Test("A light Erlang C and a small Erlang A centre meet their closed forms")
  func fewPoints() throws {
    let set = try ReferenceSet(ReferenceFolder.own, only: ["erlang_c-1", "erlang_a-5", "erlang_b-1"])
    #expect(set.studies.count == 3)
    set.check()
  }

  @Test("The formulas behind the control variates agree with the reference values of Erlang A, C and M/M/n+G")
  func formulas() throws {
    var seen = 0
    for family in ["erlang_a", "erlang_c", "mmng"] {
      for row in try Table(ReferenceFolder.own.appendingPathComponent("\(family).csv")).rows {
        func number(_ column: String) -> Double? { row[column].flatMap(Double.init) }
        let patience = try #require(QueueingModel.Patience(row))
        let model = QueueingModel(
          arrivalRate: try #require(number("arrival_rate")), meanHandle: try #require(number("mean_handle")),
          agents: Int(try #require(number("agents"))), patience: patience)
        let known = model.known(within: try #require(number("target")))
        func expect(_ name: String, _ value: Double) {
          guard let expected = number(name) else { return }
          let id = row["id"] ?? family
          #expect(abs(value - expected) <= 2e-4 * max(1e-3, expected), "\(id) \(name): \(value), not \(expected)")
        }
        expect("p_wait", known.waited)
        expect("p_abandon", known.abandoned)
        expect("mean_wait_all", known.meanWait)
        expect("service_level", known.answeredWithin)
        expect("sl_served_of_offered", known.answeredWithin)
        seen += 1
      }
    }
    #expect(seen >= 15)
  }
}

/// Every row of every file in the folder that `SWITCHBOARD_TESTDATA` names.
@Suite("Queueing conformance", .enabled(if: ReferenceFolder.named != nil), .serialized)
struct QueueingConformance {
  @Test("Every reference point lies in a narrow interval, 99.9 % family-wise")
  func points() throws {
    let set = try ReferenceSet(try #require(ReferenceFolder.named))
    #expect(!set.studies.isEmpty)
    set.check()
    print("queueing: \(set.studies.count) points run, \(set.skipped.count) skipped")
    for row in set.skipped { print("queueing: skipped \(row.id): \(row.reason)") }
  }
}
