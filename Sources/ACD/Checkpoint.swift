public import Primitives

/// The state as bytes: the facts only, in a canonical order, so that equal states are equal bytes. Indexes over them
/// (buckets, ready lists, timers, offers) are built again by the reader.
extension Engine {
  static let checkpointVersion: UInt16 = 2

  /// Writes the whole state, versioned; `init(checkpoint:definitions:)` reads it back.
  public func writeCheckpoint(into writer: inout ByteWriter) {
    writer.write(Engine.checkpointVersion)
    writer.write(state.lastInstant)
    writer.write(state.lastSequence)
    writer.write(UInt32(state.queues.count))
    for queue in state.queues.indices {
      writer.write(state.queues[queue].handleTime)
      writer.write(state.queues[queue].waits)
      writer.write(state.counters[queue])
    }
    writer.write(UInt32(state.agents.count))
    for agent in state.agents.indices { write(agent: agent, into: &writer) }
    let live = state.contacts.indices.filter { state.contacts[$0].phase != .gone }
    writer.write(UInt32(live.count))
    for slot in live { write(contact: slot, into: &writer) }
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
    let queues = Int(try reader.read(UInt32.self))
    try check(queues <= state.queues.count, "more queues than are defined")
    for queue in 0..<queues {
      state.queues[queue].handleTime = try reader.read()
      state.queues[queue].waits = try reader.readHistory()
      state.counters[queue] = try reader.readCounters()
    }
    let agents = Int(try reader.read(UInt32.self))
    try check(agents <= state.agents.count, "more agents than are defined")
    for agent in 0..<agents { try read(agent: agent, from: &reader) }
    for _ in 0..<(try reader.read(UInt32.self)) {
      let slot = Int(try reader.read(UInt32.self))
      try check(slot < 1 << 26, "a slot beyond every table")
      let row = try reader.readContact()
      try check(row.queue >= 0 && Int(row.queue) < queues, "an unknown queue")
      try check(Int(row.profile) < definitions.profiles.count, "an unknown profile")
      let needsAgent = ![.waiting, .resting, .dialling, .placeHeld].contains(row.phase)
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
  fileprivate mutating func rebuild() {
    for slot in contacts.indices where contacts[slot].phase != .gone {
      let row = contacts[slot]
      switch row.phase {
      case .waiting, .offered, .resting, .dialling: queues[row.queue].waiting += 1
      case .gone, .connecting, .answered, .wrapUp, .placeHeld: break
      }
      if row.phase == .dialling { queues[row.queue].dialling += 1 }
      if row.waitDeadline != .distantFuture || row.lostDeadline != .distantFuture { armPatience(slot) }
      if row.phaseDeadline != .distantFuture {
        setPhase(row.phase, of: slot, until: row.phaseDeadline, row.phaseSequence)
      }
      if row.offer != 0 { offers.insert(row.offer, contact: slot) }
      switch row.phase {
      case .gone, .resting, .dialling, .placeHeld: break
      case .waiting: if !row.isLost { line(up: slot) }
      case .offered: agents[row.agent].offered = Int32(slot)
      case .connecting, .answered, .wrapUp:
        let loadSince = agents[row.agent].loadSince
        takeSlot(slot, of: Int(row.agent), at: lastInstant)
        agents[row.agent].loadSince = loadSince
      }
    }
    recountStaff()
    for agent in agents.indices {
      relist(agent)
      armRetry(agent, after: lastInstant)
    }
  }
}

extension ByteWriter {
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
