import FoundationEssentials

/// What an event stream tells: `event:` is `name`, `data:` the JSON of the payload, `id:` the journal sequence.
/// Payloads are whole views, so applying one twice does no harm.
public enum StreamEvent: Sendable, Equatable {
  /// Forget what you know and start from here: the first event of a stream that could not be resumed.
  case reset(Snapshot)
  /// The reader was too slow; the stream ends. Connect again with `Last-Event-ID`.
  case dropped
  case contactQueued(Contact)
  case contactChanged(Contact)
  case contactAnswered(Contact)
  case contactEnded(Contact)
  case messageCreated(Message)
  case offerMade(Offer)
  case offerEnded(OfferEnd)
  case agentChanged(Agent)
  case quality(ContactQuality)

  /// Only the parts that concern the reader are there.
  public struct Snapshot: Codable, Sendable, Equatable {
    public var contact: Contact?
    public var messages: [Message]?
    public var agent: Agent?
    public var queues: [Queue]?
    public init(
      contact: Contact? = nil, messages: [Message]? = nil, agent: Agent? = nil, queues: [Queue]? = nil
    ) {
      self.contact = contact; self.messages = messages; self.agent = agent; self.queues = queues
    }
  }

  public static let names = [
    "stream.reset", "stream.dropped", "contact.queued", "contact.changed", "contact.answered", "contact.ended",
    "message.created", "offer.made", "offer.ended", "agent.state_changed",
    "quality",
  ]

  public var name: String {
    switch self {
    case .reset: "stream.reset"
    case .dropped: "stream.dropped"
    case .contactQueued: "contact.queued"
    case .contactChanged: "contact.changed"
    case .contactAnswered: "contact.answered"
    case .contactEnded: "contact.ended"
    case .messageCreated: "message.created"
    case .offerMade: "offer.made"
    case .offerEnded: "offer.ended"
    case .agentChanged: "agent.state_changed"
    case .quality: "quality"
    }
  }

  /// The payload as JSON on one line.
  public func json() throws -> [UInt8] {
    switch self {
    case .reset(let snapshot): try JSON.encode(snapshot)
    case .dropped: Array("{}".utf8)
    case .contactQueued(let contact), .contactChanged(let contact), .contactAnswered(let contact),
      .contactEnded(let contact):
      try JSON.encode(contact)
    case .messageCreated(let message): try JSON.encode(message)
    case .offerMade(let offer): try JSON.encode(offer)
    case .offerEnded(let end): try JSON.encode(end)
    case .agentChanged(let agent): try JSON.encode(agent)
    case .quality(let quality): try JSON.encode(quality)
    }
  }

  /// Nil for a name this version does not know: skip it.
  public init?(name: String, json: [UInt8]) throws {
    switch name {
    case "stream.reset": self = .reset(try JSON.decode(json))
    case "stream.dropped": self = .dropped
    case "contact.queued": self = .contactQueued(try JSON.decode(json))
    case "contact.changed": self = .contactChanged(try JSON.decode(json))
    case "contact.answered": self = .contactAnswered(try JSON.decode(json))
    case "contact.ended": self = .contactEnded(try JSON.decode(json))
    case "message.created": self = .messageCreated(try JSON.decode(json))
    case "offer.made": self = .offerMade(try JSON.decode(json))
    case "offer.ended": self = .offerEnded(try JSON.decode(json))
    case "agent.state_changed": self = .agentChanged(try JSON.decode(json))
    case "quality": self = .quality(try JSON.decode(json))
    default: return nil
    }
  }
}

/// The one way in which the structs of this module become JSON and come back.
public enum JSON {
  public static func encode(_ value: some Encodable) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return Array(try encoder.encode(value))
  }

  public static func decode<Value: Decodable>(_ bytes: [UInt8], as _: Value.Type = Value.self) throws -> Value {
    try JSONDecoder().decode(Value.self, from: Data(bytes))
  }
}
