import ACD
import CallControl
import Primitives
import Testing

@Suite struct WaitRangeTests {
  @Test("Scenario 17: a visitor who waits longer than was announced is never told a longer wait than before")
  func neverRises() throws {
    var desk = Desk { $0.definitions.queues[0].estimatesWaits = true }
    desk.ready(amina, bo)
    for _ in 0..<2 {
      _ = try desk.opened()
      for agent in [amina, bo] { if let offer = desk.offer(agent) { _ = desk.ask(.accept(agent, offer)) } }
    }
    let first = try (0..<4).map { _ in try desk.opened() }
    let chat = try desk.opened()
    var told = try [#require(desk.state(chat)?.waitRange)]
    func forNewcomers() throws -> Int64 {
      guard case .queues(let views) = desk.ask(.describeQueues) else { return 0 }
      return try #require(views[0].waitRange).high
    }
    let before = try forNewcomers()
    // With one agent less the engine's own estimate rises, for newcomers and for this one.
    _ = desk.ask(.signOut(bo))
    #expect(try forNewcomers() > before)
    for minute in 0..<60 {
      if minute == 30 { for visitor in first { _ = desk.ask(.hangUp(visitor, .visitor)) } }
      desk.wait(.minutes(1))
      told.append(try #require(desk.state(chat)?.waitRange))
    }
    #expect(told[0].high < .minutes(60), "by now the wait is longer than was announced")
    #expect(zip(told, told.dropFirst()).allSatisfy { $1.low <= $0.low && $1.high <= $0.high })
    #expect(told[31].high < told[30].high, "nobody ahead any more")
    // What the page is sent by itself rises no more than what it asks for.
    let sent = desk.notices.filter { $0.contact == chat }.compactMap { notice -> Int64? in
      switch notice.body {
      case .contactQueued(let view), .contactChanged(let view): view.waitRange?.high
      default: nil
      }
    }
    #expect(sent.allSatisfy { $0 <= told[0].high })
  }
}
