import ACD
import Primitives
import SDP
import SIP

/// Everything about calls that the chat side does not need: the SIP user agent, registrations, legs and media.
struct Calls: Sendable {
  enum Timer: Hashable, Sendable {
    /// No provisional response to an INVITE: the phone is not there.
    case noProvisional(LegID)
    /// The demo phone answers.
    case demoAnswers(OfferID, ContactID)
    /// A last announcement has been played.
    case announced(ContactID)
    /// A page in a call has had no link for long enough, or has never had one.
    case unlinked(LegID)
  }

  var userAgent: UserAgent
  /// Filled by the user agent, emptied by `drain` and `send`.
  var output = UserAgent.Output()
  var entropy: Entropy
  var policy: Policy
  var entries: Entries
  var registrations: Registrations

  var legs = SlotMap<LegID, Leg>()
  var bridges = Index<ContactID, Bridge>()
  /// The pages that are agents' phones, between calls too.
  var pages = Index<AgentID, LegID>()
  /// Who owns an open medium.
  var ports = SlotMap<MediaID, LegID>()
  var legsByDialog = Index<DialogID, LegID>()
  /// Flows of live legs: whoever is in a call may speak in it.
  var flowsInUse = Index<Flow, Int>()

  /// Legs whose packets were measured.
  var qualities = Index<LegID, QualityCourse>()
  /// By `Side.rawValue`.
  var measures = Array(repeating: QualityBuckets(), count: Side.allCases.count)

  /// How many callers each address has here.
  var callersByHost = Index<Endpoint, Int>()

  /// The process is about to stop: no new call is taken.
  var isStopping = false

  /// Journaled: what is needed to end each dialog after a restart.
  var saved = SavedDialogs()

  /// Callers who hear a last announcement, and whether the ACD has forgotten them meanwhile.
  var announcements = Index<ContactID, Farewell>()
  /// Callers who were cut off while waiting, by their address: they may return to the place.
  var heldPlaces = Index<String, ContactID>()

  init(site: Site, entropy: inout Entropy) {
    var settings = UserAgent.Settings()
    let sip = site.listen.sip
    settings.udp = sip.udp == 0 ? nil : Endpoint(address: sip.advertisedAddress, port: sip.udp)
    settings.tcp = sip.tcp == 0 ? nil : Endpoint(address: sip.advertisedAddress, port: sip.tcp)
    settings.tls = sip.tls == 0 ? nil : Endpoint(address: sip.advertisedAddress, port: sip.tls)
    settings.dialogs = CallLimits().legs
    userAgent = UserAgent(settings: settings, entropy: entropy.split())
    self.entropy = entropy.split()
    policy = Policy(site: site)
    entries = Entries(site: site)
    registrations = Registrations(site: site, entropy: entropy.split())
  }
}

/// More than this is refused with a reason (`CALLS.md` 1: 503 with Retry-After).
struct CallLimits: Sendable {
  /// Callers and phones together.
  var legs = 20_000
  /// Callers at once.
  var callers = 8_000
}

extension Index where Value == Int {
  fileprivate mutating func countUp(_ key: Key) { self[key] = (self[key] ?? 0) + 1 }

  /// What counts nothing any more is gone.
  fileprivate mutating func countDown(_ key: Key) {
    let count = (self[key] ?? 1) - 1
    self[key] = count == 0 ? nil : count
  }
}

extension [Action] {
  fileprivate mutating func dropTransmissions(from start: Int, where isUnwanted: (UserAgent.Transmission) -> Bool) {
    for place in indices[start...].reversed() {
      if case .transmit(let transmission) = self[place], isUnwanted(transmission) { remove(at: place) }
    }
  }
}

extension Entropy {
  /// A source of its own, so that what one user draws does not move another's numbers.
  fileprivate mutating func split() -> Entropy { Entropy(seed: (next(), next(), next(), next())) }
}

// MARK: - What comes in

extension Switchboard {
  mutating func receive(_ message: Message, from flow: Flow, at now: Instant, into step: inout Step) {
    if case .request(let method) = message.kind {
      switch judge(method, of: message, from: flow, at: now) {
      case .admitted: break
      case .limited(let bytes):
        guard calls.registrations.isAnswer(message, from: flow) else {
          return challengeStatelessly(message, limit: bytes, from: flow, at: now, into: &step)
        }
        let before = (immediate: step.immediate.count, afterCommit: step.afterCommit.count)
        pass(message, from: flow, at: now, into: &step)
        step.immediate.dropTransmissions(from: before.immediate) { $0.bytes.count > bytes }
        step.afterCommit.dropTransmissions(from: before.afterCommit) { $0.followsEarlier && $0.bytes.count > bytes }
        return
      case .ignored: return
      case .refused(let status): return refuseStatelessly(message, status: status, from: flow, into: &step)
      }
    }
    pass(message, from: flow, at: now, into: &step)
  }

  private mutating func pass(_ message: Message, from flow: Flow, at now: Instant, into step: inout Step) {
    calls.userAgent.receive(message, from: flow, at: now, into: &calls.output)
    drain(at: now, into: &step)
  }

  mutating func flowFailed(_ flow: Flow, at now: Instant, into step: inout Step) {
    calls.userAgent.flowFailed(flow, at: now, into: &calls.output)
    drain(at: now, into: &step)
    unregister(flow, at: now, into: &step)
  }

  mutating func follow(_ event: MediaEvent, at now: Instant, into step: inout Step) {
    switch event {
    case .opened(let media, let opened): self.opened(media, opened, at: now, into: &step)
    case .failed(let media): failed(media, at: now, into: &step)
    case .digit(let media, let digit): pressed(digit, on: media, at: now, into: &step)
    case .connected(let media): connected(media, at: now, into: &step)
    case .restarted(let media, let ice): restarted(media, ice, at: now, into: &step)
    case .lost(let media): linkLost(media, at: now, into: &step)
    case .quality(let media, let quality): measured(quality, on: media, at: now, into: &step)
    case .learned: break
    }
    drain(at: now, into: &step)
  }

  mutating func fire(_ timer: Calls.Timer, at now: Instant, into step: inout Step) {
    switch timer {
    case .announced(let contact): endAnnouncement(to: contact, at: now, into: &step)
    case .noProvisional(let leg): loseLeg(leg, .unreachable, at: now, into: &step)
    case .unlinked(let leg): linkGone(leg, at: now, into: &step)
    case .demoAnswers(let offer, let contact):
      guard calls.bridges[contact]?[offer] != nil else { break }
      tell(.offerAccepted(offer), at: now, into: &step)
    }
  }

  mutating func fireCallTimers(at now: Instant, into step: inout Step) {
    if let deadline = calls.userAgent.nextDeadline, deadline <= now {
      calls.userAgent.timersDue(at: now, into: &calls.output)
    }
    drain(at: now, into: &step)
    expireRegistrations(at: now, into: &step)
  }

  var callsDeadline: Instant? {
    // A decision may have made the user agent learn something: it is followed at once.
    guard calls.output.occurrences.isEmpty else { return Instant(microseconds: 0) }
    return earlier(calls.userAgent.nextDeadline, calls.registrations.nextDeadline)
  }

  func earlier(_ a: Instant?, _ b: Instant?) -> Instant? {
    guard let a, let b else { return a ?? b }
    return min(a, b)
  }

  // MARK: The user agent

  /// Takes over what the user agent did by itself: it goes out at once, and what it learned is followed. A copy of what
  /// may still wait for its commit joins the line behind it.
  mutating func drain(at now: Instant, into step: inout Step) {
    for transmission in calls.output.transmissions {
      if transmission.followsEarlier {
        step.afterCommit.append(.transmit(transmission))
      } else {
        step.immediate.append(.transmit(transmission))
      }
    }
    calls.output.transmissions.removeAll(keepingCapacity: true)
    while !calls.output.occurrences.isEmpty {
      let occurrences = calls.output.occurrences
      calls.output.occurrences.removeAll(keepingCapacity: true)
      for occurrence in occurrences { follow(occurrence, at: now, into: &step) }
    }
  }

  /// One decision carried out by the user agent: what it sends waits for the commit of its cause.
  mutating func send<Result>(
    into step: inout Step, _ order: (inout UserAgent, inout UserAgent.Output) -> Result
  ) -> Result {
    let result = order(&calls.userAgent, &calls.output)
    for transmission in calls.output.transmissions { step.afterCommit.append(.transmit(transmission)) }
    calls.output.transmissions.removeAll(keepingCapacity: true)
    return result
  }

  /// As `send`, for what has no cause in the journal: ACK, answers to OPTIONS, challenges.
  mutating func sendAtOnce(into step: inout Step, _ order: (inout UserAgent, inout UserAgent.Output) -> Void) {
    order(&calls.userAgent, &calls.output)
    for transmission in calls.output.transmissions { step.immediate.append(.transmit(transmission)) }
    calls.output.transmissions.removeAll(keepingCapacity: true)
  }

  private mutating func follow(_ occurrence: UserAgent.Occurrence, at now: Instant, into step: inout Step) {
    switch occurrence {
    case .invite(let dialog, let message, let flow): arrive(dialog, message, flow, at: now, into: &step)
    case .cancelled(let dialog): hungUp(dialog, at: now, into: &step)
    case .ended(let dialog, _): hungUp(dialog, at: now, into: &step)
    case .unacknowledged(let dialog):
      send(into: &step) { $0.end(dialog, at: now, into: &$1) }
      hungUp(dialog, at: now, into: &step)
    case .accepted(let dialog):
      // Until now it was stored as one that waits for us.
      if let leg = calls.legsByDialog[dialog] { establish(leg, at: now, into: &step) }
    case .acknowledged(let dialog, let message): acknowledged(dialog, message, at: now, into: &step)
    case .trying(let dialog), .provisional(let dialog, _):
      guard let leg = calls.legsByDialog[dialog], calls.legs[leg]?.isAlive() == true else { break }
      timers.cancel(.call(.noProvisional(leg)))
    case .answered(let dialog, let message): phoneAnswered(dialog, message, at: now, into: &step)
    case .rejected(let dialog, let status, _):
      guard let leg = calls.legsByDialog[dialog] else { break }
      calls.legs[leg]?.dialog = nil
      calls.legsByDialog[dialog] = nil
      phoneRejected(leg, status: status, at: now, into: &step)
    case .reoffered(let dialog, let transaction, let message):
      reoffered(dialog, transaction, message, at: now, into: &step)
    case .reanswered(let dialog, let message): reanswered(dialog, message, at: now, into: &step)
    case .rerejected(let dialog, _):
      guard let leg = calls.legsByDialog[dialog] else { break }
      calls.legs[leg]?.withdrawOffer()
    case .request(_, let transaction, let message): respond(to: transaction, message, at: now, into: &step)
    case .outOfDialog(let transaction, let message, let flow):
      if message.method == .register {
        register(transaction, message, flow, at: now, into: &step)
      } else {
        respond(to: transaction, message, at: now, into: &step)
      }
    }
  }

  /// Requests that no call needs. A REFER never dials.
  private mutating func respond(
    to transaction: ServerTransactionID, _ message: Message, at now: Instant, into step: inout Step
  ) {
    let accept = UserAgent.Header("Accept", "application/sdp")
    sendAtOnce(into: &step) {
      switch message.method {
      case .options: $0.respond(to: transaction, status: 200, headers: [accept], at: now, into: &$1)
      // Digits of phones that know no RFC 4733; nothing listens to them.
      case .info: $0.respond(to: transaction, status: 200, at: now, into: &$1)
      default: $0.respond(to: transaction, status: 405, at: now, into: &$1)
      }
    }
  }

  // MARK: Legs

  /// Takes a port. That has no effect outside, so it need not wait for a commit.
  mutating func openMedia(_ transport: MediaTransport, into step: inout Step) -> MediaID {
    let media = calls.ports.insert(LegID.none)
    step.immediate.append(.media(.open(media, transport)))
    return media
  }

  mutating func add(_ leg: consuming Leg) -> LegID {
    let (media, dialog, flow, side) = (leg.media, leg.dialog, leg.flow, leg.side)
    let id = calls.legs.insert(consume leg)
    calls.ports[media] = id
    if let dialog { calls.legsByDialog[dialog] = id }
    if let flow {
      calls.flowsInUse.countUp(flow)
      if side == .contact { calls.callersByHost.countUp(flow.remote.host) }
    }
    return id
  }

  /// Forgets a leg and gives its port back. Its dialog is over, or told so by the caller of this.
  @discardableResult
  mutating func drop(_ id: LegID, at now: Instant, into step: inout Step) -> Leg? {
    closeQuality(of: id, at: now, into: &step)
    guard let leg = calls.legs.remove(id) else { return nil }
    close(leg.media, into: &step)
    if let demand = leg.demand, demand.media != leg.media { close(demand.media, into: &step) }
    if let dialog = leg.dialog { calls.legsByDialog[dialog] = nil }
    if let phone = leg.phone, calls.pages[phone.agent] == id { calls.pages[phone.agent] = nil }
    if let flow = leg.flow {
      calls.flowsInUse.countDown(flow)
      if leg.side == .contact { calls.callersByHost.countDown(flow.remote.host) }
    }
    timers.cancel(.call(.noProvisional(id)))
    timers.cancel(.call(.unlinked(id)))
    if let contact = leg.contact { endSaved(contact, leg.side, without: id, at: now, into: &step) }
    return leg
  }

  /// What was stored of the side's dialogs is over with its last leg. Where phones come and go, and some always ring, it
  /// is renewed now and then.
  private mutating func endSaved(
    _ contact: ContactID, _ side: Side, without id: LegID, at now: Instant, into step: inout Step
  ) {
    let saved = calls.saved[contact, side].count
    guard saved > 0 else { return }
    var others: [LegID] = []
    if side == .agent { others = (calls.bridges[contact]?.phones ?? []).filter { $0 != id } }
    guard others.isEmpty || saved > 2 * others.count + Self.savedAtLeast else { return }
    emit(.dialogEnded(contact, side), at: now, into: &step)
    for other in others { save(other, at: now, into: &step) }
  }

  /// So many dialogs of phones that have stopped ringing are no burden.
  private static let savedAtLeast = 16

  mutating func close(_ media: MediaID, into step: inout Step) {
    calls.ports.remove(media)
    step.afterCommit.append(.media(.close(media)))
  }

  /// Ends a leg from our side: BYE, CANCEL or 480, as far as it has come. An agent's page is only let go: it waits for
  /// the next call.
  mutating func end(_ id: LegID, at now: Instant, into step: inout Step) {
    if let phone = calls.legs[id]?.phone, let media = calls.legs[id]?.media {
      closeQuality(of: id, at: now, into: &step)
      calls.legs[id]?.contact = nil
      step.afterCommit.append(.media(.stop(media)))
      return dismissPage(of: phone.agent, at: now, into: &step)
    }
    guard let leg = drop(id, at: now, into: &step) else { return }
    if let demand = leg.demand { reply(to: demand, .refused(.gone("the call is over")), into: &step) }
    guard let dialog = leg.dialog else { return }
    send(into: &step) {
      if leg.side == .agent, !leg.isEstablished {
        $0.cancel(dialog, at: now, into: &$1)
      } else {
        $0.end(dialog, at: now, into: &$1)
      }
    }
  }

  /// Journals what must be known to end the leg's dialog after a restart.
  mutating func save(_ id: LegID, at now: Instant, into step: inout Step) {
    guard let side = calls.legs[id]?.side, let contact = calls.legs[id]?.contact, let dialog = calls.legs[id]?.dialog,
      let saved = calls.userAgent.saved(dialog)
    else { return }
    emit(.dialogConfirmed(contact, side, saved), at: now, into: &step)
  }

  /// A 2xx was sent or received: what was stored of the side's early dialogs is over.
  mutating func establish(_ id: LegID, at now: Instant, into step: inout Step) {
    calls.legs[id]?.establish()
    guard let side = calls.legs[id]?.side, let contact = calls.legs[id]?.contact else { return }
    if !calls.saved[contact, side].isEmpty { emit(.dialogEnded(contact, side), at: now, into: &step) }
    save(id, at: now, into: &step)
  }

  /// Where to send the leg's audio, and which.
  mutating func setRemote(_ id: LegID, into step: inout Step) {
    guard let media = calls.legs[id]?.media, let agreed = calls.legs[id]?.negotiation.agreed else { return }
    step.afterCommit.append(.media(.setRemote(media, RemoteMedia(agreed))))
  }

  private mutating func opened(_ media: MediaID, _ opened: OpenedMedia, at now: Instant, into step: inout Step) {
    guard let id = calls.ports[media], let state = calls.legs[id]?.state else { return }
    if calls.legs[id]?.media != media { return renewed(id, media, opened, at: now, into: &step) }
    calls.legs[id]?.opened(opened)
    switch state {
    case .arrived where calls.legs[id]?.phone != nil: answerPage(id, at: now, into: &step)
    case .arrived: enqueue(id, at: now, into: &step)
    case .opening: invite(id, at: now, into: &step)
    case .waiting, .early, .inviting, .ringing, .established: break
    }
  }

  /// No port is free: a caller may try again, a phone cannot be reached.
  private mutating func failed(_ media: MediaID, at now: Instant, into step: inout Step) {
    guard let id = calls.ports[media], let leg = calls.legs[id] else { return }
    if let demand = leg.demand, demand.media == media, leg.state == .established {
      calls.legs[id]?.demand = nil
      if media != leg.media { close(media, into: &step) }
      return reply(to: demand, .refused(.overloaded), into: &step)
    }
    switch leg.state {
    case .arrived: refuse(id, status: 503, .overloaded, at: now, into: &step)
    case .opening: loseLeg(id, .media, at: now, into: &step)
    case .waiting, .early, .inviting, .ringing, .established:
      guard let contact = leg.contact else { break }
      tell(.contactFinished(contact), at: now, into: &step)
    }
  }

  func callCounts() -> Counts {
    var counts = Counts()
    counts.dialogs = calls.userAgent.dialogCount
    counts.transactions = calls.userAgent.transactionCount
    counts.mediaPorts = calls.ports.count
    counts.registrations = calls.registrations.count
    counts.quality = calls.measures
    return counts
  }
}
