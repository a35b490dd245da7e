extension ReadyKey {
  /// Longest idle: who has had no contact for the longest time. Who holds contacts comes after everybody who is idle,
  /// the least loaded first, then who has been so for the longest time. The agents of broadcast and attendant queues
  /// stand in the same order.
  @inline(__always)
  static func longestIdle(band: UInt8, since: Int64) -> ReadyKey {
    ReadyKey(major: major(band: band), minor: since)
  }
}
