public import ACD
public import CallControl
public import Primitives

/// What is committed in one transaction: the records of one or more steps, and what must be stored with them.
public struct Batch: Sendable {
  public var records: [Record]
  public var personal: [PersonalRecord]
  /// Stored before the records, so that a `configurationApplied` among them finds it.
  public var configuration: StoredConfiguration?
  /// The state after the last of the records, as `Switchboard.writeCheckpoint` wrote it.
  public var checkpoint: [UInt8]?

  public init(
    records: [Record] = [], personal: [PersonalRecord] = [], configuration: StoredConfiguration? = nil,
    checkpoint: [UInt8]? = nil
  ) {
    self.records = records; self.personal = personal; self.configuration = configuration; self.checkpoint = checkpoint
  }

  public var isEmpty: Bool { records.isEmpty && personal.isEmpty && configuration == nil && checkpoint == nil }
}

/// A configuration whole, under its hash, with the definitions it led to: their names are added to the journal's, and
/// their service levels are what intervals are counted by from its `configurationApplied` on.
public struct StoredConfiguration: Sendable, Equatable {
  public var hash: String
  public var body: [UInt8]
  public var definitions: Definitions
  public init(hash: String, body: [UInt8], definitions: Definitions) {
    self.hash = hash; self.body = body; self.definitions = definitions
  }
}

/// The state of a switchboard after one record.
public struct Checkpoint: Sendable, Equatable {
  public var sequence: UInt64
  public var at: Instant
  /// The hash of the configuration that was in force.
  public var configuration: String?
  public var body: [UInt8]
}

/// What a server starts from. The records after the checkpoint follow by `JournalReader.forEachRecord(after:)`.
public struct Restored: Sendable, Equatable {
  public struct Configuration: Sendable, Equatable {
    public var hash: String
    public var body: [UInt8]
  }
  public var names: Names
  /// The configuration in force at the end of the journal.
  public var configuration: Configuration?
  /// The newest checkpoint; older ones by `JournalReader.checkpoint(before:)`.
  public var checkpoint: Checkpoint?
  /// 0 and nil in a new journal.
  public var lastSequence: UInt64
  public var lastInstant: Instant?
}

/// What a commit survives.
public enum Durability: String, Sendable, CaseIterable {
  /// The end of the process, as by `kill -9`; power loss may cost the last commits, never consistency.
  case process
  /// Power loss too: each commit waits for the disk.
  case powerLoss = "power_loss"
}
