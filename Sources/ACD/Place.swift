import Primitives

/// Places in line that outlive a wait: a caller who was cut off, and a contact that is transferred.
extension Engine {
  /// A caller who may have stood in the same queue a moment ago.
  mutating func comeBack(
    _ contact: ContactID, after: ContactID, _ queue: QueueID, _ profile: ProfileID, _ channel: Channel,
    _ priority: Int16, _ step: inout Step
  ) {
    if let slot = state.slot(of: after), state.contacts[slot].phase == .placeHeld, self.queue(of: slot) == queue,
      isFree(contact)
    {
      let row = state.contacts[slot]
      emit(.placeKept(contact, entry: row.entry, order: row.entrySequence), &step)
      releasePlace(slot, &step)
    }
    arrive(contact, queue, profile, channel, priority, &step)
  }

  /// The caller has left the queue unanswered; for the queue's grace the place is held.
  mutating func holdPlace(_ slot: Int, _ step: inout Step) {
    let grace = state.queues[state.contacts[slot].queue].grace
    emit(.placeHeld(state.contactID(slot), until: now + grace), &step)
  }

  mutating func releasePlace(_ slot: Int, _ step: inout Step) {
    let contact = state.contactID(slot)
    emit(.placeReleased(contact), &step)
    step.actions.append(.forget(contact))
  }

  func isFree(_ contact: ContactID) -> Bool {
    let slot = Int(contact.slot)
    return slot >= state.contacts.count || state.contacts[slot].phase == .gone
  }

  /// An answered contact ends for its agent, with wrap-up as after any contact, and waits in a queue as a segment of
  /// its own. Entry and order go with it; its wait is counted from now.
  mutating func transfer(
    _ slot: Int, as next: ContactID, to queue: QueueID, _ profile: ProfileID, _ priority: Int16, _ step: inout Step
  ) {
    guard state.contacts[slot].phase == .answered, isFree(next), state.isKnown(queue),
      !state.queues[Int(queue.index)].isRemoved, Int(profile.index) < definitions.profiles.count,
      state.queues[Int(queue.index)].channels & (1 << state.contacts[slot].channel.rawValue) != 0
    else { return }
    let row = state.contacts[slot]
    let contact = state.contactID(slot)
    emit(.segmentStarted(next, after: contact), &step)
    let total = Int16(clamping: Int(state.queues[Int(queue.index)].priority) + Int(priority))
    emit(.contactQueued(next, queue: queue, profile: profile, channel: row.channel, priority: total), &step)
    leaveAgent(slot, .transferred, &step)
    step.actions.append(.moved(next, to: queue))
    // The contact is in line, and the agent may be free: neither is matched without a look at who else waits or is free.
    if state.contacts[Int(next.slot)].phase == .waiting { rematch(contact: Int(next.slot), &step) }
    match(agent: Int(row.agent), &step)
  }
}

extension State {
  /// The row of a contact that is queued next.
  func applyPlace(_ contact: ContactID, entry: Instant, order: UInt64) {
    let slot = Int(contact.slot)
    contacts.grow(to: slot + 1, with: ContactRow())
    guard contacts[slot].phase == .gone else { return }
    var row = ContactRow()
    row.generation = contact.generation
    row.entry = entry
    row.entrySequence = order
    row.keepsPlace = true
    // The same contact in another queue.
    if contacts[slot].generation == contact.generation { row.hops = contacts[slot].hops &+ 1 }
    contacts[slot] = row
  }

  func applyPlaceHeld(_ contact: ContactID, until: Instant, _ sequence: UInt64) {
    let slot = Int(contact.slot)
    guard slot < contacts.count, contacts[slot].generation == contact.generation, contacts[slot].phase == .gone
    else { return }
    contacts[slot].agent = -1
    setPhase(.placeHeld, of: slot, until: until, sequence)
  }

  func applySegment(_ contact: ContactID, after previous: Int) {
    let (entry, order) = (contacts[previous].entry, contacts[previous].entrySequence)
    applyPlace(contact, entry: entry, order: order)
    contacts[Int(contact.slot)].isSegment = true
  }
}
