import Primitives

/// Contacts that differ for the order in nothing but their entry: a queue's, with the same priority added at arrival.
public struct ContactClass: Sendable, Hashable {
  public var queue: QueueID
  public var added: Int16
  public init(queue: QueueID, added: Int16 = 0) { self.queue = queue; self.added = added }
}

/// How much later a contact of another class may arrive and still be served before one that waits.
public enum Overtaking: Sendable, Equatable {
  case never
  /// Microseconds.
  case within(Int64)
  case unbounded

  var length: Int64 {
    switch self {
    case .never: -1
    case .within(let time): time
    case .unbounded: .max
    }
  }
}

/// The starvation bound, from priorities, aging, ranks and ladders alone, whatever the load. Retries and holds come on
/// top: they belong to a pair and end by themselves.
extension Definitions {
  /// The longest over all classes that share an agent with this one, and the class it comes from.
  public func overtaking(
    of victim: ContactClass, amongAdded added: [Int16] = [0]
  ) -> (bound: Overtaking, by: ContactClass?) {
    let classes = queues.indices.filter { !queues[$0].isRemoved }.flatMap { queue in
      added.map { ContactClass(queue: QueueID(index: UInt32(queue)), added: $0) }
    }
    var worst: (bound: Overtaking, by: ContactClass?) = (.never, nil)
    for other in classes where other != victim {
      let bound = overtaking(of: victim, by: other)
      if bound.length > worst.bound.length { worst = (bound, other) }
    }
    return worst
  }

  public func overtaking(of victim: ContactClass, by other: ContactClass) -> Overtaking {
    let (own, others) = (reach(of: victim.queue), reach(of: other.queue))
    var worst = Overtaking.never
    for agent in agents.indices {
      guard let mine = own[agent], let theirs = others[agent] else { continue }
      let bound = overtaking(of: victim, by: other, at: agents[agent], mine, theirs)
      if bound.length > worst.length { worst = bound }
    }
    return worst
  }

  /// When, and by which rank, an agent comes to serve a queue's contacts.
  private struct Reach {
    var after: Int64
    var rank: UInt8
    var isByHand: Bool
  }

  private func reach(of queue: QueueID) -> [Reach?] {
    let definition = queues[Int(queue.index)]
    let profile = profiles[Int(definition.profile.index)]
    return agents.map { agent in
      guard !agent.isRemoved else { return nil }
      for step in 0...definition.ladder.count {
        let steps = definition.ladder.prefix(step)
        var pools = [queue]
        for case .also(let added) in steps.flatMap(\.changes) { pools.append(added) }
        let own = agent.queues.filter { pools.contains($0.queue) }
        guard !own.isEmpty, agent.meets(profile.eased(by: steps)) else { continue }
        return Reach(
          after: steps.last?.after ?? 0, rank: own.map(\.rank).min() ?? 0,
          isByHand: own.contains { queues[Int($0.queue.index)].policy == .attendant })
      }
      return nil
    }
  }

  /// With d the difference of the entries, the later one stands before where `Δp + (g' - g)·t - g'·d > 0` at some t at
  /// which both wait, hence t ≥ d + the time after which the later one reaches the agent.
  private func overtaking(
    of victim: ContactClass, by other: ContactClass, at agent: AgentDefinition, _ mine: Reach, _ theirs: Reach
  ) -> Overtaking {
    if mine.isByHand { return .unbounded }
    if agent.take == .agentRank, mine.rank != theirs.rank { return theirs.rank < mine.rank ? .unbounded : .never }
    let (own, rival) = (queues[Int(victim.queue.index)], queues[Int(other.queue.index)])
    let ahead = Double(Int(rival.priority) + Int(other.added) - Int(own.priority) - Int(victim.added))
    // Points per microsecond.
    let (slope, theirSlope) = (Double(own.aging) / 60e9, Double(rival.aging) / 60e9)
    if theirSlope > slope { return .unbounded }
    let lead = ahead - (slope - theirSlope) * Double(theirs.after)
    if lead <= 0 { return .never }
    let time = lead / slope
    return slope > 0 && time < 9e15 ? .within(Int64(time.rounded(.up))) : .unbounded
  }
}
