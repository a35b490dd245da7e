import ACD
import Primitives
import Testing

@testable import Simulator

/// Small worlds of recorded callers, exact to the microsecond.
@Suite("Shifts, breaks and offers in the simulated world")
struct ShiftTests {
  /// One queue with 60 s of wrap-up; callers by the second of their arrival and the length of their talk.
  private func plan(_ callers: [(at: Int64, talk: Int64)], agents: Int = 1, lasts: Int64 = 3_600) -> Plan {
    var definitions = Definitions()
    definitions.queues = [QueueDefinition(name: "support"), QueueDefinition(name: "sales")]
    definitions.queues[0].wrapUp = .seconds(60)
    for index in 0..<agents {
      var agent = AgentDefinition(name: "agent \(index)")
      agent.queues = [.init(queue: QueueID(index: 0))]
      definitions.agents.append(agent)
    }
    var plan = Plan(
      definitions: definitions, start: Instant(microseconds: 0), end: Instant(microseconds: .seconds(lasts)))
    plan.closing = .dismiss
    plan.agents = (0..<agents).map { index in
      Plan.Shifts(agent: AgentID(index: UInt32(index)), spans: [0..<Int64.seconds(lasts)])
    }
    plan.add(
      Plan.Callers(queue: QueueID(index: 0)),
      records: callers.map {
        Plan.Record(arrival: .seconds($0.at), patience: .max, handle: .seconds($0.talk))
      })
    return plan
  }

  private struct Left: Equatable {
    var number: UInt64
    var outcome: Outcome
    var wait: Int64
    var agent: UInt32
  }

  private func run(_ plan: Plan) -> (left: [Left], tally: Tally) {
    var world = World(plan: plan, seed: 1, replication: 0, isAudited: true)
    var left: [Left] = []
    world.onLeaving = {
      left.append(Left(number: $0.number, outcome: $0.outcome, wait: $0.wait / 1_000_000, agent: $0.agent.index))
    }
    world.run()
    #expect(world.violations.isEmpty, "\(world.violations)")
    return (left, world.tally)
  }

  @Test("A shift that ends in a talk: the talk goes on, no wrap-up follows, and nobody is offered any more")
  func shiftEndsInTalk() {
    var plan = plan([(900, 300), (950, 10)])
    plan.agents[0].spans = [0..<Int64.seconds(1_000)]
    let (left, tally) = run(plan)
    #expect(left.map(\.outcome) == [.answered, .abandoned])
    #expect(left[1].wait == 3_600 - 950, "until the closing")
    #expect(tally.work[0].handling == .seconds(300))
    #expect(tally.work[0].ready == .seconds(900))
  }

  @Test("A shift that ends in the wrap-up ends the wrap-up")
  func shiftEndsInWrapUp() {
    var plan = plan([(900, 80)])
    plan.agents[0].spans = [0..<Int64.seconds(1_000)]
    #expect(run(plan).tally.work[0].handling == .seconds(100))
  }

  @Test("A break that begins in a talk: the talk and its wrap-up go on, and who waits is served after the break")
  func breakBeginsInTalk() {
    var plan = plan([(100, 200), (250, 10)])
    plan.agents[0].breaks = [Int64.seconds(200)..<Int64.seconds(500)]
    let (left, tally) = run(plan)
    #expect(left.map(\.wait) == [0, 250], "300 and 360 are in the break, which ends at 500")
    #expect(tally.work[0].handling == .seconds(200 + 60 + 10 + 60))
    #expect(tally.work[0].ready == .seconds(100 + 3_600 - 570))
  }

  @Test("A break that is over before the wrap-up is costs nobody a wait")
  func breakWithinTalk() {
    var plan = plan([(100, 200), (250, 10)])
    plan.agents[0].breaks = [Int64.seconds(200)..<Int64.seconds(320)]
    #expect(run(plan).left.map(\.wait) == [0, 110], "the wrap-up ends at 360")
  }

  @Test("A second shift counts anew, and who is off between them is offered nothing")
  func twoShifts() {
    var plan = plan([(10, 10), (1_100, 10)])
    plan.agents[0].spans = [0..<Int64.seconds(1_000), Int64.seconds(2_000)..<Int64.seconds(3_000)]
    let (left, tally) = run(plan)
    #expect(left.map(\.wait) == [0, 900])
    #expect(tally.work[0].ready == .seconds(10 + 920 + 930))
  }

  @Test("Under broadcast whoever answers first has the contact, otherwise whoever is first in order")
  func broadcast() {
    for (policy, wait, agent) in [(Policy.broadcast, Int64(4), UInt32(1)), (.longestIdle, 10, 0)] {
      var plan = plan([(100, 50)], agents: 3)
      plan.definitions.queues[0].policy = policy
      plan.agents[0].answersIn = .constant(10e6)
      plan.agents[1].answersIn = .constant(4e6)
      plan.agents[2].misses = 1
      plan.agents[2].answersIn = .constant(1e6)
      #expect(run(plan).left == [Left(number: 0, outcome: .answered, wait: wait, agent: agent)], "\(policy)")
    }
  }

  @Test("Who overflows after a wait waits on in the other queue, and the books of both balance")
  func overflow() {
    var plan = plan([(0, 1_000), (10, 10)])
    plan.definitions.queues[0].waitLimit = .seconds(120)
    plan.definitions.queues[0].overflow.late = .queue(QueueID(index: 1))
    plan.definitions.agents[0].queues.append(.init(queue: QueueID(index: 1)))
    let (left, tally) = run(plan)
    #expect(left.map(\.outcome) == [.answered, .overflowed, .answered])
    #expect(left.map(\.wait) == [0, 120, 1_050], "from the arrival")
    // The line of each queue, integrated over time.
    #expect(tally.areas.map { $0 } == [Int64.seconds(120), .seconds(930)])
  }
}
