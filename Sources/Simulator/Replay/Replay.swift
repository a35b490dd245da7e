import ACD
import CallControl
import Primitives
public import SiteConfiguration

/// Recorded traffic under another configuration or staffing.
///
/// Times of arrival, queues, needs and channels are the recorded ones, and so are handle times of whoever was answered.
/// What was not seen is drawn anew in each replication: the patience of whoever did not hang up, beyond the wait that
/// was seen, and the handle times of whoever was not answered.
public struct Replay: Sendable {
  private let scenario: Scenario
  private var plan: Plan
  private var groups: [Group] = []
  private var unknownQueues: [(name: String, contacts: Int)] = []

  /// Contacts of one queue and channel with the same needs: one kind of caller of the plan.
  private struct Group: Sendable {
    var callers: Plan.Callers
    var profile: ProfileID
    var contacts: [Recording.Contact]
    var patience: KaplanMeier
    /// Recorded handle times like theirs, ascending.
    var handles: [Int64]
  }

  /// What keeps a recording from being replayed.
  public struct Refusal: Error, CustomStringConvertible {
    public var description: String
  }

  /// - Parameters:
  ///   - scenario: over the configuration, with the agents and thresholds; its callers do not count.
  public init(_ recording: Recording, _ scenario: Scenario) throws(Refusal) {
    self.scenario = scenario
    plan = Plan(scenario)
    let handles = recording.contacts.filter { $0.handle != nil }
    guard !recording.contacts.isEmpty else { throw Refusal(description: "the journal holds no contact of that time") }
    guard !handles.isEmpty else {
      throw Refusal(description: "nobody was answered in that time, so there is no handle time to go by")
    }
    guard !plan.agents.isEmpty else { throw Refusal(description: "nobody works in that time") }
    let own = Self.ownNeeds(recording)
    var keys: [Key] = []
    var members: [Key: [Recording.Contact]] = [:]
    for contact in recording.contacts {
      let key = Key(contact, own[contact.queue] ?? [])
      if members[key] == nil { keys.append(key) }
      members[key, default: []].append(contact)
    }
    for key in keys {
      let contacts = members[key] ?? []
      guard let queue = scenario.definitions.queues.firstIndex(where: { $0.name == key.queue && !$0.isRemoved }) else {
        unknownQueues.append((key.queue, contacts.count))
        continue
      }
      var callers = Plan.Callers(queue: QueueID(index: UInt32(queue)))
      callers.voice = key.channel == .chat ? 0 : 1
      let alike = recording.contacts.filter { $0.queue == key.queue && $0.channel == key.channel }
      let answered = alike.compactMap(\.handle)
      let known = !answered.isEmpty ? answered : handles.compactMap(\.handle)
      groups.append(
        Group(
          callers: callers, profile: plan.profile(key.needs, QueueID(index: UInt32(queue))), contacts: contacts,
          patience: KaplanMeier(Self.waits(alike, of: recording)), handles: known.sorted()))
    }
    guard !groups.isEmpty else { throw Refusal(description: "the configuration has none of the recorded queues") }
  }

  private struct Key: Hashable {
    var queue: String
    var channel: Channel
    /// Beyond what every contact of the queue needed.
    var needs: Set<Recording.Need>

    init(_ contact: Recording.Contact, _ own: Set<Recording.Need>) {
      queue = contact.queue
      channel = contact.channel
      needs = contact.isRefused ? [] : Set(contact.needs).subtracting(own)
    }
  }

  /// What all contacts of a queue needed was the queue's own demand, which another configuration may change; the rest
  /// was the caller's.
  private static func ownNeeds(_ recording: Recording) -> [String: Set<Recording.Need>] {
    var own: [String: Set<Recording.Need>] = [:]
    for contact in recording.contacts where !contact.isRefused {
      own[contact.queue] = own[contact.queue]?.intersection(contact.needs) ?? Set(contact.needs)
    }
    return own
  }

  /// Those of the same queue and channel if enough of them hung up to draw a curve, else all.
  private static func waits(
    _ alike: [Recording.Contact], of recording: Recording
  ) -> [(wait: Int64, hungUp: Bool)] {
    func waits(_ contacts: [Recording.Contact]) -> [(wait: Int64, hungUp: Bool)] {
      contacts.filter { !$0.isRefused }.map {
        ($0.wait, $0.outcome == .abandoned || $0.outcome == .shortAbandoned)
      }
    }
    let own = waits(alike)
    return own.count { $0.hungUp } >= 20 ? own : waits(recording.contacts)
  }

  // MARK: Running

  public func run(_ options: Simulation.Options = Simulation.Options()) -> SimulationReport {
    var plan = plan
    if options.isByInterval { plan.interval = Timeline.interval(of: scenario.span) }
    let recorded = recorded(plan)
    let seed = options.seed ?? scenario.runs.seed
    let count = options.replications ?? scenario.runs.replications
    let results = Replications.inOrder(0..<count, threads: options.threads, progress: options.progress) {
      [plan] number in
      one(UInt64(number), seed, plan, options.isAudited)
    }
    var report = SimulationReport(scenario, seed: seed, results.map(\.outcome))
    report.command = "switchboard replay --journal \(scenario.file)"
    report.remarks = remarks(results.map(\.guess))
    report.comparison = Comparison(
      scenario, results.map(\.outcome.tally), to: scenario, Array(repeating: recorded, count: count),
      named: "what was recorded")
    return report
  }

  /// Contacts whose fate rests on what nobody saw.
  private struct Guess {
    var assumed = 0
    var extrapolated = 0
  }

  private func one(
    _ number: UInt64, _ seed: UInt64, _ plan: Plan, _ isAudited: Bool
  ) -> (outcome: Replications.Outcome, guess: Guess) {
    var plan = plan
    for (index, group) in groups.enumerated() {
      let draws = Draws(seed: seed, replication: number, stream: UInt64(index))
      let records = group.contacts.enumerated().map { place, contact in
        let hungUp = contact.outcome == .abandoned || contact.outcome == .shortAbandoned
        let uniform = draws.uniform(UInt64(place), .handle)
        let drawn = group.handles[Int(uniform * Double(group.handles.count))]
        return Plan.Record(
          arrival: contact.arrival.microseconds,
          patience: hungUp
            ? contact.wait
            : group.patience.patience(beyond: contact.wait, draws.uniform(UInt64(place), .patience)),
          handle: max(1, contact.handle ?? drawn), priority: contact.priority)
      }
      plan.add(group.callers, records: records, needs: [(group.profile, 1)])
    }
    var world = World(plan: plan, seed: seed, replication: number, isAudited: isAudited)
    var guess = Guess()
    let groups = groups
    world.onLeaving = { leaving in
      let contact = groups[leaving.callers].contacts[Int(leaving.number)]
      guard contact.outcome != .abandoned, contact.outcome != .shortAbandoned, leaving.wait > contact.wait else {
        return
      }
      guess.assumed += 1
      if leaving.wait > groups[leaving.callers].patience.longest { guess.extrapolated += 1 }
    }
    world.run()
    return (Replications.Outcome(tally: world.tally, violations: world.violations), guess)
  }

  private func remarks(_ guesses: [Guess]) -> [String] {
    let contacts = Double(groups.reduce(0) { $0 + $1.contacts.count } * max(1, guesses.count))
    func percent(_ count: Int) -> String { Wording.fixed(Double(count) / contacts * 100, 1) + " %" }
    let assumed = guesses.reduce(0) { $0 + $1.assumed }
    let extrapolated = guesses.reduce(0) { $0 + $1.extrapolated }
    var remarks = [
      "Recorded arrivals replayed. \(percent(assumed)) of the contacts waited longer than recorded, so that their "
        + "patience is an estimate (Kaplan-Meier); \(percent(extrapolated)) waited longer than anybody recorded, where "
        + "it is extrapolated."
    ]
    for (name, count) in unknownQueues {
      remarks.append("\(count) contacts of the queue \(name) are left out: this configuration has no such queue.")
    }
    return remarks
  }

  /// What was recorded, counted as replications are.
  private func recorded(_ plan: Plan) -> Tally {
    var plan = plan
    plan.interval = nil
    var ledger = Ledger(plan: plan)
    for group in groups {
      for contact in group.contacts {
        let queue = group.callers.queue
        if contact.isRefused {
          ledger.refused(queue, contact.channel, true)
          continue
        }
        ledger.entered(queue, contact.channel, true, at: contact.arrival)
        guard let outcome = contact.outcome else { continue }
        ledger.left(
          queue, contact.channel, outcome, wait: contact.wait, inQueue: contact.wait, isMeasured: true, key: 0,
          agent: .none,
          at: contact.arrival + contact.wait)
      }
    }
    return ledger.tally(
      work: ContiguousArray(repeating: Tally.Work(), count: plan.definitions.agents.count), plan.definitions)
  }
}

extension Plan {
  /// The queue's needs and these.
  fileprivate mutating func profile(_ extra: Set<Recording.Need>, _ queue: QueueID) -> ProfileID {
    let own = definitions.profiles[Int(definitions.queues[Int(queue.index)].profile.index)].needs
    var needs = own
    for need in extra.sorted(by: { $0.skill < $1.skill }) {
      let index = definitions.names.skills.firstIndex(of: need.skill) ?? definitions.names.skills.count
      if index == definitions.names.skills.count { definitions.names.skills.append(need.skill) }
      let skill = SkillID(index: UInt16(clamping: index))
      let level = max(need.level, needs.first { $0.skill == skill }?.level ?? 0)
      needs = needs.filter { $0.skill != skill } + [Profile.Need(skill: skill, level: level)]
    }
    let profile = Profile(needs: needs)
    let index = definitions.profiles.firstIndex(of: profile) ?? definitions.profiles.count
    if index == definitions.profiles.count { definitions.profiles.append(profile) }
    return ProfileID(index: UInt32(index))
  }
}
