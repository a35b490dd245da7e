import ACD
import API
import CallControl
import Primitives

/// Writes what the engine explains with the names of the site.
struct WhyWriter {
  private let switchboard: Switchboard
  private let definitions: Definitions
  private let at: Instant
  /// Agents who are listed whatever their place.
  var asked: [AgentID]

  /// Agents who are listed one by one, of those who passed and of those who did not.
  private static let listed = (passing: 20, failing: 20)

  init(_ switchboard: Switchboard, at instant: Instant, asked: [AgentID]) {
    self.switchboard = switchboard
    definitions = switchboard.site.definitions
    at = instant
    self.asked = asked
  }

  // MARK: Names

  func name(of agent: AgentID) -> String { definitions.names.agents[at: agent.index] ?? "agent \(agent.index)" }
  func name(of queue: QueueID) -> String { definitions.names.queues[at: queue.index] ?? "queue \(queue.index)" }
  func id(of agent: AgentID) -> String { "ag_" + name(of: agent) }
  private func id(of queue: QueueID) -> String { "q_" + name(of: queue) }
  private func name(of skill: SkillID) -> String {
    definitions.names.skills[at: UInt32(skill.index)] ?? "skill \(skill.index)"
  }
  private func id(of contact: ContactID) -> String { switchboard.publicID(of: contact)?.description ?? "ct_?" }
  private func names(of queues: [QueueID]) -> String {
    queues.isEmpty ? "none" : queues.map(name(of:)).joined(separator: ", ")
  }

  /// `shortAbandoned` as people read it: `short abandoned`.
  static func words(_ name: String) -> String {
    name.reduce(into: "") { text, letter in
      if letter.isUppercase { text += " " + letter.lowercased() } else { text.append(letter) }
    }
  }

  private func time(_ instant: Instant) -> String { Timestamp(instant).description }

  // MARK: Decisions

  func decision(_ why: Explanation, _ kind: String, _ summary: String, _ sequence: UInt64) -> Why.Decision {
    var decision = Why.Decision(
      sequence: sequence, at: Timestamp(at), kind: kind, summary: summary, queue: id(of: why.rank.queue),
      policy: why.policy.rawValue)
    decision.alsoQueues = why.queues.dropFirst().map(id(of:))
    decision.step = why.step
    decision.steps = why.steps
    decision.needs = why.needs.map { Why.Need(skill: name(of: $0.skill), level: Int($0.level)) }
    decision.heldFor = why.heldFor.map(id(of:))
    decision.preferred = why.preferred.map(id(of:))
    decision.place = place(why.rank)
    var (passing, failing) = (0, 0)
    for (number, candidate) in why.candidates.enumerated() {
      if candidate.passes { passing += 1 } else { failing += 1 }
      let isListed = candidate.passes ? passing <= Self.listed.passing : failing <= Self.listed.failing
      if isListed || number == 0 || asked.contains(candidate.agent) {
        decision.candidates.append(write(candidate, why))
      } else {
        count(candidate, why, among: &decision.others)
      }
    }
    return decision
  }

  /// Of a contact that was not let in.
  func decision(_ admission: Admission, _ queue: QueueID, _ refusal: Refusal, _ sequence: UInt64) -> Why.Decision {
    let policy =
      definitions.queues.indices.contains(Int(queue.index)) ? definitions.queues[Int(queue.index)].policy : .longestIdle
    var decision = Why.Decision(
      sequence: sequence, at: Timestamp(at), kind: "refused", summary: "refused by \(name(of: queue)): \(refusal)",
      queue: id(of: queue), policy: policy.rawValue)
    if let isOpen = admission.isOpen {
      let next = admission.nextOpening.map { ", opens at \(time($0))" } ?? ""
      decision.admission.append(
        .init("hours", passed: isOpen, needed: "open", actual: isOpen ? "open" : "closed" + next))
    }
    let limit = admission.waitingLimit
    decision.admission.append(
      .init(
        "waiting", passed: refusal != .full, needed: limit.map { "fewer than \($0), or somebody free" } ?? "no limit",
        actual: "\(admission.waiting) waiting"))
    decision.admission.append(
      .init(
        "staff", passed: refusal != .unstaffed, needed: "somebody to wait for",
        actual: "\(admission.signedIn) signed in"))
    if refusal == .channel {
      decision.admission.append(.init("channel", passed: false, needed: "a channel of the queue", actual: "another"))
    }
    return decision
  }

  private func count(_ candidate: Explanation.Candidate, _ why: Explanation, among others: inout [Why.Others]) {
    let failed = candidate.tests.first { !$0.passes }.map { write($0, of: candidate.agent, why) }
    let (test, actual) = (failed?.test ?? "passes", failed?.actual ?? "free, and behind those listed")
    if let known = others.firstIndex(where: { $0.test == test && $0.actual == actual }) {
      others[known].agents += 1
    } else if others.count < 50 {
      others.append(Why.Others(test: test, actual: actual, agents: 1))
    }
  }

  private func place(_ waiting: Explanation.Waiting) -> Why.Place {
    Why.Place(
      contact: id(of: waiting.contact), queue: id(of: waiting.queue), enteredAt: Timestamp(waiting.entry),
      priority: Int(waiting.priority), aging: Double(waiting.aging) / 1_000,
      effective: (waiting.effective * 1_000).rounded() / 1_000, rank: waiting.rank.map(Int.init))
  }

  private func write(_ candidate: Explanation.Candidate, _ why: Explanation) -> Why.Candidate {
    Why.Candidate(
      agent: id(of: candidate.agent), queue: candidate.queue.map(id(of:)), passes: candidate.passes,
      tests: candidate.tests.map { write($0, of: candidate.agent, why) }, key: candidate.key.map(write),
      ahead: candidate.ahead.map(place), aheadCount: candidate.aheadCount)
  }

  private func write(_ key: Explanation.Key) -> Why.Key {
    let measure: String
    switch key.measure {
    case .idle: measure = ""
    case .turn(let agent): measure = agent.map { "in turn after \(name(of: $0))" } ?? "in turn"
    case .position(let position): measure = "\(position) in order"
    case .contacts(let contacts, let window): measure = "\(contacts) contacts this \(window)"
    case .occupancy(let share, let window): measure = "\((share * 1_000).rounded() / 10)% occupied this \(window)"
    case .score(let score): measure = "score \(score)"
    }
    return Why.Key(contacts: key.load, measure: measure, since: Timestamp(key.since))
  }

  private func write(_ test: Explanation.Test, of agent: AgentID, _ why: Explanation) -> Why.Test {
    func made(_ name: String, _ needed: String, _ actual: String) -> Why.Test {
      Why.Test(name, passed: test.passes, needed: needed, actual: actual)
    }
    switch test.subject {
    case .employed: return made("employed", "in the configuration", test.passes ? "yes" : "removed")
    case .member(let queues):
      let serves = definitions.agents[Int(agent.index)].queues.map(\.queue)
      return made(
        "member", "serves \(names(of: why.queues))", names(of: test.passes ? queues : serves))
    case .carried(let queue): return made("channel", "\(why.channel) in \(name(of: queue))", "not there")
    case .offering(let queue): return made("policy", "\(name(of: queue)) offers", "attendants pick")
    case .skill(let skill, let needed, let level):
      return made("skill", "\(name(of: skill)) \(needed)", level.map { "\(name(of: skill)) \($0)" } ?? "none")
    case .ready(let presence):
      switch presence {
      case .ready: return made("ready", "ready", "ready")
      case .signedOut: return made("ready", "ready", "signed out")
      case .notReady(let reason):
        let reason = definitions.names.reasons[at: UInt32(reason.index)] ?? "unknown"
        return made("ready", "ready", "not ready (\(reason))")
      }
    case .unoffered(let contact): return made("offer", "no other offer", contact.map(id(of:)) ?? "none")
    case .room(let held, let capacity):
      let limit = capacity >= Int(UInt8.max) ? "no limit" : "fewer than \(capacity) contacts"
      return made("room", limit, "\(held) contacts")
    case .slot(let calls, let chats, let capacity):
      let kind = why.channel == .chat ? "chat" : "call"
      return made("slot", "a free slot of \(capacity) for a \(kind)", "\(calls) calls, \(chats) chats")
    case .backOff(let until):
      return made("back_off", "phone not busy", until.map { "busy, until \(time($0))" } ?? "yes")
    case .retry(let until):
      return made("retry", "not left alone", until.map { "declined, missed or failed, until \(time($0))" } ?? "yes")
    case .unreserved(let holder):
      return made("held", "for anybody, or this agent", holder.map { "for \(name(of: $0))" } ?? "yes")
    }
  }
}

// MARK: - History

extension WhyWriter {
  /// A record as a line of the contact's story; nil for what is of no interest here.
  func occurrence(_ record: CallControl.Record) -> Why.Occurrence? {
    let told: (event: String, detail: String)?
    switch record.event {
    case .contactOpened(_, _, let entry, let channel): told = ("opened", "\(channel) at \(entry)")
    case .contactHeld: told = ("held", "")
    case .contactResumed: told = ("resumed", "")
    case .acd(let event): told = routing(event, record.sequence) ?? flow(event) ?? wrapUp(event)
    default: told = nil
    }
    return told.map {
      Why.Occurrence(sequence: record.sequence, at: Timestamp(record.at), event: $0.event, detail: $0.detail)
    }
  }

  private func routing(_ event: ACD.Event, _ sequence: UInt64) -> (String, String)? {
    switch event {
    case .contactQueued(_, let queue, let profile, let channel, let priority):
      let needs = (definitions.profiles[at: profile.index]?.needs ?? []).map { "\(name(of: $0.skill)) \($0.level)" }
      let needed = needs.isEmpty ? "" : ", needs " + needs.joined(separator: ", ")
      let back = channel == .callback ? " to be called back" : ""
      return ("queued", "in \(name(of: queue))\(back), priority \(priority)\(needed)")
    case .contactRefused(_, let queue, let refusal): return ("refused", "by \(name(of: queue)): \(refusal)")
    case .contactLost: return ("lost", "the visitor's link is gone")
    case .contactReturned: return ("returned", "the visitor's link is back")
    case .offerMade(_, _, let agent): return ("offered", "of_\(sequence) to \(name(of: agent))")
    case .offerAccepted(let offer, _, let agent): return ("accepted", "of_\(offer.sequence) by \(name(of: agent))")
    case .offerDeclined(let offer, _, let agent): return ("declined", "of_\(offer.sequence) by \(name(of: agent))")
    case .offerMissed(let offer, _, let agent): return ("missed", "of_\(offer.sequence) by \(name(of: agent))")
    case .offerWithdrawn(let offer, _, let agent, let reason):
      return ("withdrawn", "of_\(offer.sequence) from \(name(of: agent)): \(Self.words("\(reason)"))")
    case .offerFailed(let offer, _, let agent, let failure):
      return ("failed", "of_\(offer.sequence) to \(name(of: agent)): \(failure)")
    case .ladderStepped(_, let step, let reason):
      return ("stepped", "to step \(step) of the ladder: \(reason == .waited ? "waited" : "nobody on duty before it")")
    case .ladderMigrated(_, let step): return ("migrated", "to step \(step) of the present ladder")
    case .agentPreferred(_, let agent, let until):
      return ("held_for", "\(name(of: agent)) until \(Timestamp(until))")
    case .preferenceEnded(_, let agent, let reason):
      return ("freed", "from \(name(of: agent)): \(Self.words("\(reason)"))")
    case .invariantBroken(let invariant, _, _):
      return ("mended", "the engine's state was at odds with itself: \(Self.words("\(invariant)"))")
    default: return nil
    }
  }

  private func flow(_ event: ACD.Event) -> (String, String)? {
    switch event {
    case .outcomeFixed(_, let queue, let agent, let outcome):
      return outcome == .answered
        ? ("answered", "by \(name(of: agent))") : ("left", "\(name(of: queue)): \(Self.words("\(outcome)"))")
    case .segmentStarted: return ("transferred", "waits again, with the entry and the rank it had")
    case .placeKept: return ("place_kept", "the next queueing keeps entry and order")
    case .placeHeld(_, let until): return ("place_held", "until \(Timestamp(until))")
    case .placeReleased: return ("place_released", "")
    case .dialStarted(_, let agent, let attempt):
      return ("dialled", "attempt \(attempt)" + (agent == .none ? "" : " for \(name(of: agent))"))
    case .dialAnswered: return ("dial_answered", "")
    case .dialFailed(_, _, let failure): return ("dial_failed", Self.words("\(failure)"))
    case .callbackResumed: return ("resumed_waiting", "the gap between two calls is over")
    default: return nil
    }
  }

  private func wrapUp(_ event: ACD.Event) -> (String, String)? {
    switch event {
    case .contactEnded(_, let agent, let cause): return ("ended", "with \(name(of: agent)): \(Self.words("\(cause)"))")
    case .wrapUpStarted(let agent, _, let until): return ("wrap_up", "of \(name(of: agent)) until \(Timestamp(until))")
    case .wrapUpExtended(let agent, _, let until):
      return ("wrap_up_extended", "by \(name(of: agent)) until \(Timestamp(until))")
    case .wrapUpEnded(_, _, let code):
      return ("wrapped_up", code == .none ? "" : definitions.names.codes[at: UInt32(code.index)] ?? "")
    default: return nil
    }
  }
}

extension Array {
  /// Nil where a journal names an index that it does not define.
  fileprivate subscript(at index: UInt32) -> Element? { indices.contains(Int(index)) ? self[Int(index)] : nil }
}

extension Timestamp {
  fileprivate init(_ instant: Instant) { self.init(milliseconds: instant.microseconds / 1_000) }
}
