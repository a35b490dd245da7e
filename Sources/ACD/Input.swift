/// What reaches the engine. A word about an offer that is over, or a contact that has left, changes nothing.
public enum Input: Sendable, Equatable {
  /// A new contact wants into `queue`. `priority` is added to the queue's own.
  case contactArrived(ContactID, queue: QueueID, profile: ProfileID, channel: Channel, priority: Int16)
  /// The same for a contact that asks for an agent, or had one before: it is held for that agent for the queue's
  /// `preferredHold`, then anybody may take it.
  case contactArrivedFor(
    AgentID, ContactID, queue: QueueID, profile: ProfileID, channel: Channel, priority: Int16)
  /// The person left: hang-up, CANCEL, closed tab. At any time.
  case contactLeft(ContactID)
  /// A chat visitor's link is gone: it keeps its place and is not offered.
  case contactLost(ContactID)
  /// A chat visitor's link is back.
  case contactReturned(ContactID)
  /// The agent or the system ended the contact after it was accepted.
  case contactFinished(ContactID)
  /// Somebody here ends the contact, at any time: unanswered, its outcome is `withdrawn`.
  case contactWithdrawn(ContactID)
  /// The contact broke by our own fault, at any time: its outcome, or its end cause, is `failed`.
  case contactFailed(ContactID)

  /// As `contactArrived`, for a caller who may have waited before as `after` and been cut off: within the queue's
  /// grace the place is kept.
  case contactCameBack(
    ContactID, after: ContactID, queue: QueueID, profile: ProfileID, channel: Channel, priority: Int16)
  /// A waiting contact wants to be called back instead. Nothing happens where the queue calls nobody back.
  case callbackRequested(ContactID)
  /// An answered contact goes on in a queue as a contact of its own, with the entry time and the rank it had.
  case contactTransferred(ContactID, as: ContactID, queue: QueueID, profile: ProfileID, priority: Int16)
  /// The customer of a callback answered, or did not.
  case dialAnswered(ContactID)
  case dialFailed(ContactID, DialFailure)

  case offerAccepted(OfferID)
  case offerDeclined(OfferID)
  case offerFailed(OfferID, OfferFailure)
  /// The legs of an accepted offer are joined: the contact is answered.
  case offerConnected(OfferID)

  /// An attendant takes a waiting contact out of the line of an attendant queue, whatever else the attendant is doing:
  /// an offer made and accepted in one step.
  case contactPicked(ContactID, by: AgentID)
  /// Brings the contacts that wait in a queue to its current ladder.
  case ladderMigrated(QueueID)

  case agentSignedIn(AgentID)
  case agentSignedOut(AgentID)
  case agentReady(AgentID)
  case agentNotReady(AgentID, ReasonID)
  /// The agent's phone has no binding, or has one again.
  case agentUnreachable(AgentID)
  case agentReachable(AgentID)

  case wrapUpEnded(AgentID, ContactID, CodeID)
  /// The agent asks for more time, in microseconds from now; bounded by the queue's limit.
  case wrapUpExtended(AgentID, ContactID, Int64)

  /// The process starts over a restored state: live offers end as `failed(restart)`.
  case restarted
  /// The process is about to stop, on purpose: calls end now as they would at the restart.
  case stopping
  /// Nothing but time: due timers fire.
  case timersDue
}

/// Why an offer failed without anybody's fault or word.
public enum OfferFailure: UInt8, Sendable, CaseIterable, BitwiseCopyable {
  /// No binding, no provisional response in 4 s, 404, 408, 480: the agent becomes not ready (unreachable).
  case unreachable
  /// 486: a short back-off, no miss.
  case busy
  /// No common codec.
  case media
  /// The legs could not be joined within 5 s.
  case connect
  case restart
  /// A broken invariant.
  case `internal`
}
