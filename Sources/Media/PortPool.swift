public import Primitives

/// The RTP ports of a site: even numbers of a range, handed out in turn. A port that came back rests, so that late
/// packets of an old call never reach a new one.
public struct PortPool: Sendable {
  public static let restTime: Int64 = .seconds(5)

  private struct Resting: Sendable {
    var port: UInt16
    var until: Instant
  }
  /// A ring: taken at `head`, `count` long.
  private var ring: [Resting]
  private var head = 0
  public private(set) var free: Int

  /// - Parameter range: both ends included; RTCP takes the odd port after each.
  public init(_ range: ClosedRange<UInt16>) {
    ring = range.filter { $0 % 2 == 0 && $0 < range.upperBound }.map { Resting(port: $0, until: .distantPast) }
    free = ring.count
  }

  public var capacity: Int { ring.count }

  /// The port that has rested longest; nil if all are in use or still resting.
  public mutating func take(at now: Instant) -> UInt16? {
    guard free > 0, ring[head].until <= now else { return nil }
    defer {
      head = (head + 1) % ring.count
      free -= 1
    }
    return ring[head].port
  }

  public mutating func giveBack(_ port: UInt16, at now: Instant) {
    precondition(free < ring.count, "a port came back twice")
    ring[(head + free) % ring.count] = Resting(port: port, until: now + Self.restTime)
    free += 1
  }
}
