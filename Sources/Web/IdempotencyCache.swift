/// Answers by `Idempotency-Key`, so that a repeated POST does nothing twice. A value: time comes in as microseconds.
struct IdempotencyCache: Sendable {
  struct Key: Hashable, Sendable {
    /// Who asks and where: a key of one caller means nothing to another.
    var scope: String
    var key: String
  }

  enum Finding {
    /// Nobody asked before: go on, then `finish` or `abandon`.
    case new
    case running
    case answered(Answer)
    /// The key was used with another request.
    case other
  }

  private struct Entry {
    var fingerprint: [UInt8]
    var answer: Answer?
    var expires: Int64
  }

  private var entries: [Key: Entry] = [:]
  /// The keys of `entries`, each once, in the order of their first use, from `head` on.
  private var order: [Key] = []
  private var head = 0
  private let limit: Int
  private let lifetime: Int64

  init(limit: Int = 10_000, lifetime: Int64 = 24 * 3_600_000_000) {
    self.limit = limit
    self.lifetime = lifetime
  }

  var count: Int { order.count - head }

  mutating func begin(_ key: Key, fingerprint: [UInt8], at now: Int64) -> Finding {
    forget(at: now)
    if let entry = entries[key] {
      guard entry.fingerprint == fingerprint else { return .other }
      return entry.answer.map { .answered($0) } ?? .running
    }
    entries[key] = Entry(fingerprint: fingerprint, answer: nil, expires: now + lifetime)
    order.append(key)
    return .new
  }

  mutating func finish(_ key: Key, with answer: Answer) { entries[key]?.answer = answer }

  /// Nothing came of it: the same key may try again.
  mutating func abandon(_ key: Key) {
    // It is among the last ones, so the search is short.
    guard entries.removeValue(forKey: key) != nil, let place = order.lastIndex(of: key) else { return }
    order.remove(at: place)
  }

  private mutating func forget(at now: Int64) {
    while head < order.count {
      guard entries.count >= limit || entries[order[head]]?.expires ?? 0 <= now else { break }
      entries[order[head]] = nil
      head += 1
    }
    if head > limit {
      order.removeFirst(head)
      head = 0
    }
  }
}
