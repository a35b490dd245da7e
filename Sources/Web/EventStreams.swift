import API
import CallControl
import HTTPTypes
import Hummingbird
import NIOCore
import ServiceLifecycle

/// Writes a subscription as server-sent events until the client goes, the server stops or the story ends.
struct EventStreams: Sendable {
  let feed: Feed
  let backend: Backend

  /// - Parameters:
  ///   - snapshot: the state to start from where the stream cannot be resumed.
  ///   - waiting: looks a waiting contact up again from time to time: its place changes by what others do, which is
  ///     no event of its own.
  ///   - mayRead: asked before everything that is written after the beginning; the stream ends where the right to read
  ///     it does, as it also does with its token.
  ///   - opened, closed: called once each, around the life of the stream.
  func answer(
    _ topic: Feed.Topic, for audience: Audience, exchange: Exchange,
    snapshot: @escaping @Sendable () async throws -> StreamEvent.Snapshot,
    waiting: (@Sendable () async throws -> Contact)? = nil, mayRead: @escaping @Sendable () async -> Bool = { true },
    opened: @escaping @Sendable () async -> Void = {}, closed: @escaping @Sendable () -> Void = {}
  ) throws -> Answer {
    let after = try lastEventID(exchange)
    let (request, principal) = (exchange.request, exchange.principal)
    guard let reader = principal.reader else { throw Refused.unauthorized(principal) }
    let isAllowed: @Sendable () async -> Bool = {
      guard principal.isValid(in: backend.site()) else { return false }
      return await mayRead()
    }
    return Answer(
      status: .ok, headers: [.contentType: "text/event-stream", .xAccelBuffering: "no"],
      body: .stream { writer in
        var out = writer
        await opened()
        defer { closed() }
        try await request.body.consumeWithCancellationOnInboundClose { _ in
          try await write(
            topic, of: reader, for: audience, after: after, snapshot: snapshot, waiting: waiting, isAllowed: isAllowed,
            to: &out)
        }
        try await out.finish(nil)
      })
  }

  private func lastEventID(_ exchange: Exchange) throws -> UInt64? {
    guard let text = exchange.request.headers[.lastEventID] ?? exchange.query("last_event_id") else { return nil }
    guard let sequence = UInt64(text) else { throw Refused.badRequest("Last-Event-ID is not one of ours.") }
    return sequence
  }

  private func write(
    _ topic: Feed.Topic, of reader: Feed.Reader, for audience: Audience, after: UInt64?,
    snapshot: @Sendable () async throws -> StreamEvent.Snapshot, waiting: (@Sendable () async throws -> Contact)?,
    isAllowed: @Sendable () async -> Bool, to writer: inout any ResponseBodyWriter
  ) async throws {
    let subscription = feed.subscribe(topic, for: reader, after: after)
    var isOver = false
    var told: Contact?
    do {
      if let missed = subscription.missed {
        // The comment tells at once that the link is up, even if nothing was missed.
        try await writer.write(ByteBuffer(string: ": resumed\n\n"))
        isOver = try await write(missed, for: audience, told: &told, to: &writer)
      } else {
        let event = StreamEvent.reset(try await snapshot())
        isOver = event.endsStory(for: audience)
        told = event.contact
        try await writer.write(event.buffer(id: subscription.position))
      }
      if !isOver {
        pieces: for await piece in subscription.pieces.cancelOnGracefulShutdown() {
          guard await isAllowed() else { break pieces }
          switch piece {
          case .beat: try await writer.write(try await beat(told: &told, waiting: waiting))
          case .notices(let notices):
            if try await write(notices, for: audience, told: &told, to: &writer) { break pieces }
          }
        }
      }
    } catch {
      _ = feed.cancel(subscription)
      throw error
    }
    if feed.cancel(subscription) { try await writer.write(StreamEvent.dropped.buffer(id: nil)) }
  }

  /// What a silent stream says: a new place in the line, or just that it is alive.
  private func beat(told: inout Contact?, waiting: (@Sendable () async throws -> Contact)?) async throws -> ByteBuffer {
    let alive = ByteBuffer(string: ":\n\n")
    guard let waiting, told?.state ?? "queued" == "queued" else { return alive }
    // A contact that is gone, or a full mailbox, is no reason to end the stream: events tell what matters.
    guard let contact = try? await waiting(), contact.state == "queued", contact != told else { return alive }
    told = contact
    return try StreamEvent.contactChanged(contact).buffer(id: nil)
  }

  /// Whether the story is over. Only the last event of a sequence carries the id, so that a stream that breaks in
  /// between is resumed before the first of them.
  private func write(
    _ notices: [Notice], for audience: Audience, told: inout Contact?, to writer: inout any ResponseBodyWriter
  ) async throws -> Bool {
    var buffer = ByteBuffer()
    var isOver = false
    for (place, notice) in notices.enumerated() {
      guard let event = StreamEvent(notice.body, for: audience) else { continue }
      let isLast = place + 1 == notices.count || notices[place + 1].sequence != notice.sequence
      buffer.writeImmutableBuffer(try event.buffer(id: isLast ? notice.sequence : nil))
      isOver = isOver || event.endsStory(for: audience)
      told = event.contact ?? told
    }
    if buffer.readableBytes > 0 { try await writer.write(buffer) }
    return isOver
  }
}

extension StreamEvent {
  fileprivate func buffer(id: UInt64?) throws -> ByteBuffer {
    ByteBuffer(bytes: ServerSentEvent(id: id.map { String($0) }, name: name, data: try json()).encoded)
  }

  fileprivate var contact: Contact? {
    switch self {
    case .reset(let snapshot): snapshot.contact
    case .contactQueued(let contact), .contactChanged(let contact), .contactAnswered(let contact),
      .contactEnded(let contact):
      contact
    default: nil
    }
  }

  /// A visitor's stream ends with the contact; there is nothing to connect again for.
  fileprivate func endsStory(for audience: Audience) -> Bool {
    guard audience == .visitor else { return false }
    return switch self {
    case .contactEnded: true
    case .contactChanged(let contact): contact.state == "ended"
    case .reset(let snapshot): snapshot.contact?.state == "ended"
    default: false
    }
  }
}

extension HTTPField.Name {
  // The names are valid tokens, so none of these is nil.
  static let xAccelBuffering = HTTPField.Name("X-Accel-Buffering")!
  static let lastEventID = HTTPField.Name("Last-Event-ID")!
  static let idempotencyKey = HTTPField.Name("Idempotency-Key")!
  static let rateLimit = HTTPField.Name("RateLimit")!
  static let rateLimitPolicy = HTTPField.Name("RateLimit-Policy")!
  static let xForwardedFor = HTTPField.Name("X-Forwarded-For")!
  static let forwarded = HTTPField.Name("Forwarded")!
  static let switchboardToken = HTTPField.Name("Switchboard-Token")!
  static let switchboardVisitor = HTTPField.Name("Switchboard-Visitor")!
  static let referrerPolicy = HTTPField.Name("Referrer-Policy")!
  static let crossOriginResourcePolicy = HTTPField.Name("Cross-Origin-Resource-Policy")!
}
