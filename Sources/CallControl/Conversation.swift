import ACD
import Primitives

/// A chat visitor's event streams (`CALLS.md` 4).
struct VisitorLink: Sendable {
  var streams = 0
}

extension Switchboard {
  /// Gone this long, a visitor keeps the place and is not offered.
  static let lostAfter: Int64 = .seconds(20)
  /// Gone this long while talking, the contact ends.
  static let talkAbandonedAfter: Int64 = .minutes(5)
  static let textLimit = 4_000

  mutating func openChat(_ request: ChatRequest, at now: Instant, into step: inout Step) -> Reply {
    guard let entry = site.entries.first(where: { $0.name == request.entry }) else {
      return .refused(.notFound("there is no entry \(request.entry)"))
    }
    guard entry.channels.contains(.chat) else { return .refused(.refused(.channel)) }
    let contact = open(entry: entry, channel: .chat, person: Contact.Person(request), at: now, into: &step)
    let id = contacts[contact]?.id
    queue(contact, for: entry, at: now, into: &step)
    guard let opened = contacts[contact] else {
      // The contact was refused and forgotten in the same step.
      return .refused(.refused(refusal(of: id, in: step)))
    }
    if let refusal = opened.refusal { return .refused(.refused(refusal)) }
    // Until the first event stream is up the visitor counts as just gone.
    links[contact] = VisitorLink()
    timers.set(.lost(contact), at: now + Self.lostAfter)
    return .contact(tellView(of: contact, at: now))
  }

  private func refusal(of id: PublicID?, in step: borrowing Step) -> Refusal {
    for record in step.records.reversed() {
      if case .acd(.contactRefused(_, _, let refusal)) = record.event { return refusal }
    }
    return .policy
  }

  mutating func attach(_ id: PublicID, at now: Instant, into step: inout Step) -> Reply {
    guard let contact = contactsByPublicID[id] else { return .refused(.gone("the contact is over")) }
    // A caller is there as long as its media is.
    guard contacts[contact]?.channel == .chat else { return .contact(tellView(of: contact, at: now)) }
    links[contact] = VisitorLink(streams: (links[contact]?.streams ?? 0) + 1)
    timers.cancel(.lost(contact))
    timers.cancel(.abandonedTalk(contact))
    if contacts[contact]?.isLost == true { tell(.contactReturned(contact), at: now, into: &step) }
    return .contact(tellView(of: contact, at: now))
  }

  mutating func detach(_ id: PublicID, at now: Instant, into step: inout Step) -> Reply {
    guard let contact = contactsByPublicID[id], var link = links[contact] else { return .done }
    link.streams = max(0, link.streams - 1)
    links[contact] = link
    if link.streams == 0 { timers.set(.lost(contact), at: now + Self.lostAfter) }
    return .done
  }

  mutating func visitorIsLost(_ contact: ContactID, at now: Instant, into step: inout Step) {
    guard let state = contacts[contact]?.state, state != .ended else { return }
    if state == .message { return endMessage(contact, at: now, into: &step) }
    tell(.contactLost(contact), at: now, into: &step)
    limitTalk(with: contact, lostSince: now)
  }

  /// Who waits has a limit in the ACD; who is lost while talking has this one.
  mutating func limitTalk(with contact: ContactID, lostSince lost: Instant) {
    guard contacts[contact]?.state == .talking || contacts[contact]?.state == .held else { return }
    timers.set(.abandonedTalk(contact), at: lost + Self.talkAbandonedAfter - Self.lostAfter)
  }

  mutating func post(_ text: String, to id: PublicID, by author: Author, at now: Instant, into step: inout Step)
    -> Reply
  {
    guard let contact = contactsByPublicID[id], let state = contacts[contact]?.state else {
      return .refused(.gone("the contact is over"))
    }
    guard contacts[contact]?.channel == .chat else { return .refused(.conflict("a call takes no messages")) }
    guard state != .ended, state != .wrapUp else { return .refused(.gone("the contact has ended")) }
    guard !text.isEmpty, text.utf8.count <= 4 * Self.textLimit, text.count <= Self.textLimit else {
      return .refused(.invalid("a message has 1 to \(Self.textLimit) characters"))
    }
    if case .agent(let agent) = author, contacts[contact]?.agent != agent || state == .offering {
      return .refused(.forbidden("the contact is not yours"))
    }
    let sequence = step.acd.sequence
    step.personal.append(.message(sequence: sequence, contact: id, at: now, author, text: text))
    emit(.messagePosted(contact, author), at: now, into: &step)
    let message = MessageView(
      sequence: sequence, contact: id, at: now, author: author, authorName: name(of: author, in: contact), text: text)
    step.afterCommit.append(
      .notify(Notice(sequence: sequence, at: now, contact: id, agent: talkingAgent(contact), body: .message(message))))
    if state == .message { timers.set(.messageLimit(contact), at: now + Self.messageLimit) }
    return .message(message)
  }

  /// The agent whose console follows the contact's messages.
  func talkingAgent(_ contact: ContactID) -> AgentID? {
    guard let state = contacts[contact]?.state, state != .queued, state != .offering else { return nil }
    return contacts[contact]?.agent
  }

  func name(of author: Author, in contact: ContactID) -> String {
    switch author {
    case .visitor: contacts[contact]?.person.name ?? "visitor"
    case .agent(let agent): displayName(agent)
    case .system: site.name
    }
  }

  func displayName(_ agent: AgentID) -> String {
    site.agents.indices.contains(Int(agent.index)) ? site.agents[Int(agent.index)].displayName : "agent"
  }
}
