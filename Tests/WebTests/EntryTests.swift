import ACD
import API
import CallControl
import Foundation
import NIOHTTP1
import Primitives
import Testing

@testable import Web

@Suite struct EntryTests {
  private static let hour: Int64 = 3_600_000_000

  /// A server whose queue is open from the hours given, counted from now.
  private func ask(
    _ entry: String = "shop", open hours: [Range<Int64>]?, closed: OverflowAction = .disconnect
  ) async throws -> (status: Int, entry: API.Entry?) {
    let now = Int64(Date().timeIntervalSince1970 * 1_000_000)
    let fake = FakeSwitchboard { site in
      let ranges = hours?.map {
        Instant(microseconds: now + $0.lowerBound * Self.hour)..<Instant(microseconds: now + $0.upperBound * Self.hour)
      }
      site.definitions.queues[0].hours = ranges.map { Hours(open: $0) }
      site.definitions.queues[0].overflow.closed = closed
      site.definitions.names.queues.append("night")
      site.definitions.queues.append(QueueDefinition(name: "night"))
    }
    var answer: (Int, API.Entry?) = (0, nil)
    try await withServer(fake) { server in
      let reply = try await server.send(.GET, "/v1/entry?name=\(entry)")
      answer = (reply.status, reply.status == 200 ? try reply.decode() : nil)
    }
    return answer
  }

  @Test("An entry tells the channels that it and its queue take")
  func channels() async throws {
    #expect(try await ask("demo", open: nil).entry?.channels == ["voice", "chat"])
    #expect(try await ask("web%3Ashop", open: nil).entry?.channels == ["chat"])
    #expect(try await ask(open: nil).entry?.name == "web:shop")
    #expect(try await ask(open: nil).entry?.isOpen == true)
    #expect(try await ask("nowhere", open: nil).status == 404)
  }

  @Test("Out of hours an entry tells when it opens again, and whether a message may be left")
  func hours() async throws {
    let open = try await ask(open: [-1..<1]).entry
    #expect(open?.isOpen == true && open?.opensAt == nil)
    let closed = try #require(try await ask(open: [-3 ..< -1, 2..<4, 8..<9]).entry)
    #expect(!closed.isOpen && !closed.takesMessages && closed.wait == nil)
    let opensIn = Double(try #require(closed.opensAt).milliseconds) / 1_000 - Date().timeIntervalSince1970
    #expect((7_100...7_200).contains(opensIn))
    #expect(try await ask(open: [-3 ..< -1]).entry?.opensAt == nil)
    #expect(try await ask(open: [2..<4], closed: .message).entry?.takesMessages == true)
  }

  @Test("An entry whose closed queue leads to an open one is open, and one that leads in a circle is not")
  func overflow() async throws {
    #expect(try await ask(open: [2..<4], closed: .queue(QueueID(index: 1))).entry?.isOpen == true)
    #expect(try await ask(open: [2..<4], closed: .queue(QueueID(index: 0))).entry?.isOpen == false)
  }
}
