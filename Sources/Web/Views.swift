import ACD
import API
import CallControl
import Primitives
import SDP

/// Who will read a view: it decides about personal data.
enum Audience: Sendable {
  /// The person who reached us.
  case visitor
  /// The agent who handles the contact, or a supervisor.
  case agent
  /// Wallboards and programs with scope `read`: numbers and states, no persons.
  case wallboard
}

extension Timestamp {
  init(_ instant: Instant) { self.init(milliseconds: instant.microseconds / 1_000) }
  var instant: Instant { Instant(microseconds: milliseconds &* 1_000) }
}

private func seconds(_ microseconds: Int64) -> Double { Double(microseconds) / 1_000_000 }

extension Channel {
  var name: String {
    switch self {
    case .voice: "voice"
    case .chat: "chat"
    case .callback: "callback"
    }
  }
}

extension API.WaitRange {
  init(_ range: ACD.WaitRange) { self.init(lowSeconds: seconds(range.low), highSeconds: seconds(range.high)) }
}

extension Contact {
  init(_ view: ContactView, for audience: Audience, wrapUpEnds: Instant? = nil) {
    // For the visitor a contact is over when the talk is; the agent's paperwork is none of their business.
    let state = audience == .visitor && view.state == .wrapUp ? .ended : view.state
    self.init(
      id: view.id.description, channel: view.channel.name, queue: "q_" + view.queue, state: state.rawValue,
      enteredAt: Timestamp(view.entered), answeredAt: view.answered.map { Timestamp($0) }, ahead: view.ahead,
      wait: view.waitRange.map { API.WaitRange($0) }, agentName: view.agentName, isLost: view.isLost,
      ending: view.ending, wrapUpEndsAt: wrapUpEnds.map { Timestamp($0) })
    origin = view.origin
    codec = view.codec?.rawValue
    quality = view.quality.map { API.Quality($0) }
    guard audience == .agent else { return }
    visitorName = view.visitorName
    address = view.address
    attributes = Dictionary(view.attributes.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
  }
}

extension API.Quality {
  init(_ quality: CallControl.Quality) {
    self.init(
      lossIn: Double(quality.lossIn) / 1e6, lossOut: Double(quality.lossOut) / 1e6,
      jitterSeconds: seconds(quality.jitter), roundTripSeconds: quality.roundTrip.map(seconds))
  }
}

extension ContactQuality {
  init(_ view: QualityView) {
    self.init(
      contact: view.contact.description, side: view.side == .contact ? "contact" : "agent",
      codec: view.codec.rawValue, quality: API.Quality(view.quality))
  }
}

extension Message {
  init(_ view: MessageView) {
    let author =
      switch view.author {
      case .visitor: "visitor"
      case .agent: "agent"
      case .system: "system"
      }
    self.init(
      id: "ms_\(view.sequence)", contact: view.contact.description, at: Timestamp(view.at), author: author,
      authorName: view.authorName, text: view.text)
  }
}

extension Offer {
  init(_ view: OfferView, for audience: Audience) {
    self.init(
      id: view.offer.name, contact: Contact(view.contact, for: audience), deadline: Timestamp(view.deadline),
      acceptsInConsole: view.acceptsInConsole)
  }
}

extension OfferID {
  var name: String { "of_\(sequence)" }
  init?(name: some StringProtocol) {
    guard name.hasPrefix("of_"), let sequence = UInt64(name.dropFirst(3)) else { return nil }
    self.init(sequence: sequence)
  }
}

extension Agent {
  init(_ view: AgentView, for audience: Audience) {
    let contacts = view.contacts.enumerated().map { place, contact in
      Contact(
        contact, for: audience,
        wrapUpEnds: view.wrapUpEnds.indices.contains(place) ? view.wrapUpEnds[place] : nil)
    }
    self.init(
      id: "ag_" + view.name, name: view.displayName, state: view.state, reason: view.reason, phone: view.phone,
      contacts: contacts, offer: view.offer.map { Offer($0, for: audience) })
    waiting = view.waiting?.map { Contact($0, for: audience) }
    if audience == .agent { phoneID = view.phoneID?.description }
  }
}

extension Queue {
  init(_ view: QueueView) {
    let summary = view.summary
    self.init(
      id: "q_" + view.name, name: view.name, waiting: summary.waiting,
      oldestEnteredAt: summary.oldestEntry.map { Timestamp($0) }, signedIn: summary.signedIn, ready: summary.ready,
      wait: view.waitRange.map { API.WaitRange($0) },
      serviceLevel: ServiceLevel(view.serviceLevel, of: summary.counters), counters: Counters(summary.counters))
  }
}

extension ServiceLevel {
  init(_ definition: ServiceLevelDefinition, of counters: QueueCounters) {
    self.init(
      metric: definition.metric.rawValue, withinSeconds: seconds(definition.within), target: definition.target,
      value: Self.value(definition.metric, of: counters))
  }

  private static func value(_ metric: ServiceLevelDefinition.Metric, of counters: QueueCounters) -> Double? {
    let (good, all): (UInt64, UInt64) =
      switch metric {
      case .ignored:
        (counters.answeredWithin, counters.answered + counters.abandoned - counters.abandonedWithin)
      case .negative: (counters.answeredWithin, counters.answered + counters.abandoned)
      case .positive:
        (counters.answeredWithin + counters.abandonedWithin, counters.answered + counters.abandoned)
      case .answered: (counters.answeredWithin, counters.answered)
      }
    return all == 0 ? nil : Double(good) / Double(all)
  }
}

extension Counters {
  init(_ counters: QueueCounters) {
    self.init(
      entered: counters.entered, answered: counters.answered, answeredWithin: counters.answeredWithin,
      abandoned: counters.abandoned, abandonedWithin: counters.abandonedWithin,
      shortAbandoned: counters.shortAbandoned, left: counters.left, failed: counters.failed,
      refused: counters.refused, answeredWaitSeconds: seconds(counters.answeredWait))
    excessWaitSeconds = seconds(counters.excessWait)
    handled = counters.handled
    talkSeconds = seconds(counters.talk)
    wrapUpSeconds = seconds(counters.wrapUp)
    callbacksRequested = counters.callback
    callbacksQueued = counters.callbacksQueued
    callbacksAnswered = counters.callbacksAnswered
    callbacksClosed = counters.callbacksClosed
    waitsEstimated = counters.estimates.announced
    waitsWithinRange = counters.estimates.covered
  }
}

extension ContactRecord {
  init(_ row: ContactRow) {
    self.init(
      id: row.id.description, queue: "q_" + row.queue, channel: row.channel.name, agent: row.agent.map { "ag_" + $0 },
      enteredAt: Timestamp(row.entered), answeredAt: row.answered.map { Timestamp($0) },
      endedAt: row.ended.map { Timestamp($0) }, outcome: row.outcome, waitSeconds: seconds(row.wait),
      talkSeconds: seconds(row.talk), code: row.code)
    quality = row.quality.map { API.Quality($0) }
    agentQuality = row.agentQuality.map { API.Quality($0) }
  }
}

extension Interval {
  init(_ row: IntervalRow, site: Site) {
    let definition = site.definitions.queues.first { $0.name == row.queue }
    self.init(
      queue: "q_" + row.queue, start: Timestamp(row.start), counters: Counters(row.counters),
      serviceLevel: definition.map { ServiceLevel($0.serviceLevel, of: row.counters) })
  }
}

extension StreamEvent {
  /// Nil where the audience has no business with it.
  init?(_ body: Notice.Body, for audience: Audience) {
    switch body {
    case .contactQueued(let view): self = .contactQueued(Contact(view, for: audience))
    case .contactChanged(let view): self = .contactChanged(Contact(view, for: audience))
    case .contactAnswered(let view): self = .contactAnswered(Contact(view, for: audience))
    case .contactEnded(let view):
      var contact = Contact(view, for: audience)
      if audience == .visitor { contact.state = ContactView.State.ended.rawValue }
      self = .contactEnded(contact)
    case .message(let view):
      guard audience != .wallboard else { return nil }
      self = .messageCreated(Message(view))
    case .offered(let view):
      guard audience != .visitor else { return nil }
      self = .offerMade(Offer(view, for: audience))
    case .offerEnded(let offer, let ending):
      guard audience != .visitor else { return nil }
      self = .offerEnded(OfferEnd(id: offer.name, ending: ending.rawValue))
    case .agentChanged(let view):
      guard audience != .visitor else { return nil }
      self = .agentChanged(Agent(view, for: audience))
    case .quality(let view):
      // A visitor is told of the own leg, not of the agent's.
      guard audience == .agent || audience == .visitor && view.side == .contact else { return nil }
      self = .quality(ContactQuality(view))
    }
  }
}
