public import Primitives

extension State {
  /// A contact ended: its talk is the first guess at its handle time.
  @inline(__always)
  func noteHandleTime(_ slot: Int, at instant: Instant) {
    let queue = contacts[slot].queue
    let handled = max(0, instant - contacts[slot].answered)
    let row = queues.row(queue)
    row.handleTime = row.handleTime == 0 ? handled : row.handleTime + (handled - row.handleTime) / 16
    let counters = counters.row(queue)
    counters.handled += 1
    counters.talk &+= handled
  }

  /// Wrap-up belongs to the handle time that `noteHandleTime` counted without it.
  func noteWrapUpTime(_ slot: Int, at instant: Instant) {
    let queue = contacts[slot].queue
    let wrapUp = max(0, instant - contacts[slot].wrapUpStart)
    queues[queue].handleTime += wrapUp / 16
    counters[Int(queue)].wrapUp &+= wrapUp
  }
}

extension Engine {
  /// What a queue's contacts are taken to need before the first has been handled, in microseconds.
  static let expectedHandleTime: Int64 = .minutes(3)

  /// The range for a waiting contact at `now`, from its place, the queue's agents and recent handle times; nil when
  /// nobody is on duty for it.
  ///
  /// The wait of a contact with n ahead is the time until n + 1 of them have left, by the end of one of `agents`
  /// exponential handle times or by losing patience (`QueueLength`); the range is the median to the 90th percentile.
  public func waitRange(of contact: ContactID, at now: Instant) -> WaitRange? {
    guard case .waiting(_, _, let ahead)? = self.state(of: contact) else { return nil }
    return waitRange(of: contact, ahead: ahead)
  }

  /// The same where `ahead` is known already from `state(of:)`, which has walked the queue for it.
  public func waitRange(of contact: ContactID, ahead: Int) -> WaitRange? {
    guard let slot = state.slot(of: contact), state.contacts[slot].phase == .waiting else { return nil }
    let row = state.contacts[slot]
    return waitRange(in: QueueID(index: UInt32(row.queue)), kind: row.kind, profile: row.profile, ahead: ahead)
  }

  /// The range for a contact that would arrive at the queue now, behind all who wait.
  public func waitRange(arrivingAt queue: QueueID, now: Instant) -> WaitRange? {
    guard state.isKnown(queue) else { return nil }
    let definition = definitions.queues[Int(queue.index)]
    let kind = definition.channels.first == .chat ? Kind.chat : Kind.voice
    return waitRange(
      in: queue, kind: kind, profile: definition.profile.index, ahead: Int(state.queues[Int(queue.index)].waiting))
  }

  private func waitRange(in queue: QueueID, kind: Int, profile: UInt32, ahead: Int) -> WaitRange? {
    let agents = state.staff(of: Int(queue.index), profile, kind)
    guard agents > 0 else { return nil }
    let law = QueueLength(ahead: ahead, agents: agents, queue: state.queues[Int(queue.index)])
    return WaitRange(low: Int64(law.quantile(normal: 0)), high: Int64(law.quantile(normal: 1.2816)))
  }
}
