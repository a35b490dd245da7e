import ACD
import CallControl
import Primitives
import Testing

@Suite struct AttendantTests {
  private func desk() -> Desk { Desk { $0.definitions.queues[0].policy = .attendant } }

  private func waiting(_ desk: inout Desk, _ agent: AgentID) -> [PublicID]? {
    guard case .agent(let view) = desk.ask(.describeAgent(agent)) else { return nil }
    return view.waiting?.map(\.id)
  }

  @Test("Every attendant sees all who wait, in the order of entry, and picks any")
  func picks() throws {
    var desk = desk()
    desk.ready(amina, bo)
    let chats = [try desk.opened(), try desk.opened(), try desk.opened()]
    #expect(waiting(&desk, amina) == chats)
    #expect(waiting(&desk, bo) == chats)
    desk.notices = []
    guard case .contact(let view) = desk.ask(.pick(bo, chats[1])) else {
      Issue.record("the pick was refused")
      return
    }
    #expect(view.state == .talking && view.agentName == "BO")
    #expect(waiting(&desk, amina) == [chats[0], chats[2]])
    let told = desk.notices.compactMap { notice -> [PublicID]? in
      guard notice.agent == amina, case .agentChanged(let view) = notice.body else { return nil }
      return view.waiting?.map(\.id)
    }
    #expect(told.last == [chats[0], chats[2]], "the others see it go at once")
    guard case .refused(.conflict) = desk.ask(.pick(amina, chats[1])) else {
      Issue.record("a contact was picked twice")
      return
    }
    _ = desk.ask(.hangUp(chats[0], .visitor))
    #expect(waiting(&desk, amina) == [chats[2]])
    desk.wait(.minutes(1))
    #expect(!desk.records.contains { if case .acd(.offerMissed) = $0.event { true } else { false } })
  }

  @Test("Who is no attendant, or has signed out, sees no line and picks nothing")
  func others() throws {
    var desk = desk()
    desk.ready(amina)
    let chat = try desk.opened()
    #expect(waiting(&desk, bo) == nil)
    guard case .refused(.conflict(let why)) = desk.ask(.pick(bo, chat)) else {
      Issue.record("a signed-out agent picked")
      return
    }
    #expect(why == "sign in first")
    var plain = Desk()
    plain.ready(amina)
    let offered = try plain.opened()
    #expect(waiting(&plain, amina) == nil)
    guard case .refused = plain.ask(.pick(amina, offered)) else {
      Issue.record("a contact of another policy was picked")
      return
    }
  }

  @Test("A visitor whose link is gone leaves the line, and is back in it with the link")
  func lost() throws {
    var desk = desk()
    desk.ready(amina)
    let chat = try desk.opened()
    _ = desk.ask(.detach(chat))
    desk.wait(.seconds(21))
    #expect(waiting(&desk, amina) == [])
    _ = desk.ask(.attach(chat))
    #expect(waiting(&desk, amina) == [chat])
  }
}
