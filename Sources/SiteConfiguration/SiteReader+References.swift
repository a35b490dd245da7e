import ACD
import CallControl
import Foundation
import Primitives

extension SiteReader {
  mutating func queue(named name: String, at place: Place) -> QueueID? {
    let configured = queuePlaces.keys.sorted().map { names.queues[$0] }
    guard configured.contains(name), let index = names.queues.firstIndex(of: name) else {
      report(place, "no queue is called `\(name)`\(suggestion(for: name, among: configured))")
      return nil
    }
    return QueueID(index: UInt32(clamping: index))
  }

  /// Needs or abilities; interns the skills.
  mutating func readSkills(_ item: Item?) -> [Profile.Need] {
    let declared = top["skills"]?.list.compactMap(\.text)
    var needs: [Profile.Need] = []
    for pair in item?.pairs ?? [] {
      if let declared, !declared.contains(pair.key) {
        report(pair.place, "`\(pair.key)` is not in `skills`\(suggestion(for: pair.key, among: declared))")
        continue
      }
      guard let level = pair.item.whole.flatMap(UInt8.init(exactly:)) else { continue }
      let skill = SkillID(index: UInt16(clamping: names.skills.index(adding: pair.key)))
      needs.append(Profile.Need(skill: skill, level: level))
    }
    return Profile(needs: needs).needs
  }

  /// The path of a file that must be there.
  mutating func existing(_ item: Item, _ label: String) -> String? {
    guard let folder, let text = item.text else { return nil }
    let path = joinedPath(folder, text)
    guard FileManager.default.isReadableFile(atPath: path) else {
      report(item.place, "`\(label)`: the file `\(path)` cannot be read")
      return nil
    }
    return path
  }

  /// What stands in a secret's file, without the line end that editors leave.
  mutating func secret(_ item: Item, _ label: String) -> String? {
    guard let path = existing(item, label) else { return nil }
    let bytes = FileManager.default.contents(atPath: path).map(Array.init) ?? []
    guard let text = String(validating: bytes.prefix(4096), as: UTF8.self) else {
      report(item.place, "`\(label)`: the file `\(path)` is not UTF-8 text")
      return nil
    }
    let secret = text.trimmingCharacters(in: .whitespacesAndNewlines)
    guard !secret.isEmpty, !secret.contains(where: \.isNewline) else {
      report(item.place, "`\(label)`: the file `\(path)` must hold one line")
      return nil
    }
    return secret
  }

  /// What can run and still is probably a slip; and the limits of the ids.
  mutating func warnOfDoubts() {
    let queues = site.definitions.queues
    let agents = site.definitions.agents.filter { !$0.isRemoved }
    if queuePlaces.isEmpty { warn(top.place, "no queue is defined") }
    for (index, place) in queuePlaces {
      let queue = queues[index]
      let members = agents.filter { $0.queues.contains { Int($0.queue.index) == index } }
      if members.isEmpty {
        warn(place, "queue `\(queue.name)` has no agents")
        continue
      }
      for channel in queue.channels where !members.contains(where: { $0.takes(channel) }) {
        warn(place, "no agent of queue `\(queue.name)` takes \(channel)")
      }
      warnOfSkills(queue, place, members: members)
      let take = item(of: QueueID(index: UInt32(index)))?["take"]
      if let take, take.text == "agent_rank", !members.contains(where: \.hasRanks) {
        warn(take.place, "`take: agent_rank` does nothing: no agent of the queue has ranks, `{ sales: 1, support: 2 }`")
      }
    }
    for pair in top["entries"]?.pairs ?? [] {
      guard let item = pair.item["queue"], let name = item.text, let index = names.queues.firstIndex(of: name),
        queuePlaces[index] != nil, !agents.contains(where: { $0.queues.contains { Int($0.queue.index) == index } })
      else { continue }
      warn(item.place, "entry `\(pair.key)` leads to the queue `\(name)`, which nobody serves")
    }
    for (index, place) in agentPlaces where site.definitions.agents[index].queues.isEmpty {
      warn(place, "agent `\(names.agents[index])` serves no queue")
    }
    let counts = [names.skills.count, names.codes.count, names.reasons.count]
    if counts.contains(where: { $0 > Int(UInt16.max) }) {
      report(top.place, "there are more than 65,535 skills, wrap-up codes or reasons, old ones included")
    }
  }

  private mutating func warnOfSkills(_ queue: QueueDefinition, _ place: Place, members: [AgentDefinition]) {
    let needs = site.definitions.profiles[Int(queue.profile.index)].needs
    let skills = top["queues"]?[queue.name]?["skills"]?.pairs ?? []
    var isExplained = false
    for need in needs where !members.contains(where: { $0.meets(need) }) {
      let name = names.skills[Int(need.skill.index)]
      let others = members.flatMap(\.skills).map { names.skills[Int($0.skill.index)] }
      let hint = others.contains(name) ? "" : suggestion(for: name, among: others)
      let level = need.level > 0 ? " at level \(need.level) or above" : ""
      let place = skills.first { $0.key == name }?.place ?? place
      warn(place, "no agent of queue `\(queue.name)` has the skill `\(name)`\(level)\(hint)")
      isExplained = true
    }
    if !isExplained, !members.contains(where: { agent in needs.allSatisfy(agent.meets) }) {
      warn(place, "no agent of queue `\(queue.name)` has all the skills it needs")
    }
  }
}

extension AgentDefinition {
  func meets(_ need: Profile.Need) -> Bool {
    need.level == 0 || skills.contains { $0.skill == need.skill && $0.level >= need.level }
  }
  /// Some of its queues stand before others.
  var hasRanks: Bool { queues.contains { $0.rank != queues[0].rank } }
  func takes(_ channel: Channel) -> Bool {
    switch channel {
    case .voice, .callback: voiceCapacity > 0
    case .chat: chatCapacity > 0
    }
  }
}

extension Names {
  /// The id of a set of needs, the same for equal sets and for ever.
  mutating func intern(_ profile: Profile) -> ProfileID {
    let index = profiles.firstIndex(of: profile) ?? profiles.count
    if index == profiles.count { profiles.append(profile) }
    return ProfileID(index: UInt32(clamping: index))
  }
}

extension [String] {
  /// The index of a name that keeps it for ever.
  mutating func index(adding name: String) -> Int {
    if let index = firstIndex(of: name) { return index }
    append(name)
    return count - 1
  }
}

extension Item {
  var interval: Int64? { text.flatMap { microseconds(in: $0) } }
  var whole: Int? { text.flatMap { Int($0) } }
  var decimal: Double? { text.flatMap { SiteConfiguration.decimal(in: $0) } }
  var port: UInt16? { text.flatMap { UInt16($0) } }
  var channel: Channel? { Channel.allCases.first { "\($0)" == text } }
  var channels: [Channel] { Channel.allCases.filter { list.compactMap(\.channel).contains($0) } }
}
