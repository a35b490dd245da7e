import CallControl
import Media
import Primitives
import SDP
import SIP
import Synchronization

/// One leg: its path, its protection and its machine. Packets of a leg are read by one thread; another thread may send
/// through it, so the state stands behind a lock, which is free nearly always and held for one packet. Sockets of its own
/// outlive the leg: after a rest they serve another.
final class MediaPort: Sendable {
  /// What the far end hears.
  enum Feed {
    case nothing
    case port(MediaPort)
    case recording(Int)
    case echo
  }

  /// How packets travel.
  enum Path {
    case own(number: UInt16, rtp: DatagramSocket, rtcp: DatagramSocket)
    case browsers(BrowserPort)
  }

  /// What each packet needs stands first, and what few legs have stands elsewhere: with hundreds of legs a packet costs
  /// what it misses in the processor's caches.
  struct State: ~Copyable {
    /// No leg has the port: what comes is thrown away.
    var isIdle = false
    var isClosed = false
    /// Nothing goes or comes unprotected, so nothing at all while there are no keys.
    var isProtected = false
    var feed = Feed.nothing
    /// Where the leg's packets go, in the kernel's form.
    var destination: (socket: DatagramSocket, address: KernelAddress)?
    var leg: MediaLeg
    var protection: Protection?
    /// From what is heard to what the far end speaks, where these differ.
    var transcoder: Transcoder?
    var browser: Box<BrowserTransport>?
    /// By these the browsers' port finds the leg.
    var fragments: [[UInt8]] = []
    var addresses: [NetworkAddress] = []
    /// What was agreed with the far end: another one brings new keys.
    var security = NegotiatedSecurity.none
    var id: MediaID

    init(id: MediaID, outgoing: OutgoingStream) {
      self.id = id
      leg = MediaLeg(outgoing: outgoing)
    }
  }

  // Both are touched under the lock of their leg alone, so they may cross threads with it.
  final class Protection: @unchecked Sendable {
    var sender: SRTPSender?
    var receiver: SRTPReceiver?
  }

  final class Box<Value: ~Copyable>: @unchecked Sendable {
    var value: Value
    init(_ value: consuming Value) { self.value = value }
  }

  /// Something is to be done every 20 ms. Apart from the rest, so that who has nothing to do is passed by.
  private let pacing = Atomic(false)
  let path: Path
  let state: Mutex<State>

  init(id: MediaID, path: Path, outgoing: OutgoingStream) {
    self.path = path
    state = Mutex(State(id: id, outgoing: outgoing))
  }

  /// Of its own sockets.
  var number: UInt16? { if case .own(let number, _, _) = path { number } else { nil } }

  func setFarEnd(_ remote: RemoteMedia, at now: Instant, into events: inout [MediaEvent]) {
    state.withLock { state in
      secure(&state, by: remote.security, at: now)
      var farEnd = FarEnd(remote)
      if case .browsers = path { farEnd.address = state.browser?.value.ice.selected }
      state.leg.setFarEnd(farEnd, at: now)
      aim(&state)
      settle(&state, at: now, into: &events)
    }
  }

  func setFeed(_ feed: Feed) {
    state.withLock { setFeed(feed, &$0) }
  }

  private func setFeed(_ feed: Feed, _ state: inout State) {
    state.feed = feed
    state.transcoder = nil
    var isPaced = state.browser != nil
    if case .recording = feed { isPaced = true }
    pacing.store(isPaced, ordering: .relaxed)
  }

  var isPaced: Bool { pacing.load(ordering: .relaxed) }

  /// The leg is over; the sockets wait for another.
  func vacate() {
    state.withLock { state in
      state.isIdle = true
      setFeed(.nothing, &state)
      state.destination = nil
      state.protection = nil
      state.security = .none
    }
  }

  /// Serves another leg.
  func reopen(for id: MediaID, outgoing: OutgoingStream) {
    state.withLock { $0 = State(id: id, outgoing: outgoing) }
  }

  func close() {
    vacate()
    state.withLock { state in
      guard !state.isClosed else { return }
      state.isClosed = true
      switch path {
      case .own(_, let rtp, let rtcp):
        rtp.close()
        rtcp.close()
      case .browsers(let browsers):
        state.browser?.value.close()
        deliver(&state)
        browsers.forget(fragments: state.fragments, addresses: state.addresses, of: self)
        state.browser = nil
      }
    }
  }

  // MARK: Packets

  /// Reads one RTP packet, if one is waiting at the leg's own socket, and passes it to whom it is for.
  /// - Parameter room: `spare` octets of it stay free for protection.
  func relay(through room: UnsafeMutableRawBufferPointer, spare: Int, at now: Instant, into events: inout [MediaEvent])
  {
    guard case .own(_, let rtp, _) = path else { return }
    relay(at: now, into: &events) { state in
      let most = UnsafeMutableRawBufferPointer(rebasing: room[..<(room.count - spare)])
      guard !state.isClosed, let received = rtp.receive(into: most) else { return nil }
      return (Datagram(bytes: room, count: received.count, sender: received.sender), nil)
    }
  }

  /// Passes on an RTP packet that came to the browsers' port.
  func relay(_ datagram: Datagram, at now: Instant, into events: inout [MediaEvent]) {
    relay(at: now, into: &events) { state in
      guard state.browser?.value.isProven(datagram.sender.networkAddress, at: now) == true else { return nil }
      // Whichever of its addresses it comes from: SRTP says that it is the browser's.
      return (datagram, state.leg.farEnd?.address)
    }
  }

  /// - Parameter receive: takes the datagram, and says who sent it where that is known better than by its address.
  @inline(__always)
  private func relay(
    at now: Instant, into events: inout [MediaEvent], _ receive: (inout State) -> (Datagram, NetworkAddress?)?
  ) {
    var target: MediaPort?
    var verdict = MediaLeg.Verdict.ignored
    var packet: Datagram?
    state.withLock { state in
      guard let (received, sender) = receive(&state), !state.isIdle else { return }
      var datagram = received
      if state.isProtected {
        let bytes = UnsafeMutableRawBufferPointer(rebasing: datagram.bytes[..<datagram.count])
        guard let count = try? state.protection?.receiver?.unprotect(bytes) else { return }
        datagram.count = count
      }
      var learned = false
      let source = sender ?? datagram.sender.networkAddress
      verdict = state.leg.receive(
        UnsafeRawBufferPointer(rebasing: datagram.bytes[..<datagram.count]), from: source, at: now, learned: &learned)
      packet = datagram
      if learned {
        aim(&state)
        events.append(.learned(state.id, Endpoint(source)))
      }
      if case .event(_, _, _, let digit?, _) = verdict { events.append(.digit(state.id, digit)) }
      switch state.feed {
      case .port(let partner): target = partner
      case .echo: target = self
      case .nothing, .recording: break
      }
    }
    guard verdict != .ignored, let target, let packet else { return }
    target.send(verdict, in: packet, from: self, at: now)
  }

  /// Sends a packet that another port received, unless this one hears something else by now.
  private func send(_ verdict: MediaLeg.Verdict, in datagram: Datagram, from source: MediaPort, at now: Instant) {
    let packet = UnsafeMutableRawBufferPointer(rebasing: datagram.bytes[..<datagram.count])
    state.withLock { state in
      guard state.destination != nil else { return }
      switch state.feed {
      case .port(let partner): guard partner === source else { return }
      case .echo: guard source === self else { return }
      case .nothing, .recording: return
      }
      if case .audio(let header, let codec, let payload) = verdict, state.leg.mustTranscode(codec) {
        return transcode(header, codec, UnsafeRawBufferPointer(rebasing: packet[payload]), at: now, &state)
      }
      guard let range = state.leg.forward(verdict, in: packet, at: now) else { return }
      transmit(UnsafeMutableRawBufferPointer(rebasing: datagram.bytes[range.lowerBound...]), count: range.count, &state)
    }
  }

  private func transcode(
    _ header: RTPHeader, _ codec: Media.Codec, _ payload: UnsafeRawBufferPointer, at now: Instant, _ state: inout State
  ) {
    guard let target = state.leg.farEnd?.codec else { return }
    if state.transcoder?.source != codec || state.transcoder?.target != target {
      state.transcoder = Transcoder(from: codec, to: target)
      pacing.store(true, ordering: .relaxed)
    }
    state.transcoder?.insert(header, payload, at: now)
  }

  /// Protects a packet if the leg is protected, and sends it. Room for that goes on behind its `count` octets.
  private func transmit(_ room: UnsafeMutableRawBufferPointer, count: Int, _ state: inout State) {
    guard let destination = state.destination else { return }
    var count = count
    if state.isProtected {
      guard let protected = try? state.protection?.sender?.protect(room, count: count) else { return }
      count = protected
    }
    destination.socket.send(UnsafeRawBufferPointer(rebasing: room[..<count]), to: destination.address)
  }

  /// What is due every 20 ms: a frame of what the port hears, if that is made here, and a browser's deadlines. `frames`
  /// holds a packet for each recording and codec, its header still to be written; `room` is for a packet of one's own.
  /// Who is not paced needs it at its turn only.
  /// - Parameter isTurn: about once a second, when reports are looked at too.
  func tick(
    _ frames: PlayedFrames, _ room: UnsafeMutableRawBufferPointer, isTurn: Bool, at now: Instant,
    into events: inout [MediaEvent]
  ) {
    state.withLock { state in
      if let deadline = state.browser?.value.deadline, deadline <= now {
        state.browser?.value.advance(to: now)
        settle(&state, at: now, into: &events)
      }
      if isTurn { report(through: room, at: now, &state, into: &events) }
      guard state.destination != nil, let codec = state.leg.farEnd?.codec else { return }
      var payload = UnsafeMutableRawBufferPointer(rebasing: room[RTPHeader.size...])
      if case .recording(let index) = state.feed {
        let frame = frames.payload(index, codec)
        payload.copyMemory(from: frame)
        payload = UnsafeMutableRawBufferPointer(rebasing: payload[..<frame.count])
      } else {
        guard let count = state.transcoder?.next(to: payload, at: now), count > 0 else { return }
        payload = UnsafeMutableRawBufferPointer(rebasing: payload[..<count])
      }
      guard let (header, _) = state.leg.nextGenerated(octets: payload.count, at: now) else { return }
      header.write(to: room)
      transmit(room, count: RTPHeader.size + payload.count, &state)
    }
  }

  /// Who has fallen silent, if the leg has. A browser's checks say that better than its packets.
  func lost(at now: Instant) -> MediaID? {
    guard case .own = path else { return nil }
    return state.withLock { !$0.isIdle && $0.leg.isLost(at: now) ? $0.id : nil }
  }

  // MARK: RTCP

  /// Reads one RTCP packet, if one is waiting at the leg's own socket.
  func receiveControl(through room: UnsafeMutableRawBufferPointer, at now: Instant) {
    guard case .own(_, _, let rtcp) = path else { return }
    state.withLock { state in
      guard !state.isClosed, let received = rtcp.receive(into: room), !state.isIdle else { return }
      let packet = UnsafeMutableRawBufferPointer(rebasing: room[..<received.count])
      take(packet, from: received.sender.networkAddress, at: now, &state)
    }
  }

  /// Takes RTCP that came over the path of RTP.
  func receiveControl(_ datagram: Datagram, at now: Instant) {
    state.withLock { state in
      guard state.browser?.value.isProven(datagram.sender.networkAddress, at: now) == true else { return }
      take(UnsafeMutableRawBufferPointer(rebasing: datagram.bytes[..<datagram.count]), from: nil, at: now, &state)
    }
  }

  private func take(
    _ packet: UnsafeMutableRawBufferPointer, from sender: NetworkAddress?, at now: Instant, _ state: inout State
  ) {
    var count = packet.count
    if state.isProtected {
      guard let plain = try? state.protection?.receiver?.unprotectControl(packet) else { return }
      count = plain
    }
    var isGoodbye = false
    let packet = UnsafeRawBufferPointer(rebasing: packet[..<count])
    guard state.leg.receiveControl(packet, from: sender, at: now, isGoodbye: &isGoodbye) else { return }
    // Error correction follows what the far end reports.
    state.transcoder?.setLoss(percent: Int(state.leg.quality.lossOut / 10_000))
  }

  /// Sends the report that is due, and tells how well packets travel.
  private func report(
    through room: UnsafeMutableRawBufferPointer, at now: Instant, _ state: inout State, into events: inout [MediaEvent]
  ) {
    guard !state.isIdle, var count = state.leg.nextControl(to: room, at: now) else { return }
    events.append(.quality(state.id, Quality(state.leg.quality)))
    if state.isProtected {
      guard let protected = try? state.protection?.sender?.protectControl(room, count: count) else { return }
      count = protected
    }
    let packet = UnsafeRawBufferPointer(rebasing: room[..<count])
    switch path {
    case .own(_, _, let rtcp):
      guard let address = state.leg.controlDestination, let destination = KernelAddress(address, family: rtcp.family)
      else { return }
      rtcp.send(packet, to: destination)
    case .browsers:
      guard let destination = state.destination else { return }
      destination.socket.send(packet, to: destination.address)
    }
  }

  // MARK: Browsers

  /// Our side of a browser's transport; its checks will find this port.
  func openBrowser(_ credentials: ShortTermCredentials, _ certificate: DTLSCertificate, at now: Instant) {
    guard case .browsers(let browsers) = path else { return }
    state.withLock { state in
      state.isProtected = true
      pacing.store(true, ordering: .relaxed)
      state.browser = Box(BrowserTransport(credentials: credentials, certificate: certificate, at: now))
      state.fragments = [credentials.ufrag]
    }
    browsers.register(credentials.ufrag, for: self)
  }

  /// New credentials of ours; those before them that no check may use any more are forgotten.
  func restart(_ credentials: ShortTermCredentials) {
    guard case .browsers(let browsers) = path else { return }
    let stale = state.withLock { state in
      state.browser?.value.restart(credentials)
      let previous = state.browser?.value.ice.previousCredentials?.ufrag
      let stale = state.fragments.filter { $0 != previous }
      state.fragments = state.fragments.filter { $0 == previous } + [credentials.ufrag]
      return stale
    }
    browsers.forget(fragments: stale, addresses: [], of: self)
    browsers.register(credentials.ufrag, for: self)
  }

  func isProven(_ address: NetworkAddress, at now: Instant) -> Bool {
    state.withLock { $0.browser?.value.isProven(address, at: now) ?? false }
  }

  /// Answers a check.
  /// - Returns: the answer, and whether the address is proven now and was not known before.
  func check(
    _ message: STUNMessage, in datagram: UnsafeRawBufferPointer, from source: NetworkAddress, at now: Instant,
    into events: inout [MediaEvent]
  ) -> (answer: [UInt8]?, isNew: Bool, dropped: NetworkAddress?) {
    state.withLock { state in
      let answer = state.browser?.value.check(message, in: datagram, from: source, at: now)
      settle(&state, at: now, into: &events)
      guard state.browser?.value.isProven(source, at: now) == true, !state.addresses.contains(source) else {
        return (answer, false, nil)
      }
      state.addresses.append(source)
      return (answer, true, state.addresses.count > ICELite.mostPairs ? state.addresses.removeFirst() : nil)
    }
  }

  /// Takes a DTLS datagram.
  func handshake(_ datagram: Datagram, at now: Instant, into events: inout [MediaEvent]) {
    state.withLock { state in
      let bytes = UnsafeRawBufferPointer(rebasing: datagram.bytes[..<datagram.count])
      state.browser?.value.receive(bytes, from: datagram.sender.networkAddress, at: now)
      settle(&state, at: now, into: &events)
    }
  }

  /// Follows what a browser's transport has come to.
  private func settle(_ state: inout State, at now: Instant, into events: inout [MediaEvent]) {
    for event in state.browser?.value.takeEvents() ?? [] {
      switch event {
      case .selected(let address):
        if var farEnd = state.leg.farEnd {
          farEnd.address = address
          state.leg.setFarEnd(farEnd, at: now)
        }
        aim(&state)
      case .keyed(let keys):
        let protection = Protection()
        protection.sender = SRTPSender(keys.outgoing)
        protection.receiver = SRTPReceiver(keys.incoming)
        state.protection = protection
        events.append(.connected(state.id))
      case .refused: events.append(.failed(state.id))
      case .lost: events.append(.lost(state.id))
      case .found: events.append(.connected(state.id))
      }
    }
    deliver(&state)
  }

  /// Sends what DTLS has to say.
  private func deliver(_ state: inout State) {
    guard case .browsers(let browsers) = path, let (address, datagrams) = state.browser?.value.takeOutgoing(),
      let route = browsers.route(to: address)
    else { return }
    for datagram in datagrams { _ = datagram.withUnsafeBytes { route.socket.send($0, to: route.address) } }
  }

  private func secure(_ state: inout State, by security: NegotiatedSecurity, at now: Instant) {
    guard security != state.security else { return }
    let before = state.security
    state.security = security
    switch security {
    case .none:
      state.isProtected = state.browser != nil
    case .sdes(let outgoing, let incoming):
      state.isProtected = true
      let protection = state.protection ?? Protection()
      state.protection = protection
      // Under a key that stays the stream goes on: a new context would count from the beginning, and so give its key
      // stream twice.
      if case .sdes(outgoing, _) = before {} else { protection.sender = SRTPMasterKey(outgoing).map { SRTPSender($0) } }
      if case .sdes(_, incoming) = before {
      } else {
        protection.receiver = SRTPMasterKey(incoming).map { SRTPReceiver($0) }
      }
    case .web(_, let fingerprints, let weAreClient):
      let fingerprints = fingerprints.compactMap { CertificateFingerprint(name: $0.hash, digest: $0.digest) }
      state.browser?.value.setFarEnd(fingerprints, weAre: weAreClient ? .client : .server, at: now)
    }
  }

  private func aim(_ state: inout State) {
    guard let address = state.leg.destination else {
      state.destination = nil
      return
    }
    switch path {
    case .own(_, let rtp, _): state.destination = KernelAddress(address, family: rtp.family).map { (rtp, $0) }
    case .browsers(let browsers): state.destination = browsers.route(to: address)
    }
  }
}

extension FarEnd {
  init(_ remote: RemoteMedia) {
    self.init(
      address: remote.endpoint.map(NetworkAddress.init),
      codec: Media.Codec(remote.codec), payloadType: remote.payloadType,
      incomingPayloadType: remote.incomingPayloadType, telephoneEvent: remote.telephoneEvent,
      incomingTelephoneEvent: remote.incomingTelephoneEvent, sends: remote.sends, receives: remote.receives)
    controlPort = remote.controlPort
    telephoneEventRate = UInt32(remote.telephoneEventRate)
  }
}

extension Media.Codec {
  fileprivate init(_ codec: AudioCodec) {
    switch codec {
    case .opus: self = .opus
    case .pcmu: self = .g711(.mu)
    case .pcma: self = .g711(.a)
    }
  }
}

extension SRTPMasterKey {
  /// Nil if it is not as long as its suite wants it.
  init?(_ key: SDESKey) {
    let profile: SRTPProfile =
      switch key.suite {
      case .aeadAES128GCM: .aeadAES128GCM
      case .aeadAES256GCM: .aeadAES256GCM
      case .aesCM128HMAC80: .aes128CM80
      case .aesCM128HMAC32: .aes128CM32
      case .aesCM256HMAC80: .aes256CM80
      }
    self.init(
      profile, key: Array(key.key.prefix(key.suite.keyBytes)), salt: Array(key.key.dropFirst(key.suite.keyBytes)))
  }
}

extension Quality {
  init(_ quality: LegQuality) {
    self.init(
      packetsReceived: quality.packetsReceived, lossIn: quality.lossIn, lossOut: quality.lossOut,
      jitter: quality.jitter, roundTrip: quality.roundTrip)
  }
}
