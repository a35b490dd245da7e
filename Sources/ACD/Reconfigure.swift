public import Primitives

extension Engine {
  /// Swaps the configuration between two inputs. Waiting contacts keep what they were promised: their priority, their
  /// wait limit, and, in a queue that is no more, the agents who served it.
  /// - Precondition: `definitions` continues the index spaces of the current ones.
  public mutating func reconfigure(_ definitions: Definitions, at now: Instant, into step: inout Step) {
    handle(.timersDue, at: now, into: &step)
    swap(definitions)
    for agent in state.agents.indices where state.agents[agent].isRemoved {
      signOut(AgentID(index: UInt32(agent)), .reconfigured, &step)
    }
    for agent in state.agents.indices {
      guard let live = state.liveOffer(of: agent) else { continue }
      let isBroadcast = state.queues[state.contacts[live.slot].queue].policy == .broadcast
      let isOutdated = state.contacts[live.slot].ringing >= 0 && !isBroadcast
      if isOutdated || !state.serves(agent, live.slot) { withdraw(live, .reconfigured, &step) }
    }
    matchAll(&step)
    // The days may be others now.
    handle(.timersDue, at: now, into: &step)
  }

  /// Swaps the configuration without deciding anything, where the journal recorded a change of it.
  public mutating func replay(_ definitions: Definitions) {
    own()
    swap(definitions)
  }

  private mutating func swap(_ definitions: Definitions) {
    precondition(definitions.queues.count >= self.definitions.queues.count, "queues are append-only")
    precondition(definitions.agents.count >= self.definitions.agents.count, "agents are append-only")
    precondition(definitions.profiles.count >= self.definitions.profiles.count, "profiles are append-only")
    var next = definitions
    for agent in self.definitions.agents.indices where !next.agents[agent].isRemoved {
      for membership in self.definitions.agents[agent].queues where next.queues[Int(membership.queue.index)].isRemoved {
        if next.agents[agent].queues.contains(where: { $0.queue == membership.queue }) { continue }
        next.agents[agent].queues.append(membership)
      }
    }
    self.definitions = next
    state.adopt(next)
    lookUpDays()
  }
}

extension State {
  /// Brings the rows in line with the definitions and lists the agents anew.
  func adopt(_ definitions: Definitions) {
    queues.grow(to: definitions.queues.count, with: QueueRow())
    counters.grow(to: definitions.queues.count, with: QueueCounters())
    agents.grow(to: definitions.agents.count, with: AgentRow())
    work.grow(to: definitions.agents.count, with: WorkRow())
    for (index, queue) in definitions.queues.enumerated() { queues[index].adopt(queue) }
    for (index, agent) in definitions.agents.enumerated() {
      agents[index].isRemoved = agent.isRemoved
      agents[index].voiceCapacity = agent.voiceCapacity
      agents[index].chatCapacity = agent.chatCapacity
      agents[index].totalCapacity = agent.totalCapacity
      agents[index].chatBlocksVoice = agent.chatBlocksVoice
      agents[index].voiceBlocksChat = agent.voiceBlocksChat
      agents[index].takesByRank = agent.take == .agentRank
      agents[index].listed = 0
    }
    let needs = adoptLadders(definitions)
    adoptSkills(definitions, needs)
    adoptMemberships(definitions)
    recountStaff()
    adoptDuty(needs: needs.count)
    for queue in queues.indices {
      forEachBucket(of: Int32(queue)) { place in
        buckets[place].needs = self.needs(rung: buckets[place].rung, profile: buckets[place].profile)
      }
    }
    ready = Table(repeating: ReadyList(), count: queues.count * 2)
    readyLinks = Table(repeating: ReadyLink(), count: memberships.count * 2)
    for link in readyLinks.indices { readyLinks[link].agent = memberships[link / 2].agent }
    for agent in agents.indices { relist(agent) }
  }

  private func adoptSkills(_ definitions: Definitions, _ needs: [Profile]) {
    needWords = (needs.count + 63) / 64
    eligible = Table(repeating: 0, count: agents.count * needWords)
    for (index, agent) in definitions.agents.enumerated() {
      for (column, needs) in needs.enumerated() where agent.meets(needs) {
        eligible[index * needWords + column / 64] |= 1 << UInt64(column % 64)
      }
    }
  }

  private func adoptMemberships(_ definitions: Definitions) {
    memberships = Table()
    memberStart = Table(repeating: 0, count: queues.count + 1)
    for (index, agent) in definitions.agents.enumerated() {
      agents[index].firstMembership = Int32(memberships.count)
      for membership in agent.queues where isKnown(membership.queue) {
        let queue = Int32(membership.queue.index)
        let first = Int(agents[index].firstMembership)
        if (first..<memberships.count).contains(where: { memberships[$0].queue == queue }) { continue }
        // What the ladder drops in the end, a member may lack from the start; each contact has its own needs.
        let last = queues[queue].rung + Int32(definitions.queues[Int(queue)].ladder.count)
        let isServing = !agent.isRemoved && isEligible(index, for: needs(rung: last, profile: queues[queue].profile))
        let carried = isServing ? queues[queue].carries : 0
        let definition = definitions.queues[Int(queue)]
        memberships.append(
          Membership(
            agent: Int32(index), queue: queue, rank: membership.rank, carried: carried,
            kinds: definition.policy == .attendant ? 0 : carried, position: definition.position(of: index),
            score: agent.score(definition.prefer)))
        memberStart[Int(queue) + 1] += 1
      }
      agents[index].membershipCount = Int32(memberships.count) - agents[index].firstMembership
    }
    for queue in queues.indices { memberStart[queue + 1] += memberStart[queue] }
    members = Table(repeating: 0, count: memberships.count)
    var filled = queues.indices.map { memberStart[$0] }
    for membership in memberships.indices {
      let queue = Int(memberships[membership].queue)
      members[filled[queue]] = Int32(membership)
      filled[queue] += 1
    }
  }
}

extension AgentDefinition {
  /// Whether the agent has every skill of the profile at its level or above.
  public func meets(_ profile: Profile) -> Bool {
    profile.needs.allSatisfy { need in skills.contains { $0.skill == need.skill && $0.level >= need.level } }
  }
}
