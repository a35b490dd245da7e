import Primitives
import SDP
import SIP

/// A caller who acknowledges provisional responses (RFC 3262 section 4), written by hand, for our own user agent offers
/// no 100rel. It makes one call.
final class ReliableCaller {
  /// `Supported` or `Require`.
  let header: String
  let endpoint: Endpoint
  /// What came, without copies and without 100: statuses, with the method where it is not INVITE, and requests.
  private(set) var log: [String] = []
  /// Responses to the INVITE, without copies.
  private(set) var responses: [Message] = []
  /// Reliable responses that came again.
  private(set) var copies = 0
  /// The INVITE brings no offer.
  var delaysOffer = false
  /// PRACK brings another offer.
  var offersInPrack = false
  /// It sends no PRACK although it promised to.
  var isSilent = false

  private unowned let world: World
  private var negotiation = Negotiation(sessionID: 1)
  private var sequence: UInt32 = 1
  private var toTag = ""
  /// CSeq numbers of requests that have a response.
  private var answered: [UInt32] = []
  private var isOver = false

  init(_ header: String, at port: UInt16 = 6101, in world: World) {
    self.header = header
    self.world = world
    endpoint = Endpoint(address: "127.0.0.1", port: port).unwrapped
    world.listeners[endpoint] = { [unowned self] in receive($0) }
  }

  var rtpPort: UInt16 { endpoint.port + 10_000 }
  var heard: PaperMedia.Sound { world.media.heard(at: rtpPort) }
  var sequences: [UInt32] { responses.compactMap { $0.header("RSeq").flatMap { UInt32($0) } } }
  private var local: LocalMedia { LocalMedia(address: endpoint.address, port: rtpPort) }

  // MARK: Acts

  func call() { ask("INVITE", ["\(header): 100rel"], body: delaysOffer ? [] : negotiation.offer(local)) }
  func hangUp() { ask("BYE") }
  func cancel() { transmit("CANCEL", 1) }
  func acknowledge(_ rseq: UInt32, body: [UInt8] = []) { ask("PRACK", ["RAck: \(rseq) 1 INVITE"], body: body) }
  func update(_ direction: Direction) {
    var media = local
    media.direction = direction
    ask("UPDATE", body: negotiation.offer(media))
  }

  /// Sends a request, and again until a response comes.
  private func ask(_ method: String, _ headers: [String] = [], body: [UInt8] = []) {
    if method != "INVITE" { sequence += 1 }
    repeatedly(method, sequence, headers, body, after: .milliseconds(500))
  }

  private func repeatedly(
    _ method: String, _ number: UInt32, _ headers: [String], _ body: [UInt8], after interval: Int64
  ) {
    guard !answered.contains(number), interval < .seconds(32) else { return }
    transmit(method, number, headers, body)
    world.after(interval) { [unowned self] in repeatedly(method, number, headers, body, after: interval * 2) }
  }

  private func transmit(_ method: String, _ number: UInt32, _ headers: [String] = [], _ body: [UInt8] = []) {
    let branch = method == "CANCEL" || method == "ACK" && isOver ? "INVITE-1" : "\(method)-\(number)"
    let isInDialog = method != "INVITE" && method != "CANCEL"
    let lines =
      [
        "\(method) sip:support@acme.example SIP/2.0",
        "Via: SIP/2.0/UDP \(endpoint.address):\(endpoint.port);branch=z9hG4bK-\(branch);rport", "Max-Forwards: 70",
        "From: <sip:rel@home.example>;tag=rel", "To: <sip:support@acme.example>" + (isInDialog ? ";tag=" + toTag : ""),
        "Call-ID: reliable-\(endpoint.port)", "CSeq: \(number) \(method)",
        "Contact: <sip:rel@\(endpoint.address):\(endpoint.port)>", "Content-Length: \(body.count)",
      ] + headers + (body.isEmpty ? [] : ["Content-Type: application/sdp"])
    world.send(Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body, from: endpoint, to: World.address)
  }

  // MARK: What comes

  private func receive(_ message: Message) {
    if case .request(let method) = message.kind {
      log.append(method.name)
      var writer = MessageWriter()
      writer.response(to: message, status: 200, tag: nil)
      return world.send(writer.finish(), from: endpoint, to: World.address)
    }
    let isNew = !answered.contains(message.cseq)
    if message.method != .invite {
      guard isNew, message.method != .cancel else { return }
      answered.append(message.cseq)
      log.append("\(message.status) \(message.method)")
      if let session = SessionDescription(of: message) { _ = try? negotiation.receive(answer: session) }
      return
    }
    if isNew { answered.append(message.cseq) }
    guard message.status > 100 else { return }
    toTag = message.to.tag ?? ""
    message.status < 200 ? receiveProvisional(message) : receiveFinal(message)
  }

  private func receiveProvisional(_ message: Message) {
    let rseq = message.header("RSeq").flatMap { UInt32($0) }
    if let rseq, sequences.contains(rseq) {
      copies += 1
      return
    }
    log.append("\(message.status)")
    responses.append(message)
    guard let rseq, !isSilent else { return }
    var body: [UInt8] = []
    if let session = SessionDescription(of: message) {
      if delaysOffer {
        body = (try? negotiation.answer(session, with: local).bytes) ?? []
      } else {
        _ = try? negotiation.receive(answer: session)
        if offersInPrack { body = negotiation.offer(local) }
      }
    }
    acknowledge(rseq, body: body)
  }

  private func receiveFinal(_ message: Message) {
    isOver = message.status >= 300
    transmit("ACK", 1)
    guard responses.last.map({ $0.status < 200 }) ?? true else { return }
    log.append("\(message.status)")
    responses.append(message)
  }
}
