import API
import CallControl
import HTTPTypes

/// What whoever runs the site does.
struct SiteRoutes: Sendable {
  let desk: Desk

  var routes: [Route] {
    [
      Route(
        method: .post, path: "/v1/queues/{queue}/migrate-waiting", name: "migrateWaiting",
        summary: "Bring the contacts that wait in the queue from the ladder they entered under to the present one.",
        access: .scopes([.admin]), result: .json(.of(Migration.self)), handle: migrateWaiting)
    ]
  }

  @Sendable private func migrateWaiting(_ exchange: Exchange) async throws -> Answer {
    let id = exchange.parameters["queue"].map { String($0) } ?? ""
    guard id.hasPrefix("q_") else { throw Refused.invalid("queue is not a queue id, as q_support.") }
    guard case .migrated(let contacts) = try await desk.perform(.migrateWaiting(queue: id)) else {
      throw Refused.internalError
    }
    return try .json(Migration(queue: id, contacts: contacts))
  }
}
