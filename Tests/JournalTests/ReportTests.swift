import ACD
import CallControl
import Foundation
import Primitives
import Testing

@testable import Journal

@Suite struct ReportTests {
  /// Ratios in tenths of a percent.
  private func perMille(_ counters: QueueCounters) -> [Int?] {
    ServiceLevelDefinition.Metric.allCases.map { metric in
      counters.serviceLevel(metric).ratio.map { Int(($0 * 1_000).rounded()) }
    }
  }

  /// 70 answered in time, 10 abandoned in time, 20 later: as the Cisco manual's worked example.
  private func ciscoStory() -> Story {
    var story = Story()
    for index in 0..<100 {
      let isInTime = index < 80
      _ = story.addContact(
        at: Double(index) * 30, wait: isInTime ? 10 : 25,
        outcome: index < 70 || index >= 90 ? .answered : .abandoned, talk: 1)
    }
    return story
  }

  @Test("70 answered and 10 abandoned in time with 20 later are 77.8, 70 and 80 percent")
  func cisco() throws {
    let scratch = try ScratchJournal()
    let store = try scratch.open()
    try store.appendAndSave(ciscoStory().batch)
    let report = try store.reader.report(.queues, from: .distantPast, to: .distantFuture)
    #expect(report.rows.count == 1)
    let counters = try store.reader.intervals(from: .distantPast, to: .distantFuture)
      .reduce(into: QueueCounters()) { $0 += $1.counters }
    #expect(perMille(counters) == [778, 700, 800, 875])
    // The single intervals differ, so averaging their ratios would not give these.
    let intervals = try store.reader.report(.intervals, from: .distantPast, to: .distantFuture)
    #expect(intervals.rows.count == 4)
    let table = report.rendered(as: .table)
    #expect(table.contains("77.8%"))
    #expect(table.contains("70.0%"))
    #expect(table.contains("80.0%"))
    #expect(table.contains("T=20s"))
  }

  @Test("Short abandons stand beside every service level, and the label says so")
  func shortAbandons() throws {
    let scratch = try ScratchJournal()
    let store = try scratch.open()
    var definitions = Definitions()
    definitions.names.queues = ["support"]
    var queue = QueueDefinition(name: "support")
    queue.shortAbandon = 5_500_000
    definitions.queues = [queue]
    var story = Story()
    story.add(0, .configurationApplied(hash: "a"))
    _ = story.addContact(at: 1, wait: 5)
    _ = story.addContact(at: 2, wait: 3, outcome: .shortAbandoned)
    var batch = story.batch
    batch.configuration = StoredConfiguration(hash: "a", body: [], definitions: definitions)
    try store.appendAndSave(batch)
    #expect(
      try store.reader.report(.intervals, from: .distantPast, to: .distantFuture).rendered(as: .csv) == """
        start,queue,definition,service_level,entered,answered,answered_within,abandoned,abandoned_within,\
        short_abandoned,left,callback,failed,refused,mean_answered_wait_s,mean_excess_wait_s,abandon_rate,\
        mean_handle_time_s,hold_s,callbacks_queued,callbacks_answered,callbacks_closed,announced,range_coverage,\
        queue_length_error_s,head_of_line_error_s,last_to_enter_error_s,sl.ignored,sl.negative,sl.positive,\
        sl.answered\r
        2026-01-05T10:00:00Z,support,2,T=20s short<5.5s,2,1,1,0,0,1,0,0,0,0,5,0,0,70,0,0,0,0,0,,,,,1,1,1,1\r\n
        """)
  }

  @Test("Sums under different definitions are not added")
  func definitions() throws {
    let scratch = try ScratchJournal()
    let store = try scratch.open()
    var story = Story()
    for (index, hash) in ["a", "b"].enumerated() {
      var definitions = Definitions()
      definitions.names.queues = ["support"]
      var queue = QueueDefinition(name: "support")
      queue.serviceLevel.within = .seconds(Int64(30 + index))
      definitions.queues = [queue]
      try store.appendAndSave(Batch(configuration: StoredConfiguration(hash: hash, body: [], definitions: definitions)))
      story.add(Double(index) * 500, .configurationApplied(hash: hash))
      _ = story.addContact(at: Double(index) * 500 + 1, wait: 31)
    }
    try store.appendAndSave(story.batch)
    let report = try store.reader.report(.queues, from: .distantPast, to: .distantFuture)
    #expect(report.rows.map { $0[2] } == [.text("T=30s"), .text("T=31s")])
    #expect(report.rows.map { $0.last } == [.ratio(0), .ratio(1)])
  }

  @Test("Agents are reported with their offers and handle time")
  func agents() throws {
    let scratch = try ScratchJournal()
    let store = try scratch.open()
    var story = Story()
    _ = story.addContact(at: 0, wait: 1, talk: 50)
    _ = story.addContact(at: 1_000, wait: 1, talk: 100)
    story.add(2_000, .acd(.offerMissed(OfferID(sequence: 99), ContactID(slot: 9, generation: 9), AgentID(index: 0))))
    try store.appendAndSave(story.batch)
    #expect(
      try store.reader.report(.agents, from: .distantPast, to: .distantFuture).rendered(as: .table) == """
        agent  offered  accepted  declined  missed  answered  talk_s  hold_s  wrap_up_s  mean_handle_time_s  \
        handling_s  ready_s  occupancy
        #0           2         2         0       1         2   150.0     0.0       20.0                85.0  \
             170.0      0.0     100.0%

        """)
  }

  @Test("Contacts are reported newest first, as JSON that parses")
  func contacts() throws {
    let scratch = try ScratchJournal()
    let store = try scratch.open()
    var story = Story()
    _ = story.addContact(at: 0, wait: 1.5)
    let contact = ContactID(slot: 9, generation: 9)
    story.add(
      10, .contactOpened(contact, PublicID(high: 0, low: 77), entry: "web:\"sh\\op\"\u{1}", channel: .voice),
      .acd(.contactRefused(contact, queue: QueueID(index: 5), .unstaffed)))
    try store.appendAndSave(story.batch)
    let json = try store.reader.report(.contacts, from: .distantPast, to: .distantFuture).rendered(as: .json)
    let rows = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [[String: Any]])
    #expect(rows.count == 2)
    #expect(rows[0]["entry"] as? String == "web:\"sh\\op\"\u{1}")
    #expect(rows[0]["outcome"] as? String == "refused_unstaffed")
    #expect(rows[0]["wait_s"] is NSNull)
    #expect(rows[1]["wait_s"] as? Double == 1.5)
    #expect(rows[1]["end_cause"] as? String == "contact_left")
    #expect(rows[1]["contact"] as? String == PublicID(high: 0, low: 0).description)
  }

  @Test("Fields with commas, quotes and line ends are quoted in CSV; an empty report is well-formed")
  func escaping() {
    let report = Report(
      columns: ["a", "b"], rows: [[.text("x,\"y\"\nz"), .seconds(-1_500_000)], [.empty, .ratio(0.5)]])
    #expect(report.rendered(as: .csv) == "a,b\r\n\"x,\"\"y\"\"\nz\",-1.5\r\n,0.5\r\n")
    #expect(Report(columns: ["a"]).rendered(as: .json) == "[]\n")
    #expect(Report(columns: ["a"]).rendered(as: .table) == "a\n")
  }
}
