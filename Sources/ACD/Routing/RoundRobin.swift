extension ReadyKey {
  /// Round robin: the members stand in the order of their indices, which no change of the configuration moves.
  static func roundRobin(band: UInt8, agent: Int32) -> ReadyKey {
    ReadyKey(major: major(band: band), minor: Int64(agent))
  }
}

extension State {
  /// The first eligible agent after the queue's cursor, round to the cursor itself; a band at a time.
  func nextInTurn(_ queue: Int32, _ list: Int, _ isFit: (Int) -> Bool) -> Int? {
    let cursor = Int64(queues[queue].cursor)
    var first = ready[list].head
    while first >= 0 {
      let band = readyLinks[first].key.band
      var link = firstLink(notBefore: ReadyKey(major: band << 48, minor: cursor + 1), in: list)
      while link >= 0, readyLinks[link].key.band == band {
        touch()
        if isFit(Int(readyLinks[link].agent)) { return Int(readyLinks[link].agent) }
        link = readyLinks[link].next
      }
      while first >= 0, readyLinks[first].key.band == band, Int64(readyLinks[first].agent) <= cursor {
        touch()
        if isFit(Int(readyLinks[first].agent)) { return Int(readyLinks[first].agent) }
        first = readyLinks[first].next
      }
      first = firstLink(notBefore: ReadyKey(major: (band + 1) << 48, minor: .min), in: list)
    }
    return nil
  }

  /// An offer moves the cursor of the queue whose agents were asked, and no other; a miss moves it as an accept does.
  @inline(never)
  func moveCursor(for slot: Int, to agent: Int) {
    guard let queue = asked(agent, for: slot), queues[queue].policy == .roundRobin, !has(.cursorStuck) else { return }
    queues[queue].cursor = Int32(agent)
  }

  /// The queue as whose member the agent is offered the contact: its own before those that the ladder added.
  private func asked(_ agent: Int, for slot: Int) -> Int32? {
    let own = contacts[slot].queue
    if rungs[contacts[slot].rung].poolCount == 0 { return own }
    let rung = rungs[contacts[slot].rung]
    // An attendant who picks need not have what the contact needs, and is not asked as a member of anything.
    guard isEligible(agent, for: needs(rung: contacts[slot].rung, profile: contacts[slot].profile)) else { return nil }
    if isMember(agent, of: own, kind: contacts[slot].kind) { return own }
    for place in rung.firstPool..<(rung.firstPool + rung.poolCount)
    where isMember(agent, of: pools[place], kind: contacts[slot].kind) { return pools[place] }
    return nil
  }
}
