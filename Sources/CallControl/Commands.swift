import ACD
import Primitives

extension Switchboard {
  /// Carries out a command; its facts are in the step, its reply is sent after their commit. Nil where the reply needs
  /// the media threads first, and follows what they say.
  mutating func carryOut(
    _ command: Command, _ request: RequestID, at now: Instant, into step: inout Step
  ) -> Reply? {
    switch command {
    case .openCall(let call): return openCall(call, request, at: now, into: &step)
    case .reoffer(let party, let offer): return reoffer(party, offer, request, at: now, into: &step)
    case .trickle(let party, let fragment): return trickle(party, fragment, request, at: now, into: &step)
    case .openPhone(let agent, let offer): return openPhone(agent, offer, request, at: now, into: &step)
    case .closePhone(let agent, let phone): return closePhone(agent, phone, at: now, into: &step)
    case .openChat(let request): return openChat(request, at: now, into: &step)
    case .attach(let id): return attach(id, at: now, into: &step)
    case .detach(let id): return detach(id, at: now, into: &step)
    case .post(let id, let author, let text): return post(text, to: id, by: author, at: now, into: &step)
    case .hangUp(let id, let author): return hangUp(id, by: author, at: now, into: &step)

    case .signIn(let agent): return signIn(agent, at: now, into: &step)
    case .signOut(let agent): return tell(.agentSignedOut(agent), of: agent, at: now, into: &step)
    case .ready(let agent): return becomeReady(agent, at: now, into: &step)
    case .notReady(let agent, let reason): return becomeNotReady(agent, reason: reason, at: now, into: &step)
    case .accept(let agent, let offer): return accept(offer, by: agent, at: now, into: &step)
    case .decline(let agent, let offer): return decline(offer, by: agent, at: now, into: &step)
    case .pick(let agent, let id): return pick(id, by: agent, at: now, into: &step)
    case .hold(let agent, let id): return setHold(true, id, by: agent, at: now, into: &step)
    case .resume(let agent, let id): return setHold(false, id, by: agent, at: now, into: &step)
    case .transfer(let agent, let id, let queue): return transfer(id, to: queue, by: agent, at: now, into: &step)
    case .endWrapUp(let agent, let id, let code): return endWrapUp(of: id, agent, code: code, at: now, into: &step)
    case .extendWrapUp(let agent, let id, let seconds):
      guard let contact = wrapUp(of: id, by: agent) else { return .refused(.gone("there is no wrap-up to extend")) }
      guard (1...3_600).contains(seconds) else { return .refused(.invalid("extend by 1 to 3600 seconds")) }
      tell(.wrapUpExtended(agent, contact, .seconds(Int64(seconds))), at: now, into: &step)
      return .agent(view(of: agent, at: now))

    case .migrateWaiting(let queue): return migrateWaiting(in: queue, at: now, into: &step)

    case .describeContact(let id):
      guard let contact = contactsByPublicID[id] else { return .refused(.gone("the contact is over")) }
      return .contact(tellView(of: contact, at: now))
    case .describeAgent(let agent):
      guard isKnown(agent) else { return .refused(.notFound("there is no such agent")) }
      return .agent(view(of: agent, at: now))
    case .describeAgents:
      let agents = site.definitions.agents.indices.filter { !site.definitions.agents[$0].isRemoved }
      return .agents(agents.map { view(of: AgentID(index: UInt32($0)), at: now) })
    case .describeQueues: return .queues(queueViews(at: now))
    case .describeCounts: return .counts(counts(in: step))
    }
  }

  func isKnown(_ agent: AgentID) -> Bool {
    site.definitions.agents.indices.contains(Int(agent.index)) && !site.definitions.agents[Int(agent.index)].isRemoved
  }

  private mutating func tell(
    _ input: ACD.Input, of agent: AgentID, at now: Instant, into step: inout Step
  ) -> Reply {
    guard isKnown(agent) else { return .refused(.notFound("there is no such agent")) }
    tell(input, at: now, into: &step)
    return .agent(view(of: agent, at: now))
  }

  private mutating func signIn(_ agent: AgentID, at now: Instant, into step: inout Step) -> Reply {
    guard isKnown(agent) else { return .refused(.notFound("there is no such agent")) }
    guard acd.summary(of: agent).presence == .signedOut else { return .agent(view(of: agent, at: now)) }
    tell(.agentSignedIn(agent), at: now, into: &step)
    // Who signs in wants contacts; without a phone they come once it registers.
    let isReachable = hasReachablePhone(agent)
    tell(isReachable ? .agentReady(agent) : .agentNotReady(agent, .unreachable), at: now, into: &step)
    return .agent(view(of: agent, at: now))
  }

  private mutating func becomeReady(_ agent: AgentID, at now: Instant, into step: inout Step) -> Reply {
    guard isKnown(agent) else { return .refused(.notFound("there is no such agent")) }
    guard acd.summary(of: agent).presence != .signedOut else { return .refused(.conflict("sign in first")) }
    guard hasReachablePhone(agent) else {
      return .refused(.conflict("your phone is not registered; you become ready when it is"))
    }
    return tell(.agentReady(agent), of: agent, at: now, into: &step)
  }

  private mutating func becomeNotReady(
    _ agent: AgentID, reason: String?, at now: Instant, into step: inout Step
  ) -> Reply {
    var id = ReasonID.unspecified
    if let reason {
      guard let index = site.definitions.names.reasons.firstIndex(of: reason) else {
        return .refused(.invalid("there is no reason \(reason)"))
      }
      id = ReasonID(index: UInt16(index))
    }
    guard isKnown(agent), acd.summary(of: agent).presence != .signedOut else {
      return .refused(.conflict("sign in first"))
    }
    return tell(.agentNotReady(agent, id), of: agent, at: now, into: &step)
  }

  /// The contact of a live offer to the agent, if there is one.
  private func liveOffer(_ offer: OfferID, to agent: AgentID) -> ContactID? {
    guard isKnown(agent) else { return nil }
    return acd.summary(of: agent).slots.first { $0.state == .offered(offer) }?.contact
  }

  private mutating func accept(_ offer: OfferID, by agent: AgentID, at now: Instant, into step: inout Step) -> Reply {
    guard let contact = liveOffer(offer, to: agent) else { return .refused(.gone("the offer is over")) }
    if isVoice(contact) {
      guard acceptsInConsole(agent) else { return .refused(.conflict("answer on your phone")) }
    }
    tell(.offerAccepted(offer), at: now, into: &step)
    return contacts.contains(contact) ? .contact(view(of: contact, at: now)) : .done
  }

  private mutating func decline(_ offer: OfferID, by agent: AgentID, at now: Instant, into step: inout Step) -> Reply {
    guard liveOffer(offer, to: agent) != nil else { return .refused(.gone("the offer is over")) }
    return tell(.offerDeclined(offer), of: agent, at: now, into: &step)
  }

  private mutating func pick(_ id: PublicID, by agent: AgentID, at now: Instant, into step: inout Step) -> Reply {
    guard let contact = contactsByPublicID[id] else { return .refused(.gone("the contact is over")) }
    guard isKnown(agent), acd.summary(of: agent).presence != .signedOut else {
      return .refused(.conflict("sign in first"))
    }
    guard acd.mayPick(contact, by: agent) else {
      return .refused(.conflict("the contact waits no more, or not for you to pick"))
    }
    guard !isVoice(contact) || hasReachablePhone(agent) else {
      return .refused(.conflict("your phone is not registered"))
    }
    tell(.contactPicked(contact, by: agent), at: now, into: &step)
    return .contact(view(of: contact, at: now))
  }

  private mutating func hangUp(_ id: PublicID, by author: Author, at now: Instant, into step: inout Step) -> Reply {
    guard let contact = contactsByPublicID[id], let state = contacts[contact]?.state else {
      return .refused(.gone("the contact is over"))
    }
    if author == .visitor, calls.announcements[contact] != nil {
      endAnnouncement(to: contact, at: now, into: &step)
      return .done
    }
    guard state != .ended, state != .wrapUp else { return .refused(.gone("the contact has ended")) }
    if state == .message {
      if case .agent = author { return .refused(.forbidden("the contact is not yours")) }
      endMessage(contact, at: now, into: &step)
      return .done
    }
    switch author {
    case .visitor: tell(.contactLeft(contact), at: now, into: &step)
    case .agent(let agent):
      guard contacts[contact]?.agent == agent, state == .talking || state == .held || state == .connecting else {
        return .refused(.forbidden("the contact is not yours"))
      }
      tell(.contactFinished(contact), at: now, into: &step)
    case .system: tell(.contactWithdrawn(contact), at: now, into: &step)
    }
    return .done
  }

  private mutating func setHold(
    _ hold: Bool, _ id: PublicID, by agent: AgentID, at now: Instant, into step: inout Step
  ) -> Reply {
    guard let contact = contactsByPublicID[id], let state = contacts[contact]?.state else {
      return .refused(.gone("the contact is over"))
    }
    // The agent may hold whom the other side holds already: the hold ends when both have resumed.
    let isHoldable = state == .talking || (state == .held && calls.bridges[contact]?.isHeldInConsole == false)
    guard contacts[contact]?.agent == agent, hold ? isHoldable : state == .held else {
      return .refused(.conflict(hold ? "there is nothing to hold" : "the contact is not on hold"))
    }
    guard isVoice(contact) else { return .refused(.conflict("a chat cannot be held")) }
    holdCall(contact, hold, at: now, into: &step)
    return .contact(view(of: contact, at: now))
  }

  private mutating func migrateWaiting(in queue: String, at now: Instant, into step: inout Step) -> Reply {
    guard let queue = queueID(queue) else {
      return .refused(.notFound("there is no queue \(queue.hasPrefix("q_") ? queue.dropFirst(2) : queue[...])"))
    }
    let first = step.records.count
    tell(.ladderMigrated(queue), at: now, into: &step)
    return .migrated(
      contacts: step.records[first...].count {
        if case .acd(.ladderMigrated) = $0.event { true } else { false }
      })
  }

  /// A queue by its name, or as `q_…`.
  func queueID(_ name: String) -> QueueID? {
    let name = name.hasPrefix("q_") ? String(name.dropFirst(2)) : name
    let index = site.definitions.queues.firstIndex { $0.name == name && !$0.isRemoved }
    return index.map { QueueID(index: UInt32($0)) }
  }

  private mutating func endWrapUp(
    of id: PublicID, _ agent: AgentID, code: String?, at now: Instant, into step: inout Step
  ) -> Reply {
    guard let contact = wrapUp(of: id, by: agent), let queue = contacts[contact]?.queue
    else { return .refused(.gone("there is no wrap-up to end")) }
    var id = CodeID.none
    if let code, !code.isEmpty {
      guard let index = site.definitions.names.codes.firstIndex(of: code) else {
        return .refused(.invalid("there is no code \(code)"))
      }
      id = CodeID(index: UInt16(index))
      let allowed = site.definitions.queues[Int(queue.index)].codes
      guard allowed.isEmpty || allowed.contains(id) else {
        let names = allowed.map { site.definitions.names.codes[Int($0.index)] }.joined(separator: ", ")
        return .refused(.invalid("the queue's codes are \(names)"))
      }
    }
    return tell(.wrapUpEnded(agent, contact, id), of: agent, at: now, into: &step)
  }
}
