import Primitives

/// One agent: presence, slots, the live offer, and what keeps offers away.
struct AgentRow {
  enum Presence: UInt8 { case signedOut, ready, notReady }

  var presence = Presence.signedOut
  var isRemoved = true
  var voiceCapacity: UInt8 = 0
  var chatCapacity: UInt8 = 0
  var totalCapacity: UInt8 = 0
  var chatBlocksVoice = false
  var voiceBlocksChat = false
  var takesByRank = false
  var reason: UInt16 = 0
  /// Consecutive missed and declined offers.
  var missed: UInt16 = 0
  var declined: UInt16 = 0

  /// Slots in use, from accept to the end of wrap-up; `engagedChats` leaves wrap-ups out.
  var voices: UInt8 = 0
  var chats: UInt8 = 0
  var engagedChats: UInt8 = 0
  /// The contact on offer.
  var offered: Int32 = -1
  // Where that offer is one of several of its contact: its sequence, its end, and its neighbours among them.
  var offer: UInt64 = 0
  var ringDeadline = Instant.distantFuture
  var previousRinging: Int32 = -1
  var nextRinging: Int32 = -1
  /// First of the contacts that hold a slot.
  var firstHeld: Int32 = -1

  /// While ready: since when the agent has been idle. Otherwise: how long it had been idle when the break began.
  var idle: Int64 = 0
  /// Since when as many slots are in use as now.
  var loadSince: Int64 = 0

  /// Left alone until then by every contact: the phone was busy.
  var backOff = Instant.distantPast
  var backOffSequence: UInt64 = 0
  /// First of the pairs that are left alone.
  var firstPair: Int32 = -1
  /// No exception lasts longer.
  var exceptionsUntil = Instant.distantPast

  /// First of the buckets that are held for the agent.
  var firstVisit: Int32 = -1
  var firstMembership: Int32 = 0
  var membershipCount: Int32 = 0
  /// The ready lists that the agent stands in: bits of `Kind`, and the load and the time of the keys there.
  var listed: UInt8 = 0
  var listedLoad: UInt8 = 0
  var listedSince: Int64 = 0

  @inline(__always)
  var load: Int { Int(voices) + Int(chats) }

  // What the agent needs to be offered a contact, test by test.

  @inline(__always)
  var isOnDuty: Bool { presence == .ready && !isRemoved }
  @inline(__always)
  var isOffered: Bool { offered >= 0 }
  @inline(__always)
  var hasRoom: Bool { load < Int(totalCapacity) }

  /// The kinds that have a slot. A call or its wrap-up blocks everything, but for an agent whose calls may be
  /// interrupted by chats.
  @inline(__always)
  var freeSlots: UInt8 {
    var kinds: UInt8 = 0
    if voices == 0 {
      if voiceCapacity > 0, !(chatBlocksVoice && engagedChats > 0) { kinds |= Kind.bit(Kind.voice) }
    } else if voiceBlocksChat {
      return 0
    }
    if chats < chatCapacity { kinds |= Kind.bit(Kind.chat) }
    return kinds
  }

  /// The kinds of contact that the agent could be offered now.
  @inline(__always)
  var openKinds: UInt8 { isOnDuty && !isOffered && hasRoom ? freeSlots : 0 }
}

extension State {
  /// The contact, whose phase is set already, takes a slot of the agent.
  func takeSlot(_ slot: Int, of agent: Int, at instant: Instant) {
    countTime(of: agent, at: instant)
    let contact = contacts.row(slot)
    let worker = agents.row(agent)
    if contact.channel != .chat {
      worker.voices += 1
    } else {
      worker.chats += 1
      if contact.phase != .wrapUp { worker.engagedChats += 1 }
    }
    worker.loadSince = instant.microseconds
    let first = worker.firstHeld
    contact.agent = Int32(truncatingIfNeeded: agent)
    contact.previousHeld = -1
    contact.nextHeld = first
    if first >= 0 { contacts[first].previousHeld = Int32(truncatingIfNeeded: slot) }
    worker.firstHeld = Int32(truncatingIfNeeded: slot)
  }

  /// The contact gives its slot back, before its phase changes. When that was the last one the agent is idle from
  /// now, or, after a connect that failed without anybody's fault, as long as before.
  func releaseSlot(_ slot: Int, of agent: Int, at instant: Instant, keepingIdle: Bool = false) {
    countTime(of: agent, at: instant)
    let contact = contacts.row(slot)
    let worker = agents.row(agent)
    if contact.channel != .chat {
      worker.voices -= 1
    } else {
      worker.chats -= 1
      if contact.phase != .wrapUp { worker.engagedChats -= 1 }
    }
    worker.loadSince = instant.microseconds
    if worker.value.load == 0, !keepingIdle, !has(.idleClockWrong) { restartIdle(agent, at: instant) }
    let (previous, next) = (contact.previousHeld, contact.nextHeld)
    if previous >= 0 { contacts[previous].nextHeld = next } else { worker.firstHeld = next }
    if next >= 0 { contacts[next].previousHeld = previous }
  }

  func restartIdle(_ agent: Int, at instant: Instant) {
    agents[agent].idle = agents[agent].presence == .ready ? instant.microseconds : 0
  }

  /// Changes presence; a break pauses the idle clock.
  func setPresence(_ presence: AgentRow.Presence, of agent: Int, reason: UInt16, at instant: Instant) {
    countTime(of: agent, at: instant)
    let isReady = presence == .ready
    if (agents[agent].presence == .ready) != isReady {
      agents[agent].idle = instant.microseconds - agents[agent].idle
      countDuty(of: agent, isReady ? 1 : -1)
      countStaff(agent, by: isReady ? 1 : -1)
    }
    if presence == .signedOut { agents[agent].idle = 0 }
    if agents[agent].presence == .signedOut { work[agent].shift = WorkRow.Tally() }
    if isReady {
      agents[agent].missed = 0
      agents[agent].declined = 0
    }
    agents[agent].presence = presence
    agents[agent].reason = reason
  }

  /// An agent has come on duty or left it: so many contacts more or less are taken at once in each of the agent's
  /// queues.
  func countStaff(_ agent: Int, by change: Int32) {
    let (voice, chats) = (change * slots(of: agent, Kind.voice), change * slots(of: agent, Kind.chat))
    let first = Int(agents[agent].firstMembership)
    for membership in first..<(first + Int(agents[agent].membershipCount)) {
      let row = memberships[membership]
      if row.kinds & Kind.bit(Kind.voice) != 0 { queues[row.queue].voiceStaff += voice }
      if row.kinds & Kind.bit(Kind.chat) != 0 { queues[row.queue].chatStaff += chats }
    }
  }

  /// How many contacts of a kind an agent takes at once.
  func slots(of agent: Int, _ kind: Int) -> Int32 {
    let row = agents[agent]
    return Int32(min(kind == Kind.chat ? row.chatCapacity : row.voiceCapacity, row.totalCapacity))
  }

  func recountStaff() {
    for queue in queues.indices {
      queues[queue].voiceStaff = 0
      queues[queue].chatStaff = 0
    }
    for agent in agents.indices where agents[agent].presence == .ready { countStaff(agent, by: 1) }
  }
}
