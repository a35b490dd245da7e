public import Primitives

/// Transactions in their tables: made, stepped, removed.
extension UserAgent {
  func timing(_ flow: Flow) -> Timing {
    Timing(t1: settings.t1, t2: settings.t2, t4: settings.t4, isReliable: flow.transport != .udp)
  }

  private mutating func change(_ timer: Timer, _ change: Reaction.TimerChange, at now: Instant) {
    switch change {
    case .keep: break
    case .stop: timers.cancel(timer)
    case .start(let interval): timers.set(timer, at: now + interval)
    }
  }

  /// A transaction lives until the next beat of a clock: who waits for deadlines is woken once for all that end there,
  /// and nobody is served by an end to the microsecond.
  private mutating func changeLifetime(_ timer: Timer, _ change: Reaction.TimerChange, at now: Instant) {
    guard case .start(let interval) = change, interval > 0 else { return self.change(timer, change, at: now) }
    let beyond = (now + interval).microseconds % Self.beat
    self.change(timer, .start(beyond == 0 ? interval : interval + Self.beat - beyond), at: now)
  }

  private static let beat: Int64 = .milliseconds(100)

  // Client transactions.

  /// Makes a request in a dialog and sends it through a transaction of its own; CANCEL shares the branch of its INVITE.
  @discardableResult
  mutating func send(
    _ method: Method, in dialog: Dialog, branch: UInt64? = nil, purpose: ClientTransaction.Purpose,
    _ content: ClientTransaction.Content, at now: Instant, into output: inout Output
  ) -> ClientTransactionID {
    let branch = branch ?? entropy.next()
    let headers = content.authorization.map { content.headers + [$0] } ?? content.headers
    let bytes = request(
      method, in: dialog, sequence: dialog.localSequence, branch: branch, headers: headers, body: content.body)
    let key = ClientKey(branch: branch, isCancel: method == .cancel)
    let id = clients.insert(
      ClientTransaction(
        machine: method == .invite ? .invite(InviteClient()) : .request(RequestClient()), key: key, method: method,
        purpose: purpose, flow: dialog.flow, bytes: bytes, dialog: dialog, content: content))
    clientKeys[key] = id
    step(id, { $0.start($1) }, { $0.start($1) }, at: now, into: &output)
    return id
  }

  /// Runs one step of a client transaction and does what it asks, except for delivery, which it returns.
  @discardableResult
  mutating func step(
    _ id: ClientTransactionID, _ invite: (inout InviteClient, Timing) -> Reaction,
    _ request: (inout RequestClient, Timing) -> Reaction, at now: Instant, into output: inout Output
  ) -> Reaction.Output {
    guard clients.contains(id), let flow = clients[id]?.flow else { return [] }
    let timing = timing(flow)
    let reaction = clients[id]?.step({ invite(&$0, timing) }, { request(&$0, timing) }) ?? .nothing
    if reaction.output.contains(.transmit), let bytes = clients[id]?.bytes {
      // Never automatic: a copy, or what the layer above asked for.
      output.transmissions.append(Transmission(bytes: bytes, flow: flow, followsEarlier: true))
    }
    if clients[id]?.machine.isTerminated == true {
      removeClient(id)
    } else {
      change(.clientRetransmission(id), reaction.retransmission, at: now)
      changeLifetime(.clientLifetime(id), reaction.lifetime, at: now)
    }
    return reaction.output
  }

  private mutating func removeClient(_ id: ClientTransactionID) {
    guard let transaction = clients.remove(id) else { return }
    clientKeys[transaction.key] = nil
    timers.cancel(.clientRetransmission(id))
    timers.cancel(.clientLifetime(id))
  }

  // Server transactions.

  mutating func startServer(
    _ message: Message, via: Via, key: TransactionKey, mergeKey: TransactionKey?, from flow: Flow, at now: Instant
  ) -> ServerTransactionID {
    let isInvite = message.method == .invite
    let id = servers.insert(
      ServerTransaction(
        machine: isInvite ? .invite(InviteServer()) : .request(RequestServer()), key: key, mergeKey: mergeKey,
        purpose: .none, flow: Self.responseFlow(flow, via: via), source: flow, request: message,
        tag: entropy.next().tag))
    serverKeys[key] = id
    if let mergeKey { mergeKeys[mergeKey] = id }
    if !isInvite {
      changeLifetime(.serverLifetime(id), RequestServer().start(timing(flow)).lifetime, at: now)
    }
    return id
  }

  @discardableResult
  mutating func step(
    _ id: ServerTransactionID, _ invite: (inout InviteServer, Timing) -> Reaction,
    _ request: (inout RequestServer, Timing) -> Reaction, isCopy: Bool = true, at now: Instant,
    into output: inout Output
  ) -> Reaction.Output {
    guard servers.contains(id), let flow = servers[id]?.flow else { return [] }
    let timing = timing(flow)
    let reaction = servers[id]?.step({ invite(&$0, timing) }, { request(&$0, timing) }) ?? .nothing
    if reaction.output.contains(.transmit), let bytes = servers[id]?.response, !bytes.isEmpty {
      output.transmissions.append(Transmission(bytes: bytes, flow: flow, followsEarlier: isCopy))
    }
    if servers[id]?.machine.isTerminated == true {
      removeServer(id)
    } else {
      change(.serverRetransmission(id), reaction.retransmission, at: now)
      changeLifetime(.serverLifetime(id), reaction.lifetime, at: now)
    }
    return reaction.output
  }

  private mutating func removeServer(_ id: ServerTransactionID) {
    guard let transaction = servers.remove(id) else { return }
    serverKeys[transaction.key] = nil
    if let mergeKey = transaction.mergeKey { mergeKeys[mergeKey] = nil }
    timers.cancel(.serverRetransmission(id))
    timers.cancel(.serverLifetime(id))
  }

  /// Makes a response and sends it through its transaction.
  mutating func reply(
    _ id: ServerTransactionID, status: Int, reason: String? = nil, headers: [Header] = [], body: Body? = nil,
    contact: Bool = false, at now: Instant, into output: inout Output
  ) {
    guard servers[id]?.machine.isOpen == true, let request = servers[id]?.request, let source = servers[id]?.source,
      let tag = servers[id]?.tag
    else { return }
    let isSecure = servers[id]?.purpose.dialog.map { sessions[$0]?.dialog.isSecure == true } ?? false
    let bytes = response(
      to: request, from: source, status: status, reason: reason, tag: tag, headers: headers, contact: contact,
      isSecure: isSecure, body: body)
    servers[id]?.response = bytes
    if status >= 200 { servers[id]?.request = nil }
    step(
      id, { $0.respond(status: status, $1) }, { $0.respond(status: status, $1) }, isCopy: false, at: now,
      into: &output)
  }

  // Sessions.

  mutating func insert(_ session: consuming Session) -> DialogID {
    let tag = session.dialog.localTag
    let id = sessions.insert(consume session)
    tags[tag] = id
    return id
  }

  @discardableResult
  mutating func removeSession(_ id: DialogID) -> Session? {
    guard let session = sessions.remove(id) else { return nil }
    tags[session.dialog.localTag] = nil
    if session.success != nil {
      timers.cancel(.success(id))
      timers.cancel(.acknowledgement(id))
    }
    timers.cancel(.provisional(id))
    stopRepeating(id)
    timers.cancel(.glare(id))
    timers.cancel(.session(id))
    return session
  }

  // Time.

  public mutating func timersDue(at now: Instant, into output: inout Output) {
    while let (timer, _) = timers.popDue(at: now) {
      switch timer {
      case .clientRetransmission(let id):
        step(id, { $0.retransmissionDue($1) }, { $0.retransmissionDue($1) }, at: now, into: &output)
      case .clientLifetime(let id):
        clientFailed(
          id, status: 408, { invite, _ in invite.lifetimeOver() }, { request, _ in request.lifetimeOver() },
          at: now, into: &output)
      case .serverRetransmission(let id):
        step(id, { $0.retransmissionDue($1) }, { _, _ in .nothing }, at: now, into: &output)
      case .serverLifetime(let id):
        forget(id)
        step(
          id, { invite, _ in invite.lifetimeOver() }, { request, _ in request.lifetimeOver() }, at: now, into: &output)
      case .success(let id): repeatSuccess(id, at: now, into: &output)
      case .acknowledgement(let id): acknowledgementMissing(id, at: now, into: &output)
      case .provisional(let id): repeatProvisional(id, at: now, into: &output)
      case .reliableProvisional(let id): repeatReliably(id, at: now, into: &output)
      case .prack(let id): prackMissing(id, at: now, into: &output)
      case .glare(let id):
        if sessions.contains(id) { sessions[id]?.isPausing = false }
        reinviteIfPossible(id, at: now, into: &output)
      case .session(let id): sessionExpired(id, at: now, into: &output)
      }
    }
  }

  public mutating func flowFailed(_ flow: Flow, at now: Instant, into output: inout Output) {
    for id in clients.ids where clients[id]?.flow == flow {
      clientFailed(
        id, status: 503, { invite, _ in invite.transportFailed() },
        { request, _ in request.transportFailed() }, at: now, into: &output)
    }
    for id in servers.ids where servers[id]?.flow == flow {
      let purpose = servers[id]?.purpose
      forget(id)
      let lost = step(
        id, { invite, _ in invite.transportFailed() }, { request, _ in request.transportFailed() },
        at: now, into: &output)
      if lost.contains(.timeout), case .invitation(let dialog)? = purpose, removeSession(dialog) != nil {
        output.occurrences.append(.cancelled(dialog))
      }
    }
    guard flow.connection != 0 else { return }
    for id in sessions.ids where sessions[id]?.dialog.flow == flow {
      guard sessions[id]?.isConfined == true else {
        sessions[id]?.dialog.reconnect()
        continue
      }
      let session = removeSession(id)
      if session?.state != .ending { output.occurrences.append(.ended(id, nil)) }
    }
  }

  /// A request that its session waits to answer is gone.
  private mutating func forget(_ id: ServerTransactionID) {
    guard let dialog = servers[id]?.purpose.dialog, sessions.contains(dialog) else { return }
    sessions[dialog]?.open.removeAll { $0 == id }
  }
}
