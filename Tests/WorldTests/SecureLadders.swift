import ACD
import CallControl
import Primitives
import SIP
import Testing

@Suite("Phones and callers over TLS")
struct SecureLadders {
  private func site(_ scheme: String = "sip", _ change: (inout Site) -> Void = { _ in }) -> Site {
    .support([
      .registers(URI(scheme: scheme, user: "amina", host: "acme.example"), .init(user: "amina", password: "secret"))
    ]) {
      $0.listen.sip.tls = 5061
      change(&$0)
    }
  }

  /// A caller over UDP and an agent's phone, registered over TLS.
  private func desk() -> (world: World, caller: Peer, phone: Peer) {
    let world = World(site())
    let caller = Peer("alice", at: 6001, in: world)
    let phone = Peer("desk", at: 7001, over: .tls, in: world)
    phone.register(as: "amina", password: "secret")
    world.run(for: .seconds(1))
    return (world, caller, phone)
  }

  @Test("A phone registers over TLS, and is called on that connection with a Contact that says so")
  func registers() throws {
    let (world, caller, phone) = desk()
    #expect(phone.registered == [401, 200])
    #expect(world.view(0)?.phone == "ok")
    world.ready(0)
    caller.call()
    world.run(for: .seconds(3))
    #expect(caller.heard == .peer(phone.rtpPort))
    let invite = try #require(phone.invites.first)
    #expect(invite.topVia.transport == "TLS")
    #expect(invite.header("contact") == "<sip:127.0.0.1:5061;transport=tls>")
    #expect(world.misdirected.isEmpty && world.opened.isEmpty)
    #expect(world.checkpoint == world.replayed)
    caller.hangUp()
    expectNothingLeft(world)
  }

  @Test("When its connection breaks the phone is unreachable at once, and rings on the next one it registers over")
  func reconnects() {
    let (world, caller, phone) = desk()
    world.ready(0)
    phone.loseConnection()
    #expect(world.view(0)?.phone == "unreachable")
    caller.call()
    world.run(for: .seconds(5))
    #expect(phone.log.isEmpty && world.opened.isEmpty)
    phone.register(as: "amina", password: "secret")
    world.run(for: .seconds(3))
    #expect(caller.heard == .peer(phone.rtpPort))
    #expect(world.misdirected.isEmpty)
    caller.hangUp()
    expectNothingLeft(world)
  }

  @Test("A call outlives the phone's connection, and its BYE goes over the one that the phone registered anew")
  func callOutlivesConnection() {
    let (world, caller, phone) = desk()
    world.ready(0)
    caller.call()
    world.run(for: .seconds(3))
    phone.loseConnection()
    world.run(for: .seconds(2))
    #expect(caller.heard == .peer(phone.rtpPort))
    phone.register(as: "amina", password: "secret")
    world.run(for: .seconds(2))
    caller.hangUp()
    world.run(for: .seconds(1))
    // Without SRTP it was asked twice.
    #expect(phone.log == ["INVITE", "ACK", "INVITE", "ACK", "BYE"])
    #expect(world.misdirected.isEmpty && world.opened.isEmpty)
    #expect(world.checkpoint == world.replayed)
    expectNothingLeft(world)
  }

  @Test("A phone with a SIPS address registers over TLS only; without it the right password is refused, too")
  func secureAccount() throws {
    let world = World(site("sips"))
    let plain = Peer("plain", at: 7001, in: world)
    plain.register(as: "amina", password: "secret")
    world.run(for: .seconds(1))
    #expect(plain.registered == [401, 403])
    #expect(world.view(0)?.phone == "unreachable")
    let phone = Peer("desk", at: 7002, over: .tls, in: world)
    phone.contactScheme = "sips"
    phone.register(as: "amina", password: "secret")
    world.run(for: .seconds(1))
    #expect(phone.registered == [401, 200])
    world.ready(0)
    let caller = Peer("alice", at: 6001, in: world)
    caller.call()
    world.run(for: .seconds(3))
    #expect(caller.heard == .peer(phone.rtpPort))
    let invite = try #require(phone.invites.first)
    #expect(invite.requestURI.scheme == "sips")
    #expect(invite.header("contact") == "<sips:127.0.0.1:5061>")
    caller.hangUp()
    expectNothingLeft(world)
  }

  @Test("A caller may ask for a queue by a SIPS URI over TLS; over UDP that is refused")
  func secureCaller() {
    let world = World(site())
    let caller = Peer("alice", at: 6001, over: .tls, in: world)
    caller.call("sips:support@acme.example")
    world.run(for: .seconds(1))
    #expect(caller.log == ["200"])
    #expect(caller.heard == .music)
    #expect(world.misdirected.isEmpty && world.opened.isEmpty)
    caller.hangUp()
    expectNothingLeft(world)
    let plain = Peer("bob", at: 6002, in: world)
    plain.call("sips:support@acme.example")
    // The caller's own user agent knows better than to send it.
    #expect(plain.log == ["480"])
  }

  @Test("After a restart a phone behind TLS is unreachable until it registers over a new connection")
  func restart() {
    let world = World(site())
    let phone = Peer("desk", at: 7001, over: .tls, in: world)
    phone.register(as: "amina", password: "secret")
    world.run(for: .seconds(1))
    world.ready(0)
    world.restart()
    #expect(world.view(0)?.phone == "unreachable")
    #expect(world.checkpoint == world.replayed)
    phone.register(as: "amina", password: "secret")
    world.run(for: .seconds(1))
    #expect(world.view(0)?.phone == "ok")
  }
}
