import ACD
import Primitives
import SiteConfiguration
import Testing

@testable import Simulator

/// A live site that goes on as a simulated one.
@Suite("A scenario that begins with a live site")
struct TakeoverTests {
  private static let start = Instant(microseconds: 0)

  private static let definitions: Definitions = {
    var definitions = Definitions()
    definitions.queues = [QueueDefinition(name: "support")]
    definitions.queues[0].wrapUp = .seconds(30)
    definitions.names.queues = ["support"]
    for index in 0..<4 {
      var agent = AgentDefinition(name: "agent \(index)")
      agent.queues = [.init(queue: QueueID(index: 0))]
      definitions.agents.append(agent)
      definitions.names.agents.append(agent.name)
    }
    return definitions
  }()

  /// At 1,000 s agent 0 has talked for 100 s, agent 1 wraps up until 1,010, agent 2 has been rung for 10 s for a contact
  /// of 960 s, agent 3 is on a break, and a contact of 985 s waits behind.
  private func engine() -> Engine {
    var engine = Engine(definitions: Self.definitions)
    var step = Step()
    func say(_ input: Input, at second: Int64) {
      engine.handle(input, at: Self.start + .seconds(second), into: &step)
    }
    func arrive(_ slot: UInt32, at second: Int64) {
      say(
        .contactArrived(
          ContactID(slot: slot, generation: 3), queue: QueueID(index: 0), profile: ProfileID(index: 0),
          channel: .voice, priority: 0), at: second)
    }
    func accept(at second: Int64) {
      guard case .ring(let offer, _, _)? = step.actions.last else { return }
      say(.offerAccepted(offer), at: second)
      say(.offerConnected(offer), at: second)
    }
    for agent in 0..<4 { say(.agentSignedIn(AgentID(index: UInt32(agent))), at: 100) }
    say(.agentReady(AgentID(index: 0)), at: 100)
    arrive(5, at: 900)
    accept(at: 900)
    say(.agentReady(AgentID(index: 1)), at: 910)
    arrive(2, at: 950)
    accept(at: 950)
    arrive(7, at: 960)
    say(.contactLeft(ContactID(slot: 2, generation: 3)), at: 980)
    arrive(8, at: 985)
    say(.agentReady(AgentID(index: 2)), at: 990)
    return engine
  }

  private func plan(patience: Int64 = 600, _ change: (inout Plan) -> Void = { _ in }) -> Plan {
    var plan = Plan(
      definitions: Self.definitions, start: Self.start, end: Self.start + .seconds(3_600),
      measureFrom: Self.start + .seconds(1_000))
    plan.begin = Self.start + .seconds(1_000)
    plan.live = engine()
    plan.agents = (0..<4).map { Plan.Shifts(agent: AgentID(index: $0), spans: [0..<Int64.seconds(3_600)]) }
    var callers = Plan.Callers(queue: QueueID(index: 0))
    callers.handleVoice = .constant(240e6)
    callers.patience = .constant(Double(patience) * 1e6)
    plan.add(
      callers,
      records: [(500, 10), (1_100, 10), (2_000, 10)].map {
        Plan.Record(arrival: .seconds($0), patience: .max, handle: .seconds($1))
      })
    change(&plan)
    return plan
  }

  private func run(_ plan: Plan) -> (left: [String], tally: Tally) {
    var world = World(plan: plan, seed: 1, replication: 0)
    var left: [String] = []
    world.onLeaving = {
      let second = ($0.arrivedAt + $0.wait) / 1_000_000
      left.append("\($0.outcome) at \(second) by \($0.agent.index)" + ($0.isMeasured ? "" : ", not counted"))
    }
    world.run()
    return (left, world.tally)
  }

  @Test("Whoever talked, rang and waited goes on, is served like all others, and is not counted")
  func goesOn() {
    let (left, tally) = run(plan())
    // The one that rang is answered at once, the next by agent 1 after the wrap-up; agent 0's talk lasts 240 s.
    #expect(
      left == [
        "answered at 1000 by 2, not counted", "answered at 1010 by 1, not counted", "answered at 1170 by 0",
        "answered at 2000 by 0",
      ], "\(left)")
    #expect(tally.groups[0].offered == 2, "who came before is not counted again")
    #expect(tally.work[0].handling == .seconds(140 + 30 + 10 + 30 + 10 + 30))
  }

  @Test("Whoever has waited longer than anybody would leaves at once, others wait for the rest of their patience")
  func patience() {
    let (left, _) = run(plan(patience: 30) { $0.agents = [] })
    #expect(left[0].hasPrefix("abandoned at 1000") && left[1].hasPrefix("abandoned at 1015"), "\(left)")
  }

  @Test("Agents whom the scenario does not know sign out, and who is on a break comes back")
  func agents() {
    let (left, tally) = run(plan { $0.agents.removeFirst(3) })
    // Agent 3 alone is left, and comes back after five minutes; who rings is let ring.
    #expect(left.first == "answered at 1300 by 3, not counted", "\(left)")
    #expect(tally.work[1].handling == 0 && tally.work[2].handling == 0)
    #expect(tally.work[0].handling == .seconds(140), "a talk goes on, without a wrap-up after it")
  }

  @Test("The same state, another configuration: what it changes is done as by a reload")
  func reloads() {
    let (left, _) = run(
      plan {
        // Nobody but agent 3 serves the queue any more.
        for agent in 0..<3 { $0.definitions.agents[agent].queues = [] }
        $0.agents[2].answersIn = .constant(5e6)
      })
    #expect(left.first == "answered at 1300 by 3, not counted", "\(left)")
  }

  @Test("The same seed gives the same bytes from a live site, on one thread or two")
  func repeatable() {
    let plan = plan { $0.agents[3].answersIn = .exponential(mean: 5e6) }
    let runs = [1, 2].map { threads in
      Replications(plan: plan, seed: 7, threads: threads).run(0..<6).map(\.tally.fingerprint)
    }
    #expect(runs[0] == runs[1])
  }
}
