import ACD
import CallControl
import Primitives
import SDP
import SIP
import Testing

@Suite("Phones that fail, decline, are busy or missed")
struct PhoneFailures {
  private func failures(_ world: World) -> [OfferFailure] {
    world.records.compactMap { if case .acd(.offerFailed(_, _, _, let why)) = $0.event { why } else { nil } }
  }

  @Test("A phone that says nothing for 4 s is unreachable, and the next agent's phone rings")
  func dead() {
    let (world, caller, phones) = office(phones: [7001, 7002])
    phones[0].isDead = true
    caller.call()
    world.run(for: .milliseconds(3_900))
    #expect(failures(world).isEmpty)
    world.run(for: .seconds(2))
    #expect(failures(world) == [.unreachable])
    #expect(world.view(0)?.state == "not_ready")
    #expect(world.view(0)?.reason == "unreachable")
    #expect(caller.heard == .peer(phones[1].rtpPort))
    caller.hangUp()
    expectNothingLeft(world, but: phones[0])
  }

  @Test(
    "404, 408, 480, 604, a redirection and a challenge: unreachable, no miss, and nothing is followed",
    arguments: [404, 408, 480, 604, 302, 401, 503])
  func unreachable(status: Int) {
    let (world, caller, phones) = office()
    phones[0].answering = .reject(status: status, after: .milliseconds(100))
    caller.call()
    world.run(for: .seconds(2))
    #expect(failures(world) == [.unreachable])
    #expect(world.view(0)?.reason == "unreachable")
    #expect(phones[0].callCount == 1)
    #expect(caller.heard == .music)
    #expect(!world.events.contains("offerMissed"))
    caller.hangUp()
    expectNothingLeft(world)
  }

  @Test("A busy phone is left alone for a moment, without a miss")
  func busy() {
    let (world, caller, phones) = office()
    phones[0].answering = .reject(status: 486, after: .milliseconds(100))
    caller.call()
    world.run(for: .seconds(4))
    #expect(failures(world) == [.busy])
    #expect(world.view(0)?.state == "ready")
    world.run(for: .seconds(3))
    #expect(phones[0].callCount == 2)
    caller.hangUp()
    expectNothingLeft(world)
  }

  @Test("603 declines the offer")
  func declined() {
    let (world, caller, phones) = office(phones: [7001, 7002])
    phones[0].answering = .reject(status: 603, after: .milliseconds(100))
    caller.call()
    world.run(for: .seconds(3))
    #expect(world.events.contains("offerDeclined"))
    #expect(caller.heard == .peer(phones[1].rtpPort))
    caller.hangUp()
    expectNothingLeft(world)
  }

  @Test("A phone that rings too long has missed the offer: CANCEL, and the next agent's phone rings")
  func missed() {
    let (world, caller, phones) = office(phones: [7001, 7002])
    phones[0].answering = .ring
    caller.call()
    world.run(for: .seconds(22))
    #expect(world.events.contains("offerMissed"))
    #expect(phones[0].log == ["INVITE", "CANCEL", "ACK"])
    #expect(caller.heard == .peer(phones[1].rtpPort))
    caller.hangUp()
    expectNothingLeft(world)
  }

  @Test("A phone that answers in the moment its offer is over gets ACK and BYE, and nobody is to blame")
  func answersTooLate() {
    let (world, caller, phones) = office()
    phones[0].answering = .accept(after: .milliseconds(500))
    caller.call()
    // The caller is gone just before the phone's 200 arrives here.
    world.run(for: .microseconds(502_100))
    #expect(phones[0].log == ["INVITE"])
    caller.hangUp()
    world.run(for: .seconds(2))
    #expect(phones[0].log.contains("BYE"))
    #expect(world.outcomes() == [.abandoned])
    #expect(!world.events.contains("offerMissed"))
    #expect(world.view(0)?.state == "ready")
    expectNothingLeft(world)
  }

  @Test("No common codec: failed by media, and the caller keeps the music")
  func noCodec() {
    let (world, caller, phones) = office()
    phones[0].answering = .reject(status: 488, after: .milliseconds(100))
    caller.call()
    world.run(for: .seconds(1))
    #expect(failures(world).first == .media)
    #expect(caller.heard == .music)
    caller.hangUp()
    expectNothingLeft(world)
  }

  @Test("After a console's accept the phone does not answer in 5 s: the caller waits on, at its place")
  func connectFails() throws {
    let (world, caller, phones) = office { $0.agents[0].phoneAnswer = .console }
    phones[0].answering = .ring
    caller.call()
    world.run(for: .seconds(1))
    let entered = try #require(world.view(0)?.offer?.contact.entered)
    world.ask(.accept(AgentID(index: 0), try #require(world.view(0)?.offer?.offer)))
    world.run(for: .milliseconds(5_100))
    #expect(failures(world) == [.connect])
    #expect(phones[0].log == ["INVITE", "CANCEL", "ACK"])
    #expect(caller.heard == .music)
    #expect(world.outcomes().isEmpty)
    let waiting = world.notices.last { if case .contactChanged = $0.body { true } else { false } }
    if case .contactChanged(let view)? = waiting?.body { #expect(view.entered == entered) }
    caller.hangUp()
    expectNothingLeft(world)
  }

  @Test("The agent's phone hangs up while it is being joined: the caller waits on")
  func hangUpWhileConnecting() throws {
    let (world, caller, phones) = office { $0.queues[0].answer = .onAgent }
    caller.delaysOffer = true
    phones[0].answering = .accept(after: .milliseconds(100))
    caller.call()
    world.run(for: .milliseconds(104))
    // The phone has answered; the caller's ACK with the answer is still out.
    caller.isDead = true
    phones[0].hangUp()
    world.run(for: .milliseconds(500))
    #expect(failures(world).count == 1)
    #expect(world.outcomes().isEmpty)
    world.run(for: .seconds(60))
    #expect(world.outcomes().count == 1)
    expectNothingLeft(world, but: caller)
  }

  @Test("The caller hangs up while the legs are being joined: the phone gets BYE")
  func callerLeavesWhileConnecting() throws {
    let (world, caller, phones) = office { $0.agents[0].phoneAnswer = .console }
    phones[0].answering = .ring
    caller.call()
    world.run(for: .seconds(1))
    world.ask(.accept(AgentID(index: 0), try #require(world.view(0)?.offer?.offer)))
    world.run(for: .seconds(1))
    caller.hangUp()
    world.run(for: .seconds(1))
    #expect(phones[0].log == ["INVITE", "CANCEL", "ACK"])
    #expect(world.outcomes() == [.abandoned])
    // The agent's console is told too, and shows no contact any more.
    let ended = world.notices.last { if case .contactEnded = $0.body { true } else { false } }
    #expect(ended?.agent == AgentID(index: 0))
    guard case .agentChanged(let view)? = world.notices.last?.body else { return #expect(Bool(false)) }
    #expect(view.contacts.isEmpty)
    expectNothingLeft(world)
  }
}

@Suite("Hold, and what else changes inside a call")
struct HoldLadders {
  /// A call in talk.
  private func talk(_ change: (inout Site) -> Void = { _ in }) -> (world: World, caller: Peer, phone: Peer) {
    let (world, caller, phones) = office([7001], change)
    caller.call()
    world.run(for: .seconds(2))
    return (world, caller, phones[0])
  }
  private func office(
    _ ports: [UInt16], _ change: (inout Site) -> Void
  ) -> (world: World, caller: Peer, phones: [Peer]) { WorldTests.office(phones: ports, change) }

  @Test("The agent's phone holds and resumes: the caller hears music meanwhile")
  func agentHolds() {
    let (world, caller, phone) = talk()
    phone.reinvite(.sendonly)
    world.run(for: .seconds(1))
    #expect(caller.heard == .music)
    #expect(phone.heard == .silence)
    #expect(world.events.last == "contactHeld")
    #expect(world.view(0)?.contacts.first?.state == .held)
    phone.reinvite(.sendrecv)
    world.run(for: .seconds(1))
    #expect(caller.heard == .peer(phone.rtpPort))
    #expect(phone.heard == .peer(caller.rtpPort))
    #expect(world.events.last == "contactResumed")
    caller.hangUp()
    expectNothingLeft(world)
  }

  @Test("The caller holds, in the old way too: the agent hears music", arguments: [nil, "0.0.0.0"])
  func callerHolds(address: String?) {
    let (world, caller, phone) = talk()
    caller.reinvite(.sendonly, address: address)
    world.run(for: .seconds(1))
    #expect(phone.heard == .music)
    #expect(world.events.last == "contactHeld")
    caller.reinvite()
    world.run(for: .seconds(1))
    #expect(phone.heard == .peer(caller.rtpPort))
    #expect(caller.heard == .peer(phone.rtpPort))
    phone.hangUp()
    expectNothingLeft(world)
  }

  @Test("Both hold, and one resumes: the call is held until both are back")
  func bothHold() {
    let (world, caller, phone) = talk()
    phone.reinvite(.sendonly)
    world.run(for: .seconds(1))
    caller.reinvite(.sendonly)
    world.run(for: .seconds(1))
    #expect(caller.heard == .silence)
    #expect(phone.heard == .silence)
    phone.reinvite()
    world.run(for: .seconds(1))
    #expect(phone.heard == .music)
    #expect(world.events.filter { $0 == "contactResumed" }.isEmpty)
    caller.reinvite()
    world.run(for: .seconds(1))
    #expect(caller.heard == .peer(phone.rtpPort))
    #expect(world.events.last == "contactResumed")
    caller.hangUp()
    expectNothingLeft(world)
  }

  @Test("Hold from the console plays music to the caller without a word to the phone")
  func consoleHolds() throws {
    let (world, caller, phone) = talk()
    let id = try #require(world.view(0)?.contacts.first?.id)
    world.ask(.hold(AgentID(index: 0), id))
    world.run(for: .milliseconds(100))
    #expect(caller.heard == .music)
    #expect(phone.heard == .silence)
    #expect(phone.log == ["INVITE", "ACK"])
    world.ask(.resume(AgentID(index: 0), id))
    #expect(caller.heard == .peer(phone.rtpPort))
    #expect(world.view(0)?.contacts.first?.state == .talking)
    caller.hangUp()
    expectNothingLeft(world)
  }

  @Test("A caller who holds while waiting hears nothing, and the agent who answers hears music")
  func holdsWhileWaiting() {
    let (world, caller, phones) = WorldTests.office()
    phones[0].answering = .accept(after: .seconds(3))
    caller.call()
    world.run(for: .seconds(1))
    caller.reinvite(.inactive)
    world.run(for: .seconds(1))
    #expect(caller.heard == .silence)
    world.run(for: .seconds(2))
    #expect(phones[0].heard == .music)
    #expect(world.events.last == "contactHeld")
    caller.reinvite()
    world.run(for: .seconds(1))
    #expect(caller.heard == .peer(phones[0].rtpPort))
    caller.hangUp()
    expectNothingLeft(world)
  }

  @Test("Both sides re-INVITE at once: each leg is its own, nothing waits for the other")
  func crossedReinvites() {
    let (world, caller, phone) = talk()
    caller.reinvite(.sendonly)
    phone.reinvite(.sendonly)
    world.run(for: .seconds(1))
    #expect(caller.heard == .silence)
    #expect(!caller.log.contains("491"))
    #expect(!phone.log.contains("491"))
    caller.reinvite()
    phone.reinvite()
    world.run(for: .seconds(1))
    #expect(caller.heard == .peer(phone.rtpPort))
    caller.hangUp()
    expectNothingLeft(world)
  }

  @Test("A re-INVITE without an offer is answered with ours, and the talk goes on")
  func delayedReinvite() {
    let (world, caller, phone) = talk()
    phone.reinvite(delayed: true)
    world.run(for: .seconds(1))
    #expect(phone.log.last == "200")
    #expect(caller.heard == .peer(phone.rtpPort))
    #expect(phone.heard == .peer(caller.rtpPort))
    caller.hangUp()
    expectNothingLeft(world)
  }

  @Test("The demo phone on hold from the console: music, then the echo again")
  func demoHold() throws {
    let world = World(.support([.demo]))
    let caller = Peer("alice", at: 6001, in: world)
    world.ready(0)
    caller.call()
    world.run(for: .seconds(1))
    let id = try #require(world.view(0)?.contacts.first?.id)
    world.ask(.hold(AgentID(index: 0), id))
    #expect(caller.heard == .music)
    world.ask(.resume(AgentID(index: 0), id))
    #expect(caller.heard == .echo)
    caller.hangUp()
    expectNothingLeft(world)
  }

  @Test("A far end that is silent for 30 s is asked nothing: it may be muted, or a queue's caller")
  func mediaSilent() throws {
    let (world, caller, phone) = talk()
    let (callerLog, phoneLog) = (caller.log, phone.log)
    for media in world.media.openIDs { world.feed(.media(.lost(media))) }
    world.run(for: .seconds(1))
    #expect(caller.log == callerLog && phone.log == phoneLog)
    caller.hangUp()
    expectNothingLeft(world)
  }

  @Test("The agent holds a caller who holds already: the hold ends when both have resumed")
  func bothHoldFromConsole() throws {
    let (world, caller, phone) = talk()
    let id = try #require(world.view(0)?.contacts.first?.id)
    caller.reinvite(.sendonly)
    world.run(for: .seconds(1))
    guard case .contact = world.ask(.hold(AgentID(index: 0), id)) else { return #expect(Bool(false)) }
    guard case .refused = world.ask(.hold(AgentID(index: 0), id)) else { return #expect(Bool(false)) }
    caller.reinvite()
    world.run(for: .seconds(1))
    #expect(caller.heard == .music)
    #expect(!world.events.contains("contactResumed"))
    world.ask(.resume(AgentID(index: 0), id))
    #expect(caller.heard == .peer(phone.rtpPort))
    #expect(world.events.last == "contactResumed")
    caller.hangUp()
    expectNothingLeft(world)
  }
}
