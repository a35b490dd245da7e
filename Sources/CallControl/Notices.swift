import ACD
import Primitives
import SDP

extension Switchboard {
  /// Tells those who follow what a record changed. Not called in replay.
  mutating func announce(_ record: Record, into step: inout Step) {
    switch record.event {
    case .contactHeld(let contact, _), .contactResumed(let contact, _): changed(contact, by: record, into: &step)
    case .acd(let event):
      switch event {
      case .contactQueued(let contact, _, _, _, _):
        let view = tellView(of: contact, at: record.at)
        notify(contact, nil, .contactQueued(view), of: record, into: &step)
      case .contactRefused: break
      case .contactLost(let contact), .contactReturned(let contact): changed(contact, by: record, into: &step)
      case .offerMade(let contact, let queue, let agent):
        let ring = site.definitions.queues[Int(queue.index)].ring
        let view = OfferView(
          offer: OfferID(sequence: record.sequence), contact: view(of: contact, at: record.at),
          deadline: record.at + ring, acceptsInConsole: !isVoice(contact) || acceptsInConsole(agent))
        notify(nil, agent, .offered(view), of: record, into: &step)
        changed(contact, by: record, into: &step)
      case .offerAccepted(let offer, let contact, let agent):
        offerEnded(offer, contact, agent, .accepted, by: record, into: &step)
      case .offerDeclined(let offer, let contact, let agent):
        offerEnded(offer, contact, agent, .declined, by: record, into: &step)
      case .offerMissed(let offer, let contact, let agent):
        offerEnded(offer, contact, agent, .missed, by: record, into: &step)
      case .offerWithdrawn(let offer, let contact, let agent, _):
        offerEnded(offer, contact, agent, .withdrawn, by: record, into: &step)
      case .offerFailed(let offer, let contact, let agent, _):
        offerEnded(offer, contact, agent, .failed, by: record, into: &step)
      case .outcomeFixed(let contact, _, let agent, let outcome):
        let view = view(of: contact, at: record.at)
        if outcome == .answered {
          notify(contact, agent, .contactAnswered(view), of: record, into: &step)
        } else if outcome == .leftMessage || acd.state(of: contact) != nil {
          // It has entered another queue, or become a virtual caller, in the same step.
          if outcome == .leftMessage { changed(contact, by: record, into: &step) }
        } else if outcome == .timedOut, hearsAnnouncement(contact, .late) {
          // It is told when it begins, and again when it ends.
        } else {
          // An agent who was being connected has it on the console.
          let agent = contacts[contact]?.agent
          notify(contact, agent, .contactEnded(view), of: record, into: &step)
          if let agent { agentChanged(agent, by: record, into: &step) }
        }
      case .contactEnded(let contact, let agent, let cause):
        let view = view(of: contact, at: record.at)
        // For the person a contact that was transferred goes on.
        notify(cause == .transferred ? nil : contact, agent, .contactEnded(view), of: record, into: &step)
      case .wrapUpStarted(let agent, _, _), .wrapUpExtended(let agent, _, _), .wrapUpEnded(let agent, _, _),
        .agentSignedIn(let agent), .agentSignedOut(let agent), .agentReady(let agent), .agentNotReady(let agent, _):
        agentChanged(agent, by: record, into: &step)
      case .dialFailed(_, let agent, _): if agent != .none { agentChanged(agent, by: record, into: &step) }
      case .dialStarted(let contact, _, _), .dialAnswered(let contact): changed(contact, by: record, into: &step)
      case .placeHeld(let contact, _): holdPlace(of: contact)
      case .placeReleased(let contact): releasePlace(of: contact)
      case .placeKept, .segmentStarted, .callbackResumed, .waitEstimated, .ladderStepped, .ladderMigrated,
        .agentPreferred, .preferenceEnded, .dayStarted, .invariantBroken:
        break
      }
      tellAttendants(of: event, by: record, into: &step)
    default: break
    }
  }

  /// As many waiting contacts are shown to an attendant at most.
  static let picksShown = 99

  /// Who may pick a contact sees the line as it is now.
  private func tellAttendants(of event: ACD.Event, by record: Record, into step: inout Step) {
    guard hasAttendants, let contact = event.contact else { return }
    var queues: [QueueID]
    switch event {
    case .contactQueued, .contactLost, .contactReturned, .offerAccepted, .offerFailed, .ladderStepped, .ladderMigrated,
      .dialStarted, .dialAnswered, .callbackResumed:
      queues = acd.queues(of: contact)
    case .outcomeFixed(_, let queue, _, let outcome) where outcome != .answered: queues = [queue]
    default: return
    }
    var told = Index<AgentID, Bool>()
    for agent in queues.flatMap({ acd.attendants(of: $0) }) where told[agent] == nil {
      told[agent] = true
      agentChanged(agent, by: record, into: &step)
    }
  }

  private mutating func changed(_ contact: ContactID, by record: Record, into step: inout Step) {
    let agent = talkingAgent(contact)
    let view = tellView(of: contact, at: record.at)
    notify(contact, agent, .contactChanged(view), of: record, into: &step)
  }

  private func agentChanged(_ agent: AgentID, by record: Record, into step: inout Step) {
    notify(nil, agent, .agentChanged(view(of: agent, at: record.at)), of: record, into: &step)
  }

  private mutating func offerEnded(
    _ offer: OfferID, _ contact: ContactID, _ agent: AgentID, _ ending: OfferEnding, by record: Record,
    into step: inout Step
  ) {
    notify(nil, agent, .offerEnded(offer, ending), of: record, into: &step)
    if contacts[contact]?.state != .ended { changed(contact, by: record, into: &step) }
  }

  private func notify(
    _ contact: ContactID?, _ agent: AgentID?, _ body: Notice.Body, of record: Record, into step: inout Step
  ) {
    var id: PublicID?
    if let contact { id = contacts[contact]?.id }
    step.afterCommit.append(
      .notify(Notice(sequence: record.sequence, at: record.at, contact: id, agent: agent, body: body)))
  }

  func view(of contact: ContactID, at now: Instant) -> ContactView {
    // Views are made of contacts that exist: of a record just applied, or found by their public id.
    guard let it = contacts[contact] else {
      return ContactView(id: PublicID(high: 0, low: 0), channel: .chat, queue: "", state: .ended, entered: now)
    }
    var view = ContactView(
      id: it.id, channel: it.channel, queue: queueName(it.queue), state: it.state, entered: it.entered,
      answered: it.answered, visitorName: it.person.name, address: it.person.address, attributes: it.person.attributes,
      isLost: it.isLost, ending: it.ending)
    if it.state != .queued, it.state != .offering, let agent = it.agent { view.agentName = displayName(agent) }
    let origin = String(it.entry[..<(it.entry.utf8.firstIndex(of: UInt8(ascii: ":")) ?? it.entry.endIndex)])
    view.origin = origin
    if let leg = calls.announcements[contact]?.leg ?? calls.bridges[contact]?.caller, calls.legs.contains(leg) {
      view.codec = calls.legs[leg]?.codec
      view.quality = calls.qualities[leg]?.last
      if it.state == .ended, calls.announcements[contact] != nil { view.state = .announcing }
    }
    // Only visitors of web pages read the place, and finding it walks the line.
    if it.state == .queued, it.channel == .chat || origin == "web",
      case .waiting(_, _, let ahead)? = acd.state(of: contact)
    {
      view.ahead = ahead
      view.waitRange = acd.waitRange(of: contact, ahead: ahead).map { range in
        guard let told = it.told else { return range }
        return WaitRange(low: min(range.low, told.low), high: min(range.high, told.high))
      }
    }
    return view
  }

  /// A view on its way to the visitor, who is never told a longer wait than before.
  mutating func tellView(of contact: ContactID, at now: Instant) -> ContactView {
    let view = view(of: contact, at: now)
    if let range = view.waitRange { contacts[contact]?.told = range }
    return view
  }

  func queueName(_ queue: QueueID) -> String {
    let queues = site.definitions.queues
    return queues.indices.contains(Int(queue.index)) ? queues[Int(queue.index)].name : ""
  }

  func view(of agent: AgentID, at now: Instant) -> AgentView {
    let summary = acd.summary(of: agent)
    var view = AgentView(
      agent: agent, name: site.definitions.agents[Int(agent.index)].name, displayName: displayName(agent),
      state: "signed_out", phone: phoneState(agent))
    view.phoneID = calls.pages[agent].flatMap { calls.legs[$0]?.phone?.id }
    switch summary.presence {
    case .signedOut: break
    case .ready: view.state = "ready"
    case .notReady(let reason):
      view.state = "not_ready"
      let reasons = site.definitions.names.reasons
      if reasons.indices.contains(Int(reason.index)) { view.reason = reasons[Int(reason.index)] }
    }
    for slot in summary.slots where contacts.contains(slot.contact) {
      let contact = self.view(of: slot.contact, at: now)
      if case .offered(let offer) = slot.state {
        let queue = contacts[slot.contact]?.queue ?? QueueID(index: 0)
        let made = acd.summary(of: agent).offerMadeAt ?? now
        view.offer = OfferView(
          offer: offer, contact: contact, deadline: made + site.definitions.queues[Int(queue.index)].ring,
          acceptsInConsole: !isVoice(slot.contact) || acceptsInConsole(agent))
      } else {
        view.contacts.append(contact)
        view.wrapUpEnds.append(contacts[slot.contact]?.wrapUpEnds)
      }
    }
    if hasAttendants, summary.presence != .signedOut {
      view.waiting = acd.picks(of: agent, limit: Self.picksShown)?.map { self.view(of: $0, at: now) }
    }
    return view
  }

  /// All queues, and those that are no more as long as somebody waits in them.
  func queueViews(at now: Instant) -> [QueueView] {
    site.definitions.queues.indices.filter { index in
      !site.definitions.queues[index].isRemoved || acd.summary(of: QueueID(index: UInt32(index))).waiting > 0
    }.map { index in
      let queue = QueueID(index: UInt32(index))
      let definition = site.definitions.queues[index]
      return QueueView(
        name: definition.name, summary: acd.summary(of: queue), serviceLevel: definition.serviceLevel,
        waitRange: acd.waitRange(arrivingAt: queue, now: now))
    }
  }

  func counts(in step: borrowing Step) -> Counts {
    var counts = callCounts()
    counts.contacts = contacts.count
    counts.sequence = step.acd.sequence - 1
    return counts
  }
}
