import ACD
import CallControl
import Primitives
import SDP
import SIP
import Testing

/// A visitor's page, and agents with a phone each, ready.
func shop(
  phones: [UInt16] = [7001], _ change: (inout Site) -> Void = { _ in }
) -> (world: World, page: Browser, phones: [Peer]) {
  let (world, _, phones) = office(phones: phones, change)
  return (world, Browser("jo", in: world), phones)
}

extension World {
  func state(of page: Browser) -> ContactView.State? {
    guard let id = page.contact, case .contact(let view) = ask(.describeContact(id)) else { return nil }
    return view.state
  }

  /// What the visitor of the page was told, by state, without repetitions.
  func told(_ page: Browser) -> [ContactView.State] {
    notices.filter { $0.contact == page.contact }.compactMap { notice -> ContactView.State? in
      switch notice.body {
      case .contactQueued(let view), .contactChanged(let view), .contactAnswered(let view): view.state
      case .contactEnded: .ended
      default: nil
      }
    }.reduce(into: []) { if $0.last != $1 { $0.append($1) } }
  }
}

@Suite("A call from a web page")
struct PageLadders {
  @Test("A visitor presses, hears music, an agent's phone rings, both talk, and the visitor hangs up")
  func wholeCall() {
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
    #expect(world.told(page) == [.queued, .offering, .connecting, .talking, .ended])
    expectNothingLeft(world)
  }

  @Test("The agent hangs up: the page is told, and its DTLS is closed")
  func agentHangsUp() {
    let (world, page, phones) = shop()
    page.call()
    world.run(for: .seconds(2))
    phones[0].hangUp()
    world.run(for: .seconds(1))
    #expect(page.isClosed)
    #expect(world.told(page).last == .ended)
    #expect(world.endCauses() == [.agentLeft])
    expectNothingLeft(world)
  }

  @Test(
    "A visitor who hangs up while an agent rings leaves no offer", arguments: [ContactView.State.queued, .offering])
  func hangsUpEarly(state: ContactView.State) {
    let (world, page, phones) = shop(phones: state == .queued ? [] : [7001])
    phones.first?.answering = .ring
    page.call()
    world.run(for: .seconds(3))
    #expect(world.state(of: page) == state)
    page.hangUp()
    world.run(for: .seconds(1))
    if let phone = phones.first {
      #expect(phone.log == ["INVITE", "CANCEL", "ACK"])
      #expect(world.view(0)?.state == "ready")
    }
    #expect(world.outcomes() == [.abandoned])
    expectNothingLeft(world)
  }

  @Test("A page answers on entry and on agent alike, for its answer cannot wait")
  func answersAtOnce() {
    let (world, page, _) = shop(phones: []) { $0.queues[0].answer = .onAgent }
    page.call()
    world.run(for: .milliseconds(200))
    #expect(page.heard == .music)
    page.hangUp()
    expectNothingLeft(world)
  }

  @Test("Where the disk is slow, neither answer nor contact is there before its commit")
  func slowDisk() {
    let (world, page, phones) = shop()
    world.commitDelay = .seconds(2)
    page.call()
    world.run(for: .milliseconds(1_900))
    #expect(page.log.isEmpty)
    #expect(world.notices.allSatisfy { $0.contact == nil })
    world.run(for: .seconds(10))
    #expect(page.heard == .peer(phones[0].rtpPort))
    #expect(world.overtaking.isEmpty)
    page.hangUp()
    world.run(for: .seconds(5))
    world.commitDelay = 0
    expectNothingLeft(world)
  }

  // MARK: Links that break

  @Test("A page that never connects is offered to nobody after five seconds, and abandoned after two minutes")
  func neverConnects() {
    let (world, page, phones) = shop()
    page.connects = nil
    page.call()
    world.run(for: .seconds(6))
    #expect(phones[0].log.isEmpty)
    #expect(world.view(0)?.offer == nil)
    #expect(world.view(0)?.state == "ready")
    world.run(for: .seconds(121))
    #expect(phones[0].log.isEmpty)
    #expect(world.outcomes() == [.abandoned])
    #expect(world.events.filter { $0 == "offerMissed" }.isEmpty)
    expectNothingLeft(world)
  }

  @Test("A page that connects late is offered then")
  func connectsLate() {
    let (world, page, phones) = shop()
    page.connects = .seconds(8)
    page.call()
    world.run(for: .seconds(7))
    #expect(world.view(0)?.offer == nil)
    world.run(for: .seconds(3))
    #expect(page.heard == .peer(phones[0].rtpPort))
    page.hangUp()
    expectNothingLeft(world)
  }

  @Test("A waiting page that vanishes keeps its place: after 20 s it is not offered, after 120 s it has abandoned")
  func vanishesWaiting() {
    let (world, page, _) = shop(phones: [])
    page.call()
    world.run(for: .seconds(5))
    page.vanish()
    world.run(for: .seconds(19))
    #expect(world.events.contains("contactLost") == false)
    world.run(for: .seconds(2))
    #expect(world.events.contains("contactLost"))
    world.run(for: .seconds(98))
    #expect(world.outcomes().isEmpty)
    world.run(for: .seconds(2))
    #expect(world.outcomes() == [.abandoned])
    expectNothingLeft(world)
  }

  @Test("No offer is made for a page without a link, and nobody is blamed")
  func offeredWithoutLink() {
    let (world, page, phones) = shop { $0.definitions.queues[0].ring = .seconds(5) }
    world.ask(.notReady(AgentID(index: 0), reason: nil))
    page.call()
    world.run(for: .seconds(5))
    page.vanish()
    world.ready(0)
    world.run(for: .seconds(8))
    #expect(phones[0].log.isEmpty)
    #expect(world.view(0)?.state == "ready")
    page.reload()
    world.run(for: .seconds(2))
    #expect(page.heard == .peer(phones[0].rtpPort))
    page.hangUp()
    expectNothingLeft(world)
  }

  @Test("A page that is loaded anew in the queue keeps its place before a later caller")
  func reloadsInQueue() {
    let (world, page, phones) = shop()
    world.ask(.notReady(AgentID(index: 0), reason: nil))
    let later = Browser("later", in: world)
    page.call()
    world.run(for: .seconds(5))
    later.call()
    world.run(for: .seconds(5))
    page.vanish()
    world.run(for: .seconds(2))
    page.reload()
    world.run(for: .seconds(1))
    #expect(page.log == ["call", "answer"])
    #expect(page.heard == .music)
    world.ready(0)
    world.run(for: .seconds(2))
    #expect(page.heard == .peer(phones[0].rtpPort))
    #expect(later.heard == .music)
    page.hangUp()
    later.hangUp()
    expectNothingLeft(world)
  }

  @Test("A page that is loaded anew while an agent rings is there when the agent answers")
  func reloadsWhileRinging() {
    let (world, page, phones) = shop()
    phones[0].answering = .accept(after: .seconds(3))
    page.call()
    world.run(for: .seconds(1))
    page.vanish()
    world.run(for: .seconds(3))
    #expect(world.state(of: page) == .connecting)
    page.reload()
    world.run(for: .seconds(1))
    #expect(page.heard == .peer(phones[0].rtpPort))
    #expect(phones[0].log == ["INVITE", "ACK"])
    page.hangUp()
    expectNothingLeft(world)
  }

  @Test(
    "A page that is loaded anew in talk: the agent hears music and sees LOST, and talks on", arguments: [false, true])
  func reloadsInTalk(unnoticed: Bool) throws {
    let (world, page, phones) = shop()
    page.call()
    world.run(for: .seconds(3))
    if !unnoticed {
      page.vanish()
      world.run(for: .seconds(1))
      #expect(phones[0].heard == .music)
      #expect(try #require(world.view(0)?.contacts.first).isLost)
    }
    world.run(for: .seconds(2))
    page.reload()
    world.run(for: .milliseconds(20))
    #expect(phones[0].heard == .music)
    world.run(for: .milliseconds(500))
    #expect(page.heard == .peer(phones[0].rtpPort))
    #expect(phones[0].heard == page.sound)
    #expect(try #require(world.view(0)?.contacts.first).isLost == false)
    #expect(world.events.contains("contactHeld") == false)
    page.hangUp()
    world.run(for: .seconds(1))
    #expect(world.endCauses() == [.contactLeft])
    expectNothingLeft(world)
  }

  @Test("A page that does not come back in talk ends the call after ten seconds")
  func vanishesInTalk() {
    let (world, page, phones) = shop()
    page.call()
    world.run(for: .seconds(3))
    page.vanish()
    world.run(for: .seconds(9))
    #expect(world.endCauses().isEmpty)
    world.run(for: .seconds(2))
    #expect(world.endCauses() == [.contactLeft])
    #expect(phones[0].log.last == "BYE")
    expectNothingLeft(world)
  }

  @Test("A link that comes back by itself goes on", arguments: [false, true])
  func linkComesBack(inTalk: Bool) throws {
    let (world, page, phones) = shop(phones: inTalk ? [7001] : [])
    page.call()
    world.run(for: .seconds(3))
    let media = try #require(page.media)
    world.feed(.media(.lost(media)))
    world.run(for: .seconds(5))
    world.feed(.media(.connected(media)))
    world.run(for: .seconds(60))
    #expect(page.heard == (inTalk ? .peer(phones.first?.rtpPort ?? 0) : .music))
    page.hangUp()
    expectNothingLeft(world)
  }

  @Test("ICE restarts by a fragment or by an sdpOffer; the talk goes on meanwhile", arguments: [false, true])
  func restartsICE(byOffer: Bool) throws {
    let (world, page, phones) = shop()
    page.call()
    world.run(for: .seconds(3))
    let before = try #require(page.transport)
    let media = try #require(page.media)
    page.restartICE(byOffer: byOffer)
    world.run(for: .milliseconds(10))
    #expect(page.log == ["call", byOffer ? "answer" : "fragment"])
    let after = try #require(page.transport)
    #expect(after.ice.ufrag != before.ice.ufrag && after.ice.password != before.ice.password)
    #expect(after.fingerprint == before.fingerprint)
    #expect(page.media == media)
    #expect(phones[0].heard == page.sound)
    #expect(page.heard == .peer(phones[0].rtpPort))
    // Candidates that trickle in afterwards need no answer.
    let id = try #require(page.contact)
    let fragment =
      "a=ice-ufrag:\(page.ufrag)\r\na=ice-pwd:abcdefghijklmnopqrstuv1\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\n"
    #expect(
      world.ask(.trickle(.visitor(id), fragment: Array((fragment + "a=end-of-candidates\r\n").utf8))) == .done)
    guard case .refused(.invalid) = world.ask(.trickle(.visitor(id), fragment: Array("hello".utf8))) else {
      return #expect(Bool(false), "a fragment that is none was taken")
    }
    page.hangUp()
    expectNothingLeft(world)
  }

  @Test("A page holds with `sendonly`, and each side hears what the other wants")
  func holds() {
    let (world, page, phones) = shop()
    page.call()
    world.run(for: .seconds(3))
    page.hold("sendonly")
    world.run(for: .milliseconds(100))
    #expect(phones[0].heard == .music)
    #expect(page.heard == .silence)
    #expect(world.state(of: page) == .held)
    page.hold("sendrecv")
    world.run(for: .milliseconds(100))
    #expect(phones[0].heard == page.sound)
    #expect(world.state(of: page) == .talking)
    let id = page.contact ?? PublicID(high: 0, low: 0)
    world.ask(.hold(AgentID(index: 0), id))
    #expect(page.heard == .music)
    world.ask(.resume(AgentID(index: 0), id))
    #expect(page.heard == .peer(phones[0].rtpPort))
    page.hangUp()
    expectNothingLeft(world)
  }

  @Test("A second request before the first is answered is a conflict, and changes nothing")
  func twoRequests() throws {
    let (world, page, _) = shop(phones: [])
    page.call()
    world.run(for: .seconds(1))
    page.restartICE()
    page.restartICE()
    world.run(for: .seconds(1))
    #expect(page.log.count == 3)
    #expect(page.log[1].hasPrefix("conflict"))
    #expect(page.log[2] == "fragment")
    page.hangUp()
    page.restartICE()
    #expect(page.log.last?.hasPrefix("gone") == true)
    expectNothingLeft(world)
  }

  // MARK: Refusals

  @Test("What cannot be talked with is refused with the reason, and leaves nothing")
  func refusedOffers() throws {
    let (world, page, _) = shop {
      $0.entries.append(.init(name: "web:chat", queue: $0.entries[0].queue, channels: [.chat]))
    }
    func reply(_ entry: String, _ change: (String) -> String = { $0 }) -> Reply? {
      let offer = Array(change(String(decoding: page.offer(), as: UTF8.self)).utf8)
      let request = world.give(.openCall(CallRequest(visitor: ChatRequest(entry: entry), sdpOffer: offer)))
      world.run(for: .milliseconds(10))
      return world.replies[request]
    }
    #expect(reply("web:nowhere") == .refused(.notFound("there is no entry web:nowhere")))
    #expect(reply("web:chat") == .refused(.refused(.channel)))
    guard case .refused(.invalid(let text)) = reply("web:shop", { _ in "hello" }) else {
      return #expect(Bool(false), "no SDP at all was taken")
    }
    #expect(text.contains("byte"))
    #expect(
      reply("web:shop") { $0.replacing("m=audio 9", with: "m=audio 0") }
        == .refused(.unusable(NegotiationError.noAudio.warning.text)))
    #expect(
      reply("web:shop") {
        $0.replacing("opus/", with: "speex/").replacing("PCM", with: "XCM").replacing(" 0 8 ", with: " ")
      }
        == .refused(.unusable(NegotiationError.noCommonCodec.warning.text)))
    #expect(
      reply("web:shop") { $0.replacing("a=fingerprint", with: "a=footprint") }
        == .refused(.unusable(NegotiationError.fingerprint.warning.text)))
    world.media.isFull = true
    #expect(reply("web:shop") == .refused(.overloaded))
    world.media.isFull = false
    #expect(world.records.allSatisfy { if case .contactOpened = $0.event { false } else { true } })
    expectNothingLeft(world)
  }

  @Test("A full queue is 503 for a page, and the port is given back")
  func full() {
    let (world, page, _) = shop(phones: []) { $0.definitions.queues[0].waitingLimit = 1 }
    let second = Browser("second", in: world)
    page.call()
    world.run(for: .seconds(1))
    second.call()
    world.run(for: .seconds(1))
    #expect(second.log == ["refused(ACD.Refusal.full)"])
    #expect(world.media.openIDs.count == 1)
    page.hangUp()
    expectNothingLeft(world)
  }

  @Test("A process about to stop takes no call, and tells those that there are")
  func stopping() {
    let (world, page, _) = shop()
    let second = Browser("second", in: world)
    page.call()
    world.run(for: .seconds(3))
    second.call()
    world.feed(.stopping)
    world.run(for: .seconds(1))
    #expect(second.log == ["overloaded"])
    #expect(page.isClosed)
    #expect(world.told(page).last == .ended)
    expectNothingLeft(world)
  }

  // MARK: Codecs

  @Test("G.711 where nobody who may answer has better; else Opus; and the other one where the browser lacks it")
  func codecs() throws {
    func codec(_ codecs: [String]? = nil, _ change: (inout Site) -> Void) throws -> AudioCodec {
      let (world, page, _) = shop(change)
      if let codecs { page.codecs = codecs }
      page.call()
      world.run(for: .seconds(1))
      let id = try #require(page.contact)
      guard case .contact(let view) = world.ask(.describeContact(id)) else { throw Missing() }
      let line = try #require(page.answer?.media.first)
      // One codec, and telephone-event of the same clock rate.
      #expect(line.formats.count == 2)
      return try #require(view.codec)
    }
    #expect(try codec { _ in } == .pcmu)
    #expect(try codec(["8 PCMA/8000"]) { _ in } == .pcma)
    #expect(try codec(["111 opus/48000/2"]) { _ in } == .opus)
    #expect(try codec { $0.agents[0].phone = .browser } == .opus)
    #expect(try codec(["8 PCMA/8000"]) { $0.agents[0].phone = .browser } == .pcma)
    #expect(try codec { $0.agents[0].codecs = [.opus, .pcma] } == .opus)
    #expect(
      try codec { site in
        // A step of the ladder leads to a queue where somebody has a browser.
        site.definitions.names.queues.append("sales")
        site.definitions.queues.append(QueueDefinition(name: "sales"))
        site.queues.append(Site.QueueProfile())
        var agent = AgentDefinition(name: "other")
        agent.queues = [.init(queue: QueueID(index: 1))]
        site.definitions.names.agents.append("other")
        site.definitions.agents.append(agent)
        site.agents.append(Site.AgentProfile(displayName: "Other", phone: .browser))
        site.definitions.queues[0].ladder = [.init(after: .seconds(60), changes: [.also(QueueID(index: 1))])]
      } == .opus)
  }

  private struct Missing: Error {}

  @Test("A phone with Opus is offered what the page talks with first")
  func phoneWithOpus() throws {
    let (world, page, phones) = shop { $0.agents[0].codecs = [.pcma, .opus] }
    phones[0].codecs = [.opus, .pcma]
    page.call()
    world.run(for: .seconds(2))
    let invite = try #require(phones[0].invites.first)
    #expect(SessionDescription(of: invite)?.media.first?.formats.first == "111")
    #expect(world.media.codec(at: phones[0].rtpPort) == .opus)
    page.hangUp()
    expectNothingLeft(world)
  }

  // MARK: Announcements

  @Test("A closed queue with an announcement answers the page, which hears it, and then it is over")
  func closedWithAnnouncement() throws {
    let (world, page, _) = shop { site in
      site.definitions.queues[0].hours = Hours(open: [])
      site.queues[0].announcements[Int(Occasion.closed.rawValue)] = .init(
        file: "closed.wav", music: 1, length: .seconds(4))
    }
    page.call()
    world.run(for: .milliseconds(40))
    #expect(page.log == ["call"])
    #expect(world.state(of: page) == .announcing)
    world.run(for: .seconds(1))
    #expect(page.heard == .music)
    world.run(for: .seconds(4))
    #expect(page.isClosed)
    #expect(world.told(page) == [.announcing, .ended])
    expectNothingLeft(world)
  }

  @Test("A page that has waited too long hears it, and is told the end when it is over; or hangs up before")
  func lateWithAnnouncement() {
    for hangsUp in [false, true] {
      let (world, page, _) = shop(phones: []) { site in
        site.definitions.queues[0].waitLimit = .seconds(30)
        site.queues[0].announcements[Int(Occasion.late.rawValue)] = .init(
          file: "late.wav", music: 1, length: .seconds(4))
      }
      page.call()
      world.run(for: .seconds(32))
      #expect(world.outcomes() == [.timedOut])
      #expect(page.heard == .music)
      #expect(world.told(page) == [.queued, .announcing])
      if hangsUp { page.hangUp() }
      world.run(for: .seconds(3))
      #expect(world.told(page) == [.queued, .announcing, .ended])
      #expect(page.isClosed)
      expectNothingLeft(world)
    }
  }

  // MARK: Restart

  @Test(
    "The process dies at any moment of a call: both sides are free, and what was promised is counted", arguments: 0..<12
  )
  func restarts(moment: Int) {
    let (world, page, phones) = shop()
    phones[0].answering = .accept(after: .seconds(1))
    page.call()
    world.run(
      for: [0, 100, 250, 10_000, 50_000, 61_000, 63_000, 500_000, 1_064_000, 1_066_000, 2_000_000, 5_000_000][moment])
    world.restart()
    world.run(for: .seconds(1))
    #expect(world.checkpoint == world.replayed)
    let opened = world.events.filter { $0 == "contactOpened" }.count
    #expect(world.outcomes().count == opened)
    #expect(world.outcomes().allSatisfy { $0 == .failed || $0 == .answered })
    #expect(world.endCauses().allSatisfy { $0 == .restart })
    // The page finds nobody who knows it, and calls again.
    page.reload()
    if let last = page.log.last, opened == 1 { #expect(last.hasPrefix("gone")) }
    page.call()
    world.run(for: .seconds(10))
    #expect(page.heard == .peer(phones[0].rtpPort))
    page.hangUp()
    expectNothingLeft(world)
  }

  @Test("The journal replayed is the live state, at every moment of a call")
  func replay() {
    let (world, page, phones) = shop()
    phones[0].talks = .seconds(5)
    page.call()
    for step in 0..<30 {
      world.run(for: .milliseconds(300))
      if step == 8 { page.vanish() }
      if step == 11 { page.reload() }
      #expect(world.checkpoint == world.replayed)
    }
    #expect(world.endCauses() == [.agentLeft])
    expectNothingLeft(world)
  }

  @Test("How well packets travel is told to the visitor and to the agent, of the person's leg")
  func quality() throws {
    let (world, page, _) = shop()
    page.call()
    world.run(for: .seconds(3))
    let quality = Quality(packetsReceived: 150, lossIn: 10_000, lossOut: 0, jitter: 3_000, roundTrip: 41_000)
    world.feed(.media(.quality(try #require(page.media), quality)))
    let notice = try #require(world.notices.last)
    guard case .quality(let view) = notice.body else { return #expect(Bool(false), "no notice") }
    #expect(view.quality == quality && view.side == .contact && view.codec == .pcmu)
    #expect(notice.contact == page.contact && notice.agent == AgentID(index: 0))
    let contact = try #require(world.view(0)?.contacts.first)
    #expect(contact.quality == quality && contact.origin == "web" && contact.codec == .pcmu)
    page.hangUp()
    expectNothingLeft(world)
  }
}
