import ACD
import Primitives

/// A contact as call control knows it: what the ACD does not need. Written by `apply` only, but for the few fields
/// marked as not journaled.
struct Contact: Sendable {
  var id: PublicID
  var entry: String
  var channel: Channel
  var queue = QueueID(index: 0)
  var state = ContactView.State.queued
  var entered: Instant
  var answered: Instant?
  var agent: AgentID?
  /// The newest live offer, or the one that was accepted.
  var offer: OfferID?
  /// Live offers: several while a broadcast rings.
  var offers: UInt32 = 0
  var wrapUpEnds: Instant?
  /// Since when it is said to be lost.
  var lostSince: Instant?
  var isLost: Bool { lostSince != nil }
  /// The entry that the next queueing keeps.
  var place: Instant?
  /// It left unanswered, and its caller may return to the place.
  var mayReturn = false
  var ending: String?
  /// Not journaled: personal data is kept apart, and read again when a contact is restored.
  var person = Person()
  /// Not journaled: what the visitor was told last, so that an estimate never rises.
  var told: WaitRange?
  /// Not journaled: why it was not queued, for the reply of the same step.
  var refusal: Refusal?

  struct Person: Sendable {
    var name: String?
    var address: String?
    var attributes: [ChatRequest.Attribute] = []
  }
}

extension Switchboard {
  /// Writes a journaled event into the state without deciding anything.
  public mutating func replay(_ record: Record) {
    if case .acd(let event) = record.event { acd.replay(event, at: record.at, sequence: record.sequence) }
    apply(record)
  }

  /// The only writer of contacts and of what else is journaled.
  mutating func apply(_ record: Record) {
    switch record.event {
    case .acd(let event): apply(event, at: record.at, sequence: record.sequence)
    case .contactOpened(let contact, let id, let entry, let channel):
      if !contacts.contains(contact) {
        contacts.insert(Contact(id: id, entry: entry, channel: channel, entered: record.at), restoring: contact)
        // A segment of what was transferred.
        if let earlier = contactsByPublicID[id], let person = contacts[earlier]?.person {
          contacts[contact]?.person = person
        }
      }
      contactsByPublicID[id] = contact
    case .contactClosed(let contact):
      if let closed = contacts.remove(contact), contactsByPublicID[closed.id] == contact {
        contactsByPublicID[closed.id] = nil
      }
      links[contact] = nil
    case .contactHeld(let contact, _): update(contact) { $0.state = .held }
    case .contactResumed(let contact, _): update(contact) { $0.state = .talking }
    case .messagePosted, .legMeasured, .configurationApplied: break
    case .restarted, .phoneRegistered, .phoneUnregistered, .dialogConfirmed, .dialogEnded: applyToCalls(record)
    }
  }

  private mutating func apply(_ event: ACD.Event, at now: Instant, sequence: UInt64) {
    switch event {
    case .contactQueued(let contact, let queue, _, let channel, _):
      update(contact) {
        // Whoever overflows, or returns, keeps the entry; whoever is to be called back has another channel from here on.
        $0.entered = $0.place ?? now
        $0.place = nil
        $0.queue = queue; $0.channel = channel; $0.state = .queued
        $0.ending = nil
      }
    case .placeKept(let contact, let entry, _): update(contact) { $0.place = entry }
    case .placeHeld(let contact, _): update(contact) { $0.mayReturn = true }
    case .placeReleased(let contact): update(contact) { $0.mayReturn = false }
    case .segmentStarted(let contact, let previous):
      let entry = contacts[previous]?.entered
      update(contact) { $0.place = entry }
    case .dialStarted(let contact, let agent, _):
      update(contact) { if agent == .none { $0.state = .connecting } }
    case .dialAnswered(let contact): update(contact) { $0.state = .queued }
    case .dialFailed(let contact, _, _):
      update(contact) {
        $0.offer = nil; $0.offers = 0; $0.agent = nil; $0.state = .queued
      }
    case .callbackResumed, .waitEstimated: break
    case .contactRefused(let contact, let queue, let refusal):
      update(contact) {
        $0.queue = queue; $0.state = .ended; $0.ending = "refused_\(refusal)"
      }
    case .contactLost(let contact): update(contact) { $0.lostSince = now }
    case .contactReturned(let contact): update(contact) { $0.lostSince = nil }
    case .offerMade(let contact, _, let agent):
      update(contact) {
        $0.state = .offering
        $0.offer = OfferID(sequence: sequence)
        $0.offers += 1
        $0.agent = agent
      }
    case .offerAccepted(let offer, let contact, let agent):
      update(contact) {
        $0.state = .connecting
        $0.offer = offer
        $0.agent = agent
      }
    case .offerDeclined(let offer, let contact, _), .offerMissed(let offer, let contact, _),
      .offerWithdrawn(let offer, let contact, _, _), .offerFailed(let offer, let contact, _, _):
      update(contact) {
        $0.offers -= min($0.offers, 1)
        // A broadcast rings on with its others; those that end after an accept change nothing.
        guard $0.offer == offer || $0.state == .offering, $0.state == .connecting || $0.offers == 0 else { return }
        $0.offer = nil
        $0.agent = nil
        if $0.state != .ended { $0.state = .queued }
      }
    case .outcomeFixed(let contact, _, let agent, let outcome):
      update(contact) {
        $0.offer = nil
        $0.offers = 0
        if outcome == .answered {
          $0.state = .talking
          $0.answered = now
          $0.agent = agent
        } else {
          $0.state = .ended
          $0.ending = outcome.name
          if outcome == .leftMessage { $0.state = .message }
        }
      }
    case .contactEnded(let contact, _, let cause):
      update(contact) {
        $0.state = .ended; $0.ending = cause.name
      }
    case .wrapUpStarted(_, let contact, let until):
      update(contact) {
        $0.state = .wrapUp; $0.wrapUpEnds = until
      }
    case .wrapUpExtended(_, let contact, let until): update(contact) { $0.wrapUpEnds = until }
    case .wrapUpEnded(_, let contact, _):
      update(contact) {
        $0.state = .ended; $0.wrapUpEnds = nil
      }
    case .ladderStepped, .ladderMigrated, .agentPreferred, .preferenceEnded, .dayStarted, .invariantBroken: break
    case .agentSignedIn, .agentSignedOut, .agentReady, .agentNotReady: break
    }
  }

  private mutating func update(_ contact: ContactID, _ change: (inout Contact) -> Void) {
    guard contacts.contains(contact) else { return }
    // The id was looked up just now.
    change(&contacts[contact]!)
  }

  /// Opens a contact under a fresh id. The personal record is stored beside the event.
  mutating func open(
    entry: Site.Entry, channel: Channel, person: Contact.Person, at now: Instant, into step: inout Step
  ) -> ContactID {
    let id = PublicID(from: &entropy)
    let contact = contacts.insert(
      Contact(id: id, entry: entry.name, channel: channel, queue: entry.queue, entered: now, person: person))
    step.personal.append(
      .person(contact: id, name: person.name, address: person.address, attributes: person.attributes))
    emit(.contactOpened(contact, id, entry: entry.name, channel: channel), at: now, into: &step)
    return contact
  }

  /// Hands an opened contact to the ACD, with the needs and the priority of its queue.
  mutating func queue(_ contact: ContactID, for entry: Site.Entry, at now: Instant, into step: inout Step) {
    let profile = site.definitions.queues[Int(entry.queue.index)].profile
    let channel = contacts[contact]?.channel ?? .voice
    if !calls.heldPlaces.isEmpty, let earlier = calls.heldPlaces[place(of: contact)] {
      return tell(
        .contactCameBack(
          contact, after: earlier, queue: entry.queue, profile: profile, channel: channel, priority: 0),
        at: now, into: &step)
    }
    tell(
      .contactArrived(contact, queue: entry.queue, profile: profile, channel: channel, priority: 0),
      at: now, into: &step)
  }
}

extension Outcome {
  /// As the API writes it.
  var name: String {
    switch self {
    case .answered: "answered"
    case .abandoned: "abandoned"
    case .shortAbandoned: "short_abandoned"
    case .timedOut: "timed_out"
    case .overflowed: "overflowed"
    case .callbackRequested: "callback_requested"
    case .withdrawn: "withdrawn"
    case .failed: "failed"
    case .leftMessage: "left_message"
    case .unreached: "unreached"
    case .unstaffed: "unstaffed"
    }
  }
}

extension EndCause {
  /// As the API writes it.
  fileprivate var name: String {
    switch self {
    case .contactLeft: "contact_left"
    case .agentLeft: "agent_left"
    case .failed: "failed"
    case .restart: "restart"
    case .transferred: "transferred"
    }
  }
}
