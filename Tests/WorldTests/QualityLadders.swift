import ACD
import CallControl
import Primitives
import SIP
import Testing

/// How well packets travel, as the media threads tell it and as records keep it.
@Suite("Quality of calls")
struct QualityLadders {
  private let good = Quality(packetsReceived: 250, lossIn: 0, lossOut: 0, jitter: 1_000, roundTrip: 20_000)
  private let bad = Quality(packetsReceived: 500, lossIn: 40_000, lossOut: 20_000, jitter: 9_000, roundTrip: nil)

  /// What the media threads say of the packets of a phone or a caller.
  private func tell(_ world: World, of peer: Peer, _ quality: Quality) throws {
    let media = try #require(
      world.media.openIDs.first { world.media.ports[$0]?.remote?.endpoint?.port == peer.rtpPort })
    world.feed(.media(.quality(media, quality)))
  }

  private func measured(_ world: World) -> [(contact: ContactID, side: Side, quality: Quality)] {
    world.records.compactMap { record in
      if case .legMeasured(let contact, let side, let quality) = record.event { (contact, side, quality) } else { nil }
    }
  }

  @Test("When a leg ends its contact's record keeps the means of its reports; counts are kept of each report")
  func means() throws {
    let (world, caller, phones) = office()
    caller.call()
    world.run(for: .seconds(3))
    try tell(world, of: caller, good)
    try tell(world, of: caller, bad)
    // Nothing came meanwhile, so nothing of it could be lost.
    try tell(world, of: caller, Quality(packetsReceived: 500, lossOut: 40_000))
    try tell(world, of: phones[0], good)
    #expect(world.view(0)?.contacts.first?.quality?.lossOut == 40_000)
    #expect(measured(world).isEmpty)
    caller.hangUp()
    world.run(for: .seconds(1))
    let measures = measured(world)
    #expect(measures.map(\.side) == [.contact, .agent])
    #expect(
      measures.map(\.quality) == [
        Quality(packetsReceived: 500, lossIn: 20_000, lossOut: 20_000, jitter: 5_000, roundTrip: 20_000), good,
      ])
    let counts = world.counts.quality
    #expect(counts.map { $0.lossIn.counts.reduce(0, +) } == [3, 1] && counts.map(\.lossIn.sum) == [40_000, 0])
    #expect(counts[0].roundTrip.counts.reduce(0, +) == 1)
    #expect(world.checkpoint == world.replayed)
    expectNothingLeft(world)
  }

  @Test("Reports go where the far end's SDP wants them (RFC 3605), else to the port after that of RTP")
  func reports() throws {
    let (world, caller, _) = office()
    func port(of peer: Peer) -> UInt16? {
      world.media.openIDs.lazy.compactMap { world.media.ports[$0]?.remote }
        .first { $0.endpoint?.port == peer.rtpPort }?.controlPort
    }
    caller.call(offering: "a=rtcp:34567\r\n")
    let other = Peer("bob", at: 6002, in: world)
    other.call()
    world.run(for: .seconds(1))
    #expect(port(of: caller) == 34_567 && port(of: other) == other.rtpPort + 1)
    caller.hangUp()
    other.hangUp()
    expectNothingLeft(world)
  }

  @Test("Of a call that ends before the first report nothing is journaled")
  func short() {
    let (world, caller, _) = office()
    caller.call()
    world.run(for: .seconds(3))
    caller.hangUp()
    world.run(for: .seconds(1))
    #expect(measured(world).isEmpty)
    expectNothingLeft(world)
  }

  @Test("Each segment of a call that is passed on keeps its own measures")
  func transferred() throws {
    let (world, caller, phones) = office()
    caller.call()
    world.run(for: .seconds(3))
    try tell(world, of: caller, good)
    try tell(world, of: phones[0], good)
    let id = try #require(world.view(0)?.contacts.first?.id)
    world.ask(.transfer(AgentID(index: 0), id, queue: "support"))
    #expect(measured(world).map(\.side) == [.agent, .contact])
    try tell(world, of: caller, bad)
    caller.hangUp()
    world.run(for: .seconds(1))
    let measures = measured(world)
    #expect(
      measures.map(\.quality) == [
        good, good, Quality(packetsReceived: 500, lossIn: 40_000, lossOut: 20_000, jitter: 9_000),
      ])
    #expect(measures[1].contact != measures[2].contact)
    expectNothingLeft(world)
  }

  @Test("An agent's page, which stays between calls, is measured anew in each")
  func page() throws {
    let (world, desk) = browserDesk()
    let caller = Peer("alice", at: 6001, in: world)
    for quality in [good, bad] {
      // Between calls it belongs to no contact.
      world.feed(.media(.quality(try #require(desk.media), bad)))
      caller.call()
      world.run(for: .seconds(1))
      world.ask(.accept(AgentID(index: 0), try #require(world.view(0)?.offer).offer))
      world.run(for: .seconds(1))
      world.feed(.media(.quality(try #require(desk.media), quality)))
      caller.hangUp()
      world.run(for: .seconds(10))
      #expect(measured(world).last?.side == .agent && measured(world).last?.quality == quality)
    }
    #expect(measured(world).count == 2)
    desk.hangUp()
    expectNothingLeft(world)
  }
}
