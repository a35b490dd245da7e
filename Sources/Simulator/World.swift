import ACD
import Primitives

/// One replication: callers and agents around the engine, on a virtual clock. The engine is the one that serves live
/// traffic, and gets the same inputs: arrive, accept, connected, finished, left. Not copyable, because one silent copy
/// per contact would cost as much as all the rest.
package struct World: ~Copyable {
  private let plan: Plan
  private var engine: Engine
  private var heap = EventHeap()
  private var now: Instant
  private var auditor: Auditor?

  // Inputs, events and actions are read by a cursor; emptying an array costs as much as a decision.
  private var step = Step()
  private var pending: ContiguousArray<Input> = []
  private var seenInputs = 0
  private var seenEvents = 0
  private var seenActions = 0

  private var rows: ContiguousArray<Row> = []
  private var freeSlots: ContiguousArray<UInt32> = []
  private var sources: ContiguousArray<Source>
  private var agents: ContiguousArray<AgentRow>
  package private(set) var tally: Tally
  /// Told of each contact's outcome; for traces.
  var onOutcome: ((_ callers: Int, _ number: UInt64, Outcome, _ wait: Int64, AgentID) -> Void)?

  /// A contact of the world.
  private struct Row: BitwiseCopyable {
    var generation: UInt32 = 0
    var callers: UInt32 = 0
    var number: UInt64 = 0
    var arrivedAt: Int64 = 0
    var attempt: UInt16 = 0
    var offers: UInt16 = 0
    var channel = Channel.voice
    var isWaiting = false
    var isMeasured = false

    /// Attempts of one person share the number, and draw anew in a stream of their own.
    var key: UInt64 { number | UInt64(attempt) << 48 }
  }

  /// The state of one kind of caller's arrivals.
  private struct Source: BitwiseCopyable {
    var draws: Draws
    var next: UInt64 = 0
    /// The busyness factor of this replication.
    var factor = 1.0
    /// The time up to which the hazard has been consumed.
    var reached: Int64
  }

  private struct AgentRow: BitwiseCopyable {
    /// Index into the plan's shifts, or -1.
    var shifts: Int32 = -1
    var isOnShift = false
    var isOnBreak = false
    var isReady = false
    /// Contacts in talk or wrap-up.
    var held: Int32 = 0
    /// Since when all of this is so.
    var since: Int64
  }

  /// An agent whom the engine made not ready for missing offers says ready again after this time.
  static let comeBack: Int64 = .minutes(5)

  package init(plan: Plan, seed: UInt64, replication: UInt64, isAudited: Bool = false) {
    self.plan = plan
    engine = Engine(definitions: plan.definitions)
    now = plan.start
    if isAudited { auditor = Auditor(definitions: plan.definitions) }
    let start = plan.start.microseconds
    sources = ContiguousArray(
      plan.callers.indices.map {
        Source(draws: Draws(seed: seed, replication: replication, stream: UInt64($0)), reached: start)
      })
    agents = ContiguousArray(repeating: AgentRow(since: start), count: plan.definitions.agents.count)
    for (index, shift) in plan.agents.enumerated() { agents[Int(shift.agent.index)].shifts = Int32(index) }
    tally = Tally(plan: plan)
    begin()
  }

  /// Runs until every contact has left.
  package mutating func run() {
    while true {
      let deadline = engine.nextDeadline?.microseconds ?? .max
      let time = min(heap.nextTime, deadline)
      if time == .max {
        guard dismiss() else { break }
        continue
      }
      now = Instant(microseconds: time)
      if deadline == time {
        pending.append(.timersDue)
        settle()
      } else {
        happen(heap.pop().event)
      }
    }
    for agent in agents.indices { account(agent) }
    tally.finish(at: now, plan.definitions)
  }

  /// What the auditor found; empty without an auditor.
  var violations: [Violation] { auditor?.violations ?? [] }

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
    for callers in sources.indices {
      let shape = plan.callers[callers].busyness
      if shape > 0 {
        let law = Law.gamma(shape: shape, scale: 1 / shape)
        sources[callers].factor = law.value(sources[callers].draws, 0, .busyness, plan.numbers)
      }
      scheduleArrival(callers)
    }
  }

  /// When nothing else will happen any more, whoever still waits hangs up.
  /// - Returns: whether there was anybody.
  private mutating func dismiss() -> Bool {
    now = max(now, plan.end)
    for slot in rows.indices where rows[slot].isWaiting {
      pending.append(.contactLeft(ContactID(slot: UInt32(slot), generation: rows[slot].generation)))
    }
    let isAnybody = !pending.isEmpty && seenInputs < pending.count
    settle()
    return isAnybody
  }

  private mutating func happen(_ event: WorldEvent) {
    switch event {
    case .arrival(let callers):
      let slot = newRow()
      rows[slot].callers = callers
      rows[slot].number = sources[Int(callers)].next - 1
      rows[slot].attempt = 0
      arrive(slot)
      scheduleArrival(Int(callers))
    case .redial(let slot): arrive(Int(slot))
    case .patienceEnds(let slot, let generation):
      guard rows[Int(slot)].generation == generation, rows[Int(slot)].isWaiting else { return }
      pending.append(.contactLeft(ContactID(slot: slot, generation: generation)))
    case .handled(let slot, let generation):
      pending.append(.contactFinished(ContactID(slot: slot, generation: generation)))
    case .answers(let offer): pending.append(.offerAccepted(OfferID(sequence: offer)))
    case .shiftBegins(let index):
      let agent = plan.agents[Int(index)].agent
      agents[Int(agent.index)].isOnShift = true
      pending.append(.agentSignedIn(agent))
      comeBack(agent)
    case .shiftEnds(let index):
      let agent = plan.agents[Int(index)].agent
      agents[Int(agent.index)].isOnShift = false
      pending.append(.agentSignedOut(agent))
    case .breakBegins(let index):
      let agent = plan.agents[Int(index)].agent
      agents[Int(agent.index)].isOnBreak = true
      pending.append(.agentNotReady(agent, .unspecified))
    case .breakEnds(let index):
      let agent = plan.agents[Int(index)].agent
      agents[Int(agent.index)].isOnBreak = false
      comeBack(agent)
    case .comesBack(let index): comeBack(AgentID(index: index))
    }
    settle()
  }

  private mutating func comeBack(_ agent: AgentID) {
    let row = agents[Int(agent.index)]
    if row.isOnShift, !row.isOnBreak { pending.append(.agentReady(agent)) }
  }

  /// Gives the engine its inputs, and the world the engine's events and actions, until both are quiet.
  private mutating func settle() {
    while seenInputs < pending.count {
      let input = pending[seenInputs]
      seenInputs += 1
      engine.handle(input, at: now, into: &step)
      if auditor != nil { auditor?.check(input, step.actions[seenActions...], at: now) }
      while seenEvents < step.events.count {
        observe(step.events[seenEvents])
        seenEvents += 1
      }
      while seenActions < step.actions.count {
        react(step.actions[seenActions])
        seenActions += 1
      }
    }
    if auditor != nil { auditor?.checkQuiet(at: now) }
    guard seenInputs >= 256 else { return }
    pending.removeAll(keepingCapacity: true)
    step.removeAll()
    (seenInputs, seenEvents, seenActions) = (0, 0, 0)
  }
}

// MARK: Callers

extension World {
  private mutating func newRow() -> Int {
    if let free = freeSlots.popLast() { return Int(free) }
    rows.append(Row())
    return rows.count - 1
  }

  private mutating func scheduleArrival(_ callers: Int) {
    let number = Int(sources[callers].next)
    switch plan.callers[callers].arrivals {
    case .records(let range):
      guard number < range.count else { return }
      heap.push(.arrival(callers: UInt32(callers)), at: plan.records[range.lowerBound + number].arrival)
    case .rates(let range, let interval):
      guard let time = nextArrival(sources[callers], range, interval), time < plan.end.microseconds else { return }
      sources[callers].reached = time
      heap.push(.arrival(callers: UInt32(callers)), at: time)
    }
    sources[callers].next += 1
  }

  /// Inversion of the cumulative rate: a unit exponential is spent over the intervals.
  @inline(__always)
  private func nextArrival(_ source: Source, _ range: Range<Int>, _ interval: Int64) -> Int64? {
    var hazard = -Elementary.log(source.draws.uniform(source.next, .interarrival))
    let start = plan.start.microseconds
    var time = source.reached
    var place = interval == .max ? 0 : Int((time - start) / interval)
    while place < range.count {
      let rate = plan.rates[range.lowerBound + place] * source.factor
      let (boundary, isEndless) = start.addingReportingOverflow(Int64(place + 1).multipliedClamped(by: interval))
      let room = isEndless ? .infinity : Double(boundary - time) * rate
      if rate > 0, hazard < room { return time + Int64(min(hazard / rate, 0x1p60).rounded()) }
      hazard -= room
      time = boundary
      place += 1
    }
    return nil
  }

  private mutating func arrive(_ slot: Int) {
    let row = rows[slot]
    let callers = Int(row.callers)
    let draws = sources[callers].draws
    let voice = plan.callers[callers].voice
    let channel: Channel = voice >= 1 || draws.uniform(row.number, .channel) < voice ? .voice : .chat
    rows[slot].arrivedAt = now.microseconds
    rows[slot].channel = channel
    rows[slot].offers = 0
    rows[slot].isWaiting = true
    rows[slot].isMeasured = now >= plan.measureFrom
    let contact = ContactID(slot: UInt32(slot), generation: row.generation)
    pending.append(
      .contactArrived(
        contact, queue: plan.callers[callers].queue, profile: profile(plan.callers[callers].needs, draws, row.number),
        channel: channel, priority: priority(callers, row.number)))
    settle()
    // Draws do not depend on their order, so nobody who is answered at once needs a patience.
    if rows[slot].isWaiting, rows[slot].generation == contact.generation, let patience = patience(rows[slot]) {
      heap.push(
        .patienceEnds(slot: contact.slot, generation: contact.generation), at: now.microseconds + patience)
    }
  }

  @inline(__always)
  private func profile(_ range: Range<Int>, _ draws: Draws, _ number: UInt64) -> ProfileID {
    if range.isEmpty { return ProfileID(index: 0) }
    var place = range.lowerBound
    if range.count > 1 {
      let u = draws.uniform(number, .needs)
      while place + 1 < range.upperBound, plan.profiles[place].upTo <= u { place += 1 }
    }
    return plan.profiles[place].profile
  }

  @inline(__always)
  private func priority(_ callers: Int, _ number: UInt64) -> Int16 {
    guard case .records(let range) = plan.callers[callers].arrivals else { return 0 }
    return plan.records[range.lowerBound + Int(number)].priority
  }

  @inline(__always)
  private func patience(_ row: Row) -> Int64? {
    let callers = Int(row.callers)
    if case .records(let range) = plan.callers[callers].arrivals {
      let patience = plan.records[range.lowerBound + Int(row.number)].patience
      return patience == .max ? nil : patience
    }
    guard let law = plan.callers[callers].patience else { return nil }
    return law.draw(sources[callers].draws, row.key, .patience, plan.numbers)
  }

  @inline(__always)
  private func handleTime(_ row: Row) -> Int64 {
    let callers = Int(row.callers)
    if case .records(let range) = plan.callers[callers].arrivals {
      return plan.records[range.lowerBound + Int(row.number)].handle
    }
    let law = row.channel == .chat ? plan.callers[callers].handleChat : plan.callers[callers].handleVoice
    return max(1, law.draw(sources[callers].draws, row.key, .handle, plan.numbers))
  }

  /// Whether somebody who abandoned tries again; nobody does after the span.
  private mutating func redialMaybe(_ row: Row) {
    guard plan.callers[Int(row.callers)].redial > 0 else { return }
    let callers = plan.callers[Int(row.callers)]
    let draws = sources[Int(row.callers)].draws
    guard draws.uniform(row.key, .redial) < callers.redial else { return }
    let time = now.microseconds + callers.redialAfter.draw(draws, row.key, .redialDelay, plan.numbers)
    guard time < plan.end.microseconds else { return }
    let slot = newRow()
    rows[slot].callers = row.callers
    rows[slot].number = row.number
    rows[slot].attempt = row.attempt &+ 1
    heap.push(.redial(slot: UInt32(slot)), at: time)
  }
}

// MARK: What the engine says

extension World {
  private mutating func observe(_ event: Event) {
    switch event {
    case .contactQueued(let contact, let queue, _, let channel, _):
      // Again, where it overflowed from another queue; a virtual caller needs no patience.
      rows[Int(contact.slot)].isWaiting = channel != .callback
      rows[Int(contact.slot)].channel = channel
      tally.entered(queue, channel, rows[Int(contact.slot)].isMeasured, at: now)
    case .contactRefused(let contact, let queue, _):
      rows[Int(contact.slot)].isWaiting = false
      tally.refused(queue, rows[Int(contact.slot)].channel, rows[Int(contact.slot)].isMeasured)
    case .outcomeFixed(let contact, let queue, let agent, let outcome):
      rows[Int(contact.slot)].isWaiting = false
      let row = rows[Int(contact.slot)]
      let wait = now.microseconds - row.arrivedAt
      tally.left(
        queue, row.channel, outcome, wait: wait, isMeasured: row.isMeasured,
        key: row.key ^ UInt64(row.callers) << 40, agent: agent, at: now)
      if let onOutcome { onOutcome(Int(row.callers), row.number, outcome, wait, agent) }
      if outcome == .answered {
        hold(agent, 1)
        heap.push(
          .handled(slot: contact.slot, generation: contact.generation), at: now.microseconds + handleTime(row))
      } else if outcome == .abandoned || outcome == .shortAbandoned {
        redialMaybe(row)
      }
    case .contactEnded(_, let agent, _): hold(agent, -1)
    case .wrapUpStarted(let agent, _, _): hold(agent, 1)
    case .wrapUpEnded(let agent, _, _): hold(agent, -1)
    case .agentReady(let agent): present(agent, true)
    case .agentNotReady(let agent, let reason):
      present(agent, false)
      if reason == .missed || reason == .declined {
        heap.push(.comesBack(agent: agent.index), at: now.microseconds + Self.comeBack)
      }
    case .agentSignedOut(let agent): present(agent, false)
    default: break
    }
  }

  private mutating func hold(_ agent: AgentID, _ change: Int32) {
    account(Int(agent.index))
    agents[Int(agent.index)].held += change
  }

  private mutating func present(_ agent: AgentID, _ isReady: Bool) {
    account(Int(agent.index))
    agents[Int(agent.index)].isReady = isReady
  }

  private mutating func account(_ agent: Int) {
    let row = agents[agent]
    guard now.microseconds > row.since else { return }
    agents[agent].since = now.microseconds
    if row.held > 0 || row.isReady {
      tally.worked(agent, isHandling: row.held > 0, row.since, now.microseconds)
    }
  }

  private mutating func react(_ action: Action) {
    switch action {
    case .ring(let offer, let contact, let agent): ring(offer, contact, agent)
    case .connect(let offer, _, _): pending.append(.offerConnected(offer))
    case .forget(let contact):
      rows[Int(contact.slot)].generation &+= 1
      freeSlots.append(contact.slot)
    case .takeMessage(let contact, _): react(.forget(contact))
    // Every customer answers.
    case .dial(let contact, _): pending.append(.dialAnswered(contact))
    case .stopRinging, .resumeWaiting, .refuse, .release, .moved, .promiseCallback, .stopDialling: break
    }
  }

  /// The agent answers, at once or later, or lets it ring out. What happens belongs to the contact's n-th offer,
  /// whoever gets it.
  private mutating func ring(_ offer: OfferID, _ contact: ContactID, _ agent: AgentID) {
    let index = agents[Int(agent.index)].shifts
    guard index >= 0 else { return }
    let slot = Int(contact.slot)
    rows[slot].offers &+= 1
    let misses = plan.agents[Int(index)].misses
    guard misses > 0 || plan.agents[Int(index)].answersIn != nil else {
      pending.append(.offerAccepted(offer))
      return
    }
    let draws = sources[Int(rows[slot].callers)].draws
    let key = rows[slot].key ^ UInt64(rows[slot].offers) << 40
    if misses > 0, draws.uniform(key, .miss) < misses { return }
    let delay = plan.agents[Int(index)].answersIn?.draw(draws, key, .answer, plan.numbers) ?? 0
    heap.push(.answers(offer: offer.sequence), at: now.microseconds + delay)
  }
}

extension Int64 {
  /// The product, or the greatest value where it would overflow; both are positive.
  fileprivate func multipliedClamped(by other: Int64) -> Int64 {
    let (product, overflow) = multipliedReportingOverflow(by: other)
    return overflow ? .max : product
  }
}
