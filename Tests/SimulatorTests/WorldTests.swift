import ACD
import Primitives
import Testing

@testable import Simulator

@Suite("The simulated world")
struct WorldTests {
  @Test("The same seed gives the same outcomes, on this machine and on any other, in debug and in release")
  func golden() {
    let tallies = (0..<4).map { Centre.run(Centre.blended(), seed: 42, replication: UInt64($0)).tally }
    #expect(Fingerprint(tallies).description == "728a27a3ca2719e9")
    #expect(
      Centre.run(Centre.markov(), seed: 42).tally.fingerprint != Centre.run(Centre.markov(), seed: 43).tally.fingerprint
    )
  }

  @Test("Events come up by their time, and those of one instant in the order in which they were scheduled")
  func order() {
    let draws = Draws(seed: 5, replication: 0, stream: 0)
    var heap = EventHeap()
    var pending: [(time: Int64, number: UInt32)] = []
    var now: Int64 = 0
    for turn in 0..<UInt64(20_000) {
      // Grows and shrinks by turns; a push after a pop fills the hole, or finds it closed by a look at the first.
      if draws.uniform(turn, .miss) < (turn / 2_000 % 2 == 0 ? 0.6 : 0.4) {
        let (time, number) = (now + Int64(draws.uniform(turn, .handle) * 50), UInt32(turn + 1))
        heap.push(EventHeap.Entry(time: time, number: number, event: WorldEvent(.handled, UInt32(turn))))
        pending.append((time, number))
      }
      if draws.uniform(turn, .answer) < 0.5 {
        let first = heap.first()
        guard let expected = pending.min(by: { ($0.time, $0.number) < ($1.time, $1.number) }) else {
          #expect(first.time == .max)
          continue
        }
        #expect(first.time == expected.time && first.number == expected.number)
        #expect(first.event.kind == .handled && first.event.subject == first.number - 1)
        pending.removeAll { $0 == expected }
        now = first.time
        heap.pop()
      }
    }
  }

  @Test("One thread or four: the same bytes in the same order")
  func threads() {
    let plan = Centre.blended()
    let runs = [1, 2, 4].map { threads in
      Replications(plan: plan, seed: 7, threads: threads).run(0..<12).map(\.tally.fingerprint)
    }
    #expect(runs[0] == runs[1])
    #expect(runs[0] == runs[2])
    #expect(runs[0].count == 12)
  }

  @Test("Two staffings meet the very same callers, so their difference is known far better than either")
  func commonRandomNumbers() {
    func level(_ agents: Int, _ replication: Int, seed: UInt64) -> Double {
      let tally = Centre.run(Centre.markov(agents: agents), seed: seed, replication: UInt64(replication)).tally
      let (top, bottom) = tally.ratio(.serviceLevel(.negative, within: .seconds(20)), [0], agents: [], queues: [])
      return top / bottom
    }
    func variance(_ values: [Double]) -> Double {
      let mean = values.reduce(0, +) / Double(values.count)
      return values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1)
    }
    let common = (0..<60).map { level(51, $0, seed: 1) - level(50, $0, seed: 1) }
    let independent = (0..<60).map { level(51, $0, seed: 1) - level(50, $0, seed: 2) }
    #expect(variance(independent) > 15 * variance(common))
    #expect(common.allSatisfy { $0 >= 0 })
  }

  @Test("Waits are those of the textbook's recursion, to the microsecond")
  func recursion() {
    for patience in [QueueingModel.Patience.endless, .exponential(mean: 120), .constant(60)] {
      let plan = QueueingModel(arrivalRate: 0.2, meanHandle: 240, agents: 50, patience: patience)
        .plan(contacts: 50_000, warmUp: 0, thresholds: [20])
      var waits: [UInt64: (Int64, Bool)] = [:]
      var arrivals = Arrivals(plan, seed: 3, replication: 1)
      var recursion = Recursion(agents: 50, scale: 1, targets: [])
      while let contact = arrivals.arrival() {
        waits[contact.number] = recursion.serve(
          contact.time, handle: arrivals.handleTime(contact), patience: arrivals.patience(contact), isMeasured: true)
      }
      var world = World(plan: plan, seed: 3, replication: 1)
      var differences = 0
      var seen = 0
      world.onLeaving = { leaving in
        seen += 1
        if let (wait, isAnswered) = waits[leaving.number], leaving.wait == wait,
          isAnswered == (leaving.outcome == .answered)
        {
          return
        }
        differences += 1
      }
      world.run()
      #expect(differences == 0, "\(patience)")
      #expect(seen == waits.count)
      #expect(seen > 45_000)
    }
  }

  @Test("Redials add attempts, and nobody redials after the span")
  func redials() {
    let once = Centre.run(Centre.markov(agents: 40)).tally.groups[0]
    let again = Centre.run(Centre.markov(agents: 40, redial: 0.6)).tally.groups[0]
    #expect(Double(again.offered) > Double(once.offered) * 1.1)
    #expect(again.offered == again.answered + again.abandoned + again.shortAbandoned + again.left)
  }

  @Test("Whoever still waits when the last agent has gone leaves, and the books balance")
  func nobodyIsLeft() {
    var plan = QueueingModel(arrivalRate: 0.05, meanHandle: 120, agents: 2, patience: .endless)
      .plan(contacts: 400, warmUp: 0, thresholds: [20])
    let half = plan.end.microseconds / 2
    for index in plan.agents.indices { plan.agents[index].spans = [0..<half] }
    let group = Centre.run(plan).tally.groups[0]
    #expect(group.answered > 50)
    #expect(group.abandoned > 50)
    #expect(group.offered == group.answered + group.abandoned)
  }

  @Test("Occupancy is handling over handling and ready; breaks and time off shift count for nothing")
  func occupancy() {
    var plan = QueueingModel(arrivalRate: 0.01, meanHandle: 60, agents: 1, patience: .endless)
      .plan(contacts: 100, warmUp: 0, thresholds: [])
    plan.agents[0].spans = [0..<3_600_000_000]
    plan.agents[0].breaks = [600_000_000..<1_200_000_000]
    let work = Centre.run(plan).tally.work[0]
    // Handling may run over into the break and past the shift, ready time may not.
    #expect(work.handling > 0)
    #expect(work.ready < 3_000_000_000)
    #expect(work.handling + work.ready >= 3_000_000_000)
  }
}
