extension ReadyKey {
  /// Least occupied: handling ÷ (handling + ready) over the window, in millionths, as of the agent's becoming free. It
  /// is not measured again while the agent waits, so that the order of those who wait stays what it is.
  static func leastOccupied(band: UInt8, _ tally: WorkRow.Tally, since: Int64) -> ReadyKey {
    ReadyKey(major: major(band: band, tally.occupancy), minor: since)
  }
}

extension WorkRow.Tally {
  /// In millionths; nothing where nothing was counted.
  var occupancy: UInt64 {
    let total = handled + ready
    return total > 0 ? UInt64(Double(max(0, handled)) / Double(total) * 1_000_000) : 0
  }
}
