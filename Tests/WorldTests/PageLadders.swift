import ACD
import CallControl
import Primitives
import SDP
import SIP
import Testing

@Suite("A call from a web page")
struct PageLadders {
  /// A visitor's page, and agents with a phone each, ready.
  private func shop(
    phones: [UInt16] = [7001], _ change: (inout Site) -> Void = { _ in }
  ) -> (world: World, page: Browser, phones: [Peer]) {
    let (world, _, phones) = office(phones: phones, change)
    return (world, Browser("jo", in: world), phones)
  }

  @Test("A visitor presses, hears music, an agent's phone rings, both talk, and the visitor hangs up")
  func wholeCall() throws {
    let (world, page, phones) = shop()
    page.call()
    world.run(for: .milliseconds(50))
    #expect(page.log == ["call"])
    #expect(page.heard == .silence)
    // Nobody rings for a page that cannot hear yet.
    #expect(phones[0].log.isEmpty)
    world.run(for: .milliseconds(50))
    #expect(page.heard == .music)
    #expect(phones[0].log == ["INVITE"])
    world.run(for: .seconds(2))
    #expect(page.heard == .peer(phones[0].rtpPort))
    #expect(phones[0].heard == page.sound)
    #expect(world.outcomes() == [.answered])
    page.hangUp()
    world.run(for: .seconds(1))
    #expect(phones[0].log == ["INVITE", "ACK", "BYE"])
    #expect(page.isClosed)
    #expect(world.endCauses() == [.contactLeft])
    expectNothingLeft(world)
  }
}
