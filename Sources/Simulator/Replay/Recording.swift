public import ACD
public import CallControl
public import Primitives

/// What a journal tells of callers and agents, folded from its records; the simulator does not know how they are
/// stored. Names and not indices, for another configuration may number them otherwise.
public struct Recording: Sendable {
  public struct Contact: Sendable, Equatable {
    public internal(set) var arrival: Instant
    public internal(set) var queue: String
    public internal(set) var channel: Channel
    /// Skills with their least levels, those of the queue among them.
    public internal(set) var needs: [Need]
    public internal(set) var priority: Int16
    /// Nil if it was refused, or still waited at the end of the journal.
    public internal(set) var outcome: Outcome?
    public internal(set) var isRefused = false
    /// Until it left the queue, or the journal ended; microseconds.
    public internal(set) var wait: Int64 = 0
    /// Talk and hold, microseconds, once they are over.
    public internal(set) var handle: Int64?
  }
  public struct Need: Sendable, Hashable {
    public var skill: String
    public var level: UInt8
  }
  public struct Agent: Sendable, Equatable {
    public var name: String
    /// From the first ready after a sign-in to the sign-out.
    public internal(set) var shifts: [Range<Instant>] = []
    /// Not ready by their own choice, or for lack of a phone.
    public internal(set) var breaks: [Range<Instant>] = []
  }

  public private(set) var contacts: [Contact] = []
  /// Everybody who was ready at some time, in the order of the names.
  public private(set) var agents: [Agent] = []
  /// How long offers rang that were accepted, microseconds.
  public private(set) var answers: [Int64] = []
  public private(set) var missed = 0
  /// The instants of the first and the last record; nil if there is none.
  public private(set) var span: Range<Instant>?

  private let names: Names
  private let window: Range<Instant>
  /// Contacts by their id while they live; a contact that moves to another queue goes on as one.
  private var open: [ContactID: (index: Int, answered: Instant?)] = [:]
  private var channels: [ContactID: Channel] = [:]
  private var offers: [OfferID: Instant] = [:]
  private var presence: [AgentID: Presence] = [:]

  fileprivate struct Presence {
    var isSignedIn = true
    var shift: Instant?
    var pause: Instant?
    var agent: Agent
  }

  /// - Parameters:
  ///   - names: the journal's.
  ///   - window: contacts that arrive outside are left out, and shifts are cut to it.
  public init(names: Names, window: Range<Instant> = .distantPast..<Instant.distantFuture) {
    self.names = names
    self.window = window
  }

  /// The next record, in the order of the journal.
  public mutating func observe(_ record: CallControl.Record) {
    let now = record.at
    span = (span?.lowerBound ?? now)..<max(now, span?.upperBound ?? now)
    switch record.event {
    case .contactOpened(let contact, _, _, let channel): channels[contact] = channel
    case .contactClosed(let contact):
      open[contact] = nil
      channels[contact] = nil
    case .acd(let event):
      observe(event, record.sequence, now)
      observe(agents: event, now)
    default: break
    }
  }

  private mutating func observe(_ event: ACD.Event, _ sequence: UInt64, _ now: Instant) {
    switch event {
    case .contactQueued(let contact, let queue, let profile, let channel, let priority):
      guard open[contact] == nil, window.contains(now), let queue = names.queues[at: queue.index] else { return }
      open[contact] = (contacts.count, nil)
      // A journal from before profiles were named has none, and its contacts need what their queue asks for.
      let needs = (names.profiles[at: profile.index]?.needs ?? []).compactMap { need in
        names.skills[at: UInt32(need.skill.index)].map { Need(skill: $0, level: need.level) }
      }
      contacts.append(Contact(arrival: now, queue: queue, channel: channel, needs: needs, priority: priority))
    case .contactRefused(let contact, let queue, _):
      guard open[contact] == nil, window.contains(now), let channel = channels[contact],
        let queue = names.queues[at: queue.index]
      else { return }
      contacts.append(
        Contact(arrival: now, queue: queue, channel: channel, needs: [], priority: 0, isRefused: true))
    case .outcomeFixed(let contact, _, _, let outcome):
      guard let index = open[contact]?.index else { return }
      contacts[index].outcome = outcome
      contacts[index].wait = now - contacts[index].arrival
      if outcome == .answered { open[contact]?.answered = now }
    case .contactEnded(let contact, _, _):
      guard let (index, answered) = open[contact], let answered else { return }
      contacts[index].handle = now - answered
    case .offerMade: offers[OfferID(sequence: sequence)] = now
    case .offerAccepted(let offer, _, _):
      if let made = offers.removeValue(forKey: offer), window.contains(now) { answers.append(now - made) }
    case .offerMissed(let offer, _, _):
      if offers.removeValue(forKey: offer) != nil, window.contains(now) { missed += 1 }
    case .offerDeclined(let offer, _, _), .offerWithdrawn(let offer, _, _, _), .offerFailed(let offer, _, _, _):
      offers[offer] = nil
    default: break
    }
  }

  private mutating func observe(agents event: ACD.Event, _ now: Instant) {
    switch event {
    case .agentSignedIn(let agent):
      guard let name = names.agents[at: agent.index] else { return }
      var row = presence[agent] ?? Presence(agent: Agent(name: name))
      row.isSignedIn = true
      presence[agent] = row
    case .agentReady(let agent):
      guard var row = presence[agent], row.isSignedIn else { return }
      if row.shift == nil { row.shift = now }
      if let pause = row.pause { row.agent.breaks.add(pause, now, window) }
      row.pause = nil
      presence[agent] = row
    case .agentNotReady(let agent, let reason):
      // What misses and declines lead to, the engine decides anew.
      guard reason != .missed, reason != .declined, presence[agent]?.shift != nil else { return }
      if presence[agent]?.pause == nil { presence[agent]?.pause = now }
    case .agentSignedOut(let agent): presence[agent]?.signOut(now, window)
    default: break
    }
  }

  /// After the last record.
  public mutating func finish() {
    guard let end = span?.upperBound else { return }
    for row in open.values where contacts[row.index].outcome == nil {
      contacts[row.index].wait = end - contacts[row.index].arrival
    }
    // An answered talk that goes on at the end has no handle time yet, and is drawn one.
    for agent in presence.keys.sorted() {
      presence[agent]?.signOut(end, window)
      if let row = presence[agent], !row.agent.shifts.isEmpty { agents.append(row.agent) }
    }
    let start = max(span?.lowerBound ?? end, window.lowerBound)
    // Empty where the window lies before the first record or after the last.
    span = start..<max(start, min(end, window.upperBound))
  }
}

extension Recording.Presence {
  fileprivate mutating func signOut(_ now: Instant, _ window: Range<Instant>) {
    if let shift {
      // Nobody comes back from a break that lasts until the end of the shift.
      agent.shifts.add(shift, pause ?? now, window)
    }
    (shift, pause, isSignedIn) = (nil, nil, false)
  }
}

extension Array {
  /// Nil where a journal names an index that it does not define.
  fileprivate subscript(at index: UInt32) -> Element? { indices.contains(Int(index)) ? self[Int(index)] : nil }
}

extension [Range<Instant>] {
  fileprivate mutating func add(_ from: Instant, _ to: Instant, _ window: Range<Instant>) {
    let (from, to) = (Swift.max(from, window.lowerBound), Swift.min(to, window.upperBound))
    if from < to { append(from..<to) }
  }
}
