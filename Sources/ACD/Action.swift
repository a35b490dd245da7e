/// What is to be done about the events of a step, in their order. Trivial, like events.
public enum Action: Sendable, Equatable {
  /// Present the contact to the agent: ring the phone, show the offer.
  case ring(OfferID, ContactID, AgentID)
  /// The offer is over without an accept: stop ringing.
  case stopRinging(OfferID, ContactID, AgentID)
  /// The offer was accepted: join the legs, then say `offerConnected`.
  case connect(OfferID, ContactID, AgentID)
  /// The contact waits in another queue.
  case moved(ContactID, to: QueueID)
  /// The contact waits again after a connect failed: back to music.
  case resumeWaiting(ContactID)
  /// The contact will not be queued: tell the person.
  case refuse(ContactID, Refusal)
  /// The person will be called back: say so where there is something to say, and end the call. The contact lives on.
  case promiseCallback(ContactID, in: QueueID, Occasion)
  /// The contact is over for the engine; the person may leave a message. `forget` does not follow.
  case takeMessage(ContactID, Occasion)
  /// Call the customer, then say `dialAnswered` or `dialFailed`. Never repeated: a restart fails the dial.
  case dial(ContactID, AgentID)
  /// The dial is no longer wanted.
  case stopDialling(ContactID)
  /// The contact left the queue unanswered, or ended: release its legs. The person may already be gone.
  case release(ContactID)
  /// Nothing refers to the contact any more: its slot may be used again.
  case forget(ContactID)
}
