import CallControl
import HTTPTypes
import SIP
import Synchronization

/// What the handlers share while the server runs.
final class Desk: Sendable {
  let backend: Backend
  let feed: Feed
  let visitorKey: VisitorKey
  let options: WebServer.Options
  let presence: Presence
  let streams: EventStreams
  let traffic = Traffic()
  private let limiter = Mutex(RateLimiter())
  private let answers = Mutex(IdempotencyCache())
  private let start = ContinuousClock.now

  init(backend: Backend, feed: Feed, visitorKey: VisitorKey, options: WebServer.Options) {
    self.backend = backend
    self.feed = feed
    self.visitorKey = visitorKey
    self.options = options
    presence = Presence(perform: backend.perform)
    streams = EventStreams(feed: feed, backend: backend)
  }

  /// Microseconds since the server was made.
  private var now: Int64 {
    let (seconds, attoseconds) = (ContinuousClock.now - start).components
    return seconds * 1_000_000 + attoseconds / 1_000_000_000_000
  }

  /// Takes one from the address's buckets and writes the `RateLimit` fields of the narrower one.
  func limit(_ quota: RateLimiter.Quota?, _ address: Endpoint, _ headers: inout HTTPFields) throws {
    for quota in [Gate.anything, quota].compactMap({ $0 }) {
      let verdict = limiter.withLock { $0.take(quota, address: address, at: now) }
      headers[.rateLimitPolicy] = quota.policy
      headers[.rateLimit] = quota.field(verdict)
      guard verdict.isAllowed else { throw Refused.tooMany(verdict) }
    }
  }

  /// Takes one from the bucket that a page's visitors share.
  func limit(_ quota: RateLimiter.Quota, origin: String) throws {
    let verdict = limiter.withLock { $0.take(quota, .origin(origin.lowercased()), at: now) }
    guard verdict.isAllowed else {
      var refused = Refused.tooMany(verdict)
      refused.headers[.rateLimitPolicy] = quota.policy
      refused.headers[.rateLimit] = quota.field(verdict)
      throw refused
    }
  }

  func begin(_ key: IdempotencyCache.Key, _ fingerprint: [UInt8]) -> IdempotencyCache.Finding {
    answers.withLock { $0.begin(key, fingerprint: fingerprint, at: now) }
  }
  func finish(_ key: IdempotencyCache.Key, _ answer: Answer) { answers.withLock { $0.finish(key, with: answer) } }
  func abandon(_ key: IdempotencyCache.Key) { answers.withLock { $0.abandon(key) } }

  /// Carries out a command; what call control refuses is thrown as a problem.
  @discardableResult
  func perform(_ command: Command) async throws -> Reply {
    let reply = await backend.perform(command)
    if case .refused(let problem) = reply { throw Refused(problem) }
    return reply
  }

  /// - Throws: 503 while the journal takes no events.
  func checkReady() throws {
    guard backend.isReady() else {
      throw Refused.unavailable("not-ready", "Not ready", "The journal takes no events now.", retryAfter: 1)
    }
  }

  func contact(_ id: PublicID) async throws -> ContactView {
    guard case .contact(let view) = try await perform(.describeContact(id)) else { throw Refused.internalError }
    return view
  }
}

/// Answered requests by route and status.
final class Traffic: Sendable {
  struct Key: Hashable, Comparable, Sendable {
    var route: String
    var status: Int
    static func < (a: Key, b: Key) -> Bool { (a.route, a.status) < (b.route, b.status) }
  }
  private let counts = Mutex<[Key: UInt64]>([:])

  func count(route: String, status: Int) { counts.withLock { $0[Key(route: route, status: status), default: 0] += 1 } }
  var all: [(Key, UInt64)] { counts.withLock { $0.sorted { $0.key < $1.key } }.map { ($0.key, $0.value) } }
}
