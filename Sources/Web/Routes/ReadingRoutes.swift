import ACD
import API
import CallControl
import HTTPTypes
import Primitives

/// Wallboards and reports.
struct ReadingRoutes: Sendable {
  let desk: Desk

  private static let live: Route.Access = .scopes([.read, .agent, .admin])
  /// An answer replays part of the journal.
  private static let asking = RateLimiter.Quota(name: "why", burst: 10, interval: 1_000_000)
  private static let range: [Route.Parameter] = [
    .init(name: "queue", summary: "Only this queue, as q_support."),
    .init(name: "from", summary: "Entered at or after this time."),
    .init(name: "to", summary: "Entered before this time."),
    .init(name: "limit", summary: "Rows at most."),
  ]

  var routes: [Route] {
    [
      Route(
        method: .get, path: "/v1/queues", name: "listQueues", summary: "Every queue as it is now.",
        access: Self.live, result: .json(.of(Page<Queue>.self)), handle: queues),
      Route(
        method: .get, path: "/v1/agents", name: "listAgents",
        summary: "Every agent as they are now. Visitors' names and addresses only with scope admin.",
        access: Self.live, result: .json(.of(Page<Agent>.self)), handle: agents),
      Route(
        method: .get, path: "/v1/events", name: "followAll",
        summary: "All events. What visitors say, their names and addresses only with scope admin.",
        access: .scopes([.read, .admin]), query: [.lastEventID], result: .events, handle: events),
      Route(
        method: .get, path: "/v1/contacts", name: "listContacts", summary: "Contacts, newest first.",
        access: .scopes([.read, .admin]),
        query: Self.range + [.init(name: "cursor", summary: "next_cursor of the page before.")],
        result: .json(.of(Page<ContactRecord>.self)), handle: contacts),
      Route(
        method: .get, path: "/v1/contacts/{contact}/why", name: "explainContact",
        summary:
          "Why the contact went where it went, or not to an agent: the tests with their values, from the journal.",
        access: Self.live,
        query: [
          .init(name: "agent", summary: "Whose tests are wanted, as ag_amina or amina."),
          .init(name: "offer", summary: "Which offer, as of_123; the accepted one, or what happened last, without it."),
        ],
        result: .json(.of(Why.self)), quota: Self.asking, handle: why),
      Route(
        method: .get, path: "/v1/intervals", name: "listIntervals",
        summary: "Sums by queue and interval of arrival; they add up over queues and intervals.",
        access: .scopes([.read, .admin]), query: Self.range, result: .json(.of(Page<Interval>.self)),
        handle: intervals),
    ]
  }

  private func audience(_ exchange: Exchange) -> Audience {
    exchange.principal.has(oneOf: [.admin]) ? .agent : .wallboard
  }

  @Sendable private func queues(_ exchange: Exchange) async throws -> Answer {
    guard case .queues(let views) = try await desk.perform(.describeQueues) else { throw Refused.internalError }
    return try .json(Page(items: views.map { Queue($0) }))
  }

  private func describeAgents(for audience: Audience) async throws -> [Agent] {
    guard case .agents(let views) = try await desk.perform(.describeAgents) else { throw Refused.internalError }
    return views.map { Agent($0, for: audience) }
  }

  @Sendable private func agents(_ exchange: Exchange) async throws -> Answer {
    try .json(Page(items: await describeAgents(for: audience(exchange))))
  }

  @Sendable private func events(_ exchange: Exchange) async throws -> Answer {
    try desk.streams.answer(.all, for: audience(exchange), exchange: exchange) {
      guard case .queues(let views) = try await desk.perform(.describeQueues) else { throw Refused.internalError }
      return StreamEvent.Snapshot(queues: views.map { Queue($0) })
    }
  }

  @Sendable private func contacts(_ exchange: Exchange) async throws -> Answer {
    let limit = try exchange.limit(default: 100, most: 1_000)
    var before: UInt64?
    if let cursor = exchange.query("cursor") {
      guard let position = UInt64(cursor, radix: 36) else { throw Refused.invalid("cursor is not one of ours.") }
      before = position
    }
    // One row more than asked for tells whether there is a next page.
    let query = ContactQuery(
      before: before, queue: try queue(exchange), from: try exchange.time("from")?.instant,
      to: try exchange.time("to")?.instant, limit: limit + 1)
    let rows = try await desk.backend.contacts(query)
    let next = rows.count > limit ? String(rows[limit - 1].position, radix: 36) : nil
    return try .json(Page(items: rows.prefix(limit).map { ContactRecord($0) }, nextCursor: next))
  }

  @Sendable private func why(_ exchange: Exchange) async throws -> Answer {
    let query = WhyQuery(
      contact: try exchange.contact(), agent: exchange.query("agent"), offer: exchange.query("offer"))
    do {
      return try .json(await desk.backend.why(query))
    } catch let problem as CallControl.Problem {
      throw Refused(problem)
    }
  }

  @Sendable private func intervals(_ exchange: Exchange) async throws -> Answer {
    let query = IntervalQuery(
      queue: try queue(exchange), from: try exchange.time("from")?.instant, to: try exchange.time("to")?.instant,
      limit: try exchange.limit(default: 1_000, most: 10_000))
    let site = desk.backend.site()
    return try .json(Page(items: await desk.backend.intervals(query).map { Interval($0, site: site) }))
  }

  private func queue(_ exchange: Exchange) throws -> String? {
    guard let id = exchange.query("queue") else { return nil }
    guard id.hasPrefix("q_") else { throw Refused.invalid("queue is not a queue id, as q_support.") }
    return String(id.dropFirst(2))
  }
}
