/// The INVITE client transaction (RFC 3261 section 17.1.1, RFC 6026 section 7.2).
///
///     calling ──1xx──▶ proceeding
///        │  ╲            │   │
///        │   ╲──2xx──────┼───┴─2xx──▶ accepted ──M──▶ terminated
///        │               │
///        ├──300-699──────┴─300-699──▶ completed ──D──▶ terminated
///        └──B──▶ terminated
struct InviteClient: Equatable, Sendable {
  enum State: UInt8, Sendable { case calling, proceeding, completed, accepted, terminated }
  private(set) var state: State
  private var interval: Int64 = 0

  init(state: State = .calling) { self.state = state }

  /// Section 17.1.1.2: timer A on datagrams only, timer B always.
  mutating func start(_ timing: Timing) -> Reaction {
    interval = timing.t1
    return Reaction(
      output: .transmit, retransmission: timing.isReliable ? .keep : .start(interval), lifetime: .start(timing.longest))
  }

  mutating func receive(status: Int, _ timing: Timing) -> Reaction {
    switch (state, status) {
    case (.calling, ..<200):  // Section 17.1.1.2: B and A end with the first provisional response.
      state = .proceeding
      return .deliver(lifetime: .stop)
    case (.proceeding, ..<200):
      return .deliver()
    case (.calling, ..<300), (.proceeding, ..<300):  // RFC 6026 section 8.4.
      state = .accepted
      return .deliver(lifetime: .start(timing.longest))
    case (.calling, _), (.proceeding, _):  // Section 17.1.1.2: ACK, then absorb copies.
      state = timing.isReliable ? .terminated : .completed
      return Reaction(
        output: [.acknowledge, .deliver], retransmission: .stop, lifetime: .start(timing.responseRetransmissions))
    case (.completed, 300...):  // Section 17.1.1.2: a copy means that our ACK was lost.
      return Reaction(output: .acknowledge)
    case (.accepted, 200..<300):  // RFC 6026 section 8.4: copies and forks go to the core.
      return Reaction(output: .deliver)
    default:
      return .nothing
    }
  }

  /// Timer A: section 17.1.1.2, doubled without a ceiling.
  mutating func retransmissionDue(_ timing: Timing) -> Reaction {
    guard state == .calling else { return .nothing }
    interval *= 2
    return Reaction(output: .transmit, retransmission: .start(interval))
  }

  /// CANCEL was sent: no final response within 64*T1 means that there will be none (section 9.1).
  mutating func cancelled(_ timing: Timing) -> Reaction {
    state == .proceeding ? Reaction(lifetime: .start(timing.longest)) : .nothing
  }

  /// Timer B, section 17.1.1.2; D there; M in RFC 6026 section 8.4.
  mutating func lifetimeOver() -> Reaction {
    defer { state = .terminated }
    return state == .calling || state == .proceeding ? Reaction(output: .timeout, retransmission: .stop) : .nothing
  }

  /// Section 17.1.4.
  mutating func transportFailed() -> Reaction {
    guard state != .accepted else { return .nothing }
    return lifetimeOver()
  }
}

/// The client transaction of every other request (RFC 3261 section 17.1.2).
///
///     trying ──1xx──▶ proceeding
///        │               │
///        ├──200-699──────┴─200-699──▶ completed ──K──▶ terminated
///        └──F──▶ terminated ◀──F──┘ (from proceeding too)
struct RequestClient: Equatable, Sendable {
  enum State: UInt8, Sendable { case trying, proceeding, completed, terminated }
  private(set) var state = State.trying
  private var interval: Int64 = 0

  /// Section 17.1.2.2: timer E on datagrams only, timer F always.
  mutating func start(_ timing: Timing) -> Reaction {
    interval = timing.t1
    return Reaction(
      output: .transmit, retransmission: timing.isReliable ? .keep : .start(interval), lifetime: .start(timing.longest))
  }

  mutating func receive(status: Int, _ timing: Timing) -> Reaction {
    switch (state, status) {
    case (.trying, ..<200), (.proceeding, ..<200):  // Section 17.1.2.2: E goes on at T2.
      state = .proceeding
      return Reaction(output: .deliver)
    case (.trying, _), (.proceeding, _):  // Section 17.1.2.2.
      state = timing.isReliable ? .terminated : .completed
      return .deliver(lifetime: .start(timing.networkDelay))
    default:
      return .nothing
    }
  }

  /// Timer E, section 17.1.2.2.
  mutating func retransmissionDue(_ timing: Timing) -> Reaction {
    switch state {
    case .trying: interval = min(interval * 2, timing.t2)
    case .proceeding: interval = timing.t2
    case .completed, .terminated: return .nothing
    }
    return Reaction(output: .transmit, retransmission: .start(interval))
  }

  /// Timers F and K, section 17.1.2.2.
  mutating func lifetimeOver() -> Reaction {
    defer { state = .terminated }
    return state == .trying || state == .proceeding ? Reaction(output: .timeout, retransmission: .stop) : .nothing
  }

  /// Section 17.1.4.
  mutating func transportFailed() -> Reaction { lifetimeOver() }
}
