public import Primitives

/// The state as bytes: the facts only, in a canonical order, so that equal states are equal bytes. Indexes over them
/// (buckets, ready lists, timers, offers) are built again by the reader.
extension Engine {
  static let checkpointVersion: UInt16 = 3

  /// Writes the whole state, versioned; `init(checkpoint:definitions:)` reads it back.
  public func writeCheckpoint(into writer: inout ByteWriter) {
    writer.write(Engine.checkpointVersion)
    writer.write(state.lastInstant)
    writer.write(state.lastSequence)
    let inherited = inheritedMemberships
    writer.write(UInt32(inherited.count))
    for (agent, membership) in inherited {
      writer.write(UInt32(agent))
      writer.write(membership.queue.index)
      writer.write(membership.rank)
    }
    writer.write(UInt32(state.queues.count))
    for queue in state.queues.indices {
      writer.write(state.queues[queue].handleTime)
      writer.write(state.queues[queue].cursor)
      writer.write(state.queues[queue].waits)
      writer.write(state.counters[queue])
    }
    writer.write(UInt32(state.agents.count))
    for agent in state.agents.indices { write(agent: agent, into: &writer) }
    let live = state.contacts.indices.filter { state.contacts[$0].phase != .gone }
    let ladders = write(laddersOf: live, into: &writer)
    writer.write(UInt32(live.count))
    for slot in live {
      write(contact: slot, into: &writer)
      let rung = state.rungs[state.contacts[slot].rung]
      writer.write(Int32(truncatingIfNeeded: ladders.firstIndex(of: rung.ladder) ?? -1))
      writer.write(rung.step)
    }
  }

  /// Who serves queues that are no more: no configuration says that, so the checkpoint does.
  private var inheritedMemberships: [(agent: Int, membership: AgentDefinition.Membership)] {
    definitions.agents.enumerated().flatMap { agent, definition in
      definition.queues.filter { definitions.queues[Int($0.queue.index)].isRemoved }.map { (agent, $0) }
    }
  }

  private mutating func readInheritedMemberships(_ reader: inout ByteReader) throws {
    for _ in 0..<(try reader.read(UInt32.self)) {
      let agent = Int(try reader.read(UInt32.self))
      let queue = QueueID(index: try reader.read())
      let membership = AgentDefinition.Membership(queue: queue, rank: try reader.read())
      guard agent < definitions.agents.count, Int(queue.index) < definitions.queues.count else {
        throw CheckpointError(offset: reader.offset, reason: "an unknown agent or queue")
      }
      // Later definitions may have the queue again, or the agent no more.
      guard definitions.queues[Int(queue.index)].isRemoved, !definitions.agents[agent].isRemoved else { continue }
      definitions.agents[agent].queues.append(membership)
    }
    state.adopt(definitions)
  }

  private func write(agent: Int, into writer: inout ByteWriter) {
    let row = state.agents[agent]
    writer.write(row.presence.rawValue)
    writer.write(row.reason)
    writer.write(row.missed)
    writer.write(row.declined)
    writer.write(row.idle)
    writer.write(row.loadSince)
    writer.write(row.backOff)
    writer.write(row.backOffSequence)
    writer.write(row.offer)
    writer.write(row.ringDeadline)
    writer.write(row.offer != 0 ? row.offered : -1)
    writer.write(state.work[agent])
    let pairs = state.retryPairs(of: agent)
    writer.write(UInt32(pairs.count))
    for pair in pairs {
      writer.write(pair.contact)
      writer.write(pair.generation)
      writer.write(pair.until)
      writer.write(pair.sequence)
    }
  }

  private func write(contact slot: Int, into writer: inout ByteWriter) {
    let row = state.contacts[slot]
    writer.write(UInt32(slot))
    writer.write(row.generation)
    writer.write(row.phase.rawValue)
    writer.write(row.channel.rawValue)
    writer.write(row.isLost)
    writer.write(row.isSegment)
    writer.write(row.isOnLine)
    writer.write(row.isDialledFirst)
    writer.write(row.hops)
    writer.write(row.attempts)
    writer.write(row.priority)
    writer.write(row.queue)
    writer.write(row.profile)
    writer.write(row.agent)
    writer.write(row.heldFor)
    writer.write(row.holdDeadline)
    writer.write(row.entry)
    writer.write(row.waitStart)
    writer.write(row.entrySequence)
    writer.write(row.offer)
    writer.write(row.waitDeadline)
    writer.write(row.lostDeadline)
    writer.write(row.patienceSequence)
    writer.write(row.phaseDeadline)
    writer.write(row.phaseSequence)
    writer.write(row.answered)
    writer.write(row.wrapUpStart)
    writer.write(row.estimates)
  }

  /// - Parameter definitions: those in force when the checkpoint was written, or later ones.
  public init(checkpoint reader: inout ByteReader, definitions: Definitions) throws(CheckpointError) {
    self.init(definitions: definitions)
    do {
      try read(&reader)
    } catch let error as CheckpointError {
      throw error
    } catch {
      throw CheckpointError(offset: reader.offset, reason: "truncated")
    }
    // What the rows refer to is reached again, and counted.
    state.adopt(self.definitions)
    state.rebuild()
    catchUp()
  }

  private mutating func read(_ reader: inout ByteReader) throws {
    func check(_ condition: Bool, _ reason: String) throws(CheckpointError) {
      if !condition { throw CheckpointError(offset: reader.offset, reason: reason) }
    }
    let version = try reader.read(UInt16.self)
    try check(version == Engine.checkpointVersion, "version \(version) is not known")
    state.lastInstant = try reader.readInstant()
    state.lastSequence = try reader.read()
    try readInheritedMemberships(&reader)
    let queues = Int(try reader.read(UInt32.self))
    try check(queues <= state.queues.count, "more queues than are defined")
    for queue in 0..<queues {
      state.queues[queue].handleTime = try reader.read()
      state.queues[queue].cursor = try reader.read()
      state.queues[queue].waits = try reader.readHistory()
      state.counters[queue] = try reader.readCounters()
    }
    let agents = Int(try reader.read(UInt32.self))
    try check(agents <= state.agents.count, "more agents than are defined")
    for agent in 0..<agents { try read(agent: agent, from: &reader) }
    let ladders = try readLadders(&reader)
    for _ in 0..<(try reader.read(UInt32.self)) {
      let slot = Int(try reader.read(UInt32.self))
      try check(slot < 1 << 26, "a slot beyond every table")
      var row = try reader.readContact()
      try check(row.queue >= 0 && Int(row.queue) < queues, "an unknown queue")
      try check(Int(row.profile) < definitions.profiles.count, "an unknown profile")
      let needsAgent =
        ![.waiting, .resting, .dialling, .placeHeld].contains(row.phase) && !(row.phase == .offered && row.offer == 0)
      try check(row.heldFor >= -1 && row.heldFor < agents, "an unknown agent")
      let (ladder, taken) = (Int(try reader.read(Int32.self)), try reader.read(Int32.self))
      try check(ladder < ladders.count, "an unknown ladder")
      if ladder >= 0 {
        row.rung = ladders[ladder] + taken
        try check(taken >= 0 && taken <= state.ladders[Int(state.rungs[row.rung].ladder)].count, "an unknown step")
        state.queues[row.queue].hasClimbers = true
      }
      try check(row.agent < agents && (row.agent >= 0 || !needsAgent), "an unknown agent")
      state.contacts.grow(to: slot + 1, with: ContactRow())
      try check(state.contacts[slot].phase == .gone, "a slot twice")
      state.contacts[slot] = row
    }
  }

  private mutating func read(agent: Int, from reader: inout ByteReader) throws {
    guard let presence = AgentRow.Presence(rawValue: try reader.read()) else {
      throw CheckpointError(offset: reader.offset, reason: "an unknown presence")
    }
    state.agents[agent].presence = presence
    state.agents[agent].reason = try reader.read()
    state.agents[agent].missed = try reader.read()
    state.agents[agent].declined = try reader.read()
    state.agents[agent].idle = try reader.read()
    state.agents[agent].loadSince = try reader.read()
    state.agents[agent].backOff = try reader.readInstant()
    state.agents[agent].backOffSequence = try reader.read()
    state.agents[agent].exceptionsUntil = state.agents[agent].backOff
    state.agents[agent].offer = try reader.read()
    state.agents[agent].ringDeadline = try reader.readInstant()
    state.agents[agent].offered = try reader.read()
    state.work[agent] = try reader.readWork()
    var last: Int32 = -1
    for _ in 0..<(try reader.read(UInt32.self)) {
      let pair = RetryPair(
        contact: try reader.read(), generation: try reader.read(), until: try reader.readInstant(),
        sequence: try reader.read(), next: -1)
      let link = state.insertPair(pair)
      if last >= 0 { state.pairs[last].next = link } else { state.agents[agent].firstPair = link }
      last = link
      state.agents[agent].exceptionsUntil = max(state.agents[agent].exceptionsUntil, pair.until)
    }
  }
}

extension State {
  func retryPairs(of agent: Int) -> [RetryPair] {
    var result: [RetryPair] = []
    var link = agents[agent].firstPair
    while link >= 0 {
      result.append(pairs[link])
      link = pairs[link].next
    }
    return result
  }

  /// Builds the indexes over rows that were just read.
  fileprivate func rebuild() {
    for slot in contacts.indices where contacts[slot].phase != .gone {
      let row = contacts[slot]
      switch row.phase {
      case .waiting, .offered, .resting, .dialling: queues[row.queue].waiting += 1
      case .gone, .connecting, .answered, .wrapUp, .placeHeld: break
      }
      if row.phase == .dialling { queues[row.queue].dialling += 1 }
      if hasPatience(slot) { armPatience(slot) }
      if row.phaseDeadline != .distantFuture {
        setPhase(row.phase, of: slot, until: row.phaseDeadline, row.phaseSequence)
      }
      if row.offer != 0 { offers.insert(LiveOffer(sequence: row.offer, slot: slot, agent: Int(row.agent))) }
      switch row.phase {
      case .gone, .resting, .dialling, .placeHeld: break
      case .waiting: if !row.isLost { line(up: slot) }
      case .offered:
        if row.offer != 0 { agents[row.agent].offered = Int32(slot) } else if !row.isLost { line(up: slot) }
      case .connecting, .answered, .wrapUp:
        let (loadSince, time) = (agents[row.agent].loadSince, work[row.agent])
        takeSlot(slot, of: Int(row.agent), at: lastInstant)
        agents[row.agent].loadSince = loadSince
        work[row.agent] = time
      }
    }
    let ringers = agents.indices.filter { agents[$0].offer != 0 }
    for agent in ringers.sorted(by: { agents[$0].offer < agents[$1].offer }) {
      let (offer, slot) = (agents[agent].offer, Int(agents[agent].offered))
      offers.insert(LiveOffer(sequence: offer, slot: slot, agent: agent))
      ring(slot, agent, until: agents[agent].ringDeadline, offer)
    }
    recountStaff()
    for agent in agents.indices {
      relist(agent)
      armRetry(agent, after: lastInstant)
    }
  }
}

// MARK: Ladders

extension Engine {
  /// The ladders that contacts stand on, in the order of the contacts. Returns their indices.
  private func write(laddersOf contacts: [Int], into writer: inout ByteWriter) -> [Int32] {
    var used: [Int32] = []
    for slot in contacts where state.contacts[slot].rung != 0 {
      let ladder = state.rungs[state.contacts[slot].rung].ladder
      if !used.contains(ladder) { used.append(ladder) }
    }
    writer.write(UInt32(used.count))
    for ladder in used {
      let steps = state.ladders[Int(ladder)]
      writer.write(UInt32(steps.count))
      for step in steps {
        writer.write(step.after)
        writer.write(UInt32(step.changes.count))
        for change in step.changes { writer.write(change) }
      }
    }
    return used
  }

  /// Returns the first rung of each.
  private mutating func readLadders(_ reader: inout ByteReader) throws -> [Int32] {
    var starts: [Int32] = []
    for _ in 0..<(try reader.read(UInt32.self)) {
      var steps: [LadderStep] = []
      for _ in 0..<(try reader.read(UInt32.self)) {
        var step = LadderStep(after: try reader.read(), changes: [])
        for _ in 0..<(try reader.read(UInt32.self)) { step.changes.append(try reader.readChange()) }
        steps.append(step)
      }
      starts.append(state.intern(ladder: steps))
    }
    return starts
  }
}

extension ByteWriter {
  fileprivate mutating func write(_ change: LadderStep.Change) {
    switch change {
    case .drop(let skill): write(UInt8(0)); write(skill.index)
    case .lower(let skill, let level): write(UInt8(1)); write(skill.index); write(level)
    case .also(let queue): write(UInt8(2)); write(queue.index)
    case .prefer(let agent): write(UInt8(3)); write(agent.index)
    }
  }

  fileprivate mutating func write(_ row: WorkRow) {
    write(row.until)
    for tally in [row.shift, row.day] {
      write(tally.contacts)
      write(tally.handled)
      write(tally.ready)
    }
  }

  fileprivate mutating func write(_ counters: QueueCounters) {
    write(counters.entered)
    write(counters.answered)
    write(counters.answeredWithin)
    write(counters.abandoned)
    write(counters.abandonedWithin)
    write(counters.shortAbandoned)
    write(counters.left)
    write(counters.failed)
    write(counters.refused)
    write(counters.callback)
    write(counters.withdrawn)
    write(counters.answeredWait)
    write(counters.excessWait)
    write(counters.handled)
    write(counters.talk)
    write(counters.wrapUp)
    write(counters.callbacksQueued)
    write(counters.callbacksAnswered)
    write(counters.callbacksClosed)
    write(counters.estimates.announced)
    write(counters.estimates.covered)
    for score in [counters.estimates.queueLength, counters.estimates.headOfLine, counters.estimates.lastToEnter] {
      write(score.count)
      write(score.squaredError)
    }
  }

  fileprivate mutating func write(_ history: WaitHistory) {
    write(history.lastToEnter)
    write(history.exposure)
    write(history.abandons)
    write(history.departures)
  }

  fileprivate mutating func write(_ estimates: WaitEstimates) {
    for value in [
      estimates.queueLength, estimates.headOfLine, estimates.lastToEnter, estimates.low, estimates.high,
    ] { write(value) }
  }
}

extension ByteReader {
  fileprivate mutating func readChange() throws -> LadderStep.Change {
    switch try read(UInt8.self) {
    case 0: return .drop(SkillID(index: try read()))
    case 1: return .lower(SkillID(index: try read()), to: try read())
    case 2: return .also(QueueID(index: try read()))
    case 3: return .prefer(AgentID(index: try read()))
    default: throw CheckpointError(offset: offset, reason: "an unknown step of a ladder")
    }
  }

  fileprivate mutating func readWork() throws(Truncated) -> WorkRow {
    var row = WorkRow()
    row.until = try read()
    for tally in [\WorkRow.shift, \WorkRow.day] {
      row[keyPath: tally] = WorkRow.Tally(contacts: try read(), handled: try read(), ready: try read())
    }
    return row
  }

  fileprivate mutating func readCounters() throws(Truncated) -> QueueCounters {
    var counters = QueueCounters()
    counters.entered = try read()
    counters.answered = try read()
    counters.answeredWithin = try read()
    counters.abandoned = try read()
    counters.abandonedWithin = try read()
    counters.shortAbandoned = try read()
    counters.left = try read()
    counters.failed = try read()
    counters.refused = try read()
    counters.callback = try read()
    counters.withdrawn = try read()
    counters.answeredWait = try read()
    counters.excessWait = try read()
    counters.handled = try read()
    counters.talk = try read()
    counters.wrapUp = try read()
    counters.callbacksQueued = try read()
    counters.callbacksAnswered = try read()
    counters.callbacksClosed = try read()
    counters.estimates.announced = try read()
    counters.estimates.covered = try read()
    counters.estimates.queueLength = EstimateScore(count: try read(), squaredError: try read())
    counters.estimates.headOfLine = EstimateScore(count: try read(), squaredError: try read())
    counters.estimates.lastToEnter = EstimateScore(count: try read(), squaredError: try read())
    return counters
  }

  fileprivate mutating func readHistory() throws(Truncated) -> WaitHistory {
    var history = WaitHistory()
    history.lastToEnter = try read()
    history.exposure = try read()
    history.abandons = try read()
    history.departures = try read()
    return history
  }

  fileprivate mutating func readEstimates() throws(Truncated) -> WaitEstimates {
    var estimates = WaitEstimates()
    estimates.queueLength = try read()
    estimates.headOfLine = try read()
    estimates.lastToEnter = try read()
    estimates.low = try read()
    estimates.high = try read()
    return estimates
  }

  fileprivate mutating func readContact() throws -> ContactRow {
    var row = ContactRow()
    row.generation = try read()
    guard let phase = ContactRow.Phase(rawValue: try read()), phase != .gone,
      let channel = Channel(rawValue: try read())
    else { throw CheckpointError(offset: offset, reason: "an unknown phase or channel") }
    row.phase = phase
    row.channel = channel
    row.isLost = try readBool()
    row.isSegment = try readBool()
    row.isOnLine = try readBool()
    row.isDialledFirst = try readBool()
    row.hops = try read()
    row.attempts = try read()
    row.priority = try read()
    row.queue = try read()
    row.profile = try read()
    row.agent = try read()
    row.heldFor = try read()
    row.holdDeadline = try readInstant()
    row.entry = try readInstant()
    row.waitStart = try readInstant()
    row.entrySequence = try read()
    row.offer = try read()
    row.waitDeadline = try readInstant()
    row.lostDeadline = try readInstant()
    row.patienceSequence = try read()
    row.phaseDeadline = try readInstant()
    row.phaseSequence = try read()
    row.answered = try readInstant()
    row.wrapUpStart = try readInstant()
    row.estimates = try readEstimates()
    return row
  }
}
