public import ACD
public import Primitives
public import SIP

/// What happened, as it is journaled. Personal data stands beside it in `PersonalRecord`, so that it can be erased.
public enum Event: Sendable, Equatable {
  case acd(ACD.Event)
  /// A contact was born, before the ACD heard of it.
  case contactOpened(ContactID, PublicID, entry: String, channel: Channel)
  /// Nothing refers to the contact any more; its slot may be used again.
  case contactClosed(ContactID)
  /// The message's text is the personal record of the same sequence.
  case messagePosted(ContactID, Author)
  case contactHeld(ContactID, by: Author)
  case contactResumed(ContactID, by: Author)
  /// A phone registered or refreshed; the bytes are the registrar's binding.
  case phoneRegistered(AgentID, binding: [UInt8])
  case phoneUnregistered(AgentID, binding: [UInt8])
  /// A leg's dialog is being made or is up: what must be known to end it after a restart.
  case dialogConfirmed(ContactID, Side, UserAgent.SavedDialog)
  /// What was stored of the side's dialogs is over.
  case dialogEnded(ContactID, Side)
  /// A leg left the contact: the means of what was measured of its packets.
  case legMeasured(ContactID, Side, Quality)
  /// The configuration stored under this hash is in force from here on.
  case configurationApplied(hash: String)
  /// The process started over a restored state.
  case restarted
}

extension Event {
  /// The contact that the event tells of, if it tells of one.
  public var contact: ContactID? {
    switch self {
    case .acd(let event): event.contact
    case .contactOpened(let contact, _, _, _), .contactClosed(let contact), .messagePosted(let contact, _),
      .contactHeld(let contact, _), .contactResumed(let contact, _), .dialogConfirmed(let contact, _, _),
      .dialogEnded(let contact, _), .legMeasured(let contact, _, _):
      contact
    case .phoneRegistered, .phoneUnregistered, .configurationApplied, .restarted: nil
    }
  }
}

/// The two sides of a contact.
public enum Side: UInt8, Sendable, CaseIterable { case contact, agent }

/// One line of the journal.
public struct Record: Sendable, Equatable {
  /// From 1, without a gap.
  public var sequence: UInt64
  public var at: Instant
  /// The sequence of the first event of the same step: what led to this one. Its own sequence if it is the first.
  public var cause: UInt64
  public var event: Event
  public init(sequence: UInt64, at: Instant, cause: UInt64, event: Event) {
    self.sequence = sequence; self.at = at; self.cause = cause; self.event = event
  }
}

/// Personal data of an event, stored in tables of its own in the same transaction and erasable.
public enum PersonalRecord: Sendable, Equatable {
  case message(sequence: UInt64, contact: PublicID, at: Instant, Author, text: String)
  /// Who the person is: a name, and a SIP address or page attributes.
  case person(contact: PublicID, name: String?, address: String?, attributes: [ChatRequest.Attribute])
}
