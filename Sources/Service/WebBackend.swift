import ACD
import API
import CallControl
import Dispatch
import Journal
import Primitives
import SIP
import Synchronization
import Web

/// The site in force, for those who are not on the engine thread.
final class CurrentSite: Sendable {
  private let state: Mutex<Site>
  init(_ site: Site) { state = Mutex(site) }
  var value: Site {
    get { state.withLock { $0 } }
    set { state.withLock { $0 = newValue } }
  }

  /// Whether an address is one of the site's trusted sources. Asked for each message, so the site is not copied.
  func trusts(_ endpoint: Endpoint) -> Bool {
    state.withLock { site in site.federation.trustedSources.contains { $0.contains(endpoint) } }
  }
}

extension Backend {
  /// The web edge's view of a running service.
  static func serving(
    site: CurrentSite, reader: JournalReader, inquiries: Inquiries,
    perform: @escaping @Sendable (Command) async -> Reply,
    isReady: @escaping @Sendable () -> Bool, metrics: @escaping @Sendable () -> [Metric]
  ) -> Backend {
    Backend(
      perform: perform, site: { site.value },
      messages: { contact, sequence in
        let site = site.value
        let person = try reader.person(of: contact)
        return try reader.messages(of: contact, after: sequence).map { row in
          let name =
            switch row.author {
            case .visitor: person?.name ?? "visitor"
            case .agent(let agent):
              site.agents.indices.contains(Int(agent.index)) ? site.agents[Int(agent.index)].displayName : "agent"
            case .system: site.name
            }
          return MessageView(
            sequence: row.sequence, contact: contact, at: row.at, author: row.author, authorName: name, text: row.text)
        }
      },
      contacts: { query in
        let names = site.value.definitions.names
        var filter = ContactFilter(from: query.from, to: query.to)
        if let queue = query.queue {
          guard let index = names.queues.firstIndex(of: queue) else { return [] }
          filter.queue = QueueID(index: UInt32(index))
        }
        return try reader.contacts(filter, before: query.before ?? .max, limit: query.limit).map {
          Web.ContactRow($0, names: names)
        }
      },
      intervals: { query in
        let names = site.value.definitions.names
        let rows = try reader.intervals(from: query.from ?? .distantPast, to: query.to ?? .distantFuture)
        return rows.map { row in
          var counters = row.counters
          counters.callback = row.callbacks
          return Web.IntervalRow(queue: names.queues[Int(row.queue.index)], start: row.start, counters: counters)
        }
        .filter { query.queue == nil || $0.queue == query.queue }
        .suffix(query.limit)
      },
      why: { try await inquiries.why($0) },
      isReady: isReady, metrics: metrics)
  }
}

/// Questions to the journal, one after the other on a thread of their own: an answer may replay 100,000 records.
final class Inquiries: Sendable {
  private let queue = DispatchQueue(label: "inquiries")
  private let waiting = Mutex(0)
  private let ask: @Sendable (WhyQuery) throws -> Why

  /// More than this at once is 503.
  private static let limit = 8

  init(_ ask: @escaping @Sendable (WhyQuery) throws -> Why) { self.ask = ask }

  func why(_ query: WhyQuery) async throws -> Why {
    let isTaken = waiting.withLock { waiting in
      guard waiting < Self.limit else { return false }
      waiting += 1
      return true
    }
    guard isTaken else { throw Problem.overloaded }
    return try await withCheckedThrowingContinuation { continuation in
      queue.async { [self] in
        defer { waiting.withLock { $0 -= 1 } }
        continuation.resume(
          with: Result {
            do {
              return try ask(query)
            } catch let refusal as Inquiry.Refusal {
              throw Problem.notFound(refusal.description)
            }
          })
      }
    }
  }
}

extension Web.ContactRow {
  fileprivate init(_ row: Journal.ContactRow, names: Names) {
    self.init(
      position: row.sequence, id: row.id, queue: row.queue.map { names.queues[Int($0.index)] } ?? "",
      channel: row.channel, agent: row.agent.map { names.agents[Int($0.index)] }, entered: row.entered ?? row.opened,
      answered: row.answered, ended: row.ended, outcome: row.outcomeName, wait: row.wait ?? 0,
      talk: row.talk ?? 0, code: row.code.map { names.codes[Int($0.index)] })
    quality = row.quality
    agentQuality = row.agentQuality
  }
}
