public import Primitives

/// Why a contact goes to an agent, or to nobody, at one moment: what the matcher tests, with the values that it compares.
///
/// Whether a test is passed is said by the predicates that decide; the values beside it are for people.
public struct Explanation: Sendable, Equatable {
  public var at: Instant
  public var contact: ContactID
  public var standing: Standing
  public var channel: Channel
  public var policy: Policy
  /// Its own queue, then those that its ladder has added so far.
  public var queues: [QueueID]
  /// What it needs, after what its ladder has eased so far.
  public var needs: [Profile.Need]
  /// Steps of its ladder that were taken, of how many.
  public var step: Int
  public var steps: Int
  /// The agent for whom it is held, or whom its ladder prefers.
  public var heldFor: AgentID?
  public var preferred: AgentID?
  public var rank: Waiting
  /// Agents who pass every test, in the order in which they would be offered the contact; then all others who serve one
  /// of its queues, and those who were asked about.
  public var candidates: [Candidate]

  /// What the contact does: only one that stands in line is offered.
  public enum Standing: Sendable, Equatable {
    case inLine
    /// It rings, is in line only for whom it does not ring yet.
    case offered([AgentID])
    /// The visitor's link is gone.
    case lost
    /// A callback whose customer is called before an agent is rung.
    case calledFirst
    /// A callback between two calls, or being called.
    case resting, dialling
    case connecting(AgentID)
    case answered(AgentID)
    case over
  }

  public struct Candidate: Sendable, Equatable {
    public var agent: AgentID
    /// As whose member the agent would be offered the contact.
    public var queue: QueueID?
    public var tests: [Test]
    /// What the queue's policy compares; nil for who is not free.
    public var key: Key?
    /// The contacts that this agent would be offered before this one, the first one first, `Explanation.lineLimit` of
    /// them at most; of the agents who were asked about only, and of who comes first.
    public var ahead: [Waiting] = []
    public var aheadCount = 0

    public var passes: Bool { tests.allSatisfy(\.passes) }
  }

  /// One thing that an agent must satisfy to be offered the contact.
  public struct Test: Sendable, Equatable {
    public enum Subject: Sendable, Equatable {
      /// Stands in the configuration.
      case employed
      /// Serves one of the contact's queues: these.
      case member([QueueID])
      /// The queue offers what comes over this channel.
      case carried(QueueID)
      /// The queue offers contacts, instead of letting attendants pick.
      case offering(QueueID)
      /// Has the skill at the level; the queue, or the contact, needs it.
      case skill(SkillID, needed: UInt8, level: UInt8?)
      case ready(AgentSummary.Presence)
      /// Has no other offer.
      case unoffered(ContactID?)
      /// Holds fewer contacts than the capacity for all channels.
      case room(held: Int, capacity: Int)
      /// Has a slot of the contact's kind, which nothing else blocks.
      case slot(calls: Int, chats: Int, capacity: Int)
      /// The phone was not busy a moment ago.
      case backOff(until: Instant?)
      /// Has not declined or missed this contact a moment ago.
      case retry(until: Instant?)
      /// The contact is not held for another agent.
      case unreserved(AgentID?)
    }
    public var subject: Subject
    public var passes: Bool
  }

  /// What decides between agents who pass every test: fewer contacts at hand first (more where the queue fills chats),
  /// then the policy's measure, then since when the agent has been as free as now.
  public struct Key: Sendable, Equatable {
    public enum Measure: Sendable, Equatable {
      /// `since` alone decides.
      case idle
      /// Round robin: the agent who had the queue's last offer.
      case turn(after: AgentID?)
      case position(Int)
      case contacts(UInt32, Window)
      /// 0-1
      case occupancy(Double, Window)
      case score(UInt32)
    }
    public var load: Int
    public var measure: Measure
    public var since: Instant
  }

  /// A contact's place in the order of those who wait.
  public struct Waiting: Sendable, Equatable {
    public var contact: ContactID
    public var queue: QueueID
    public var entry: Instant
    public var priority: Int16
    /// Thousandths of a point per minute.
    public var aging: Int32
    /// Points, with what waiting has added.
    public var effective: Double
    /// The agent's rank of the queue, where the agent takes by rank.
    public var rank: UInt8?
  }

  public static let lineLimit = 10
}

/// What a queue asks of a contact that wants to enter, with the values compared.
public struct Admission: Sendable, Equatable {
  /// Nil where the queue has no hours.
  public var isOpen: Bool?
  public var nextOpening: Instant?
  public var waiting: Int
  public var waitingLimit: Int?
  /// Agents of the queue with what the contact needs, who are signed in.
  public var signedIn: Int
  public var refusal: Refusal?
}
