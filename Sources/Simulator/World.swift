import ACD
import Primitives

/// One replication: callers and agents around the engine, on a virtual clock. The engine is the one that serves live
/// traffic, and gets the same inputs: arrive, accept, connected, finished, left. Not copyable, because one silent copy
/// per contact would cost as much as all the rest.
package struct World: ~Copyable {
  let plan: Plan
  var engine: Engine
  private var heap = EventHeap()
  /// Each caller type has one arrival before it at most: a heap apart, for they are as many as all the rest.
  private var arrivals = EventHeap()
  private var latestNumber: UInt32 = 0
  private(set) var now: Instant
  private var auditor: Auditor?
  private let isAudited: Bool

  /// The engine has no deadline before it.
  private var quietUntil = Instant.distantPast

  var step = Step()
  /// What the engine was told and what it said, since the start.
  package private(set) var traffic = Traffic()

  var rows = Rows<Row>(capacity: 1_024)
  var freeSlots = Rows<UInt32>(capacity: 1_024)
  private(set) var sources = Rows<Source>()
  var agents: Rows<AgentRow>
  var ledger: Ledger
  /// When the last contact so far was gone for good; events of patience that nobody needed any more come later.
  private var lastGone: Instant
  /// Told of each contact that leaves its queue; for traces.
  var onLeaving: ((Leaving) -> Void)?

  struct Leaving {
    var callers: Int
    var number: UInt64
    var attempt: Int
    var outcome: Outcome
    var arrivedAt: Int64
    var wait: Int64
    var agent: AgentID
    var isMeasured: Bool
  }

  package struct Traffic: Sendable, Equatable {
    package var inputs = 0
    package var events = 0
    package var actions = 0
    package init() {}
  }

  /// A contact of the world.
  struct Row: BitwiseCopyable {
    var generation: UInt32 = 0
    var callers: UInt32 = 0
    var number: UInt64 = 0
    var arrivedAt: Int64 = 0
    /// When it entered the queue that it is in: later, where it overflowed from another.
    var queuedAt: Int64 = 0
    /// The number of the event at which the patience ends.
    var patience: UInt32 = 0
    var attempt: UInt16 = 0
    var offers: UInt16 = 0
    var channel = Channel.voice
    var isWaiting = false
    var isMeasured = false

    /// Attempts of one person share the number, and draw anew in a stream of their own.
    @inline(__always) var key: UInt64 { number | UInt64(attempt) << 48 }
  }

  struct AgentRow: BitwiseCopyable {
    /// Index into the plan's shifts, or -1.
    var shifts: Int32 = -1
    var isOnShift = false
    var isOnBreak = false
    var isReady = false
    /// Accepts each offer at once.
    var isPrompt = false
    /// Contacts in talk or wrap-up.
    var held: Int32 = 0
    /// The number of the event at which the latest offer is answered, and the offer.
    var answer: UInt32 = 0
    var offer: UInt64 = 0
    /// Multiplies the handle times of the agent's contacts.
    var pace = 1.0
    /// Since when all of this is so.
    var since: Int64
    var work = Tally.Work()
  }

  /// An agent whom the engine made not ready for missing offers says ready again after this time.
  static let comeBack: Int64 = .minutes(5)

  package init(plan: Plan, seed: UInt64, replication: UInt64, isAudited: Bool = false) {
    self.plan = plan
    engine = plan.live ?? Engine(definitions: plan.definitions)
    now = plan.begin
    lastGone = plan.begin
    // What happened before a takeover is not known to who watches.
    self.isAudited = isAudited && plan.live == nil
    if self.isAudited { auditor = Auditor(definitions: plan.definitions) }
    let start = plan.begin.microseconds
    agents = Rows(repeatElement(AgentRow(since: start), count: plan.definitions.agents.count))
    for (index, shift) in plan.agents.enumerated() {
      let agent = Int(shift.agent.index)
      agents[agent].shifts = Int32(index)
      agents[agent].isPrompt = shift.answersIn == nil && shift.misses == 0
      agents[agent].pace = shift.pace
    }
    ledger = Ledger(plan: plan)
    for index in plan.callers.indices {
      sources.append(Source(plan, index, seed: seed, replication: replication))
    }
    begin()
  }

  // Without one, a module that holds a world destroys its parts itself, which the compiler cannot do in debug builds.
  deinit {}

  /// Runs until every contact has left.
  package mutating func run() {
    if plan.live != nil { takeOver() }
    while true {
      let (arrival, other) = (arrivals.first(), heap.first())
      let isArrival = arrival.isBefore(other)
      let next = isArrival ? arrival : other
      let instant = Instant(microseconds: next.time)
      if quietUntil <= instant, let deadline = engine.nextDeadline, deadline <= instant {
        now = deadline
        say(.timersDue)
      } else if next.time == .max {
        if !dismiss() { break }
      } else if isArrival {
        now = instant
        arrivals.pop()
        begin(Int(next.event.subject))
      } else {
        now = instant
        heap.pop()
        happen(next.event, next.number)
      }
    }
    if plan.measuresDrain { now = lastGone }
    for agent in agents.indices { account(agent) }
    ledger.checkFlows(at: now)
  }

  /// What was counted.
  package var tally: Tally {
    ledger.tally(work: ContiguousArray(agents.indices.map { agents[$0].work }), plan.definitions)
  }

  /// What the auditor found; empty without an auditor.
  var violations: [Violation] { auditor?.violations ?? [] }

  private mutating func begin() {
    for index in plan.agents.indices {
      for span in plan.agents[index].spans {
        // What has begun already is for the live site to say.
        if plan.live == nil || span.lowerBound >= plan.begin.microseconds {
          schedule(WorldEvent(.shiftBegins, UInt32(index)), at: span.lowerBound)
        }
        // Whoever works until the end stays until nobody waits any more.
        if plan.closing == .drain, span.upperBound == plan.end.microseconds { continue }
        schedule(WorldEvent(.shiftEnds, UInt32(index)), at: max(span.upperBound, plan.begin.microseconds))
      }
      for pause in plan.agents[index].breaks where pause.lowerBound >= plan.begin.microseconds {
        schedule(WorldEvent(.breakBegins, UInt32(index)), at: pause.lowerBound)
        schedule(WorldEvent(.breakEnds, UInt32(index)), at: pause.upperBound)
      }
    }
    if plan.closing == .dismiss { schedule(WorldEvent(.closes, 0), at: plan.end.microseconds) }
    for callers in sources.indices { scheduleArrival(callers, at: nextArrival(callers)) }
  }

  /// Whoever still waits hangs up: at the closing, or when nothing else would happen any more.
  /// - Returns: whether there was anybody.
  private mutating func dismiss() -> Bool {
    now = max(now, plan.end)
    var isAnybody = false
    for slot in rows.indices where rows[slot].isWaiting {
      isAnybody = true
      say(.contactLeft(ContactID(slot: UInt32(slot), generation: rows[slot].generation)))
    }
    return isAnybody
  }

  @inline(__always)
  private mutating func happen(_ event: WorldEvent, _ number: UInt32) {
    let slot = Int(event.subject)
    switch event.kind {
    case .arrival: begin(slot)
    case .redial: arrive(slot)
    case .patienceEnds: if rows[slot].isWaiting, rows[slot].patience == number { say(.contactLeft(contact(slot))) }
    case .handled: say(.contactFinished(contact(slot)))
    case .answers: if agents[slot].answer == number { say(.offerAccepted(OfferID(sequence: agents[slot].offer))) }
    case .shiftBegins, .shiftEnds, .breakBegins, .breakEnds: turn(plan.agents[slot].agent, event.kind)
    case .comesBack: comeBack(AgentID(index: event.subject))
    case .closes: _ = dismiss()
    }
  }

  /// Shifts and breaks.
  @inline(never)
  private mutating func turn(_ agent: AgentID, _ kind: WorldEvent.Kind) {
    switch kind {
    case .shiftBegins:
      agents[Int(agent.index)].isOnShift = true
      say(.agentSignedIn(agent))
      comeBack(agent)
    case .shiftEnds:
      agents[Int(agent.index)].isOnShift = false
      say(.agentSignedOut(agent))
    case .breakBegins:
      agents[Int(agent.index)].isOnBreak = true
      say(.agentNotReady(agent, .unspecified))
    default:
      agents[Int(agent.index)].isOnBreak = false
      comeBack(agent)
    }
  }

  @inline(__always)
  private func contact(_ slot: Int) -> ContactID {
    ContactID(slot: UInt32(truncatingIfNeeded: slot), generation: rows[slot].generation)
  }

  private mutating func comeBack(_ agent: AgentID) {
    let row = agents[Int(agent.index)]
    if row.isOnShift, !row.isOnBreak { say(.agentReady(agent)) }
  }

  /// Gives the engine an input, and the world the engine's events and actions, until both are quiet. What an action
  /// leads to at once is told in its place.
  mutating func say(_ input: Input) {
    var input = input
    var (seenEvents, seenActions) = (0, 0)
    while true {
      let before = step.actions.count
      traffic.inputs &+= 1
      quietUntil = engine.handle(input, at: now, into: &step)
      if isAudited { audit(input, since: before) }
      while seenEvents < step.events.count {
        observe(step.events[seenEvents])
        seenEvents &+= 1
      }
      var answer: Input?
      while answer == nil, seenActions < step.actions.count {
        answer = react(step.actions[seenActions])
        seenActions &+= 1
      }
      guard let answer else { break }
      input = answer
    }
    traffic.events &+= seenEvents
    traffic.actions &+= seenActions
    step.removeAll()
    if isAudited { auditor?.checkQuiet(at: now) }
  }

  @inline(never)
  private mutating func audit(_ input: Input, since before: Int) {
    auditor?.check(input, step.actions.array[before...], at: now)
  }
}

// MARK: Callers

extension World {
  private mutating func newRow() -> Int {
    if let free = freeSlots.popLast() { return Int(free) }
    rows.append(Row())
    return rows.count - 1
  }

  /// A first attempt.
  @inline(__always)
  private mutating func begin(_ callers: Int) {
    let slot = newRow()
    rows[slot].callers = UInt32(truncatingIfNeeded: callers)
    rows[slot].number = sources[callers].number
    rows[slot].attempt = 0
    // Drawn before the contact is dealt with: neither waits for the other.
    let next = nextArrival(callers)
    arrive(slot)
    scheduleArrival(callers, at: next)
  }

  @inline(__always)
  private mutating func nextArrival(_ callers: Int) -> Int64? {
    sources[callers].nextArrival() ?? sources[callers].laterArrival(plan)
  }

  @inline(__always)
  private mutating func scheduleArrival(_ callers: Int, at time: Int64?) {
    guard let time else { return }
    let event = WorldEvent(.arrival, UInt32(truncatingIfNeeded: callers))
    arrivals.push(EventHeap.Entry(time: time, number: nextNumber(), event: event))
  }

  /// - Returns: the event's number; 0 is nobody's.
  @discardableResult
  @inline(__always)
  mutating func schedule(_ event: WorldEvent, at time: Int64) -> UInt32 {
    let number = nextNumber()
    heap.push(EventHeap.Entry(time: time, number: number, event: event))
    return number
  }

  /// Wraps; events of one instant are never that far apart.
  @inline(__always)
  private mutating func nextNumber() -> UInt32 {
    latestNumber = latestNumber == .max ? 1 : latestNumber + 1
    return latestNumber
  }

  private mutating func arrive(_ slot: Int) {
    let callers = Int(rows[slot].callers)
    let number = rows[slot].number
    let channel = sources[callers].channel(number)
    rows[slot].arrivedAt = now.microseconds
    rows[slot].channel = channel
    rows[slot].offers = 0
    rows[slot].patience = 0
    rows[slot].isWaiting = true
    rows[slot].isMeasured = now >= plan.measureFrom
    let contact = ContactID(slot: UInt32(slot), generation: rows[slot].generation)
    say(
      .contactArrived(
        contact, queue: sources[callers].callers.queue, profile: sources[callers].profile(number, plan),
        channel: channel, priority: sources[callers].priority(number, plan)))
    // Draws do not depend on their order, so nobody who is answered at once needs a patience.
    guard rows[slot].isWaiting, rows[slot].generation == contact.generation,
      let patience = sources[callers].patience(number, key: rows[slot].key, plan)
    else { return }
    rows[slot].patience = schedule(WorldEvent(.patienceEnds, contact.slot), at: now.microseconds + patience)
  }

  /// Whether somebody who abandoned tries again; nobody does after the span.
  @inline(never)
  private mutating func redialMaybe(_ slot: Int) {
    let row = rows[slot]
    let callers = Int(row.callers)
    guard let delay = sources[callers].redialDelay(row.key, plan), now.microseconds + delay < plan.end.microseconds
    else { return }
    let fresh = newRow()
    rows[fresh].callers = row.callers
    rows[fresh].number = row.number
    rows[fresh].attempt = row.attempt &+ 1
    schedule(WorldEvent(.redial, UInt32(fresh)), at: now.microseconds + delay)
  }
}

// MARK: What the engine says

extension World {
  @inline(__always)
  private mutating func observe(_ event: Event) {
    switch event {
    case .contactQueued(let contact, let queue, _, let channel, _):
      // Again, where it overflowed from another queue; a virtual caller needs no patience.
      rows[Int(contact.slot)].isWaiting = channel != .callback
      rows[Int(contact.slot)].channel = channel
      rows[Int(contact.slot)].queuedAt = now.microseconds
      ledger.entered(queue, channel, rows[Int(contact.slot)].isMeasured, at: now)
    case .contactRefused(let contact, let queue, _):
      let row = rows[Int(contact.slot)]
      rows[Int(contact.slot)].isWaiting = false
      ledger.refused(queue, row.channel, row.isMeasured)
    case .outcomeFixed(let contact, let queue, let agent, let outcome):
      leave(contact, queue, agent, outcome)
    case .contactEnded(_, let agent, _): hold(agent, -1)
    case .wrapUpStarted(let agent, _, _): hold(agent, 1)
    case .wrapUpEnded(let agent, _, _): hold(agent, -1)
    case .agentReady(let agent): present(agent, true)
    case .agentNotReady(let agent, let reason):
      present(agent, false)
      if reason == .missed || reason == .declined {
        schedule(WorldEvent(.comesBack, agent.index), at: now.microseconds + Self.comeBack)
      }
    case .agentSignedOut(let agent): present(agent, false)
    case .invariantBroken(let invariant, _, _): preconditionFailure("the engine is at odds with itself: \(invariant)")
    default: break
    }
  }

  private mutating func leave(_ contact: ContactID, _ queue: QueueID, _ agent: AgentID, _ outcome: Outcome) {
    let slot = Int(contact.slot)
    let row = rows[slot]
    rows[slot].isWaiting = false
    let wait = now.microseconds - row.arrivedAt
    ledger.left(
      queue, row.channel, outcome, wait: wait, inQueue: now.microseconds - row.queuedAt, isMeasured: row.isMeasured,
      key: row.key ^ UInt64(row.callers) << 40, agent: agent, at: now)
    if onLeaving != nil { report(row, outcome, wait, agent) }
    if outcome == .answered {
      hold(agent, 1)
      var time = sources[Int(row.callers)].handleTime(row.number, key: row.key, row.channel, plan)
      let pace = agents[Int(agent.index)].pace
      if pace != 1 { time = max(1, Int64(Double(time) * pace + 0.5)) }
      schedule(WorldEvent(.handled, contact.slot), at: now.microseconds + time)
    } else if outcome == .abandoned || outcome == .shortAbandoned {
      redialMaybe(slot)
    }
  }

  @inline(never)
  private func report(_ row: Row, _ outcome: Outcome, _ wait: Int64, _ agent: AgentID) {
    onLeaving?(
      Leaving(
        callers: Int(row.callers), number: row.number, attempt: Int(row.attempt), outcome: outcome,
        arrivedAt: row.arrivedAt, wait: wait, agent: agent, isMeasured: row.isMeasured))
  }

  @inline(__always)
  mutating func hold(_ agent: AgentID, _ change: Int32) {
    account(Int(agent.index))
    agents[Int(agent.index)].held += change
  }

  @inline(never)
  private mutating func present(_ agent: AgentID, _ isReady: Bool) {
    account(Int(agent.index))
    agents[Int(agent.index)].isReady = isReady
  }

  private mutating func account(_ agent: Int) {
    let row = agents[agent]
    guard now.microseconds > row.since else { return }
    agents[agent].since = now.microseconds
    guard row.held > 0 || row.isReady else { return }
    if ledger.hasTimeline { ledger.worked(agent, isHandling: row.held > 0, row.since, now.microseconds) }
    let time = ledger.measured(row.since, now.microseconds)
    if row.held > 0 {
      agents[agent].work.handling += time
    } else {
      agents[agent].work.ready += time
    }
  }

  /// - Returns: what the engine is told at once.
  @inline(__always)
  mutating func react(_ action: Action) -> Input? {
    switch action {
    case .ring(let offer, let contact, let agent):
      if agents[Int(agent.index)].isPrompt { return .offerAccepted(offer) }
      ring(offer, contact, agent)
    case .connect(let offer, _, _): return .offerConnected(offer)
    case .forget(let contact), .takeMessage(let contact, _):
      lastGone = now
      rows[Int(contact.slot)].generation &+= 1
      freeSlots.append(contact.slot)
    // Every customer answers.
    case .dial(let contact, _): return .dialAnswered(contact)
    case .stopRinging, .resumeWaiting, .refuse, .release, .moved, .promiseCallback, .stopDialling: break
    }
    return nil
  }

  /// The agent answers after a while, or lets it ring out. What happens belongs to the contact's n-th offer, whoever
  /// gets it.
  @inline(never)
  private mutating func ring(_ offer: OfferID, _ contact: ContactID, _ agent: AgentID) {
    let index = agents[Int(agent.index)].shifts
    guard index >= 0 else { return }
    let slot = Int(contact.slot)
    rows[slot].offers &+= 1
    agents[Int(agent.index)].answer = 0
    let shifts = plan.agents[Int(index)]
    let draws = sources[Int(rows[slot].callers)].draws
    let key = rows[slot].key ^ UInt64(rows[slot].offers) << 40
    if shifts.misses > 0, draws.uniform(key, .miss) < shifts.misses { return }
    let delay = shifts.answersIn?.draw(draws, key, .answer, plan.numbers) ?? 0
    agents[Int(agent.index)].offer = offer.sequence
    agents[Int(agent.index)].answer = schedule(WorldEvent(.answers, agent.index), at: now.microseconds + delay)
  }
}
