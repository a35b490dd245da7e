/// For tests of the tests, and only in debug builds: a fault to put into the engine, so that a suite can show that its
/// checks catch it, and a count of the rows that a decision touched. A release build holds none of it.
package enum Fault: UInt8, CaseIterable, Sendable, BitwiseCopyable {
  /// An agent with a live offer is still free.
  case doubleOffer
  /// Who lost a broadcast goes on ringing.
  case lostWithdrawal
  /// Everybody has every skill.
  case skillIgnored
  /// One chat more than the capacity.
  case capacityOffByOne
  /// The end of a contact does not restart the idle clock.
  case idleClockWrong
  /// Waiting costs priority.
  case agingSignWrong
  /// The cursor of round robin stands still.
  case cursorStuck
  /// A ladder's step is taken too early by a tenth.
  case ladderEarly
}

struct Probe {
  var fault: Fault?
  var touched = 0
}

extension State {
  @inline(__always)
  func has(_ fault: Fault) -> Bool {
    #if DEBUG
      return probe.fault == fault
    #else
      return false
    #endif
  }

  /// Counts a row of an index over queues, members or buckets.
  @inline(__always)
  func touch() {
    #if DEBUG
      probe.touched += 1
    #endif
  }
}

#if DEBUG
  extension Engine {
    package mutating func inject(_ fault: Fault) {
      state.probe.fault = fault
      guard fault == .capacityOffByOne else { return }
      for agent in state.agents.indices {
        state.agents[agent].chatCapacity += 1
        state.relist(agent)
      }
    }
    /// Rows touched since the engine began.
    package var touched: Int { state.probe.touched }
  }
#endif
