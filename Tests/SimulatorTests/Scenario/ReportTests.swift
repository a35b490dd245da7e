import ACD
import Foundation
import Primitives
import SiteConfiguration
import Testing

@testable import Simulator

@Suite("Reports of simulations")
struct ReportTests {
  private static let repository = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
  private static let queues = repository.appendingPathComponent("Queues").path

  private static func scenario(_ expect: [String], runs: String = "{ seed: 5, replications: 8 }") throws -> Scenario {
    try scenario(expect, runs: runs) { try ScenarioFile.load($0, site: queues) }
  }

  private static func scenario(
    _ expect: [String], runs: String = "{ seed: 5, replications: 8 }", agents: String = "amina: {}, ben: {}",
    _ load: (String) throws -> Scenario
  ) throws -> Scenario {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("a<b>-\(UUID().uuidString).yaml")
    defer { try? FileManager.default.removeItem(at: file) }
    try """
    site: Queues
    span: { start: "2026-11-23T08:00", end: "12:00" }
    callers:
      visitors:
        queue: support
        arrivals: { per_hour: [10, 20, 30, 20] }
        patience: { exponential: { mean: 4m } }
        handle: { voice: { exponential: { mean: 4m } } }
    agents: { \(agents) }
    runs: \(runs)
    expect: [\(expect.map { "\"\($0)\"" }.joined(separator: ", "))]
    """.write(to: file, atomically: true, encoding: .utf8)
    return try load(file.path)
  }

  @Test("The page is one file without references, tells the verdicts in words, and is the same for the same seed")
  func page() throws {
    var options = Simulation.Options()
    options.isByInterval = true
    let scenario = try Self.scenario(["support.sl.negative(20s) >= 0.01", "support.abandon_rate <= 0.0001"])
    let report = Simulation.run(scenario, options)
    let page = report.page
    #expect(page.contains("1 of 2 thresholds are missed."))
    #expect(page.contains("prefers-color-scheme: dark"))
    for outside in ["http://", "https://", "<script", "<link", "url(", "<img"] { #expect(!page.contains(outside)) }
    // The file's name is text, not markup.
    #expect(!page.contains("a<b>"))
    options.threads = 1
    #expect(Simulation.run(scenario, options).page == page)
    let course = try #require(report.course)
    #expect(course.intervals.first == "08:00")
    #expect(course.intervals.count == 16)
    let support = try #require(course.queues.first { $0.name == "support" })
    let offered = report.lines.reduce(0) { $0 + $1.offered }
    #expect(abs(support.offered.reduce(0, +) - offered) < 1e-6)
    #expect(abs(support.waits.reduce(0) { $0 + $1.share } - 1) < 1e-9)
    #expect(support.staffed.allSatisfy { abs($0 - 2) < 0.1 })
  }

  @Test("JUnit names the line of a threshold; a missed one is a failure, an open one an error")
  func junit() throws {
    let report = Simulation.run(
      try Self.scenario(["*.offered >= 1", "support.answered <= 1", "support.occupancy == 0.5"]))
    let document = try XMLDocumentText([report].junit)
    #expect(document.count("<testcase") == 3)
    #expect(document.count("<failure") == 2)
    #expect(document.text.contains("tests=\"3\" failures=\"2\" errors=\"0\""))
    #expect(document.text.contains("line=\"11\""))
    #expect(!document.text.contains("a<b>"))
    let open = Simulation.run(try Self.scenario(["support.occupancy >= 0.1"], runs: "{ replications: 1 }"))
    #expect([open].junit.contains("<error message=\"inconclusive"))
  }

  @Test("A threshold of a queue to which nobody comes says so, and promises nothing of more replications")
  func nobody() throws {
    let report = Simulation.run(try Self.scenario(["sales.wait.mean <= 1m", "support.occupancy >= 0"]))
    #expect(report.verdict == .inconclusive)
    #expect(
      report.text.contains("? inconclusive: sales.wait.mean <= 1m   no contact arrived, so nothing can be judged\n"))
    #expect(!report.text.contains("may tell"))
    #expect(report.page.contains("1 of 2 thresholds cannot be decided: nobody came."))
    #expect(report.page.contains("Queue sales: nobody came."))
  }

  private struct XMLDocumentText {
    var text: String
    init(_ text: String) throws { self.text = text }
    func count(_ part: String) -> Int { text.components(separatedBy: part).count - 1 }
  }

  @Test("Against itself a configuration differs by nothing; a third agent helps by more than the interval")
  func base() throws {
    let expect = ["support.sl.negative(20s) >= 0.5"]
    let two = try Self.scenario(expect)
    let three = try Self.scenario(expect, agents: "amina: {}, ben: {}, chiara: {}") {
      try ScenarioFile.load($0, site: Self.queues)
    }
    let same = try #require(Simulation.run(two, base: two).comparison)
    #expect(same.lines.allSatisfy { $0.serviceLevel == Estimate(value: 0, halfWidth: 0) && $0.answered == 0 })
    let better = try #require(Simulation.run(three, base: two).comparison?.thresholds.first?.difference)
    #expect(better.value > better.halfWidth)
    // Paired, the difference is known better than either value.
    let alone = try #require(Simulation.run(two).results.first?.estimate)
    #expect(better.halfWidth < alone.halfWidth)
  }

  @Test("The base may lack the agents that are new")
  func newAgents() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("base-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try "queues: { support: {} }\nagents: { amina: { phone: demo, queues: [support] } }"
      .write(to: folder.appendingPathComponent("site.yaml"), atomically: true, encoding: .utf8)
    let base = try Self.scenario(["support.wait.mean <= 1m", "sales.wait.mean <= 1m"]) {
      try ScenarioFile.loadBase($0, site: folder.path)
    }
    #expect(base.agents.count == 1)
    #expect(base.expectations.count == 1)
    #expect(throws: ConfigurationError.self) {
      try Self.scenario([]) { try ScenarioFile.load($0, site: folder.path) }
    }
  }

  @Test("Looks at growing data share the error among them")
  func looks() throws {
    let options = Simulation.Options()
    let growing = try Self.scenario(["*.offered >= 1"], runs: "{ replications: 10, relative_precision: 0.1 }")
    #expect(Simulation.looks(growing, options) == [10, 21, 43, 87, 175, 200])
    #expect(abs(Simulation.run(growing).confidence - (1 - 0.05 / 6)) < 1e-12)
    #expect(Simulation.looks(try Self.scenario(["*.offered >= 1"]), options) == [8])
    #expect(Simulation.run(try Self.scenario(["*.offered >= 1"])).confidence == 0.95)
  }

  @Test("A share of 0 or 1 is not certain: ten contacts answered of ten do not prove 90 %")
  func unanimous() throws {
    let few = try #require(Sample.ratio([(5, 5), (5, 5)], isShare: true)).estimate()
    #expect(few.value == 1)
    #expect(few.halfWidth > 0.3)
    let many = try #require(Sample.ratio([(5_000, 5_000), (5_000, 5_000)], isShare: true)).estimate()
    #expect(many.halfWidth < 0.001)
  }

  @Test("The least staffing of a small centre meets the thresholds, and one agent less at its peak does not")
  func staffing() throws {
    let scenario = try Self.scenario(["support.sl.negative(20s) >= 0.7"], runs: "{ seed: 2, replications: 40 }")
    var options = Staffing.Options()
    options.interval = .minutes(60)
    var staffing = try Staffing(scenario, options)
    let plan = staffing.plan()
    #expect(plan.isFound)
    #expect(plan.thresholds.map(\.verdict) == [.pass])
    let hours = plan.kinds.reduce(0) { $0 + $1.agents.reduce(0, +) }
    let erlang = plan.kinds.reduce(0) { $0 + $1.erlangA.reduce(0, +) }
    #expect((4...20).contains(hours))
    #expect(hours <= erlang + 4)
    #expect(throws: Staffing.Refusal.self) { try Staffing(try Self.scenario(["*.offered >= 1"])) }
  }
}
