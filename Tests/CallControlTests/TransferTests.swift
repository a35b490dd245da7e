import ACD
import CallControl
import Primitives
import Testing

@Suite struct TransferTests {
  /// Amina serves support, Bo serves sales.
  private func desk(_ change: (inout Site) -> Void = { _ in }) -> Desk {
    Desk { site in
      site.definitions.names.queues += ["sales", "phones"]
      var phones = QueueDefinition(name: "phones")
      phones.channels = [.voice]
      site.definitions.queues += [QueueDefinition(name: "sales"), phones]
      site.queues += [Site.QueueProfile(), Site.QueueProfile()]
      site.definitions.agents[1].queues = [.init(queue: QueueID(index: 1))]
      change(&site)
    }
  }

  private func talk(_ desk: inout Desk) throws -> PublicID {
    let chat = try desk.opened()
    try accept(&desk, amina)
    return chat
  }

  private func view(_ desk: inout Desk, _ agent: AgentID) throws -> AgentView {
    guard case .agent(let view) = desk.ask(.describeAgent(agent)) else {
      Issue.record("no agent")
      throw CancellationError()
    }
    return view
  }

  private func accept(_ desk: inout Desk, _ agent: AgentID) throws {
    let shown = try view(&desk, agent)
    let offer = try #require(shown.offer)
    _ = desk.ask(.accept(agent, offer.offer))
  }

  @Test("A chat that is passed on keeps its id, its entry and its messages, and the agent wraps up")
  func chat() throws {
    var desk = desk()
    desk.ready(amina, bo)
    let entered = desk.now
    let chat = try talk(&desk)
    _ = desk.ask(.post(chat, .visitor, text: "hello"))
    desk.wait(.seconds(90))
    desk.notices = []
    guard case .agent(let after) = desk.ask(.transfer(amina, chat, queue: "sales")) else {
      Issue.record("the transfer was refused")
      return
    }
    #expect(after.contacts.map(\.state) == [.wrapUp])
    #expect(after.contacts.first?.ending == "transferred")
    #expect(try view(&desk, bo).offer?.contact.id == chat)
    #expect(try view(&desk, bo).offer?.contact.entered == entered)
    let told = desk.notices.filter { $0.contact == chat }.map(\.body)
    #expect(!told.contains { if case .contactEnded = $0 { true } else { false } }, "for the visitor it goes on")
    #expect(told.contains { if case .contactQueued(let view) = $0 { view.queue == "sales" } else { false } })
    #expect(desk.ask(.post(chat, .agent(amina), text: "x")) == .refused(.forbidden("the contact is not yours")))
    try accept(&desk, bo)
    guard case .message = desk.ask(.post(chat, .agent(bo), text: "sales here")) else {
      Issue.record("the next agent cannot write")
      return
    }
    guard case .agent(let done) = desk.ask(.endWrapUp(amina, chat, code: "sold")) else {
      Issue.record("the wrap-up was refused")
      return
    }
    #expect(done.contacts.isEmpty && done.state == "ready")
    let talk = desk.records.compactMap { record -> Instant? in
      switch record.event {
      case .acd(.outcomeFixed(_, _, amina, .answered)), .acd(.contactEnded(_, agent: amina, .transferred)): record.at
      default: nil
      }
    }
    #expect(talk.count == 2 && talk[1] - talk[0] == .seconds(90), "scenario 12: the agent's talk is 90 s")
    #expect(desk.ask(.hangUp(chat, .visitor)) == .done)
    guard case .refused(.gone) = desk.ask(.describeContact(chat)) else {
      // Bo's queue has no wrap-up.
      Issue.record("something is left of it")
      return
    }
  }

  @Test("Scenario 6: a transfer starts the wrap-up's countdown, and a reload leaves its end unchanged")
  func reload() throws {
    var desk = desk()
    desk.ready(amina)
    let chat = try talk(&desk)
    _ = desk.ask(.transfer(amina, chat, queue: "q_sales"))
    let end = desk.now + .seconds(30)
    #expect(try view(&desk, amina).wrapUpEnds == [end])
    desk.wait(.seconds(10))
    var site = desk.site
    site.definitions.queues[0].wrapUp = .minutes(5)
    desk.reconfigure(site)
    #expect(try view(&desk, amina).wrapUpEnds == [end])
    desk.wait(.seconds(20))
    #expect(try view(&desk, amina).contacts.isEmpty)
  }

  @Test("What cannot be passed on stays where it is, with a sentence that says why")
  func refusals() throws {
    var desk = desk {
      $0.definitions.queues[1].hours = Hours(open: [])
    }
    desk.ready(amina)
    let chat = try talk(&desk)
    func refused(_ agent: AgentID, _ queue: String) -> String? {
      guard case .refused(let problem) = desk.ask(.transfer(agent, chat, queue: queue)) else { return nil }
      return "\(problem)"
    }
    #expect(refused(amina, "sails")?.contains("no queue sails") == true)
    #expect(refused(amina, "phones")?.contains("takes no chats") == true)
    #expect(refused(amina, "sales")?.contains("closed") == true)
    #expect(refused(bo, "support")?.contains("that you talk to") == true)
    #expect(try view(&desk, amina).contacts.map(\.state) == [.talking])
    _ = desk.ask(.hangUp(chat, .visitor))
    #expect(refused(amina, "support") != nil)
  }

  @Test("A visitor whose link is gone waits in the next queue without being offered, and comes back")
  func lostVisitor() throws {
    var desk = desk()
    desk.ready(amina, bo)
    let chat = try talk(&desk)
    _ = desk.ask(.detach(chat))
    desk.wait(.seconds(25))
    _ = desk.ask(.transfer(amina, chat, queue: "sales"))
    #expect(try view(&desk, bo).offer == nil)
    _ = desk.ask(.attach(chat))
    #expect(try view(&desk, bo).offer?.contact.id == chat)
  }

  @Test("After a restart the id means the segment that goes on, and the wrap-up is still the agent's")
  func restart() throws {
    var desk = desk()
    desk.ready(amina)
    let chat = try talk(&desk)
    _ = desk.ask(.transfer(amina, chat, queue: "sales"))
    var writer = ByteWriter()
    desk.switchboard.writeCheckpoint(into: &writer)
    var reader = ByteReader(writer.bytes)
    var replayed = Switchboard(site: desk.site, entropy: Entropy(testing: 9))
    for record in desk.records { replayed.replay(record) }
    for restored in [replayed, try Switchboard(checkpoint: &reader, site: desk.site, entropy: Entropy(testing: 8))] {
      var again = desk
      again.switchboard = restored
      _ = again.feed(.restarted)
      _ = again.ask(.attach(chat))
      guard case .contact(let view) = again.ask(.describeContact(chat)) else {
        Issue.record("the contact is gone")
        continue
      }
      #expect(view.state == .queued && view.queue == "sales")
      #expect(try self.view(&again, amina).contacts.map(\.state) == [.wrapUp])
      guard case .agent = again.ask(.endWrapUp(amina, chat, code: nil)) else {
        Issue.record("the wrap-up was refused")
        continue
      }
    }
  }
}

extension Desk {
  /// A chat that must open.
  mutating func opened() throws -> PublicID {
    let chat = chat()
    return try #require(chat)
  }
}
