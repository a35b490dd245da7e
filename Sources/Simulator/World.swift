import ACD
import Primitives

/// One replication: callers and agents around the engine, on a virtual clock. The engine is the one that serves live
/// traffic, and gets the same inputs: arrive, accept, connected, finished, left.
struct World {
  private let plan: Plan
  private var engine: Engine
  private var step = Step()
  private var heap = EventHeap()
  private var pending: [Input] = []
  private var now = Instant(microseconds: 0)

  private var rows: ContiguousArray<Row> = []
  private var freeSlots: ContiguousArray<UInt32> = []
  private var sources: [Source]
  private var agentDraws: [Draws]
  /// By agent: the shift's plan, or -1.
  private var shifts: [Int]
  private(set) var tally: Tally

  /// A contact of the world.
  private struct Row {
    var generation: UInt32
    var type: UInt32
    var number: UInt64
    var attempt: UInt32
    var arrivedAt: Int64
    var handle: Int64
    var channel: Channel
    var isWaiting: Bool
    var isMeasured: Bool
  }

  /// The state of one kind of caller's arrivals.
  private struct Source {
    var draws: Draws
    var next: UInt64 = 0
    /// The busyness factor of this replication.
    var factor = 1.0
    /// The time up to which the hazard has been consumed.
    var reached: Int64
  }

  init(plan: Plan, seed: UInt64, replication: UInt64) {
    self.plan = plan
    engine = Engine(definitions: plan.definitions)
    sources = plan.callers.indices.map {
      Source(
        draws: Draws(seed: seed, replication: replication, stream: UInt64($0)), reached: plan.start.microseconds)
    }
    agentDraws = plan.definitions.agents.indices.map {
      Draws(seed: seed, replication: replication, stream: 1 << 32 | UInt64($0))
    }
    shifts = Array(repeating: -1, count: plan.definitions.agents.count)
    for (index, shift) in plan.agents.enumerated() { shifts[Int(shift.agent.index)] = index }
    tally = Tally(plan: plan)
    pending.reserveCapacity(64)
    now = plan.start
    begin()
  }

  /// Runs until every contact has left.
  mutating func run() {
    while true {
      let deadline = engine.nextDeadline?.microseconds ?? .max
      let time = min(heap.nextTime, deadline)
      guard time != .max else { break }
      now = Instant(microseconds: time)
      if deadline == time {
        pending.append(.timersDue)
      } else {
        happen(heap.pop().event)
      }
      settle()
    }
    tally.finish(at: now)
  }

  private mutating func begin() {
    for index in plan.agents.indices {
      for span in plan.agents[index].spans {
        heap.push(.shiftBegins(agent: UInt32(index)), at: span.lowerBound)
        heap.push(.shiftEnds(agent: UInt32(index)), at: span.upperBound)
      }
      for pause in plan.agents[index].breaks {
        heap.push(.breakBegins(agent: UInt32(index)), at: pause.lowerBound)
        heap.push(.breakEnds(agent: UInt32(index)), at: pause.upperBound)
      }
    }
    for type in sources.indices {
      if let shape = plan.callers[type].busyness {
        sources[type].factor = Law.gamma(shape: shape, scale: 1 / shape).value(sources[type].draws, 0, .busyness)
      }
      scheduleArrival(type)
    }
  }

  private mutating func happen(_ event: WorldEvent) {
    switch event {
    case .arrival(let type):
      let number = sources[Int(type)].next - 1
      arrive(type: type, number: number, attempt: 0)
      scheduleArrival(Int(type))
    case .redial(let type, let number, let attempt): arrive(type: type, number: number, attempt: attempt)
    case .patienceEnds(let slot, let generation):
      let row = rows[Int(slot)]
      guard row.generation == generation, row.isWaiting else { return }
      pending.append(.contactLeft(ContactID(slot: slot, generation: generation)))
    case .handled(let slot, let generation):
      pending.append(.contactFinished(ContactID(slot: slot, generation: generation)))
    case .answers(let offer): pending.append(.offerAccepted(OfferID(sequence: offer)))
    case .shiftBegins(let index):
      tally.staffed(by: 1, at: now)
      pending.append(.agentSignedIn(plan.agents[Int(index)].agent))
      pending.append(.agentReady(plan.agents[Int(index)].agent))
    case .shiftEnds(let index):
      tally.staffed(by: -1, at: now)
      pending.append(.agentSignedOut(plan.agents[Int(index)].agent))
    case .breakBegins(let index): pending.append(.agentNotReady(plan.agents[Int(index)].agent, .unspecified))
    case .breakEnds(let index): pending.append(.agentReady(plan.agents[Int(index)].agent))
    }
  }

  /// Gives the engine its inputs, and the world the engine's events and actions, until both are quiet.
  private mutating func settle() {
    var next = 0
    while next < pending.count {
      step.removeAll()
      engine.handle(pending[next], at: now, into: &step)
      next += 1
      for index in step.events.indices { observe(step.events[index]) }
      for index in step.actions.indices { react(step.actions[index]) }
    }
    pending.removeAll(keepingCapacity: true)
  }

  // MARK: Callers

  private mutating func scheduleArrival(_ type: Int) {
    var source = sources[type]
    defer { sources[type] = source }
    switch plan.callers[type].arrivals {
    case .times(let times):
      guard source.next < times.count else { return }
      heap.push(.arrival(type: UInt32(type)), at: times[Int(source.next)])
    case .rates(let rates, let interval):
      // Inversion of the cumulative rate: a unit exponential is spent over the intervals.
      var hazard = -Elementary.log(source.draws.uniform(source.next, .interarrival))
      var time = source.reached
      let start = plan.start.microseconds
      while true {
        let place = Int((time - start) / interval)
        guard place < rates.count, time < plan.end.microseconds else { return }
        let rate = rates[place] * source.factor
        let boundary = start + Int64(place + 1) * interval
        let room = Double(boundary - time) * rate
        if rate > 0, hazard < room {
          time += Int64((hazard / rate).rounded())
          break
        }
        hazard -= room
        time = boundary
      }
      guard time < plan.end.microseconds else { return }
      source.reached = time
      heap.push(.arrival(type: UInt32(type)), at: time)
    }
    source.next += 1
  }

  private mutating func arrive(type: UInt32, number: UInt64, attempt: UInt32) {
    let callers = plan.callers[Int(type)]
    let draws = sources[Int(type)].draws
    // Attempts of one person share the number, and draw anew in a stream of their own.
    let key = number | UInt64(attempt) << 48
    let u = callers.channels.count > 1 ? draws.uniform(number, .channel) : 0
    let channel = callers.channels.first { u <= $0.upTo }?.channel ?? .voice
    let v = callers.profiles.count > 1 ? draws.uniform(number, .needs) : 0
    let profile = callers.profiles.first { v <= $0.upTo }?.profile ?? ProfileID(index: 0)
    let handle = max(1, callers.handle[Int(channel.rawValue)].draw(draws, key, .handle))
    let slot: UInt32
    if let free = freeSlots.popLast() {
      slot = free
    } else {
      slot = UInt32(rows.count)
      rows.append(
        Row(
          generation: 0, type: 0, number: 0, attempt: 0, arrivedAt: 0, handle: 0, channel: .voice, isWaiting: false,
          isMeasured: false))
    }
    let generation = rows[Int(slot)].generation
    rows[Int(slot)] = Row(
      generation: generation, type: type, number: number, attempt: attempt, arrivedAt: now.microseconds,
      handle: handle, channel: channel, isWaiting: true, isMeasured: now >= plan.measureFrom)
    if let patience = callers.patience {
      let limit = patience.draw(draws, key, .patience)
      heap.push(.patienceEnds(slot: slot, generation: generation), at: now.microseconds + limit)
    }
    pending.append(
      .contactArrived(
        ContactID(slot: slot, generation: generation), queue: callers.queue, profile: profile, channel: channel,
        priority: 0))
  }

  // MARK: What the engine says

  private mutating func observe(_ event: Event) {
    switch event {
    case .contactQueued(let contact, let queue, _, let channel, _):
      tally.entered(queue, channel, rows[Int(contact.slot)].isMeasured, at: now)
    case .contactRefused(let contact, let queue, _):
      let row = rows[Int(contact.slot)]
      rows[Int(contact.slot)].isWaiting = false
      tally.refused(queue, row.channel, row.isMeasured)
    case .outcomeFixed(let contact, let queue, let agent, let outcome):
      let row = rows[Int(contact.slot)]
      rows[Int(contact.slot)].isWaiting = false
      tally.left(
        queue, row.channel, outcome, wait: now.microseconds - row.arrivedAt, isMeasured: row.isMeasured,
        number: row.number, type: row.type, agent: agent, at: now)
      if outcome == .answered {
        heap.push(
          .handled(slot: contact.slot, generation: contact.generation), at: now.microseconds + row.handle)
      } else if outcome == .abandoned || outcome == .shortAbandoned {
        redialMaybe(row)
      }
    case .contactEnded(_, let agent, _): tally.ended(agent, at: now)
    default: break
    }
  }

  private mutating func redialMaybe(_ row: Row) {
    guard let redial = plan.callers[Int(row.type)].redial else { return }
    let draws = sources[Int(row.type)].draws
    let key = row.number | UInt64(row.attempt) << 48
    guard draws.uniform(key, .redial) < redial.probability else { return }
    heap.push(
      .redial(type: row.type, number: row.number, attempt: row.attempt + 1),
      at: now.microseconds + redial.after.draw(draws, key, .redialDelay))
  }

  private mutating func react(_ action: Action) {
    switch action {
    case .ring(let offer, _, let agent):
      let index = shifts[Int(agent.index)]
      guard index >= 0 else { break }
      let shift = plan.agents[index]
      if shift.misses > 0, agentDraws[Int(agent.index)].uniform(offer.sequence, .miss) < shift.misses { break }
      if let law = shift.answersIn {
        let delay = law.draw(agentDraws[Int(agent.index)], offer.sequence, .answer)
        heap.push(.answers(offer: offer.sequence), at: now.microseconds + delay)
      } else {
        pending.append(.offerAccepted(offer))
      }
    case .connect(let offer, _, _): pending.append(.offerConnected(offer))
    case .forget(let contact):
      rows[Int(contact.slot)].generation &+= 1
      freeSlots.append(contact.slot)
    case .stopRinging, .resumeWaiting, .refuse, .release: break
    }
  }
}
