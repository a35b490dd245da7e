import ACD
import CallControl
import Primitives
import SDP
import SIP
import Testing

/// An agent whose phone is a page, ready, and the page.
func browserDesk(
  _ change: (inout Site) -> Void = { _ in }
) -> (world: World, desk: Browser) {
  let world = World(.support([.browser], change))
  let desk = Browser("desk", agent: 0, in: world)
  desk.open()
  world.run(for: .seconds(1))
  world.ready(0)
  return (world, desk)
}

@Suite("An agent whose phone is a page")
struct PhonePageLadders {
  private let agent = AgentID(index: 0)

  /// The agent accepts in the console, or on the page.
  /// A visitor's page and the agent's, with the agent's acceptance under way.
  private func browsersInTalk() -> (world: World, desk: Browser, page: Browser) {
    let (world, desk) = browserDesk()
    let page = Browser("jo", in: world)
    page.call()
    world.run(for: .seconds(1))
    accept(world)
    return (world, desk, page)
  }

  private func accept(_ world: World, sourceLocation: SourceLocation = #_sourceLocation) {
    guard let offer = world.view(0)?.offer else {
      Issue.record("there is no offer", sourceLocation: sourceLocation)
      return
    }
    #expect(offer.acceptsInConsole, sourceLocation: sourceLocation)
    world.ask(.accept(agent, offer.offer))
  }

  @Test("The page registers its agent, takes calls one after the other on one session, and signs off")
  func callAfterCall() throws {
    let (world, desk) = browserDesk()
    #expect(desk.log == ["phone"])
    #expect(world.view(0)?.phone == "ok")
    #expect(world.view(0)?.phoneID == desk.phone)
    #expect(desk.heard == .silence)
    let caller = Peer("alice", at: 6001, in: world)
    for call in 0..<3 {
      caller.call()
      world.run(for: .seconds(1))
      #expect(caller.heard == .music)
      accept(world)
      world.run(for: .milliseconds(10))
      #expect(caller.heard == desk.sound)
      #expect(desk.heard == .peer(caller.rtpPort))
      if call == 1 {
        let id = try #require(world.view(0)?.contacts.first?.id)
        world.ask(.hangUp(id, .agent(agent)))
      } else {
        caller.hangUp()
      }
      world.run(for: .seconds(1))
      #expect(desk.heard == .silence)
      #expect(desk.isConnected)
      #expect(world.view(0)?.contacts.first?.state == .wrapUp)
      world.run(for: .seconds(5))
    }
    #expect(world.endCauses() == [.contactLeft, .agentLeft, .contactLeft])
    #expect(world.counts.mediaPorts == 1)
    #expect(world.checkpoint == world.replayed)
    desk.hangUp()
    #expect(world.view(0)?.phone == "unreachable")
    #expect(world.view(0)?.reason == "unreachable")
    #expect(world.view(0)?.phoneID == nil)
    expectNothingLeft(world)
  }

  @Test("Without its page the agent is not ready, and becomes ready with it")
  func reachable() {
    let world = World(.support([.browser]))
    let desk = Browser("desk", agent: 0, in: world)
    world.ready(0)
    #expect(world.view(0)?.reason == "unreachable")
    #expect(world.view(0)?.phone == "unreachable")
    desk.open()
    world.run(for: .milliseconds(10))
    // The answer alone is no link.
    #expect(world.view(0)?.phone == "unreachable")
    world.run(for: .seconds(1))
    #expect(world.view(0)?.state == "ready")
    #expect(world.view(0)?.phone == "ok")
    desk.hangUp()
    expectNothingLeft(world)
  }

  @Test(
    "A visitor and an agent talk from browser to browser, with Opus, and each side may hang up",
    arguments: [false, true])
  func browserToBrowser(visitorHangsUp: Bool) throws {
    let (world, desk, page) = browsersInTalk()
    world.run(for: .milliseconds(10))
    #expect(page.heard == desk.sound)
    #expect(desk.heard == page.sound)
    #expect(world.view(0)?.contacts.first?.codec == .opus)
    if visitorHangsUp { page.hangUp() } else { world.ask(.hangUp(try #require(page.contact), .agent(agent))) }
    world.run(for: .seconds(1))
    #expect(page.isClosed && desk.isConnected && !desk.isClosed)
    #expect(desk.heard == .silence)
    desk.hangUp()
    expectNothingLeft(world)
  }

  @Test("Hold and resume from the console")
  func holds() throws {
    let (world, desk, page) = browsersInTalk()
    let id = try #require(page.contact)
    world.ask(.hold(agent, id))
    #expect(page.heard == .music)
    #expect(desk.heard == .silence)
    world.ask(.resume(agent, id))
    #expect(page.heard == desk.sound && desk.heard == page.sound)
    page.hangUp()
    desk.hangUp()
    expectNothingLeft(world)
  }

  @Test("A newer page takes the phone over, in a call too, and the old one is told and may do nothing any more")
  func replaced() throws {
    let (world, desk, page) = browsersInTalk()
    world.run(for: .seconds(1))
    let second = Browser("second", agent: 0, in: world)
    second.open()
    world.run(for: .milliseconds(10))
    #expect(desk.isClosed)
    #expect(page.heard == .music)
    #expect(world.view(0)?.phone == "ok")
    let told = world.notices.compactMap { notice -> PhoneID? in
      if case .agentChanged(let view) = notice.body { view.phoneID } else { nil }
    }
    #expect(told.last == second.phone && second.phone != desk.phone)
    world.run(for: .milliseconds(100))
    #expect(page.heard == second.sound)
    #expect(second.heard == page.sound)
    desk.hangUp()
    desk.restartICE()
    #expect(desk.log.last?.hasPrefix("gone") == true)
    #expect(second.heard == page.sound)
    page.hangUp()
    second.hangUp()
    expectNothingLeft(world)
  }

  @Test(
    "The page is loaded anew between calls or in one; nobody notices, or hears music meanwhile",
    arguments: [false, true])
  func reloads(inTalk: Bool) {
    let (world, desk) = browserDesk()
    let page = Browser("jo", in: world)
    if inTalk {
      page.call()
      world.run(for: .seconds(1))
      accept(world)
      world.run(for: .seconds(1))
    }
    desk.vanish()
    world.run(for: .seconds(2))
    #expect(world.view(0)?.phone == "ok")
    if inTalk { #expect(page.heard == .music) }
    desk.reload()
    world.run(for: .seconds(1))
    #expect(world.view(0)?.state == "ready")
    #expect(world.events.filter { $0 == "agentNotReady" }.isEmpty)
    if inTalk {
      #expect(page.heard == desk.sound)
      page.hangUp()
    }
    world.run(for: .seconds(20))
    #expect(world.view(0)?.phone == "ok")
    desk.hangUp()
    expectNothingLeft(world)
  }

  @Test("A page that is gone for ten seconds: the agent is unreachable, a call ends, and the next caller waits")
  func vanishes() {
    let (world, desk, page) = browsersInTalk()
    world.run(for: .seconds(1))
    desk.vanish()
    world.run(for: .seconds(11))
    #expect(world.endCauses() == [.agentLeft])
    #expect(world.view(0)?.phone == "unreachable")
    #expect(page.isClosed)
    let second = Browser("second", in: world)
    second.call()
    world.run(for: .seconds(10))
    #expect(second.heard == .music)
    #expect(world.view(0)?.offer == nil)
    desk.open()
    world.run(for: .seconds(1))
    accept(world)
    world.run(for: .milliseconds(10))
    #expect(second.heard == desk.sound)
    second.hangUp()
    desk.hangUp()
    expectNothingLeft(world)
  }

  @Test(
    "Accepted while the page is away for a moment: joined when it is back, or back in the queue",
    arguments: [true, false])
  func acceptsWhileAway(comesBack: Bool) {
    let (world, desk) = browserDesk()
    let page = Browser("jo", in: world)
    page.call()
    world.run(for: .seconds(1))
    desk.vanish()
    accept(world)
    world.run(for: .seconds(2))
    #expect(page.heard == .music)
    if comesBack {
      desk.reload()
      world.run(for: .seconds(1))
      #expect(page.heard == desk.sound)
    } else {
      world.run(for: .seconds(4))
      #expect(
        world.records.contains { if case .acd(.offerFailed(_, _, _, .connect)) = $0.event { true } else { false } })
      #expect(world.state(of: page) == .queued || world.state(of: page) == .offering)
      #expect(page.heard == .music)
    }
    page.hangUp()
    desk.hangUp()
    expectNothingLeft(world)
  }

  @Test("ICE restarts of the agent's page leave the talk alone")
  func restartsICE() {
    let (world, desk, page) = browsersInTalk()
    desk.restartICE()
    world.run(for: .milliseconds(10))
    desk.restartICE(byOffer: true)
    world.run(for: .milliseconds(10))
    #expect(desk.log == ["phone", "fragment", "answer"])
    #expect(page.heard == desk.sound && desk.heard == page.sound)
    page.hangUp()
    desk.hangUp()
    expectNothingLeft(world)
  }

  @Test("A page never answers by itself, whatever the file says of the phone's answer")
  func neverAnswers() {
    let (world, desk) = browserDesk { $0.agents[0].phoneAnswer = .phone }
    let page = Browser("jo", in: world)
    page.call()
    world.run(for: .seconds(10))
    #expect(desk.heard == .silence)
    #expect(page.heard == .music)
    world.run(for: .seconds(15))
    #expect(world.events.contains("offerMissed"))
    page.hangUp()
    desk.hangUp()
    expectNothingLeft(world)
  }

  @Test("Where there is no port the page is refused, and may try again")
  func noPort() {
    let world = World(.support([.browser]))
    let desk = Browser("desk", agent: 0, in: world)
    world.media.isFull = true
    desk.open()
    world.run(for: .seconds(1))
    #expect(desk.log == ["overloaded"])
    world.media.isFull = false
    desk.open()
    world.run(for: .seconds(1))
    #expect(desk.log == ["overloaded", "phone"])
    #expect(world.view(0)?.phone == "ok")
    desk.hangUp()
    expectNothingLeft(world)
  }

  @Test("Whose phone is another cannot make a page of it")
  func notABrowser() {
    let world = World(.support([.demo]))
    let desk = Browser("desk", agent: 0, in: world)
    desk.open()
    #expect(desk.log.first?.hasPrefix("conflict") == true)
    let stranger = Browser("stranger", agent: 7, in: world)
    stranger.open()
    #expect(stranger.log.first?.hasPrefix("notFound") == true)
    expectNothingLeft(world)
  }

  @Test(
    "After a restart the agent is unreachable until the page is back, and then takes calls", arguments: [false, true])
  func restart(inTalk: Bool) {
    let (world, desk) = browserDesk()
    let caller = Peer("alice", at: 6001, in: world)
    if inTalk {
      caller.call()
      world.run(for: .seconds(1))
      accept(world)
      world.run(for: .seconds(1))
    }
    world.restart()
    world.run(for: .seconds(1))
    #expect(world.view(0)?.reason == "unreachable")
    #expect(world.checkpoint == world.replayed)
    if inTalk { #expect(world.endCauses() == [.restart]) }
    desk.open()
    world.run(for: .seconds(10))
    #expect(world.view(0)?.state == "ready")
    caller.call()
    world.run(for: .seconds(1))
    accept(world)
    world.run(for: .milliseconds(10))
    #expect(caller.heard == desk.sound)
    caller.hangUp()
    desk.hangUp()
    expectNothingLeft(world)
  }

  @Test("The site gives the agent another phone: the page is let go, and a call in it goes on until it ends")
  func reconfigured() {
    let (world, desk) = browserDesk()
    world.reconfigure(.support([.demo]))
    world.run(for: .seconds(1))
    #expect(desk.isClosed)
    #expect(world.view(0)?.phone == "demo")
    expectNothingLeft(world)
  }
}

@Suite("Pages that do anything at any time")
struct PageFuzz {
  @Test("Whatever visitors and agents do, nothing is left, and the journal tells the state", arguments: 0..<40)
  func anything(seed: Int) {
    let world = World(.support([.browser, phone(at: 7001)]), seed: UInt64(seed))
    let desk = Browser("desk", agent: 0, in: world)
    let phone = Peer("phone7001", at: 7001, in: world)
    phone.draws = { (world.draw() < 0.7 ? .accept(after: .seconds(1)) : .reject(status: 486, after: 100), nil) }
    world.ready(0, 1)
    let pages = (0..<4).map { Browser("page\($0)", in: world) }
    for _ in 0..<400 {
      world.run(for: Int64(world.draw() * 2_000_000))
      let page = world.draw() < 0.25 ? desk : pages[Int(world.draw() * 4)]
      switch Int(world.draw() * 12) {
      case 0, 1, 2:
        if page === desk { desk.open() }
        if page !== desk, !page.isWaiting, page.contact.flatMap(world.isOver) ?? true { page.call() }
      case 3: page.vanish()
      case 4: page.reload()
      case 5: page.restartICE(byOffer: world.draw() < 0.5)
      case 6: page.hold(["sendonly", "sendrecv", "inactive", "recvonly"][Int(world.draw() * 4)])
      case 7: page.hangUp()
      case 8: page.press(1)
      case 9: page.connects = world.draw() < 0.8 ? Int64(world.draw() * 3_000_000) : nil
      default:
        for agent in 0..<2 {
          guard let offer = world.view(agent)?.offer else { continue }
          world.ask(.accept(AgentID(index: UInt32(agent)), offer.offer))
        }
      }
      if world.view(0)?.state == "not_ready" { world.ask(.ready(AgentID(index: 0))) }
    }
    world.run(for: .seconds(1))
    for page in pages + [desk] { page.hangUp() }
    world.run(for: .seconds(300))
    #expect(world.checkpoint == world.replayed)
    expectNothingLeft(world)
  }
}

extension World {
  func isOver(_ id: PublicID) -> Bool {
    guard case .contact(let view) = ask(.describeContact(id)) else { return true }
    return view.state == .ended
  }
}
