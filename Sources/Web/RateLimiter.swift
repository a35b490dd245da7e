import SIP

/// Token buckets per client address, or per origin of a page. A value: time comes in as microseconds from any start.
struct RateLimiter: Sendable {
  /// `burst` at once, then one per `interval` microseconds.
  struct Quota: Sendable, Hashable {
    var name: String
    var burst: Int64
    var interval: Int64

    /// The window after which an emptied bucket is full again, in seconds, rounded up.
    var window: Int64 { (burst * interval + 999_999) / 1_000_000 }
  }

  struct Verdict: Sendable, Equatable {
    var isAllowed: Bool
    var remaining: Int64
    /// Seconds until one more is allowed, rounded up; 0 if one is.
    var retryAfter: Int64
  }

  /// Who is counted.
  enum Subject: Hashable, Sendable {
    case address(Endpoint)
    case origin(String)
  }

  private struct Key: Hashable, Sendable {
    var subject: Subject
    var quota: String
  }

  /// For each bucket the time at which it will be full (the "theoretical arrival time" of GCRA).
  private var fullAt: [Key: Int64] = [:]
  private let limit: Int

  init(limit: Int = 20_000) { self.limit = limit }

  mutating func take(_ quota: Quota, address: Endpoint, at now: Int64) -> Verdict {
    take(quota, .address(address.limitKey), at: now)
  }

  mutating func take(_ quota: Quota, _ subject: Subject, at now: Int64) -> Verdict {
    let key = Key(subject: subject, quota: quota.name)
    if fullAt[key] == nil, fullAt.count >= limit { makeRoom(at: now) }
    let filled = max(fullAt[key] ?? now, now)
    let capacity = quota.burst * quota.interval
    let after = filled + quota.interval
    guard after - now <= capacity else {
      return Verdict(isAllowed: false, remaining: 0, retryAfter: (after - now - capacity + 999_999) / 1_000_000)
    }
    fullAt[key] = after
    return Verdict(isAllowed: true, remaining: (capacity - (after - now)) / quota.interval, retryAfter: 0)
  }

  /// Full buckets say nothing and go first. If addresses still fill the table, it starts afresh: forgetting a limit
  /// for a moment is better than to grow or to turn away strangers.
  private mutating func makeRoom(at now: Int64) {
    fullAt = fullAt.filter { $0.value > now }
    if fullAt.count >= limit { fullAt.removeAll(keepingCapacity: true) }
  }
}

extension RateLimiter.Quota {
  /// The fields of draft-ietf-httpapi-ratelimit-headers.
  var policy: String { "\"\(name)\";q=\(burst);w=\(window)" }
  func field(_ verdict: RateLimiter.Verdict) -> String {
    "\"\(name)\";r=\(verdict.remaining);t=\(verdict.retryAfter)"
  }
}
