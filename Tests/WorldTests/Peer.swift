import CallControl
import Primitives
import SDP
import SIP

/// A SIP phone or caller at one address, built on the same user agent as the switchboard.
final class Peer {
  let name: String
  let endpoint: Endpoint
  private(set) var userAgent: UserAgent
  private unowned let world: World
  private var output = UserAgent.Output()

  /// What came, in order: statuses, methods, `answered`.
  private(set) var log: [String] = []
  /// The dialog of the last call.
  private(set) var dialog: DialogID?
  private var negotiations = Index<DialogID, Negotiation>()
  private var session: UInt64 = 1
  private(set) var callCount = 0
  /// The transports of the audio lines of each offer that a delayed one of its calls brought.
  private(set) var offers: [[String]] = []
  /// INVITEs that began a call here.
  private(set) var invites: [Message] = []

  // How it answers calls.
  enum Answering {
    case accept(after: Int64)
    case reject(status: Int, after: Int64)
    /// Rings for ever.
    case ring
  }
  var answering = Answering.accept(after: .seconds(1))
  /// Chooses anew for each call, and how long to talk.
  var draws: (() -> (Answering, talks: Int64?))?
  /// Hangs up so long after it answered.
  var talks: Int64?
  var codecs: [AudioCodec] = AudioCodec.g711
  /// The host of its From.
  var home = "home.example"
  /// With keys it speaks SRTP alone, without plain RTP alone: it answers the other with 488.
  var keys: [SDESKey] = []
  /// Its media where it speaks DTLS-SRTP with ICE, as a browser does. Only as a caller.
  var edge: Browser?
  /// Nothing reaches it.
  var isDead = false
  /// Answers nothing with SDP: a delayed offer is asked for, and ACK carries the answer.
  var delaysOffer = false
  /// Called with the status of each call's end as a caller sees it: 200 for a call that was up.
  var onEnd: ((DialogID, Int) -> Void)?
  var onAnswer: ((DialogID) -> Void)?

  /// How it reaches the switchboard; a stream is a connection that it made, or 0 where it listens for ours.
  let transport: Flow.Transport
  private(set) var connection: UInt64
  /// As the switchboard sees it.
  var flow: Flow { Flow(transport: transport, remote: endpoint, connection: connection) }

  init(
    _ name: String, at port: UInt16, address: String = "127.0.0.1", over transport: Flow.Transport = .udp,
    listens: Bool = false, in world: World
  ) {
    self.name = name
    self.world = world
    self.transport = transport
    connection = transport == .udp || listens ? 0 : UInt64(port)
    endpoint = Endpoint(address: address, port: port).unwrapped
    var settings = UserAgent.Settings()
    settings.udp = endpoint
    settings.tcp = endpoint
    settings.tls = endpoint
    userAgent = UserAgent(settings: settings, entropy: Entropy(testing: UInt64(port) << 8 | UInt64(name.utf8.count)))
    world.peers.append(self)
  }

  var rtpPort: UInt16 { endpoint.port + 10_000 }
  var heard: PaperMedia.Sound { world.media.heard(at: rtpPort) }
  var uri: URI { URI(user: name, host: endpoint.address, port: endpoint.port) }
  private var local: LocalMedia {
    LocalMedia(
      address: endpoint.address, port: rtpPort, codecs: codecs, security: keys.isEmpty ? .none : .sdes(keys))
  }
  /// What the last call agreed on.
  var agreed: NegotiatedMedia? { dialog.flatMap { negotiations[$0]?.agreed } }
  /// The last refusal of a call.
  private(set) var refusal: Message?

  private var toWorld: Flow { Flow(transport: transport, remote: World.address, connection: transport == .udp ? 0 : 1) }

  /// Its stream breaks; what it says next, it says over a new one.
  func loseConnection() {
    let lost = flow
    connection += 1
    world.feed(.flowFailed(lost))
  }

  // MARK: Acts

  /// - Parameters:
  ///   - more: further lines of its offer.
  ///   - whole: an offer instead of its own.
  @discardableResult
  func call(
    _ target: String = "sip:support@acme.example", offering more: String = "", describing whole: String? = nil
  ) -> DialogID {
    session += 1
    var negotiation = Negotiation(sessionID: session)
    let offer = whole.map { Array($0.utf8) } ?? edge?.offer() ?? negotiation.offer(local)
    let body = delaysOffer ? nil : UserAgent.Body.sdp(offer + Array(more.utf8))
    let uri = (try? URI(parsing: target)).unwrapped
    let id = userAgent.invite(
      uri, over: toWorld,
      from: Address(displayName: name, uri: URI(user: name, host: home)), to: Address(uri: uri), body: body,
      at: world.now, into: &output)
    negotiations[id] = negotiation
    dialog = id
    callCount += 1
    flush()
    return id
  }

  func hangUp(_ id: DialogID? = nil) {
    act {
      $0.end($1, at: world.now, into: &$2)
    } id: {
      id
    }
  }
  func cancel(_ id: DialogID? = nil) {
    act {
      $0.cancel($1, at: world.now, into: &$2)
    } id: {
      id
    }
  }

  private func act(
    _ order: (inout UserAgent, DialogID, inout UserAgent.Output) -> Void, id: () -> DialogID?
  ) {
    guard let dialog = id() ?? dialog else { return }
    order(&userAgent, dialog, &output)
    flush()
  }

  /// Re-INVITE: hold with `sendonly`, resume with `sendrecv`, an address of 0.0.0.0, or no offer at all.
  func reinvite(_ direction: Direction = .sendrecv, address: String? = nil, delayed: Bool = false) {
    guard let dialog, var negotiation = negotiations[dialog] else { return }
    var media = local
    media.direction = direction
    if let address { media.address = address }
    let body = delayed ? nil : UserAgent.Body.sdp(edge?.offer(direction.rawValue) ?? negotiation.offer(media))
    negotiations[dialog] = negotiation
    userAgent.reinvite(dialog, body: body, at: world.now, into: &output)
    flush()
  }

  // MARK: Registration

  var contactScheme = "sip"
  private var credentials: DigestCredentials?
  private var registration: UInt32 = 0
  private var registrationCallID = 0
  /// Statuses of the last REGISTERs, and the size of each response beside its request's.
  private(set) var registered: [Int] = []
  private(set) var sizes: [(request: Int, response: Int)] = []
  /// The algorithms of the last challenge.
  private(set) var challenged: [String] = []
  private var requestSize = 0

  /// Registers this address for `user`, and answers a challenge with the password.
  func register(as user: String, password: String, expires: Int = 300) {
    credentials = DigestCredentials(realm: "acme.example", username: user, password: password)
    mayAnswer = true
    sendRegister(expires, user, nil)
  }
  private var mayAnswer = false

  private func sendRegister(_ expires: Int, _ user: String, _ authorization: UserAgent.Header?) {
    registration += 1
    let text = """
      REGISTER sip:acme.example SIP/2.0\r
      Via: SIP/2.0/\(transport.name) \(endpoint.address):\(endpoint.port);branch=z9hG4bK\(name)\(registration);rport\r
      Max-Forwards: 70\r
      From: <sip:\(user)@acme.example>;tag=r\(registration)\r
      To: <sip:\(user)@acme.example>\r
      Call-ID: register-\(name)@\(endpoint.address)\r
      CSeq: \(registration) REGISTER\r
      Contact: <\(contactScheme):\(name)@\(endpoint.address):\(endpoint.port)>;expires=\(expires)\r
      User-Agent: a phone of the usual kind\r
      Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO\r
      Supported: path, outbound\r
      \(authorization.map { "\($0.name): \($0.value)\r\n" } ?? "")Content-Length: 0\r
      \r

      """
    requestSize = text.utf8.count
    wishes = (expires, user)
    world.send(Array(text.utf8), from: endpoint, to: World.address)
  }
  private var wishes = (expires: 300, user: "")

  private func followRegistration(_ message: Message) {
    registered.append(message.status)
    sizes.append((requestSize, message.bytes.count))
    if message.status == 401 {
      challenged = message.headers("WWW-Authenticate").compactMap { challenge in
        challenge.firstRange(of: "algorithm=").map { String(challenge[$0.upperBound...].prefix { $0 != "," }) }
      }
    }
    guard message.status == 401, mayAnswer, let credentials,
      let uri = try? URI(parsing: "sip:acme.example"),
      let header = credentials.header(answering: message, method: .register, uri: uri, clientNonce: "0a4f113b")
    else { return }
    mayAnswer = false
    sendRegister(wishes.expires, wishes.user, header)
  }

  // MARK: What comes

  func receive(_ message: Message) {
    if message.method == .register { return followRegistration(message) }
    if case .request(let method) = message.kind {
      if method != .invite || message.to.tag != nil { log.append(method.name) }
    }
    userAgent.receive(message, from: toWorld, at: world.now, into: &output)
    flush()
  }

  func timersDue() {
    guard let deadline = userAgent.nextDeadline, deadline <= world.now else { return }
    userAgent.timersDue(at: world.now, into: &output)
    flush()
  }

  private func flush() {
    while !output.occurrences.isEmpty || !output.transmissions.isEmpty {
      let done = output
      output.removeAll()
      for transmission in done.transmissions where !isDead {
        world.send(transmission.bytes, from: endpoint, to: transmission.flow.remote)
      }
      for occurrence in done.occurrences { follow(occurrence) }
    }
  }

  private func follow(_ occurrence: UserAgent.Occurrence) {
    switch occurrence {
    case .invite(let id, let message, _): ring(id, message)
    case .provisional(_, let message): log.append("\(message.status)")
    case .trying, .outOfDialog: break
    case .answered(let id, let message):
      log.append("200")
      var body: UserAgent.Body?
      edge?.connect(Array(message.body))
      if delaysOffer, let offer = SessionDescription(of: message) {
        offers.append(offer.media.map(\.transport))
        body = (try? negotiations[id]?.answer(offer, with: local).bytes).map { .sdp($0) }
      } else if let answer = SessionDescription(of: message) {
        _ = try? negotiations[id]?.receive(answer: answer)
      }
      userAgent.acknowledge(id, body: body, at: world.now, into: &output)
      onAnswer?(id)
    case .rejected(let id, let status, let message):
      log.append("\(status)")
      refusal = message
      finish(id, status)
    case .cancelled(let id): finish(id, 487)
    case .ended(let id, _): finish(id, 200)
    case .reanswered(let id, let message):
      log.append("200")
      var body: UserAgent.Body?
      if let session = SessionDescription(of: message), (try? negotiations[id]?.receive(answer: session)) == nil {
        body = (try? negotiations[id]?.answer(session, with: local).bytes).map { .sdp($0) }
      }
      userAgent.acknowledge(id, body: body, at: world.now, into: &output)
    case .rerejected(_, let status): log.append("\(status)")
    case .reoffered(let id, let transaction, let message):
      let body = SessionDescription(of: message).flatMap { try? negotiations[id]?.answer($0, with: local).bytes }
      userAgent.respond(
        to: transaction, status: 200, body: body.map { .sdp($0) }, at: world.now, into: &output)
    case .request(_, let transaction, _):
      userAgent.respond(to: transaction, status: 200, at: world.now, into: &output)
    case .acknowledged, .accepted: break
    case .unacknowledged(let id): userAgent.end(id, at: world.now, into: &output)
    }
  }

  private func finish(_ id: DialogID, _ status: Int) {
    negotiations[id] = nil
    if dialog == id { dialog = nil }
    onEnd?(id, status)
  }

  private func ring(_ id: DialogID, _ message: Message) {
    callCount += 1
    dialog = id
    invites.append(message)
    log.append("INVITE")
    session += 1
    negotiations[id] = Negotiation(sessionID: session)
    userAgent.respond(to: id, status: 180, at: world.now, into: &output)
    if let draws { (answering, talks) = draws() }
    let talks = talks
    switch answering {
    case .ring: break
    case .reject(let status, let delay):
      world.after(delay) { [unowned self] in
        guard negotiations[id] != nil else { return }
        negotiations[id] = nil
        userAgent.respond(to: id, status: status, at: world.now, into: &output)
        flush()
      }
    case .accept(let delay):
      let offer = SessionDescription(of: message)
      world.after(delay) { [unowned self] in
        guard negotiations[id] != nil else { return }
        let body = offer.flatMap { try? negotiations[id]?.answer($0, with: local).bytes }
        guard let body else {
          userAgent.respond(to: id, status: 488, at: world.now, into: &output)
          return flush()
        }
        userAgent.respond(to: id, status: 200, body: .sdp(body), at: world.now, into: &output)
        flush()
        if let talks { world.after(talks) { [unowned self] in hangUp(id) } }
      }
    }
  }
}

extension SessionDescription {
  init?(of message: Message) {
    guard let session = try? SessionDescription(parsing: message.body) else { return nil }
    self = session
  }
}
