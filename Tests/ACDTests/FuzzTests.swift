@testable import ACD
import Primitives
import Testing

/// A seeded source of numbers, so that a failing run repeats.
struct Dice {
  var entropy: Entropy
  init(_ seed: UInt64) { entropy = Entropy(testing: seed) }
  mutating func roll(_ sides: Int) -> Int { Int(truncatingIfNeeded: entropy.next() >> 33) % sides }
  mutating func hits(_ percent: Int) -> Bool { roll(100) < percent }
  mutating func pick<Element>(_ elements: [Element]) -> Element { elements[roll(elements.count)] }
}

/// Any inputs in any order, sensible or not, against one random site.
struct Swarm {
  var dice: Dice
  var definitions: Definitions
  var engine: Engine
  /// Of the latest step.
  var events: [Event] = []
  var sequence: UInt64 = 1
  var now = Instant(microseconds: 1_700_000_000_000_000)
  var journal: [Floor.Record] = []
  var generations: [UInt32]
  var known: [ContactID] = []
  var offers: [OfferID] = [OfferID(sequence: 0), OfferID(sequence: 99_999_999)]
  var endings: [UInt64: Int] = [:]
  var outcomes: [ContactID: Int] = [:]
  var broken: [String] = []
  var referee: Referee
  /// Few contacts, so that agents wait for them and not they for agents.
  var isQuiet = false
  /// Every so many inputs the engine's rows are checked, which takes far longer than to decide. The referee hears all.
  var checksEvery = 1
  private var number = 0

  init(seed: UInt64) {
    dice = Dice(seed)
    definitions = Swarm.site(&dice)
    engine = Engine(definitions: definitions)
    referee = Referee(definitions)
    generations = Array(repeating: 0, count: 40)
  }

  static func site(_ dice: inout Dice) -> Definitions {
    var definitions = Definitions()
    for profile in 1...4 {
      let needs = (0..<dice.roll(3)).map {
        Profile.Need(skill: SkillID(index: UInt16($0 + profile % 2)), level: UInt8(dice.roll(80)))
      }
      definitions.profiles.append(Profile(needs: needs))
    }
    for index in 0..<4 {
      var queue = QueueDefinition(name: "queue \(index)")
      queue.channels = dice.pick([[.voice], [.chat], [.voice, .chat], [.voice, .chat, .callback]])
      queue.priority = Int16(dice.roll(3))
      queue.aging = dice.hits(50) ? 0 : Int32(dice.roll(5_000))
      queue.profile = ProfileID(index: dice.hits(70) ? 0 : 1)
      queue.wrapUp = dice.hits(50) ? 0 : .seconds(Int64(dice.roll(60)))
      queue.waitLimit = dice.hits(50) ? .max : .seconds(Int64(1 + dice.roll(120)))
      queue.waitingLimit = dice.hits(50) ? .max : UInt32(dice.roll(6))
      queue.shortAbandon = .seconds(Int64(dice.roll(10)))
      queue.lostLimit = .seconds(Int64(dice.roll(120)))
      queue.missedLimit = UInt16(dice.roll(4))
      queue.declinedLimit = UInt16(dice.roll(4))
      queue.policy = dice.pick(Policy.allCases)
      queue.window = dice.pick(Window.allCases)
      queue.chats = dice.pick(ChatSpread.allCases)
      queue.order = (0..<dice.roll(4)).map { AgentID(($0 * 3 + index) % 8) }
      queue.prefer = (0..<dice.roll(3)).map { .init(skill: SkillID(index: UInt16($0)), level: UInt8(dice.roll(101))) }
      queue.preferredHold = .seconds(Int64(dice.roll(60)))
      queue.ladder = Swarm.ladder(&dice)
      queue.grace = dice.hits(50) ? 0 : .seconds(Int64(dice.roll(60)))
      queue.estimatesWaits = dice.hits(50)
      flow(&queue, &dice)
      definitions.queues.append(queue)
    }
    for index in 0..<8 {
      var agent = AgentDefinition(name: "agent \(index)")
      agent.skills = (0..<3).map { .init(skill: SkillID(index: UInt16($0)), level: UInt8(dice.roll(101))) }
      for queue in 0..<4 where dice.hits(60) {
        agent.queues.append(.init(queue: QueueID(queue), rank: UInt8(dice.roll(3))))
      }
      agent.take = dice.pick([.oldest, .agentRank])
      agent.voiceCapacity = UInt8(dice.roll(4) == 0 ? 0 : 1)
      agent.chatCapacity = UInt8(dice.roll(5))
      agent.chatBlocksVoice = dice.hits(30)
      agent.voiceBlocksChat = dice.hits(60)
      agent.totalCapacity = dice.hits(60) ? .max : UInt8(dice.roll(4))
      definitions.agents.append(agent)
    }
    definitions.days = (0..<200).map { Instant(microseconds: 1_700_000_000_000_000) + $0 * .minutes(7) }
    return definitions
  }

  static func ladder(_ dice: inout Dice) -> [LadderStep] {
    guard dice.hits(60) else { return [] }
    var after: Int64 = 0
    return (0..<(1 + dice.roll(3))).map { _ in
      after += .seconds(Int64(dice.roll(40)))
      let changes = (0..<(1 + dice.roll(2))).map { _ -> LadderStep.Change in
        switch dice.roll(4) {
        case 0: .drop(SkillID(index: UInt16(dice.roll(3))))
        case 1: .lower(SkillID(index: UInt16(dice.roll(3))), to: UInt8(dice.roll(80)))
        case 2: .also(QueueID(dice.roll(4)))
        default: .prefer(AgentID(dice.roll(8)))
        }
      }
      return LadderStep(after: after, changes: changes)
    }
  }

  /// Hours, overflows and callbacks of all kinds.
  static func flow(_ queue: inout QueueDefinition, _ dice: inout Dice) {
    func action() -> OverflowAction {
      dice.pick([.disconnect, .queue(QueueID(dice.roll(4))), .callback, .message])
    }
    queue.overflow.candidate = dice.pick([.newest, .oldest])
    queue.overflow.staffing = dice.pick([.any, .any, .staffed, .answerable(within: .seconds(Int64(dice.roll(60))))])
    queue.overflow.ejectsUnstaffed = dice.hits(50)
    queue.overflow.full = action()
    queue.overflow.late = action()
    queue.overflow.closed = action()
    queue.overflow.unstaffed = action()
    if dice.hits(30) {
      let start = Instant(microseconds: 1_700_000_000_000_000)
      queue.hours = Hours(
        open: (0..<40).map { hour in
          let opening = start + Int64(hour) * .minutes(3)
          return opening..<opening + .minutes(2)
        })
    }
    guard dice.hits(60) else { return }
    var callback = CallbackDefinition()
    callback.mode = dice.pick([.agentFirst, .customerFirst])
    callback.attempts = UInt8(1 + dice.roll(3))
    callback.gap = .seconds(Int64(dice.roll(60)))
    callback.ring = .seconds(Int64(dice.roll(30)))
    callback.limit = .minutes(Int64(dice.roll(20)))
    queue.callback = callback
  }

  mutating func input() -> Input {
    if dice.hits(12) { return flowInput() }
    let agent = AgentID(index: UInt32(dice.roll(9)))
    let contact = known.isEmpty ? ContactID(slot: 3, generation: 7) : known[max(0, known.count - 1 - dice.roll(40))]
    let offer = offers[max(0, offers.count - 1 - dice.roll(12))]
    switch dice.roll(37) {
    case 0..<8:
      if isQuiet, dice.hits(75) { return .timersDue }
      let slot = dice.roll(generations.count)
      if !dice.hits(3), engine.state.contacts.count > slot, engine.state.contacts[slot].phase != .gone {
        return .timersDue
      }
      generations[slot] += 1
      let contact = ContactID(slot: UInt32(slot), generation: generations[slot])
      known.append(contact)
      if dice.hits(20) {
        return .contactArrivedFor(
          agent, contact, queue: QueueID(dice.roll(4)), profile: ProfileID(index: UInt32(dice.roll(5))),
          channel: dice.pick(Channel.allCases), priority: 0)
      }
      return .contactArrived(
        contact, queue: QueueID(dice.roll(4 + dice.roll(2))), profile: ProfileID(index: UInt32(dice.roll(5))),
        channel: dice.pick(Channel.allCases), priority: Int16(dice.roll(3) - 1))
    case 8..<10: return .contactLeft(contact)
    case 10: return .contactLost(contact)
    case 11: return .contactReturned(contact)
    case 12: return .contactFinished(contact)
    case 13: return dice.hits(50) ? .contactFinished(contact) : .contactWithdrawn(contact)
    case 14: return .contactFailed(contact)
    case 15..<19: return .offerAccepted(offer)
    case 19: return .offerDeclined(offer)
    case 20: return .offerFailed(offer, dice.pick(OfferFailure.allCases))
    case 21..<25: return .offerConnected(offer)
    case 25: return .agentSignedIn(agent)
    case 26: return dice.hits(20) ? .agentSignedOut(agent) : .agentSignedIn(agent)
    case 27..<29: return .agentReady(agent)
    case 29: return dice.hits(40) ? .agentNotReady(agent, ReasonID(index: UInt16(dice.roll(6)))) : .agentReady(agent)
    case 30: return dice.hits(50) ? .agentUnreachable(agent) : .agentReachable(agent)
    case 31: return .wrapUpEnded(agent, contact, CodeID(index: 1))
    case 32: return .wrapUpExtended(agent, contact, .seconds(Int64(dice.roll(400))))
    case 33..<35: return .contactPicked(contact, by: agent)
    case 35: return dice.hits(20) ? .timersDue : .ladderMigrated(QueueID(dice.roll(5)))
    default: return dice.hits(5) ? .restarted : .timersDue
    }
  }

  /// Callbacks, dials, transfers, and callers who come back.
  mutating func flowInput() -> Input {
    let contact = known.isEmpty ? ContactID(slot: 3, generation: 7) : known[max(0, known.count - 1 - dice.roll(40))]
    let profile = ProfileID(index: UInt32(dice.roll(5)))
    let queue = QueueID(dice.roll(4 + dice.roll(2)))
    let slot = dice.roll(generations.count)
    let isFree = engine.state.contacts.count <= slot || engine.state.contacts[slot].phase == .gone
    switch dice.roll(6) {
    case 0: return .callbackRequested(contact)
    case 1: return .dialAnswered(contact)
    case 2: return .dialFailed(contact, dice.pick(DialFailure.allCases))
    case 3 where isFree:
      generations[slot] += 1
      let next = ContactID(slot: UInt32(slot), generation: generations[slot])
      known.append(next)
      return .contactCameBack(next, after: contact, queue: queue, profile: profile, channel: .voice, priority: 0)
    case 4 where isFree:
      generations[slot] += 1
      let next = ContactID(slot: UInt32(slot), generation: generations[slot])
      known.append(next)
      return .contactTransferred(contact, as: next, queue: queue, profile: profile, priority: 1)
    default: return .dialAnswered(contact)
    }
  }

  /// Some time, with its timers one by one or, now and then, all of them late; then one input.
  mutating func stir(checking: Bool = true) {
    let until = dice.hits(70) ? now + Int64(dice.roll(4_000_000)) : now
    if dice.hits(95) {
      while let deadline = engine.nextDeadline, deadline <= until {
        now = max(now, deadline)
        take(.timersDue, checking: checking)
      }
    }
    now = until
    take(input(), checking: checking)
  }

  mutating func take(_ input: Input, checking: Bool) {
    var due = 0
    if engine.state.timers.mayBeDue(at: now) {
      var timers = DenseTimerHeap(copying: engine.state.timers)
      while timers.popDue(at: now) != nil { due += 1 }
    }
    let first = sequence
    var step = Step(sequence: first)
    engine.handle(input, at: now, into: &step)
    (events, sequence) = (step.events.array, step.sequence)
    note(first)
    guard checking else { return }
    // Where timers freed several at once, each decision saw what the next one had not freed yet.
    referee.judgesOrder = due == (input == .timersDue ? 1 : 0) && input != .restarted
    // Nor where several rang for one contact: who prefers whom may go in a circle among them.
    let isShared = events.contains { if case .offerWithdrawn(_, _, _, .acceptedByOther) = $0 { true } else { false } }
    referee.judgesOrder = referee.judgesOrder && !isShared
    referee.picked = nil
    // What is picked is accepted at once; a timer of the same step may have had it offered to the same agent first.
    if case .contactPicked(let contact, let agent) = input,
      events.contains(where: { if case .offerAccepted(_, contact, agent) = $0 { true } else { false } })
    {
      referee.picked = (contact, Int(agent.index))
    }
    for (index, event) in events.enumerated() { referee.hear(event, first + UInt64(index), at: now) }
    broken += referee.faults.map { "\($0) after \(input): \(events)" }
    number += 1
    guard number.isMultiple(of: checksEvery) else { return }
    broken += engine.brokenInvariants()
    for agent in definitions.agents.indices {
      guard let since = engine.summary(of: AgentID(agent)).idleSince?.microseconds else { continue }
      if since != referee.agents[agent].idle { broken.append("agent \(agent) is idle since \(since)") }
    }
  }

  mutating func note(_ first: UInt64) {
    for (index, event) in events.enumerated() {
      let sequence = first + UInt64(index)
      journal.append(.init(event: event, instant: now, sequence: sequence))
      switch event {
      case .offerMade: offers.append(OfferID(sequence: sequence)); endings[sequence] = 0
      case .offerDeclined(let offer, _, _), .offerMissed(let offer, _, _), .offerWithdrawn(let offer, _, _, _):
        endings[offer.sequence, default: 9] += 1
      case .offerAccepted(let offer, _, _): endings[offer.sequence, default: 9] += 100
      case .offerFailed(let offer, _, _, _): endings[offer.sequence, default: 9] += 1
      case .contactQueued(let contact, _, _, _, _): outcomes[contact] = 0
      case .outcomeFixed(let contact, _, _, _): outcomes[contact, default: 9] += 1
      case .invariantBroken(let invariant, _, _): broken.append("\(invariant)")
      default: break
      }
    }
  }

  var checkpoint: [UInt8] {
    var writer = ByteWriter()
    engine.writeCheckpoint(into: &writer)
    return writer.bytes
  }
}

@Suite struct FuzzTests {
  @Test("Whatever is said, no invariant breaks and nobody is passed over", arguments: 0..<40)
  func soundness(seed: Int) {
    var swarm = Swarm(seed: UInt64(seed))
    swarm.isQuiet = seed.isMultiple(of: 4)
    for number in 0..<5_000 {
      swarm.stir()
      if !swarm.broken.isEmpty {
        Issue.record("input \(number) of seed \(seed), \(swarm.events): \(swarm.broken)")
        return
      }
    }
    // 0: still live; 1: ended unaccepted; 100: accepted; 101: accepted, and the legs could not be joined.
    #expect(swarm.endings.values.allSatisfy { [0, 1, 100, 101].contains($0) })
    #expect(
      swarm.endings.values.filter { $0 == 0 }.count
        == swarm.engine.state.agents.indices.filter {
          swarm.engine.state.agents[$0].offered >= 0
        }.count)
    #expect(swarm.outcomes.values.allSatisfy { $0 <= 1 })
    #expect(swarm.outcomes.values.contains(1))
  }

  @Test("A replayed journal, and a checkpoint with the rest of it, restore the same state", arguments: 100..<120)
  func replay(seed: Int) throws {
    var swarm = Swarm(seed: UInt64(seed))
    var marks: [(count: Int, bytes: [UInt8])] = []
    for number in 0..<2_000 {
      swarm.stir(checking: false)
      if number % 500 == 250 { marks.append((swarm.journal.count, swarm.checkpoint)) }
    }
    let final = swarm.checkpoint
    var replayed = Engine(definitions: swarm.definitions)
    for record in swarm.journal { replayed.replay(record.event, at: record.instant, sequence: record.sequence) }
    var writer = ByteWriter()
    replayed.writeCheckpoint(into: &writer)
    #expect(writer.bytes == final)
    for mark in marks {
      var reader = ByteReader(mark.bytes)
      var restored = try Engine(checkpoint: &reader, definitions: swarm.definitions)
      #expect(reader.isAtEnd)
      for record in swarm.journal[mark.count...] {
        restored.replay(record.event, at: record.instant, sequence: record.sequence)
      }
      var writer = ByteWriter()
      restored.writeCheckpoint(into: &writer)
      #expect(writer.bytes == final)
    }
    try goOn(swarm, replayed)
  }

  /// The restored engine decides as the one that never stopped.
  private func goOn(_ swarm: Swarm, _ replayed: Engine) throws {
    var reader = ByteReader(swarm.checkpoint)
    let restored = try Engine(checkpoint: &reader, definitions: swarm.definitions)
    var worlds = [swarm, swarm, swarm]
    worlds[1].engine = replayed
    worlds[2].engine = restored
    for index in worlds.indices {
      for _ in 0..<500 { worlds[index].stir(checking: false) }
    }
    #expect(worlds[0].journal == worlds[1].journal)
    #expect(worlds[0].journal == worlds[2].journal)
    #expect(worlds[0].checkpoint == worlds[2].checkpoint)
  }
}
