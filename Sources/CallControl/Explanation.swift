public import ACD
public import Primitives

/// What people ask about decisions, of a switchboard that was replayed to the moment they ask about.
extension Switchboard {
  /// Why the contact goes to whom it goes, or to nobody; nil for one that is over.
  public func explanation(of contact: ContactID, agents: [AgentID] = [], at instant: Instant) -> Explanation? {
    acd.explanation(of: contact, agents: agents, at: instant)
  }

  /// What a queue says at its door.
  public func admission(to queue: QueueID, over channel: Channel, at instant: Instant) -> Admission? {
    acd.admission(to: queue, over: channel, at: instant)
  }

  public func publicID(of contact: ContactID) -> PublicID? { contacts[contact]?.id }
}
