import ACD
import Primitives

/// Follows the journal and judges every offer by the declared rules, from tables of its own: it looks at everybody where
/// the engine looks at indexes, and shares no code with it but the definitions.
struct Referee {
  struct Contact {
    enum Phase { case waiting, connecting, answered, wrapUp, dialling, resting, gone }
    var queue: Int
    var needs: Profile
    var isChat: Bool
    var priority: Int
    var entry: Instant
    /// What the wait, and with it the ladder, counts from.
    var waitStart: Instant
    /// A virtual caller whom nobody may have before the customer is on the line.
    var isToBeDialled = false
    var number: UInt64
    var phase = Phase.waiting
    var isLost = false
    var offers: [UInt64: Int] = [:]
    var agent = -1
    var heldFor: AgentID?
    private(set) var ladder: [LadderStep] = []
    private(set) var taken = 0
    /// What the steps taken amount to: what is still needed, the queues whose agents are asked, and who before all.
    private(set) var eased = Profile()
    private(set) var queues: [Int] = []
    private(set) var preferred: Int?

    mutating func stand(on step: Int, of ladder: [LadderStep]) {
      let steps = ladder.prefix(step)
      let changes = steps.flatMap(\.changes)
      (self.ladder, taken) = (ladder, step)
      eased = needs.eased(by: steps)
      queues = [queue] + changes.compactMap { if case .also(let other) = $0 { Int(other.index) } else { nil } }
      preferred = changes.compactMap { if case .prefer(let agent) = $0 { Int(agent.index) } else { nil } }.last
    }
  }

  struct Agent {
    /// Contacts, handled and ready time.
    struct Tally {
      var contacts: Int64 = 0
      var handled: Int64 = 0
      var ready: Int64 = 0
    }
    var isSignedIn = false
    var isReady = false
    var idle: Int64 = 0
    var loadSince: Int64 = 0
    var held: [ContactID] = []
    var ringing: Set<ContactID> = []
    var avoided: [(contact: ContactID, until: Instant)] = []
    var backOff = Instant.distantPast
    private var shift = Tally()
    private var day = Tally()
    var until: Int64 = 0

    subscript(window: Window) -> Tally {
      get { window == .shift ? shift : day }
      set { if window == .shift { shift = newValue } else { day = newValue } }
    }
  }

  let definitions: Definitions
  /// By agent, the rank of the memberships by which each queue offers calls (twice its index) and chats (one more) to
  /// the agent; nil where it does not.
  private let ranks: [[Int?]]
  var contacts: [ContactID: Contact] = [:]
  var offers: [UInt64: ContactID] = [:]
  var agents: [Agent]
  var cursor: [Int]
  /// The entry and order of a contact that is queued next, and whether its wait starts anew.
  var kept: [ContactID: (entry: Instant, number: UInt64, isSegment: Bool)] = [:]
  /// Whether the order is judged: not where several were freed at one instant, one after the other.
  var judgesOrder = true
  /// What an attendant picks in this step: whatever the order, and whatever else the attendant does.
  var picked: (contact: ContactID, agent: Int)?
  var faults: [String] = []

  init(_ definitions: Definitions) {
    self.definitions = definitions
    ranks = definitions.agents.map { agent in
      definitions.queues.indices.flatMap { queue in
        [false, true].map { Self.rank(agent, definitions.queues[queue], QueueID(queue), isChat: $0, definitions) }
      }
    }
    agents = definitions.agents.map { _ in Agent() }
    cursor = definitions.queues.map { _ in -1 }
  }

  private static func rank(
    _ agent: AgentDefinition, _ queue: QueueDefinition, _ id: QueueID, isChat: Bool, _ definitions: Definitions
  ) -> Int? {
    guard !agent.isRemoved, queue.policy != .attendant, queue.channels.contains(where: { ($0 == .chat) == isChat }),
      agent.meets(definitions.profiles[Int(queue.profile.index)].eased(by: queue.ladder))
    else { return nil }
    return agent.queues.filter { $0.queue == id }.map { Int($0.rank) }.min()
  }

  mutating func hear(_ event: Event, _ sequence: UInt64, at now: Instant) {
    switch event {
    case .contactQueued(let contact, let queue, let profile, let channel, let priority):
      let definition = definitions.queues[Int(queue.index)]
      // Each decision looks at all of them.
      if contacts.count > 50 { contacts = contacts.filter { $0.value.phase != .gone } }
      let place = kept.removeValue(forKey: contact) ?? (now, sequence, false)
      var row = Contact(
        queue: Int(queue.index), needs: definitions.profiles[Int(profile.index)], isChat: channel == .chat,
        priority: Int(priority), entry: place.0, waitStart: place.2 ? now : place.0,
        isToBeDialled: channel == .callback && definition.callback?.mode == .customerFirst && !place.2,
        number: place.1)
      row.stand(on: 0, of: definition.ladder)
      contacts[contact] = row
    case .placeKept(let contact, let entry, let order): kept[contact] = (entry, order, false)
    case .segmentStarted(let contact, let previous):
      if let row = contacts[previous] { kept[contact] = (row.entry, row.number, true) }
    case .dialStarted(let contact, let agent, _): if agent == .none { contacts[contact]?.phase = .dialling }
    case .dialAnswered(let contact):
      contacts[contact]?.phase = .waiting
      contacts[contact]?.isToBeDialled = false
    case .dialFailed(let contact, let agent, _):
      contacts[contact]?.phase = .resting
      guard agent != .none else { return }
      release(contact, Int(agent.index), now, keepingIdle: true)
      for window in Window.allCases { uncount(Int(agent.index), window) }
    case .callbackResumed(let contact): contacts[contact]?.phase = .waiting
    case .contactLost(let contact): contacts[contact]?.isLost = true
    case .contactReturned(let contact): contacts[contact]?.isLost = false
    case .outcomeFixed(let contact, _, _, let outcome):
      if outcome == .answered {
        contacts[contact]?.phase = .answered
        contacts[contact]?.isLost = false
      } else {
        if let row = contacts[contact], row.phase == .connecting { release(contact, row.agent, now, keepingIdle: true) }
        contacts[contact]?.phase = .gone
      }
    case .contactEnded(let contact, let agent, _):
      release(contact, Int(agent.index), now)
      contacts[contact]?.phase = .gone
    case .wrapUpStarted(let agent, let contact, _):
      contacts[contact]?.phase = .wrapUp
      take(contact, Int(agent.index), now)
    case .wrapUpEnded(let agent, let contact, _):
      release(contact, Int(agent.index), now)
      contacts[contact]?.phase = .gone
    case .offerMade(let contact, _, let agent): judge(contact, Int(agent.index), sequence, now)
    case .offerAccepted(let offer, let contact, let agent):
      end(offer, contact, agent)
      contacts[contact]?.phase = .connecting
      contacts[contact]?.agent = Int(agent.index)
      take(contact, Int(agent.index), now)
      for window in Window.allCases { agents[Int(agent.index)][window].contacts += 1 }
    case .offerDeclined(let offer, let contact, let agent):
      end(offer, contact, agent)
      avoid(contact, agent, now)
    case .offerMissed(let offer, let contact, let agent):
      end(offer, contact, agent)
      agents[Int(agent.index)].idle = agents[Int(agent.index)].isReady ? now.microseconds : 0
      avoid(contact, agent, now)
    case .offerWithdrawn(let offer, let contact, let agent, _): end(offer, contact, agent)
    case .offerFailed(let offer, let contact, let agent, let failure):
      failed(offer, contact, agent, failure, now)
    case .agentSignedIn(let agent):
      count(Int(agent.index), now)
      agents[Int(agent.index)][.shift] = Agent.Tally()
      agents[Int(agent.index)].isSignedIn = true
    case .agentSignedOut(let agent):
      setReady(agent, false, now)
      agents[Int(agent.index)].isSignedIn = false
      agents[Int(agent.index)].idle = 0
    case .agentReady(let agent): setReady(agent, true, now)
    case .agentNotReady(let agent, _): setReady(agent, false, now)
    case .ladderStepped(let contact, let step, let reason): climb(contact, Int(step), reason, now)
    case .ladderMigrated(let contact, let step):
      guard let queue = contacts[contact]?.queue else { return }
      contacts[contact]?.stand(on: Int(step), of: definitions.queues[queue].ladder)
    case .agentPreferred(let contact, let agent, _): contacts[contact]?.heldFor = agent
    case .preferenceEnded(let contact, _, _): contacts[contact]?.heldFor = nil
    case .dayStarted:
      for agent in agents.indices {
        count(agent, now)
        agents[agent][.day] = Agent.Tally()
      }
    case .contactRefused, .wrapUpExtended, .placeHeld, .placeReleased, .waitEstimated, .invariantBroken: break
    }
  }

  // MARK: Bookkeeping

  private mutating func count(_ agent: Int, _ now: Instant) {
    let elapsed = now.microseconds - agents[agent].until
    agents[agent].until = now.microseconds
    for window in Window.allCases {
      if !agents[agent].held.isEmpty {
        agents[agent][window].handled += elapsed
      } else if agents[agent].isReady {
        agents[agent][window].ready += elapsed
      }
    }
  }

  /// Takes back a contact, which may have been counted before the day began.
  private mutating func uncount(_ agent: Int, _ window: Window) {
    agents[agent][window].contacts = max(0, agents[agent][window].contacts - 1)
  }

  private mutating func take(_ contact: ContactID, _ agent: Int, _ now: Instant) {
    count(agent, now)
    agents[agent].held.append(contact)
    agents[agent].loadSince = now.microseconds
  }

  private mutating func release(_ contact: ContactID, _ agent: Int, _ now: Instant, keepingIdle: Bool = false) {
    count(agent, now)
    agents[agent].held.removeAll { $0 == contact }
    agents[agent].loadSince = now.microseconds
    if agents[agent].held.isEmpty, !keepingIdle { agents[agent].idle = agents[agent].isReady ? now.microseconds : 0 }
  }

  private mutating func setReady(_ agent: AgentID, _ isReady: Bool, _ now: Instant) {
    let agent = Int(agent.index)
    count(agent, now)
    guard agents[agent].isReady != isReady else { return }
    agents[agent].isReady = isReady
    agents[agent].idle = now.microseconds - agents[agent].idle
  }

  private mutating func end(_ offer: OfferID, _ contact: ContactID, _ agent: AgentID) {
    if contacts[contact]?.offers.removeValue(forKey: offer.sequence) == nil {
      faults.append("offer \(offer.sequence) ends twice")
    }
    agents[Int(agent.index)].ringing.remove(contact)
  }

  private mutating func failed(
    _ offer: OfferID, _ contact: ContactID, _ agent: AgentID, _ failure: OfferFailure, _ now: Instant
  ) {
    if contacts[contact]?.phase == .connecting {
      release(contact, Int(agent.index), now, keepingIdle: true)
      for window in Window.allCases { uncount(Int(agent.index), window) }
      contacts[contact]?.phase = .waiting
    } else {
      end(offer, contact, agent)
    }
    switch failure {
    case .busy:
      let queue = contacts[contact].map { definitions.queues[$0.queue] }
      agents[Int(agent.index)].backOff = now + (queue?.busyBackOff ?? 0)
    case .media, .connect, .internal: avoid(contact, agent, now)
    case .unreachable, .restart: break
    }
  }

  private mutating func avoid(_ contact: ContactID, _ agent: AgentID, _ now: Instant) {
    guard let row = contacts[contact] else { return }
    agents[Int(agent.index)].avoided.removeAll { $0.until <= now }
    agents[Int(agent.index)].avoided.append((contact, now + definitions.queues[row.queue].retry))
  }

  private mutating func climb(_ contact: ContactID, _ step: Int, _ reason: StepReason, _ now: Instant) {
    guard let row = contacts[contact], step == row.taken + 1, step <= row.ladder.count else {
      return faults.append("\(contact) takes step \(step)")
    }
    switch reason {
    case .waited: if now - row.waitStart < row.ladder[step - 1].after { faults.append("\(contact) climbs too early") }
    case .unstaffed:
      if agents.indices.contains(where: { agents[$0].isReady && serves($0, row) && couldEver($0, row) }) {
        faults.append("\(contact) skips a step that has staff")
      }
    }
    contacts[contact]?.stand(on: step, of: row.ladder)
  }

  // MARK: The rules

  private func couldEver(_ agent: Int, _ row: Contact) -> Bool {
    let definition = definitions.agents[agent]
    return definition.totalCapacity > 0 && (row.isChat ? definition.chatCapacity : definition.voiceCapacity) > 0
  }

  /// Which of the contact's queues offers to the agent: 0 is its own.
  private func pool(_ agent: Int, _ row: Contact) -> Int? {
    guard definitions.agents[agent].meets(row.eased) else { return nil }
    return row.queues.firstIndex { rank(agent, in: $0, row) != nil }
  }

  private func rank(_ agent: Int, in queue: Int, _ row: Contact) -> Int? {
    ranks[agent][2 * queue + (row.isChat ? 1 : 0)]
  }

  private func serves(_ agent: Int, _ row: Contact) -> Bool { pool(agent, row) != nil }

  private func mayTake(_ agent: Int, _ contact: ContactID, _ row: Contact, _ now: Instant) -> Bool {
    let worker = agents[agent]
    let definition = definitions.agents[agent]
    guard !row.isToBeDialled, worker.isReady, worker.ringing.isEmpty, worker.backOff <= now,
      worker.held.count < definition.totalCapacity,
      row.heldFor == nil || row.heldFor == AgentID(agent), serves(agent, row),
      !worker.avoided.contains(where: { $0.contact == contact && $0.until > now })
    else { return false }
    let chats = worker.held.filter { contacts[$0]?.isChat == true }
    if row.isChat {
      return chats.count < definition.chatCapacity && (chats.count == worker.held.count || !definition.voiceBlocksChat)
    }
    return definition.voiceCapacity > 0 && chats.count == worker.held.count
      && !(definition.chatBlocksVoice && chats.contains { contacts[$0]?.phase != .wrapUp })
  }

  private mutating func judge(_ contact: ContactID, _ agent: Int, _ sequence: UInt64, _ now: Instant) {
    defer {
      contacts[contact]?.offers[sequence] = agent
      agents[agent].ringing.insert(contact)
      let asked = contacts[contact].flatMap { row in pool(agent, row).map { row.queues[$0] } }
      if let asked { cursor[asked] = agent }
    }
    guard let row = contacts[contact], row.phase == .waiting, !row.isLost else {
      return faults.append("\(contact) is offered and does not wait")
    }
    let policy = definitions.queues[row.queue].policy
    if !row.offers.isEmpty, policy != .broadcast { faults.append("\(contact) has two offers") }
    if let picked, picked == (contact, agent) {
      let isAttendant = definitions.agents[agent].queues.contains {
        row.queues.contains(Int($0.queue.index)) && definitions.queues[Int($0.queue.index)].policy == .attendant
      }
      if !agents[agent].isSignedIn || !isAttendant { faults.append("agent \(agent) may not pick \(contact)") }
      return
    }
    guard mayTake(agent, contact, row, now) else { return faults.append("agent \(agent) may not take \(contact)") }
    guard judgesOrder else { return }
    let rank = rank(row, agent, now)
    for (other, candidate) in contacts
    where candidate.phase == .waiting && !candidate.isLost && other != contact
      && (candidate.offers.isEmpty || definitions.queues[candidate.queue].policy == .broadcast)
    {
      if self.rank(candidate, agent, now) < rank, mayTake(agent, other, candidate, now) {
        faults.append("\(other) stands before \(contact) for agent \(agent)")
      }
    }
    guard policy != .broadcast, let own = key(agent, row) else { return }
    for other in agents.indices where other != agent && mayTake(other, contact, row, now) {
      if let key = key(other, row), key.lexicographicallyPrecedes(own) {
        faults.append("agent \(other) stands before agent \(agent) for \(contact) under \(policy)")
      }
    }
  }

  private func rank(_ row: Contact, _ agent: Int, _ now: Instant) -> (Int, Int64, UInt64) {
    let isByRank = definitions.agents[agent].take == .agentRank
    let best = isByRank ? row.queues.compactMap { rank(agent, in: $0, row) }.min() ?? .max : 0
    let effective =
      Int64(row.priority) * 60_000_000_000 + Int64(definitions.queues[row.queue].aging) * (now - row.entry)
    return (best, -effective, row.number)
  }

  /// Lower first: the ladder's preference, the pool, the load, the policy, and who has been as free for longest.
  private func key(_ agent: Int, _ row: Contact) -> [Int64]? {
    guard let pool = pool(agent, row) else { return nil }
    let queue = definitions.queues[row.queues[pool]]
    let worker = agents[agent]
    let load = Int64(worker.held.count)
    let since = load == 0 ? worker.idle : worker.loadSince
    let counts = worker[queue.window]
    let score: Int64
    switch queue.policy {
    case .longestIdle, .broadcast, .attendant: score = 0
    case .roundRobin: score = Int64(agent > cursor[row.queues[pool]] ? agent : agent + agents.count)
    case .serial: score = Int64(queue.order.firstIndex(of: AgentID(agent)) ?? queue.order.count + agent)
    case .fewestContacts: score = counts.contacts
    case .leastOccupied:
      let total = counts.handled + counts.ready
      score = total > 0 ? Int64(Double(counts.handled) / Double(total) * 1_000_000) : 0
    case .bestSkilled:
      score = -queue.prefer.reduce(0) { sum, wish in
        let level = definitions.agents[agent].skills.first { $0.skill == wish.skill }?.level ?? 0
        return sum + Int64(min(level, wish.level))
      }
    }
    let band = row.isChat && queue.chats == .fill ? -load : load
    return [row.preferred == agent ? 0 : 1, Int64(pool), band, score, since, Int64(agent)]
  }
}
