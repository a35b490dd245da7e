public import Primitives

/// What happened: journaled, past tense, trivial (at most 32 bytes). Each event takes one journal sequence number, and
/// `State.apply(_:at:sequence:)` is the only writer of the engine's state, so replaying the events restores it.
public enum Event: Sendable, Equatable {
  case contactQueued(ContactID, queue: QueueID, profile: ProfileID, channel: Channel, priority: Int16)
  case contactRefused(ContactID, queue: QueueID, Refusal)
  case contactLost(ContactID)
  case contactReturned(ContactID)
  /// Exactly one for each `contactQueued`: the contact leaves the queue for good. `agent` is `.none` unless answered.
  case outcomeFixed(ContactID, queue: QueueID, agent: AgentID, Outcome)
  /// The contact was answered and has ended; wrap-up may follow.
  case contactEnded(ContactID, agent: AgentID, EndCause)

  /// The event's sequence is the `OfferID`.
  case offerMade(ContactID, queue: QueueID, agent: AgentID)
  /// The agent's slot is engaged; the contact is connecting.
  case offerAccepted(OfferID, ContactID, AgentID)
  case offerDeclined(OfferID, ContactID, AgentID)
  case offerMissed(OfferID, ContactID, AgentID)
  case offerWithdrawn(OfferID, ContactID, AgentID, Withdrawal)
  /// Also ends an accepted offer whose legs could not be joined: the contact waits again with its entry time and rank.
  case offerFailed(OfferID, ContactID, AgentID, OfferFailure)

  case agentSignedIn(AgentID)
  case agentSignedOut(AgentID)
  case agentReady(AgentID)
  case agentNotReady(AgentID, ReasonID)

  /// The contact may go to more agents from now on: the step of the ladder it entered under.
  case ladderStepped(ContactID, step: UInt8, StepReason)
  /// The contact was moved to the queue's current ladder.
  case ladderMigrated(ContactID, step: UInt8)
  /// The contact is held for one agent.
  case agentPreferred(ContactID, AgentID, until: Instant)
  /// And is so no more: everybody may take it.
  case preferenceEnded(ContactID, AgentID, PreferenceEnd)
  /// The site's day began: counts by the day start again.
  case dayStarted

  case wrapUpStarted(AgentID, ContactID, until: Instant)
  case wrapUpExtended(AgentID, ContactID, until: Instant)
  case wrapUpEnded(AgentID, ContactID, CodeID)

  /// The contact that is queued next stands where this entry stands, whenever it is queued: `order` is the journal
  /// sequence of the first `contactQueued`. Follows an outcome in another queue, or the return of a caller.
  case placeKept(ContactID, entry: Instant, order: UInt64)
  /// A caller who left unanswered may return to the place until then.
  case placeHeld(ContactID, until: Instant)
  /// Nobody can return to the place any more.
  case placeReleased(ContactID)
  /// The contact that is queued next goes on with what another began: a transfer. Entry and order are kept.
  case segmentStarted(ContactID, after: ContactID)

  /// The customer is being called; `agent` is `.none` where no agent waits for it. Journaled before the dial.
  case dialStarted(ContactID, agent: AgentID, attempt: UInt8)
  /// The customer is there without an agent: waits in line as a caller.
  case dialAnswered(ContactID)
  /// Nobody is blamed; the request keeps its place and rests.
  case dialFailed(ContactID, agent: AgentID, DialFailure)
  /// A callback that rested waits again.
  case callbackResumed(ContactID)

  /// How long the contact was expected to wait when it entered.
  case waitEstimated(ContactID, WaitEstimates)

  /// The state was at odds with itself, by a fault of ours: what is derived from the facts has been built anew. The
  /// contact or the agent is `none` where the other one is meant.
  case invariantBroken(Invariant, ContactID, AgentID)
}

extension Event {
  /// The contact that the event tells of, if it tells of one.
  public var contact: ContactID? {
    switch self {
    case .contactQueued(let contact, _, _, _, _), .contactRefused(let contact, _, _), .contactLost(let contact),
      .contactReturned(let contact), .outcomeFixed(let contact, _, _, _), .contactEnded(let contact, _, _),
      .offerMade(let contact, _, _), .offerAccepted(_, let contact, _), .offerDeclined(_, let contact, _),
      .offerMissed(_, let contact, _), .offerWithdrawn(_, let contact, _, _), .offerFailed(_, let contact, _, _),
      .ladderStepped(let contact, _, _), .ladderMigrated(let contact, _), .agentPreferred(let contact, _, _),
      .preferenceEnded(let contact, _, _), .wrapUpStarted(_, let contact, _), .wrapUpExtended(_, let contact, _),
      .wrapUpEnded(_, let contact, _), .placeKept(let contact, _, _), .placeHeld(let contact, _),
      .placeReleased(let contact), .segmentStarted(let contact, _), .dialStarted(let contact, _, _),
      .dialAnswered(let contact), .dialFailed(let contact, _, _), .callbackResumed(let contact),
      .waitEstimated(let contact, _):
      contact
    case .invariantBroken(_, let contact, _): contact == .none ? nil : contact
    case .agentSignedIn, .agentSignedOut, .agentReady, .agentNotReady, .dayStarted: nil
    }
  }
}

/// Why a customer could not be called.
public enum DialFailure: UInt8, Sendable, CaseIterable, BitwiseCopyable {
  case noAnswer, busy, unreachable, forbidden, restart
}

/// Why a contact never entered the queue.
public enum Refusal: UInt8, Sendable, CaseIterable, BitwiseCopyable {
  case full, closed, unstaffed, policy, channel
}

/// How a contact left its queue; exactly one for each that entered.
public enum Outcome: UInt8, Sendable, CaseIterable, BitwiseCopyable {
  case answered, abandoned
  /// Abandoned before the queue's short-abandon limit.
  case shortAbandoned
  case timedOut, overflowed, callbackRequested, withdrawn, failed
  /// Left a message instead of waiting.
  case leftMessage
  /// Of a callback: the customer was not reached in the attempts allowed.
  case unreached
  /// The last agent who could have answered has gone.
  case unstaffed
}

/// How an answered contact ended at last.
public enum EndCause: UInt8, Sendable, CaseIterable, BitwiseCopyable {
  case contactLeft, agentLeft, failed, restart
  /// Went on in a queue, as another segment.
  case transferred
}

/// Why a step of a ladder was taken.
public enum StepReason: UInt8, Sendable, CaseIterable, BitwiseCopyable {
  case waited
  /// Nobody of those who could have taken the contact before is on duty: signed in and not on a break.
  case unstaffed
}

/// Why a contact is held for its preferred agent no more.
public enum PreferenceEnd: UInt8, Sendable, CaseIterable, BitwiseCopyable {
  case waited, signedOut, declined, missed
  /// The agent does not serve the queue, or lacks what the contact needs.
  case unable
}

/// Why a live offer was taken back.
public enum Withdrawal: UInt8, Sendable, CaseIterable, BitwiseCopyable {
  case contactLeft, timedOut, agentNotReady, agentSignedOut, acceptedByOther, contactLost, reconfigured
  case callbackRequested
  /// The agent picked another contact.
  case agentPicked
}
