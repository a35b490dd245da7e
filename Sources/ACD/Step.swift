/// What one input led to. The caller owns it and empties it between inputs; its storage is reused.
///
/// `sequence` is the journal sequence that the next event takes; the module above counts its own events with the same
/// counter, so there is one total order.
public struct Step: Sendable {
  public var sequence: UInt64
  public var events: [Event] = []
  public var actions: [Action] = []

  public init(sequence: UInt64 = 1) {
    self.sequence = sequence
    events.reserveCapacity(64)
    actions.reserveCapacity(64)
  }

  /// Forgets events and actions, keeps the storage and the sequence.
  public mutating func removeAll() {
    // A step holds few of them; `removeAll(keepingCapacity:)` costs as much as a decision.
    while !events.isEmpty { events.removeLast() }
    while !actions.isEmpty { actions.removeLast() }
  }
}
