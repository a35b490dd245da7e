import ACD
import CallControl
import Primitives
import SIP
import Testing

@Suite("A disk that takes two seconds for a commit")
struct SlowDisk {
  /// An office whose disk has become slow.
  private func slowOffice(
    onAgent: Bool, weather: World.Weather = .fine
  ) -> (world: World, caller: Peer, phones: [Peer]) {
    let (world, caller, phones) = office(weather: weather) { $0.queues[0].answer = onAgent ? .onAgent : .onEntry }
    world.commitDelay = .seconds(2)
    return (world, caller, phones)
  }

  /// Lets what waits be committed, and expects that nothing went before its time.
  private func expectOrder(_ world: World, sourceLocation: SourceLocation = #_sourceLocation) {
    world.run(for: .seconds(5))
    world.commitDelay = 0
    #expect(world.overtaking.isEmpty, "\(world.overtaking)", sourceLocation: sourceLocation)
    expectNothingLeft(world, sourceLocation: sourceLocation)
  }

  @Test("No retransmission leaves before the message it repeats, and the call succeeds", arguments: [false, true])
  func call(onAgent: Bool) {
    let (world, caller, phones) = slowOffice(onAgent: onAgent)
    caller.call()
    world.run(for: .milliseconds(1_900))
    #expect(caller.log == [])
    #expect(phones[0].log == [])
    world.run(for: .seconds(15))
    #expect(world.outcomes() == [.answered])
    #expect(caller.heard == .peer(phones[0].rtpPort))
    #expect(phones[0].heard == .peer(caller.rtpPort))
    caller.hangUp()
    world.run(for: .milliseconds(1_900))
    #expect(!phones[0].log.contains("BYE"))
    world.run(for: .seconds(5))
    #expect(phones[0].log.contains("BYE"))
    #expect(world.endCauses() == [.contactLeft])
    expectOrder(world)
  }

  @Test("A caller who gives up while the phone's INVITE waits for its commit leaves no ringing phone")
  func cancelled() {
    let (world, caller, phones) = slowOffice(onAgent: true)
    phones[0].answering = .ring
    caller.call()
    world.run(for: .seconds(1))
    caller.cancel()
    world.run(for: .seconds(10))
    #expect(phones[0].log.first == "INVITE")
    #expect(phones[0].log.contains("CANCEL"))
    #expect(world.outcomes() == [.abandoned])
    expectOrder(world)
  }

  @Test("An agent who hangs up before the caller's 200 is committed ends the call on both sides", arguments: [1, 2, 3])
  func hungUpAtOnce(seed: Int) {
    let weather = World.Weather(loss: 0.1, repetition: 0.1, delay: 1_000...Int64(seed) * 30_000)
    let (world, caller, phones) = slowOffice(onAgent: true, weather: weather)
    phones[0].talks = .milliseconds(100)
    caller.call()
    world.run(for: .seconds(60))
    #expect(world.outcomes() == [.answered])
    #expect(world.endCauses().count == 1)
    #expect(caller.userAgent.dialogCount == 0)
    expectOrder(world)
  }
}
