@testable import ACD
import Primitives
import Testing

@Suite struct EstimateTests {
  @Test("The queue-length estimator is the sum of 1/(m + k a), without patience and with it, for lines of any length")
  func queueLength() {
    for (service, patience) in [(0.02, 0.0), (0.02, 0.001), (0.02, 0.02), (0.5, 0.003)] {
      for ahead in [0, 1, 7, 8, 20, 100, 5_000] {
        let law = QueueLength(ahead: ahead, service: service, patience: patience)
        let times = (0...ahead).map { 1 / (service + Double($0) * patience) }
        let mean = times.reduce(0, +)
        let variance = times.map { $0 * $0 }.reduce(0, +)
        #expect(abs(law.mean / mean - 1) < 1e-3, "\(ahead) ahead")
        #expect(abs(law.variance / variance - 1) < 1e-3, "\(ahead) ahead")
        #expect(law.quantile(normal: 0) < law.quantile(normal: 1.2816))
      }
    }
  }

  @Test("Patience is the number who gave up over the time that all of them waited")
  func patience() {
    var history = WaitHistory()
    for _ in 0..<10 { history.note(.abandoned, waited: .seconds(30)) }
    for _ in 0..<90 { history.note(.answered, waited: .seconds(10)) }
    #expect(abs(history.abandonRate - 10 / (1_200 * 1e6)) < 1e-15)
    #expect(WaitHistory().abandonRate == 0)
  }

  @Test("Three estimates are journaled at entry and scored at the answer, and the range's coverage is counted")
  func scored() throws {
    var floor = Floor(site { $0.queues[0].estimatesWaits = true })
    floor.signIn(0)
    let first = floor.arrive()
    #expect(floor.events.count == 2, "who is offered at once is told nothing")
    try floor.answer(0)
    floor.pass(.seconds(60))
    let second = floor.arrive()
    guard case .waitEstimated(second, let estimates)? = floor.events.last else {
      Issue.record("an estimate follows the entry")
      return
    }
    #expect(estimates.queueLength == 180_000, "one agent, three minutes before the first is known")
    #expect(estimates.headOfLine == 0)
    #expect(estimates.lastToEnter == 0)
    #expect(estimates.low < estimates.queueLength && estimates.queueLength < estimates.high)
    floor.pass(.seconds(150))
    floor.say(.contactFinished(first))
    try floor.answer(0)
    let scores = floor.engine.summary(of: QueueID(0)).counters.estimates
    #expect((scores.announced, scores.covered) == (1, 1))
    #expect(scores.queueLength == EstimateScore(count: 1, squaredError: 30_000 * 30_000))
    #expect(scores.headOfLine == EstimateScore(count: 1, squaredError: 150_000 * 150_000))
  }

  @Test("Nothing is promised where all agents are on a break")
  func onBreak() {
    var floor = Floor(site { $0.queues[0].estimatesWaits = true })
    floor.signIn(0)
    floor.say(.agentNotReady(AgentID(0), ReasonID(index: 1)))
    let contact = floor.arrive()
    #expect(floor.engine.waitRange(of: contact, at: floor.now) == nil)
    #expect(floor.engine.waitRange(arrivingAt: QueueID(0), now: floor.now) == nil)
    #expect(floor.events.count == 1)
  }

  @Test("An agent who takes three chats at once serves a line of chats three times as fast")
  func chatsAtOnce() throws {
    func wait(chats: UInt8) throws -> UInt32 {
      var floor = Floor(
        site {
          $0.queues[0].estimatesWaits = true
          $0.agents[0].chatCapacity = chats
        })
      floor.signIn(0)
      for _ in 0..<chats {
        _ = floor.arrive(.chat)
        try floor.answer(0)
      }
      _ = floor.arrive(.chat)
      guard case .waitEstimated(_, let estimates)? = floor.events.last else { return 0 }
      return estimates.queueLength
    }
    #expect(try wait(chats: 1) == 180_000)
    #expect(try wait(chats: 3) == 60_000)
  }

  @Test("A place is counted through buckets of several priorities")
  func aheadAtEntry() {
    var floor = Floor(site())
    for priority in [0, 2, 0, 1, 2] { _ = floor.arrive(priority: Int16(priority)) }
    let contact = floor.arrive(priority: 1)
    #expect(floor.engine.state.aheadAtEntry(of: Int(contact.slot)) == 3)
  }
}
