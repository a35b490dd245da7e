public import Primitives

/// One contact, from arrival to the end of its wrap-up. The owner above the engine allocates it (a `SlotMap` of
/// contacts); the engine keeps its row in the same slot.
public struct ContactID: SlotID, BitwiseCopyable {
  public let slot: UInt32
  public let generation: UInt32
  public init(slot: UInt32, generation: UInt32) { self.slot = slot; self.generation = generation }
  /// Where an event has no contact.
  public static let none = ContactID(slot: .max, generation: 0)
}

/// An agent: an index into `Definitions.agents`. Indices are append-only; a removed agent leaves a tombstone.
public struct AgentID: Hashable, Comparable, Sendable, BitwiseCopyable {
  public let index: UInt32
  public init(index: UInt32) { self.index = index }
  /// Where an event has no agent.
  public static let none = AgentID(index: .max)
  public static func < (a: AgentID, b: AgentID) -> Bool { a.index < b.index }
}

/// A queue: an index into `Definitions.queues`, append-only with tombstones.
public struct QueueID: Hashable, Comparable, Sendable, BitwiseCopyable {
  public let index: UInt32
  public init(index: UInt32) { self.index = index }
  public static func < (a: QueueID, b: QueueID) -> Bool { a.index < b.index }
}

/// An interned set of needs (skills with least levels): an index into `Definitions.profiles`.
public struct ProfileID: Hashable, Sendable, BitwiseCopyable {
  public let index: UInt32
  public init(index: UInt32) { self.index = index }
}

/// A skill: an index into `Definitions.skills`.
public struct SkillID: Hashable, Comparable, Sendable, BitwiseCopyable {
  public let index: UInt16
  public init(index: UInt16) { self.index = index }
  public static func < (a: SkillID, b: SkillID) -> Bool { a.index < b.index }
}

/// A reason for not being ready: an index into `Definitions.reasons`. The first few are the engine's own.
public struct ReasonID: Hashable, Sendable, BitwiseCopyable {
  public let index: UInt16
  public init(index: UInt16) { self.index = index }
  /// The agent chose no reason.
  public static let unspecified = ReasonID(index: 0)
  /// The phone has no binding or did not respond; ends with a REGISTER.
  public static let unreachable = ReasonID(index: 1)
  /// The limit of missed offers was reached.
  public static let missed = ReasonID(index: 2)
  /// The limit of declined offers was reached.
  public static let declined = ReasonID(index: 3)
  /// Names of the engine's own reasons, in order; the site's own follow them.
  public static let builtIn = ["unspecified", "unreachable", "missed", "declined"]
}

/// A wrap-up code: an index into `Definitions.codes`; index 0 is "no code".
public struct CodeID: Hashable, Sendable, BitwiseCopyable {
  public let index: UInt16
  public init(index: UInt16) { self.index = index }
  public static let none = CodeID(index: 0)
}

/// One contact presented to one agent. The id is the journal sequence of its `offerMade`; it is the fence that every
/// later word about the offer must carry.
public struct OfferID: Hashable, Comparable, Sendable, BitwiseCopyable {
  public let sequence: UInt64
  public init(sequence: UInt64) { self.sequence = sequence }
  public static func < (a: OfferID, b: OfferID) -> Bool { a.sequence < b.sequence }
}

public enum Channel: UInt8, Sendable, CaseIterable, BitwiseCopyable {
  case voice, chat, callback
}
