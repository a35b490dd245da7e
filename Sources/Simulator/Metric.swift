import ACD

/// What can be said about some replications: a ratio of sums over them, or a quantile of all their waits. Waits are
/// in seconds.
enum Metric: Sendable, Hashable {
  /// The threshold is in microseconds, one of the plan's.
  case serviceLevel(ServiceLevelDefinition.Metric, within: Int64)
  /// Of all contacts that entered, however they left.
  case waitMean
  case waitQuantile(Double)
  /// The mean over replications of the longest wait.
  case waitMaximum
  /// Mean wait of the answered.
  case speedOfAnswer
  /// Abandoned of all that entered; short abandons stand apart.
  case abandonRate
  /// Handling of handling and ready, of the queue's agents.
  case occupancy
  /// Not answered at once, of all that entered.
  case waited
  /// The line's length, averaged over time.
  case queueLength
  // Means over the replications.
  case offered, answered, abandoned, left, refused
}

/// Which contacts a metric is about; nil means all.
struct Scope: Sendable, Hashable {
  var queue: QueueID?
  var channel: Channel?
}

extension [Tally] {
  /// - Parameter definitions: of the plan that was run.
  /// - Returns: nil if there was nothing to count.
  func estimate(
    _ metric: Metric, _ scope: Scope = Scope(), _ definitions: Definitions, confidence: Double = 0.95
  ) -> Estimate? {
    sample(metric, scope, definitions)?.estimate(confidence)
  }

  /// The share of contacts that waited at most so many seconds.
  func share(upTo seconds: Double, _ scope: Scope) -> Sample? {
    guard let first else { return nil }
    let groups = first.groups(scope.queue, scope.channel)
    return Sample.ratio(
      map { tally in
        let waits = tally.waits(groups)
        return (waits.count(upTo: seconds * 1e6), Double(waits.total))
      }, isShare: true)
  }

  func sample(_ metric: Metric, _ scope: Scope = Scope(), _ definitions: Definitions) -> Sample? {
    guard let first else { return nil }
    let groups = first.groups(scope.queue, scope.channel)
    if case .waitQuantile(let p) = metric { return Sample.quantile(p, map { $0.waits(groups) }) }
    let agents = definitions.agents.indices.filter { agent in
      scope.queue.map { queue in definitions.agents[agent].queues.contains { $0.queue == queue } } ?? true
    }
    let queues = scope.queue.map { [$0] } ?? definitions.queues.indices.map { QueueID(index: UInt32($0)) }
    return Sample.ratio(
      map { $0.ratio(metric, groups, agents: agents, queues: queues) }, isShare: metric.isShareOfContacts)
  }
}

extension Metric {
  var isShareOfContacts: Bool {
    switch self {
    case .serviceLevel, .abandonRate, .waited: true
    default: false
    }
  }
}

extension Tally {
  /// Numerator and denominator of a metric in this replication.
  func ratio(_ metric: Metric, _ groups: [Int], agents: [Int], queues: [QueueID]) -> (top: Double, bottom: Double) {
    func sum(_ field: KeyPath<Group, Int64>) -> Double { self.sum(groups, field) }
    switch metric {
    case .serviceLevel(let metric, let within): return serviceLevel(metric, within, groups)
    case .waitMean: return (sum(\.wait) / 1e6, sum(\.offered))
    case .waitMaximum: return (groups.map { Double(self.groups[$0].longestWait) / 1e6 }.max() ?? 0, 1)
    case .waitQuantile: return (0, 0)
    case .speedOfAnswer: return (sum(\.answeredWait) / 1e6, sum(\.answered))
    case .abandonRate: return (sum(\.abandoned), sum(\.offered) - sum(\.shortAbandoned))
    case .occupancy:
      let handling = agents.reduce(0) { $0 + Double(work[$1].handling) }
      return (handling, handling + agents.reduce(0) { $0 + Double(work[$1].ready) })
    case .waited: return (sum(\.waited), sum(\.offered))
    case .queueLength: return (queues.reduce(0) { $0 + area($1) }, measuredTime)
    case .offered: return (sum(\.offered), 1)
    case .answered: return (sum(\.answered), 1)
    case .abandoned: return (sum(\.abandoned) + sum(\.shortAbandoned), 1)
    case .left: return (sum(\.left), 1)
    case .refused: return (sum(\.refused), 1)
    }
  }

  /// Short abandons are left out, and who timed out counts beside the denominator.
  private func serviceLevel(
    _ metric: ServiceLevelDefinition.Metric, _ within: Int64, _ groups: [Int]
  ) -> (top: Double, bottom: Double) {
    guard let threshold = thresholds.firstIndex(of: within) else { return (0, 0) }
    let answered = sum(groups, \.answered)
    let abandoned = sum(groups, \.abandoned)
    let good = sum(groups, within: threshold, \.answered)
    let early = sum(groups, within: threshold, \.abandoned)
    return switch metric {
    case .ignored: (good, answered + abandoned - early)
    case .negative: (good, answered + abandoned)
    case .positive: (good + early, answered + abandoned)
    case .answered: (good, answered)
    }
  }
}
