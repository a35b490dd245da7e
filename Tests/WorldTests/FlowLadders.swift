import ACD
import CallControl
import Primitives
import SIP
import Testing

@Suite("Limits, callbacks and returns, as the caller meets them")
struct FlowLadders {
  private static let announcement = Site.Announcement(file: "closed.wav", music: 1, length: .seconds(4))

  @Test("A closed queue refuses with 480, a full one with 486")
  func refusals() {
    let (closed, caller, _) = office { $0.definitions.queues[0].hours = Hours(open: []) }
    caller.call()
    closed.run(for: .seconds(1))
    #expect(caller.log == ["480"])
    expectNothingLeft(closed)
    let (full, other, _) = office(phones: []) { $0.definitions.queues[0].waitingLimit = 0 }
    other.call()
    full.run(for: .seconds(1))
    #expect(other.log == ["486"])
    expectNothingLeft(full)
  }

  @Test("A closed queue with an announcement answers, plays it to its end, and hangs up")
  func announcement() {
    let (world, caller, _) = office {
      $0.definitions.queues[0].hours = Hours(open: [])
      $0.queues[0].announcements[Int(Occasion.closed.rawValue)] = Self.announcement
    }
    caller.call()
    world.run(for: .seconds(1))
    #expect(caller.log == ["200"])
    #expect(caller.heard == .music)
    #expect(world.events.contains("contactRefused"))
    world.run(for: .seconds(4))
    #expect(caller.log == ["200", "BYE"])
    #expect(world.events.last == "contactClosed")
    #expect(world.checkpoint == world.replayed)
    expectNothingLeft(world)
  }

  @Test("A caller who hangs up during the announcement is gone at once, and so is one whom a restart cuts off")
  func announcementCutShort() {
    let (world, caller, _) = office {
      $0.definitions.queues[0].hours = Hours(open: [])
      $0.queues[0].announcements[Int(Occasion.closed.rawValue)] = Self.announcement
    }
    caller.call()
    world.run(for: .seconds(1))
    caller.hangUp()
    world.run(for: .milliseconds(100))
    #expect(world.counts.contacts == 0)
    caller.call()
    world.run(for: .seconds(1))
    world.restart()
    world.run(for: .seconds(1))
    #expect(caller.log.last == "BYE")
    expectNothingLeft(world)
  }

  @Test("Past the wait limit the caller goes on to music of the other queue")
  func overflows() {
    let (world, caller, _) = office(phones: []) {
      $0.definitions.queues.append(QueueDefinition(name: "reception"))
      $0.queues.append(Site.QueueProfile())
      $0.definitions.queues[0].waitLimit = .seconds(10)
      $0.definitions.queues[0].overflow.late = .queue(QueueID(index: 1))
    }
    caller.call()
    world.run(for: .seconds(12))
    #expect(world.outcomes() == [.overflowed])
    #expect(caller.heard == .music)
    #expect(caller.log == ["200"])
    caller.hangUp()
    world.run(for: .seconds(1))
    #expect(world.outcomes() == [.overflowed, .abandoned])
    expectNothingLeft(world)
  }

  private func callbackOffice(_ change: (inout Site) -> Void = { _ in }) -> (World, Peer, Peer, Peer) {
    let (world, caller, phones) = office {
      var callback = CallbackDefinition()
      callback.attempts = 1
      callback.ring = .seconds(20)
      $0.definitions.queues[0].callback = callback
      $0.queues[0].callbackKey = 1
      $0.callbacks.allowed = ["sip:alice@*"]
      $0.callbacks.gateway = try? URI(parsing: "sip:127.0.0.1:6100")
      change(&$0)
    }
    return (world, caller, phones[0], Peer("gateway", at: 6100, in: world))
  }

  /// The caller presses a key.
  private func press(_ digit: UInt8, _ caller: Peer, _ world: World) {
    guard
      let media = world.media.openIDs.first(where: { world.media.ports[$0]?.remote?.endpoint?.port == caller.rtpPort })
    else { return }
    world.feed(.media(.digit(media, digit)))
  }

  @Test("A caller presses the key, hangs up, and is called once the agent has answered")
  func callsBack() {
    let (world, caller, phone, gateway) = callbackOffice()
    world.ask(.notReady(AgentID(index: 0), reason: nil))
    caller.call()
    world.run(for: .seconds(2))
    press(2, caller, world)
    #expect(world.outcomes().isEmpty)
    press(1, caller, world)
    world.run(for: .seconds(1))
    #expect(caller.log == ["200", "BYE"])
    #expect(world.outcomes() == [.callbackRequested])
    #expect(world.checkpoint == world.replayed)
    world.run(for: .minutes(5))
    #expect(gateway.log.isEmpty)
    world.ask(.ready(AgentID(index: 0)))
    world.run(for: .seconds(6))
    #expect(phone.log == ["INVITE", "ACK"])
    #expect(gateway.log == ["INVITE", "ACK"])
    #expect(phone.heard == .peer(gateway.rtpPort))
    #expect(world.outcomes() == [.callbackRequested, .answered])
    #expect(world.checkpoint == world.replayed)
    phone.hangUp()
    world.run(for: .seconds(1))
    #expect(gateway.log.last == "BYE")
    expectNothingLeft(world)
  }

  @Test("A customer who does not answer frees the agent, and after the last attempt the request is over")
  func unanswered() {
    let (world, caller, phone, gateway) = callbackOffice()
    gateway.answering = .ring
    world.ask(.notReady(AgentID(index: 0), reason: nil))
    caller.call()
    world.run(for: .seconds(1))
    press(1, caller, world)
    world.ask(.ready(AgentID(index: 0)))
    world.run(for: .seconds(25))
    #expect(gateway.log == ["INVITE", "CANCEL", "ACK"])
    #expect(phone.log == ["INVITE", "ACK", "BYE"])
    #expect(world.outcomes() == [.callbackRequested, .unreached])
    #expect(world.view(0)?.state == "ready")
    expectNothingLeft(world)
  }

  @Test("Who is not on the site's list is not called: the key does nothing, and an overflow fails at once")
  func notAllowed() {
    let (world, caller, _, gateway) = callbackOffice {
      $0.callbacks.allowed = ["sip:bob@*"]
      $0.definitions.queues[0].waitLimit = .seconds(5)
      $0.definitions.queues[0].overflow.late = .callback
    }
    world.ask(.notReady(AgentID(index: 0), reason: nil))
    caller.call()
    world.run(for: .seconds(1))
    press(1, caller, world)
    #expect(world.outcomes().isEmpty)
    world.run(for: .seconds(5))
    #expect(world.outcomes() == [.callbackRequested, .failed])
    #expect(gateway.log.isEmpty)
    expectNothingLeft(world)
  }

  @Test("A rule for numbers lets nobody be dialled at a host that the caller's From names")
  func numberWithoutGateway() {
    let (world, _, _, victim) = callbackOffice {
      $0.callbacks.allowed = ["+4930*"]
      $0.callbacks.gateway = nil
    }
    world.ask(.notReady(AgentID(index: 0), reason: nil))
    let caller = Peer("+493012345", at: 6003, in: world)
    caller.home = "127.0.0.1"
    caller.call()
    world.run(for: .seconds(1))
    press(1, caller, world)
    #expect(world.outcomes().isEmpty)
    caller.hangUp()
    world.ask(.ready(AgentID(index: 0)))
    world.run(for: .seconds(10))
    #expect(victim.log.isEmpty)
    expectNothingLeft(world)
  }

  @Test("Whoever runs the site ends calls at any time: while they wait, ring and talk, the caller's phone is told")
  func endedByTheSite() throws {
    let (world, caller, phones) = office { $0.queues[0].answer = .onAgent }
    for wait in [Int64.milliseconds(500), .seconds(3)] {
      caller.call()
      world.run(for: wait)
      let id = try #require(world.view(0)?.contacts.first?.id ?? world.view(0)?.offer?.contact.id)
      world.ask(.hangUp(id, .system))
      world.run(for: .seconds(1))
      #expect(caller.dialog == nil && phones[0].dialog == nil)
    }
    #expect(world.outcomes() == [.withdrawn, .answered])
    expectNothingLeft(world)
  }

  @Test("A caller who is cut off and calls again stands where they stood")
  func comesBack() {
    let (world, caller, _) = office(phones: []) { $0.definitions.queues[0].grace = .seconds(60) }
    caller.call()
    world.run(for: .seconds(30))
    let other = Peer("bob", at: 6002, in: world)
    other.call()
    world.run(for: .seconds(5))
    caller.hangUp()
    world.run(for: .seconds(10))
    caller.call()
    world.run(for: .seconds(1))
    #expect(world.events.contains("placeKept"))
    let entries = world.records.compactMap { record -> Instant? in
      if case .acd(.placeKept(_, let entry, _)) = record.event { entry } else { nil }
    }
    #expect(entries.first.map { $0 < world.now - .seconds(45) } == true)
    #expect(world.checkpoint == world.replayed)
    caller.hangUp()
    other.hangUp()
    world.run(for: .seconds(61))
    expectNothingLeft(world)
  }
}
