public import ACD
public import Primitives
public import SDP

/// A contact as the outside sees it.
public struct ContactView: Sendable, Equatable {
  public enum State: String, Sendable {
    case queued, offering, connecting, talking, held, wrapUp = "wrap_up"
    /// The visitor may leave a message.
    case message
    /// A web caller hears why it cannot go on; it ends by itself.
    case announcing
    case ended
  }
  public var id: PublicID
  public var channel: Channel
  public var queue: String
  public var state: State
  public var entered: Instant
  public var answered: Instant?
  /// Places ahead and the range of the remaining wait in microseconds, while queued.
  public var ahead: Int?
  public var waitRange: WaitRange?
  /// The agent's name as visitors may see it.
  public var agentName: String?
  public var visitorName: String?
  public var address: String?
  public var attributes: [ChatRequest.Attribute]
  /// The visitor's link is gone.
  public var isLost: Bool
  /// Why it ended: an outcome or an end cause by name, as `abandoned`, `contact_left`.
  public var ending: String?
  /// What it came in by: the scheme of its entry, `web`, `sip` or `tel`.
  public var origin = ""
  /// What the person talks with, of a call; and how well, as far as it is known.
  public var codec: AudioCodec?
  public var quality: Quality?
  public init(
    id: PublicID, channel: Channel, queue: String, state: State, entered: Instant, answered: Instant? = nil,
    ahead: Int? = nil, waitRange: WaitRange? = nil, agentName: String? = nil, visitorName: String? = nil,
    address: String? = nil, attributes: [ChatRequest.Attribute] = [], isLost: Bool = false, ending: String? = nil
  ) {
    self.id = id; self.channel = channel; self.queue = queue; self.state = state; self.entered = entered
    self.answered = answered; self.ahead = ahead; self.waitRange = waitRange; self.agentName = agentName
    self.visitorName = visitorName; self.address = address; self.attributes = attributes; self.isLost = isLost
    self.ending = ending
  }
}

public struct MessageView: Sendable, Equatable {
  /// The journal sequence: the message's id within its contact.
  public var sequence: UInt64
  public var contact: PublicID
  public var at: Instant
  public var author: Author
  public var authorName: String
  public var text: String
  public init(sequence: UInt64, contact: PublicID, at: Instant, author: Author, authorName: String, text: String) {
    self.sequence = sequence; self.contact = contact; self.at = at; self.author = author
    self.authorName = authorName; self.text = text
  }
}

/// How well the packets of one side of a contact travel.
public struct QualityView: Sendable, Equatable {
  public var contact: PublicID
  public var side: Side
  public var codec: AudioCodec
  public var quality: Quality
  public init(contact: PublicID, side: Side, codec: AudioCodec, quality: Quality) {
    self.contact = contact; self.side = side; self.codec = codec; self.quality = quality
  }
}

public struct OfferView: Sendable, Equatable {
  public var offer: OfferID
  public var contact: ContactView
  /// When it ends as missed.
  public var deadline: Instant
  /// Whether the console's accept takes it, or only the phone's answer.
  public var acceptsInConsole: Bool
  public init(offer: OfferID, contact: ContactView, deadline: Instant, acceptsInConsole: Bool) {
    self.offer = offer; self.contact = contact; self.deadline = deadline; self.acceptsInConsole = acceptsInConsole
  }
}

public struct AgentView: Sendable, Equatable {
  public var agent: AgentID
  /// The key in the site: `amina`.
  public var name: String
  public var displayName: String
  /// `signed_out`, `ready`, `not_ready`.
  public var state: String
  public var reason: String?
  /// The phone as the console shows it: `ok`, `unreachable`, `demo`, `none`.
  public var phone: String
  /// The page that is the phone now.
  public var phoneID: PhoneID?
  public var contacts: [ContactView]
  /// When the wrap-up of a contact ends, beside `contacts` (nil where it is not in wrap-up).
  public var wrapUpEnds: [Instant?]
  public var offer: OfferView?
  /// Contacts that wait to be picked, the first to come first; nil for who is no attendant.
  public var waiting: [ContactView]?
  public init(
    agent: AgentID, name: String, displayName: String, state: String, reason: String? = nil, phone: String,
    contacts: [ContactView] = [], wrapUpEnds: [Instant?] = [], offer: OfferView? = nil
  ) {
    self.agent = agent; self.name = name; self.displayName = displayName; self.state = state; self.reason = reason
    self.phone = phone; self.contacts = contacts; self.wrapUpEnds = wrapUpEnds; self.offer = offer
  }
}

public struct QueueView: Sendable, Equatable {
  public var name: String
  public var summary: QueueSummary
  public var serviceLevel: ServiceLevelDefinition
  /// The range of the wait a contact arriving now would be told, in microseconds.
  public var waitRange: WaitRange?
  public init(name: String, summary: QueueSummary, serviceLevel: ServiceLevelDefinition, waitRange: WaitRange? = nil) {
    self.name = name; self.summary = summary; self.serviceLevel = serviceLevel; self.waitRange = waitRange
  }
}

/// What is alive, for metrics and for the proof that nothing leaks.
public struct Counts: Sendable, Equatable {
  public var contacts = 0
  public var dialogs = 0
  public var transactions = 0
  public var mediaPorts = 0
  public var registrations = 0
  /// By `Side.rawValue`.
  public var quality: [QualityBuckets] = []
  public var sequence: UInt64 = 0
  public init() {}
}
