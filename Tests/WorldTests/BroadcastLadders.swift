import ACD
import CallControl
import Primitives
import SIP
import Testing

/// An office that rings all its phones for each call.
private func broadcast(
  phones: [UInt16] = [7001, 7002], _ change: (inout Site) -> Void = { _ in }
) -> (world: World, caller: Peer, phones: [Peer]) {
  office(phones: phones) {
    $0.definitions.queues[0].policy = .broadcast
    change(&$0)
  }
}

@Suite("A call that rings several agents at once")
struct BroadcastLadders {
  @Test("All phones ring, one answers, and the others get CANCEL", arguments: [false, true])
  func oneAnswers(onAgent: Bool) {
    let (world, caller, phones) = broadcast(phones: [7001, 7002, 7003]) {
      $0.queues[0].answer = onAgent ? .onAgent : .onEntry
    }
    for phone in phones { phone.answering = .ring }
    phones[1].answering = .accept(after: .seconds(2))
    caller.call()
    world.run(for: .seconds(1))
    #expect(phones.map(\.log) == [["INVITE"], ["INVITE"], ["INVITE"]])
    #expect((0..<3).allSatisfy { world.view($0)?.offer != nil })
    #expect(caller.heard == (onAgent ? .silence : .music))
    world.run(for: .seconds(2))
    #expect(caller.heard == .peer(phones[1].rtpPort))
    #expect(phones[1].heard == .peer(caller.rtpPort))
    #expect(phones[0].log == ["INVITE", "CANCEL", "ACK"])
    #expect(phones[2].log == ["INVITE", "CANCEL", "ACK"])
    #expect(world.outcomes() == [.answered])
    #expect(world.view(0)?.offer == nil)
    #expect(world.view(0)?.state == "ready")
    caller.hangUp()
    world.run(for: .seconds(1))
    #expect(phones[1].log == ["INVITE", "ACK", "BYE"])
    expectNothingLeft(world)
    #expect(world.checkpoint == world.replayed)
  }

  @Test("Two phones answer in the same instant: one talks, the other gets ACK and BYE, and its agent is not blamed")
  func bothAnswer() {
    let (world, caller, phones) = broadcast { $0.definitions.queues[0].missedLimit = 1 }
    for phone in phones { phone.answering = .accept(after: .seconds(1)) }
    caller.call()
    world.run(for: .seconds(3))
    #expect(caller.heard == .peer(phones[0].rtpPort))
    #expect(phones[1].log.contains("ACK") && phones[1].log.last == "BYE")
    #expect(world.events.filter { $0 == "offerAccepted" }.count == 1)
    #expect(world.events.filter { $0 == "offerWithdrawn" }.count == 1)
    #expect(world.view(1)?.state == "ready")
    // And is offered the next call at once.
    let second = Peer("bob", at: 6002, in: world)
    second.call()
    world.run(for: .seconds(3))
    #expect(second.heard == .peer(phones[1].rtpPort))
    caller.hangUp()
    second.hangUp()
    expectNothingLeft(world)
  }

  @Test("All decline: the caller hears music on, and the phones ring again after the retry")
  func allDecline() {
    let (world, caller, phones) = broadcast()
    for phone in phones { phone.answering = .reject(status: 603, after: .milliseconds(300)) }
    caller.call()
    world.run(for: .seconds(2))
    #expect(world.events.filter { $0 == "offerDeclined" }.count == 2)
    #expect(caller.heard == .music)
    for phone in phones { phone.answering = .accept(after: .seconds(1)) }
    world.run(for: .seconds(8))
    #expect(phones.map(\.callCount) == [1, 1])
    world.run(for: .seconds(3))
    #expect(phones.map(\.callCount) == [2, 2])
    #expect(caller.heard == .peer(phones[0].rtpPort))
    caller.hangUp()
    expectNothingLeft(world)
  }

  @Test("A phone that declines, is busy or is dead leaves the others ringing", arguments: [603, 486, 480, 488])
  func oneFails(status: Int) {
    let (world, caller, phones) = broadcast(phones: [7001, 7002, 7003])
    phones[0].answering = .reject(status: status, after: .milliseconds(300))
    phones[1].isDead = true
    phones[2].answering = .accept(after: .seconds(6))
    caller.call()
    world.run(for: .seconds(5))
    #expect(world.view(0)?.offer == nil)
    #expect(world.view(1)?.reason == "unreachable")
    #expect(world.view(2)?.offer?.contact.state == .offering)
    world.run(for: .seconds(3))
    #expect(caller.heard == .peer(phones[2].rtpPort))
    caller.hangUp()
    expectNothingLeft(world, but: phones[1])
  }

  @Test("A caller who hangs up while all phones ring leaves no offer")
  func hangUpWhileRinging() {
    let (world, caller, phones) = broadcast()
    for phone in phones { phone.answering = .ring }
    caller.call()
    world.run(for: .seconds(3))
    caller.hangUp()
    world.run(for: .seconds(1))
    #expect(phones.map(\.log) == [["INVITE", "CANCEL", "ACK"], ["INVITE", "CANCEL", "ACK"]])
    #expect(world.outcomes() == [.abandoned])
    #expect((0..<2).allSatisfy { world.view($0)?.offer == nil })
    expectNothingLeft(world)
  }

  @Test("Who becomes free meanwhile rings too, and who goes on a break stops ringing alone")
  func comeAndGo() {
    let (world, caller, phones) = broadcast(phones: [7001, 7002, 7003])
    for phone in phones { phone.answering = .ring }
    world.ask(.notReady(AgentID(index: 2), reason: nil))
    caller.call()
    world.run(for: .seconds(1))
    #expect(phones[2].log.isEmpty)
    world.ready(2)
    world.ask(.notReady(AgentID(index: 0), reason: nil))
    world.run(for: .seconds(1))
    #expect(phones.map(\.log) == [["INVITE", "CANCEL", "ACK"], ["INVITE"], ["INVITE"]])
    world.ask(.notReady(AgentID(index: 1), reason: nil))
    phones[0].answering = .accept(after: .milliseconds(100))
    world.ready(0)
    world.run(for: .seconds(1))
    #expect(caller.heard == .peer(phones[0].rtpPort))
    #expect(phones[2].log == ["INVITE", "CANCEL", "ACK"])
    caller.hangUp()
    expectNothingLeft(world)
  }

  @Test("An accept in the console calls that agent's phone, and the phones that rang get CANCEL")
  func acceptInConsole() throws {
    let (world, caller, phones) = broadcast { $0.agents[0].phoneAnswer = .console }
    phones[1].answering = .ring
    caller.call()
    world.run(for: .seconds(1))
    #expect(phones.map(\.log) == [[], ["INVITE"]])
    let offer = try #require(world.view(0)?.offer)
    world.ask(.accept(AgentID(index: 0), offer.offer))
    world.run(for: .seconds(2))
    #expect(phones[1].log == ["INVITE", "CANCEL", "ACK"])
    #expect(caller.heard == .peer(phones[0].rtpPort))
    caller.hangUp()
    expectNothingLeft(world)
  }

  @Test("The accepted phone is lost while it is being joined: the others ring again")
  func acceptedIsLost() throws {
    let (world, caller, phones) = broadcast { $0.agents[0].phoneAnswer = .console }
    phones[0].answering = .reject(status: 486, after: .milliseconds(100))
    phones[1].answering = .ring
    caller.call()
    world.run(for: .seconds(1))
    let offer = try #require(world.view(0)?.offer)
    world.ask(.accept(AgentID(index: 0), offer.offer))
    phones[1].answering = .accept(after: .seconds(1))
    world.run(for: .seconds(2))
    #expect(phones[1].callCount == 2)
    #expect(caller.heard == .peer(phones[1].rtpPort))
    caller.hangUp()
    expectNothingLeft(world)
  }

  @Test("For a page without its link all phones wait, and ring with it", arguments: [false, true])
  func page(vanishes: Bool) {
    let (world, _, phones) = broadcast { $0.definitions.queues[0].ring = .seconds(5) }
    let page = Browser("jo", in: world)
    for agent in 0..<2 { world.ask(.notReady(AgentID(index: UInt32(agent)), reason: nil)) }
    page.connects = .seconds(2)
    if !vanishes { world.ready(0, 1) }
    page.call()
    world.run(for: .seconds(1))
    if vanishes {
      world.run(for: .seconds(3))
      page.vanish()
      world.ready(0, 1)
      page.connects = .milliseconds(60)
      world.run(for: .seconds(1))
      #expect((0..<2).allSatisfy { world.view($0)?.offer == nil })
      page.reload()
    } else {
      #expect((0..<2).allSatisfy { world.view($0)?.offer != nil })
    }
    #expect(phones.map(\.log) == [[], []])
    phones[0].answering = .ring
    world.run(for: .seconds(3))
    #expect(phones[0].log == ["INVITE", "CANCEL", "ACK"])
    #expect(page.heard == .peer(phones[1].rtpPort))
    page.hangUp()
    expectNothingLeft(world)
  }

  @Test(
    "The process dies at any moment of the ringing: every phone and the caller are let go, and nobody is blamed",
    arguments: [World.Crash.beforeCommit, .beforeRelease])
  func restarts(crash: World.Crash) {
    let moments = Array(stride(from: Int64(0), through: 6_000, by: 500)) + [500_000, 1_002_000, 1_003_000, 1_500_000]
    for moment in moments {
      let (world, caller, phones) = broadcast(phones: [7001, 7002, 7003])
      phones[2].answering = .ring
      caller.call()
      world.run(for: moment)
      world.crash = crash
      world.run(for: .milliseconds(20))
      let queued = world.events.contains("contactQueued")
      world.restart()
      world.run(for: .seconds(10))
      #expect(world.outcomes().count == (queued ? 1 : 0), "after \(moment) µs")
      #expect(!world.events.contains("offerMissed"))
      caller.cancel()
      world.run(for: .seconds(10))
      for peer in phones + [caller] { #expect(peer.userAgent.dialogCount == 0, "\(peer.name) after \(moment) µs") }
      expectNothingLeft(world)
    }
  }

  @Test("Phones that ring for an hour leave no heap of dialogs, and the journal replayed is the live state")
  func anHour() {
    let (world, caller, phones) = broadcast(phones: [7001, 7002, 7003]) {
      $0.definitions.queues[0].missedLimit = 0
      $0.definitions.queues[0].declinedLimit = 0
    }
    phones[0].answering = .ring
    phones[1].answering = .reject(status: 603, after: .seconds(3))
    phones[2].answering = .reject(status: 486, after: .seconds(1))
    caller.call()
    var largest = 0
    for _ in 0..<360 {
      world.run(for: .seconds(10))
      largest = max(largest, world.checkpoint.count)
    }
    #expect(world.checkpoint == world.replayed)
    #expect(phones[2].callCount > 300)
    #expect(largest < 20_000)
    caller.hangUp()
    expectNothingLeft(world)
  }
}
