import Glibc
public import Primitives

/// The clock of the engine: wall time at start plus CLOCK_BOOTTIME. It never goes back, not when someone sets the wall
/// clock, and a start never lies before the last instant that the journal holds.
public struct EngineClock: Sendable {
  private let offset: Int64

  /// - Parameter floor: the last journaled instant, or `distantPast`.
  public init(notBefore floor: Instant = .distantPast) {
    let boot = microseconds(of: CLOCK_BOOTTIME)
    offset = max(microseconds(of: CLOCK_REALTIME), floor.microseconds) - boot
  }

  public var now: Instant { Instant(microseconds: microseconds(of: CLOCK_BOOTTIME) + offset) }
}

/// Time of a kernel clock in microseconds.
func microseconds(of clock: clockid_t) -> Int64 {
  var time = timespec()
  clock_gettime(clock, &time)
  return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
}
