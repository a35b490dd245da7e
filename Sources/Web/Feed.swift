public import CallControl
import ACD
import Synchronization

/// Released notices on their way to event streams. The last ones stay in a ring, so that a stream can go on where it
/// broke off; a subscriber who does not keep up is cut off and told so.
public final class Feed: Sendable {
  /// Whose notices a subscriber gets.
  enum Topic: Hashable, Sendable {
    case contact(PublicID)
    case agent(AgentID)
    case all
  }

  /// Who reads. A stream beyond the limit ends the reader's oldest, which is the likeliest to be read by nobody.
  enum Reader: Hashable, Sendable {
    /// By the visitor's token, which speaks for one contact.
    case visitor(token: String)
    /// By the hash of a token of the site.
    case holder(sha256: [UInt8])

    /// Streams at once: a visitor has a tab or a few, a token the screens of a floor.
    var limit: Int {
      switch self {
      case .visitor: 8
      case .holder: 64
      }
    }
  }

  enum Piece: Sendable {
    /// In sequence; never empty.
    case notices([Notice])
    /// Nothing happened for a while.
    case beat
  }

  /// A stream of the feed. Its pieces end when it was too slow, when its reader has too many, or when it is cancelled.
  struct Subscription: Sendable {
    let pieces: AsyncStream<Piece>
    /// What it missed since the sequence it named, or nil if that cannot be told any more.
    let missed: [Notice]?
    /// The last sequence published before its pieces begin.
    let position: UInt64
    fileprivate let place: Place
  }

  fileprivate struct Place: Sendable, Equatable {
    var topic: Topic
    var number: UInt64
    var reader: Reader
  }

  fileprivate struct State {
    var ring: [Notice] = []
    /// Where the oldest notice stands once the ring is full.
    var start = 0
    /// Notices up to this sequence are not in the ring.
    var floor: UInt64
    var last: UInt64
    var subscribers: [Topic: [UInt64: AsyncStream<Piece>.Continuation]] = [:]
    /// The open streams of each reader, the oldest first.
    var places: [Reader: [Place]] = [:]
    var next: UInt64 = 0
    var tooSlow: Set<UInt64> = []
  }

  private let state: Mutex<State>
  private let capacity: Int
  private let patience: Int

  /// - Parameters:
  ///   - floor: the journal's last sequence at start; earlier notices cannot be told again.
  ///   - capacity: notices kept.
  ///   - patience: batches a subscriber may lag behind.
  public init(after floor: UInt64 = 0, capacity: Int = 65_536, patience: Int = 256) {
    self.capacity = capacity
    self.patience = patience
    state = Mutex(State(floor: floor, last: floor))
  }

  /// Called with the notices of released steps, in order. Those of one sequence must come in one call.
  public func publish(_ notices: [Notice]) {
    guard !notices.isEmpty else { return }
    state.withLock { state in
      // A measure is soon followed by the next, so nobody misses it.
      for notice in notices where !notice.isQuality { state.keep(notice, capacity: capacity) }
      guard !state.subscribers.isEmpty else { return }
      var batches: [Topic: [Notice]] = [:]
      for notice in notices {
        for topic in notice.topics where state.subscribers[topic] != nil {
          batches[topic, default: []].append(notice)
        }
      }
      for (topic, batch) in batches { state.send(.notices(batch), to: topic) }
    }
  }

  /// Into how many parts the time between two beats is cut; each has its share of the streams, so that those of all
  /// who wait do not ask for their place in one instant.
  static let beatParts: UInt64 = 32

  /// Lets the silent streams of one part prove that they are alive.
  func beat(part: UInt64) {
    state.withLock { state in
      for topic in state.subscribers.values {
        for (number, continuation) in topic where number % Self.beatParts == part { continuation.yield(.beat) }
      }
    }
  }

  func subscribe(_ topic: Topic, for reader: Reader, after sequence: UInt64?) -> Subscription {
    state.withLock { state in
      let (pieces, continuation) = AsyncStream.makeStream(
        of: Piece.self, bufferingPolicy: .bufferingOldest(patience))
      let place = Place(topic: topic, number: state.next, reader: reader)
      state.next += 1
      state.subscribers[topic, default: [:]][place.number] = continuation
      state.places[reader, default: []].append(place)
      if let open = state.places[reader], open.count > reader.limit { state.end(open[0]) }
      return Subscription(
        pieces: pieces, missed: sequence.flatMap { state.missed(topic, after: $0) }, position: state.last,
        place: place)
    }
  }

  /// Whether the subscriber was too slow.
  func cancel(_ subscription: Subscription) -> Bool {
    state.withLock { state in
      state.end(subscription.place)
      return state.tooSlow.remove(subscription.place.number) != nil
    }
  }

  /// Streams that are open now.
  var count: Int { state.withLock { $0.subscribers.values.reduce(0) { $0 + $1.count } } }
}

extension Feed.State {
  fileprivate mutating func keep(_ notice: Notice, capacity: Int) {
    last = max(last, notice.sequence)
    guard ring.count == capacity else { return ring.append(notice) }
    floor = ring[start].sequence
    ring[start] = notice
    start = (start + 1) % capacity
  }

  fileprivate mutating func end(_ place: Feed.Place) {
    let continuation = subscribers[place.topic]?.removeValue(forKey: place.number)
    if subscribers[place.topic]?.isEmpty == true { subscribers[place.topic] = nil }
    places[place.reader]?.removeAll { $0 == place }
    if places[place.reader]?.isEmpty == true { places[place.reader] = nil }
    continuation?.finish()
  }

  fileprivate mutating func send(_ piece: Feed.Piece, to topic: Feed.Topic) {
    guard let continuations = subscribers[topic] else { return }
    for (number, continuation) in continuations {
      guard case .dropped = continuation.yield(piece) else { continue }
      continuation.finish()
      tooSlow.insert(number)
      subscribers[topic]?[number] = nil
    }
    if subscribers[topic]?.isEmpty == true { subscribers[topic] = nil }
  }

  fileprivate func missed(_ topic: Feed.Topic, after sequence: UInt64) -> [Notice]? {
    guard sequence >= floor, sequence <= last else { return nil }
    func notice(_ place: Int) -> Notice { ring[(start + place) % ring.count] }
    // Sequences grow along the ring, so the first one to tell is found by halving.
    var (low, high) = (0, ring.count)
    while low < high {
      let middle = (low + high) / 2
      if notice(middle).sequence <= sequence { low = middle + 1 } else { high = middle }
    }
    return (low..<ring.count).map(notice).filter { $0.topics.contains(topic) }
  }
}

extension Notice {
  fileprivate var isQuality: Bool { if case .quality = body { true } else { false } }

  /// Who gets it.
  fileprivate var topics: [Feed.Topic] {
    var topics = [Feed.Topic.all]
    if let contact { topics.append(.contact(contact)) }
    if let agent { topics.append(.agent(agent)) }
    return topics
  }
}
