import ACD
import CallControl
import Primitives
import SDP
import SIP

/// A web page on a phone of paper: a visitor's, or the one that is an agent's phone. It sends its commands as the HTTP
/// edge does, and its DTLS is done a moment after the answer.
final class Browser {
  private unowned let world: World
  private let name: String
  private let agent: AgentID?

  /// Payload types and names, in the order of the offer.
  var codecs = ["111 opus/48000/2", "9 G722/8000", "0 PCMU/8000", "8 PCMA/8000"]
  /// How long ICE and DTLS take; nil where they never come through.
  var connects: Int64? = .milliseconds(60)
  /// What the page got for its requests, in order: `call`, `answer`, `fragment`, `phone`, or the problem.
  private(set) var log: [String] = []
  private(set) var contact: PublicID?
  private(set) var phone: PhoneID?
  /// Our side of the transport, as the last answer told it.
  private(set) var transport: WebTransport?
  private(set) var answer: SessionDescription?
  private(set) var isConnected = false
  /// Its DTLS was closed from our side.
  private(set) var isClosed = false
  private var requests: [RequestID] = []
  var isWaiting: Bool { !requests.isEmpty }
  private var loads = 0
  private var restarts = 0

  init(_ name: String, agent: Int? = nil, in world: World) {
    self.name = name
    self.world = world
    self.agent = agent.map { AgentID(index: UInt32($0)) }
    world.browsers.append(self)
  }

  var ufrag: String { "\(name)\(loads)x\(restarts)" }
  var media: MediaID? { transport.flatMap { world.media.id(of: $0) } }
  /// What the person hears.
  var heard: PaperMedia.Sound { isConnected ? media.map(world.media.heard) ?? .silence : .silence }
  var sound: PaperMedia.Sound { .browser(ufrag) }
  private var party: Party? {
    if let agent { phone.map { .phone(agent, $0) } } else { contact.map { .visitor($0) } }
  }

  func offer(_ direction: String = "sendrecv") -> [UInt8] {
    let formats = codecs.map { $0.prefix { $0 != " " } } + ["110", "126"]
    var lines = [
      "v=0", "o=- 4611731400430051336 2 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0", "a=msid-semantic: WMS",
      "m=audio 9 UDP/TLS/RTP/SAVPF \(formats.joined(separator: " "))", "c=IN IP4 0.0.0.0", "a=rtcp:9 IN IP4 0.0.0.0",
      "a=ice-ufrag:\(ufrag)", "a=ice-pwd:\(password)", "a=ice-options:trickle", "a=fingerprint:sha-256 \(fingerprint)",
      "a=setup:actpass", "a=mid:0", "a=\(direction)", "a=rtcp-mux",
    ]
    lines += codecs.map { "a=rtpmap:" + $0 }
    lines += ["a=rtpmap:110 telephone-event/48000", "a=rtpmap:126 telephone-event/8000"]
    return Array(lines.map { $0 + "\r\n" }.joined().utf8)
  }

  private var password: String { "abcdefghijklmnopqrstuv\(loads)" }
  /// A page that is loaded anew has a certificate of its own.
  private var fingerprint: String {
    let byte = name.utf8.reduce(UInt8(truncatingIfNeeded: loads)) { $0 &* 31 &+ $1 }
    let digits = (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
    return Array(repeating: digits, count: 32).joined(separator: ":")
  }

  // MARK: Acts

  func call(_ entry: String = "web:shop") {
    loads += 1
    give(.openCall(CallRequest(visitor: ChatRequest(entry: entry, name: name), sdpOffer: offer())))
  }

  /// The page becomes the agent's phone.
  func open() {
    guard let agent else { return }
    loads += 1
    isClosed = false
    give(.openPhone(agent, sdpOffer: offer()))
  }

  /// The page is gone, with a word by DTLS or, where the network broke, without one.
  func vanish() {
    guard let media, isConnected else { return }
    isConnected = false
    world.feed(.media(.lost(media)))
  }

  /// The page was loaded anew, and takes up what it was in: a call, or being a phone.
  func reload() {
    vanish()
    guard agent == nil else { return open() }
    loads += 1
    guard let party else { return }
    give(.reoffer(party, sdpOffer: offer()))
  }

  /// The same page on another network: fresh credentials, the same keys.
  func restartICE(byOffer: Bool = false) {
    restarts += 1
    guard let party else { return }
    if byOffer { return give(.reoffer(party, sdpOffer: offer())) }
    let lines = ["a=group:BUNDLE 0", "m=audio 9 RTP/AVP 0", "a=mid:0", "a=ice-ufrag:\(ufrag)", "a=ice-pwd:\(password)"]
    give(.trickle(party, fragment: Array(lines.map { $0 + "\r\n" }.joined().utf8)))
  }

  func hold(_ direction: String) { if let party { give(.reoffer(party, sdpOffer: offer(direction))) } }

  func hangUp() {
    if let contact { world.ask(.hangUp(contact, .visitor)) }
    if let agent, let phone { world.ask(.closePhone(agent, phone)) }
  }

  func press(_ digit: UInt8) { if let media { world.feed(.media(.digit(media, digit))) } }

  private func give(_ command: Command) {
    // The reply may be there before the id is known here.
    let request = world.give(command)
    requests.append(request)
    if let reply = world.replies[request] { follow(reply, to: request) }
  }

  // MARK: What comes

  func follow(_ reply: Reply, to request: RequestID) {
    guard let place = requests.firstIndex(of: request) else { return }
    requests.remove(at: place)
    switch reply {
    case .call(let view, let answer):
      log.append("call")
      contact = view.id
      connect(answer)
    case .phone(let id, let answer):
      log.append("phone")
      phone = id
      connect(answer)
    case .answer(let answer):
      log.append("answer")
      connect(answer)
    case .fragment(let bytes):
      log.append("fragment")
      guard let fragment = try? ICEFragment(parsing: bytes), let line = fragment.media.first else { return }
      for attribute in line.attributes {
        if attribute.name == "ice-ufrag" { transport?.ice.ufrag = attribute.value ?? "" }
        if attribute.name == "ice-pwd" { transport?.ice.password = attribute.value ?? "" }
      }
    case .refused(let problem): log.append("\(problem)")
    default: log.append("\(reply)")
    }
  }

  func connect(_ bytes: [UInt8]) {
    guard let answer = try? SessionDescription(parsing: bytes), let line = answer.media.first else {
      return log.append("an answer that cannot be read")
    }
    self.answer = answer
    func value(_ name: String) -> String { line.attributes.first { $0.name == name }?.value ?? "" }
    let digest = value("fingerprint").split(separator: " ").last?.split(separator: ":").compactMap {
      UInt8($0, radix: 16)
    }
    let before = transport?.fingerprint
    transport = WebTransport(
      ice: ICECredentials(ufrag: value("ice-ufrag"), password: value("ice-pwd")),
      fingerprint: Fingerprint(hash: "sha-256", digest: digest ?? []), candidates: [])
    // The keys of a session last through hold and ICE restart.
    if isConnected, before == transport?.fingerprint { return }
    isConnected = false
    guard let connects else { return }
    world.after(connects) { [unowned self] in
      guard let media, !isConnected else { return }
      isConnected = true
      world.feed(.media(.connected(media)))
    }
  }

  /// DTLS was closed from our side.
  func closed() {
    isConnected = false
    isClosed = true
    transport = nil
  }
}
