import ACD
import CallControl
import Primitives
import SIP
import Testing

@Suite("A call that an attendant picks")
struct AttendantLadders {
  private func publicID(_ world: World) -> PublicID? {
    for record in world.records { if case .contactOpened(_, let id, _, _) = record.event { return id } }
    return nil
  }

  @Test("Nobody is rung; the attendant who picks is, and talks")
  func picked() throws {
    let (world, caller, phones) = office(phones: [7001, 7002]) { $0.definitions.queues[0].policy = .attendant }
    caller.call()
    world.run(for: .seconds(30))
    #expect(caller.heard == .music)
    #expect(phones.allSatisfy { $0.log.isEmpty })
    let id = try #require(publicID(world))
    #expect(world.view(0)?.waiting?.map(\.id) == [id])
    world.ask(.pick(AgentID(index: 1), id))
    world.run(for: .seconds(2))
    #expect(phones[0].log.isEmpty)
    #expect(caller.heard == .peer(phones[1].rtpPort))
    #expect(world.view(0)?.waiting?.isEmpty == true)
    caller.hangUp()
    world.run(for: .seconds(1))
    #expect(world.outcomes() == [.answered])
    expectNothingLeft(world)
  }

  @Test("A pick whose phone declines puts the caller back in line, with music")
  func declined() throws {
    let (world, caller, phones) = office(phones: [7001, 7002]) { $0.definitions.queues[0].policy = .attendant }
    phones[0].answering = .reject(status: 603, after: .milliseconds(200))
    caller.call()
    world.run(for: .seconds(1))
    let id = try #require(publicID(world))
    world.ask(.pick(AgentID(index: 0), id))
    world.run(for: .seconds(1))
    #expect(caller.heard == .music)
    #expect(world.view(1)?.waiting?.map(\.id) == [id])
    world.ask(.pick(AgentID(index: 1), id))
    world.run(for: .seconds(2))
    #expect(caller.heard == .peer(phones[1].rtpPort))
    caller.hangUp()
    expectNothingLeft(world)
  }
}

@Suite("A call that is passed on to a queue")
struct TransferLadders {
  /// Agent 0 serves support, agent 1 sales.
  private func office(_ change: (inout Site) -> Void = { _ in }) -> (world: World, caller: Peer, phones: [Peer]) {
    WorldTests.office(phones: [7001, 7002]) { site in
      site.definitions.names.queues.append("sales")
      site.definitions.queues.append(QueueDefinition(name: "sales"))
      site.queues.append(Site.QueueProfile())
      site.definitions.agents[1].queues = [.init(queue: QueueID(index: 1))]
      change(&site)
    }
  }

  private func publicID(_ world: World) -> PublicID? {
    for record in world.records { if case .contactOpened(_, let id, _, _) = record.event { return id } }
    return nil
  }

  @Test("The caller hears music again, the agent's phone gets BYE, and the next agent talks")
  func passedOn() throws {
    let (world, caller, phones) = office()
    phones[1].answering = .accept(after: .seconds(4))
    caller.call()
    world.run(for: .seconds(2))
    #expect(caller.heard == .peer(phones[0].rtpPort))
    world.run(for: .seconds(88))
    let id = try #require(publicID(world))
    world.ask(.transfer(AgentID(index: 0), id, queue: "sales"))
    world.run(for: .seconds(1))
    #expect(phones[0].log == ["INVITE", "ACK", "BYE"])
    #expect(caller.heard == .music)
    #expect(world.view(0)?.contacts.map(\.state) == [.wrapUp])
    #expect(phones[1].log == ["INVITE"])
    world.run(for: .seconds(5))
    #expect(caller.heard == .peer(phones[1].rtpPort))
    #expect(phones[1].heard == .peer(caller.rtpPort))
    #expect(caller.log == ["200"], "the caller's dialog knows nothing of it")
    #expect(world.view(0)?.state == "ready")
    #expect(world.outcomes() == [.answered, .answered])
    caller.hangUp()
    world.run(for: .seconds(1))
    #expect(world.endCauses() == [.transferred, .contactLeft])
    expectNothingLeft(world)
  }

  @Test("A caller on hold who is passed on and hangs up while waiting has abandoned the second queue")
  func hangsUp() throws {
    let (world, caller, phones) = office()
    phones[1].answering = .ring
    caller.call()
    world.run(for: .seconds(2))
    let id = try #require(publicID(world))
    world.ask(.hold(AgentID(index: 0), id))
    world.ask(.transfer(AgentID(index: 0), id, queue: "sales"))
    world.run(for: .seconds(2))
    #expect(caller.heard == .music)
    caller.hangUp()
    world.run(for: .seconds(1))
    #expect(world.outcomes() == [.answered, .abandoned])
    #expect(phones[1].log == ["INVITE", "CANCEL", "ACK"])
    expectNothingLeft(world)
  }
}
