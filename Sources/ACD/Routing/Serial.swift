extension ReadyKey {
  /// Serial: a declared order, from the top each time. Nothing is remembered between two passes, so whoever is last and
  /// not there stops nobody.
  static func serial(band: UInt8, position: Int32) -> ReadyKey {
    ReadyKey(major: major(band: band), minor: Int64(position))
  }
}

extension QueueDefinition {
  /// The place of an agent in the declared order; those who are not listed follow by index.
  func position(of agent: Int) -> Int32 {
    let listed = order.firstIndex { Int($0.index) == agent }
    return Int32(truncatingIfNeeded: listed ?? order.count + agent)
  }
}
