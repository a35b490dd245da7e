import ACD
import API
import AsyncHTTPClient
import CallControl
import Digest
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Primitives
import ServiceLifecycle
import Synchronization
import Testing

@testable import Web

/// Stands behind the web edge: keeps contacts and messages, notes every command, and publishes what follows.
final class FakeSwitchboard: Sendable {
  struct State {
    var commands: [Command] = []
    var contacts: [PublicID: ContactView] = [:]
    var messages: [MessageView] = []
    var agentContacts: [PublicID] = []
    var records: [ContactRow] = []
    var counts = Counts()
    var refusal: CallControl.Problem?
    var isReady = true
    /// Commands are heard, and not answered as long as this lasts.
    var isHeld = false
    var isWithoutTokens = false
    var sequence: UInt64 = 100
  }
  let state = Mutex(State())
  let feed: Feed
  let site: Site
  /// For one reader.
  let heard: AsyncStream<Command>
  private let tell: AsyncStream<Command>.Continuation

  init(
    feed: Feed = Feed(after: 100), trusting proxies: [AddressRange] = [], shop: String = "https://shop.example",
    _ change: (inout Site) -> Void = { _ in }
  ) {
    self.feed = feed
    var site = Site()
    site.definitions.names.queues = ["support"]
    site.definitions.names.agents = ["amina"]
    site.definitions.names.reasons += ["lunch"]
    site.definitions.names.codes += ["sale", "refund"]
    var queue = QueueDefinition(name: "support")
    queue.codes = [CodeID(index: 0), CodeID(index: 1), CodeID(index: 2)]
    site.definitions.queues = [queue]
    var agent = AgentDefinition(name: "amina")
    agent.queues = [.init(queue: QueueID(index: 0))]
    site.definitions.agents = [agent]
    site.entries = [
      .init(name: "web:shop", queue: QueueID(index: 0), channels: [.chat], origins: [shop]),
      .init(name: "web:demo", queue: QueueID(index: 0), channels: [.voice, .chat]),
      .init(name: "web:phone", queue: QueueID(index: 0), channels: [.voice]),
    ]
    site.tokens = [
      Self.token("reader", [.read]), Self.token("amina", [.agent], agent: AgentID(index: 0)),
      Self.token("boss", [.admin]), Self.token("shop", [.widget]),
    ]
    site.listen.http.trustedProxies = proxies
    change(&site)
    self.site = site
    (heard, tell) = AsyncStream.makeStream()
  }

  private static func token(_ text: String, _ scopes: [Site.Token.Scope], agent: AgentID? = nil) -> Site.Token {
    Site.Token(sha256: HashFunction.sha256.hash(Array(text.utf8)), scopes: scopes, agent: agent)
  }

  var backend: Backend {
    Backend(
      perform: { await self.perform($0) },
      site: {
        var site = self.site
        if self.state.withLock({ $0.isWithoutTokens }) { site.tokens = [] }
        return site
      },
      messages: { contact, after in
        self.state.withLock { $0.messages.filter { $0.contact == contact && $0.sequence > after } }
      },
      contacts: { query in
        self.state.withLock { state in
          Array(
            state.records.filter { $0.position < query.before ?? .max }.sorted { $0.position > $1.position }
              .prefix(query.limit))
        }
      },
      intervals: { query in
        var counters = QueueCounters()
        counters.entered = 10; counters.answered = 6; counters.answeredWithin = 3; counters.abandoned = 4
        return [IntervalRow(queue: query.queue ?? "support", start: Instant(microseconds: 0), counters: counters)]
      },
      why: { query in
        guard query.agent != "nobody" else { throw CallControl.Problem.notFound("No agent is called nobody.") }
        let offer = Why.Decision(
          sequence: 7, at: Timestamp(milliseconds: 0), kind: "offered", summary: "offered to \(query.agent ?? "amina")",
          queue: "q_support", policy: "longest_idle")
        return Why(contact: query.contact.description, decision: offer)
      },
      isReady: { self.state.withLock { $0.isReady } },
      metrics: { [Metric("switchboard_uptime_seconds", "Since the start.", .gauge, [.init(1.5)])] })
  }

  // MARK: Commands

  var commands: [Command] { state.withLock { $0.commands } }

  /// Suspends until a command arrives that fits.
  func next(_ fits: (Command) -> Bool) async -> Command? {
    for await command in heard where fits(command) { return command }
    return nil
  }

  private func perform(_ command: Command) async -> Reply {
    let reply = state.withLock { state -> Reply in
      state.commands.append(command)
      if let refusal = state.refusal { return .refused(refusal) }
      return answer(command, &state)
    }
    tell.yield(command)
    while state.withLock({ $0.isHeld }) { try? await Task.sleep(for: .milliseconds(1)) }
    return reply
  }

  private func answer(_ command: Command, _ state: inout State) -> Reply {
    switch command {
    case .openChat(let request):
      let id = PublicID(high: 7, low: UInt64(state.contacts.count) + 1)
      state.contacts[id] = ContactView(
        id: id, channel: .chat, queue: "support", state: .queued, entered: Instant(microseconds: 1_700_000_000_123_456),
        ahead: 2, waitRange: WaitRange(low: .minutes(3), high: .minutes(6)), visitorName: request.name,
        attributes: request.attributes)
      return .contact(state.contacts[id]!)  // It was written on the line before.
    case .openCall(let request):
      let id = PublicID(high: 8, low: UInt64(state.contacts.count) + 1)
      var view = ContactView(
        id: id, channel: .voice, queue: "support", state: .queued,
        entered: Instant(microseconds: 1_700_000_000_123_456),
        visitorName: request.visitor.name)
      view.origin = "web"
      state.contacts[id] = view
      return .call(view, sdpAnswer: Array("v=0\r\ns=answer\r\n".utf8))
    case .openPhone: return .phone(PhoneID(number: 7), sdpAnswer: Array("v=0\r\ns=answer\r\n".utf8))
    case .reoffer: return .answer(Array("v=0\r\n".utf8))
    case .trickle(_, let fragment):
      return fragment.starts(with: "a=ice-ufrag".utf8) ? .fragment(Array("a=ice-ufrag:ours".utf8)) : .done
    case .describeContact(let id):
      return state.contacts[id].map { .contact($0) } ?? .refused(.notFound("There is no such contact."))
    case .describeAgent: return .agent(agent(state))
    case .describeAgents: return .agents([agent(state)])
    case .describeQueues:
      return .queues([
        QueueView(name: "support", summary: QueueSummary(queue: QueueID(index: 0)), serviceLevel: .init())
      ])
    case .describeCounts: return .counts(state.counts)
    case .post(let contact, let author, let text):
      return .message(
        MessageView(
          sequence: state.sequence + 1, contact: contact, at: Instant(microseconds: 5), author: author,
          authorName: "Jo", text: text))
    case .migrateWaiting: return .migrated(contacts: 3)
    case .accept(_, let offer): return offer.sequence == 9 ? .done : .refused(.conflict("Answer on your phone."))
    default: return .done
    }
  }

  private func agent(_ state: State) -> AgentView {
    AgentView(
      agent: AgentID(index: 0), name: "amina", displayName: "Amina Berg", state: "ready", phone: "demo",
      contacts: state.agentContacts.compactMap { state.contacts[$0] })
  }

  // MARK: Facts

  @discardableResult
  func say(_ text: String, in contact: PublicID, by author: Author = .visitor) -> UInt64 {
    let message = state.withLock { state -> MessageView in
      state.sequence += 1
      let message = MessageView(
        sequence: state.sequence, contact: contact, at: Instant(microseconds: 5), author: author, authorName: "Jo",
        text: text)
      state.messages.append(message)
      return message
    }
    publish(.message(message), message.sequence, contact: contact)
    return message.sequence
  }

  func change(_ contact: PublicID, to state: ContactView.State) {
    let (view, sequence) = self.state.withLock { all -> (ContactView, UInt64) in
      all.sequence += 1
      all.contacts[contact]!.state = state  // Tests change contacts that they opened.
      return (all.contacts[contact]!, all.sequence)  // As above.
    }
    publish(state == .ended ? .contactEnded(view) : .contactChanged(view), sequence, contact: contact)
  }

  func publish(_ body: Notice.Body, _ sequence: UInt64, contact: PublicID? = nil, agent: AgentID? = nil) {
    feed.publish([
      Notice(sequence: sequence, at: Instant(microseconds: 5), contact: contact, agent: agent, body: body)
    ])
  }
}

/// A running server on a free port of the loopback, and a client.
struct TestServer: Sendable {
  let fake: FakeSwitchboard
  let server: WebServer
  let port: Int
  let group: ServiceGroup

  struct Reply: Sendable {
    var status: Int
    var headers: HTTPHeaders
    var body: [UInt8]
    var text: String { String(decoding: body, as: UTF8.self) }
    func decode<Value: Decodable>(_: Value.Type = Value.self) throws -> Value { try API.JSON.decode(body) }
    func problem() throws -> API.Problem {
      #expect(headers.first(name: "content-type") == "application/problem+json")
      return try decode()
    }
  }

  var url: String { "http://127.0.0.1:\(port)" }
  var origin: String { url }

  func request(
    _ method: HTTPMethod, _ path: String, token: String? = nil, json: String? = nil,
    headers: [(String, String)] = []
  ) async throws -> HTTPClientResponse {
    var request = HTTPClientRequest(url: url + path)
    request.method = method
    if let token { request.headers.add(name: "authorization", value: "Bearer " + token) }
    for (name, value) in headers { request.headers.add(name: name, value: value) }
    if let json {
      if !request.headers.contains(name: "content-type") {
        request.headers.add(name: "content-type", value: "application/json")
      }
      request.body = .bytes(ByteBuffer(string: json))
    }
    return try await HTTPClient.shared.execute(request, timeout: .seconds(30))
  }

  func send(
    _ method: HTTPMethod, _ path: String, token: String? = nil, json: String? = nil,
    headers: [(String, String)] = []
  ) async throws -> Reply {
    let response = try await request(method, path, token: token, json: json, headers: headers)
    let body = try await response.body.collect(upTo: 1 << 22)
    return Reply(status: Int(response.status.code), headers: response.headers, body: Array(buffer: body))
  }

  /// Opens a chat as a visitor of our own page.
  func openChat(_ json: String = "{}") async throws -> (id: PublicID, token: String) {
    let reply = try await send(.POST, "/v1/contacts?entry=demo", json: json, headers: [("origin", origin)])
    let opened: OpenedContact = try reply.decode()
    return (try #require(PublicID(parsing: opened.contact.id)), opened.token)
  }

  func events(_ path: String, token: String, after: String? = nil) async throws -> EventReader {
    let response = try await request(
      .GET, path, token: token, headers: after.map { [("last-event-id", $0)] } ?? [])
    #expect(response.status == .ok)
    #expect(response.headers.first(name: "content-type") == "text/event-stream")
    return EventReader(body: response.body.makeAsyncIterator())
  }
}

/// Takes the events of a stream one by one.
struct EventReader {
  var body: HTTPClientResponse.Body.AsyncIterator
  var reader = EventStreamReader()
  var waiting: [ServerSentEvent] = []

  /// Nil when the stream has ended.
  mutating func next() async throws -> StreamEvent? {
    while waiting.isEmpty {
      guard let buffer = try await body.next() else { return nil }
      waiting += try reader.read(buffer.readableBytesView)
    }
    let event = waiting.removeFirst()
    return try StreamEvent(name: event.name, json: event.data)
  }
}

func withServer(
  _ fake: FakeSwitchboard = FakeSwitchboard(), demo: DemoPage? = nil, options: WebServer.Options = .init(),
  key: VisitorKey = VisitorKey([UInt8](repeating: 7, count: 32)), certificate: Site.Listen.Certificate? = nil,
  _ body: (TestServer) async throws -> Void
) async throws {
  let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
  var listen = Site.Listen.HTTP()
  listen.port = 0
  listen.certificate = certificate
  var logger = Logger(label: "test")
  logger.logLevel = .critical
  let server = WebServer(
    backend: fake.backend, feed: fake.feed, visitorKey: key, listen: listen, demo: demo, options: options,
    logger: logger, eventLoops: MultiThreadedEventLoopGroup.singleton, onListening: { continuation.yield($0) })
  let group = ServiceGroup(configuration: .init(services: [server], logger: logger))
  try await withThrowingTaskGroup(of: Void.self) { tasks in
    tasks.addTask { try await group.run() }
    var iterator = ports.makeAsyncIterator()
    let port = try #require(await iterator.next())
    do { try await body(TestServer(fake: fake, server: server, port: port, group: group)) } catch {
      await group.triggerGracefulShutdown()
      throw error
    }
    await group.triggerGracefulShutdown()
    try await tasks.waitForAll()
  }
}

enum AgentIDs { static let amina = AgentID(index: 0) }

/// For `guard … else { return fail("…") }`.
func fail(_ comment: Comment) { Issue.record(comment) }
