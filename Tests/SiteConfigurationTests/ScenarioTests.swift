import ACD
import CallControl
import Foundation
import Primitives
import Testing

@testable import SiteConfiguration

@Suite struct ScenarioTests {
  private func instant(_ text: String) throws -> Instant {
    Instant(microseconds: Int64(try Date(text, strategy: .iso8601).timeIntervalSince1970 * 1e6))
  }

  @Test("The scenario that comes with Switchboard passes the check together with its site")
  func check() {
    #expect(Check.run(repository + "/Queues", scenarios: [repository + "/Simulations/monday-morning.yaml"]) == [])
  }

  @Test("The scenarios of a site stand in Simulations beside its folder")
  func beside() throws {
    #expect(Check.scenarios(beside: repository + "/Queues") == [repository + "Simulations/monday-morning.yaml"])
    let folder = try Folder([
      "Queues/site.yaml": "queues: {}", "Simulations/b.yml": "", "Simulations/a.yaml": "", "Simulations/notes.txt": "",
    ])
    #expect(
      Check.scenarios(beside: folder.path + "/Queues/")
        == ["a.yaml", "b.yml"].map { folder.path + "/Simulations/" + $0 })
    #expect(Check.scenarios(beside: folder.path) == [])
  }

  @Test("Monday morning is read as written, in the site's time zone")
  func monday() throws {
    let scenario = try ScenarioFile.load(repository + "/Simulations/monday-morning.yaml")
    #expect(scenario.span == (try instant("2026-11-23T07:00:00Z"))..<(try instant("2026-11-23T17:00:00Z")))
    let web = scenario.callers[0]
    #expect(scenario.site.definitions.queues[Int(web.queue.index)].name == "support")
    #expect(web.arrivals.perHour.count == 10 && web.arrivals.overdispersion == 0.1)
    #expect(web.channels == [Scenario.Share(.voice, 0.4), Scenario.Share(.chat, 0.6)])
    #expect(web.patience == .lognormal(mean: .minutes(4), cv: 1.2))
    #expect(web.handle(.chat) == .lognormal(mean: .minutes(6), cv: 1))
    #expect(web.redial?.after == .exponential(mean: .minutes(10)))
    // The queue asks for English at 50 already; a caller who needs German needs both.
    let needs = web.needs.map { scenario.site.definitions.profiles[Int($0.value.index)].needs.map(\.level).sorted() }
    #expect(needs == [[50], [1, 50]])
    #expect(web.needs.map(\.probability) == [0.8, 0.2])
    let amina = scenario.agents[0]
    #expect(amina.shifts == [(try instant("2026-11-23T07:00:00Z"))..<(try instant("2026-11-23T15:30:00Z"))])
    #expect(amina.breaks.map { $0.upperBound - $0.lowerBound } == [.minutes(15), .minutes(30)])
    #expect(amina.answersIn == .exponential(mean: .seconds(3)) && amina.misses == 0.02)
    #expect(scenario.agents[1].answersIn == .deterministic(.seconds(3)))
    #expect(scenario.runs.relativePrecision == 0.02)
    let first = scenario.expectations[0]
    #expect(first.metric == .serviceLevel(.negative, within: .seconds(20)) && first.channel == .voice)
    #expect(first.queue == web.queue && first.comparison == .atLeast)
    #expect(first.place.line == 35 && first.place.file.hasSuffix("monday-morning.yaml"))
    #expect(scenario.expectations.last?.queue == nil && scenario.expectations.last?.metric == .abandonRate)
  }

  @Test(
    "A threshold says what it compares",
    arguments: [
      (
        "support.wait.p95 <= 2m", SiteConfiguration.Expectation.Metric.waitQuantile(0.95),
        SiteConfiguration.Expectation.Comparison.atMost, 120.0
      ),
      ("support.asa<10s", .speedOfAnswer, .below, 10), ("*.abandon_rate <= 5%", .abandonRate, .atMost, 0.05),
      ("support.chat.sl.answered(1m30s) > 0.9", .serviceLevel(.answered, within: .seconds(90)), .above, 0.9),
      ("support.answered == 42", .answered, .equal, 42),
    ])
  func thresholds(
    text: String, metric: SiteConfiguration.Expectation.Metric, comparison: SiteConfiguration.Expectation.Comparison,
    value: Double
  ) throws {
    let read = try SiteConfiguration.Expectation(text, at: Place(file: "x"), queues: ["support"]) {
      $0 == "support" ? QueueID(index: 7) : nil
    }
    #expect(read.metric == metric && read.comparison == comparison && abs(read.value - value) < 1e-12)
    #expect(read.queue == (text.hasPrefix("*") ? nil : QueueID(index: 7)))
  }

  @Test("A skipped local time is the end of the gap, a repeated one its first occurrence")
  func wallClock() throws {
    let berlin = try #require(TimeZone(identifier: "Europe/Berlin"))
    for (local, utc) in [
      ("2026-03-29T01:59", "2026-03-29T00:59:00Z"), ("2026-03-29T02:30", "2026-03-29T01:00:00Z"),
      ("2026-03-29T03:00", "2026-03-29T01:00:00Z"), ("2026-10-25T02:30", "2026-10-25T00:30:00Z"),
      ("2026-10-25T03:00", "2026-10-25T02:00:00Z"), ("2024-02-29T24:00", "2024-02-29T23:00:00Z"),
      ("1970-01-01T01:00", "1970-01-01T00:00:00Z"), ("2000-03-01T00:00:30", "2000-02-29T23:00:30Z"),
    ] {
      let time = try #require(LocalTime(local))
      #expect(berlin.instant(of: time) == (try instant(utc)), "\(local)")
    }
    let lordHowe = try #require(TimeZone(identifier: "Australia/Lord_Howe"))
    let skipped = try #require(LocalTime("2026-10-04T02:10"))
    #expect(lordHowe.instant(of: skipped) == (try instant("2026-10-03T15:30:00Z")))
    for text in ["2026-13-01T00:00", "2026-02-29T08:00", "2026-1-01T00:00", "2026-01-01 00:00", "2026-01-01T24:01"] {
      #expect(LocalTime(text) == nil, "\(text)")
    }
  }

  @Test("A night shift runs over midnight on each day of the span")
  func nights() throws {
    let folder = try Folder([
      "site.yaml": "queues: { support: {} }\nagents: { amina: { queues: [support] } }",
      "night.yaml": "",
    ])
    let file = folder.path + "/../\(UUID().uuidString).yaml"
    defer { try? FileManager.default.removeItem(atPath: file) }
    let text = """
      site: \(folder.path)
      span: { start: "2026-11-23T12:00", end: "2026-11-25T00:00" }
      callers: {}
      agents: { amina: { shift: "22:00-06:00", breaks: ["23:45 30m"] } }
      """
    try Data(text.utf8).write(to: URL(filePath: file))
    let amina = try #require(try ScenarioFile.load(file).agents.first)
    #expect(
      amina.shifts == [
        (try instant("2026-11-23T22:00:00Z"))..<(try instant("2026-11-24T06:00:00Z")),
        (try instant("2026-11-24T22:00:00Z"))..<(try instant("2026-11-25T00:00:00Z")),
      ])
    #expect(amina.breaks.map { $0.upperBound - $0.lowerBound } == [.minutes(30), .minutes(15)])
  }

  @Test("Another site may be put under the same callers")
  func base() throws {
    let folder = try Folder([
      "site.yaml": """
      entries: { "web:shop": { queue: help }, "sip:sales@acme.example": { queue: sales } }
      queues: { help: {}, sales: {}, support: {} }
      agents:
        amina: { queues: [help, sales, support], skills: { lang_en: 90, lang_de: 90 } }
        ben: { queues: [help] }
        chiara: { queues: [help] }
        davit: { queues: [help] }
      """
    ])
    let scenario = try ScenarioFile.load(repository + "/Simulations/monday-morning.yaml", site: folder.path)
    #expect(scenario.site.definitions.queues[Int(scenario.callers[0].queue.index)].name == "help")
  }
}
