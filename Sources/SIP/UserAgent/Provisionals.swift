import Primitives

/// Reliable provisional responses, the side that sends them (RFC 3262 section 3). We never offer 100rel ourselves.
extension UserAgent {
  static let reliability = "100rel"

  /// What the INVITE says about PRACK; nil if its sender knows nothing of it.
  mutating func reliableProvisionals(for message: Message) -> ReliableProvisionals? {
    func names(_ header: String) -> Bool { message.headers(header).contains { $0.lowercased() == Self.reliability } }
    let isRequired = names("require")
    guard isRequired || names("supported") else { return nil }
    return ReliableProvisionals(
      isRequired: isRequired, inviteSequence: message.cseq, isOfferDelayed: message.body.isEmpty,
      first: UInt32(entropy.next() % 0x7fff_ffff) + 1)
  }

  /// Whether the far end of an INVITE acknowledges provisional responses: then one of them may carry our answer, or our
  /// offer where the INVITE brought none, and the 2xx is to carry neither.
  public func acknowledgesProvisionals(_ dialog: DialogID) -> Bool { sessions[dialog]?.provisionals != nil }

  /// Keeps a response back that must wait for a PRACK; the newest counts.
  mutating func postpones(_ response: ReliableProvisionals.Response, to id: DialogID) -> Bool {
    guard sessions[id]?.provisionals?.mustWait(response) == true else { return false }
    sessions[id]?.provisionals?.deferred = response
    return true
  }

  /// Sends a provisional response, reliably where that is agreed.
  mutating func ring(
    _ id: DialogID, _ transaction: ServerTransactionID, _ response: ReliableProvisionals.Response, at now: Instant,
    into output: inout Output
  ) {
    var headers = response.headers
    let isReliable = sessions[id]?.provisionals?.isReliable(response) == true
    if isReliable, let sequence = sessions[id]?.provisionals?.next() {
      headers += [Header("Require", Self.reliability), Header("RSeq", String(sequence))]
    }
    reply(
      transaction, status: response.status, reason: response.reason, headers: headers, body: response.body,
      contact: response.status > 100, at: now, into: &output)
    if response.status > 100 { timers.set(.provisional(id), at: now + .minutes(1)) }
    guard isReliable, let bytes = servers[transaction]?.response, let flow = servers[transaction]?.flow else { return }
    sessions[id]?.provisionals?.sent(response, as: bytes, over: flow, interval: settings.t1)
    timers.set(.reliableProvisional(id), at: now + settings.t1)
    timers.set(.prack(id), at: now + 64 * settings.t1)
  }

  mutating func repeatReliably(_ id: DialogID, at now: Instant, into output: inout Output) {
    guard let (bytes, flow, interval) = sessions[id]?.provisionals?.repeated() else { return }
    output.transmissions.append(Transmission(bytes: bytes, flow: flow, followsEarlier: true))
    timers.set(.reliableProvisional(id), at: now + interval)
  }

  mutating func stopRepeating(_ id: DialogID) {
    timers.cancel(.reliableProvisional(id))
    timers.cancel(.prack(id))
  }

  /// Section 3: no PRACK within 64*T1.
  mutating func prackMissing(_ id: DialogID, at now: Instant, into output: inout Output) {
    guard case .ringing(let transaction)? = sessions[id]?.state else { return }
    removeSession(id)
    following(&output) { $0.reply(transaction, status: 504, at: now, into: &$1) }
    output.occurrences.append(.ended(id, nil))
  }

  /// Section 3. A body after our offer is its answer; another one is a new offer (section 5).
  mutating func receivePrack(
    _ message: Message, _ id: DialogID, transaction: ServerTransactionID, at now: Instant, into output: inout Output
  ) {
    guard let acknowledged = sessions[id]?.provisionals?.acknowledge(message.header("rack")),
      let provisionals = sessions[id]?.provisionals
    else { return reply(transaction, status: 481, at: now, into: &output) }
    stopRepeating(id)
    let isAnswer = acknowledged.hasBody && provisionals.isOfferDelayed
    if message.contentType == "application/sdp", !message.body.isEmpty, !isAnswer {
      guard provisionals.hasDescribed, case .ringing = sessions[id]?.state else {
        reply(transaction, status: 488, at: now, into: &output)
        return sendDeferred(id, at: now, into: &output)
      }
      servers[transaction]?.purpose = .prack(id)
      sessions[id]?.open.append(transaction)
      output.occurrences.append(.reoffered(id, transaction, message))
      return
    }
    reply(transaction, status: 200, at: now, into: &output)
    if isAnswer { output.occurrences.append(.acknowledged(id, message)) }
    sendDeferred(id, at: now, into: &output)
  }

  /// The PRACK has come: what waited for it leaves, and may not overtake what is still held back.
  mutating func sendDeferred(_ id: DialogID, at now: Instant, into output: inout Output) {
    guard let response = sessions[id]?.provisionals?.deferred else { return }
    sessions[id]?.provisionals?.deferred = nil
    following(&output) {
      $0.respond(
        to: id, status: response.status, reason: response.reason, headers: response.headers, body: response.body,
        at: now, into: &$1)
    }
    if sessions[id]?.state == .accepted { output.occurrences.append(.accepted(id)) }
  }

  /// What is sent in `body` was decided before.
  mutating func following(_ output: inout Output, _ body: (inout UserAgent, inout Output) -> Void) {
    let start = output.transmissions.count
    body(&self, &output)
    for place in start..<output.transmissions.count { output.transmissions[place].followsEarlier = true }
  }
}
