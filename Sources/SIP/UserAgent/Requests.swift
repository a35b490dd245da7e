public import Primitives

/// What the far end asks (RFC 3261 sections 8.2, 9.2, 12.2.2, 13.3, 14.2, 15.1.2).
extension UserAgent {
  public mutating func receive(_ message: Message, from flow: Flow, at now: Instant, into output: inout Output) {
    guard case .request(let method) = message.kind else { return receiveResponse(message, at: now, into: &output) }
    let via = message.topVia
    let key = TransactionKey(message, via: via, method: method)
    if method == .ack { return receiveAcknowledgement(message, key: key, at: now, into: &output) }
    if let id = serverKeys[key] {
      step(id, { invite, _ in invite.receiveAgain() }, { request, _ in request.receiveAgain() }, at: now, into: &output)
      return
    }
    let isInDialog = message.toTag != nil
    // What belongs to running calls gets the room that new calls do not.
    let room = settings.transactions + (isInDialog || method == .cancel ? settings.transactions / 4 : 0)
    guard transactionCount < room else { return refuseForOverload(message, from: flow, into: &output) }
    if method == .cancel { return receiveCancel(message, via: via, key: key, from: flow, at: now, into: &output) }
    if isInDialog { return receiveInDialog(message, via: via, key: key, from: flow, at: now, into: &output) }

    let mergeKey = TransactionKey(merging: message)
    let isMerged = mergeKeys[mergeKey] != nil
    let id = startServer(message, via: via, key: key, mergeKey: isMerged ? nil : mergeKey, from: flow, at: now)
    if isMerged || isLooped(message) { return reply(id, status: 482, at: now, into: &output) }
    if let (status, headers) = refusal(of: message, from: flow) {
      return reply(id, status: status, headers: headers, at: now, into: &output)
    }
    switch method {
    case .invite: receiveInvite(message, via: via, transaction: id, from: flow, at: now, into: &output)
    case .bye, .update, .info, .prack: reply(id, status: 481, at: now, into: &output)
    default:
      servers[id]?.purpose = .outOfDialog
      output.occurrences.append(.outOfDialog(id, message, flow))
    }
  }

  private func refuseForOverload(_ message: Message, from flow: Flow, into output: inout Output) {
    let bytes = Self.statelessResponse(to: message, status: 503, headers: [Header("Retry-After", "5")], flow: flow)
    output.transmissions.append(Transmission(bytes: bytes, flow: Self.responseFlow(to: message, from: flow)))
  }

  /// Our own INVITE came back to us.
  private func isLooped(_ message: Message) -> Bool {
    guard let tag = message.ownTag(message.fromTag), let id = tags[tag] else { return false }
    guard let callID = sessions[id]?.dialog.callID else { return false }
    return message.isOf(call: callID)
  }

  /// A SIPS URI promises TLS on each hop, and the last one had none (RFC 5630 section 5.3).
  private static let insecure = (status: 480, headers: [Header("Warning", "380 - \"SIPS Not Allowed\"")])

  /// Section 8.2.1 to 8.2.3, in that order.
  private func refusal(of message: Message, from flow: Flow) -> (status: Int, headers: [Header])? {
    switch message.method {
    case .invite, .bye, .options, .info, .update, .prack, .refer, .notify, .message, .register: break
    case .subscribe, .publish: return (405, [])
    default: return (501, [])
    }
    guard message.namesKnownScheme else { return (416, []) }
    if message.asksForSecurity, flow.transport != .tls { return Self.insecure }
    var missing = message.headers("require")
    if message.method == .invite { missing.removeAll { ["timer", Self.reliability].contains($0.lowercased()) } }
    if !missing.isEmpty { return (420, [Header("Unsupported", missing.joined(separator: ", "))]) }
    guard message.method == .invite || message.method == .update else { return nil }
    if let encoding = message.header("content-encoding"), encoding.lowercased() != "identity" {
      return (415, [Header("Accept-Encoding", "identity")])
    }
    if !message.body.isEmpty, message.contentType != "application/sdp",
      message.header("content-disposition")?.lowercased().contains("handling=optional") != true
    {
      return (415, [Header("Accept", "application/sdp")])
    }
    return nil
  }

  private mutating func receiveInvite(
    _ message: Message, via: Via, transaction: ServerTransactionID, from flow: Flow, at now: Instant,
    into output: inout Output
  ) {
    // The call goes on from here as another, so a loop through us must end (RFC 5853 section 3.2.2).
    if message.header("max-forwards") == "0" { return reply(transaction, status: 483, at: now, into: &output) }
    guard sessions.count < settings.dialogs else {
      return reply(transaction, status: 503, headers: [Header("Retry-After", "5")], at: now, into: &output)
    }
    if let tooSmall = Self.tooSmallInterval(message) {
      return reply(transaction, status: 422, headers: [tooSmall], at: now, into: &output)
    }
    let tag = entropy.next()
    guard
      let dialog = Dialog(
        answering: message, via: via, tag: tag, sequence: firstSequence(), flow: flow)
    else { return reply(transaction, status: 400, reason: "Contact Missing", at: now, into: &output) }
    if dialog.isSecure, flow.transport != .tls {
      return reply(transaction, status: Self.insecure.status, headers: Self.insecure.headers, at: now, into: &output)
    }
    var session = Session(dialog: dialog, state: .ringing(transaction))
    session.sessionInterval = Self.refreshedInterval(message)
    session.provisionals = reliableProvisionals(for: message)
    let id = insert(session)
    servers[transaction]?.purpose = .invitation(id)
    servers[transaction]?.tag = tag.tag
    reply(transaction, status: 100, at: now, into: &output)
    output.occurrences.append(.invite(id, message, flow))
  }

  /// Section 9.2. Only the hop that sent the INVITE may cancel it (section 22.1).
  private mutating func receiveCancel(
    _ message: Message, via: Via, key: TransactionKey, from flow: Flow, at now: Instant, into output: inout Output
  ) {
    let invite = serverKeys[TransactionKey(message, via: via, method: .invite)]
    let id = startServer(message, via: via, key: key, mergeKey: nil, from: flow, at: now)
    guard let invite, let target = servers[invite], target.source.remote.isSameHost(as: flow.remote) else {
      return reply(id, status: 481, at: now, into: &output)
    }
    servers[id]?.tag = target.tag
    reply(id, status: 200, at: now, into: &output)
    guard target.machine.isOpen else { return }
    reply(invite, status: 487, at: now, into: &output)
    switch target.purpose {
    case .invitation(let dialog):
      guard removeSession(dialog) != nil else { return }
      output.occurrences.append(.cancelled(dialog))
    case .reinvitation(let dialog):
      guard sessions.contains(dialog) else { return }
      sessions[dialog]?.open.removeAll { $0 == invite }
      reinviteIfPossible(dialog, at: now, into: &output)
    case .update, .prack, .inDialog, .outOfDialog, .none: break
    }
  }

  private mutating func receiveAcknowledgement(
    _ message: Message, key: TransactionKey, at now: Instant, into output: inout Output
  ) {
    if let transaction = serverKeys[key] {
      let wanted = step(transaction, { $0.receiveAcknowledgement($1) }, { _, _ in .nothing }, at: now, into: &output)
      guard wanted.contains(.deliver) else { return }
    }
    guard let id = findSession(message), let success = sessions[id]?.success, success.sequence == message.cseq else {
      return
    }
    successOver(id)
    switch sessions[id]?.state {
    case .ending: sendBye(id, at: now, into: &output)
    case .accepted:
      sessions[id]?.state = .confirmed
      fallthrough
    default:
      output.occurrences.append(.acknowledged(id, message))
      reinviteIfPossible(id, at: now, into: &output)
    }
  }

  /// Whether a request names a dialog that is alive here, by its Call-ID and both tags.
  public func isInDialog(_ message: Message) -> Bool { findSession(message) != nil }

  /// The session that a message from the far end belongs to (section 12.2.2).
  func findSession(_ message: Message) -> DialogID? {
    guard let tag = message.ownTag(message.toTag), let id = tags[tag],
      let callID = sessions[id]?.dialog.callID, message.isOf(call: callID),
      sessions[id]?.dialog.remoteTag == message.text(message.fromTag)
    else { return nil }
    return id
  }

  private mutating func receiveInDialog(
    _ message: Message, via: Via, key: TransactionKey, from flow: Flow, at now: Instant, into output: inout Output
  ) {
    let transaction = startServer(message, via: via, key: key, mergeKey: nil, from: flow, at: now)
    guard let id = findSession(message) else { return reply(transaction, status: 481, at: now, into: &output) }
    // What began under TLS stays there, whoever knows its tags.
    if sessions[id]?.dialog.flow.transport == .tls, flow.transport != .tls {
      return reply(transaction, status: 403, at: now, into: &output)
    }
    if let last = sessions[id]?.dialog.remoteSequence, message.cseq <= last {  // Section 12.2.2.
      return reply(transaction, status: 500, at: now, into: &output)
    }
    if let (status, headers) = refusal(of: message, from: flow) {
      return reply(transaction, status: status, headers: headers, at: now, into: &output)
    }
    sessions[id]?.dialog.remoteSequence = message.cseq
    sessions[id]?.dialog.follow(message, via: via, from: flow)
    switch message.method {
    case .bye: receiveBye(message, id, transaction: transaction, at: now, into: &output)
    case .invite: receiveReinvite(message, id, transaction: transaction, at: now, into: &output)
    case .prack: receivePrack(message, id, transaction: transaction, at: now, into: &output)
    case .update: receiveUpdate(message, id, transaction: transaction, at: now, into: &output)
    case .options: reply(transaction, status: 200, at: now, into: &output)
    default:
      guard sessions[id]?.state != .ending else { return reply(transaction, status: 481, at: now, into: &output) }
      guard sessions[id]?.open.count ?? 0 < 16 else {
        return reply(transaction, status: 503, headers: [Header("Retry-After", "5")], at: now, into: &output)
      }
      servers[transaction]?.purpose = .inDialog(id)
      sessions[id]?.open.append(transaction)
      output.occurrences.append(.request(id, transaction, message))
    }
  }

  /// Section 15.1.2.
  private mutating func receiveBye(
    _ message: Message, _ id: DialogID, transaction: ServerTransactionID, at now: Instant, into output: inout Output
  ) {
    let state = sessions[id]?.state
    if case .calling = state {  // An early dialog is not the callee's to end.
      return reply(transaction, status: 481, at: now, into: &output)
    }
    acknowledgeIfNeeded(id, body: nil, at: now, into: &output)
    reply(transaction, status: 200, at: now, into: &output)
    close(id, at: now, into: &output)
    if state != .ending { output.occurrences.append(.ended(id, message)) }
  }

  /// Section 14.2.
  private mutating func receiveReinvite(
    _ message: Message, _ id: DialogID, transaction: ServerTransactionID, at now: Instant, into output: inout Output
  ) {
    guard let session = sessions[id] else { return }
    switch session.state {
    case .ringing, .calling:  // The first INVITE has no final response yet.
      return reply(transaction, status: 500, headers: [retryAfter()], at: now, into: &output)
    case .ending:
      return reply(transaction, status: 481, at: now, into: &output)
    case .answered:
      return reply(transaction, status: 491, at: now, into: &output)
    case .accepted, .confirmed: break
    }
    if session.reinvitation != nil || session.unacknowledged != nil {
      return reply(transaction, status: 491, at: now, into: &output)
    }
    if session.open.contains(where: isOpenOffer) {
      return reply(transaction, status: 500, headers: [retryAfter()], at: now, into: &output)
    }
    if let tooSmall = Self.tooSmallInterval(message) {
      return reply(transaction, status: 422, headers: [tooSmall], at: now, into: &output)
    }
    if let success = session.success {
      // Whoever sends a new INVITE has seen our 2xx, and its ACK was lost or overtaken (RFC 5407 section 3.1.4). If
      // that ACK was to bring an answer, it must come first.
      guard !success.carriesOffer else { return reply(transaction, status: 491, at: now, into: &output) }
      successOver(id)
      if sessions[id]?.state == .accepted { sessions[id]?.state = .confirmed }
      output.occurrences.append(.acknowledged(id, message))
    }
    reply(transaction, status: 100, at: now, into: &output)
    servers[transaction]?.purpose = .reinvitation(id)
    sessions[id]?.open.append(transaction)
    output.occurrences.append(.reoffered(id, transaction, message))
  }

  /// RFC 3311 section 5.2.
  private mutating func receiveUpdate(
    _ message: Message, _ id: DialogID, transaction: ServerTransactionID, at now: Instant, into output: inout Output
  ) {
    guard let session = sessions[id] else { return }
    if session.state == .ending { return reply(transaction, status: 481, at: now, into: &output) }
    if let tooSmall = Self.tooSmallInterval(message) {
      return reply(transaction, status: 422, headers: [tooSmall], at: now, into: &output)
    }
    guard !message.body.isEmpty else {  // Refreshes the target and the session, and asks nothing else.
      sessions[id]?.dialog.refreshTarget(by: message)
      let headers = refreshSession(id, by: message, at: now)
      return reply(transaction, status: 200, headers: headers, contact: true, at: now, into: &output)
    }
    if session.reinvitation != nil || session.unacknowledged != nil {
      return reply(transaction, status: 491, at: now, into: &output)
    }
    guard session.mayBeReoffered, session.success == nil, !session.open.contains(where: isOpenOffer) else {
      return reply(transaction, status: 500, headers: [retryAfter()], at: now, into: &output)
    }
    servers[transaction]?.purpose = .update(id)
    sessions[id]?.open.append(transaction)
    output.occurrences.append(.reoffered(id, transaction, message))
  }

  func isOpenOffer(_ id: ServerTransactionID) -> Bool {
    switch servers[id]?.purpose {
    case .reinvitation, .update, .prack: true
    default: false
    }
  }

  private mutating func retryAfter() -> Header { Header("Retry-After", String(entropy.next() % 11)) }

  /// Section 8.1.1.5: below 2^31, and small enough to leave room for a long call.
  mutating func firstSequence() -> UInt32 { UInt32(truncatingIfNeeded: entropy.next() >> 40) + 1 }
}

extension Endpoint {
  func isSameHost(as other: Endpoint) -> Bool { high == other.high && low == other.low }
}
