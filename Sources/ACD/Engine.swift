public import Primitives

/// THE engine: one value that queues contacts and offers them to agents. The same code serves live traffic and
/// simulation; it reads no clock, no socket and no random source.
public struct Engine: Sendable {
  public init(definitions: Definitions) {
    self.definitions = definitions
  }
  public private(set) var definitions: Definitions

  /// Decides about one input at `now`. Timers due at or before `now` fire first, in the order of their deadlines; their
  /// events and actions stand before those of the input.
  public mutating func handle(_ input: Input, at now: Instant, into step: inout Step) {
    fatalError("unwritten")
  }

  /// When to call `handle(.timersDue, …)` next.
  public var nextDeadline: Instant? { nil }

  /// Writes a journaled event into the state without deciding anything: replay after a restart.
  public mutating func replay(_ event: Event, at instant: Instant, sequence: UInt64) {
    fatalError("unwritten")
  }

  /// Swaps the configuration between two inputs. Waiting contacts keep what they were promised.
  public mutating func reconfigure(_ definitions: Definitions, at now: Instant, into step: inout Step) {
    fatalError("unwritten")
  }

  /// Writes the whole state, versioned; `init(checkpoint:definitions:)` reads it back.
  public func writeCheckpoint(into writer: inout ByteWriter) {
    fatalError("unwritten")
  }

  public init(checkpoint reader: inout ByteReader, definitions: Definitions) throws(CheckpointError) {
    fatalError("unwritten")
  }
}

public struct CheckpointError: Error, Sendable, Equatable {
  public var offset: Int
  public var reason: String
  public init(offset: Int, reason: String) { self.offset = offset; self.reason = reason }
}
