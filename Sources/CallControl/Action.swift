public import ACD
public import Primitives
public import SIP

/// What is to be done outside. Every action is either immediate (it has no causal event: 100 Trying, 200 to BYE, 401)
/// or released after the commit of the step's events and of all steps before: so a retransmission never overtakes the
/// message it repeats. None is repeated blindly after a crash: what must go
/// on follows from the restored state.
public enum Action: Sendable {
  case transmit(UserAgent.Transmission)
  case media(MediaCommand)
  case reply(RequestID, Reply)
  case notify(Notice)
}

/// What one input led to. Storage is reused.
public struct Step: ~Copyable, Sendable {
  /// The ACD's part of the step and the shared sequence counter.
  public var acd: ACD.Step
  public var records: [Record] = []
  public var personal: [PersonalRecord] = []
  public var immediate: [Action] = []
  public var afterCommit: [Action] = []

  /// The sequence that the next event takes.
  public var nextSequence: UInt64 { acd.sequence }

  public init(sequence: UInt64 = 1) { acd = ACD.Step(sequence: sequence) }

  public mutating func removeAll() {
    acd.removeAll()
    records.removeAll(keepingCapacity: true)
    personal.removeAll(keepingCapacity: true)
    immediate.removeAll(keepingCapacity: true)
    afterCommit.removeAll(keepingCapacity: true)
  }
}

/// A released fact on its way to those who follow: consoles, visitors, wallboards. Its id in event streams is the
/// journal sequence.
public struct Notice: Sendable, Equatable {
  public var sequence: UInt64
  public var at: Instant
  /// The contact whose visitor may see it.
  public var contact: PublicID?
  /// The agent whose console sees it.
  public var agent: AgentID?
  public var body: Body

  /// Views are large and are handed on through several lists: each stands once in memory of its own.
  public indirect enum Body: Sendable, Equatable {
    case contactQueued(ContactView)
    /// Also when an offer began or ended: the visitor's widget shows "offering" and "queued".
    case contactChanged(ContactView)
    case contactAnswered(ContactView)
    case contactEnded(ContactView)
    case message(MessageView)
    /// To the agent: an offer to take or leave.
    case offered(OfferView)
    case offerEnded(OfferID, OfferEnding)
    case agentChanged(AgentView)
    /// How well the packets of a leg travel, every few seconds.
    case quality(QualityView)
  }

  public init(sequence: UInt64, at: Instant, contact: PublicID?, agent: AgentID?, body: Body) {
    self.sequence = sequence; self.at = at; self.contact = contact; self.agent = agent; self.body = body
  }
}

public enum OfferEnding: String, Sendable { case accepted, declined, missed, withdrawn, failed }
