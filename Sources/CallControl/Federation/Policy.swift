import Primitives
import SIP

/// The one point that judges every SIP request before anything else hears of it (`CALLS.md` 1).
///
/// The answer depends on where the request came from, never on whom it names: known and unknown users are told the
/// same.
struct Policy: Sendable {
  enum Verdict: Sendable, Equatable {
    case admitted
    /// Admitted, but what is answered by itself may not be larger than so many bytes.
    case limited(Int)
    /// Refused without a transaction.
    case refused(status: Int)
    /// Not answered at all.
    case ignored
  }

  var federation: Site.Federation
  /// Addresses of phones that do not register.
  var phones: [Endpoint]

  /// Requests of strangers by address in this second, and who was challenged in it.
  private var second: Int64 = 0
  private var requests = Index<Endpoint, Int>()
  private var challenged = Index<Endpoint, Bool>()

  /// Requests per second of a throttled stranger.
  static let strangerRate = 20
  /// Calls at once from one stranger's address.
  static let strangerCalls = 50
  /// Strangers counted in one second; more are not heard in it.
  static let strangers = 10_000

  init(site: Site) {
    federation = site.federation
    phones = site.agents.compactMap { agent in
      guard case .address(let uri) = agent.phone else { return nil }
      return Endpoint(address: uri.host, port: 0)
    }
  }

  func trusts(_ flow: Flow) -> Bool {
    federation.trustedSources.contains { $0.contains(flow.remote) } || phones.contains(flow.remote.host)
  }

  /// Judges a request of somebody who is neither trusted nor registered nor in a call.
  ///
  /// `isAnswer`: a REGISTER that answers a challenge of ours. `calls`: how many it has here already.
  mutating func judgeStranger(
    _ method: Method, of message: Message, from flow: Flow, isAnswer: Bool, calls: Int, at now: Instant
  ) -> Verdict {
    let thisSecond = now.microseconds / .seconds(1)
    if thisSecond != second {
      second = thisSecond
      requests.removeAll()
      challenged.removeAll()
    }
    let source = flow.remote.host
    let isDatagram = flow.transport == .udp
    // An ACK is never answered; over a stream it may end a transaction here.
    if method == .ack { return isDatagram ? .ignored : .admitted }
    guard requests.count < Self.strangers || requests[source] != nil else { return .ignored }
    let count = (requests[source] ?? 0) + 1
    requests[source] = count
    if method == .register {
      // An answer is always looked at: this may be the first registration of a phone.
      if !isAnswer {
        guard challenged[source] == nil else { return .ignored }
        challenged[source] = true
      }
      return isDatagram ? .limited(message.bytes.count * 3 / 2) : .admitted
    }
    guard !isDatagram, federation.mode == .open else { return .refused(status: 403) }
    // An INVITE in a dialog came this far because its dialog is gone: it begins no call either.
    let isOver = method == .invite && message.to.tag == nil && calls >= Self.strangerCalls
    return count <= Self.strangerRate && !isOver ? .admitted : .refused(status: 503)
  }
}

extension Endpoint {
  /// The address without its port.
  var host: Endpoint { Endpoint(high: high, low: low, port: 0) }
}

extension Switchboard {
  /// Whether we know who is at the other end: a trusted source, or a registered phone.
  func isKnown(_ flow: Flow) -> Bool { calls.policy.trusts(flow) || calls.registrations.isRegistered(flow) }

  mutating func judge(_ method: Method, of message: Message, from flow: Flow, at now: Instant) -> Policy.Verdict {
    if isKnown(flow) { return .admitted }
    // Whoever is in a call may speak in it, and begins no new one by that.
    // A new connection or a translator's new port is known by the dialog, whose tags nobody else knows.
    let isInCall = message.to.tag != nil || method == .cancel
    if isInCall, calls.flowsInUse[flow] != nil || calls.userAgent.isInDialog(message) { return .admitted }
    let isAnswer = method == .register && calls.registrations.isAnswer(message, from: flow)
    return calls.policy.judgeStranger(
      method, of: message, from: flow, isAnswer: isAnswer, calls: calls.callersByHost[flow.remote.host] ?? 0, at: now)
  }

  /// Refuses a request without a transaction: one response for each copy of it, over UDP never larger than it.
  mutating func refuseStatelessly(_ message: Message, status: Int, from flow: Flow, into step: inout Step) {
    var writer = MessageWriter()
    writer.response(to: message, status: status, tag: tag(of: message), source: flow.remote)
    if status == 503 { writer.header(Self.retryAfter.name, Self.retryAfter.value) }
    let bytes = writer.finish()
    guard flow.transport != .udp || bytes.count <= message.bytes.count else { return }
    step.immediate.append(.transmit(UserAgent.Transmission(bytes: bytes, flow: flow)))
  }

  /// The same for each copy of a request (RFC 3261 section 8.2.7): FNV-1a of its Call-ID.
  private func tag(of message: Message) -> String {
    var hash: UInt32 = 0x811c_9dc5
    for byte in message.callID.utf8 { hash = (hash ^ UInt32(byte)) &* 0x0100_0193 }
    return String(hash, radix: 36)
  }
}
