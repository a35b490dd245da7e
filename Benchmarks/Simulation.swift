import ACD
import Glibc
import Primitives
import Simulator

/// A million contacts of two textbook centres of 48 Erlang through the production engine, statistics on: M/M/50+M, and
/// a W design of three skills and two pools. Where `SWITCHBOARD_CALLSIM` names the folder of a C program for the same
/// two workloads (`callsim.c`, `a_mmn_m.txt`, `b_w_design.txt`), it is compiled and runs beside them.
func benchmarkSimulation() {
  let contacts = 1_000_000
  let rows =
    compare("M/M/50+M", markovPlan(contacts: contacts), "a_mmn_m.txt", contacts)
    + compare("W design", skillPlan(contacts: contacts), "b_w_design.txt", contacts)
  Harness.report(rows)
  var usage = rusage()
  getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
  print("peak memory: \(usage.ru_maxrss / 1_024) MiB")
}

private func compare(_ name: String, _ plan: Plan, _ file: String, _ contacts: Int) -> [Measurement] {
  let expected = simulate(plan)
  let row = Harness.measure("simulation of \(name), per contact", operations: contacts) {
    precondition(simulate(plan) == expected, "the same seed gave other outcomes")
  }
  func each(_ count: Int) -> Double { Double(count * 100 / contacts) / 100 }
  print(
    "\(name), a contact: \(each(expected.traffic.inputs)) inputs, \(each(expected.traffic.events)) events, "
      + "\(each(expected.traffic.actions)) actions")
  guard let reference = referenceProgram(file, contacts: contacts) else { return [row] }
  print("\(name): \(Double(Int(row.seconds / reference.seconds * 10)) / 10) times the CPU time of the C program")
  return [row, reference]
}

private func simulate(_ plan: Plan) -> (traffic: World.Traffic, fingerprint: UInt64) {
  var world = World(plan: plan, seed: 1, replication: 0)
  world.run()
  return (world.traffic, world.tally.fingerprint)
}

/// The C program's CPU time; nil where it is not there.
private func referenceProgram(_ file: String, contacts: Int) -> Measurement? {
  guard let folder = getenv("SWITCHBOARD_CALLSIM").map({ String(cString: $0) }) else { return nil }
  let program = "/tmp/callsim.\(getpid())"
  guard system("cc -O2 -o \(program) '\(folder)/callsim.c' -lm") == 0 else { return nil }
  defer { unlink(program) }
  var isRun = true
  let measurement = Harness.measure("the C program, the same", operations: contacts, clock: Harness.childSeconds) {
    isRun = system("\(program) '\(folder)/\(file)' calls=\(contacts) >/dev/null") == 0 && isRun
  }
  return isRun ? measurement : nil
}

private let arrivalsPerSecond = 0.2

/// One queue, 50 agents.
func markovPlan(contacts: Int) -> Plan {
  var definitions = Definitions()
  definitions.queues = [queue("calls")]
  for index in 0..<50 { definitions.agents.append(agent(index, queues: [0])) }
  return plan(definitions, contacts: contacts, shares: [1])
}

/// Queues A, B and C; 25 agents take A before B, 25 C before B.
private func skillPlan(contacts: Int) -> Plan {
  var definitions = Definitions()
  definitions.queues = ["A", "B", "C"].map(queue)
  for index in 0..<50 { definitions.agents.append(agent(index, queues: index < 25 ? [0, 1] : [2, 1])) }
  return plan(definitions, contacts: contacts, shares: [0.35, 0.3, 0.35])
}

private func queue(_ name: String) -> QueueDefinition {
  var queue = QueueDefinition(name: name)
  queue.channels = [.voice]
  queue.waitLimit = .minutes(20)
  return queue
}

private func agent(_ index: Int, queues: [UInt32]) -> AgentDefinition {
  var agent = AgentDefinition(name: "agent \(index)")
  agent.take = queues.count > 1 ? .agentRank : .oldest
  agent.queues = queues.enumerated().map { .init(queue: QueueID(index: $1), rank: UInt8($0)) }
  return agent
}

private func plan(_ definitions: Definitions, contacts: Int, shares: [Double]) -> Plan {
  let end = Int64(Double(contacts) / arrivalsPerSecond * 1e6)
  var plan = Plan(definitions: definitions, start: Instant(microseconds: 0), end: Instant(microseconds: end))
  for (index, share) in shares.enumerated() {
    var callers = Plan.Callers(queue: QueueID(index: UInt32(index)))
    callers.handleVoice = .exponential(mean: 240e6)
    callers.patience = .exponential(mean: 120e6)
    plan.add(callers, rates: [arrivalsPerSecond * share / 1e6], interval: .max)
  }
  plan.agents = definitions.agents.indices.map { .init(agent: AgentID(index: UInt32($0)), spans: [0..<end]) }
  return plan
}
