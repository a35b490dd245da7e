import ACD
import CallControl
import Foundation
import Primitives
import SIP
import Testing

@testable import SiteConfiguration

@Suite struct HoursTests {
  private func instant(_ text: String) throws -> Instant {
    let date = try Date(text, strategy: .iso8601)
    return Instant(microseconds: .seconds(Int64(date.timeIntervalSince1970)))
  }

  private func site(_ queue: String, _ top: String = "") throws -> Site {
    let folder = try Folder([
      "site.yaml": """
      site: { time_zone: Europe/Berlin }
      \(top)
      queues:
        support: \(queue)
        sales: {}
      agents: { amina: { phone: demo, queues: [support, sales] } }
      """
    ])
    return try SiteFolder.load(folder.path)
  }

  @Test("Opening hours are the zone's, closed on holidays and at weekends")
  func weekdays() throws {
    let hours = try #require(
      try site("{ hours: { open: \"Mon-Fri 08:00-18:00\", holidays: [2026-12-25] } }").definitions.queues[0].hours)
    #expect(!hours.isOpen(at: try instant("2026-11-23T06:59:59Z")))
    #expect(hours.isOpen(at: try instant("2026-11-23T07:00:00Z")))
    #expect(hours.isOpen(at: try instant("2026-11-23T16:59:59Z")))
    #expect(!hours.isOpen(at: try instant("2026-11-23T17:00:00Z")))
    #expect(!hours.isOpen(at: try instant("2026-11-21T10:00:00Z")), "a Saturday")
    #expect(!hours.isOpen(at: try instant("2026-12-25T10:00:00Z")), "a Friday, and a holiday")
    #expect(hours.nextOpening(after: try instant("2026-12-24T17:00:00Z")) == (try instant("2026-12-28T07:00:00Z")))
    // In summer the same wall clock is an hour earlier.
    #expect(hours.isOpen(at: try instant("2026-07-06T06:00:00Z")))
  }

  @Test("A skipped opening is the gap's end; of a repeated hour the first opens and the last closes")
  func clockChanges() throws {
    let hours = try #require(try site("{ hours: { open: \"Sun 02:30-12:00\" } }").definitions.queues[0].hours)
    // 29 March 2026: 02:00 becomes 03:00 at 01:00 UTC.
    #expect(!hours.isOpen(at: try instant("2026-03-29T00:59:59Z")))
    #expect(hours.isOpen(at: try instant("2026-03-29T01:00:00Z")))
    // 25 October 2026: 03:00 becomes 02:00 at 01:00 UTC, so 02:30 is 00:30 and 01:30 UTC.
    #expect(!hours.isOpen(at: try instant("2026-10-25T00:29:59Z")))
    #expect(hours.isOpen(at: try instant("2026-10-25T00:30:00Z")))
    let night = try #require(try site("{ hours: { open: \"Sat 22:00-02:30\" } }").definitions.queues[0].hours)
    #expect(night.isOpen(at: try instant("2026-10-25T01:29:59Z")))
    #expect(!night.isOpen(at: try instant("2026-10-25T01:30:00Z")))
  }

  @Test("Overflows, limits and callbacks are read as written")
  func flow() throws {
    let read = try site(
      """
      { limits: { waiting: 9, wait: 20m, overflow: { candidate: oldest, to: sales },
          unstaffed: { test: answerable, within: 5m, leave: true, then: callback } },
        callback: { mode: customer_first, attempts: 3, retry_after: 5m, ring: 25s, limit: 2h, key: 1, offer_after: 90s },
        grace: 60s, estimates: false }
      """, "callback: { allow: [\"+4930*\"], gateway: \"sip:192.0.2.1:5070\" }")
    let queue = read.definitions.queues[0]
    #expect(queue.overflow.candidate == .oldest)
    #expect(queue.overflow.full == .queue(QueueID(index: 1)))
    #expect(queue.overflow.late == .queue(QueueID(index: 1)))
    #expect(queue.overflow.staffing == .answerable(within: .minutes(5)))
    #expect(queue.overflow.ejectsUnstaffed)
    #expect(queue.overflow.unstaffed == .callback)
    #expect(queue.callback?.mode == .customerFirst)
    #expect(queue.callback?.attempts == 3)
    #expect(queue.callback?.gap == .minutes(5))
    #expect(queue.callback?.ring == .seconds(25))
    #expect(queue.callback?.limit == .minutes(120))
    #expect(queue.grace == .seconds(60))
    #expect(!queue.estimatesWaits)
    #expect(read.definitions.queues[1].estimatesWaits)
    #expect(read.queues[0].callbackKey == 1)
    #expect(read.queues[0].callbackOfferedAfter == .seconds(90))
    #expect(read.callbacks.allowed == ["+4930*"])
    #expect(read.callbacks.gateway?.host == "192.0.2.1")
  }

  @Test("Days begin at the zone's midnight, and are expanded only where something counts by them")
  func days() throws {
    #expect(try site("{ policy: fewest_contacts }").definitions.days.isEmpty)
    let days = try site("{ policy: fewest_contacts, window: day }").definitions.days
    #expect(days.contains(try instant("2026-11-22T23:00:00Z")))
    #expect(days.contains(try instant("2026-07-01T22:00:00Z")), "in summer")
    #expect(zip(days, days.dropFirst()).allSatisfy { (23...25).contains(($1 - $0) / .minutes(60)) })
  }

  @Test("The length of a WAV file is its data by its byte rate")
  func waveLength() {
    func word(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * UInt32($0))) } }
    var bytes = Array("RIFF".utf8) + word(0) + Array("WAVEfmt ".utf8) + word(16)
    bytes += [1, 0, 1, 0] + word(8_000) + word(16_000) + [2, 0, 16, 0]
    bytes += Array("data".utf8) + word(24_000)
    #expect(SiteConfiguration.waveLength(bytes) == nil)
    bytes += Array(repeating: 0, count: 24_000)
    #expect(SiteConfiguration.waveLength(bytes) == 1_500_000)
    #expect(SiteConfiguration.waveLength(Array("RIFF".utf8)) == nil)
  }
}
