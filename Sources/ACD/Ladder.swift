import Primitives

/// A place on a ladder: what all of its steps so far amount to. Rung 0 is the one of contacts without a ladder.
///
/// Ladders are interned by their content and kept, so a waiting contact keeps the one it entered under whatever the
/// configuration says later.
struct Rung {
  /// Index into `State.ladders`, and how many of its steps were taken.
  var ladder: Int32 = -1
  var step: Int32 = 0
  /// The waiting time at which the next step is taken; none after the last.
  var next: Int64 = .max
  /// The eased needs of profile `p` are those at `easedNeeds[firstNeeds + p]`; none where nothing is eased.
  var firstNeeds: Int32 = -1
  /// The queues added so far: `pools[firstPool ..< firstPool + poolCount]`.
  var firstPool: Int32 = 0
  var poolCount: Int32 = 0
  var preferred: Int32 = -1
}

extension LadderStep.Change {
  var eases: Bool {
    switch self {
    case .drop, .lower: true
    case .also, .prefer: false
    }
  }
}

extension Profile {
  /// What is still needed after some steps of a ladder. It only ever gets less.
  public func eased(by steps: some Sequence<LadderStep>) -> Profile {
    var eased = self
    for change in steps.lazy.flatMap(\.changes) {
      switch change {
      case .drop(let skill): eased.needs.removeAll { $0.skill == skill }
      case .lower(let skill, let level):
        for need in eased.needs.indices where eased.needs[need].skill == skill {
          eased.needs[need].level = min(eased.needs[need].level, level)
        }
      case .also, .prefer: break
      }
    }
    return eased
  }
}

// MARK: The tables

extension State {
  /// The column of `eligible` for a profile on a rung.
  @inline(__always)
  func needs(rung: Int32, profile: UInt32) -> UInt32 {
    let first = rungs[rung].firstNeeds
    return first < 0 ? profile : easedNeeds[Int(first) + Int(profile)]
  }

  /// The first rung of a ladder, the same one for equal ladders.
  func intern(ladder steps: [LadderStep]) -> Int32 {
    if steps.isEmpty { return 0 }
    if let known = ladders.firstIndex(of: steps) { return ladderStart[known] }
    let start = Int32(rungs.count)
    for step in 0...steps.count {
      var rung = Rung(ladder: Int32(ladders.count), step: Int32(step))
      if step < steps.count { rung.next = max(0, steps[step].after) }
      rungs.append(rung)
    }
    ladderStart.append(start)
    ladders.append(steps)
    return start
  }

  /// Works out what the rungs mean under these definitions. Returns all needs that agents are to be judged by: the
  /// profiles, then the eased ones.
  func adoptLadders(_ definitions: Definitions) -> [Profile] {
    for (index, queue) in definitions.queues.enumerated() { queues[index].rung = intern(ladder: queue.ladder) }
    var needs = definitions.profiles
    var known = Index<Profile, UInt32>()
    for (index, profile) in needs.enumerated() where known[profile] == nil { known[profile] = UInt32(index) }
    easedNeeds = Table()
    pools = Table()
    for index in rungs.indices where rungs[index].ladder >= 0 {
      let steps = ladders[Int(rungs[index].ladder)].prefix(Int(rungs[index].step))
      adoptPools(steps, rung: index)
      let eases = steps.lazy.flatMap(\.changes).contains(where: \.eases)
      rungs[index].firstNeeds = eases ? Int32(easedNeeds.count) : -1
      guard eases else { continue }
      for profile in definitions.profiles {
        let eased = profile.eased(by: steps)
        if known[eased] == nil {
          known[eased] = UInt32(needs.count)
          needs.append(eased)
        }
        easedNeeds.append(known[eased] ?? 0)
      }
    }
    return needs
  }

  private func adoptPools(_ steps: ArraySlice<LadderStep>, rung: Int) {
    rungs[rung].firstPool = Int32(pools.count)
    rungs[rung].preferred = -1
    for change in steps.lazy.flatMap(\.changes) {
      switch change {
      case .also(let queue):
        let first = Int(rungs[rung].firstPool)
        let isKnown = isKnown(queue) && !(first..<pools.count).contains { pools[$0] == Int32(queue.index) }
        if isKnown { pools.append(Int32(queue.index)) }
      case .prefer(let agent): if isKnown(agent) { rungs[rung].preferred = Int32(agent.index) }
      case .drop, .lower: break
      }
    }
    rungs[rung].poolCount = Int32(pools.count) - rungs[rung].firstPool
  }
}

// MARK: Who is on duty

/// A step is skipped where nobody of its pool is on duty: signed in and not on a break, be it busy. How many are is
/// counted per queue, kind and needs, for the queues that ladders reach.
extension State {
  /// Lays out the counts and counts everybody.
  func adoptDuty(needs: Int) {
    dutyWidth = needs
    dutyStart = Table(repeating: -1, count: queues.count)
    var size = 0
    func reach(_ queue: Int) {
      if dutyStart[queue] >= 0 { return }
      dutyStart[queue] = Int32(size)
      size += 2 * needs
    }
    for queue in queues.indices where queues[queue].rung != 0 || queues[queue].hasClimbers { reach(queue) }
    for pool in pools.indices { reach(Int(pools[pool])) }
    duty = Table(repeating: 0, count: size)
    for agent in agents.indices where agents[agent].presence == .ready { countDuty(of: agent, 1) }
  }

  /// The agent's presence has become ready, or is so no more.
  func countDuty(of agent: Int, _ number: Int32) {
    if duty.count == 0 { return }
    for membership in memberships(of: agent) {
      let start = dutyStart[memberships[membership].queue]
      if start < 0 { continue }
      for kind in Kind.voice...Kind.chat where memberships[membership].kinds & Kind.bit(kind) != 0 {
        guard hasCapacity(agent, kind: kind) else { continue }
        for needs in 0..<dutyWidth where isEligible(agent, for: UInt32(needs)) {
          touch()
          duty[Int(start) + kind * dutyWidth + needs] += number
        }
      }
    }
  }

  private func hasCapacity(_ agent: Int, kind: Int) -> Bool {
    let row = agents[agent]
    return row.totalCapacity > 0 && (kind == Kind.voice ? row.voiceCapacity : row.chatCapacity) > 0
  }

  /// Whether nobody on duty could ever take a contact of this queue, kind and profile on this rung.
  func isUnstaffed(queue: Int32, kind: Int, rung: Int32, profile: UInt32) -> Bool {
    let needs = Int(needs(rung: rung, profile: profile))
    func count(_ queue: Int32) -> Int32 {
      dutyStart[queue] < 0 ? 0 : duty[Int(dutyStart[queue]) + kind * dutyWidth + needs]
    }
    if count(queue) > 0 { return false }
    let first = rungs[rung].firstPool
    return !(first..<(first + rungs[rung].poolCount)).contains { count(pools[$0]) > 0 }
  }
}

// MARK: Climbing

extension State {
  /// Why the contact's next step is due, if it is.
  func dueStep(_ slot: Int, at now: Instant) -> StepReason? {
    guard contacts[slot].rung != 0, rungs[contacts[slot].rung].next != .max else { return nil }
    let row = contacts[slot]
    if now - row.waitStart >= nextStep(rungs[row.rung].next) { return .waited }
    return isUnstaffed(queue: row.queue, kind: row.kind, rung: row.rung, profile: row.profile) ? .unstaffed : nil
  }

  /// Contacts in the queue's line, its own and those that have climbed to it, whose pool is empty; in entry order.
  func stranded(in queue: Int32) -> [Int] {
    var slots: [Int] = []
    func collect(_ place: Int32) {
      touch()
      let bucket = buckets[place]
      guard bucket.rung != 0, rungs[bucket.rung].next != .max,
        isUnstaffed(queue: bucket.queue, kind: contacts[bucket.head].kind, rung: bucket.rung, profile: bucket.profile)
      else { return }
      var slot = bucket.head
      while slot >= 0 {
        slots.append(Int(slot))
        slot = contacts[slot].next
      }
    }
    forEachBucket(of: queue, collect)
    var visit = queues[queue].firstVisit
    while visit >= 0 {
      collect(visits[visit].bucket)
      visit = visits[visit].next
    }
    return slots.sorted { contacts[$0].entrySequence < contacts[$1].entrySequence }
  }

  @inline(__always)
  func nextStep(_ after: Int64) -> Int64 { has(.ladderEarly) ? after / 10 * 9 : after }

  func applyStep(_ slot: Int, _ step: UInt8, _ sequence: UInt64) {
    let rung = contacts[slot].rung
    guard rung != 0 else { return }
    let ladder = rungs[rung].ladder
    guard Int(step) <= ladders[Int(ladder)].count else { return }
    climb(slot, to: ladderStart[Int(ladder)] + Int32(step), sequence)
  }

  func applyMigrated(_ slot: Int, _ step: UInt8, _ sequence: UInt64) {
    let start = queues[contacts[slot].queue].rung
    if start == 0 { return climb(slot, to: 0, sequence) }
    guard Int(step) <= ladders[Int(rungs[start].ladder)].count else { return }
    climb(slot, to: start + Int32(step), sequence)
  }

  /// The place in line is kept: a bucket is ordered by entry.
  private func climb(_ slot: Int, to rung: Int32, _ sequence: UInt64) {
    let isInLine = contacts[slot].bucket >= 0
    if isInLine { stepOut(slot) }
    contacts[slot].rung = rung
    if rung != 0 { queues[contacts[slot].queue].hasClimbers = true }
    if isInLine { line(up: slot) }
    contacts[slot].patienceSequence = sequence
    armPatience(slot)
  }
}

extension Engine {
  @inline(__always)
  mutating func climb(_ slot: Int, _ step: inout Step) {
    if state.contacts[slot].rung != 0 { climbDue(slot, &step) }
  }

  /// Takes every step that is due, whether by waiting or because nobody is there to wait for.
  private mutating func climbDue(_ slot: Int, _ step: inout Step) {
    while let reason = state.dueStep(slot, at: now) {
      let next = UInt8(clamping: state.rungs[state.contacts[slot].rung].step + 1)
      emit(.ladderStepped(state.contactID(slot), step: next, reason), &step)
    }
  }

  /// An agent is on duty no more. Contacts for whom that was the last one take their next steps, all of them before any
  /// is offered: who stands first of them goes first. The caller matches those that are returned.
  mutating func climbAll(without agent: Int, _ step: inout Step) -> [Int] {
    if state.duty.count == 0 { return [] }
    var climbers: [Int] = []
    for membership in state.memberships(of: agent) {
      let queue = state.memberships[membership].queue
      guard state.dutyStart[queue] >= 0 else { continue }
      for slot in state.stranded(in: queue) {
        climb(slot, &step)
        climbers.append(slot)
      }
    }
    return climbers
  }

  mutating func rematch(contacts climbers: [Int], _ step: inout Step) {
    for slot in climbers { rematch(contact: slot, &step) }
  }

  /// Brings a queue's waiting contacts to its current ladder, each to the step that its waiting time has reached.
  mutating func migrate(_ queue: QueueID, _ step: inout Step) {
    let current = state.queues[Int(queue.index)].rung
    for slot in state.contacts.indices where state.contacts[slot].queue == Int32(queue.index) {
      let row = state.contacts[slot]
      guard row.phase == .waiting || row.phase == .offered || row.phase == .connecting else { continue }
      guard state.rungs[row.rung].ladder != state.rungs[current].ladder else { continue }
      let ladder = definitions.queues[Int(queue.index)].ladder
      let taken = ladder.prefix { $0.after <= now - row.waitStart }.count
      emit(.ladderMigrated(state.contactID(slot), step: UInt8(clamping: taken)), &step)
      if row.phase != .connecting { rematch(contact: slot, &step) }
    }
  }
}
