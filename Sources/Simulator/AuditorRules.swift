import ACD
import Primitives

/// The declared rules, read from the definitions: who may take whom, and who comes first.
extension Auditor {
  /// The rules that an offer would break. Nothing of it is written yet.
  func brokenRules(ofOffering slot: Int, to agent: Int, _ now: Instant) -> [Violation.Rule] {
    var broken: [Violation.Rule] = []
    let isBroadcast = definitions.queues[waiters[slot].queue].policy == .broadcast
    if workers[agent].offered >= 0 || !isBroadcast && !waiters[slot].rings.isEmpty { broken.append(.oneOffer) }
    if !hasRoom(agent, waiters[slot].channel) { broken.append(.capacity) }
    if !isEligible(agent, waiters[slot]) { broken.append(.eligibility) }
    if isAvoided(agent, slot, now) { broken.append(.retry) }
    let isOvertaking = line.contains { other in
      other != slot && stands(other, before: slot, for: agent, now) && mayTake(agent, other, now)
    }
    if isOvertaking { broken.append(.order) }
    if !isBroadcast, let own = key(agent, slot) {
      let isPassedOver = workers.indices.contains { other in
        other != agent && mayTake(other, slot, now) && key(other, slot)?.lexicographicallyPrecedes(own) == true
      }
      if isPassedOver { broken.append(.policy) }
    }
    return broken
  }

  func mayTake(_ agent: Int, _ slot: Int, _ now: Instant) -> Bool {
    let waiter = waiters[slot]
    let isTakable = waiter.rings.isEmpty || definitions.queues[waiter.queue].policy == .broadcast
    return workers[agent].offered < 0 && isTakable && !waiter.isLost && !waiter.isToBeDialled
      && hasRoom(agent, waiter.channel) && isEligible(agent, waiter) && !isAvoided(agent, slot, now)
  }

  private func hasRoom(_ agent: Int, _ channel: Channel) -> Bool {
    let definition = definitions.agents[agent]
    let held = workers[agent].held
    let chats = held.filter { waiters[$0].channel == .chat }
    guard held.count < Int(definition.totalCapacity) else { return false }
    if channel == .chat {
      return chats.count < Int(definition.chatCapacity) && (chats.count == held.count || !definition.voiceBlocksChat)
    }
    return definition.voiceCapacity > 0 && chats.count == held.count
      && !(definition.chatBlocksVoice && chats.contains { waiters[$0].phase != .wrapUp })
  }

  private func isEligible(_ agent: Int, _ waiter: Waiter) -> Bool {
    workers[agent].isReady && pool(agent, waiter) != nil
  }

  private func isAvoided(_ agent: Int, _ slot: Int, _ now: Instant) -> Bool {
    workers[agent].backOff > now.microseconds
      || workers[agent].avoided.contains { $0.contact == id(slot) && $0.until > now.microseconds }
  }

  // MARK: Ladders

  private func changes(_ waiter: Waiter) -> [LadderStep.Change] {
    definitions.queues[waiter.queue].ladder.prefix(waiter.taken).flatMap(\.changes)
  }

  /// The contact's own queue, then those that its ladder has added.
  func queues(of waiter: Waiter) -> [Int] {
    [waiter.queue] + changes(waiter).compactMap { if case .also(let queue) = $0 { Int(queue.index) } else { nil } }
  }

  /// How many steps are taken: those that the waiting time has reached, and those below which nobody is on duty.
  func steps(of waiter: Waiter, _ now: Instant) -> Int {
    let ladder = definitions.queues[waiter.queue].ladder
    var waiter = waiter
    while waiter.taken < ladder.count {
      let isReached = now.microseconds - waiter.entry >= ladder[waiter.taken].after
      guard isReached || isUnstaffed(waiter) else { break }
      waiter.taken += 1
    }
    return waiter.taken
  }

  private func isUnstaffed(_ waiter: Waiter) -> Bool {
    !workers.indices.contains { agent in
      let definition = definitions.agents[agent]
      let capacity = waiter.channel == .chat ? definition.chatCapacity : definition.voiceCapacity
      return isEligible(agent, waiter) && capacity > 0 && definition.totalCapacity > 0
    }
  }

  // MARK: Policies

  func isMember(_ agent: Int, of queue: Int, _ waiter: Waiter) -> Bool {
    let (definition, it) = (definitions.agents[agent], definitions.queues[queue])
    return it.policy != .attendant && it.channels.contains { ($0 == .chat) == (waiter.channel == .chat) }
      && definition.queues.contains { Int($0.queue.index) == queue }
      && definition.meets(definitions.profiles[Int(it.profile.index)].eased(by: it.ladder))
  }

  /// Which of the contact's queues asks the agent: 0 is its own.
  private func pool(_ agent: Int, _ waiter: Waiter) -> Int? {
    let steps = definitions.queues[waiter.queue].ladder.prefix(waiter.taken)
    guard definitions.agents[agent].meets(definitions.profiles[waiter.profile].eased(by: steps)) else { return nil }
    return queues(of: waiter).firstIndex { isMember(agent, of: $0, waiter) }
  }

  /// Lower first: whom the ladder prefers, the queue that asks, the load, the policy, and who has been as free for
  /// longest.
  private func key(_ agent: Int, _ slot: Int) -> [Int64]? {
    let waiter = waiters[slot]
    guard let pool = pool(agent, waiter) else { return nil }
    let index = queues(of: waiter)[pool]
    let queue = definitions.queues[index]
    let worker = workers[agent]
    let tally = queue.window == .shift ? worker.shift : worker.day
    let score: Int64
    switch queue.policy {
    case .longestIdle, .broadcast, .attendant: score = 0
    case .roundRobin: score = Int64(agent > cursors[index] ? agent : agent + workers.count)
    case .serial: score = Int64(queue.order.firstIndex { Int($0.index) == agent } ?? queue.order.count + agent)
    case .fewestContacts: score = tally.contacts
    case .leastOccupied:
      let total = tally.handled + tally.ready
      score = total > 0 ? Int64(Double(tally.handled) / Double(total) * 1_000_000) : 0
    case .bestSkilled:
      score = -queue.prefer.reduce(0) { sum, wish in
        let level = definitions.agents[agent].skills.first { $0.skill == wish.skill }?.level ?? 0
        return sum + Int64(min(level, wish.level))
      }
    }
    let load = Int64(worker.held.count)
    let band = waiter.channel == .chat && queue.chats == .fill ? -load : load
    let preferred = changes(waiter).compactMap { if case .prefer(let agent) = $0 { Int(agent.index) } else { nil } }
      .last
    return [
      preferred == agent ? 0 : 1, Int64(pool), band, score, load == 0 ? worker.idle : worker.loadSince, Int64(agent),
    ]
  }

  // MARK: Order

  private func stands(_ slot: Int, before other: Int, for agent: Int, _ now: Instant) -> Bool {
    let (a, b) = (waiters[slot], waiters[other])
    if definitions.agents[agent].take == .agentRank {
      let (first, second) = (rank(slot, for: agent), rank(other, for: agent))
      if first != second { return first < second }
    }
    let (x, y) = (effective(a, now), effective(b, now))
    return x != y ? x > y : a.number < b.number
  }

  private func rank(_ slot: Int, for agent: Int) -> UInt8 {
    let queues = queues(of: waiters[slot]).filter { isMember(agent, of: $0, waiters[slot]) }
    return definitions.agents[agent].queues.filter { queues.contains(Int($0.queue.index)) }.map(\.rank).min() ?? .max
  }

  /// Priority in thousandths of a point times microseconds a minute: exact.
  private func effective(_ waiter: Waiter, _ now: Instant) -> Int64 {
    Int64(waiter.priority) * 60_000_000_000
      + Int64(definitions.queues[waiter.queue].aging) * (now.microseconds - waiter.entry)
  }
}
