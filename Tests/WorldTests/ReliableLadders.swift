import ACD
import CallControl
import Primitives
import SDP
import SIP
import Testing

@Suite("Callers who acknowledge provisional responses (RFC 3262)")
struct ReliableLadders {
  /// A queue that answers on agent; its one phone answers after `answer`, or never.
  private func reliable(
    _ header: String = "Supported", answer: Int64? = .seconds(3), weather: World.Weather = .fine
  ) -> (world: World, caller: ReliableCaller, phone: Peer) {
    let (world, _, phones) = office(weather: weather) {
      $0.queues[0].answer = .onAgent
      $0.definitions.queues[0].ring = .minutes(5)
    }
    phones[0].answering = answer.map { .accept(after: $0) } ?? .ring
    return (world, ReliableCaller(header, in: world), phones[0])
  }

  @Test(
    "Music is heard through a reliable 183, and the 200 at the bridge brings no SDP",
    arguments: ["Supported", "Require"], [false, true])
  func earlyMedia(header: String, delaysOffer: Bool) throws {
    let (world, caller, phone) = reliable(header)
    caller.delaysOffer = delaysOffer
    caller.call()
    world.run(for: .seconds(1))
    #expect(caller.log == ["183", "200 PRACK"])
    #expect(caller.heard == .music)
    #expect(caller.responses.first?.require == ["100rel"])
    world.run(for: .seconds(3))
    #expect(caller.log == ["183", "200 PRACK", "200"])
    #expect(try #require(caller.responses.last).body.isEmpty)
    #expect(caller.copies == 0)
    #expect(caller.heard == .peer(phone.rtpPort))
    #expect(phone.heard == .peer(caller.rtpPort))
    #expect(world.checkpoint == world.replayed)
    caller.hangUp()
    world.run(for: .seconds(1))
    #expect(caller.log.last == "200 BYE")
    #expect(world.endCauses() == [.contactLeft])
    expectNothingLeft(world)
  }

  @Test(
    "A lost 183, PRACK or 200 to PRACK is made good", arguments: ["183 INVITE", "PRACK", "200 PRACK"], [false, true])
  func losses(name: String, delaysOffer: Bool) {
    let (world, caller, phone) = reliable()
    caller.delaysOffer = delaysOffer
    world.dropping = [name]
    caller.call()
    world.run(for: .milliseconds(400))
    #expect(world.dropping.isEmpty)
    #expect(caller.log == (name == "183 INVITE" ? [] : ["183"]))
    world.run(for: .seconds(1))
    #expect(caller.log == ["183", "200 PRACK"])
    // Only where the PRACK was late is there a reason to repeat the 183.
    #expect(caller.copies == (name == "PRACK" ? 1 : 0))
    #expect(caller.heard == .music)
    world.run(for: .seconds(3))
    #expect(caller.log == ["183", "200 PRACK", "200"])
    #expect(caller.heard == .peer(phone.rtpPort))
    caller.hangUp()
    expectNothingLeft(world)
  }

  @Test("The 200 waits for the PRACK, and the journal knows whether it has left", arguments: [false, true])
  func finalWaits(restarts: Bool) {
    let (world, caller, phone) = reliable(answer: .milliseconds(200))
    world.dropping = ["PRACK", "PRACK"]
    caller.call()
    world.run(for: .milliseconds(1_200))
    #expect(phone.log.contains("ACK"))
    #expect(caller.log == ["183"])
    if restarts {
      world.restart()
      world.run(for: .seconds(5))
      #expect(caller.log.contains("480"))
      #expect(!caller.log.contains("200"))
    } else {
      world.run(for: .seconds(1))
      #expect(caller.log == ["183", "200 PRACK", "200"])
      #expect(caller.heard == .peer(phone.rtpPort))
      #expect(world.checkpoint == world.replayed)
      world.restart()
      world.run(for: .seconds(5))
      #expect(caller.log.last == "BYE")
    }
    expectNothingLeft(world)
  }

  @Test("A caller who never acknowledges gets 504 after 64*T1, and has left")
  func unacknowledged() {
    let (world, caller, phone) = reliable(answer: nil)
    caller.isSilent = true
    caller.call()
    world.run(for: .milliseconds(31_900))
    #expect(caller.log == ["183"])
    // T1, doubled without a ceiling: 0.5, 1.5, 3.5, 7.5, 15.5 and 31.5 s.
    #expect(caller.copies == 6)
    world.run(for: .seconds(1))
    #expect(caller.log == ["183", "504"])
    #expect(world.outcomes() == [.abandoned])
    #expect(phone.log.contains("CANCEL"))
    expectNothingLeft(world)
  }

  @Test("Every minute another reliable 183 follows, without SDP, and CANCEL ends the wait")
  func everyMinute() throws {
    let (world, caller, _) = reliable("Require", answer: nil)
    caller.call()
    world.run(for: .seconds(150))
    #expect(caller.log == ["183", "200 PRACK", "183", "200 PRACK", "183", "200 PRACK"])
    let first = try #require(caller.sequences.first)
    #expect(caller.sequences == [first, first + 1, first + 2])
    #expect(caller.responses.map(\.body.isEmpty) == [false, true, true])
    #expect(caller.heard == .music)
    caller.cancel()
    world.run(for: .seconds(1))
    #expect(caller.log.last == "487")
    #expect(world.outcomes() == [.abandoned])
    expectNothingLeft(world)
  }

  @Test("A PRACK for nothing, or for what was acknowledged, gets 481")
  func unmatched() throws {
    let (world, caller, _) = reliable(answer: nil)
    caller.isSilent = true
    caller.call()
    world.run(for: .milliseconds(100))
    let rseq = try #require(caller.sequences.first)
    for number in [rseq + 1, rseq, rseq] {
      caller.acknowledge(number)
      world.run(for: .milliseconds(100))
    }
    #expect(caller.log == ["183", "481 PRACK", "200 PRACK", "481 PRACK"])
    caller.cancel()
    expectNothingLeft(world)
  }

  @Test("An offer in a PRACK is answered in its 200, and an UPDATE may hold before the bridge")
  func moreOffers() {
    let (world, caller, phone) = reliable()
    caller.offersInPrack = true
    caller.call()
    world.run(for: .seconds(1))
    #expect(caller.log == ["183", "200 PRACK"])
    #expect(caller.heard == .music)
    caller.update(.sendonly)
    world.run(for: .milliseconds(500))
    #expect(caller.log.last == "200 UPDATE")
    #expect(caller.heard == .silence)
    caller.update(.sendrecv)
    world.run(for: .seconds(3))
    #expect(caller.log == ["183", "200 PRACK", "200 UPDATE", "200 UPDATE", "200"])
    #expect(caller.heard == .peer(phone.rtpPort))
    caller.hangUp()
    expectNothingLeft(world)
  }

  @Test("BYE in the early dialog ends the call")
  func early() {
    let (world, caller, _) = reliable(answer: nil)
    caller.call()
    world.run(for: .seconds(1))
    caller.hangUp()
    world.run(for: .seconds(1))
    #expect(caller.log.suffix(2).sorted() == ["200 BYE", "487"])
    #expect(world.outcomes() == [.abandoned])
    expectNothingLeft(world)
  }

  @Test("With a fifth of all datagrams lost and others repeated the call succeeds", arguments: 1...12)
  func badWeather(seed: Int) {
    let world = World(
      .support([phone(at: 7001)]) { $0.queues[0].answer = .onAgent }, seed: UInt64(seed),
      weather: .init(loss: 0.2, repetition: 0.1, delay: 1_000...80_000))
    let desk = Peer("phone7001", at: 7001, in: world)
    desk.answering = .accept(after: .milliseconds(100))
    world.ready(0)
    let caller = ReliableCaller(seed % 2 == 0 ? "Require" : "Supported", in: world)
    caller.delaysOffer = seed % 3 == 0
    caller.call()
    world.run(for: .seconds(40))
    #expect(caller.log.prefix(1) == ["183"])
    #expect(caller.log.contains("200"))
    #expect(world.outcomes().contains(.answered))
    caller.hangUp()
    expectNothingLeft(world)
  }

  @Test("No 183 leaves before its commit on a slow disk, nor a copy before it")
  func slowDisk() {
    let (world, caller, phone) = reliable("Require", answer: .seconds(1))
    world.commitDelay = .seconds(2)
    caller.call()
    world.run(for: .milliseconds(1_900))
    #expect(caller.log == [])
    world.run(for: .seconds(20))
    #expect(caller.log == ["183", "200 PRACK", "200"])
    #expect(caller.heard == .peer(phone.rtpPort))
    #expect(world.overtaking.isEmpty, "\(world.overtaking)")
    world.commitDelay = 0
    caller.hangUp()
    expectNothingLeft(world)
  }
}
