public import Primitives

extension State {
  /// A contact ended: its talk is the first guess at its handle time.
  mutating func noteHandleTime(_ slot: Int, at instant: Instant) {
    let queue = contacts[slot].queue
    let handled = max(0, instant - contacts[slot].answered)
    let mean = queues[queue].handleTime
    queues[queue].handleTime = mean == 0 ? handled : mean + (handled - mean) / 16
  }

  /// Wrap-up belongs to the handle time that `noteHandleTime` counted without it.
  mutating func noteWrapUpTime(_ slot: Int, at instant: Instant) {
    queues[contacts[slot].queue].handleTime += max(0, instant - contacts[slot].wrapUpStart) / 16
  }
}

extension Engine {
  /// The range for a waiting contact at `now`, from its place, the queue's agents and recent handle times; nil when
  /// nobody is signed in for it, or before the queue's first contact has been handled.
  ///
  /// The wait of a contact with n ahead is the time until n + 1 of `agents` exponential handle times end (the QL
  /// estimator, without patience): a gamma law of n + 1 stages; the range is its median to its 90th percentile.
  public func waitRange(of contact: ContactID, at now: Instant) -> WaitRange? {
    guard case .waiting(let queue, _, let ahead)? = self.state(of: contact), let slot = state.slot(of: contact)
    else { return nil }
    var agents = 0
    let range = Int(state.memberStart[Int(queue.index)])..<Int(state.memberStart[Int(queue.index) + 1])
    for place in range {
      let membership = state.memberships[state.members[place]]
      let agent = Int(membership.agent)
      guard membership.kinds & Kind.bit(state.contacts[slot].kind) != 0, state.agents[agent].presence != .signedOut,
        state.isEligible(agent, for: state.contacts[slot].profile)
      else { continue }
      agents += 1
    }
    let handleTime = state.queues[Int(queue.index)].handleTime
    guard agents > 0, handleTime > 0 else { return nil }
    let stage = Double(handleTime) / Double(agents)
    let stages = Double(ahead + 1)
    return WaitRange(
      low: Int64(stage * gammaQuantile(stages: stages, normal: 0)),
      high: Int64(stage * gammaQuantile(stages: stages, normal: 1.2816)))
  }
}

/// The quantile of a gamma law with unit stages, by Wilson and Hilferty (1931); within 3 % from one stage upwards.
private func gammaQuantile(stages: Double, normal: Double) -> Double {
  let root = 1 - 1 / (9 * stages) + normal / (3 * stages.squareRoot())
  return stages * root * root * root
}
