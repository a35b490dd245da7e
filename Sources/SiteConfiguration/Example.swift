public import ACD
import CallControl
import Foundation
import Primitives

/// A test of the configuration that its author wrote beside a queue: this caller, these agents, so that agent.
/// `switchboard check` runs it through the engine that serves live traffic.
public struct Example: Sendable {
  public var name: String
  /// Where the expected agent stands.
  public var place: Place
  public var queue: QueueID
  public var channel: Channel
  /// The queue's needs and the caller's own.
  public var needs: Profile
  /// How long the caller has waited when the agents are free, microseconds.
  public var waited: Int64
  /// Signed in and free, the longest idle first.
  public var signedIn: [AgentID]
  /// Who is offered the contact; nil for nobody.
  public var offeredTo: AgentID?

  /// The word for no agent.
  static let nobody = "nobody"

  static let shape: Shape = .list(
    .record([
      Key("name", .scalar(.text), "What it shows, in a sentence.", isRequired: true),
      Key("channel", .word(["voice", "chat"]), "How the caller comes; the queue's first channel unless written."),
      Key(
        "needs", .table(.name, .scalar(.level)), "Skills this caller needs besides the queue's, with the least level."),
      Key("waited", .scalar(.duration), "How long the caller has waited by then; nothing unless written."),
      Key("signed_in", .list(.scalar(.name)), "Agents who are free, the longest idle first.", isRequired: true),
      Key("offered_to", .scalar(.name), "The agent who is offered the contact, or `nobody`.", isRequired: true),
    ]))
}

extension SiteReader {
  /// After queues and agents are known.
  mutating func readExamples() {
    for queue in top["queues"]?.pairs ?? [] {
      guard let index = queuePlaces.keys.first(where: { names.queues[$0] == queue.key }) else { continue }
      for item in queue.item["examples"]?.list ?? [] {
        if let example = readExample(item, QueueID(index: UInt32(clamping: index))) { examples.append(example) }
      }
    }
  }

  private mutating func readExample(_ item: Item, _ queue: QueueID) -> Example? {
    let definition = site.definitions.queues[Int(queue.index)]
    guard let name = item["name"]?.text, let expected = item["offered_to"], let answer = expected.text,
      let channel = item["channel"].map({ $0.channel }) ?? definition.channels.first
    else { return nil }
    if let place = item["channel"]?.place, !definition.channels.contains(channel) {
      report(place, "the queue `\(definition.name)` does not take \(channel)")
    }
    let signedIn = (item["signed_in"]?.list ?? []).compactMap { readAgentName($0) }
    var offeredTo: AgentID?
    if answer != Example.nobody {
      guard let agent = readAgentName(expected) else { return nil }
      if !signedIn.contains(agent) { report(expected.place, "`\(answer)` is expected and not `signed_in`") }
      offeredTo = agent
    }
    var needs = names.profiles[Int(definition.profile.index)].needs
    for pair in item["needs"]?.pairs ?? [] {
      guard let skill = names.skills.firstIndex(of: pair.key) else {
        report(pair.place, "nobody has the skill `\(pair.key)`\(suggestion(for: pair.key, among: names.skills))")
        continue
      }
      let id = SkillID(index: UInt16(clamping: skill))
      let level = pair.item.whole.flatMap(UInt8.init(exactly:)) ?? 0
      let own = needs.first { $0.skill == id }?.level ?? 0
      needs = needs.filter { $0.skill != id } + [Profile.Need(skill: id, level: max(own, level))]
    }
    return Example(
      name: name, place: expected.place, queue: queue, channel: channel, needs: Profile(needs: needs),
      waited: item["waited"]?.interval ?? 0, signedIn: signedIn, offeredTo: offeredTo)
  }

  private mutating func readAgentName(_ item: Item) -> AgentID? {
    guard let name = item.text else { return nil }
    let known = agentPlaces.keys.sorted().map { names.agents[$0] }
    guard known.contains(name), let index = names.agents.firstIndex(of: name) else {
      report(item.place, "no agent is called `\(name)`\(suggestion(for: name, among: known))")
      return nil
    }
    return AgentID(index: UInt32(clamping: index))
  }
}

extension Example {
  /// What the engine does with the contact.
  enum Result: Equatable {
    case offered(AgentID), waits, refused(Refusal)
    /// It had left before the agents were free.
    case left(Outcome)
  }

  /// - Returns: what is wrong, nil if all is as expected.
  func finding(in site: Definitions) -> Finding? {
    let result = run(in: site)
    if result == (offeredTo.map { .offered($0) } ?? .waits) { return nil }
    func name(_ agent: AgentID) -> String { "`\(site.agents[Int(agent.index)].name)`" }
    let wanted = offeredTo.map { "is not offered to \(name($0))" } ?? "does not keep waiting"
    let instead =
      switch result {
      case .offered(let agent): "it is offered to \(name(agent))"
      case .waits: "nobody is offered it"
      case .refused(let refusal): "it is refused: \(refusal)"
      case .left(let outcome): "it has left by then: \(outcome)"
      }
    let why = offeredTo.flatMap { obstacle($0, in: site) }.map { "; \(name(offeredTo ?? .none)) \($0)" } ?? ""
    return Finding(at: place, "example “\(self.name)”: the contact \(wanted), \(instead)\(why)")
  }

  /// What keeps an agent from this contact whoever else is there.
  private func obstacle(_ agent: AgentID, in site: Definitions) -> String? {
    let agent = site.agents[Int(agent.index)]
    if !agent.queues.contains(where: { $0.queue == queue }) { return "does not serve this queue" }
    if !agent.takes(channel) { return "takes no \(channel)" }
    guard let need = needs.needs.first(where: { !agent.meets($0) }) else { return nil }
    let skill = "`\(site.names.skills[Int(need.skill.index)])`"
    guard let own = agent.skills.first(where: { $0.skill == need.skill }) else { return "lacks \(skill)" }
    return "has \(own.level) of the \(need.level) needed in \(skill)"
  }

  /// The contact arrives and is held back, as a chat whose page is gone keeps its place; when it has waited so long it
  /// returns, and all agents are free. So the engine decides at that instant by its own rules.
  func run(in site: Definitions) -> Result {
    var definitions = site
    let profile = definitions.names.intern(needs)
    for index in definitions.queues.indices { definitions.queues[index].lostLimit = .minutes(366 * 24 * 60) }
    var engine = Engine(definitions: definitions)
    var step = ACD.Step()
    // A Wednesday at noon, UTC.
    let arrival = Instant(microseconds: .seconds(1_795_608_000))
    for (rank, agent) in signedIn.enumerated() {
      let start = arrival + (.seconds(Int64(rank)) - .minutes(60))
      engine.handle(.agentSignedIn(agent), at: start, into: &step)
      engine.handle(.agentReady(agent), at: start, into: &step)
    }
    for agent in signedIn { engine.handle(.agentNotReady(agent, .unspecified), at: arrival, into: &step) }
    let contact = ContactID(slot: 0, generation: 0)
    let before = step.events.count
    engine.handle(
      .contactArrived(contact, queue: queue, profile: profile, channel: channel, priority: 0), at: arrival, into: &step)
    engine.handle(.contactLost(contact), at: arrival, into: &step)
    for agent in signedIn { engine.handle(.agentReady(agent), at: arrival, into: &step) }
    let end = arrival + waited
    while let deadline = engine.nextDeadline, deadline <= end { engine.handle(.timersDue, at: deadline, into: &step) }
    engine.handle(.contactReturned(contact), at: end, into: &step)
    for index in before..<step.events.count {
      switch step.events[index] {
      case .offerMade(contact, _, let agent): return .offered(agent)
      case .contactRefused(contact, _, let refusal): return .refused(refusal)
      case .outcomeFixed(contact, _, _, let outcome): return .left(outcome)
      default: break
      }
    }
    return .waits
  }
}
