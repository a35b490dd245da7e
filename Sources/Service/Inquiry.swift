import ACD
public import API
import CallControl
import Journal
public import Primitives
import SiteConfiguration

/// Tells from the journal alone why a contact went where it went: the engine is replayed, each span under the
/// configuration that was in force, and asked just before each decision about the contact.
public struct Inquiry: Sendable {
  /// Why there is no answer, in a sentence.
  public struct Refusal: Error, Sendable, CustomStringConvertible {
    public var description: String
  }

  private let restoration: Restoration

  init(_ restoration: Restoration) { self.restoration = restoration }

  /// Over the journal of a server that runs or not.
  /// - Throws: `JournalError`, or a sentence where a configuration cannot be read.
  public init(dataFolder: String) throws {
    self.init(try Restoration.read(dataFolder: dataFolder).0)
  }

  /// - Parameters:
  ///   - contact: `ct_…`
  ///   - agent: whose tests are wanted, by name or as `ag_…`.
  ///   - offer: which of the contact's offers, as `of_…`; the one that was accepted, or else what happened last.
  ///   - now: for a contact that is still there; the last record's instant unless given.
  public func why(_ contact: String, agent: String? = nil, offer: String? = nil, now: Instant? = nil) throws -> Why {
    guard let id = PublicID(parsing: contact), let opening = try restoration.reader.opening(of: id) else {
      throw Refusal(description: "There is no contact \(contact) in the journal.")
    }
    var story = Story(asked: try agent.map { [try self.agent(named: $0)] } ?? [])
    var (switchboard, sequence) = try restoration.start(
      from: try restoration.reader.checkpoint(before: opening), entropy: Entropy(seed: (1, 2, 3, 4)))
    try restoration.reader.walk(after: sequence) { record in
      if case .contactOpened(let contact, id, _, let channel) = record.event { story.begin(contact, channel) }
      story.hear(record, switchboard)
      restoration.replay(record, into: &switchboard)
      story.follow(record, switchboard)
      sequence = record.sequence
      return story.isOver
    }
    if !story.isOver { story.end(switchboard, at: max(now ?? .distantPast, story.last), sequence) }
    var wanted: OfferID?
    if let offer {
      guard let sequence = UInt64(offer.hasPrefix("of_") ? offer.dropFirst(3) : offer[...]) else {
        throw Refusal(description: "\(offer) is no offer such as of_123.")
      }
      wanted = OfferID(sequence: sequence)
    }
    guard let decision = try story.decision(wanted) else { return Why(contact: contact, history: story.history) }
    return Why(contact: contact, history: story.history, decision: decision)
  }

  private func agent(named name: String) throws -> AgentID {
    let names = restoration.today.definitions.names.agents
    let bare = name.hasPrefix("ag_") ? String(name.dropFirst(3)) : name
    guard let index = names.firstIndex(of: bare) else {
      let known = names.isEmpty ? "there are none" : names.prefix(10).joined(separator: ", ")
      throw Refusal(description: "No agent is called \(bare); agents are \(known)\(names.count > 10 ? "…" : "").")
    }
    return AgentID(index: UInt32(index))
  }
}
