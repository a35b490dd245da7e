import ACD
import Primitives
import SDP
import SIP

// Web pages as legs: a visitor's, and the one that is an agent's phone. A page sends its sdpOffer by HTTP and has the
// answer as the reply; from then on its event stream tells it what happens, and the link is what the media threads say
// of its DTLS and its consent (RFC 7675).

extension Switchboard {
  /// A page whose link does not come up in this time is not offered to anybody.
  static let linkLimit: Int64 = .seconds(5)
  /// A page that has lost its link may be loading anew: so long it keeps a call, and an agent's phone between calls.
  static let reloadLimit: Int64 = .seconds(10)

  mutating func reply(to demand: Leg.Demand, _ reply: Reply, into step: inout Step) {
    step.afterCommit.append(.reply(demand.request, reply))
  }

  // MARK: Visitors

  /// A visitor calls. Judged in the order in which a SIP caller is; what is refused later is the reply as well.
  mutating func openCall(
    _ request: CallRequest, _ id: RequestID, at now: Instant, into step: inout Step
  ) -> Reply? {
    let visitor = request.visitor
    guard let entry = site.entries.first(where: { $0.name == visitor.entry }) else {
      return .refused(.notFound("there is no entry \(visitor.entry)"))
    }
    guard takesCallers else { return .refused(.overloaded) }
    guard entry.channels.contains(.voice) else { return .refused(.refused(.channel)) }
    switch judge(request.sdpOffer, prefersOpus: isServedWithOpus(entry.queue)) {
    case .failure(let unfit): return .refused(unfit.problem)
    case .success(let offer):
      let leg = Leg(
        visitor: .init(entry: entry, person: Contact.Person(visitor)), offer: offer, request: id,
        media: openMedia(.web, into: &step), session: calls.entropy.next())
      _ = add(leg)
      return nil
    }
  }

  /// Whether somebody who may take the queue's contacts, now or on a step of its ladder, has a better codec than G.711.
  func isServedWithOpus(_ queue: QueueID) -> Bool {
    let steps = site.definitions.queues[Int(queue.index)].ladder.flatMap(\.changes)
    let queues = [queue] + steps.compactMap { if case .also(let queue) = $0 { queue } else { nil } }
    return site.agents.indices.contains { index in
      !site.definitions.agents[index].isRemoved && site.agents[index].hasOpus
        && site.definitions.agents[index].queues.contains { queues.contains($0.queue) }
    }
  }

  // MARK: Both

  struct Unfit: Error {
    var problem: Problem
  }

  /// Reads a page's sdpOffer and judges it.
  private func judge(_ sdpOffer: [UInt8], prefersOpus: Bool) -> Result<Leg.Offer, Unfit> {
    let session: SessionDescription
    do throws(SDPError) {
      session = try SessionDescription(parsing: sdpOffer)
    } catch {
      return .failure(Unfit(problem: .invalid("the sdpOffer cannot be read: \(error)")))
    }
    do throws(NegotiationError) {
      return .success(try judgeWeb(session, prefersOpus: prefersOpus))
    } catch {
      return .failure(Unfit(problem: .unusable(error.warning.text)))
    }
  }

  /// Judges an sdpOffer of DTLS-SRTP with ICE. Where one codec will do it is G.711 or Opus as preferred, and the other
  /// only where the far end lacks it, so that few calls are transcoded.
  func judgeWeb(_ session: SessionDescription, prefersOpus: Bool) throws(NegotiationError) -> Leg.Offer {
    let choices: [[AudioCodec]] = prefersOpus ? [[.opus], AudioCodec.g711] : [AudioCodec.g711, [.opus]]
    var fault = NegotiationError.noAudio
    for codecs in choices {
      var local = LocalMedia(address: site.listen.media.advertisedAddress, port: 9, codecs: codecs)
      // Our side is not known yet; only the far end's is judged.
      local.security = .web(
        WebTransport(
          ice: ICECredentials(ufrag: "", password: ""), fingerprint: Fingerprint(hash: "sha-256", digest: []),
          candidates: []))
      do throws(NegotiationError) {
        let outcome = try Negotiation(sessionID: 0).outcome(of: session, with: local)
        return Leg.Offer(session: session, outcome: outcome, codecs: codecs)
      } catch {
        fault = error
      }
    }
    throw fault
  }

  /// A page's media is ready: the reply is our answer.
  mutating func answerPage(_ id: LegID, at now: Instant, into step: inout Step) {
    guard let demand = calls.legs[id]?.demand else { return }
    guard let answer = try? calls.legs[id]?.sdpForAnswer(at: site.listen.media.advertisedAddress) else {
      return refuse(id, status: 488, .unusable("the answer could not be made"), at: now, into: &step)
    }
    calls.legs[id]?.demand = nil
    calls.legs[id]?.establish()
    setFirstRemote(id, at: now, into: &step)
    if let phone = calls.legs[id]?.phone {
      calls.pages[phone.agent] = id
      reply(to: demand, .phone(phone.id, sdpAnswer: answer), into: &step)
      tellPhone(of: phone.agent, at: now, into: &step)
    } else if let contact = calls.legs[id]?.contact {
      reply(to: demand, .call(tellView(of: contact, at: now), sdpAnswer: answer), into: &step)
    }
  }

  /// The leg of a page that may speak for it.
  private func leg(of party: Party) -> Result<LegID, Unfit> {
    let id: LegID?
    switch party {
    case .visitor(let contact):
      id = contactsByPublicID[contact].flatMap { contact in
        calls.announcements[contact]?.leg ?? calls.bridges[contact]?.caller
      }
    case .phone(let agent, let phone):
      id = calls.pages[agent].flatMap { calls.legs[$0]?.phone?.id == phone ? $0 : nil }
    }
    guard let id, let leg = calls.legs[id], leg.signalling == .page else {
      return .failure(Unfit(problem: .gone("the call is over")))
    }
    guard leg.demand == nil else {
      return .failure(Unfit(problem: .conflict("an earlier request of the page is still being answered")))
    }
    return .success(id)
  }

  /// A page's new sdpOffer. The browser's certificate tells whether the page was loaded anew, its credentials whether
  /// ICE restarts; with both as before it only holds or resumes.
  mutating func reoffer(
    _ party: Party, _ sdpOffer: [UInt8], _ request: RequestID, at now: Instant, into step: inout Step
  ) -> Reply? {
    switch leg(of: party) {
    case .failure(let unfit): return .refused(unfit.problem)
    case .success(let id): return reoffer(id, sdpOffer, request, phone: nil, at: now, into: &step)
    }
  }

  private mutating func reoffer(
    _ id: LegID, _ sdpOffer: [UInt8], _ request: RequestID, phone: PhoneID?, at now: Instant, into step: inout Step
  ) -> Reply? {
    guard let leg = calls.legs[id], case .web(let ice, let fingerprints, _)? = leg.negotiation.agreed?.security
    else {
      return .refused(.gone("the call is over"))
    }
    let offer: Leg.Offer
    switch judge(sdpOffer, prefersOpus: leg.codecs.contains(.opus)) {
    case .failure(let unfit): return .refused(unfit.problem)
    case .success(let fit): offer = fit
    }
    guard phone == nil, case .web(let newICE, let newFingerprints, _) = offer.outcome.media.security,
      newFingerprints == fingerprints
    else {
      let media = openMedia(.web, into: &step)
      calls.ports[media] = id
      calls.legs[id]?.demand = Leg.Demand(request: request, media: media, offer: offer, phone: phone)
      return nil
    }
    guard newICE == ice else {
      step.afterCommit.append(.media(.restartICE(leg.media)))
      calls.legs[id]?.demand = Leg.Demand(request: request, media: leg.media, offer: offer)
      return nil
    }
    return answer(id, offer, at: now, into: &step)
  }

  /// Answers a new sdpOffer over the transport there is.
  private mutating func answer(_ id: LegID, _ offer: Leg.Offer, at now: Instant, into step: inout Step) -> Reply {
    do throws(NegotiationError) {
      guard let answer = try calls.legs[id]?.answer(offer.session, at: site.listen.media.advertisedAddress) else {
        return .refused(.gone("the call is over"))
      }
      mediaAgreed(id, at: now, into: &step)
      return .answer(answer)
    } catch {
      return .refused(.unusable(error.warning.text))
    }
  }

  /// The transport of a page that was loaded anew is ready: it takes the place of the old one.
  mutating func renewed(
    _ id: LegID, _ media: MediaID, _ opened: OpenedMedia, at now: Instant, into step: inout Step
  ) {
    guard let leg = calls.legs[id], let demand = leg.demand, demand.media == media, let offer = demand.offer else {
      return close(media, into: &step)
    }
    calls.legs[id]?.demand = nil
    calls.legs[id]?.renew(for: demand, opened, session: calls.entropy.next())
    close(leg.media, into: &step)
    if leg.link != .lost { timers.set(.call(.unlinked(id)), at: now + Self.reloadLimit) }
    let answered = answer(id, offer, at: now, into: &step)
    if let contact = leg.contact { route(contact, into: &step) }
    guard let phone = calls.legs[id]?.phone, case .answer(let answer) = answered else {
      return reply(to: demand, answered, into: &step)
    }
    reply(to: demand, .phone(phone.id, sdpAnswer: answer), into: &step)
    // The page before learns from it that it is no phone any more.
    if demand.phone != nil { tellPhone(of: phone.agent, at: now, into: &step) }
  }

  /// What trickles in. The server is ICE-lite and learns the browser's address from its checks, so candidates are not
  /// needed; fresh credentials restart ICE (RFC 9725 section 4.3.2).
  mutating func trickle(
    _ party: Party, _ fragment: [UInt8], _ request: RequestID, at now: Instant, into step: inout Step
  ) -> Reply? {
    let id: LegID
    switch leg(of: party) {
    case .failure(let unfit): return .refused(unfit.problem)
    case .success(let found): id = found
    }
    guard let leg = calls.legs[id] else { return .refused(.gone("the call is over")) }
    do throws(SDPError) {
      let fragment = try ICEFragment(parsing: fragment)
      guard let ice = try? leg.negotiation.restart(in: fragment) else { return .done }
      step.afterCommit.append(.media(.restartICE(leg.media)))
      calls.legs[id]?.demand = Leg.Demand(request: request, media: leg.media, ice: ice)
      return nil
    } catch {
      return .refused(.invalid("the fragment cannot be read: \(error)"))
    }
  }

  /// Our side of an ICE restart is ready.
  mutating func restarted(_ media: MediaID, _ ice: ICECredentials, at now: Instant, into step: inout Step) {
    guard let id = calls.ports[media], let demand = calls.legs[id]?.demand, demand.media == media else { return }
    calls.legs[id]?.demand = nil
    calls.legs[id]?.restart(ice)
    if let offer = demand.offer {
      reply(to: demand, answer(id, offer, at: now, into: &step), into: &step)
    } else if let remote = demand.ice, let fragment = calls.legs[id]?.answer(restart: remote) {
      setRemote(id, into: &step)
      reply(to: demand, .fragment(fragment), into: &step)
    }
  }

  // MARK: The link

  /// A page can hear and be heard.
  mutating func connected(_ media: MediaID, at now: Instant, into step: inout Step) {
    guard let id = calls.ports[media], let leg = calls.legs[id], leg.media == media else { return }
    calls.legs[id]?.linkUp()
    timers.cancel(.call(.unlinked(id)))
    if let phone = leg.phone, leg.link == .awaited {
      emit(.phoneRegistered(phone.agent, binding: []), at: now, into: &step)
      tell(.agentReachable(phone.agent), at: now, into: &step)
      tellPhone(of: phone.agent, at: now, into: &step)
    }
    guard let contact = leg.contact else { return }
    if calls.announcements[contact]?.leg == id { return playAnnouncement(to: contact, at: now, into: &step) }
    if leg.side == .contact {
      if contacts[contact]?.isLost == true { tell(.contactReturned(contact), at: now, into: &step) }
      callAwaitedPhones(for: contact, at: now, into: &step)
    }
    route(contact, into: &step)
    join(contact, at: now, into: &step)
  }

  /// An offer was made before the caller's page had its link.
  private mutating func callAwaitedPhones(for contact: ContactID, at now: Instant, into step: inout Step) {
    guard let bridge = calls.bridges[contact], bridge.state == .reaching, bridge.accepted == nil else { return }
    for reach in bridge.reaches where reach.phones.isEmpty && !acceptsInConsole(reach.agent) {
      callPhones(of: reach.agent, for: contact, under: reach.offer, at: now, into: &step)
    }
  }

  /// A page is not heard any more, or a caller over DTLS-SRTP. It may be loading anew, or change networks; a phone over
  /// anything else may just be muted, and its session timer finds out whether it is gone.
  mutating func linkLost(_ media: MediaID, at now: Instant, into step: inout Step) {
    guard let id = calls.ports[media], let leg = calls.legs[id], leg.media == media, leg.transport == .web,
      leg.link == .up
    else { return }
    calls.legs[id]?.linkLost()
    let isTalking = leg.contact.map { contacts[$0]?.state == .talking || contacts[$0]?.state == .held } ?? false
    let patience = leg.phone != nil || isTalking ? Self.reloadLimit : Self.lostAfter
    timers.set(.call(.unlinked(id)), at: now + patience)
    guard let contact = leg.contact else { return }
    route(contact, into: &step)
    // The agent's console shows at once why it is silent.
    if isTalking, leg.side == .contact { tell(.contactLost(contact), at: now, into: &step) }
  }

  /// The page has not come back; or the media of a SIP caller never came up, which nothing can mend.
  mutating func linkGone(_ id: LegID, at now: Instant, into step: inout Step) {
    guard let leg = calls.legs[id] else { return }
    if let phone = leg.phone { return closePage(phone.agent, at: now, into: &step) }
    guard let contact = leg.contact else { return }
    if calls.announcements[contact]?.leg == id { return endAnnouncement(to: contact, at: now, into: &step) }
    switch contacts[contact]?.state {
    case .talking, .held: tell(.contactLeft(contact), at: now, into: &step)
    default: tell(leg.signalling == .page ? .contactLost(contact) : .contactLeft(contact), at: now, into: &step)
    }
  }

  // MARK: An agent's page

  /// An agent's page becomes the agent's phone. One that was it before is told by its event stream, and by the end of
  /// its DTLS; what it talked about goes on here.
  mutating func openPhone(
    _ agent: AgentID, _ sdpOffer: [UInt8], _ request: RequestID, at now: Instant, into step: inout Step
  ) -> Reply? {
    guard isKnown(agent) else { return .refused(.notFound("there is no such agent")) }
    guard site.agents[Int(agent.index)].phone == .browser else {
      return .refused(.conflict("your phone is no browser: agents.yaml says phone: browser for those whose is"))
    }
    let id = PhoneID(number: calls.entropy.next())
    if let page = calls.pages[agent] {
      guard calls.legs[page]?.demand == nil else {
        return .refused(.conflict("another page is just becoming your phone"))
      }
      return reoffer(page, sdpOffer, request, phone: id, at: now, into: &step)
    }
    guard takesCallers else { return .refused(.overloaded) }
    switch judge(sdpOffer, prefersOpus: true) {
    case .failure(let unfit): return .refused(unfit.problem)
    case .success(let offer):
      let leg = Leg(
        phone: .init(agent: agent, id: id), offer: offer, request: request, media: openMedia(.web, into: &step),
        session: calls.entropy.next())
      calls.pages[agent] = add(leg)
      return nil
    }
  }

  mutating func closePhone(_ agent: AgentID, _ phone: PhoneID, at now: Instant, into step: inout Step) -> Reply {
    guard let page = calls.pages[agent], calls.legs[page]?.phone?.id == phone else {
      return .refused(.gone("the page is no phone any more"))
    }
    closePage(agent, at: now, into: &step)
    return .done
  }

  /// The agent's page is gone: a call that it talks in ends, and no other comes until there is a new one.
  mutating func closePage(_ agent: AgentID, at now: Instant, into step: inout Step) {
    guard let id = calls.pages[agent] else { return }
    guard let leg = drop(id, at: now, into: &step) else { return }
    if let demand = leg.demand { reply(to: demand, .refused(.gone("the call is over")), into: &step) }
    if leg.link != .awaited {
      emit(.phoneUnregistered(agent, binding: []), at: now, into: &step)
      tell(.agentUnreachable(agent), at: now, into: &step)
    }
    if let contact = leg.contact {
      if calls.bridges[contact]?.state == .joined {
        tell(.contactFinished(contact), at: now, into: &step)
      } else if let lost = calls.bridges[contact]?.lost(id, .unreachable) {
        phonesLost(contact, lost.offer, lost.failure, at: now, into: &step)
      }
    }
    if isKnown(agent) { tellPhone(of: agent, at: now, into: &step) }
  }

  /// The site may have given the agent another phone: the page is let go, once it is in no call.
  mutating func dismissPage(of agent: AgentID, at now: Instant, into step: inout Step) {
    guard let page = calls.pages[agent], calls.legs[page]?.contact == nil,
      !isKnown(agent) || site.agents[Int(agent.index)].phone != .browser
    else { return }
    closePage(agent, at: now, into: &step)
  }

  /// The page joins the call that its agent has accepted.
  mutating func takePage(
    of agent: AgentID, for contact: ContactID, under offer: OfferID, at now: Instant, into step: inout Step
  ) {
    guard let page = calls.pages[agent], calls.legs[page]?.isEstablished == true else {
      return phonesLost(contact, offer, .unreachable, at: now, into: &step)
    }
    guard calls.legs[page]?.contact == nil else { return phonesLost(contact, offer, .busy, at: now, into: &step) }
    calls.legs[page]?.contact = contact
    calls.bridges[contact]?.add(phone: page, under: offer)
  }

  /// Consoles and pages of the agent see what the phone is now.
  private func tellPhone(of agent: AgentID, at now: Instant, into step: inout Step) {
    step.afterCommit.append(
      .notify(
        Notice(
          sequence: step.acd.sequence - 1, at: now, contact: nil, agent: agent,
          body: .agentChanged(view(of: agent, at: now)))))
  }
}

extension Contact.Person {
  /// As a web page describes its visitor, within limits.
  init(_ visitor: ChatRequest) {
    name = visitor.name.map { String($0.prefix(64)) }
    attributes = visitor.attributes.kept
  }
}
