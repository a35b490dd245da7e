/// A moment on the engine clock: microseconds since 1970-01-01T00:00:00Z.
///
/// The engine clock is wall time at start plus CLOCK_BOOTTIME, never below the last journaled instant, so deadlines
/// and waits survive a restart. Simulation uses the same type. Intervals are plain `Int64` microseconds.
@frozen
public struct Instant: Hashable, Comparable, Sendable {
  public var microseconds: Int64

  @inlinable public init(microseconds: Int64) { self.microseconds = microseconds }

  /// Earlier than every instant that a clock yields.
  @inlinable public static var distantPast: Instant { Instant(microseconds: .min) }
  /// Later than every instant that a clock yields: the deadline of something that never happens.
  @inlinable public static var distantFuture: Instant { Instant(microseconds: .max) }

  @inlinable public static func < (a: Instant, b: Instant) -> Bool { a.microseconds < b.microseconds }
  @inlinable public static func + (a: Instant, interval: Int64) -> Instant {
    Instant(microseconds: a.microseconds &+ interval)
  }
  @inlinable public static func - (a: Instant, interval: Int64) -> Instant {
    Instant(microseconds: a.microseconds &- interval)
  }
  /// The interval from `b` to `a` in microseconds.
  @inlinable public static func - (a: Instant, b: Instant) -> Int64 { a.microseconds &- b.microseconds }
}

/// Intervals in microseconds, written in the units people use.
extension Int64 {
  @inlinable public static func milliseconds(_ n: Int64) -> Int64 { n * 1_000 }
  @inlinable public static func seconds(_ n: Int64) -> Int64 { n * 1_000_000 }
  @inlinable public static func minutes(_ n: Int64) -> Int64 { n * 60_000_000 }
}
