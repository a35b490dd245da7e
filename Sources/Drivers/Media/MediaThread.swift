import CLinux
import CallControl
import Glibc
import Media
import Primitives
import Synchronization

/// One thread that reads the packets of its ports and paces what they play. It sleeps in epoll and allocates nothing
/// for a packet.
final class MediaThread: Sendable {
  /// Keys of epoll events: the number of a port, even for RTP and odd for RTCP, or one of these, or beyond them a socket of
  /// the browsers' port.
  private static let wakeKey: UInt64 = 1 << 16
  private static let tickKey: UInt64 = 1 << 16 + 1
  private static let browserKey: UInt64 = 1 << 16 + 2
  /// The largest packet that is read, and what protection may add to it.
  private static let mostBytes = 2_048
  private static let spare = 64
  /// A thread that was held up sends at most this many frames at once.
  private static let mostTicks: UInt64 = 5

  private let poll: Int32
  private let wakeup: Int32
  private let timer: Int32
  private let ports: Mutex<Table>
  private let firstPort: Int
  private let browsers: BrowserPort?
  private let recordings: [Recording]
  private let emit: @Sendable (MediaEvent) -> Void

  private struct Table {
    /// Whose sockets the thread reads, by half the distance of the number from the first.
    var places: [MediaPort?]
    /// Those with a leg, in no order, and where each stands.
    var live: [MediaPort] = []
    var positions: [ObjectIdentifier: Int] = [:]
  }

  /// - Parameters:
  ///   - numbers: those that its ports may have.
  ///   - browsers: the browsers' port, if this thread is the one that reads it.
  init(
    numbers: ClosedRange<UInt16>, browsers: BrowserPort?, recordings: [Recording],
    emit: @escaping @Sendable (MediaEvent) -> Void
  ) throws {
    self.browsers = browsers; self.recordings = recordings; self.emit = emit
    firstPort = Int(numbers.lowerBound)
    ports = Mutex(Table(places: Array(repeating: nil, count: numbers.count / 2 + 2)))
    poll = epoll_create1(Int32(EPOLL_CLOEXEC))
    wakeup = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
    timer = timerfd_create(CLOCK_MONOTONIC, Int32(TFD_CLOEXEC | TFD_NONBLOCK))
    guard poll >= 0, wakeup >= 0, timer >= 0 else { throw SystemError(errno: errno) }
    watch(wakeup, key: Self.wakeKey)
    watch(timer, key: Self.tickKey)
    for (index, socket) in (browsers?.sockets ?? []).enumerated() {
      watch(socket.descriptor, key: Self.browserKey + UInt64(index))
    }
  }

  deinit {
    for descriptor in [poll, wakeup, timer] { close(descriptor) }
  }

  static func now() -> Instant { Instant(microseconds: microseconds(of: CLOCK_MONOTONIC)) }

  /// Ends the thread.
  func stop() {
    var one: UInt64 = 1
    write(wakeup, &one, 8)
  }

  private func place(_ number: some BinaryInteger) -> Int { Int(number) / 2 - firstPort / 2 }

  /// Reads the sockets of a new port, if it has some of its own.
  func add(_ port: MediaPort) {
    if case .own(let number, let rtp, let rtcp) = port.path {
      ports.withLock { $0.places[place(number)] = port }
      watch(rtp.descriptor, key: UInt64(number))
      watch(rtcp.descriptor, key: UInt64(number) + 1)
    }
    resume(port)
  }

  /// The port has a leg again.
  func resume(_ port: MediaPort) {
    ports.withLock { table in
      if table.live.isEmpty { setTimer(running: true) }
      table.positions[ObjectIdentifier(port)] = table.live.count
      table.live.append(port)
    }
  }

  /// The port has no leg any more. Its sockets are read, or what comes to them would fill the kernel's buffers.
  func pause(_ port: MediaPort) {
    ports.withLock { table in
      guard let position = table.positions.removeValue(forKey: ObjectIdentifier(port)) else { return }
      let last = table.live.removeLast()
      if last !== port {
        table.live[position] = last
        table.positions[ObjectIdentifier(last)] = position
      }
      if table.live.isEmpty { setTimer(running: false) }
    }
  }

  /// Forgets a port; closing its sockets takes them out of epoll.
  func remove(_ port: MediaPort) {
    guard let number = port.number else { return }
    ports.withLock { $0.places[place(number)] = nil }
  }

  /// The thread's life.
  func run() {
    let room = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.mostBytes + Self.spare, alignment: 16)
    defer { room.deallocate() }
    var batch = DatagramBatch(most: browsers == nil ? 0 : Self.mostBytes, spare: Self.spare)
    let frames = PlayedFrames(recordings)
    var ready = [epoll_event](repeating: epoll_event(), count: 256)
    var events: [MediaEvent] = []
    var tick = 0
    while true {
      let count = epoll_wait(poll, &ready, Int32(ready.count), -1)
      let now = Self.now()
      for event in ready.prefix(Int(max(count, 0))) {
        switch event.data.u64 {
        case Self.wakeKey: return
        case Self.tickKey:
          var ticks: UInt64 = 0
          guard read(timer, &ticks, 8) == 8 else { continue }
          for _ in 0..<min(ticks, Self.mostTicks) {
            tick += 1
            self.tick(frames, room, tick, at: now, into: &events)
          }
        case let key where key >= Self.browserKey:
          guard let browsers else { continue }
          browsers.receive(from: browsers.sockets[Int(key - Self.browserKey)], &batch, at: now, into: &events)
        case let key:
          guard let port = ports.withLock({ $0.places[place(key)] }) else { continue }
          if key % 2 == 0 {
            port.relay(through: room, spare: Self.spare, at: now, into: &events)
          } else {
            port.receiveControl(through: room, at: now)
          }
        }
      }
      for event in events { emit(event) }
      events.removeAll(keepingCapacity: true)
    }
  }

  private func tick(
    _ frames: PlayedFrames, _ room: UnsafeMutableRawBufferPointer, _ tick: Int, at now: Instant,
    into events: inout [MediaEvent]
  ) {
    frames.fill(tick: tick)
    // Sending to all of them takes long; whoever opens a port meanwhile must not wait for it.
    let live = ports.withLock { $0.live }
    let span = live.span
    for place in span.indices {
      let isTurn = (tick + place) % 50 == 0
      guard isTurn || span[place].isPaced else { continue }
      span[place].tick(frames, room, isTurn: isTurn, at: now, into: &events)
      if isTurn, let lost = span[place].lost(at: now) { events.append(.lost(lost)) }
    }
  }

  private func watch(_ descriptor: Int32, key: UInt64) {
    var event = epoll_event(events: EPOLLIN.rawValue, data: epoll_data_t(u64: key))
    epoll_ctl(poll, EPOLL_CTL_ADD, descriptor, &event)
  }

  /// 20 ms, the packet time of all that we play; off while there is no port.
  private func setTimer(running: Bool) {
    let period = timespec(tv_sec: 0, tv_nsec: running ? 20_000_000 : 0)
    var setting = itimerspec(it_interval: period, it_value: period)
    timerfd_settime(timer, 0, &setting, nil)
  }
}
