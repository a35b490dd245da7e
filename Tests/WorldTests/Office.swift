import ACD
import CallControl
import Primitives
import SIP
import Testing

/// One caller, and agents with a phone each, ready.
func office(
  phones: [UInt16] = [7001], weather: World.Weather = .fine, _ change: (inout Site) -> Void = { _ in }
) -> (world: World, caller: Peer, phones: [Peer]) {
  let world = World(.support(phones.map { phone(at: $0) }, change), weather: weather)
  let caller = Peer("alice", at: 6001, in: world)
  let peers = phones.map { Peer("phone\($0)", at: $0, in: world) }
  for agent in phones.indices { world.ready(agent) }
  return (world, caller, peers)
}

/// Forty seconds after everything is over nothing is left of it, here or at the peers.
func expectNothingLeft(_ world: World, but dead: Peer? = nil, sourceLocation: SourceLocation = #_sourceLocation) {
  world.run(for: .seconds(75))
  let counts = world.counts
  #expect(counts.dialogs == 0, sourceLocation: sourceLocation)
  #expect(counts.transactions == 0, sourceLocation: sourceLocation)
  #expect(counts.mediaPorts == 0, sourceLocation: sourceLocation)
  #expect(counts.contacts == 0, sourceLocation: sourceLocation)
  #expect(world.media.openIDs.isEmpty, sourceLocation: sourceLocation)
  #expect(world.media.mistakes.isEmpty, sourceLocation: sourceLocation)
  #expect(world.mistakes.isEmpty, sourceLocation: sourceLocation)
  for peer in world.peers where peer !== dead {
    #expect(peer.userAgent.dialogCount == 0, "\(peer.name)", sourceLocation: sourceLocation)
  }
}

extension Int64 {
  static func microseconds(_ n: Int64) -> Int64 { n }
}
