import ACD
import CallControl
import Primitives
import SIP
import Testing

/// One caller, one agent with a phone at 7001, ready.
private func office(
  phones: [UInt16] = [7001], weather: World.Weather = .fine, _ change: (inout Site) -> Void = { _ in }
) -> (world: World, caller: Peer, phones: [Peer]) {
  let world = World(.support(phones.map { phone(at: $0) }, change), weather: weather)
  let caller = Peer("alice", at: 6001, in: world)
  let peers = phones.map { Peer("phone\($0)", at: $0, in: world) }
  for agent in phones.indices { world.ready(agent) }
  return (world, caller, peers)
}

/// Forty seconds after everything is over nothing is left of it.
private func expectNothingLeft(_ world: World, sourceLocation: SourceLocation = #_sourceLocation) {
  world.run(for: .seconds(60))
  let counts = world.counts
  #expect(counts.dialogs == 0, sourceLocation: sourceLocation)
  #expect(counts.transactions == 0, sourceLocation: sourceLocation)
  #expect(counts.mediaPorts == 0, sourceLocation: sourceLocation)
  #expect(counts.contacts == 0, sourceLocation: sourceLocation)
  #expect(world.media.openIDs.isEmpty, sourceLocation: sourceLocation)
  #expect(world.media.mistakes.isEmpty, sourceLocation: sourceLocation)
  for peer in world.peers {
    #expect(peer.userAgent.dialogCount == 0, "\(peer.name)", sourceLocation: sourceLocation)
  }
}

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
}
