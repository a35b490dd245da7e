/// What is to be done about the events of a step, in their order. Trivial, like events.
public enum Action: Sendable, Equatable {
  /// Present the contact to the agent: ring the phone, show the offer.
  case ring(OfferID, ContactID, AgentID)
  /// The offer is over without an accept: stop ringing.
  case stopRinging(OfferID, ContactID, AgentID)
  /// The offer was accepted: join the legs, then say `offerConnected`.
  case connect(OfferID, ContactID, AgentID)
  /// The contact waits again after a connect failed: back to music.
  case resumeWaiting(ContactID)
  /// The contact will not be queued: tell the person.
  case refuse(ContactID, Refusal)
  /// The contact left the queue unanswered, or ended: release its legs. The person may already be gone.
  case release(ContactID)
  /// Nothing refers to the contact any more: its slot may be used again.
  case forget(ContactID)
}
