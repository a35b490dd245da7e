import Primitives

/// What an agent did since the shift and since the day began. Breaks, misses and changes of state reset nothing.
struct WorkRow {
  struct Tally {
    /// Contacts accepted; one whose legs could not be joined is taken back.
    var contacts: UInt32 = 0
    /// Microseconds with a contact, from accept to the end of wrap-up.
    var handled: Int64 = 0
    /// Microseconds ready without one.
    var ready: Int64 = 0
  }
  /// Up to when the time is counted.
  var until: Int64 = 0
  var shift = Tally()
  var day = Tally()
}

extension State {
  /// Counts the time up to `instant`, before load or presence change.
  @inline(__always)
  func countTime(of agent: Int, at instant: Instant) {
    let row = work.row(agent)
    let elapsed = instant.microseconds &- row.until
    row.until = instant.microseconds
    if agents[agent].load > 0 {
      row.shift.handled &+= elapsed
      row.day.handled &+= elapsed
    } else if agents[agent].presence == .ready {
      row.shift.ready &+= elapsed
      row.day.ready &+= elapsed
    }
  }

  @inline(__always)
  func countContact(_ number: Int32, of agent: Int) {
    // What is taken back may have been counted before the day began.
    work[agent].shift.contacts = UInt32(clamping: Int64(work[agent].shift.contacts) + Int64(number))
    work[agent].day.contacts = UInt32(clamping: Int64(work[agent].day.contacts) + Int64(number))
  }

  @inline(__always)
  func tally(of agent: Int, _ window: Window) -> WorkRow.Tally {
    window == .shift ? work[agent].shift : work[agent].day
  }

  /// A new day for everybody: the keys that count it are written anew.
  func applyDayStarted(at instant: Instant) {
    for agent in agents.indices {
      countTime(of: agent, at: instant)
      work[agent].day = WorkRow.Tally()
      if agents[agent].listed != 0 { unlist(agent) }
      relist(agent)
    }
  }
}
