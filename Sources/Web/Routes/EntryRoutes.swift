import ACD
import API
import CallControl
import FoundationEssentials
import HTTPTypes
import Primitives

/// What the widget asks before it offers anything: channels, hours and the wait. It tells no more than a visitor who
/// comes is told.
struct EntryRoutes: Sendable {
  let desk: Desk

  var routes: [Route] {
    [
      Route(
        method: .get, path: "/v1/entry", name: "readEntry",
        summary: "What an entry offers now: channels, hours, and the wait.", access: .open,
        query: [.init(name: "name", summary: "The entry, as shop or web:shop.", isRequired: true)],
        result: .json(.of(API.Entry.self)), handle: read)
    ]
  }

  @Sendable private func read(_ exchange: Exchange) async throws -> Answer {
    let site = desk.backend.site()
    guard let name = exchange.query("name") else { throw Refused.badRequest("The query needs a name.") }
    let entry = try site.webEntry(named: name)
    let now = Instant(microseconds: Int64(Date().timeIntervalSince1970 * 1_000_000))
    let definition = site.definitions.queues[Int(entry.queue.index)]
    let channels = entry.channels.filter { definition.channels.contains($0) }
    let queue = site.definitions.queue(open: entry.queue, at: now)
    var answer = API.Entry(name: entry.name, channels: channels.map(\.name), isOpen: queue != nil)
    if let queue {
      answer.wait = try await wait(in: site.definitions.queues[Int(queue.index)].name)
    } else {
      answer.opensAt = definition.hours?.nextOpening(after: now).map { Timestamp($0) }
      answer.takesMessages = definition.overflow.closed == .message && channels.contains(.chat)
    }
    return try .json(answer)
  }

  private func wait(in queue: String) async throws -> API.WaitRange? {
    guard case .queues(let queues) = try await desk.perform(.describeQueues) else { return nil }
    return queues.first { $0.name == queue }?.waitRange.map { API.WaitRange($0) }
  }
}

extension Site {
  /// - Throws: 404 for an entry that is not there, or not for web pages.
  func webEntry(named name: String) throws -> Entry {
    let full = name.hasPrefix("web:") ? name : "web:" + name
    guard let entry = entries.first(where: { $0.name == full }) else {
      throw Refused.notFound("There is no entry \(full).")
    }
    return entry
  }
}

extension Definitions {
  /// Where somebody who comes to the queue now would wait: there, or where its closed hours lead; nil if nowhere.
  fileprivate func queue(open queue: QueueID, at now: Instant) -> QueueID? {
    var queue = queue
    // As many hops as a contact may make.
    for _ in 0...4 {
      let definition = queues[Int(queue.index)]
      guard let hours = definition.hours, !hours.isOpen(at: now) else { return queue }
      guard case .queue(let other) = definition.overflow.closed else { return nil }
      queue = other
    }
    return nil
  }
}
