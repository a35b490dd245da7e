public import Primitives

/// The one meaning of a site for service and simulation alike: queues, agents and interned needs.
///
/// Indices are stable across configurations (`Names`), so journaled ids keep their meaning; what a new configuration
/// no longer names stays as a tombstone (`isRemoved`).
public struct Definitions: Sendable, Equatable {
  public var names: Names
  public var queues: [QueueDefinition] = []
  public var agents: [AgentDefinition] = []
  /// When each of the site's days begins, in order; empty where nothing is counted by the day. The edge expands them from
  /// the site's time zone (`CALLS.md` 5).
  public var days: [Instant] = []
  /// Needs by `ProfileID`. They stand among the names, for waiting contacts and the journal keep their indices.
  public var profiles: [Profile] {
    get { names.profiles }
    set { names.profiles = newValue }
  }

  public init(names: Names = Names()) { self.names = names }
}

/// Names by index, append-only. Stored with the journal; a new configuration starts from the stored table.
public struct Names: Sendable, Equatable {
  public var queues: [String] = []
  public var agents: [String] = []
  public var skills: [String] = []
  public var reasons: [String] = ReasonID.builtIn
  /// The first is "no code".
  public var codes: [String] = [""]
  /// Needs, by the index of `skills`. The first are "no needs".
  public var profiles: [Profile] = [Profile()]
  public init() {}
}

/// Skills a contact needs, each with its least level (0-100), sorted by skill.
public struct Profile: Sendable, Equatable, Hashable {
  public struct Need: Sendable, Equatable, Hashable {
    public var skill: SkillID
    public var level: UInt8
    public init(skill: SkillID, level: UInt8) { self.skill = skill; self.level = level }
  }
  public var needs: [Need] = []
  public init(needs: [Need] = []) { self.needs = needs.sorted { $0.skill < $1.skill } }
}

public struct QueueDefinition: Sendable, Equatable {
  public var name: String
  public var isRemoved = false
  public var channels: [Channel] = [.voice, .chat]
  /// What every contact of the queue needs.
  public var profile = ProfileID(index: 0)
  /// Which of the agents who could take a contact is offered it.
  public var policy = Policy.longestIdle
  /// `serial`: the agents from the top; members who are not listed follow in the order of their indices.
  public var order: [AgentID] = []
  /// `bestSkilled`: wished levels by skill. They score and never filter.
  public var prefer: [Profile.Need] = []
  /// `fewestContacts` and `leastOccupied`: the time that is counted.
  public var window = Window.shift
  /// Which of the agents in chats is offered the next chat first.
  public var chats = ChatSpread.spread
  /// Steps that widen by waited time, in their order.
  public var ladder: [LadderStep] = []
  /// How long a contact that asks for an agent is held for that agent alone, in microseconds.
  public var preferredHold: Int64 = .seconds(30)
  /// Higher is served first.
  public var priority: Int16 = 0
  /// Thousandths of a priority point gained per minute of waiting.
  public var aging: Int32 = 0
  /// How long an offer rings, in microseconds.
  public var ring: Int64 = .seconds(20)
  /// How long a pair that declined or missed is left alone, in microseconds.
  public var retry: Int64 = .seconds(10)
  /// How long an agent whose phone was busy is left alone, in microseconds.
  public var busyBackOff: Int64 = .seconds(5)
  /// How long the legs of an accepted offer may take to be joined, in microseconds.
  public var connect: Int64 = .seconds(5)
  public var wrapUp: Int64 = 0
  /// The latest end of an extended wrap-up, from its start, in microseconds.
  public var wrapUpLimit: Int64 = .minutes(10)
  public var codes: [CodeID] = []
  /// Consecutive missed offers after which the agent becomes not ready; 0 means never.
  public var missedLimit: UInt16 = 2
  /// Consecutive declined offers after which the agent becomes not ready; 0 means never.
  public var declinedLimit: UInt16 = 5
  /// Most contacts waiting at once.
  public var waitingLimit: UInt32 = .max
  /// Longest wait in microseconds.
  public var waitLimit: Int64 = .max
  /// An abandon within this time counts as short, in microseconds; 0 means none does.
  public var shortAbandon: Int64 = 0
  /// A visitor said to be lost for this long has abandoned, in microseconds: 120 s after its link broke, as that is said
  /// 20 s after.
  public var lostLimit: Int64 = .seconds(100)
  /// When the queue takes newcomers; nil means always.
  public var hours: Hours?
  /// Who else takes care of contacts beyond the limits.
  public var overflow = OverflowDefinition()
  /// How people who wait are called back; nil means not at all.
  public var callback: CallbackDefinition?
  /// How long a caller whose call ended while waiting may return to the place, in microseconds; 0 means never.
  public var grace: Int64 = 0
  /// Whether the wait of each contact that has to wait is estimated at its entry, and the estimate scored.
  public var estimatesWaits = false
  /// The service level's name, threshold in microseconds and target 0-1, for reports.
  public var serviceLevel = ServiceLevelDefinition()
  public init(name: String) { self.name = name }
}

/// How a queue chooses among free agents. Who is idle stands before who holds contacts, under every policy; what is
/// equal by the policy goes to who has been idle for the longest time.
public enum Policy: String, Sendable, CaseIterable, BitwiseCopyable {
  case longestIdle = "longest_idle"
  /// The agent after the one who had the queue's last offer, in the order of indices.
  case roundRobin = "round_robin"
  /// The first of a declared order; each pass starts at the top.
  case serial
  /// Who has taken the fewest contacts in the window.
  case fewestContacts = "fewest_contacts"
  /// Who has been handling contacts for the least share of the window, as of becoming free.
  case leastOccupied = "least_occupied"
  /// Who has most of the preferred skills.
  case bestSkilled = "best_skilled"
  /// All who are free, at once; the first accept wins.
  case broadcast
  /// Nobody: attendants see the line and pick.
  case attendant
}

/// What counts for `fewestContacts` and `leastOccupied`. No change of state ever resets it.
public enum Window: String, Sendable, CaseIterable, BitwiseCopyable {
  /// Since the agent signed in.
  case shift
  /// Since the site's day began.
  case day
}

/// Spread offers a chat to who has the fewest chats, fill to who has the most and still has room. It belongs to the
/// queue, for it compares the agents of one.
public enum ChatSpread: String, Sendable, CaseIterable, BitwiseCopyable { case spread, fill }

/// A step of a ladder: from `after` on, counted from the entry, the contact may go to more agents than before.
public struct LadderStep: Sendable, Equatable {
  public enum Change: Sendable, Equatable {
    /// The skill is needed no more.
    case drop(SkillID)
    /// A lower level is enough; a higher one than before changes nothing.
    case lower(SkillID, to: UInt8)
    /// The agents of that queue, after those who could take the contact before.
    case also(QueueID)
    /// The agent comes before all others who are free.
    case prefer(AgentID)
  }
  /// Microseconds of waiting.
  public var after: Int64
  public var changes: [Change]
  public init(after: Int64, changes: [Change]) { self.after = after; self.changes = changes }
}

public struct ServiceLevelDefinition: Sendable, Equatable {
  public enum Metric: String, Sendable, CaseIterable {
    case ignored = "sl.ignored"
    case negative = "sl.negative"
    case positive = "sl.positive"
    case answered = "sl.answered"
  }
  public var metric = Metric.negative
  public var within: Int64 = .seconds(20)
  public var target = 0.8
  public init() {}
}

public struct AgentDefinition: Sendable, Equatable {
  public struct Membership: Sendable, Equatable {
    public var queue: QueueID
    /// Lower ranks first where `take` is `agentRank`.
    public var rank: UInt8
    public init(queue: QueueID, rank: UInt8 = 0) { self.queue = queue; self.rank = rank }
  }
  public enum Take: String, Sendable { case oldest, agentRank = "agent_rank" }

  public var name: String
  public var isRemoved = false
  /// Levels 0-100 by skill, sorted by skill.
  public var skills: [Profile.Need] = []
  public var queues: [Membership] = []
  public var take = Take.oldest
  public var voiceCapacity: UInt8 = 1
  public var chatCapacity: UInt8 = 1
  /// Contacts of all channels at once.
  public var totalCapacity: UInt8 = .max
  /// Whether an engaged chat blocks a voice offer (`interrupt: {chat_by_voice: false}`).
  public var chatBlocksVoice = false
  /// Whether a call blocks a chat offer (`interrupt: {voice_by_chat: true}` unblocks it).
  public var voiceBlocksChat = true
  public init(name: String) { self.name = name }
}
