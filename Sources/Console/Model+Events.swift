import API

/// How the model follows the event stream. Payloads are whole views, so what is said is the difference that they make.
extension Model {
  mutating func apply(_ event: StreamEvent) -> [Effect] {
    switch event {
    case .reset(let snapshot): return start(from: snapshot)
    case .dropped: return []
    case .contactQueued(let contact), .contactChanged(let contact), .contactAnswered(let contact):
      return update(contact)
    case .contactEnded(let contact):
      // The selection stays: if there is a wrap-up, the contact is back with the agent's next state.
      agent?.contacts.removeAll { $0.id == contact.id }
      return [.say("END: \(contact.id) \(contact.ending ?? "ended")")]
    case .messageCreated(let message): return add(message)
    case .offerMade(let offer):
      guard agent?.offer?.id != offer.id else { return [] }
      agent?.offer = offer
      return [.say(line(for: offer))]
    case .offerEnded(let end):
      guard agent?.offer?.id == end.id else { return [] }
      agent?.offer = nil
      return [.say("END: \(end.id) \(end.ending)")]
    case .agentChanged(let agent): return replace(agent: agent)
    case .quality(let measure):
      guard measure.side == "contact", let place = agent?.contacts.firstIndex(where: { $0.id == measure.contact })
      else { return [] }
      agent?.contacts[place].quality = measure.quality
      return []
    }
  }

  /// A stream that could not be resumed: messages may have been missed, so all are read again.
  private mutating func start(from snapshot: StreamEvent.Snapshot) -> [Effect] {
    var effects: [Effect] = []
    if let agent = snapshot.agent {
      messages = messages.filter { id, _ in agent.contacts.contains { $0.id == id } }
      effects += agent.contacts.filter { messages[$0.id] != nil }.map { .call(.readMessages(contact: $0.id)) }
      effects += replace(agent: agent)
    }
    if let queues = snapshot.queues, mayReadQueues { effects += replace(queues: queues) }
    if !hasStarted {
      hasStarted = true
      effects.append(.call(.readChoices))
      // Whoever is signed in already keeps the state they chose.
      if agent?.state == "signed_out" { effects.append(.call(.signIn)) }
    }
    return effects
  }

  mutating func replace(agent new: Agent) -> [Effect] {
    let old = agent
    agent = new
    var effects: [Effect] = []
    if old?.state != new.state || old?.reason != new.reason || old?.phone != new.phone {
      effects.append(.say("STATE: \(stateText) phone \(new.phone)"))
    }
    effects += announceLine(new.waiting ?? [], before: old?.waiting ?? [])
    let gone = (old?.contacts ?? []).filter { contact in !new.contacts.contains { $0.id == contact.id } }
    for contact in gone { effects.append(.say("END: \(contact.id) over")) }
    for contact in new.contacts {
      effects += announce(contact, before: old?.contacts.first { $0.id == contact.id })
    }
    messages = messages.filter { id, _ in new.contacts.contains { $0.id == id } }
    if let offer = old?.offer, offer.id != new.offer?.id { effects.append(.say("END: \(offer.id) over")) }
    if let offer = new.offer, offer.id != old?.offer?.id { effects.append(.say(line(for: offer))) }
    if let current { selected = current.id }
    return effects
  }

  /// Who waits for an attendant: newcomers with their numbers, and who has gone.
  private func announceLine(_ new: [Contact], before old: [Contact]) -> [Effect] {
    let gone = old.filter { contact in !new.contains { $0.id == contact.id } }
    let come = new.enumerated().filter { entry in !old.contains { $0.id == entry.element.id } }
    return gone.map { .say("GONE: \($0.id)") }
      + come.map { number, contact in
        .say(
          "WAIT: \(number + 1) \(contact.id) \(contact.channel) \(contact.queueName) \(contact.caller)"
            + " waited \(clock(now.milliseconds - contact.enteredAt.milliseconds))")
      }
  }

  private mutating func update(_ contact: Contact) -> [Effect] {
    let place = agent?.contacts.firstIndex { $0.id == contact.id }
    guard ["connecting", "talking", "held", "wrap_up"].contains(contact.state) else {
      // It waits again, for anyone.
      guard let place else { return [] }
      agent?.contacts.remove(at: place)
      return [.say("END: \(contact.id) \(contact.state)")]
    }
    let before = place.flatMap { agent?.contacts[$0] }
    if let place { agent?.contacts[place] = contact } else { agent?.contacts.append(contact) }
    // A new contact is what the agent just took, so it is what the agent means next.
    if before == nil { selected = contact.id }
    return announce(contact, before: before)
  }

  private mutating func announce(_ contact: Contact, before: Contact?) -> [Effect] {
    var effects: [Effect] = []
    if before?.state != contact.state || before?.isLost != contact.isLost {
      effects.append(.say(line(for: contact)))
    }
    if messages[contact.id] == nil, contact.state != "connecting" {
      messages[contact.id] = []
      effects.append(.call(.readMessages(contact: contact.id)))
    }
    return effects
  }

  mutating func add(_ message: Message) -> [Effect] {
    var known = messages[message.contact] ?? []
    guard !known.contains(where: { $0.id == message.id }) else { return [] }
    let place = known.lastIndex { $0.sequence < message.sequence }.map { $0 + 1 } ?? 0
    known.insert(message, at: place)
    messages[message.contact] = known
    return [
      .say("MSG: \(message.contact) \(message.author) \(message.authorName.onOneLine): \(message.text.onOneLine)")
    ]
  }

  mutating func replace(queues new: [Queue]) -> [Effect] {
    let old = queues ?? []
    queues = new
    return new.filter { queue in
      guard let before = old.first(where: { $0.id == queue.id }) else { return true }
      return (before.waiting, before.ready, before.signedIn) != (queue.waiting, queue.ready, queue.signedIn)
    }.map { .say(line(for: $0)) }
  }

  // MARK: Lines

  var stateText: String {
    guard let agent else { return "unknown" }
    return agent.state + (agent.reason.map { " " + $0 } ?? "")
  }

  private func line(for offer: Offer) -> String {
    let contact = offer.contact
    return "OFFER: \(offer.id) \(contact.channel) \(contact.queueName) \(contact.caller)"
      + " waited \(clock(now.milliseconds - contact.enteredAt.milliseconds))"
      + " ends in \(secondsLeft(of: offer))s" + (offer.acceptsInConsole ? "" : " answer on your phone")
  }

  func secondsLeft(of offer: Offer) -> Int64 {
    max(0, (offer.deadline.milliseconds - now.milliseconds + 999) / 1_000)
  }

  private func line(for contact: Contact) -> String {
    "CONTACT: \(contact.id) \(contact.state) \(contact.channel) \(contact.queueName) \(contact.caller)"
      + (contact.isLost ? " LOST" : "")
  }

  private func line(for queue: Queue) -> String {
    "QUEUE: \(queue.name) waiting \(queue.waiting) ready \(queue.ready)/\(queue.signedIn)"
      + (queue.oldestEnteredAt.map { " oldest \(clock(now.milliseconds - $0.milliseconds))" } ?? "")
      + (queue.wait.map { " wait \(spoken($0))" } ?? "")
  }
}

extension Message {
  /// Grows within a contact.
  var sequence: UInt64 { UInt64(id.dropFirst(3)) ?? 0 }
}
