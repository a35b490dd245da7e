import Primitives

/// What the far end answers (RFC 3261 sections 8.1.3, 12.2.1.2, 13.2.2, 14.1).
extension UserAgent {
  mutating func receiveResponse(_ message: Message, at now: Instant, into output: inout Output) {
    // A transaction is asked field by field: a copy of it would be one of the whole dialog, too.
    guard let key = ClientKey(message), let id = clientKeys[key], let purpose = clients[id]?.purpose,
      let flow = clients[id]?.flow, clients[id]?.method == message.method, let callID = clients[id]?.dialog.callID,
      message.isOf(call: callID)
    else { return }
    var acknowledgement: [UInt8] = []
    if message.status >= 300, message.method == .invite, let transaction = clients[id] {
      let kept = transaction.refusalAcknowledgement
      acknowledgement = kept.isEmpty ? self.acknowledgement(of: message, in: transaction) : kept
      clients[id]?.refusalAcknowledgement = acknowledgement
    }
    // Over a stream the transaction of a refusal is over with it.
    let challenged = message.status == 401 || message.status == 407 ? clients[id] : nil
    let wanted = step(
      id, { $0.receive(status: message.status, $1) }, { $0.receive(status: message.status, $1) }, at: now,
      into: &output)
    if wanted.contains(.acknowledge) { output.transmissions.append(Transmission(bytes: acknowledgement, flow: flow)) }
    if wanted.contains(.deliver), let challenged,
      answerChallenge(message, to: challenged, at: now, into: &output)
    {
      return
    }
    // BYE and CANCEL have nobody who waits for their responses.
    guard wanted.contains(.deliver), message.method == .invite else { return }
    switch message.status {
    case ..<200: receiveProvisional(message, id, purpose, at: now, into: &output)
    case ..<300: receiveSuccess(message, id, purpose, at: now, into: &output)
    default: inviteFailed(purpose, status: message.status, message, at: now, into: &output)
    }
  }

  /// The ACK for a refusal is part of the INVITE's transaction (section 17.1.1.3).
  private func acknowledgement(of refusal: Message, in transaction: ClientTransaction) -> [UInt8] {
    var dialog = transaction.dialog
    dialog.remote = refusal.header("to") ?? dialog.remote
    return request(.ack, in: dialog, sequence: dialog.localSequence, branch: transaction.key.branch)
  }

  /// Sends a challenged request again with credentials (section 22.2), once. False if there are none for it.
  private mutating func answerChallenge(
    _ challenge: Message, to transaction: ClientTransaction, at now: Instant, into output: inout Output
  ) -> Bool {
    var content = transaction.content
    guard let credentials = content.credentials, content.authorization == nil,
      let header = credentials.header(
        answering: challenge, method: transaction.method, uri: transaction.dialog.path.target,
        clientNonce: entropy.next().tag)
    else { return false }
    content.authorization = header
    var dialog = transaction.dialog
    switch transaction.purpose {
    case .invitation(let id), .reinvitation(let id):
      guard sessions.contains(id), let current = sessions[id]?.dialog else { return false }
      dialog = current
      dialog.localSequence += 1
      sessions[id]?.dialog = dialog
      let again = send(.invite, in: dialog, purpose: transaction.purpose, content, at: now, into: &output)
      if case .invitation = transaction.purpose {
        sessions[id]?.state = .calling(again)
      } else {
        sessions[id]?.reinvitation?.transaction = again
      }
    case .none where transaction.method == .bye:
      dialog.localSequence += 1
      send(.bye, in: dialog, purpose: .none, content, at: now, into: &output)
    case .abandoned, .none: return false
    }
    return true
  }

  private mutating func receiveProvisional(
    _ message: Message, _ id: ClientTransactionID, _ purpose: ClientTransaction.Purpose, at now: Instant,
    into output: inout Output
  ) {
    if clients[id]?.isCancelWanted == true { return sendCancel(id, at: now, into: &output) }
    guard case .invitation(let dialog) = purpose, sessions.contains(dialog) else { return }
    output.occurrences.append(message.status == 100 ? .trying(dialog) : .provisional(dialog, message))
  }

  /// Section 13.2.2.4. The first 2xx makes the dialog; another fork, or a 2xx for an INVITE given up, gets ACK and BYE.
  private mutating func receiveSuccess(
    _ message: Message, _ id: ClientTransactionID, _ purpose: ClientTransaction.Purpose, at now: Instant,
    into output: inout Output
  ) {
    let tag = message.text(message.toTag)
    let acknowledgements = clients[id]?.acknowledgements ?? []
    if let copy = acknowledgements.first(where: { $0.tag == tag }) {
      output.transmissions.append(copy.transmission)
      return
    }
    switch purpose {
    case .invitation(let dialog) where sessions.contains(dialog):
      switch sessions[dialog]?.state {
      case .calling:
        sessions[dialog]?.dialog.establish(by: message)
        sessions[dialog]?.state = .answered
        sessions[dialog]?.unacknowledged = (message.cseq, id)
        output.occurrences.append(.answered(dialog, message))
        return
      default:
        if sessions[dialog]?.dialog.remoteTag == tag { return }
      }
    case .reinvitation(let dialog) where sessions.contains(dialog):
      if sessions[dialog]?.reinvitation?.transaction == id {
        sessions[dialog]?.reinvitation = nil
        sessions[dialog]?.dialog.refreshTarget(by: message)
        sessions[dialog]?.unacknowledged = (message.cseq, id)
        output.occurrences.append(.reanswered(dialog, message))
      }
      return
    case .reinvitation:
      // The dialog has had its BYE; the 2xx that crossed it still needs its ACK.
      guard let dialog = clients[id]?.dialog else { return }
      acknowledgeSuccess(id, in: dialog, tag: tag, body: nil, sequence: message.cseq, into: &output)
      return
    case .invitation, .abandoned, .none: break
    }
    guard acknowledgements.count < 16, var fork = clients[id]?.dialog else { return }
    fork.establish(by: message)
    acknowledgeSuccess(id, in: fork, tag: tag, body: nil, sequence: message.cseq, into: &output)
    fork.localSequence += 1
    let content = ClientTransaction.Content(credentials: clients[id]?.content.credentials)
    send(.bye, in: fork, purpose: .none, content, at: now, into: &output)
  }

  /// Sends the ACK for a 2xx, and keeps it for copies of that 2xx.
  private mutating func acknowledgeSuccess(
    _ id: ClientTransactionID, in dialog: Dialog, tag: String, body: Body?, sequence: UInt32, into output: inout Output
  ) {
    // Section 22.1: an ACK cannot be challenged, so it carries the credentials of its INVITE.
    let authorization = clients[id]?.content.authorization.map { [$0] } ?? []
    // Drawn within the call, it would make a copy of the user agent.
    let branch = entropy.next()
    let bytes = request(.ack, in: dialog, sequence: sequence, branch: branch, headers: authorization, body: body)
    let transmission = Transmission(bytes: bytes, flow: dialog.flow, followsEarlier: true)
    output.transmissions.append(transmission)
    if clients.contains(id) { clients[id]?.acknowledgements.append((tag, transmission)) }
  }

  /// The ACK that the layer above, or the end of the dialog, owes a 2xx.
  mutating func acknowledgeIfNeeded(_ id: DialogID, body: Body?, at now: Instant, into output: inout Output) {
    guard let (sequence, transaction) = sessions[id]?.unacknowledged, let dialog = sessions[id]?.dialog else { return }
    sessions[id]?.unacknowledged = nil
    if sessions[id]?.state == .answered { sessions[id]?.state = .confirmed }
    acknowledgeSuccess(
      transaction, in: dialog, tag: dialog.remoteTag ?? "", body: body, sequence: sequence, into: &output)
  }

  /// A final response other than 2xx to an INVITE, or none (408), or no way to send it (503).
  private mutating func inviteFailed(
    _ purpose: ClientTransaction.Purpose, status: Int, _ message: Message?, at now: Instant, into output: inout Output
  ) {
    switch purpose {
    case .invitation(let id):
      guard removeSession(id) != nil else { return }
      output.occurrences.append(.rejected(id, status: status, message))
    case .reinvitation(let id):
      guard sessions.contains(id), let offer = sessions[id]?.reinvitation?.offer else { return }
      sessions[id]?.reinvitation = nil
      reinviteFailed(id, offer, status: status, at: now, into: &output)
    case .abandoned, .none: break
    }
  }

  private mutating func reinviteFailed(
    _ id: DialogID, _ offer: Session.Offer, status: Int, at now: Instant, into output: inout Output
  ) {
    switch status {
    case 481, 408:  // Section 12.2.1.2: the far end has lost the dialog.
      sendBye(id, at: now, into: &output)
      output.occurrences.append(.ended(id, nil))
    case 491 where offer.refusals < 5:  // Section 14.1. A newer offer takes the place of the refused one.
      if sessions[id]?.wanted == nil {
        sessions[id]?.wanted = Session.Offer(body: offer.body, refusals: offer.refusals + 1)
      }
      let owner = sessions[id]?.dialog.ownsCallID == true
      let pause = owner ? 2_100 + Int64(entropy.next() % 191) * 10 : Int64(entropy.next() % 201) * 10
      sessions[id]?.isPausing = true
      timers.set(.glare(id), at: now + .milliseconds(pause))
    default:
      output.occurrences.append(.rerejected(id, status: status))
      reinviteIfPossible(id, at: now, into: &output)
    }
  }

  /// A client transaction without a final response: out of time (408) or without a flow (503).
  mutating func clientFailed(
    _ id: ClientTransactionID, status: Int, _ invite: (inout InviteClient, Timing) -> Reaction,
    _ request: (inout RequestClient, Timing) -> Reaction, at now: Instant, into output: inout Output
  ) {
    guard let purpose = clients[id]?.purpose, let method = clients[id]?.method,
      step(id, invite, request, at: now, into: &output).contains(.timeout), method == .invite
    else { return }
    inviteFailed(purpose, status: status, nil, at: now, into: &output)
  }
}
