import ACD
import Primitives
import SDP
import SIP

// The caller's side: from the INVITE to the queue, and what the caller does there (`CALLS.md` 1).

extension Switchboard {
  static let retryAfter = UserAgent.Header("Retry-After", "5")

  /// A new INVITE of somebody who may speak to us. Entry, limits and media are judged before it is answered.
  mutating func arrive(
    _ dialog: DialogID, _ message: Message, _ flow: Flow, at now: Instant, into step: inout Step
  ) {
    guard let entry = calls.entries.named(by: message.requestURI) else {
      return refuse(dialog, status: 404, at: now, into: &step)
    }
    guard takesCallers else {
      return refuse(dialog, status: 503, headers: [Self.retryAfter], at: now, into: &step)
    }
    guard entry.channels.contains(.voice) else { return refuse(dialog, status: 488, at: now, into: &step) }
    var offer: Leg.Offer?
    // A body of another kind was either refused by the user agent or may be left aside.
    if message.contentType == "application/sdp" {
      do throws(NegotiationError) {
        guard let session = try? SessionDescription(parsing: message.body) else {
          return refuse(dialog, status: 400, at: now, into: &step)
        }
        offer = try judge(session, over: flow, for: entry.queue)
      } catch {
        return refuse(dialog, status: error.status, headers: [warning(error)], at: now, into: &step)
      }
    }
    if !isKnown(flow) { calls.userAgent.confine(dialog) }
    let from = message.from
    let person = Contact.Person(
      name: from.displayName.map { String($0.prefix(64)) }, address: String(from.uri.identity.description.prefix(256)))
    let transport = offer?.transport ?? (flow.transport == .tls ? .srtp : .rtp)
    let media = openMedia(transport, into: &step)
    _ = add(
      Leg(
        caller: dialog, arrival: .init(entry: entry, person: person), offer: offer, flow: flow, over: transport,
        media: media, session: calls.entropy.next()))
  }

  /// Judges a caller's sdpOffer. DTLS-SRTP with ICE (RFC 5763) is taken over any transport, as its keys are in no
  /// description. Over TLS SRTP by keys in SDP is preferred to plain RTP; over anything else they would be known to
  /// whoever reads along, so it would only look protected.
  private func judge(
    _ session: SessionDescription, over flow: Flow, for queue: QueueID
  ) throws(NegotiationError) -> Leg.Offer {
    // The port is not known yet, and nothing but the codecs and addresses is judged.
    var local = LocalMedia(address: site.listen.media.advertisedAddress, port: 9)
    var fault: NegotiationError?
    if session.offersDTLS {
      do throws(NegotiationError) {
        return try judgeWeb(session, prefersOpus: isServedWithOpus(queue))
      } catch {
        fault = error
      }
    }
    if flow.transport == .tls {
      local.security = .sdes(SRTPSuite.unkeyed)
      do throws(NegotiationError) {
        return Leg.Offer(session: session, outcome: try Negotiation(sessionID: 0).outcome(of: session, with: local))
      } catch {
        fault = fault ?? error
      }
    } else if session.media.contains(where: { $0.kind == "audio" && $0.isSecureRTP }) {
      fault = fault ?? .exposedKeys
    }
    local.security = .none
    do throws(NegotiationError) {
      return Leg.Offer(session: session, outcome: try Negotiation(sessionID: 0).outcome(of: session, with: local))
    } catch {
      throw error == .transport ? fault ?? error : error
    }
  }

  /// Whether there is room for one more caller, and a phone for it.
  var takesCallers: Bool {
    !calls.isStopping && calls.legs.count + 1 < CallLimits().legs && calls.bridges.count < CallLimits().callers
  }

  private mutating func refuse(
    _ dialog: DialogID, status: Int, headers: [UserAgent.Header] = [], at now: Instant, into step: inout Step
  ) {
    send(into: &step) { $0.respond(to: dialog, status: status, headers: headers, at: now, into: &$1) }
  }

  /// Refuses a caller who has a leg already: a phone by the status, a page by the problem.
  mutating func refuse(
    _ id: LegID, status: Int, _ problem: Problem, at now: Instant, into step: inout Step
  ) {
    guard let leg = drop(id, at: now, into: &step) else { return }
    if let demand = leg.demand { reply(to: demand, .refused(problem), into: &step) }
    guard let dialog = leg.dialog else { return }
    refuse(dialog, status: status, headers: status == 503 ? [Self.retryAfter] : [], at: now, into: &step)
  }

  func warning(_ error: NegotiationError) -> UserAgent.Header {
    UserAgent.Header("Warning", "\(error.warning.code) \(site.domain) \"\(error.warning.text)\"")
  }

  /// Its media is ready: the contact is born, and enters its queue or is refused.
  mutating func enqueue(_ id: LegID, at now: Instant, into step: inout Step) {
    guard let arrival = calls.legs[id]?.arrival else { return }
    let contact = open(entry: arrival.entry, channel: .voice, person: arrival.person, at: now, into: &step)
    calls.legs[id]?.contact = contact
    calls.bridges[contact] = Bridge(caller: id)
    queue(contact, for: arrival.entry, at: now, into: &step)
    // The ACD may have refused it: then the leg is gone.
    guard calls.legs[id]?.state == .waiting, let queue = contacts[contact]?.queue else { return }
    // A page waits for its answer, and pays nothing for being answered.
    guard calls.legs[id]?.signalling != .page else { return answerPage(id, at: now, into: &step) }
    switch site.queues[Int(queue.index)].answer {
    case .onEntry: answerCaller(id, at: now, into: &step)
    case .onAgent: keepCaller(id, at: now, into: &step)
    }
  }

  /// 180 to the caller; or, to one who acknowledges it, 183 with our SDP, so that music is heard before the 200. The
  /// user agent repeats it every minute, before a proxy loses patience.
  private mutating func keepCaller(_ id: LegID, at now: Instant, into step: inout Step) {
    guard let dialog = calls.legs[id]?.dialog, let contact = calls.legs[id]?.contact else { return }
    guard calls.userAgent.acknowledgesProvisionals(dialog),
      let body = try? calls.legs[id]?.sdpForAnswer(at: site.listen.media.advertisedAddress)
    else {
      send(into: &step) { $0.respond(to: dialog, status: 180, at: now, into: &$1) }
      return save(id, at: now, into: &step)
    }
    send(into: &step) { $0.respond(to: dialog, status: 183, body: .sdp(body), at: now, into: &$1) }
    calls.legs[id]?.beginEarly()
    save(id, at: now, into: &step)
    setFirstRemote(id, at: now, into: &step)
    route(contact, into: &step)
  }

  /// 200 to the caller, 201 to a page; music follows, or the bridge.
  mutating func answerCaller(_ id: LegID, at now: Instant, into step: inout Step) {
    guard let contact = calls.legs[id]?.contact else { return }
    guard let dialog = calls.legs[id]?.dialog else { return answerPage(id, at: now, into: &step) }
    var body: UserAgent.Body?
    if calls.legs[id]?.state != .early {
      guard let bytes = try? calls.legs[id]?.sdpForAnswer(at: site.listen.media.advertisedAddress) else { return }
      body = .sdp(bytes)
    }
    send(into: &step) { $0.respond(to: dialog, status: 200, body: body, at: now, into: &$1) }
    establish(id, at: now, into: &step)
    setFirstRemote(id, at: now, into: &step)
    route(contact, into: &step)
  }

  /// The far end has our first SDP. DTLS is to be done soon, or nobody would hear anything.
  mutating func setFirstRemote(_ id: LegID, at now: Instant, into step: inout Step) {
    setRemote(id, into: &step)
    if calls.legs[id]?.transport == .web { timers.set(.call(.unlinked(id)), at: now + Self.linkLimit) }
  }

  /// The ACK for our 2xx, or the PRACK for our 183: after a delayed offer it brings the answer.
  mutating func acknowledged(_ dialog: DialogID, _ message: Message, at now: Instant, into step: inout Step) {
    guard let id = calls.legsByDialog[dialog], calls.legs[id]?.awaitsAnswer == true else { return }
    guard (try? calls.legs[id]?.receive(answer: message)) != nil else {
      // Before anything was agreed there is no call; later the session goes on as it was.
      guard calls.legs[id]?.codec == nil else { return }
      send(into: &step) { $0.end(dialog, at: now, into: &$1) }
      return hungUp(dialog, at: now, into: &step)
    }
    mediaAgreed(id, at: now, into: &step)
  }

  /// The leg's media is known, or has changed.
  mutating func mediaAgreed(_ id: LegID, at now: Instant, into step: inout Step) {
    guard let contact = calls.legs[id]?.contact else { return }
    setRemote(id, into: &step)
    followHold(contact, by: author(of: id), at: now, into: &step)
    join(contact, at: now, into: &step)
  }

  func author(of id: LegID) -> Author {
    guard calls.legs[id]?.side == .agent, let contact = calls.legs[id]?.contact, let agent = contacts[contact]?.agent
    else { return .visitor }
    return .agent(agent)
  }

  /// The far end hung up, gave up, or broke: whatever the contact was doing ends.
  mutating func hungUp(_ dialog: DialogID, at now: Instant, into step: inout Step) {
    guard let id = calls.legsByDialog[dialog], let side = calls.legs[id]?.side else { return }
    let contact = calls.legs[id]?.contact
    switch side {
    case .contact:
      guard let contact else {
        drop(id, at: now, into: &step)
        return
      }
      if calls.announcements[contact]?.leg == id { return endAnnouncement(to: contact, at: now, into: &step) }
      drop(id, at: now, into: &step)
      tell(.contactLeft(contact), at: now, into: &step)
    case .agent:
      guard let contact, calls.bridges[contact]?.state == .joined else {
        calls.legs[id]?.dialog = nil
        calls.legsByDialog[dialog] = nil
        // The phone took the call and let it go: nobody is blamed.
        return loseLeg(id, .declined, at: now, into: &step)
      }
      drop(id, at: now, into: &step)
      tell(.contactFinished(contact), at: now, into: &step)
    }
  }

  // MARK: What the ACD decided

  mutating func refuseCall(_ contact: ContactID, _ refusal: Refusal, at now: Instant, into step: inout Step) {
    guard let bridge = calls.bridges[contact] else { return }
    calls.bridges[contact] = nil
    if let occasion = Occasion(refusal), announce(occasion, to: contact, on: bridge.caller, at: now, into: &step) {
      return
    }
    let status =
      switch refusal {
      case .full: 486
      case .closed, .unstaffed: 480
      case .policy: 403
      case .channel: 488
      }
    refuse(bridge.caller, status: status, .refused(refusal), at: now, into: &step)
  }

  /// The contact is over for its caller: both sides end, each as far as it has come.
  mutating func release(_ contact: ContactID, at now: Instant, into step: inout Step) {
    guard var bridge = calls.bridges[contact] else { return endSavedDialogs(of: contact, at: now, into: &step) }
    calls.bridges[contact] = nil
    let isLate = contacts[contact]?.ending == Outcome.timedOut.name
    if !isLate || !announce(.late, to: contact, on: bridge.caller, at: now, into: &step) {
      end(bridge.caller, at: now, into: &step)
    }
    for phone in bridge.leaveAgents() { end(phone, at: now, into: &step) }
  }

  /// The connect failed: the agent's side is dropped, and the caller hears music again.
  mutating func resumeWaiting(_ contact: ContactID, at now: Instant, into step: inout Step) {
    leaveAgents(contact, at: now, into: &step)
    route(contact, into: &step)
  }

  mutating func leaveAgents(_ contact: ContactID, at now: Instant, into step: inout Step) {
    guard let phones = calls.bridges[contact]?.leaveAgents() else { return }
    for phone in phones { end(phone, at: now, into: &step) }
  }
}

extension URI {
  /// Who is meant, without parameters of the transport.
  var identity: URI { URI(scheme: scheme, user: user, host: host) }
}
