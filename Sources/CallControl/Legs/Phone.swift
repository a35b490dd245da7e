import ACD
import Primitives
import SDP
import SIP

// The agent's side: phones ring under an offer, one answers, or none does (`CALLS.md` 2).

extension Switchboard {
  /// Without a provisional response in this time the phone is not there.
  static let provisionalLimit: Int64 = .seconds(4)

  /// An offer was made. With `phone_answer: console` the phone is called after the console's accept.
  mutating func ring(
    _ offer: OfferID, _ contact: ContactID, _ agent: AgentID, at now: Instant, into step: inout Step
  ) {
    // What was told of an earlier ring of the same step may have ended this offer.
    guard acd.isLive(offer) else { return }
    calls.bridges[contact]?.reach(agent, under: offer)
    switch calls.bridges[contact].flatMap({ calls.legs[$0.caller]?.link }) {
    // Whose page is gone for the moment waits for it, and nobody rings meanwhile.
    case .lost: tell(.contactLost(contact), at: now, into: &step)
    // The phones ring once the page can hear who answers.
    case .awaited: break
    case .up, nil:
      if !acceptsInConsole(agent) { callPhones(of: agent, for: contact, under: offer, at: now, into: &step) }
    }
  }

  mutating func stopRinging(
    _ offer: OfferID, _ contact: ContactID, _ agent: AgentID, at now: Instant, into step: inout Step
  ) {
    timers.cancel(.call(.demoAnswers(offer, contact)))
    leave(offer, of: contact, at: now, into: &step)
  }

  private mutating func leave(_ offer: OfferID, of contact: ContactID, at now: Instant, into step: inout Step) {
    for phone in calls.bridges[contact]?.leave(offer) ?? [] { end(phone, at: now, into: &step) }
  }

  /// The offer was accepted.
  mutating func connect(
    _ offer: OfferID, _ contact: ContactID, _ agent: AgentID, at now: Instant, into step: inout Step
  ) {
    // Whoever picks has not been rung before.
    guard acd.isLive(offer) else { return }
    calls.bridges[contact]?.reach(agent, under: offer)
    calls.bridges[contact]?.accept(offer)
    if site.agents[Int(agent.index)].phone == .demo {
      calls.bridges[contact]?.useDemo()
    } else if site.agents[Int(agent.index)].phone == .browser {
      takePage(of: agent, for: contact, under: offer, at: now, into: &step)
    } else if calls.bridges[contact]?.phone == nil {
      callPhones(of: agent, for: contact, under: offer, at: now, into: &step)
    }
    join(contact, at: now, into: &step)
  }

  /// All bindings of the agent's phone ring in parallel; the demo phone answers by itself.
  mutating func callPhones(
    of agent: AgentID, for contact: ContactID, under offer: OfferID, at now: Instant, into step: inout Step
  ) {
    guard let bridge = calls.bridges[contact], bridge[offer] != nil else { return }
    if site.agents[Int(agent.index)].phone == .demo {
      timers.set(.call(.demoAnswers(offer, contact)), at: now)
      return
    }
    let preferred = calls.legs[bridge.caller]?.preferredCodec
    let profile = site.agents[Int(agent.index)]
    let codecs = profile.codecs.sorted { a, b in a == preferred && b != preferred }
    for (target, flow) in phones(of: agent) {
      guard calls.legs.count < CallLimits().legs else { break }
      guard let transport = profile.srtp.transport(over: flow) else { continue }
      let media = openMedia(transport, into: &step)
      let id = add(
        Leg(
          phone: target, for: contact, codecs: codecs, flow: flow, over: transport, media: media,
          session: calls.entropy.next()))
      calls.bridges[contact]?.add(phone: id, under: offer)
    }
    if calls.bridges[contact]?[offer]?.phones.isEmpty == true {
      phonesLost(contact, offer, .unreachable, at: now, into: &step)
    }
  }

  /// The phone's port is open: its INVITE follows the offer's commit.
  mutating func invite(_ id: LegID, at now: Instant, into step: inout Step) {
    guard let target = calls.legs[id]?.target, let contact = calls.legs[id]?.contact, let flow = calls.legs[id]?.flow,
      let body = calls.legs[id]?.sdpOffer(at: site.listen.media.advertisedAddress)
    else { return }
    let isCustomer = calls.legs[id]?.side == .contact
    let person = contacts[contact]?.person
    let caller = person?.address.flatMap { try? URI(parsing: $0) } ?? URI(user: "anonymous", host: site.domain)
    var headers: [UserAgent.Header] = []
    if !isCustomer, calls.bridges[contact]?.accepted != nil {
      // The agent has accepted in the console: the phone may answer by itself.
      headers.append(UserAgent.Header("Call-Info", "<sip:\(site.domain)>;answer-after=0"))
    }
    let from =
      isCustomer
      ? Address(displayName: site.name, uri: URI(user: "callback", host: site.domain))
      : Address(displayName: person?.name, uri: caller)
    let to = Address(uri: target.identity)
    let dialog = send(into: &step) {
      $0.invite(target, over: flow, from: from, to: to, headers: headers, body: .sdp(body), at: now, into: &$1)
    }
    calls.legs[id]?.invited(as: dialog)
    calls.legsByDialog[dialog] = id
    save(id, at: now, into: &step)
    timers.set(.call(.noProvisional(id)), at: now + Self.provisionalLimit)
  }

  /// A phone refused our INVITE. One that has no SRTP is asked again without, where the configuration lets it.
  mutating func phoneRejected(_ id: LegID, status: Int, at now: Instant, into step: inout Step) {
    let failure = Leg.Failure(status: status)
    guard failure == .media, let leg = calls.legs[id], leg.transport == .srtp, mayBePlain(leg) else {
      return loseLeg(id, failure, at: now, into: &step)
    }
    calls.legs[id]?.retryPlainly(session: calls.entropy.next())
    invite(id, at: now, into: &step)
  }

  private func mayBePlain(_ leg: Leg) -> Bool {
    switch leg.side {
    case .contact: site.callbacks.srtp != .required
    case .agent:
      leg.contact.flatMap { contacts[$0]?.agent }.map { site.agents[Int($0.index)].srtp != .required } ?? false
    }
  }

  /// 2xx of a phone: it wins, and where the phone answers for the agent it is the accept.
  mutating func phoneAnswered(_ dialog: DialogID, _ message: Message, at now: Instant, into step: inout Step) {
    if let id = calls.legsByDialog[dialog], calls.legs[id]?.side == .contact {
      return customerAnswered(id, dialog, message, at: now, into: &step)
    }
    guard let id = calls.legsByDialog[dialog], let contact = calls.legs[id]?.contact,
      let offer = calls.bridges[contact]?.offer(of: id)
    else {
      // Nobody waits for it any more: ACK and BYE.
      send(into: &step) { $0.end(dialog, at: now, into: &$1) }
      return
    }
    timers.cancel(.call(.noProvisional(id)))
    guard (try? calls.legs[id]?.receive(answer: message)) != nil else {
      calls.legs[id]?.establish()
      return loseLeg(id, .media, at: now, into: &step)
    }
    // The ACK puts the phone in a call, so whatever becomes of us must be able to end it: stored first, as not yet
    // acknowledged.
    establish(id, at: now, into: &step)
    send(into: &step) { $0.acknowledge(dialog, at: now, into: &$1) }
    setRemote(id, into: &step)
    for other in calls.bridges[contact]?.won(id) ?? [] { end(other, at: now, into: &step) }
    if calls.bridges[contact]?.accepted == offer {
      join(contact, at: now, into: &step)
    } else {
      tell(.offerAccepted(offer), at: now, into: &step)
      // An offer that was over in the same moment leaves the phone with nobody to talk to.
      if calls.bridges[contact]?.accepted != offer { end(id, at: now, into: &step) }
    }
  }

  /// A phone was not won. When none is left, the offer fails or counts as declined.
  mutating func loseLeg(_ id: LegID, _ reason: Leg.Failure, at now: Instant, into step: inout Step) {
    guard let contact = calls.legs[id]?.contact else { return }
    if calls.legs[id]?.side == .contact { return loseCustomer(id, reason, at: now, into: &step) }
    end(id, at: now, into: &step)
    guard let lost = calls.bridges[contact]?.lost(id, reason) else { return }
    phonesLost(contact, lost.offer, lost.failure, at: now, into: &step)
  }

  mutating func phonesLost(
    _ contact: ContactID, _ offer: OfferID, _ failure: Leg.Failure, at now: Instant, into step: inout Step
  ) {
    let isAccepted = calls.bridges[contact]?.accepted == offer
    leave(offer, of: contact, at: now, into: &step)
    switch (failure, isAccepted) {
    case (.declined, false): tell(.offerDeclined(offer), at: now, into: &step)
    case (.declined, true): tell(.offerFailed(offer, .connect), at: now, into: &step)
    case (.unreachable, _): tell(.offerFailed(offer, .unreachable), at: now, into: &step)
    case (.busy, _): tell(.offerFailed(offer, .busy), at: now, into: &step)
    case (.media, _): tell(.offerFailed(offer, .media), at: now, into: &step)
    }
  }

  // MARK: Where phones are

  /// Where the agent's phone is reached now.
  private func phones(of agent: AgentID) -> [(target: URI, flow: Flow)] {
    switch site.agents[Int(agent.index)].phone {
    case .none, .demo, .browser: return []
    case .registers: return calls.registrations.phones(of: agent)
    case .address(let uri):
      return uri.endpoint.map { [(uri, Flow(transport: uri.transport, remote: $0))] } ?? []
    }
  }

  func hasReachablePhone(_ agent: AgentID) -> Bool {
    switch site.agents[Int(agent.index)].phone {
    case .registers: !calls.registrations.phones(of: agent).isEmpty
    case .browser: calls.pages[agent].flatMap { calls.legs[$0] }.map { $0.link != .awaited } ?? false
    case .none, .demo, .address: true
    }
  }

  /// A page never answers by itself, so a microphone is never opened to a caller unasked.
  func acceptsInConsole(_ agent: AgentID) -> Bool {
    let profile = site.agents[Int(agent.index)]
    return profile.phoneAnswer == .console || profile.phone == .browser
  }

  func phoneState(_ agent: AgentID) -> String {
    switch site.agents[Int(agent.index)].phone {
    case .none: "none"
    case .demo: "demo"
    case .registers, .address, .browser: hasReachablePhone(agent) ? "ok" : "unreachable"
    }
  }
}

extension Site.SRTPPolicy {
  /// How the sound of a phone that is called over `flow` is to travel; nil if it may not.
  func transport(over flow: Flow) -> MediaTransport? {
    if self != .never, flow.transport == .tls { return .srtp }
    return self == .required ? nil : .rtp
  }
}
