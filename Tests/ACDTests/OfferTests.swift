import ACD
import Primitives
import Testing

@Suite struct OfferTests {
  @Test("A contact is offered, accepted, answered and ended, in that order")
  func life() throws {
    var floor = Floor(site { $0.queues[0].wrapUp = .seconds(30) })
    floor.signIn(0)
    let contact = floor.arrive()
    let offer = try #require(floor.offer(0))
    #expect(
      floor.step.events == [
        .contactQueued(contact, queue: QueueID(0), profile: ProfileID(index: 0), channel: .voice, priority: 0),
        .offerMade(contact, queue: QueueID(0), agent: AgentID(0)),
      ])
    #expect(floor.actions == [.ring(offer, contact, AgentID(0))])
    #expect(floor.say(.offerAccepted(offer)) == [.offerAccepted(offer, contact, AgentID(0))])
    #expect(floor.actions == [.connect(offer, contact, AgentID(0))])
    #expect(floor.engine.state(of: contact) == .connecting(offer, AgentID(0)))
    #expect(
      floor.say(.offerConnected(offer)) == [
        .outcomeFixed(contact, queue: QueueID(0), agent: AgentID(0), .answered)
      ])
    #expect(floor.engine.state(of: contact) == .answered(AgentID(0)))
    floor.pass(.seconds(60))
    let until = floor.now + .seconds(30)
    #expect(
      floor.say(.contactLeft(contact)) == [
        .contactEnded(contact, agent: AgentID(0), .contactLeft), .wrapUpStarted(AgentID(0), contact, until: until),
      ])
    #expect(floor.actions == [.release(contact)])
    #expect(floor.engine.nextDeadline == until)
    #expect(floor.pass(.seconds(30)) == [.wrapUpEnded(AgentID(0), contact, .none)])
    #expect(floor.actions == [.forget(contact)])
    #expect(floor.engine.state(of: contact) == nil)
    #expect(floor.engine.nextDeadline == nil)
  }

  @Test("An event, an input and an action are at most 32 bytes and trivial")
  func sizes() {
    #expect(MemoryLayout<Event>.stride <= 32)
    #expect(MemoryLayout<Input>.stride <= 32)
    #expect(MemoryLayout<Action>.stride <= 32)
    #expect(_isPOD(Event.self) && _isPOD(Input.self) && _isPOD(Action.self))
  }
}
