import ACD
import CallControl
import Primitives
import SDP
import SIP
import Testing

/// SRTP by keys in SDP (RFC 4568) for phones and callers whose signalling is encrypted.
@Suite("SRTP for phones and callers over TLS")
struct SRTPLadders {
  private let keys = PaperMedia.keys(0x77)

  private static func site(_ srtp: Site.SRTPPolicy = .allowed, _ scheme: String = "sip") -> Site {
    .support([
      .registers(URI(scheme: scheme, user: "amina", host: "acme.example"), .init(user: "amina", password: "secret"))
    ]) {
      $0.listen.sip.tls = 5061
      $0.agents[0].srtp = srtp
    }
  }

  /// A site whose agent is ready at a registered phone.
  private func office(
    _ srtp: Site.SRTPPolicy = .allowed, over transport: Flow.Transport = .tls, keys: [SDESKey] = []
  ) -> (world: World, caller: Peer, phone: Peer) {
    let world = World(Self.site(srtp))
    let caller = Peer("alice", at: 6001, in: world)
    let phone = Peer("desk", at: 7001, over: transport, in: world)
    phone.keys = keys
    phone.register(as: "amina", password: "secret")
    world.run(for: .seconds(1))
    world.ready(0)
    return (world, caller, phone)
  }

  /// The transport of the audio line of each INVITE that reached the phone.
  private func offered(to phone: Peer) -> [String?] {
    phone.invites.map { SessionDescription(of: $0)?.media.first?.transport }
  }

  /// Both ends took the same pair of keys.
  private func expectProtected(
    _ peer: Peer, _ world: World, by incoming: SDESKey, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    guard case .sdes(let ours, incoming)? = world.media.security(at: peer.rtpPort) else {
      Issue.record("not protected by \(incoming)", sourceLocation: sourceLocation)
      return
    }
    #expect(peer.agreed?.security == .sdes(outgoing: incoming, incoming: ours), sourceLocation: sourceLocation)
  }

  // MARK: Callers

  @Test("A caller over TLS who offers keys is answered with ours, and hears music under them")
  func caller() {
    let world = World(Self.site())
    let caller = Peer("alice", at: 6001, over: .tls, in: world)
    caller.keys = keys
    caller.call()
    world.run(for: .seconds(1))
    #expect(caller.log == ["200"])
    #expect(caller.heard == .music)
    expectProtected(caller, world, by: keys[0])
    caller.hangUp()
    expectNothingLeft(world)
  }

  @Test("Keys over UDP or TCP are refused with 488 and a warning that says why", arguments: [Flow.Transport.udp, .tcp])
  func exposed(_ transport: Flow.Transport) {
    let world = World(Self.site())
    let caller = Peer("alice", at: 6001, over: transport, in: world)
    caller.keys = keys
    caller.call()
    world.run(for: .seconds(1))
    #expect(caller.log == ["488"])
    #expect(caller.refusal?.header("Warning") == "399 acme.example \"SRTP by keys in SDP needs SIP over TLS\"")
    expectNothingLeft(world)
  }

  @Test("Plain RTP over TLS is taken; where SRTP is offered beside it, SRTP is")
  func choice() throws {
    let world = World(Self.site())
    let plain = Peer("alice", at: 6001, over: .tls, in: world)
    plain.call()
    let both = Peer("bob", at: 6002, over: .tls, in: world)
    let crypto = "1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
    both.call(offering: "m=audio 30000 RTP/SAVP 0\r\na=crypto:\(crypto)\r\n")
    world.run(for: .seconds(1))
    #expect(plain.log == ["200"] && plain.heard == .music && both.log == ["200"])
    #expect(world.media.security(at: plain.rtpPort) == NegotiatedSecurity.none)
    guard case .sdes(_, let incoming)? = world.media.security(at: 30_000) else { throw NegotiationError.keys }
    #expect(incoming.key == Array("YS___semctl () {\t220;}\n}\nunles".utf8))
    plain.hangUp()
    both.hangUp()
    expectNothingLeft(world)
  }

  @Test("Keys that nobody should take are refused, over TLS too")
  func weakKeys() {
    let world = World(Self.site())
    let caller = Peer("alice", at: 6001, over: .tls, in: world)
    caller.keys = [SDESKey(suite: .aesCM128HMAC80, key: [1, 2, 3])]
    caller.call()
    world.run(for: .seconds(1))
    #expect(caller.log == ["488"])
    #expect(caller.refusal?.header("Warning") == "399 acme.example \"No acceptable a=crypto for SRTP\"")
    expectNothingLeft(world)
  }

  @Test("A caller's fresh key is followed, hold keeps the keys, and none of them may be left away")
  func reinvites() throws {
    let world = World(Self.site())
    let caller = Peer("alice", at: 6001, over: .tls, in: world)
    caller.keys = keys
    caller.call()
    world.run(for: .seconds(1))
    let before = try #require(world.media.security(at: caller.rtpPort))
    caller.reinvite(.sendonly)
    world.run(for: .seconds(1))
    #expect(caller.heard == .silence && world.media.security(at: caller.rtpPort) == before)
    caller.keys = PaperMedia.keys(0x55)
    caller.reinvite()
    world.run(for: .seconds(1))
    #expect(caller.heard == .music)
    expectProtected(caller, world, by: caller.keys[0])
    let after = world.media.security(at: caller.rtpPort)
    // Our own key stays: nothing has become known of it.
    guard case .sdes(let ours, _) = before, case .sdes(ours, _)? = after else { throw NegotiationError.keys }
    caller.keys = []
    caller.reinvite()
    world.run(for: .seconds(1))
    #expect(caller.log == ["200", "200", "200", "488"])
    #expect(caller.heard == .music && world.media.security(at: caller.rtpPort) == after)
    caller.hangUp()
    expectNothingLeft(world)
  }

  @Test("A delayed offer in a protected call brings our keys again, and the ACK brings the caller's")
  func delayedReinvite() throws {
    let world = World(Self.site())
    let caller = Peer("alice", at: 6001, over: .tls, in: world)
    caller.keys = keys
    caller.call()
    world.run(for: .seconds(1))
    guard case .sdes(let ours, _)? = world.media.security(at: caller.rtpPort) else { throw NegotiationError.keys }
    caller.keys = PaperMedia.keys(0x55)
    caller.reinvite(delayed: true)
    world.run(for: .seconds(1))
    #expect(world.media.security(at: caller.rtpPort) == .sdes(outgoing: ours, incoming: caller.keys[0]))
    #expect(caller.heard == .music)
    caller.hangUp()
    expectNothingLeft(world)
  }

  @Test("A delayed offer over TLS names SRTP first; the caller's ACK takes it, and later offers keep to it")
  func delayedOffer() throws {
    let (world, caller, phone) = office(keys: PaperMedia.keys(0x55))
    caller.delaysOffer = true
    let secure = Peer("bob", at: 6002, over: .tls, in: world)
    secure.delaysOffer = true
    secure.keys = keys
    secure.call()
    world.run(for: .seconds(3))
    #expect(secure.offers == [["RTP/SAVP", "RTP/AVP"]])
    #expect(secure.heard == .peer(phone.rtpPort) && phone.heard == .peer(secure.rtpPort))
    expectProtected(secure, world, by: keys[0])
    secure.reinvite(delayed: true)
    world.run(for: .seconds(1))
    #expect(secure.heard == .peer(phone.rtpPort))
    expectProtected(secure, world, by: keys[0])
    secure.hangUp()
    // Over UDP its keys would be seen.
    caller.call()
    world.run(for: .seconds(1))
    #expect(caller.offers == [["RTP/AVP"]])
    caller.hangUp()
    expectNothingLeft(world)
  }

  @Test("A caller over TLS without SRTP takes plain RTP of a delayed offer, and keeps it")
  func plainDelayedOffer() {
    let world = World(Self.site())
    let caller = Peer("alice", at: 6001, over: .tls, in: world)
    caller.delaysOffer = true
    caller.call()
    world.run(for: .seconds(1))
    #expect(caller.log == ["200"] && caller.heard == .music)
    #expect(world.media.security(at: caller.rtpPort) == NegotiatedSecurity.none)
    caller.reinvite(.sendonly)
    world.run(for: .seconds(1))
    #expect(caller.log == ["200", "200"] && caller.heard == .silence)
    caller.reinvite(delayed: true)
    world.run(for: .seconds(1))
    #expect(caller.heard == .music)
    #expect(world.media.security(at: caller.rtpPort) == NegotiatedSecurity.none)
    caller.hangUp()
    expectNothingLeft(world)
  }

  // MARK: Phones

  @Test("A phone over TLS is offered SRTP, and answers with its keys", arguments: [Site.SRTPPolicy.allowed, .required])
  func phone(_ srtp: Site.SRTPPolicy) {
    let (world, caller, phone) = office(srtp, keys: keys)
    caller.call()
    world.run(for: .seconds(3))
    #expect(offered(to: phone) == ["RTP/SAVP"])
    #expect(caller.heard == .peer(phone.rtpPort) && phone.heard == .peer(caller.rtpPort))
    expectProtected(phone, world, by: keys[0])
    #expect(world.media.security(at: caller.rtpPort) == NegotiatedSecurity.none)
    caller.hangUp()
    expectNothingLeft(world)
  }

  @Test("A phone that refuses SRTP is asked again over plain RTP, under the same offer", arguments: [488, 415, 606])
  func fallback(_ status: Int) {
    let (world, caller, phone) = office()
    phone.answering = .reject(status: status, after: .seconds(1))
    caller.call()
    world.run(for: .milliseconds(500))
    phone.answering = .accept(after: .seconds(1))
    world.run(for: .seconds(3))
    #expect(offered(to: phone) == ["RTP/SAVP", "RTP/AVP"])
    #expect(phone.log == ["INVITE", "ACK", "INVITE", "ACK"])
    #expect(caller.heard == .peer(phone.rtpPort) && phone.heard == .peer(caller.rtpPort))
    #expect(world.media.security(at: phone.rtpPort) == NegotiatedSecurity.none)
    #expect(world.events.count { $0 == "offerMade" } == 1)
    #expect(world.checkpoint == world.replayed)
    caller.hangUp()
    expectNothingLeft(world)
  }

  @Test("A phone that refuses both has no media for the offer; nobody asks a third time")
  func refusesBoth() {
    let (world, caller, phone) = office()
    phone.answering = .reject(status: 488, after: .milliseconds(100))
    caller.call()
    world.run(for: .seconds(1))
    #expect(offered(to: phone) == ["RTP/SAVP", "RTP/AVP"])
    #expect(failures(in: world) == [.media])
    #expect(caller.heard == .music)
    caller.hangUp()
    expectNothingLeft(world)
  }

  @Test("A caller who hangs up between the two INVITEs leaves no phone ringing")
  func hangsUpBetween() {
    let (world, caller, phone) = office()
    phone.answering = .reject(status: 488, after: .seconds(1))
    caller.call()
    world.run(for: .milliseconds(500))
    phone.answering = .ring
    world.run(for: .seconds(2))
    caller.hangUp()
    world.run(for: .seconds(1))
    #expect(phone.log == ["INVITE", "ACK", "INVITE", "CANCEL", "ACK"])
    expectNothingLeft(world)
  }

  @Test("Where SRTP is required a phone that refuses it is not called without: the offer fails, the caller waits on")
  func required() {
    let (world, caller, phone) = office(.required)
    phone.answering = .reject(status: 488, after: .milliseconds(100))
    caller.call()
    world.run(for: .seconds(1))
    #expect(offered(to: phone) == ["RTP/SAVP"])
    #expect(failures(in: world) == [.media])
    #expect(caller.heard == .music)
    caller.hangUp()
    expectNothingLeft(world)
  }

  @Test(
    "Plain RTP is offered where SRTP is not wanted, and where its keys would be seen",
    arguments: [(Site.SRTPPolicy.never, Flow.Transport.tls), (.allowed, .udp)])
  func plain(_ srtp: Site.SRTPPolicy, _ transport: Flow.Transport) {
    let (world, caller, phone) = office(srtp, over: transport)
    caller.call()
    world.run(for: .seconds(3))
    #expect(offered(to: phone) == ["RTP/AVP"])
    #expect(caller.heard == .peer(phone.rtpPort))
    caller.hangUp()
    expectNothingLeft(world)
  }

  @Test("A phone at an address that says TLS is offered SRTP as one that registers")
  func fixedAddress() throws {
    let uri = try URI(parsing: "sip:desk@127.0.0.1:7001;transport=tls")
    let world = World(.support([.address(uri)]) { $0.listen.sip.tls = 5061 })
    let phone = Peer("desk", at: 7001, over: .tls, listens: true, in: world)
    phone.keys = keys
    world.ready(0)
    let caller = Peer("alice", at: 6001, in: world)
    caller.call()
    world.run(for: .seconds(3))
    #expect(offered(to: phone) == ["RTP/SAVP"] && phone.heard == .peer(caller.rtpPort))
    expectProtected(phone, world, by: keys[0])
    caller.hangUp()
    expectNothingLeft(world)
  }

  // MARK: Callbacks

  /// A customer was called back through this gateway, as far as that goes.
  private func callBack(
    _ srtp: Site.SRTPPolicy, _ gateway: String = "sip:127.0.0.1:6100;transport=tls", keys: [SDESKey]
  ) throws -> (world: World, phone: Peer, gateway: Peer) {
    let uri = try URI(parsing: gateway)
    var site = Self.site()
    var callback = CallbackDefinition()
    callback.attempts = 1
    site.definitions.queues[0].callback = callback
    site.queues[0].callbackKey = 1
    site.callbacks.allowed = ["sip:alice@*"]
    site.callbacks.gateway = uri
    site.callbacks.srtp = srtp
    let world = World(site)
    let phone = Peer("desk", at: 7001, over: .tls, in: world)
    phone.keys = self.keys
    phone.register(as: "amina", password: "secret")
    let gateway = Peer("gateway", at: 6100, over: uri.transport, listens: true, in: world)
    gateway.keys = keys
    let caller = Peer("alice", at: 6001, in: world)
    caller.call()
    world.run(for: .seconds(1))
    guard let media = world.media.openIDs.first else { throw NegotiationError.noAudio }
    world.feed(.media(.digit(media, 1)))
    caller.hangUp()
    world.run(for: .seconds(1))
    world.ready(0)
    world.run(for: .seconds(6))
    return (world, phone, gateway)
  }

  @Test("A callback over a TLS gateway is offered SRTP", arguments: [Site.SRTPPolicy.allowed, .required])
  func callback(_ srtp: Site.SRTPPolicy) throws {
    let (world, phone, gateway) = try callBack(srtp, keys: PaperMedia.keys(0x55))
    #expect(offered(to: gateway) == ["RTP/SAVP"])
    #expect(phone.heard == .peer(gateway.rtpPort) && gateway.heard == .peer(phone.rtpPort))
    expectProtected(gateway, world, by: gateway.keys[0])
    #expect(world.outcomes() == [.callbackRequested, .answered])
    phone.hangUp()
    expectNothingLeft(world)
  }

  @Test("A gateway that refuses SRTP is asked again over plain RTP, unless SRTP is required")
  func callbackFallback() throws {
    var (world, phone, gateway) = try callBack(.allowed, keys: [])
    #expect(offered(to: gateway) == ["RTP/SAVP", "RTP/AVP"])
    #expect(phone.heard == .peer(gateway.rtpPort))
    #expect(world.media.security(at: gateway.rtpPort) == NegotiatedSecurity.none)
    #expect(world.checkpoint == world.replayed)
    phone.hangUp()
    expectNothingLeft(world)

    (world, phone, gateway) = try callBack(.required, keys: [])
    #expect(offered(to: gateway) == ["RTP/SAVP"] && phone.heard != .peer(gateway.rtpPort))
    #expect(world.outcomes() == [.callbackRequested, .unreached])
    expectNothingLeft(world)
  }

  @Test("Callbacks are offered plain RTP where SRTP is not wanted, and where its keys would be seen")
  func plainCallback() throws {
    for (srtp, uri) in [(Site.SRTPPolicy.never, "sip:127.0.0.1:6100;transport=tls"), (.allowed, "sip:127.0.0.1:6100")] {
      let (world, phone, gateway) = try callBack(srtp, uri, keys: [])
      #expect(offered(to: gateway) == ["RTP/AVP"] && phone.heard == .peer(gateway.rtpPort))
      phone.hangUp()
      expectNothingLeft(world)
    }
    // Nobody is promised a call that could not be made as it must be.
    let (world, _, gateway) = try callBack(.required, "sip:127.0.0.1:6100", keys: [])
    #expect(gateway.log.isEmpty && !world.outcomes().contains(.callbackRequested))
  }

  @Test("No key stands in the journal, in a checkpoint, or in what consoles and logs are told")
  func secrecy() {
    let (world, caller, phone) = office(keys: keys)
    caller.call()
    world.run(for: .seconds(3))
    phone.keys = PaperMedia.keys(0x55)
    phone.reinvite()
    world.run(for: .seconds(1))
    expectProtected(phone, world, by: phone.keys[0])
    guard case .sdes(let ours, _)? = world.media.security(at: phone.rtpPort) else { return }
    let secrets = [ours.key[0], 0x77, 0x55].map { Array(repeating: $0, count: 16) }
    let dialogs: [[UInt8]] = world.records.compactMap { record in
      if case .dialogConfirmed(_, _, let dialog) = record.event { dialog.bytes } else { nil }
    }
    #expect(!dialogs.isEmpty)
    for secret in secrets {
      let inWords = "\(secret)".dropFirst().dropLast()
      for bytes in dialogs + [world.checkpoint] { #expect(!bytes.contains(secret)) }
      #expect(!"\(world.records)\(world.notices)".contains(inWords))
      #expect(
        !"\(MediaEvent.opened(MediaID(slot: 0, generation: 0), OpenedMedia(port: 1, sdes: keys)))\(phone.agreed as Any)"
          .contains(inWords))
    }
    caller.hangUp()
    expectNothingLeft(world)
  }

  @Test("A phone that must be secure from now on, and came over UDP, is unreachable until it comes over TLS")
  func reload() {
    let (world, _, phone) = office(over: .udp)
    #expect(world.view(0)?.phone == "ok")
    world.reconfigure(Self.site(.required, "sips"))
    #expect(world.view(0)?.phone == "unreachable")
    phone.register(as: "amina", password: "secret")
    world.run(for: .seconds(1))
    #expect(phone.registered.last == 403)
    #expect(world.checkpoint == world.replayed)
  }

  private func failures(in world: World) -> [OfferFailure] {
    world.records.compactMap { record in
      if case .acd(.offerFailed(_, _, _, let failure)) = record.event { failure } else { nil }
    }
  }
}

extension [UInt8] {
  fileprivate func contains(_ other: [UInt8]) -> Bool { firstRange(of: other) != nil }
}
