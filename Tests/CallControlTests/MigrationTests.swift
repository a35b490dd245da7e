import ACD
import CallControl
import Primitives
import Testing

@Suite struct MigrationTests {
  @Test("After a reload who waits keeps the old ladder, and goes on by the present one when told to")
  func migrateWaiting() throws {
    // Bo serves sales, and comes by a step of the ladder.
    let ladder = [LadderStep(after: .seconds(30), changes: [.also(QueueID(index: 1))])]
    var desk = Desk { site in
      site.definitions.names.queues.append("sales")
      site.definitions.queues.append(QueueDefinition(name: "sales"))
      site.queues.append(Site.QueueProfile())
      site.definitions.agents[1].queues = [.init(queue: QueueID(index: 1))]
    }
    desk.ready(bo)
    let chat = try desk.opened()
    var site = desk.site
    site.definitions.queues[0].ladder = ladder
    desk.reconfigure(site)
    desk.wait(.seconds(40))
    func isOffered() -> Bool {
      guard case .agent(let view) = desk.ask(.describeAgent(bo)) else { return false }
      return view.offer?.contact.id == chat
    }
    #expect(!isOffered())
    #expect(desk.ask(.migrateWaiting(queue: "suport")) == .refused(.notFound("there is no queue suport")))
    #expect(desk.ask(.migrateWaiting(queue: "q_support")) == .migrated(contacts: 1))
    #expect(isOffered(), "40 s of waiting have reached the step")
    #expect(desk.ask(.migrateWaiting(queue: "support")) == .migrated(contacts: 0))
    #expect(desk.records.contains { if case .acd(.ladderMigrated(_, step: 1)) = $0.event { true } else { false } })
  }
}
