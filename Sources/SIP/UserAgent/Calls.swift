public import Primitives

/// What the layer above wants done with a call.
extension UserAgent {
  // Their INVITE.

  /// Responds to the INVITE of a dialog: 1xx, 2xx or a refusal (after which the dialog is gone). What must wait for a
  /// PRACK is kept until then (RFC 3262 section 3).
  public mutating func respond(
    to dialog: DialogID, status: Int, reason: String? = nil, headers: [Header] = [], body: Body? = nil,
    at now: Instant, into output: inout Output
  ) {
    guard case .ringing(let transaction)? = sessions[dialog]?.state, servers[transaction]?.machine.isOpen == true else {
      return
    }
    let response = ReliableProvisionals.Response(status: status, reason: reason, headers: headers, body: body)
    guard !postpones(response, to: dialog) else { return }
    switch status {
    case ..<200: ring(dialog, transaction, response, at: now, into: &output)
    case ..<300:
      timers.cancel(.provisional(dialog))
      stopRepeating(dialog)
      sessions[dialog]?.state = .accepted
      let timer = startSessionTimer(dialog, at: now)
      succeed(dialog, transaction, status, reason, headers + timer, body, at: now, into: &output)
    default:
      removeSession(dialog)
      reply(transaction, status: status, reason: reason, headers: headers, body: body, at: now, into: &output)
    }
  }

  /// Responds to a re-INVITE, an in-dialog request or a request outside dialogs.
  public mutating func respond(
    to transaction: ServerTransactionID, status: Int, reason: String? = nil, headers: [Header] = [], body: Body? = nil,
    at now: Instant, into output: inout Output
  ) {
    guard servers.contains(transaction), let purpose = servers[transaction]?.purpose,
      let request = servers[transaction]?.request
    else { return }
    if status >= 200, let dialog = purpose.dialog, sessions.contains(dialog) {
      sessions[dialog]?.open.removeAll { $0 == transaction }
    }
    switch purpose {
    case .reinvitation(let dialog) where status / 100 == 2 && sessions.contains(dialog):
      sessions[dialog]?.dialog.refreshTarget(by: request)
      let timer = refreshSession(dialog, by: request, at: now)
      succeed(dialog, transaction, status, reason, headers + timer, body, at: now, into: &output)
    case .update(let dialog) where status / 100 == 2 && sessions.contains(dialog):
      sessions[dialog]?.dialog.refreshTarget(by: request)
      let timer = refreshSession(dialog, by: request, at: now)
      reply(
        transaction, status: status, reason: reason, headers: headers + timer, body: body, contact: true, at: now,
        into: &output)
    case .invitation, .none: return
    case .reinvitation, .update, .prack, .inDialog, .outOfDialog:
      reply(transaction, status: status, reason: reason, headers: headers, body: body, at: now, into: &output)
    }
    if case .prack(let dialog) = purpose { sendDeferred(dialog, at: now, into: &output) }
    if status >= 300, let dialog = purpose.dialog { reinviteIfPossible(dialog, at: now, into: &output) }
  }

  /// Sends a 2xx to an INVITE and repeats it until its ACK comes (section 13.3.1.4), over streams too.
  private mutating func succeed(
    _ id: DialogID, _ transaction: ServerTransactionID, _ status: Int, _ reason: String?, _ headers: [Header],
    _ body: Body?, at now: Instant, into output: inout Output
  ) {
    guard let request = servers[transaction]?.request, let flow = servers[transaction]?.flow else { return }
    reply(
      transaction, status: status, reason: reason, headers: headers, body: body, contact: true, at: now,
      into: &output)
    guard let bytes = servers[transaction]?.response else { return }
    sessions[id]?.success = Session.Success(
      sequence: request.cseq, transmission: Transmission(bytes: bytes, flow: flow, followsEarlier: true),
      interval: settings.t1, carriesOffer: request.body.isEmpty && body != nil)
    timers.set(.success(id), at: now + settings.t1)
    timers.set(.acknowledgement(id), at: now + 64 * settings.t1)
  }

  mutating func repeatSuccess(_ id: DialogID, at now: Instant, into output: inout Output) {
    guard sessions.contains(id), let success = sessions[id]?.success else { return }
    output.transmissions.append(success.transmission)
    let interval = min(success.interval * 2, settings.t2)
    sessions[id]?.success?.interval = interval
    timers.set(.success(id), at: now + interval)
  }

  mutating func successOver(_ id: DialogID) {
    sessions[id]?.success = nil
    timers.cancel(.success(id))
    timers.cancel(.acknowledgement(id))
  }

  mutating func acknowledgementMissing(_ id: DialogID, at now: Instant, into output: inout Output) {
    guard sessions.contains(id) else { return }
    successOver(id)
    guard sessions[id]?.state != .ending else { return sendBye(id, at: now, into: &output) }
    sessions[id]?.state = .confirmed
    output.occurrences.append(.unacknowledged(id))
  }

  mutating func repeatProvisional(_ id: DialogID, at now: Instant, into output: inout Output) {
    guard case .ringing(let transaction)? = sessions[id]?.state, let response = servers[transaction]?.response,
      let flow = servers[transaction]?.flow
    else { return }
    if let status = sessions[id]?.provisionals?.status {
      // A copy of a reliable response would be taken for a retransmission (RFC 3262 section 4).
      return following(&output) { $0.respond(to: id, status: status, at: now, into: &$1) }
    }
    output.transmissions.append(Transmission(bytes: response, flow: flow, followsEarlier: true))
    timers.set(.provisional(id), at: now + .minutes(1))
  }

  /// Keeps a dialog to the streams its far end opens: with the last of them it is over, and after a restart nothing is
  /// sent in it. Else the Contact of a stranger could make us open connections to addresses of the stranger's choosing.
  public mutating func confine(_ dialog: DialogID) {
    guard let transport = sessions[dialog]?.dialog.flow.transport, transport != .udp else { return }
    sessions[dialog]?.isConfined = true
  }

  // Our INVITE.

  /// Sends an INVITE to `target` over `flow`; a SIPS URI without TLS counts as rejected. With credentials, challenges of
  /// their realm in this dialog are answered.
  public mutating func invite(
    _ target: URI, over flow: Flow, from: Address, to: Address, headers: [Header] = [], body: Body?,
    credentials: DigestCredentials? = nil, at now: Instant, into output: inout Output
  ) -> DialogID {
    let dialog = Dialog(
      calling: target, from: from, to: to, callID: entropy.next().tag + entropy.next().tag, tag: entropy.next(),
      sequence: firstSequence(), flow: flow)
    let id = insert(Session(dialog: dialog, state: .confirmed))
    let isFull = sessions.count > settings.dialogs || transactionCount >= settings.transactions
    guard !isFull, !dialog.isSecure || flow.transport == .tls else {
      removeSession(id)
      output.occurrences.append(.rejected(id, status: isFull ? 503 : 480, nil))
      return id
    }
    sessions[id]?.credentials = credentials
    let content = ClientTransaction.Content(headers: headers, body: body, credentials: credentials)
    let transaction = send(.invite, in: dialog, purpose: .invitation(id), content, at: now, into: &output)
    sessions[id]?.state = .calling(transaction)
    return id
  }

  /// Gives an INVITE up: CANCEL once a provisional came, and ACK and BYE should a 2xx cross it. No occurrence follows.
  public mutating func cancel(_ dialog: DialogID, at now: Instant, into output: inout Output) {
    guard case .calling(let transaction)? = sessions[dialog]?.state else {
      return end(dialog, at: now, into: &output)
    }
    removeSession(dialog)
    guard clients.contains(transaction) else { return }
    clients[transaction]?.purpose = .abandoned
    if case .invite(let machine)? = clients[transaction]?.machine, machine.state == .proceeding {
      sendCancel(transaction, at: now, into: &output)
    } else {
      clients[transaction]?.isCancelWanted = true
    }
  }

  /// Section 9.1: the INVITE's branch, Request-URI, routes, To without a tag and CSeq number.
  mutating func sendCancel(_ id: ClientTransactionID, at now: Instant, into output: inout Output) {
    guard clients.contains(id), let invite = clients[id] else { return }
    clients[id]?.isCancelWanted = false
    step(id, { $0.cancelled($1) }, { _, _ in .nothing }, at: now, into: &output)
    send(.cancel, in: invite.dialog, branch: invite.key.branch, purpose: .none, .init(), at: now, into: &output)
  }

  /// ACK for a 2xx to an INVITE or re-INVITE, with the answer after a delayed offer.
  public mutating func acknowledge(_ dialog: DialogID, body: Body? = nil, at now: Instant, into output: inout Output) {
    acknowledgeIfNeeded(dialog, body: body, at: now, into: &output)
    reinviteIfPossible(dialog, at: now, into: &output)
  }

  // In the dialog.

  /// The far end of a dialog, whose stream broke, is known to be behind another one: requests go there, as to a phone
  /// that has registered anew (RFC 5626 section 5.3). A dialog whose stream is up stays on it.
  public mutating func reconnect(_ dialog: DialogID, over flow: Flow) {
    guard let old = sessions[dialog]?.dialog.flow, old.transport == flow.transport, old.transport != .udp,
      old.connection == 0
    else { return }
    sessions[dialog]?.dialog.flow = flow
  }

  /// Offers a change of the session; without a body, asks the far end for its offer. While another INVITE is under way
  /// the newest offer waits.
  public mutating func reinvite(_ dialog: DialogID, body: Body?, at now: Instant, into output: inout Output) {
    guard sessions.contains(dialog) else { return }
    sessions[dialog]?.wanted = Session.Offer(body: body)
    reinviteIfPossible(dialog, at: now, into: &output)
  }

  mutating func reinviteIfPossible(_ id: DialogID, at now: Instant, into output: inout Output) {
    guard let offer = sessions[id]?.wanted, let session = sessions[id], session.mayReinvite(isOpenOffer) else { return }
    sessions[id]?.wanted = nil
    sessions[id]?.dialog.localSequence += 1
    guard let dialog = sessions[id]?.dialog else { return }
    let content = ClientTransaction.Content(body: offer.body, credentials: session.credentials)
    let transaction = send(.invite, in: dialog, purpose: .reinvitation(id), content, at: now, into: &output)
    sessions[id]?.reinvitation = (transaction, offer)
  }

  /// Ends a dialog: BYE when it is confirmed or waits for its ACK (section 15), a 480 when it is still unanswered.
  public mutating func end(
    _ dialog: DialogID, headers: [Header] = [], at now: Instant, into output: inout Output
  ) {
    switch sessions[dialog]?.state {
    case .calling: cancel(dialog, at: now, into: &output)
    case .ringing: respond(to: dialog, status: 480, headers: headers, at: now, into: &output)
    case .accepted:
      sessions[dialog]?.state = .ending
      sessions[dialog]?.endHeaders = headers
    case .answered, .confirmed:
      acknowledgeIfNeeded(dialog, body: nil, at: now, into: &output)
      sessions[dialog]?.endHeaders = headers
      sendBye(dialog, at: now, into: &output)
    case .ending, nil: break
    }
  }

  /// BYE for a session, which is gone with it.
  mutating func sendBye(_ id: DialogID, at now: Instant, into output: inout Output) {
    guard sessions.contains(id) else { return }
    guard var session = close(id, at: now, into: &output) else { return }
    session.dialog.localSequence += 1
    let content = ClientTransaction.Content(headers: session.endHeaders, credentials: session.credentials)
    send(.bye, in: session.dialog, purpose: .none, content, at: now, into: &output)
  }

  /// Removes a session and refuses what still waits in it (section 15.1.2).
  @discardableResult
  mutating func close(_ id: DialogID, at now: Instant, into output: inout Output) -> Session? {
    guard let session = removeSession(id) else { return nil }
    if case .ringing(let transaction) = session.state { reply(transaction, status: 487, at: now, into: &output) }
    for transaction in session.open { reply(transaction, status: 487, at: now, into: &output) }
    return session
  }
}
