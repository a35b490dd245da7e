import ACD
import Glibc
import Primitives

/// Full cycles of contacts through the engine: arrive, offer, accept, connected, end, wrap-up.
func benchmarkACD() {
  var rows: [Measurement] = []
  for agents in [10, 100, 1_000] {
    var floor = BusyFloor(agents: agents, queues: min(50, agents / 2), waiting: 10_000)
    let cycles = 100_000
    floor.run(cycles)
    rows.append(
      Harness.measure("cycle, \(agents) agents, 10,000 waiting, per input", operations: cycles * 5) {
        floor.run(cycles)
      })
  }
  for rho in [80, 95] {
    var loop = MarkovLoop(agents: 50, load: Double(rho) / 100)
    loop.run(200_000)
    rows.append(
      Harness.measure("M/M/50 at \(rho) %, per contact", operations: 500_000) { loop.run(500_000) })
  }
  rows.append(heapRow())
  Harness.report(rows)
}

/// Agents in five queues each, eight sets of needs, and a line that never empties: each agent who finishes takes the
/// next contact, and each contact that leaves the line is replaced. Many heads need what the agent lacks.
struct BusyFloor: ~Copyable {
  var engine: Engine
  var step = Step()
  var now = Instant(microseconds: 1_700_000_000_000_000)
  struct Need { var queue, profile: UInt32 }
  var contacts = SlotMap<ContactID, Need>()
  var busy: [ContactID] = []
  var position = 0
  var entropy = SplitMix(state: 3)

  init(agents: Int, queues: Int, waiting: Int) {
    var definitions = Definitions()
    for profile in 1..<8 {
      let needs = (0..<3).filter { profile >> $0 & 1 == 1 }.map {
        Profile.Need(skill: SkillID(index: UInt16($0)), level: 50)
      }
      definitions.profiles.append(Profile(needs: needs))
    }
    for index in 0..<queues {
      var queue = QueueDefinition(name: "queue \(index)")
      queue.wrapUp = .seconds(30)
      definitions.queues.append(queue)
    }
    for index in 0..<agents {
      var agent = AgentDefinition(name: "agent \(index)")
      agent.skills = (0..<3).filter { index >> $0 & 1 == 1 }.map { .init(skill: SkillID(index: UInt16($0)), level: 80) }
      agent.queues = (0..<5).map { .init(queue: QueueID(index: UInt32((index * 5 + $0) % queues))) }
      definitions.agents.append(agent)
    }
    engine = Engine(definitions: definitions)
    for _ in 0..<waiting {
      let pick = entropy.next() >> 40
      arrive(Need(queue: UInt32(pick % UInt64(queues)), profile: UInt32(pick / UInt64(queues) % 8)))
    }
    for index in 0..<agents {
      say(.agentSignedIn(AgentID(index: UInt32(index))))
      say(.agentReady(AgentID(index: UInt32(index))))
      if let contact = answer() { busy.append(contact) }
    }
  }

  private mutating func say(_ input: Input) {
    now = now + 100
    step.removeAll()
    engine.handle(input, at: now, into: &step)
    for action in step.actions.array {
      if case .forget(let contact) = action { contacts.remove(contact) }
    }
  }

  private mutating func arrive(_ need: Need) {
    let contact = contacts.insert(need)
    say(
      .contactArrived(
        contact, queue: QueueID(index: need.queue), profile: ProfileID(index: need.profile), channel: .voice,
        priority: 0))
  }

  /// Accepts and connects the offer that the last step made.
  private mutating func answer() -> ContactID? {
    guard case .ring(let offer, let contact, _)? = step.actions.last else { return nil }
    say(.offerAccepted(offer))
    say(.offerConnected(offer))
    return contact
  }

  /// Ends contacts in turn. Whom the agent takes next leaves the line to a newcomer of the same needs.
  mutating func run(_ cycles: Int) {
    for _ in 0..<cycles {
      position = position + 1 < busy.count ? position + 1 : 0
      let ended = busy[position]
      guard let need = contacts[ended] else { fatalError("nobody to end") }
      say(.contactLeft(ended))
      guard case .wrapUpStarted(let agent, _, _)? = step.events.last else { fatalError("no wrap-up") }
      say(.wrapUpEnded(agent, ended, .none))
      if let next = answer(), let need = contacts[next] {
        busy[position] = next
        arrive(need)
      } else {
        // Nobody who waits has needs that this agent meets: the newcomer is for the agent.
        arrive(need)
        guard let next = answer() else { fatalError("nobody to take") }
        busy[position] = next
      }
    }
  }
}

/// One queue with exponential arrivals and talks, without patience and statistics: the engine's share of a simulation.
private struct MarkovLoop: ~Copyable {
  var engine: Engine
  var step = Step()
  var contacts = SlotMap<ContactID, UInt8>()
  var talks = DenseTimerHeap()
  var entropy = SplitMix(state: 1)
  var nextArrival = Instant(microseconds: 1_700_000_000_000_000)
  var sequence: UInt64 = 0
  var generations: [UInt32] = []
  let gap: Double
  let talk = 180e6

  init(agents: Int, load: Double) {
    gap = talk / (Double(agents) * load)
    var definitions = Definitions()
    definitions.queues = [QueueDefinition(name: "queue")]
    for index in 0..<agents {
      var agent = AgentDefinition(name: "agent \(index)")
      agent.queues = [.init(queue: QueueID(index: 0))]
      definitions.agents.append(agent)
    }
    engine = Engine(definitions: definitions)
    for index in 0..<agents {
      engine.handle(.agentSignedIn(AgentID(index: UInt32(index))), at: nextArrival, into: &step)
      engine.handle(.agentReady(AgentID(index: UInt32(index))), at: nextArrival, into: &step)
    }
  }

  mutating func run(_ arrivals: Int) {
    for _ in 0..<arrivals {
      while let talk = talks.nextDeadline, talk <= nextArrival {
        guard let ended = talks.popDue(at: talk) else { break }
        say(.contactFinished(ContactID(slot: ended.slot, generation: generations[Int(ended.slot)])), at: talk)
      }
      let contact = contacts.insert(0)
      if Int(contact.slot) >= generations.count { generations.append(0) }
      generations[Int(contact.slot)] = contact.generation
      say(
        .contactArrived(
          contact, queue: QueueID(index: 0), profile: ProfileID(index: 0), channel: .voice, priority: 0),
        at: nextArrival)
      nextArrival = nextArrival + Int64(gap * entropy.exponential()) + 1
    }
  }

  private mutating func say(_ input: Input, at now: Instant) {
    step.removeAll()
    engine.handle(input, at: now, into: &step)
    var index = 0
    while index < step.actions.count {
      switch step.actions[index] {
      case .ring(let offer, let contact, _):
        engine.handle(.offerAccepted(offer), at: now, into: &step)
        engine.handle(.offerConnected(offer), at: now, into: &step)
        sequence += 1
        talks.set(contact.slot, at: now + Int64(talk * entropy.exponential()), sequence: sequence)
      case .forget(let contact): contacts.remove(contact)
      default: break
      }
      index += 1
    }
  }
}

/// A fast source of numbers for load, not for anything that must be unpredictable.
struct SplitMix {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }
  mutating func exponential() -> Double { -log((Double(next() >> 11) + 0.5) / 9_007_199_254_740_992) }
}

/// The timers alone: set one, pop one, with 1,000 set.
private func heapRow() -> Measurement {
  var heap = DenseTimerHeap()
  var entropy = SplitMix(state: 2)
  var now: Int64 = 0
  for slot in 0..<1_000 {
    heap.set(UInt32(slot), at: Instant(microseconds: Int64(entropy.next() >> 44)), sequence: UInt64(slot))
  }
  var sequence: UInt64 = 1_000
  return Harness.measure("timer: pop and set, 1,000 set", operations: 1_000_000) {
    for _ in 0..<1_000_000 {
      guard let next = heap.nextDeadline, let due = heap.popDue(at: next) else { return }
      now = due.deadline.microseconds
      sequence += 1
      heap.set(due.slot, at: Instant(microseconds: now + Int64(entropy.next() >> 44)), sequence: sequence)
    }
  }
}
