/// What a transaction machine wants done after one input.
struct Reaction: Equatable, Sendable {
  enum TimerChange: Equatable, Sendable {
    case keep
    case stop
    /// Fires after so many microseconds.
    case start(Int64)
  }
  struct Output: OptionSet, Sendable {
    let rawValue: UInt8
    /// Send the request, or the last response, (again).
    static let transmit = Output(rawValue: 1)
    /// Hand what came to the transaction user.
    static let deliver = Output(rawValue: 2)
    /// Send the ACK that belongs to the transaction (section 17.1.1.3).
    static let acknowledge = Output(rawValue: 4)
    /// Tell the transaction user that no final response, or no ACK, came in time.
    static let timeout = Output(rawValue: 8)
  }

  var output: Output = []
  /// Timers A, E and G.
  var retransmission: TimerChange = .keep
  /// Timers B, F and H, which wait for the far end, then D, I, J, K, L and M, which absorb what comes late.
  var lifetime: TimerChange = .keep

  static let nothing = Reaction()
  static func deliver(lifetime: TimerChange = .keep) -> Reaction {
    Reaction(output: .deliver, retransmission: .stop, lifetime: lifetime)
  }
}

/// The timer values of RFC 3261 table 4 on one kind of transport, in microseconds.
struct Timing: Equatable, Sendable {
  var t1: Int64 = 500_000
  var t2: Int64 = 4_000_000
  var t4: Int64 = 5_000_000
  /// A stream delivers by itself: nothing is retransmitted and nothing comes late.
  var isReliable = false

  /// Timers B, F, H, J, L, M.
  var longest: Int64 { 64 * t1 }
  /// Timer D.
  var responseRetransmissions: Int64 { isReliable ? 0 : max(64 * t1, 32_000_000) }
  /// Timers I and K.
  var networkDelay: Int64 { isReliable ? 0 : t4 }
  /// Timer J.
  var requestRetransmissions: Int64 { isReliable ? 0 : longest }
}
