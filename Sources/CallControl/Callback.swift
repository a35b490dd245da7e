import ACD
import Primitives
import SDP
import SIP

// Callbacks (`CALLS.md` 4): the person hangs up and keeps the place; the phone rings when it is their turn.

extension Switchboard {
  /// A waiting caller pressed a key.
  mutating func pressed(_ digit: UInt8, on media: MediaID, at now: Instant, into step: inout Step) {
    guard let leg = calls.ports[media], calls.legs[leg]?.side == .contact, let contact = calls.legs[leg]?.contact,
      let it = contacts[contact], it.channel == .voice, it.state == .queued || it.state == .offering,
      site.queues.indices.contains(Int(it.queue.index))
    else { return }
    let profile = site.queues[Int(it.queue.index)]
    guard profile.callbackKey == digit, now - it.entered >= profile.callbackOfferedAfter,
      destination(of: contact) != nil
    else { return }
    tell(.callbackRequested(contact), at: now, into: &step)
  }

  /// The caller need not hold the line any more. Who may not be called is not promised it: the request fails at once.
  mutating func promiseCallback(
    _ contact: ContactID, in queue: QueueID, _ occasion: Occasion, at now: Instant, into step: inout Step
  ) {
    let bridge = calls.bridges[contact]
    calls.bridges[contact] = Bridge(caller: .none)
    guard destination(of: contact) != nil else {
      if let bridge { end(bridge.caller, at: now, into: &step) }
      return tell(.contactFailed(contact), at: now, into: &step)
    }
    guard let bridge else { return }
    if !announce(occasion, to: contact, on: bridge.caller, at: now, into: &step) {
      end(bridge.caller, at: now, into: &step)
    }
  }

  /// Where a callback goes, and how its sound travels: nil unless the site allows it.
  private func destination(of contact: ContactID) -> (target: URI, flow: Flow, transport: MediaTransport)? {
    guard let address = contacts[contact]?.person.address, let uri = try? URI(parsing: address),
      let (target, flow) = site.callbacks.destination(of: uri),
      let transport = site.callbacks.srtp.transport(over: flow)
    else { return nil }
    return (target, flow, transport)
  }

  /// Calls the customer. An agent who waits for it hears the ringing.
  mutating func dial(_ contact: ContactID, at now: Instant, into step: inout Step) {
    guard let (target, flow, transport) = destination(of: contact), calls.legs.count < CallLimits().legs else {
      return tell(.dialFailed(contact, .forbidden), at: now, into: &step)
    }
    // The announcement of the promise may still be playing.
    endAnnouncement(to: contact, at: now, into: &step)
    if calls.bridges[contact] == nil { calls.bridges[contact] = Bridge(caller: .none) }
    let leg = add(
      Leg(
        phone: target, of: .contact, for: contact, codecs: AudioCodec.g711, flow: flow, over: transport,
        media: openMedia(transport, into: &step), session: calls.entropy.next()))
    calls.bridges[contact]?.caller = leg
    for phone in calls.bridges[contact]?.phones ?? [] {
      guard let phone = calls.legs[phone], phone.isEstablished else { continue }
      step.afterCommit.append(.media(.play(phone.media, .ringback)))
    }
  }

  mutating func customerAnswered(
    _ id: LegID, _ dialog: DialogID, _ message: Message, at now: Instant, into step: inout Step
  ) {
    guard let contact = calls.legs[id]?.contact else { return }
    timers.cancel(.call(.noProvisional(id)))
    guard (try? calls.legs[id]?.receive(answer: message)) != nil else {
      calls.legs[id]?.establish()
      return loseCustomer(id, .media, at: now, into: &step)
    }
    establish(id, at: now, into: &step)
    send(into: &step) { $0.acknowledge(dialog, at: now, into: &$1) }
    setRemote(id, into: &step)
    if calls.bridges[contact]?.accepted == nil {
      route(contact, into: &step)
      tell(.dialAnswered(contact), at: now, into: &step)
    } else {
      join(contact, at: now, into: &step)
    }
  }

  /// The customer was not reached.
  mutating func loseCustomer(_ id: LegID, _ reason: Leg.Failure, at now: Instant, into step: inout Step) {
    guard let contact = calls.legs[id]?.contact else { return }
    let failure: DialFailure =
      switch reason {
      case .busy, .declined: .busy
      case .unreachable, .media: .unreachable
      }
    end(id, at: now, into: &step)
    calls.bridges[contact]?.caller = .none
    tell(.dialFailed(contact, failure), at: now, into: &step)
  }

  /// The dial is over, whoever ended it: both sides are let go, the request stands.
  mutating func stopDialling(_ contact: ContactID, at now: Instant, into step: inout Step) {
    guard let caller = calls.bridges[contact]?.caller else {
      return endSavedDialogs(of: contact, at: now, into: &step)
    }
    leaveAgents(contact, at: now, into: &step)
    end(caller, at: now, into: &step)
    calls.bridges[contact] = Bridge(caller: .none)
  }
}

extension Site.Callbacks {
  /// What to call and where to send it; nil for what is not allowed, and for what cannot be found without a gateway. A
  /// rule for numbers allows calls through the gateway only: without one a caller could have us dial a number at any
  /// host that the caller's own From names.
  func destination(of uri: URI) -> (target: URI, flow: Flow)? {
    guard let user = uri.scheme == "tel" ? uri.host : uri.user else { return nil }
    let number = user.filter { $0 != "-" }
    let isNumber = !number.isEmpty && number.allSatisfy { $0 == "+" || $0.isNumber }
    func isAllowed(_ name: String) -> Bool { allowed.contains { $0.allows(name) } }
    if let gateway, let remote = gateway.endpoint {
      guard isAllowed(uri.identity.description) || isNumber && isAllowed(number) else { return nil }
      let number = URI(scheme: gateway.scheme, user: number, host: gateway.host, port: gateway.port)
      let target = uri.scheme == "tel" || isNumber ? number : uri
      return (target, Flow(transport: gateway.transport, remote: remote))
    }
    guard isAllowed(uri.identity.description), uri.isSIP, let remote = uri.endpoint else { return nil }
    return (uri, Flow(transport: uri.transport, remote: remote))
  }
}

extension String {
  /// One `*` in a rule stands for any characters; without it rule and address are the same.
  fileprivate func allows(_ name: String) -> Bool {
    guard let star = firstIndex(of: "*") else { return self == name }
    let (head, tail) = (self[..<star], self[index(after: star)...])
    return name.count >= head.count + tail.count && name.hasPrefix(head) && name.hasSuffix(tail)
  }
}
