import ACD
import Primitives

/// A contact that goes on in a queue. The person keeps the public id, and with it the page, the messages and the record;
/// the engine sees a contact of its own, a segment, with the entry and the rank of the first.
extension Switchboard {
  mutating func transfer(
    _ id: PublicID, to queue: String, by agent: AgentID, at now: Instant, into step: inout Step
  ) -> Reply {
    guard let contact = contactsByPublicID[id], let it = contacts[contact] else {
      return .refused(.gone("the contact is over"))
    }
    guard it.agent == agent, it.state == .talking || it.state == .held,
      acd.state(of: contact) == .answered(agent)
    else { return .refused(.conflict("only a contact that you talk to can be transferred")) }
    guard let target = queueID(queue) else { return .refused(.invalid("there is no queue \(queue)")) }
    let (name, definition) = (queueName(target), site.definitions.queues[Int(target.index)])
    guard definition.channels.contains(it.channel) else {
      return .refused(.conflict("the queue \(name) takes no \(it.channel == .chat ? "chats" : "calls")"))
    }
    switch acd.admission(to: target, over: it.channel, at: now)?.refusal {
    case .closed: return .refused(.conflict("the queue \(name) is closed"))
    case .unstaffed: return .refused(.conflict("nobody is there to take it in the queue \(name)"))
    // Who is talked to already finds a place, however long the line.
    case .full, .policy, .channel, nil: break
    }
    move(contact, it, to: target, at: now, into: &step)
    return .agent(view(of: agent, at: now))
  }

  /// Chats of agents who are no more wait in their queues again, at their places, and end where there is no such queue:
  /// nobody could answer them. A call goes on over the phones until one hangs up.
  mutating func requeueOrphans(at now: Instant, into step: inout Step) {
    for contact in contacts.ids {
      guard let it = contacts[contact], it.channel == .chat, let agent = it.agent, !isKnown(agent),
        acd.state(of: contact) == .answered(agent)
      else { continue }
      let queue = site.definitions.queues[Int(it.queue.index)]
      guard !queue.isRemoved, queue.channels.contains(.chat) else {
        tell(.contactFailed(contact), at: now, into: &step)
        continue
      }
      move(contact, it, to: it.queue, at: now, into: &step)
    }
  }

  private mutating func move(
    _ contact: ContactID, _ it: Contact, to target: QueueID, at now: Instant, into step: inout Step
  ) {
    let profile = site.definitions.queues[Int(target.index)].profile
    let next = openSegment(after: contact, it, at: now, into: &step)
    if isVoice(contact) { moveCaller(of: contact, to: next, at: now, into: &step) }
    tell(
      .contactTransferred(contact, as: next, queue: target, profile: profile, priority: 0), at: now, into: &step)
    if it.channel == .chat {
      moveLink(of: contact, to: next, wasLost: it.isLost, at: now, into: &step)
    } else if it.isLost {
      tell(.contactLost(next), at: now, into: &step)
    }
  }

  /// The same person under the same id; from here on the id means the segment.
  private mutating func openSegment(
    after contact: ContactID, _ it: Contact, at now: Instant, into step: inout Step
  ) -> ContactID {
    let next = contacts.insert(
      Contact(id: it.id, entry: it.entry, channel: it.channel, queue: it.queue, entered: it.entered, person: it.person))
    emit(.contactOpened(next, it.id, entry: it.entry, channel: it.channel), at: now, into: &step)
    return next
  }

  /// The caller's leg belongs to the segment, and hears music again; the agent's phone gets BYE.
  private mutating func moveCaller(
    of contact: ContactID, to next: ContactID, at now: Instant, into step: inout Step
  ) {
    guard var bridge = calls.bridges[contact] else { return }
    for phone in bridge.leaveAgents() { end(phone, at: now, into: &step) }
    closeQuality(of: bridge.caller, at: now, into: &step)
    calls.bridges[contact] = nil
    calls.bridges[next] = bridge
    calls.legs[bridge.caller]?.contact = next
    if !calls.saved[contact, .contact].isEmpty { emit(.dialogEnded(contact, .contact), at: now, into: &step) }
    save(bridge.caller, at: now, into: &step)
  }

  private mutating func moveLink(
    of contact: ContactID, to next: ContactID, wasLost: Bool, at now: Instant, into step: inout Step
  ) {
    let link = links[contact] ?? VisitorLink()
    links[contact] = nil
    timers.cancel(.lost(contact))
    timers.cancel(.abandonedTalk(contact))
    links[next] = link
    if wasLost {
      tell(.contactLost(next), at: now, into: &step)
    } else if link.streams == 0 {
      timers.set(.lost(next), at: now + Self.lostAfter)
    }
  }

  /// What the agent wraps up of a contact: an earlier segment, where it has been transferred.
  func wrapUp(of id: PublicID, by agent: AgentID) -> ContactID? {
    guard isKnown(agent) else { return nil }
    return acd.summary(of: agent).slots.first { slot in
      if case .wrapUp = slot.state { contacts[slot.contact]?.id == id } else { false }
    }?.contact
  }
}
