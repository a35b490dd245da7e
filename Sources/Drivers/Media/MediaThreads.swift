public import CallControl
import Glibc
public import Media
public import Primitives
import SDP
public import SIP
import Synchronization

/// All media of a server: a few threads of its own, and the RTP ports. Commands are carried out by the thread that
/// gives them, since to open or close a port costs less than to wake another thread; packets never leave the media
/// threads. The sockets of a call that is over are kept for another: to make and register four of them would cost as
/// much as to send and receive eight messages.
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
    public init(address: Endpoint) { self.address = address }
  }

  private struct Control {
    var ports: [MediaID: (port: MediaPort, thread: MediaThread)] = [:]
    /// Bound, but without a leg, by number.
    var idle: [UInt16: (port: MediaPort, thread: MediaThread)] = [:]
    var pool: PortPool
    var entropy: Entropy
    var opened = 0
  }

  private let settings: Settings
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
    control = Mutex(Control(pool: PortPool(settings.ports), entropy: entropy))
    let recordings = settings.music + [.ringBack()]
    threads = try (0..<settings.threads).map { _ in
      try MediaThread(numbers: settings.ports, recordings: recordings, emit: events)
    }
    running = try threads.map { thread in try DriverThread("media") { thread.run() } }
  }

  /// Carries out commands. Waits for no network and no disk.
  public func perform(_ commands: [MediaCommand]) {
    for command in commands { carryOut(command) }
  }

  /// Ports in use.
  public var openPorts: Int { control.withLock { $0.ports.count } }

  /// Ends the threads and closes all ports. Returns when it is done; call it once, from no media thread.
  public func stop() {
    for thread in threads { thread.stop() }
    for thread in running { thread.join() }
    control.withLock { control in
      for (port, _) in control.ports.values { port.close() }
      for (port, _) in control.idle.values { port.close() }
      (control.ports, control.idle) = ([:], [:])
    }
  }

  private func carryOut(_ command: MediaCommand) {
    let now = MediaThread.now()
    switch command {
    case .open(let id, let transport):
      // Browsers and SRTP have no port here yet.
      if transport == .rtp, let number = control.withLock({ open(id, at: now, &$0) }) {
        emit(.opened(id, OpenedMedia(port: number)))
      } else {
        emit(.failed(id))
      }
    case .restartICE: break
    case .setRemote(let id, let remote):
      port(id)?.setFarEnd(FarEnd(remote), at: now)
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
        if control.idle.count < settings.idlePorts {
          port.vacate()
          control.idle[port.number] = (port, thread)
        } else {
          thread.remove(port)
          port.close()
        }
        control.pool.giveBack(port.number, at: now)
      }
    }
  }

  private func port(_ id: MediaID) -> MediaPort? { control.withLock { $0.ports[id]?.port } }

  /// Takes the next port that the system lets us have; another program may sit on some of the range.
  private func open(_ id: MediaID, at now: Instant, _ control: inout Control) -> UInt16? {
    guard control.ports[id] == nil else { return nil }
    for _ in 0..<16 {
      guard let number = control.pool.take(at: now) else { return nil }
      let start = control.entropy.next()
      let outgoing = OutgoingStream(
        ssrc: UInt32(truncatingIfNeeded: start), sequence: UInt16(truncatingIfNeeded: start >> 32),
        timestamp: UInt32(truncatingIfNeeded: control.entropy.next()))
      if let (port, thread) = control.idle.removeValue(forKey: number) {
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
      let port = MediaPort(id: id, number: number, rtp: rtp, rtcp: rtcp, outgoing: outgoing)
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

extension FarEnd {
  init(_ remote: RemoteMedia) {
    self.init(
      address: remote.endpoint.map(NetworkAddress.init),
      codec: Media.Codec(remote.codec), payloadType: remote.payloadType,
      incomingPayloadType: remote.incomingPayloadType, telephoneEvent: remote.telephoneEvent,
      incomingTelephoneEvent: remote.incomingTelephoneEvent, sends: remote.sends, receives: remote.receives)
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
