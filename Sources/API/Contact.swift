/// A contact that is alive or has just ended.
public struct Contact: Codable, Sendable, Equatable {
  /// `ct_…`
  public var id: String
  /// `voice`, `chat` or `callback`.
  public var channel: String
  /// `q_…`
  public var queue: String
  /// `queued`, `offering`, `connecting`, `talking`, `held`, `wrap_up`, `message` (the visitor may leave one),
  /// `announcing` (a web caller hears why it cannot go on), `ended`.
  public var state: String
  public var enteredAt: Timestamp
  public var answeredAt: Timestamp?
  /// Contacts before this one, while queued.
  public var ahead: Int?
  /// How long it may still wait, while queued.
  public var wait: WaitRange?
  /// The agent's name as visitors may see it.
  public var agentName: String?
  /// What the visitor's token calls them, or else what they call themself. Nil for visitors' own eyes.
  public var visitorName: String?
  /// A SIP address or telephone number, for agents.
  public var address: String?
  /// For agents: `verified.*` from the visitor's token, and `page.*`, which the page told and nobody vouches for.
  public var attributes: [String: String]?
  /// The visitor's link is gone.
  public var isLost: Bool
  /// Why it ended: an outcome or an end cause by name.
  public var ending: String?
  /// When its wrap-up ends, in an agent's list.
  public var wrapUpEndsAt: Timestamp?
  /// What it came in by: `web`, `sip` or `tel`.
  public var origin: String?
  /// What the person talks with, of a call: `opus`, `PCMU` or `PCMA`.
  public var codec: String?
  /// How well the person's packets travel, of a call.
  public var quality: Quality?

  public init(
    id: String, channel: String, queue: String, state: String, enteredAt: Timestamp, answeredAt: Timestamp? = nil,
    ahead: Int? = nil, wait: WaitRange? = nil, agentName: String? = nil, visitorName: String? = nil,
    address: String? = nil, attributes: [String: String]? = nil, isLost: Bool = false, ending: String? = nil,
    wrapUpEndsAt: Timestamp? = nil
  ) {
    self.id = id; self.channel = channel; self.queue = queue; self.state = state; self.enteredAt = enteredAt
    self.answeredAt = answeredAt; self.ahead = ahead; self.wait = wait; self.agentName = agentName
    self.visitorName = visitorName; self.address = address; self.attributes = attributes; self.isLost = isLost
    self.ending = ending; self.wrapUpEndsAt = wrapUpEndsAt
  }

  /// Whether the site of the page vouches for the visitor's name.
  public var isVerified: Bool { attributes?["verified.name"] != nil || attributes?["verified.sub"] != nil }

  enum CodingKeys: String, CodingKey {
    case id, channel, queue, state, ahead, wait, address, attributes, ending, origin, codec, quality
    case enteredAt = "entered_at"
    case answeredAt = "answered_at"
    case agentName = "agent_name"
    case visitorName = "visitor_name"
    case isLost = "is_lost"
    case wrapUpEndsAt = "wrap_up_ends_at"
  }
}

/// How well the packets of one leg travel, by RTCP and by our own counting.
public struct Quality: Codable, Sendable, Equatable {
  /// Lost on the way from the person to us and from us to the person since the last report, as shares of 1.
  public var lossIn: Double
  public var lossOut: Double
  /// Of what we receive (RFC 3550).
  public var jitterSeconds: Double
  /// Nil until it has been measured.
  public var roundTripSeconds: Double?
  public init(lossIn: Double, lossOut: Double, jitterSeconds: Double, roundTripSeconds: Double?) {
    self.lossIn = lossIn; self.lossOut = lossOut; self.jitterSeconds = jitterSeconds
    self.roundTripSeconds = roundTripSeconds
  }
  enum CodingKeys: String, CodingKey {
    case lossIn = "loss_in"
    case lossOut = "loss_out"
    case jitterSeconds = "jitter_seconds"
    case roundTripSeconds = "round_trip_seconds"
  }
}

/// The event `quality`, every few seconds of a call.
public struct ContactQuality: Codable, Sendable, Equatable {
  public var contact: String
  /// Whose leg it is: `contact` or `agent`.
  public var side: String
  public var codec: String
  public var quality: Quality
  public init(contact: String, side: String, codec: String, quality: Quality) {
    self.contact = contact; self.side = side; self.codec = codec; self.quality = quality
  }
}

/// A wait as people are told it: never one number.
public struct WaitRange: Codable, Sendable, Equatable {
  public var lowSeconds: Double
  public var highSeconds: Double
  public init(lowSeconds: Double, highSeconds: Double) { self.lowSeconds = lowSeconds; self.highSeconds = highSeconds }
  enum CodingKeys: String, CodingKey {
    case lowSeconds = "low_seconds"
    case highSeconds = "high_seconds"
  }
}

public struct Message: Codable, Sendable, Equatable {
  /// `ms_<sequence>`: grows within a contact.
  public var id: String
  public var contact: String
  public var at: Timestamp
  /// `visitor`, `agent` or `system`.
  public var author: String
  public var authorName: String
  /// At most 4,000 characters.
  public var text: String
  public init(id: String, contact: String, at: Timestamp, author: String, authorName: String, text: String) {
    self.id = id; self.contact = contact; self.at = at; self.author = author; self.authorName = authorName
    self.text = text
  }
  enum CodingKeys: String, CodingKey {
    case id, contact, at, author, text
    case authorName = "author_name"
  }
}

/// A contact that left its queue, as reports list it.
public struct ContactRecord: Codable, Sendable, Equatable {
  public var id: String
  public var queue: String
  public var channel: String
  /// `ag_…`
  public var agent: String?
  public var enteredAt: Timestamp
  public var answeredAt: Timestamp?
  public var endedAt: Timestamp?
  /// How it left the queue: exactly one of `answered`, `abandoned`, `timed_out` …
  public var outcome: String?
  public var waitSeconds: Double
  public var talkSeconds: Double
  /// The wrap-up code by name.
  public var code: String?
  /// How well packets travelled between us and the person, and between us and the agent, of a call.
  public var quality: Quality?
  public var agentQuality: Quality?
  public init(
    id: String, queue: String, channel: String, agent: String?, enteredAt: Timestamp, answeredAt: Timestamp?,
    endedAt: Timestamp?, outcome: String?, waitSeconds: Double, talkSeconds: Double, code: String?
  ) {
    self.id = id; self.queue = queue; self.channel = channel; self.agent = agent; self.enteredAt = enteredAt
    self.answeredAt = answeredAt; self.endedAt = endedAt; self.outcome = outcome; self.waitSeconds = waitSeconds
    self.talkSeconds = talkSeconds; self.code = code
  }
  enum CodingKeys: String, CodingKey {
    case id, queue, channel, agent, outcome, code, quality
    case agentQuality = "agent_quality"
    case enteredAt = "entered_at"
    case answeredAt = "answered_at"
    case endedAt = "ended_at"
    case waitSeconds = "wait_seconds"
    case talkSeconds = "talk_seconds"
  }
}
