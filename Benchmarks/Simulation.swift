import ACD
import Primitives
import Simulator

/// M/M/50+M, the textbook centre of 48 Erlang: a million contacts through the production engine, statistics on.
func benchmarkSimulation() {
  let contacts = 1_000_000
  let plan = markovPlan(contacts: contacts)
  var fingerprints: [UInt64] = []
  let row = Harness.measure("simulation of M/M/50+M, per contact", operations: contacts) {
    var world = World(plan: plan, seed: 1, replication: 0)
    world.run()
    fingerprints.append(world.tally.fingerprint)
  }
  precondition(fingerprints.allSatisfy { $0 == fingerprints[0] }, "the same seed gave other outcomes")
  Harness.report([row])
}

private func markovPlan(contacts: Int) -> Plan {
  var definitions = Definitions()
  var queue = QueueDefinition(name: "queue")
  queue.waitLimit = .minutes(20)
  definitions.queues = [queue]
  for index in 0..<50 {
    var agent = AgentDefinition(name: "agent \(index)")
    agent.queues = [.init(queue: QueueID(index: 0))]
    definitions.agents.append(agent)
  }
  let arrivalsPerSecond = 0.2
  let end = Int64(Double(contacts) / arrivalsPerSecond * 1e6)
  var plan = Plan(definitions: definitions, start: Instant(microseconds: 0), end: Instant(microseconds: end))
  var callers = Plan.Callers(queue: QueueID(index: 0))
  callers.handleVoice = .exponential(mean: 240e6)
  callers.patience = .exponential(mean: 120e6)
  plan.add(callers, rates: [arrivalsPerSecond / 1e6], interval: .max)
  plan.agents = definitions.agents.indices.map { .init(agent: AgentID(index: UInt32($0)), spans: [0..<end]) }
  return plan
}
