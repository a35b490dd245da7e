import API
import Testing

@testable import Console

@Suite struct ModelTests {
  private func expect(
    _ desk: Desk, _ calls: [Call], _ lines: [String], sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let news = desk.news()
    #expect(news.calls == calls, sourceLocation: sourceLocation)
    #expect(news.lines == lines, sourceLocation: sourceLocation)
  }

  @Test("An agent who is signed out is signed in at the start, and only then")
  func signsIn() {
    let desk = Desk()
    desk.tell(.linkUp)
    desk.tell(.reset(.init(agent: Desk.amina("signed_out"))))
    #expect(desk.news().calls == [.readChoices, .signIn])
    desk.tell(.reset(.init(agent: Desk.amina("signed_out"))))
    #expect(desk.news().calls == [])
  }

  @Test("At the end of the input the console leaves once it knows whether there is a server, and remembers that")
  func endOfInput() {
    let absent = Desk()
    absent.tell(.end)
    #expect(!absent.hasLeft)
    absent.tell(.linkLost)
    #expect(absent.hasLeft && absent.model.hasEnded && !absent.model.hasBeenUp)
    let present = Desk()
    present.tell(.end)
    present.tell(.linkUp)
    #expect(present.hasLeft && present.model.hasBeenUp)
    let lost = Desk()
    lost.tell(.linkUp)
    lost.tell(.linkLost)
    lost.tell(.end)
    #expect(lost.hasLeft && lost.model.hasBeenUp, "a link that was lost is no server that is not there")
  }

  @Test("An agent on a break is left there")
  func keepsBreak() {
    let desk = Desk()
    desk.tell(.reset(.init(agent: Desk.amina("not_ready", reason: "lunch"))))
    #expect(desk.news().calls == [.readChoices])
  }

  @Test("An offer is announced once, accepted by its id, and its ending is told once")
  func offer() throws {
    let desk = try Desk.ready()
    desk.tell(.offerMade(Desk.offer()))
    desk.tell(.agentChanged(Desk.amina(offer: Desk.offer())))
    #expect(desk.news().lines == ["OFFER: of_10 chat support Jo Lee waited 3:10 ends in 18s"])
    desk.type("a")
    #expect(desk.news().calls == [.accept(offer: "of_10")])
    desk.tell(.offerEnded(OfferEnd(id: "of_10", ending: "accepted")))
    desk.tell(.offerEnded(OfferEnd(id: "of_10", ending: "accepted")))
    #expect(desk.news().lines == ["END: of_10 accepted"])
    desk.type("a", ":reject")
    expect(desk, [], ["ERR: there is no offer", "ERR: there is no offer"])
  }

  @Test("An offer that only the phone can answer is not accepted here, but may be rejected here")
  func phoneOffer() throws {
    let desk = try Desk.ready(offer: Desk.offer(inConsole: false))
    desk.type("a", "r")
    expect(desk, [.decline(offer: "of_10")], ["ERR: answer on your phone"])
  }

  @Test("A chat that is taken, talked in, ended and wrapped up")
  func chat() throws {
    let desk = try Desk.ready()
    desk.tell(.contactChanged(Desk.contact("1", "connecting", name: "Jo", answered: nil)))
    desk.tell(.contactAnswered(Desk.contact("1", name: "Jo")))
    var news = desk.news()
    #expect(news.calls == [.readMessages(contact: "ct_1")])
    #expect(news.lines == ["CONTACT: ct_1 connecting chat support Jo", "CONTACT: ct_1 talking chat support Jo"])
    desk.tell(.messageCreated(Desk.message(12, of: "1", "visitor", "Jo", "second")))
    try desk.answer(
      .readMessages(contact: "ct_1"),
      Page(items: [
        Desk.message(9, of: "1", "visitor", "Jo", "first"), Desk.message(12, of: "1", "visitor", "Jo", "second"),
      ]))
    #expect(desk.news().lines == ["MSG: ct_1 visitor Jo: second", "MSG: ct_1 visitor Jo: first"])
    #expect(desk.model.messages["ct_1"]?.map(\.text) == ["first", "second"])
    desk.type("i good morning", ":say again", "e")
    news = desk.news()
    #expect(
      news.calls == [
        .say(contact: "ct_1", text: "good morning"), .say(contact: "ct_1", text: "again"), .hangUp(contact: "ct_1"),
      ])
    desk.tell(.contactEnded(Desk.contact("1", "ended", name: "Jo", ending: "agent_left")))
    desk.tell(
      .agentChanged(
        Desk.amina(contacts: [Desk.contact("1", "wrap_up", name: "Jo", ending: "agent_left", wrapUpEnds: 15)])))
    #expect(desk.news().lines == ["END: ct_1 agent_left", "CONTACT: ct_1 wrap_up chat support Jo"])
    desk.type("w solved", "w 2", "w")
    #expect(
      desk.news().calls == [
        .wrapUp(contact: "ct_1", code: "solved"), .wrapUp(contact: "ct_1", code: "follow_up"),
        .wrapUp(contact: "ct_1", code: nil),
      ])
  }

  @Test("h holds what talks and resumes what is held")
  func hold() throws {
    let desk = try Desk.ready(contacts: [Desk.contact("1", channel: "voice")])
    desk.type("h")
    desk.tell(.contactChanged(Desk.contact("1", "held", channel: "voice")))
    desk.type(":hold")
    #expect(
      desk.news().calls
        == [
          .readMessages(contact: "ct_1"), .hold(contact: "ct_1"), .resume(contact: "ct_1"),
        ].suffix(2))
  }

  @Test("States are ready, or away with a reason by name or number")
  func states() throws {
    let desk = try Desk.ready()
    desk.type("s ready", "s away lunch", "s away 2", "s away", "s asleep")
    let news = desk.news()
    #expect(
      news.calls == [.ready, .notReady(reason: "lunch"), .notReady(reason: "pause"), .notReady(reason: nil)])
    #expect(news.lines == ["ERR: state is ready, or away with one of: lunch, pause"])
    desk.tell(.agentChanged(Desk.amina("not_ready", reason: "lunch")))
    #expect(desk.news().lines == ["STATE: not_ready lunch phone ok"])
  }

  @Test("Commands mean the contact taken last, until another is chosen")
  func selection() throws {
    let desk = try Desk.ready(contacts: [Desk.contact("1", name: "Jo")])
    desk.tell(.contactAnswered(Desk.contact("2", name: "Mia")))
    desk.type("e", "n", "e")
    #expect(desk.news().calls.suffix(2) == [.hangUp(contact: "ct_2"), .hangUp(contact: "ct_1")])
    desk.type("p")
    #expect(desk.model.current?.id == "ct_2")
  }

  @Test("A contact whose joining failed leaves the agent's list")
  func queuedAgain() throws {
    let desk = try Desk.ready()
    desk.tell(.contactChanged(Desk.contact("1", "connecting")))
    desk.tell(.contactQueued(Desk.contact("1", "queued")))
    #expect(desk.model.current == nil)
    #expect(desk.news().lines.last == "END: ct_1 queued")
  }

  @Test("A lost link drops no contact, counts its seconds, and a resumed stream goes on")
  func lostLink() throws {
    let desk = try Desk.ready(contacts: [Desk.contact("1", name: "Jo")])
    desk.tell(.linkLost)
    desk.seconds = 4
    desk.tell(.linkLost)
    desk.tell(.tick)
    #expect(desk.model.current?.id == "ct_1")
    #expect(Screen.draw(desk.model).lines[0].contains("LINK LOST 4s"))
    desk.tell(.linkUp)
    #expect(desk.news().lines == ["LINK: lost", "LINK: up after 0:04"])
  }

  @Test("A stream that could not be resumed reads the messages again, and says only the new ones")
  func resetAgain() throws {
    let contact = Desk.contact("1", name: "Jo")
    let desk = try Desk.ready(contacts: [contact])
    desk.tell(.messageCreated(Desk.message(1, of: "1", "visitor", "Jo", "one")))
    _ = desk.news()
    desk.tell(.reset(.init(agent: Desk.amina(contacts: [contact]))))
    expect(desk, [.readMessages(contact: "ct_1")], [])
    try desk.answer(
      .readMessages(contact: "ct_1"),
      Page(items: [
        Desk.message(1, of: "1", "visitor", "Jo", "one"), Desk.message(2, of: "1", "visitor", "Jo", "two"),
      ]))
    #expect(desk.news().lines == ["MSG: ct_1 visitor Jo: two"])
  }

  @Test("Text typed while the link is lost stays in its line")
  func textStays() throws {
    let desk = try Desk.ready(contacts: [Desk.contact("1")])
    desk.tell(.linkLost)
    desk.press("ihello")
    desk.press(.enter)
    #expect(desk.news().calls == [])
    #expect(desk.model.draft.string == "hello")
    desk.tell(.linkUp)
    desk.press(.enter)
    #expect(desk.news().calls == [.say(contact: "ct_1", text: "hello")])
    #expect(desk.model.draft.string == "")
  }

  @Test("Queues are read once a second, never twice at a time, and not at all without the right to")
  func queues() throws {
    let desk = try Desk.ready()
    desk.tell(.tick)
    desk.tell(.tick)
    #expect(desk.news().calls == [.readQueues])
    var changed = Desk.queues
    changed[0].waiting = 0
    changed[0].oldestEnteredAt = nil
    try desk.answer(.readQueues, Page(items: changed))
    #expect(desk.news().lines == ["QUEUE: sales waiting 0 ready 1/6 wait 0-1m"])
    desk.tell(.tick)
    desk.fail(.readQueues, .refused(status: 403, detail: "no"))
    _ = desk.news()
    desk.tell(.tick)
    #expect(desk.news().calls == [])
    #expect(!Screen.draw(desk.model).lines.contains { $0.contains("[1]") })
  }

  @Test("q signs out and leaves when that is done, or at once without a link")
  func quit() throws {
    let desk = try Desk.ready()
    desk.type("q")
    #expect(desk.news().calls == [.signOut] && !desk.hasLeft)
    desk.succeed(.signOut)
    #expect(desk.hasLeft)
    let other = try Desk.ready()
    other.tell(.linkLost)
    other.press("q")
    #expect(other.hasLeft)
  }

  @Test("A refusal is one line that says what the server said")
  func refusal() throws {
    let desk = try Desk.ready()
    desk.fail(.accept(offer: "of_1"), .refused(status: 409, detail: "it is\nover"))
    #expect(desk.news().lines == ["ERR: accept of_1: it is\\nover"])
  }

  @Test("Esc never reaches the server, whatever is on the screen")
  func escape() throws {
    let desk = try Desk.ready(contacts: [Desk.contact("1")], offer: Desk.offer())
    for keys in ["", "i", ":", "w", "s", "?"] {
      desk.press(keys)
      desk.press(.escape)
      #expect(desk.model.focus == .commands)
    }
    #expect(desk.news().calls == [])
  }

  @Test("An attendant sees who waits, picks by number, and hears who has gone")
  func picks() throws {
    let desk = try Desk.ready()
    desk.type("1")
    #expect(desk.news().lines == ["ERR: you are no attendant: contacts are offered to you"])
    var attendant = Desk.amina()
    attendant.waiting = [Desk.contact("7", name: "Jo"), Desk.contact("8", name: "Al")]
    desk.tell(.agentChanged(attendant))
    #expect(desk.news().lines.map { $0.prefix(12) } == ["WAIT: 1 ct_7", "WAIT: 2 ct_8"])
    let lines = Screen.draw(desk.model).lines
    #expect(lines.contains { $0.contains("[1-9] Waiting: pick any") })
    #expect(lines.contains { $0.contains("2 C Al") })
    desk.press("2")
    #expect(desk.news().calls == [.pick(contact: "ct_8")])
    desk.press("3")
    #expect(desk.news().lines == ["ERR: pick is a number from 1 to 2"])
    attendant.waiting = [Desk.contact("7", name: "Jo")]
    desk.tell(.agentChanged(attendant))
    #expect(desk.news().lines == ["GONE: ct_8"])
  }

  @Test("A contact is passed on to a queue by its name or its number")
  func transfer() throws {
    let desk = try Desk.ready(contacts: [Desk.contact("1")])
    try desk.answer(.readChoices, Choices(reasons: [], codes: [:], queues: ["sales", "support"]))
    desk.type("t 2", ":transfer sales", "t")
    let news = desk.news()
    #expect(news.calls == [.transfer(contact: "ct_1", queue: "support"), .transfer(contact: "ct_1", queue: "sales")])
    #expect(news.lines == ["ERR: t needs one of: sales, support"])
    desk.press("t")
    #expect(desk.model.hint == "queues: 1 sales  2 support")
  }

  @Test("What visitors send cannot steer the terminal or forge a line")
  func hostile() throws {
    let desk = try Desk.ready(contacts: [Desk.contact("1", name: "Jo\u{1B}[2J\nOFFER: x")])
    desk.tell(.messageCreated(Desk.message(3, of: "1", "visitor", "J\u{202E}o", "a\u{1B}]0;x\u{07}\r\nERR: b\u{9B}1m")))
    #expect(desk.news().lines == ["MSG: ct_1 visitor Jo: a]0;x\\nERR: b1m"])
    let steering = Screen.draw(desk.model).lines.joined().unicodeScalars.filter {
      $0.value < 0x20 || (0x7F...0x9F).contains($0.value) || $0.value == 0x202E
    }
    #expect(steering.isEmpty)
  }
}

@Suite struct CallerNameTests {
  private func name(_ name: String?, _ attributes: [String: String] = [:]) -> String {
    Desk.contact("jo-1234", name: name, attributes: attributes).caller
  }

  @Test("A name that the site of the page vouches for says so; one that only claims it says that")
  func verified() {
    #expect(name("Jo Lee", ["verified.name": "Jo Lee"]) == "Jo Lee (verified)")
    #expect(name("u-7", ["verified.sub": "u-7"]) == "u-7 (verified)")
    #expect(name("Jo Lee") == "Jo Lee")
    #expect(name("Jo Lee", ["verified.tier": "gold", "page.verified.name": "Jo Lee"]) == "Jo Lee")
    #expect(name("Jo Lee (Verified)") == "not verified: Jo Lee (Verified)")
    #expect(name(nil) == "guest-1234")
  }

  @Test("A call's line tells by what it came, and how well its packets travel once that is known")
  func quality() throws {
    var jo = Desk.contact("jo", channel: "voice", name: "Jo Park")
    (jo.origin, jo.codec) = ("web", "opus")
    let desk = try Desk.ready(contacts: [jo])
    func line(_ quality: Quality?) -> String? {
      if let quality {
        desk.tell(.quality(ContactQuality(contact: "ct_jo", side: "contact", codec: "opus", quality: quality)))
      }
      return desk.model.current?.path
    }
    #expect(line(nil) == "voice/web opus")
    #expect(line(Quality(lossIn: 0, lossOut: 0, jitterSeconds: 0, roundTripSeconds: nil)) == "voice/web opus  loss 0%")
    #expect(
      line(Quality(lossIn: 0.0004, lossOut: 0, jitterSeconds: 0, roundTripSeconds: 0.0412))
        == "voice/web opus  loss 0%  rtt 41ms")
    #expect(
      line(Quality(lossIn: 0.001, lossOut: 0.004, jitterSeconds: 0, roundTripSeconds: 0))
        == "voice/web opus  loss 0.4%  rtt 0ms")
    #expect(
      line(Quality(lossIn: 0.126, lossOut: 0, jitterSeconds: 0, roundTripSeconds: 1.2))
        == "voice/web opus  loss 13%  rtt 1200ms")
    let call = Screen.draw(desk.model).lines.first { $0.contains("voice/web opus") }
    #expect(call?.contains("loss 13%  rtt 1200ms   queue support   waited 1:50") == true)
  }
}
