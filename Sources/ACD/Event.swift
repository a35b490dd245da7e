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
}

/// How an answered contact ended at last.
public enum EndCause: UInt8, Sendable, CaseIterable, BitwiseCopyable {
  case contactLeft, agentLeft, failed, restart
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
  /// The agent picked another contact.
  case agentPicked
}
