import ACD
import Primitives
import SiteConfiguration

/// A live site that goes on as a simulated one. Its contacts wait, ring and talk on, its agents are what they were, and
/// the plan's definitions are applied to it as by a reload.
///
/// What its contacts will do is drawn from the law of the callers of their queue, given how long they have waited or
/// talked already. They are served like all others, and not counted.
extension World {
  /// Numbers of contacts that no caller's arrival has.
  private static let firstNumber: UInt64 = 1 << 47

  mutating func takeOver() {
    step = Step(sequence: engine.last.sequence + 1)
    let contacts = engine.contacts
    let count = contacts.last.map { Int($0.contact.slot) + 1 } ?? 0
    var isHeld = [Bool](repeating: false, count: count)
    for contact in contacts { isHeld[Int(contact.contact.slot)] = true }
    for _ in 0..<count { rows.append(Row()) }
    for slot in (0..<count).reversed() where !isHeld[slot] { freeSlots.append(UInt32(slot)) }
    for contact in contacts { takeOver(contact) }
    for agent in agents.indices { takeOver(AgentID(index: UInt32(agent))) }
    for contact in contacts {
      switch contact.state {
      case .connecting(let offer, _)?: say(.offerConnected(offer))
      case .dialling?: say(.dialAnswered(contact.contact))
      default: break
      }
    }
    engine.reconfigure(plan.definitions, at: now, into: &step)
    say(.timersDue)
    for agent in agents.indices where agents[agent].isOnShift && agents[agent].shifts < 0 {
      agents[agent].isOnShift = false
      say(.agentSignedOut(AgentID(index: UInt32(agent))))
    }
  }

  private mutating func takeOver(_ contact: ContactSummary) {
    let slot = Int(contact.contact.slot)
    let queued = plan.callers.firstIndex { $0.queue == contact.queue } ?? 0
    rows[slot].generation = contact.contact.generation
    rows[slot].callers = UInt32(truncatingIfNeeded: queued)
    rows[slot].number = Self.firstNumber | UInt64(slot)
    rows[slot].channel = contact.channel
    rows[slot].arrivedAt = now.microseconds
    rows[slot].queuedAt = now.microseconds
    let (source, key) = (sources[queued], rows[slot].key)
    switch contact.state {
    case nil: break
    case .wrapUp(let agent)?: hold(agent, 1)
    case .answered(let agent)?:
      hold(agent, 1)
      let talked = now - (contact.answered ?? now)
      let rest = source.handleLeft(after: talked, key: key, contact.channel, plan)
      schedule(WorldEvent(.handled, contact.contact.slot), at: now.microseconds + rest)
    case .waiting?, .offered?, .connecting?, .resting?, .dialling?:
      ledger.entered(contact.queue, contact.channel, false, at: now)
      guard contact.channel != .callback else { return }
      rows[slot].isWaiting = true
      guard let rest = source.patienceLeft(after: now - contact.entered, key: key, plan) else { return }
      rows[slot].patience = schedule(WorldEvent(.patienceEnds, contact.contact.slot), at: now.microseconds + rest)
    }
  }

  /// Who is on a break comes back with the end of the break that the plan has then, or else after a while.
  private mutating func takeOver(_ agent: AgentID) {
    let summary = engine.summary(of: agent)
    let index = Int(agent.index)
    agents[index].isOnShift = summary.presence != .signedOut
    agents[index].isReady = summary.presence == .ready
    if agents[index].isOnShift, !agents[index].isReady, agents[index].shifts >= 0 {
      let pause = plan.agents[Int(agents[index].shifts)].breaks.first { $0.contains(now.microseconds) }
      schedule(WorldEvent(.comesBack, agent.index), at: pause?.upperBound ?? now.microseconds + Self.comeBack)
    }
    for slot in summary.slots {
      if case .offered(let offer) = slot.state, let answer = react(.ring(offer, slot.contact, agent)) { say(answer) }
    }
  }
}

extension LiveState {
  /// What stands where, for people.
  var words: String {
    var (waiting, talking) = (0, 0)
    for contact in engine.contacts {
      switch contact.state {
      case .waiting?, .offered?, .connecting?, .resting?, .dialling?: waiting += 1
      case .answered?: talking += 1
      case .wrapUp?, nil: break
      }
    }
    let agents = engine.definitions.agents.indices.count {
      engine.summary(of: AgentID(index: UInt32($0))).presence != .signedOut
    }
    return "\(waiting) wait, \(talking) are in talk, \(agents) agents are signed in"
  }
}
