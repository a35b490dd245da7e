public import Primitives
public import SIP

/// Counts what each untrusted source sends, and shuts out who sends too much (the stock values of Kamailio's pike and
/// ban table). A value that is told the time; its memory is bounded, the oldest entries make room.
public struct SourceGate: Sendable {
  public struct Limits: Sendable, Equatable {
    /// The message that is one too many within the window.
    public var messages = 16
    public var window: Int64 = .seconds(2)
    public var ban: Int64 = .seconds(300)
    public var sources = 10_000
    public init() {}
  }

  public enum Verdict: Sendable, Equatable {
    case admitted
    /// This message was one too many: the source is shut out from now on.
    case banned
    /// Dropped without a word.
    case shutOut
  }

  /// One IPv4 address, or one IPv6 network of 64 bits, which is what one far end has.
  private struct Source: Hashable, Sendable {
    var high: UInt64
    var low: UInt64
    init(_ endpoint: Endpoint) {
      high = endpoint.high
      low = endpoint.ipv4 == nil ? 0 : endpoint.low
    }
  }
  private struct Entry: Sendable {
    var since: Instant
    var count = 0
    var bannedUntil = Instant.distantPast
  }

  private let limits: Limits
  private var entries: [Source: Entry] = [:]
  /// Sources in the order of their arrival, from `oldest` on.
  private var order: [Source] = []
  private var oldest = 0

  public init(limits: Limits = Limits()) { self.limits = limits }

  /// Sources remembered now.
  public var count: Int { entries.count }

  public mutating func judge(_ endpoint: Endpoint, at now: Instant) -> Verdict {
    let source = Source(endpoint)
    if entries[source] == nil { admitNew(source, at: now) }
    guard var entry = entries[source] else { return .admitted }
    if now < entry.bannedUntil { return .shutOut }
    if now - entry.since >= limits.window || entry.bannedUntil != .distantPast {
      entry = Entry(since: now)
    }
    entry.count += 1
    let isTooMany = entry.count >= limits.messages
    if isTooMany { entry.bannedUntil = now + limits.ban }
    entries[source] = entry
    return isTooMany ? .banned : .admitted
  }

  private mutating func admitNew(_ source: Source, at now: Instant) {
    if entries.count >= limits.sources {
      entries[order[oldest]] = nil
      oldest += 1
      if oldest > order.count / 2 {
        order.removeFirst(oldest)
        oldest = 0
      }
    }
    order.append(source)
    entries[source] = Entry(since: now)
  }
}
