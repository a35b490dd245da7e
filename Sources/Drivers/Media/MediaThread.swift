import CLinux
import CallControl
import Glibc
import Media
import Primitives
import Synchronization

/// One thread that reads the packets of its ports and paces what they play. It sleeps in epoll and allocates nothing
/// for a packet.
final class MediaThread: Sendable {
  /// Keys of epoll events: a port's place in the table with its socket in the lowest bit, or one of these.
  private static let wakeKey = UInt64.max
  private static let tickKey = UInt64.max - 1
  /// A thread that was held up sends at most this many frames at once.
  private static let mostTicks: UInt64 = 5

  private let poll: Int32
  private let wakeup: Int32
  private let timer: Int32
  private let ports = Mutex(Table())
  private let recordings: [Recording]
  private let emit: @Sendable (MediaEvent) -> Void

  private struct Table {
    var places: [MediaPort?] = []
    var live = 0
  }

  init(recordings: [Recording], emit: @escaping @Sendable (MediaEvent) -> Void) throws {
    self.recordings = recordings; self.emit = emit
    poll = epoll_create1(Int32(EPOLL_CLOEXEC))
    wakeup = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
    timer = timerfd_create(CLOCK_MONOTONIC, Int32(TFD_CLOEXEC | TFD_NONBLOCK))
    guard poll >= 0, wakeup >= 0, timer >= 0 else { throw SystemError(errno: errno) }
    watch(wakeup, key: Self.wakeKey)
    watch(timer, key: Self.tickKey)
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

  func add(_ port: MediaPort) {
    let place = ports.withLock { table -> Int in
      if table.live == 0 { setTimer(running: true) }
      table.live += 1
      if let free = table.places.firstIndex(where: { $0 == nil }) {
        table.places[free] = port
        return free
      }
      table.places.append(port)
      return table.places.count - 1
    }
    watch(port.rtp.descriptor, key: UInt64(place) << 1)
    watch(port.rtcp.descriptor, key: UInt64(place) << 1 | 1)
  }

  /// Forgets a port; closing its sockets takes them out of epoll.
  func remove(_ port: MediaPort) {
    ports.withLock { table in
      guard let place = table.places.firstIndex(where: { $0 === port }) else { return }
      table.places[place] = nil
      table.live -= 1
      if table.live == 0 { setTimer(running: false) }
    }
  }

  /// The thread's life.
  func run() {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 2_048, alignment: 16)
    defer { buffer.deallocate() }
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
            play(frames, tick: tick, at: now, into: &events)
          }
        case let key:
          guard let port = ports.withLock({ $0.places[Int(key >> 1)] }) else { continue }
          if key & 1 == 0 {
            port.relay(through: buffer, at: now, into: &events)
          } else {
            port.countRTCP(through: buffer)
          }
        }
      }
      for event in events { emit(event) }
      events.removeAll(keepingCapacity: true)
    }
  }

  private func play(_ frames: PlayedFrames, tick: Int, at now: Instant, into events: inout [MediaEvent]) {
    frames.fill(tick: tick)
    // Sending to all of them takes long; whoever opens a port meanwhile must not wait for it.
    for case let port? in ports.withLock({ $0.places }) {
      port.play(frames, at: now)
      if tick % 50 == 0, port.isLost(at: now) { events.append(.lost(port.id)) }
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
