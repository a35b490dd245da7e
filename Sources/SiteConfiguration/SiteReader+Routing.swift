import ACD
import CallControl
import Foundation

/// Who is offered a contact: policy, order, preferences and ladder. Read when all queues and agents have their names.
extension QueueDefinition {
  /// Its policy counts what agents did in a window of time.
  fileprivate var isCounting: Bool { policy == .fewestContacts || policy == .leastOccupied }
}

extension SiteReader {
  mutating func readRouting() {
    for pair in top["queues"]?.pairs ?? [] {
      guard let index = names.queues.firstIndex(of: pair.key), queuePlaces[index] == pair.place else { continue }
      readPolicy(pair.item, at: index)
      readLadder(pair.item, at: index)
    }
    readDays()
  }

  /// The site's days are expanded only where something counts by them.
  private mutating func readDays() {
    guard site.definitions.queues.contains(where: { $0.isCounting && $0.window == .day }),
      let zone = TimeZone(identifier: site.timeZone)
    else { return }
    site.definitions.days = (Self.firstDay..<Self.firstDay + Self.dayCount).map {
      zone.instant(of: LocalTime(day: $0, second: 0))
    }
  }

  private mutating func readPolicy(_ item: Item, at index: Int) {
    var queue = site.definitions.queues[index]
    queue.policy = item["policy"]?.text.flatMap(Policy.init) ?? queue.policy
    queue.window = item["window"]?.text.flatMap(Window.init) ?? queue.window
    queue.chats = item["chats"]?.text.flatMap(ChatSpread.init) ?? queue.chats
    queue.prefer = readSkills(item["prefer"])
    queue.preferredHold = item["preferred_agent"]?["hold"]?.interval ?? queue.preferredHold
    for entry in item["order"]?.list ?? [] {
      guard let name = entry.text, let agent = agent(named: name, at: entry.place) else { continue }
      if !isMember(agent, of: [index]) { report(entry.place, "`\(name)` does not serve the queue `\(queue.name)`") }
      if queue.order.contains(agent) { report(entry.place, "`\(name)` stands here twice") }
      queue.order.append(agent)
    }
    site.definitions.queues[index] = queue
    checkPolicy(queue, item)
  }

  private mutating func checkPolicy(_ queue: QueueDefinition, _ item: Item) {
    let place = item["policy"]?.place ?? item.place
    if queue.policy == .serial, queue.order.isEmpty {
      report(place, "`policy: serial` needs an `order`, a list of the queue's agents")
    }
    if queue.policy == .bestSkilled, queue.prefer.isEmpty {
      report(place, "`policy: best_skilled` needs `prefer`, the skills that score")
    }
    let idle: [(key: String, isUsed: Bool, policy: String)] = [
      ("order", queue.policy == .serial, "serial"), ("prefer", queue.policy == .bestSkilled, "best_skilled"),
      ("window", queue.isCounting, "fewest_contacts or least_occupied"),
    ]
    for entry in idle where !entry.isUsed {
      if let item = item[entry.key] {
        warn(item.place, "`\(entry.key)` does nothing without `policy: \(entry.policy)`")
      }
    }
  }

  private mutating func readLadder(_ item: Item, at index: Int) {
    var pools = [index]
    var last: Int64 = 0
    for entry in item["ladder"]?.list ?? [] {
      guard let after = entry["after"]?.interval else { continue }
      if after < last, let place = entry["after"]?.place {
        report(place, "a step of the ladder must not come before the one above it")
      }
      last = max(last, after)
      var step = LadderStep(after: after, changes: [])
      readEasing(entry, into: &step)
      if let also = entry["also"], let name = also.text, let queue = queue(named: name, at: also.place) {
        if pools.contains(Int(queue.index)) { report(also.place, "the agents of `\(name)` have the contact already") }
        pools.append(Int(queue.index))
        step.changes.append(.also(queue))
      }
      if let prefer = entry["prefer"], let name = prefer.text, let agent = agent(named: name, at: prefer.place) {
        if !isMember(agent, of: pools) { report(prefer.place, "`\(name)` serves none of the queues of this step") }
        step.changes.append(.prefer(agent))
      }
      if step.changes.isEmpty { warn(entry.place, "this step of the ladder changes nothing") }
      site.definitions.queues[index].ladder.append(step)
    }
    if site.definitions.queues[index].ladder.count > 50, let place = item["ladder"]?.place {
      report(place, "a ladder has at most 50 steps")
    }
  }

  private mutating func readEasing(_ entry: Item, into step: inout LadderStep) {
    for drop in entry["drop"]?.list ?? [] {
      guard let name = drop.text else { continue }
      guard let skill = names.skills.firstIndex(of: name) else {
        report(drop.place, "no skill is called `\(name)`\(suggestion(for: name, among: names.skills))")
        continue
      }
      step.changes.append(.drop(SkillID(index: UInt16(clamping: skill))))
    }
    for need in readSkills(entry["lower"]) { step.changes.append(.lower(need.skill, to: need.level)) }
  }

  private mutating func agent(named name: String, at place: Place) -> AgentID? {
    let configured = agentPlaces.keys.sorted().map { names.agents[$0] }
    guard configured.contains(name), let index = names.agents.firstIndex(of: name) else {
      report(place, "no agent is called `\(name)`\(suggestion(for: name, among: configured))")
      return nil
    }
    return AgentID(index: UInt32(clamping: index))
  }

  private func isMember(_ agent: AgentID, of queues: [Int]) -> Bool {
    site.definitions.agents[Int(agent.index)].queues.contains { queues.contains(Int($0.queue.index)) }
  }
}
