import ACD
import CallControl
import Primitives
import SDP
import SIP
import Testing

/// SIP callers whose media is DTLS-SRTP with ICE (RFC 5763), as softphones and gateways of browsers have it.
@Suite("SIP callers over DTLS-SRTP")
struct DTLSLadders {
  /// A site whose agent is ready at a phone of plain RTP, and a caller.
  private func office(_ change: (inout Site) -> Void = { _ in }) -> (world: World, caller: Peer, phone: Peer) {
    let world = World(
      .support([.registers(URI(user: "amina", host: "acme.example"), .init(user: "amina", password: "secret"))], change)
    )
    let caller = Peer("alice", at: 6001, in: world)
    caller.edge = Browser("alice", in: world)
    let phone = Peer("desk", at: 7001, in: world)
    phone.register(as: "amina", password: "secret")
    world.run(for: .seconds(1))
    return (world, caller, phone)
  }

  @Test("Answered as a browser is, over UDP too, hears music once DTLS is done, then the agent; and holds")
  func talks() throws {
    let (world, caller, phone) = office()
    let edge = try #require(caller.edge)
    caller.call()
    world.run(for: .milliseconds(20))
    #expect(edge.heard == .silence)
    world.run(for: .seconds(1))
    #expect(edge.answer?.attributes.contains { $0.name == "ice-lite" } == true)
    #expect(edge.answer?.media.first?.transport == "UDP/TLS/RTP/SAVPF")
    #expect(edge.heard == .music)
    world.ready(0)
    world.run(for: .seconds(3))
    #expect(edge.heard == .peer(phone.rtpPort))
    #expect(phone.heard == edge.sound)
    caller.reinvite(.sendonly)
    world.run(for: .seconds(1))
    #expect(edge.heard == .silence)
    #expect(phone.heard == .music)
    caller.reinvite()
    world.run(for: .seconds(1))
    #expect(edge.heard == .peer(phone.rtpPort) && phone.heard == edge.sound)
    #expect(world.checkpoint == world.replayed)
    caller.hangUp()
    expectNothingLeft(world)
  }

  @Test("Where the queue answers with the agent, it hears the agent after the 200")
  func answeredWithAgent() throws {
    let (world, caller, phone) = office { $0.queues[0].answer = .onAgent }
    let edge = try #require(caller.edge)
    caller.call()
    world.run(for: .seconds(1))
    #expect(caller.log == ["180"])
    world.ready(0)
    world.run(for: .seconds(3))
    #expect(caller.log == ["180", "200"])
    #expect(edge.heard == .peer(phone.rtpPort))
    #expect(phone.heard == edge.sound)
    phone.hangUp()
    world.run(for: .seconds(1))
    #expect(caller.dialog == nil)
    expectNothingLeft(world)
  }

  @Test("A call whose media never comes up is ended after five seconds, waiting or talking", arguments: [false, true])
  func neverConnects(talks: Bool) throws {
    let (world, caller, phone) = office()
    try #require(caller.edge).connects = nil
    caller.call()
    if talks { world.ready(0) }
    world.run(for: .milliseconds(4_900))
    #expect(caller.dialog != nil)
    world.run(for: .seconds(1))
    #expect(caller.dialog == nil && phone.dialog == nil)
    expectNothingLeft(world)
  }

  @Test("A caller who is not heard any more is shown as lost, and is back when heard again, or ends after ten seconds")
  func consent() throws {
    for returns in [true, false] {
      let (world, caller, _) = office()
      let edge = try #require(caller.edge)
      caller.call()
      world.ready(0)
      world.run(for: .seconds(3))
      let media = try #require(edge.media)
      edge.vanish()
      #expect(world.view(0)?.contacts.first?.isLost == true)
      world.run(for: .seconds(9))
      if returns {
        world.feed(.media(.connected(media)))
        #expect(world.view(0)?.contacts.first?.isLost == false)
        world.run(for: .seconds(9))
        #expect(caller.dialog != nil)
        caller.hangUp()
      } else {
        world.run(for: .seconds(2))
        #expect(caller.dialog == nil)
      }
      expectNothingLeft(world)
    }
  }

  @Test("Within the dialog ICE does not restart, and nobody is asked to offer: 488, and the call goes on")
  func restarts() throws {
    let (world, caller, phone) = office()
    let edge = try #require(caller.edge)
    caller.call()
    world.ready(0)
    world.run(for: .seconds(3))
    caller.reinvite(delayed: true)
    world.run(for: .seconds(1))
    edge.restartICE()
    caller.reinvite()
    world.run(for: .seconds(1))
    #expect(caller.log.suffix(2) == ["488", "488"])
    #expect(phone.heard != .silence && phone.heard != .music)
    caller.hangUp()
    expectNothingLeft(world)
  }

  @Test("DTLS without ICE is refused with a warning; where plain RTP is offered beside it, that is taken")
  func withoutICE() throws {
    let (world, caller, _) = office()
    caller.edge = nil
    let hash = Array(repeating: "AB", count: 32).joined(separator: ":")
    let dtls = "m=audio 6003 UDP/TLS/RTP/SAVPF 0\r\na=setup:actpass\r\na=fingerprint:sha-256 \(hash)\r\n"
    caller.call(offering: dtls)
    world.run(for: .seconds(1))
    #expect(caller.log == ["200"])
    #expect(caller.heard == .music)
    caller.hangUp()
    world.run(for: .seconds(1))
    caller.call(describing: "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n" + dtls)
    world.run(for: .seconds(1))
    #expect(caller.log.last == "488")
    #expect(caller.refusal?.header("Warning")?.contains("ICE") == true)
    expectNothingLeft(world)
  }
}
