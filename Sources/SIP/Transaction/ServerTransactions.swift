/// The INVITE server transaction (RFC 3261 section 17.2.1, RFC 6026 section 7.1).
///
///     proceeding ──2xx──────▶ accepted ──L──▶ terminated
///        │
///        └──────300-699────▶ completed ──ACK──▶ confirmed ──I──▶ terminated
///                                └──H──▶ terminated
struct InviteServer: Equatable, Sendable {
  enum State: UInt8, Sendable { case proceeding, completed, confirmed, accepted, terminated }
  private(set) var state = State.proceeding
  private var interval: Int64 = 0

  /// A response of the core; nothing happens if the transaction can take none any more.
  mutating func respond(status: Int, _ timing: Timing) -> Reaction {
    guard state == .proceeding else { return .nothing }
    switch status {
    case ..<200:  // Section 17.2.1.
      return Reaction(output: .transmit)
    case ..<300:  // RFC 6026 section 8.7: the core retransmits the 2xx, the transaction only absorbs INVITEs.
      state = .accepted
      return Reaction(output: .transmit, lifetime: .start(timing.longest))
    default:  // Section 17.2.1: G on datagrams only, H always.
      state = .completed
      interval = timing.t1
      return Reaction(
        output: .transmit, retransmission: timing.isReliable ? .keep : .start(interval),
        lifetime: .start(timing.longest))
    }
  }

  /// The INVITE came again: section 17.2.1; absorbed once accepted (RFC 6026 section 8.7).
  func receiveAgain() -> Reaction {
    state == .proceeding || state == .completed ? Reaction(output: .transmit) : .nothing
  }

  /// An ACK that matches the transaction.
  mutating func receiveAcknowledgement(_ timing: Timing) -> Reaction {
    switch state {
    case .completed:  // Section 17.2.1: timer I absorbs copies.
      state = timing.isReliable ? .terminated : .confirmed
      return Reaction(retransmission: .stop, lifetime: .start(timing.networkDelay))
    case .accepted:  // RFC 6026 section 8.7: the peer kept the branch; the core knows.
      return Reaction(output: .deliver)
    case .proceeding, .confirmed, .terminated:
      return .nothing
    }
  }

  /// Timer G, section 17.2.1.
  mutating func retransmissionDue(_ timing: Timing) -> Reaction {
    guard state == .completed else { return .nothing }
    interval = min(interval * 2, timing.t2)
    return Reaction(output: .transmit, retransmission: .start(interval))
  }

  /// Timers H and I, section 17.2.1; L, RFC 6026 section 8.7. Nobody needs to hear that a refusal got no ACK.
  mutating func lifetimeOver() -> Reaction {
    state = .terminated
    return Reaction(retransmission: .stop)
  }

  /// Section 17.2.4: while the INVITE is unanswered the core must know.
  mutating func transportFailed() -> Reaction {
    switch state {
    case .proceeding:
      state = .terminated
      return Reaction(output: .timeout)
    case .completed:
      return lifetimeOver()
    case .confirmed, .accepted, .terminated:
      return .nothing
    }
  }
}

/// The server transaction of every other request (RFC 3261 section 17.2.2, RFC 4320).
///
///     trying ──200-699──▶ completed ──J──▶ terminated
///        └──64*T1──▶ terminated
///
/// There is no proceeding state: RFC 4320 section 4.1 forbids provisional responses other than a late 100.
struct RequestServer: Equatable, Sendable {
  enum State: UInt8, Sendable { case trying, completed, terminated }
  private(set) var state = State.trying

  /// RFC 4320 section 4.2: after timer F of the client a response, even 408, would come too late.
  func start(_ timing: Timing) -> Reaction { Reaction(lifetime: .start(timing.longest)) }

  mutating func respond(status: Int, _ timing: Timing) -> Reaction {
    guard state == .trying, status >= 200 else { return .nothing }
    state = timing.isReliable ? .terminated : .completed
    return Reaction(output: .transmit, lifetime: .start(timing.requestRetransmissions))
  }

  /// The request came again: section 17.2.2.
  func receiveAgain() -> Reaction { state == .completed ? Reaction(output: .transmit) : .nothing }

  /// Timer J, section 17.2.2.
  mutating func lifetimeOver() -> Reaction {
    state = .terminated
    return .nothing
  }

  /// Section 17.2.4.
  mutating func transportFailed() -> Reaction { lifetimeOver() }
}
