import ACD
import CallControl
import Primitives
import SDP
import SIP
import Testing

@Suite("A call, from INVITE to BYE")
struct CallLadders {
  @Test("A caller hears music, an agent's phone rings, both talk, and the caller hangs up")
  func wholeCall() {
    let (world, caller, phones) = office()
    caller.call()
    world.run(for: .milliseconds(500))
    #expect(caller.log == ["200"])
    #expect(caller.heard == .music)
    #expect(phones[0].log == ["INVITE"])
    world.run(for: .seconds(2))
    #expect(caller.heard == .peer(phones[0].rtpPort))
    #expect(phones[0].heard == .peer(caller.rtpPort))
    #expect(world.outcomes() == [.answered])
    caller.hangUp()
    world.run(for: .seconds(1))
    #expect(phones[0].log == ["INVITE", "ACK", "BYE"])
    #expect(world.endCauses() == [.contactLeft])
    expectNothingLeft(world)
  }

  @Test("The agent hangs up, and the caller gets BYE")
  func agentHangsUp() {
    let (world, caller, phones) = office()
    caller.call()
    world.run(for: .seconds(2))
    phones[0].hangUp()
    world.run(for: .seconds(1))
    #expect(caller.log == ["200", "BYE"])
    #expect(world.endCauses() == [.agentLeft])
    expectNothingLeft(world)
  }

  @Test("A caller who hangs up while an agent rings leaves no offer")
  func hangUpWhileRinging() {
    let (world, caller, phones) = office()
    phones[0].answering = .ring
    caller.call()
    world.run(for: .seconds(3))
    caller.hangUp()
    world.run(for: .seconds(1))
    #expect(phones[0].log == ["INVITE", "CANCEL", "ACK"])
    #expect(world.outcomes() == [.abandoned])
    #expect(world.view(0)?.offer == nil)
    #expect(world.view(0)?.state == "ready")
    expectNothingLeft(world)
  }

  @Test("A caller who cancels before the agent answers, where the queue answers on agent, gets 487")
  func cancelBeforeAnswer() {
    let (world, caller, phones) = office { $0.queues[0].answer = .onAgent }
    phones[0].answering = .ring
    caller.call()
    world.run(for: .seconds(2))
    #expect(caller.log == ["180"])
    #expect(caller.heard == .silence)
    caller.cancel()
    world.run(for: .seconds(1))
    #expect(world.outcomes() == [.abandoned])
    #expect(phones[0].log == ["INVITE", "CANCEL", "ACK"])
    expectNothingLeft(world)
  }

  @Test("Answer on agent: 180 every minute, and 200 with the bridge")
  func answerOnAgent() {
    let (world, caller, phones) = office {
      $0.queues[0].answer = .onAgent; $0.definitions.queues[0].ring = .minutes(5)
    }
    phones[0].answering = .accept(after: .seconds(150))
    caller.call()
    world.run(for: .seconds(149))
    #expect(caller.log == ["180", "180", "180"])
    world.run(for: .seconds(3))
    #expect(caller.log == ["180", "180", "180", "200"])
    #expect(caller.heard == .peer(phones[0].rtpPort))
    caller.hangUp()
    expectNothingLeft(world)
  }

  @Test("CANCEL crossing our 200: the call is up, and BYE ends it")
  func cancelCrosses200() {
    let (world, caller, _) = office()
    caller.call()
    world.run(for: .microseconds(2_300))
    caller.cancel()
    world.run(for: .seconds(2))
    #expect(world.outcomes() == [.abandoned])
    expectNothingLeft(world)
  }

  @Test("A delayed offer is answered with ours, and the ACK brings the answer", arguments: [false, true])
  func delayedOffer(onAgent: Bool) {
    let (world, caller, phones) = office { $0.queues[0].answer = onAgent ? .onAgent : .onEntry }
    caller.delaysOffer = true
    caller.call()
    world.run(for: .milliseconds(500))
    #expect(caller.heard == (onAgent ? .silence : .music))
    world.run(for: .seconds(2))
    #expect(caller.heard == .peer(phones[0].rtpPort))
    #expect(phones[0].heard == .peer(caller.rtpPort))
    caller.hangUp()
    expectNothingLeft(world)
  }

  @Test("The agent is offered the caller's codec first; PCMA and PCMU meet in the bridge")
  func codecs() throws {
    let (world, caller, phones) = office()
    caller.codecs = [.pcma, .pcmu]
    caller.call()
    world.run(for: .seconds(2))
    let invite = try #require(phones[0].invites.first)
    let offer = try #require(SessionDescription(of: invite))
    #expect(offer.media.first?.formats.first == "8")
    #expect(world.media.codec(at: phones[0].rtpPort) == .pcma)
    caller.hangUp()
    expectNothingLeft(world)
    caller.codecs = [.pcma]
    phones[0].codecs = [.pcmu]
    caller.call()
    world.run(for: .seconds(2))
    #expect(world.media.codec(at: caller.rtpPort) == .pcma)
    #expect(world.media.codec(at: phones[0].rtpPort) == .pcmu)
    #expect(caller.heard == .peer(phones[0].rtpPort))
    caller.hangUp()
    expectNothingLeft(world)
  }

  @Test("A 200 that is never acknowledged gets BYE, and the caller has left")
  func unacknowledged() {
    let (world, caller, phones) = office()
    phones[0].answering = .ring
    caller.call()
    world.run(for: .microseconds(1_300))
    caller.isDead = true
    world.run(for: .seconds(40))
    #expect(world.outcomes() == [.abandoned])
    expectNothingLeft(world, but: caller)
  }

  @Test("The demo phone answers at once and echoes")
  func demo() {
    let world = World(.support([.demo]))
    let caller = Peer("alice", at: 6001, in: world)
    world.ready(0)
    caller.call()
    world.run(for: .milliseconds(500))
    #expect(caller.heard == .echo)
    #expect(world.outcomes() == [.answered])
    caller.hangUp()
    expectNothingLeft(world)
  }

  @Test("A console's accept calls the phone, and the demo phone is there at once")
  func acceptInConsole() throws {
    let (world, caller, phones) = office { $0.agents[0].phoneAnswer = .console }
    phones[0].answering = .accept(after: .milliseconds(100))
    caller.call()
    world.run(for: .seconds(2))
    #expect(phones[0].log.isEmpty)
    let offer = try #require(world.view(0)?.offer)
    #expect(offer.acceptsInConsole)
    world.ask(.accept(AgentID(index: 0), offer.offer))
    world.run(for: .seconds(1))
    #expect(caller.heard == .peer(phones[0].rtpPort))
    #expect(phones[0].invites.first?.header("Call-Info")?.contains("answer-after=0") == true)
    caller.hangUp()
    expectNothingLeft(world)
  }

  @Test("Accepting in the console what the phone must answer is refused with what to do")
  func acceptOnPhone() throws {
    let (world, caller, phones) = office()
    phones[0].answering = .ring
    caller.call()
    world.run(for: .seconds(1))
    let offer = try #require(world.view(0)?.offer)
    #expect(!offer.acceptsInConsole)
    #expect(world.ask(.accept(AgentID(index: 0), offer.offer)) == .refused(.conflict("answer on your phone")))
    world.ask(.decline(AgentID(index: 0), offer.offer))
    world.run(for: .seconds(1))
    #expect(phones[0].log == ["INVITE", "CANCEL", "ACK"])
    #expect(caller.heard == .music)
    caller.hangUp()
    expectNothingLeft(world)
  }

  @Test("Two callers, one agent: the second hears music until the first is done and wrapped up")
  func inOrder() {
    let (world, caller, phones) = office()
    let second = Peer("bob", at: 6002, in: world)
    caller.call()
    world.run(for: .seconds(2))
    second.call()
    world.run(for: .seconds(2))
    #expect(second.heard == .music)
    caller.hangUp()
    world.run(for: .seconds(7))
    #expect(second.heard == .peer(phones[0].rtpPort))
    second.hangUp()
    expectNothingLeft(world)
  }

  @Test("A chat and a call wait in the same order")
  func sameOrder() throws {
    let (world, caller, _) = office(phones: [])
    let extra = World(.support([phone(at: 7001)]))
    _ = (world, caller)
    let alice = Peer("alice", at: 6001, in: extra)
    let desk = Peer("phone7001", at: 7001, in: extra)
    desk.answering = .ring
    guard case .contact(let chat) = extra.ask(.openChat(ChatRequest(entry: "web:shop"))) else {
      return #expect(Bool(false))
    }
    extra.ask(.attach(chat.id))
    alice.call()
    extra.run(for: .seconds(1))
    extra.ready(0)
    #expect(extra.view(0)?.offer?.contact.id == chat.id)
    #expect(desk.log.isEmpty)
  }

  @Test("The journal replayed is the live state, at every moment of a call")
  func replay() throws {
    let (world, caller, phones) = office()
    phones[0].talks = .seconds(5)
    caller.call()
    for _ in 0..<30 {
      world.run(for: .milliseconds(500))
      #expect(world.checkpoint == world.replayed)
      let bytes = world.checkpoint
      var reader = ByteReader(bytes)
      let restored = try Switchboard(checkpoint: &reader, site: world.site, entropy: Entropy(testing: 3))
      #expect(reader.isAtEnd)
      #expect(World.checkpoint(of: restored) == bytes)
    }
    #expect(world.endCauses() == [.agentLeft])
  }

  @Test("No media port is free: 503, and nobody was queued")
  func noPort() {
    let (world, caller, _) = office()
    world.media.isFull = true
    caller.call()
    world.run(for: .seconds(1))
    #expect(caller.log == ["503"])
    #expect(world.outcomes().isEmpty)
    world.media.isFull = false
    expectNothingLeft(world)
  }
}
