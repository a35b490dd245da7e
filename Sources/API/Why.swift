/// Why a contact went where it went: its way through the journal, and one decision about it with all that was compared.
public struct Why: Codable, Sendable, Equatable {
  /// `ct_…`
  public var contact: String
  public var history: [Occurrence]
  /// Nil where nothing was decided: the contact never reached a queue.
  public var decision: Decision?
  public init(contact: String, history: [Occurrence] = [], decision: Decision? = nil) {
    self.contact = contact; self.history = history; self.decision = decision
  }

  /// A record of the journal that tells of the contact.
  public struct Occurrence: Codable, Sendable, Equatable {
    public var sequence: UInt64
    public var at: Timestamp
    /// One word, as `queued`, `offered`, `accepted`.
    public var event: String
    public var detail: String
    public init(sequence: UInt64, at: Timestamp, event: String, detail: String) {
      self.sequence = sequence; self.at = at; self.event = event; self.detail = detail
    }
  }

  public struct Decision: Codable, Sendable, Equatable {
    /// The record that it led to; the state is the one just before. For a contact that waits, the last of the journal.
    public var sequence: UInt64
    public var at: Timestamp
    /// `offered`, `picked`, `waiting`, `ended` or `refused`.
    public var kind: String
    /// What happened, in a sentence.
    public var summary: String
    /// The agent who was offered the contact, `ag_…`.
    public var agent: String?
    /// `q_…`: its own, and those that its ladder had added.
    public var queue: String
    public var alsoQueues: [String] = []
    public var policy: String
    /// Steps of its ladder that were taken, and how many there are.
    public var step: Int = 0
    public var steps: Int = 0
    /// What it needed after them.
    public var needs: [Need] = []
    public var heldFor: String?
    public var preferred: String?
    /// Where it stood in order.
    public var place: Place?
    /// What the queue asks before a contact enters; of a refused one.
    public var admission: [Test] = []
    /// First those who passed every test, in the order in which they would be asked.
    public var candidates: [Candidate] = []
    /// Agents who are not listed, by the first test that they failed.
    public var others: [Others] = []

    public init(
      sequence: UInt64, at: Timestamp, kind: String, summary: String, agent: String? = nil, queue: String,
      policy: String
    ) {
      self.sequence = sequence; self.at = at; self.kind = kind; self.summary = summary; self.agent = agent
      self.queue = queue; self.policy = policy
    }

    enum CodingKeys: String, CodingKey {
      case sequence, at, kind, summary, agent, queue, policy, step, steps, needs, preferred, place, admission
      case candidates, others
      case alsoQueues = "also_queues"
      case heldFor = "held_for"
    }
  }

  public struct Need: Codable, Sendable, Equatable {
    public var skill: String
    public var level: Int
    public init(skill: String, level: Int) { self.skill = skill; self.level = level }
  }

  /// One agent, test by test.
  public struct Candidate: Codable, Sendable, Equatable {
    /// `ag_…`
    public var agent: String
    /// As whose member the agent would be asked, `q_…`.
    public var queue: String?
    public var passes: Bool
    public var tests: [Test]
    /// What the policy compares, of agents who are free.
    public var key: Key?
    /// Contacts that this agent would be offered before this one, the first one first, ten at most; where it was asked.
    public var ahead: [Place]
    public var aheadCount: Int
    public init(
      agent: String, queue: String?, passes: Bool, tests: [Test], key: Key? = nil, ahead: [Place] = [],
      aheadCount: Int = 0
    ) {
      self.agent = agent; self.queue = queue; self.passes = passes; self.tests = tests; self.key = key
      self.ahead = ahead; self.aheadCount = aheadCount
    }
    enum CodingKeys: String, CodingKey {
      case agent, queue, passes, tests, key, ahead
      case aheadCount = "ahead_count"
    }
  }

  public struct Test: Codable, Sendable, Equatable {
    /// `employed`, `member`, `channel`, `policy`, `skill`, `ready`, `offer`, `room`, `slot`, `back_off`, `retry`,
    /// `held`; of a queue's door `hours`, `waiting`, `staff`.
    public var test: String
    public var passed: Bool
    public var needed: String
    public var actual: String
    public init(_ test: String, passed: Bool, needed: String, actual: String) {
      self.test = test; self.passed = passed; self.needed = needed; self.actual = actual
    }
  }

  /// Fewer contacts at hand first (more where the queue fills chats), then the measure, then who has been so longer.
  public struct Key: Codable, Sendable, Equatable {
    public var contacts: Int
    /// The policy's measure with its value; empty where `since` alone decides.
    public var measure: String
    public var since: Timestamp
    public init(contacts: Int, measure: String, since: Timestamp) {
      self.contacts = contacts; self.measure = measure; self.since = since
    }
  }

  /// A place in the order of those who wait: higher effective priority first, then the earlier entry.
  public struct Place: Codable, Sendable, Equatable {
    /// `ct_…`
    public var contact: String
    public var queue: String
    public var enteredAt: Timestamp
    public var priority: Int
    /// Points per minute.
    public var aging: Double
    public var effective: Double
    /// The agent's rank of the queue, which goes before, where the agent takes by rank.
    public var rank: Int?
    public init(
      contact: String, queue: String, enteredAt: Timestamp, priority: Int, aging: Double, effective: Double, rank: Int?
    ) {
      self.contact = contact; self.queue = queue; self.enteredAt = enteredAt; self.priority = priority
      self.aging = aging; self.effective = effective; self.rank = rank
    }
    enum CodingKeys: String, CodingKey {
      case contact, queue, priority, aging, effective, rank
      case enteredAt = "entered_at"
    }
  }

  public struct Others: Codable, Sendable, Equatable {
    public var test: String
    public var actual: String
    public var agents: Int
    public init(test: String, actual: String, agents: Int) {
      self.test = test; self.actual = actual; self.agents = agents
    }
  }
}
