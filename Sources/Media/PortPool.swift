public import Primitives

/// The RTP ports of a site: even numbers of a range. A port that came back rests, so that late packets of an old call
/// never reach a new one; one that has rested goes out before one that was never used, so that what is kept for a port
/// serves many calls.
public struct PortPool: Sendable {
  public static let restTime: Int64 = .seconds(5)

  private struct Resting: Sendable {
    var port: UInt16
    var until: Instant
  }
  /// Never used, the next one last.
  private var fresh: [UInt16]
  /// A ring of those that came back: the oldest at `head`.
  private var ring: [Resting]
  private var head = 0
  private var count = 0
  public let capacity: Int

  /// - Parameter range: both ends included; RTCP takes the odd port after each.
  public init(_ range: ClosedRange<UInt16>) {
    fresh = range.filter { $0 % 2 == 0 && $0 < range.upperBound }.reversed()
    capacity = fresh.count
    ring = Array(repeating: Resting(port: 0, until: .distantPast), count: capacity)
  }

  public var free: Int { fresh.count + count }

  /// Nil if all are in use or still resting.
  public mutating func take(at now: Instant) -> UInt16? {
    guard count > 0, ring[head].until <= now else { return fresh.popLast() }
    defer {
      head = (head + 1) % capacity
      count -= 1
    }
    return ring[head].port
  }

  public mutating func giveBack(_ port: UInt16, at now: Instant) {
    precondition(free < capacity, "a port came back twice")
    ring[(head + count) % capacity] = Resting(port: port, until: now + Self.restTime)
    count += 1
  }
}
