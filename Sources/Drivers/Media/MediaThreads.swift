public import CallControl
import Digest
import Glibc
public import Media
public import Primitives
import SDP
public import SIP
import Synchronization

/// All media of a server: a few threads of its own, and the RTP ports. Commands are carried out by the thread that
/// gives them, since to open or close a port costs less than to wake another thread; packets never leave the media
/// threads. The sockets of a call that is over are kept for another: to make and register four of them would cost as
/// much as to send and receive eight messages. Those that none has wanted for a while are closed.
public final class MediaThreads: Sendable {
  public struct Settings: Sendable {
    /// The local address of all ports.
    public var address: Endpoint
    /// Even ports carry RTP, the odd ones after them RTCP.
    public var ports: ClosedRange<UInt16> = 20_000...29_999
    /// Music on hold by number; the first is the built-in.
    public var music: [Recording] = [.builtInMusic()]
    /// The RTP ports that may stay bound without a leg, two sockets each: never more than an eighth of what the process
    /// may open.
    public var idlePorts = min(1_024, DescriptorLimit.current / 16)
    public var threads = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)) / 2)
    /// Where browsers reach us; nil where none does.
    public var browsers: Browsers?
    public init(address: Endpoint) { self.address = address }
  }

  /// The one UDP port of all browsers.
  public struct Browsers: Sendable {
    /// One address of a family at most, with the same port.
    public var local: [Endpoint]
    /// Numeric addresses that candidates name, the preferred one first.
    public var advertised: [String]
    public init(local: [Endpoint], advertised: [String]) { self.local = local; self.advertised = advertised }
  }

  /// What the browsers' port threw away, for the metrics: neither a browser's nor harm.
  public struct BrowserCounters: Sendable, Equatable {
    /// Checks for nobody, and without the fingerprint of STUN.
    public internal(set) var unknownChecks: UInt64 = 0
    /// From addresses that no check has proven.
    public internal(set) var strangers: UInt64 = 0
  }

  /// How long new sessions get the same certificate.
  private static let certificateLife: Int64 = .seconds(24 * 3_600)

  private struct Control {
    var ports: [MediaID: (port: MediaPort, thread: MediaThread)] = [:]
    /// Bound, but without a leg, by number, and since when.
    var idle: [UInt16: (port: MediaPort, thread: MediaThread, since: Instant)] = [:]
    var pool: PortPool
    var entropy: Entropy
    var opened = 0
    /// What the next browser is shown, and since when.
    var certificate: (made: Instant, shown: DTLSCertificate)?
  }

  private let settings: Settings
  private let browsers: BrowserPort?
  private let threads: [MediaThread]
  private let running: [DriverThread]
  private let control: Mutex<Control>
  private let emit: @Sendable (MediaEvent) -> Void

  /// Starts the threads.
  /// - Parameter events: called on a media thread, or by `perform`; must not block.
  public init(
    settings: Settings, entropy: Entropy, events: @escaping @Sendable (MediaEvent) -> Void
  ) throws {
    self.settings = settings
    emit = events
    var control = Control(pool: PortPool(settings.ports), entropy: entropy)
    // Made now, so that no caller waits for it.
    if settings.browsers != nil { control.certificate = (MediaThread.now(), try DTLSCertificate()) }
    self.control = Mutex(control)
    let browsers = try settings.browsers.map { browsers in
      try BrowserPort(bound: browsers.local.map(NetworkAddress.init), advertised: browsers.advertised)
    }
    self.browsers = browsers
    let recordings = settings.music + [.ringBack()]
    threads = try (0..<settings.threads).map { number in
      try MediaThread(
        numbers: settings.ports, browsers: number == 0 ? browsers : nil, recordings: recordings, emit: events)
    }
    running = try threads.map { thread in try DriverThread("media") { thread.run() } }
  }

  /// Carries out commands. Waits for no network and no disk.
  public func perform(_ commands: [MediaCommand]) {
    for command in commands { carryOut(command) }
  }

  /// Ports in use.
  public var openPorts: Int { control.withLock { $0.ports.count } }

  public var browserCounters: BrowserCounters { browsers?.counters ?? .init() }

  /// Ends the threads and closes all ports. Returns when it is done; call it once, from no media thread.
  public func stop() {
    for thread in threads { thread.stop() }
    for thread in running { thread.join() }
    control.withLock { control in
      for (port, _) in control.ports.values { port.close() }
      for (port, _, _) in control.idle.values { port.close() }
      (control.ports, control.idle) = ([:], [:])
    }
    browsers?.close()
  }

  /// Closes the ports that have been without a leg for so many microseconds: no more are kept than the calls of that
  /// time needed.
  public func closeIdlePorts(after time: Int64 = .seconds(60)) {
    let now = MediaThread.now()
    // Calls open and close meanwhile: a number is free for them when its sockets are closed, and by then its place is.
    let closing = control.withLock { control in
      let closing = control.idle.filter { now - $0.value.since >= time }
      for key in closing.keys { control.idle[key] = nil }
      return closing
    }
    for (port, thread, _) in closing.values {
      thread.remove(port)
      port.close()
    }
  }

  private func carryOut(_ command: MediaCommand) {
    let now = MediaThread.now()
    switch command {
    case .open(let id, let transport):
      if let opened = control.withLock({ open(id, transport, at: now, &$0) }) {
        emit(.opened(id, opened))
      } else {
        emit(.failed(id))
      }
    case .restartICE(let id):
      guard let port = port(id) else { return }
      let credentials = ShortTermCredentials(random: randomBytes(24))
      port.restart(credentials)
      emit(.restarted(id, ICECredentials(credentials)))
    case .setRemote(let id, let remote):
      var events: [MediaEvent] = []
      port(id)?.setFarEnd(remote, at: now, into: &events)
      for event in events { emit(event) }
    case .join(let first, let second):
      guard first != second, let first = port(first), let second = port(second) else { return }
      first.setFeed(.port(second))
      second.setFeed(.port(first))
    case .play(let id, .music(let number)):
      port(id)?.setFeed(.recording(settings.music.indices.contains(number) ? number : 0))
    case .play(let id, .ringback):
      // The ring-back tone stands behind the music.
      port(id)?.setFeed(.recording(settings.music.count))
    case .play(let id, .echo):
      port(id)?.setFeed(.echo)
    case .stop(let id):
      port(id)?.setFeed(.nothing)
    case .close(let id):
      control.withLock { control in
        guard let (port, thread) = control.ports.removeValue(forKey: id) else { return }
        thread.pause(port)
        if let number = port.number, control.idle.count < settings.idlePorts {
          port.vacate()
          control.idle[number] = (port, thread, now)
        } else {
          thread.remove(port)
          port.close()
        }
        if let number = port.number { control.pool.giveBack(number, at: now) }
      }
    }
  }

  private func port(_ id: MediaID) -> MediaPort? { control.withLock { $0.ports[id]?.port } }

  private func open(
    _ id: MediaID, _ transport: MediaTransport, at now: Instant, _ control: inout Control
  ) -> OpenedMedia? {
    guard control.ports[id] == nil else { return nil }
    let start = control.entropy.next()
    let outgoing = OutgoingStream(
      ssrc: UInt32(truncatingIfNeeded: start),
      // In the lower half, or the loss of the first packets could be taken for a roll-over (RFC 3711 section 3.3.1).
      sequence: UInt16(truncatingIfNeeded: start >> 32) & 0x7fff,
      timestamp: UInt32(truncatingIfNeeded: control.entropy.next()))
    switch transport {
    case .rtp:
      return openPort(id, outgoing, at: now, &control).map { OpenedMedia(port: $0) }
    case .srtp:
      let keys = SRTPSuite.preferred.map { SDESKey(suite: $0, key: randomBytes($0.keyBytes + $0.saltBytes)) }
      return openPort(id, outgoing, at: now, &control).map { OpenedMedia(port: $0, sdes: keys) }
    case .web:
      return openBrowser(id, outgoing, at: now, &control)
    }
  }

  private func openBrowser(
    _ id: MediaID, _ outgoing: OutgoingStream, at now: Instant, _ control: inout Control
  ) -> OpenedMedia? {
    guard let browsers, let certificate = certificate(at: now, &control) else { return nil }
    let credentials = ShortTermCredentials(random: randomBytes(24))
    let port = MediaPort(id: id, path: .browsers(browsers), outgoing: outgoing)
    port.openBrowser(credentials, certificate, at: now)
    let thread = threads[control.opened % threads.count]
    control.opened += 1
    control.ports[id] = (port, thread)
    thread.add(port)
    return OpenedMedia(
      port: browsers.number,
      web: WebTransport(
        ice: ICECredentials(credentials), fingerprint: Fingerprint(hash: "sha-256", digest: certificate.fingerprint),
        candidates: browsers.candidates))
  }

  /// The certificate of the day. A session keeps the one that its answer named.
  private func certificate(at now: Instant, _ control: inout Control) -> DTLSCertificate? {
    if let (made, certificate) = control.certificate, now - made < Self.certificateLife { return certificate }
    if let new = try? DTLSCertificate() { control.certificate = (now, new) }
    return control.certificate?.shown
  }

  /// Takes the next port that the system lets us have; another program may sit on some of the range.
  private func openPort(
    _ id: MediaID, _ outgoing: OutgoingStream, at now: Instant, _ control: inout Control
  ) -> UInt16? {
    for _ in 0..<16 {
      guard let number = control.pool.take(at: now) else { return nil }
      if let (port, thread, _) = control.idle.removeValue(forKey: number) {
        port.reopen(for: id, outgoing: outgoing)
        control.ports[id] = (port, thread)
        thread.resume(port)
        return number
      }
      let rtp = try? DatagramSocket(bound: local(number))
      let rtcp = try? DatagramSocket(bound: local(number + 1))
      guard let rtp, let rtcp else {
        rtp?.close()
        rtcp?.close()
        control.pool.giveBack(number, at: now)
        continue
      }
      let port = MediaPort(id: id, path: .own(number: number, rtp: rtp, rtcp: rtcp), outgoing: outgoing)
      let thread = threads[control.opened % threads.count]
      control.opened += 1
      control.ports[id] = (port, thread)
      thread.add(port)
      return number
    }
    return nil
  }

  private func local(_ port: UInt16) -> NetworkAddress {
    NetworkAddress(high: settings.address.high, low: settings.address.low, port: port)
  }
}

extension ICECredentials {
  init(_ credentials: ShortTermCredentials) {
    self.init(
      ufrag: String(decoding: credentials.ufrag, as: UTF8.self),
      password: String(decoding: credentials.password, as: UTF8.self))
  }
}

extension SRTPSuite {
  /// The cheapest strong one first, the one with a short tag last.
  fileprivate static let preferred: [SRTPSuite] = [
    .aeadAES128GCM, .aesCM128HMAC80, .aeadAES256GCM, .aesCM256HMAC80, .aesCM128HMAC32,
  ]
}
