import ACD
import Primitives
import Testing

/// Limits, hours and what they lead to.
@Suite struct OverflowTests {
  private func outcome(_ contact: ContactID, _ queue: Int, _ outcome: Outcome) -> Event {
    .outcomeFixed(contact, queue: QueueID(queue), agent: .none, outcome)
  }

  @Test("Past the wait limit a caller waits in the other queue, before those who came later")
  func waitLimit() throws {
    var floor = Floor(
      site(queues: 2) {
        $0.queues[0].waitLimit = .minutes(2)
        $0.queues[0].overflow.late = .queue(QueueID(1))
        $0.agents[0].queues = [.init(queue: QueueID(1))]
      })
    let old = floor.arrive(0)
    floor.pass(.minutes(1))
    let young = floor.arrive(1)
    let events = floor.pass(.minutes(1))
    #expect(events.contains(outcome(old, 0, .overflowed)))
    #expect(
      events.last == .contactQueued(old, queue: QueueID(1), profile: .init(index: 0), channel: .voice, priority: 0))
    #expect(floor.actions == [.moved(old, to: QueueID(1))])
    floor.signIn(0)
    #expect(floor.isOffered(old, to: 0))
    try floor.answer(0)
    // The wait is counted from the entry, where the contact left as much as where it was answered.
    #expect(floor.engine.summary(of: QueueID(1)).counters.answeredWait == .minutes(2))
    #expect(floor.engine.summary(of: QueueID(0)).counters.left == 1)
    #expect(floor.isWaiting(young))
  }

  @Test("Queues that overflow into each other pass a contact on four times")
  func loop() {
    var floor = Floor(
      site(queues: 2) {
        for queue in 0..<2 {
          $0.queues[queue].waitLimit = .minutes(1)
          $0.queues[queue].overflow.late = .queue(QueueID(1 - queue))
        }
      })
    let contact = floor.arrive(0)
    let events = floor.pass(.minutes(10))
    let hops = events.filter { $0 == outcome(contact, 0, .overflowed) || $0 == outcome(contact, 1, .overflowed) }
    #expect(hops.count == 4)
    #expect(events.last == outcome(contact, 0, .timedOut))
    #expect(floor.engine.state(of: contact) == nil)
  }

  @Test("A full queue refuses the newcomer, or lets go whoever has waited longest")
  func fullQueue() {
    var floor = Floor(site { $0.queues[0].waitingLimit = 1 })
    let first = floor.arrive()
    let second = floor.arrive()
    #expect(floor.actions == [.refuse(second, .full), .forget(second)])
    #expect(floor.isWaiting(first))

    floor = Floor(
      site {
        $0.queues[0].waitingLimit = 1
        $0.queues[0].overflow.candidate = .oldest
      })
    let old = floor.arrive()
    let new = floor.arrive()
    #expect(floor.isWaiting(new))
    #expect(floor.engine.state(of: old) == nil)
    #expect(floor.events.last == outcome(old, 0, .overflowed))
    #expect(floor.actions == [.release(old), .forget(old)])
  }

  @Test("A newcomer who is passed on has entered the full queue and left at once")
  func passedOnAtEntry() {
    var floor = Floor(
      site(queues: 2) {
        $0.queues[0].waitingLimit = 0
        $0.queues[0].overflow.full = .queue(QueueID(1))
      })
    let contact = floor.arrive(0)
    let counters = floor.engine.summary(of: QueueID(0)).counters
    #expect((counters.entered, counters.left, counters.refused) == (1, 1, 0))
    #expect(floor.engine.summary(of: QueueID(1)).counters.entered == 1)
    #expect(floor.isWaiting(contact))
  }

  @Test("A closed queue refuses, and opens to the microsecond")
  func hours() throws {
    let start = Instant(microseconds: 1_700_000_000_000_000)
    let hours = Hours(open: [
      start + .minutes(5)..<start + .minutes(10), start + .minutes(1)..<start + .minutes(2),
      start + .minutes(2)..<start + .minutes(3),
    ])
    #expect(hours.open.count == 2)
    #expect(hours.nextOpening(after: start) == start + .minutes(1))
    #expect(hours.nextOpening(after: start + .minutes(5)) == nil)
    var floor = Floor(site { $0.queues[0].hours = hours })
    let outside = floor.arrive()
    #expect(floor.events == [.contactRefused(outside, queue: QueueID(0), .closed)])
    floor.pass(.minutes(1) - 1)
    #expect(!hours.isOpen(at: floor.now))
    floor.pass(1)
    let inside = floor.arrive()
    #expect(floor.isWaiting(inside))
    // Who is inside is served after the close; nobody else comes in.
    floor.pass(.minutes(3))
    _ = floor.arrive()
    #expect(floor.events.count == 1)
    floor.signIn(0)
    #expect(floor.isOffered(inside, to: 0))
  }

  @Test("Staffed asks for somebody signed in with the skills; answerable for somebody free in time")
  func staffing() throws {
    var floor = Floor(
      site(agents: 2) {
        $0.names.skills = ["english"]
        $0.profiles.append(Profile(needs: [.init(skill: SkillID(index: 0), level: 50)]))
        $0.agents[1].skills = [.init(skill: SkillID(index: 0), level: 60)]
        $0.queues[0].overflow.staffing = .staffed
      })
    _ = floor.arrive()
    #expect(floor.events.count == 1, "nobody is signed in")
    floor.say(.agentSignedIn(AgentID(0)))
    let plain = floor.arrive()
    #expect(floor.isWaiting(plain), "an agent on a break is staff")
    let skilled = floor.arrive(0, profile: 1)
    #expect(floor.engine.state(of: skilled) == nil, "but has not the skill")
    floor.say(.agentSignedIn(AgentID(1)))
    let able = floor.arrive(0, profile: 1)
    #expect(floor.isWaiting(able))

    floor = Floor(
      site {
        $0.queues[0].wrapUp = .seconds(30)
        $0.queues[0].overflow.staffing = .answerable(within: .seconds(20))
      })
    floor.signIn(0)
    let talking = floor.arrive()
    try floor.answer(0)
    let early = floor.arrive()
    #expect(floor.engine.state(of: early) == nil, "three minutes are expected")
    floor.pass(.seconds(170))
    let late = floor.arrive()
    #expect(floor.isWaiting(late), "ten seconds are left of them")
    floor.say(.contactFinished(talking))
    let soon = floor.arrive()
    #expect(floor.engine.state(of: soon) == nil, "thirty seconds of wrap-up")
    floor.pass(.seconds(10))
    let inTime = floor.arrive()
    #expect(floor.isWaiting(inTime))
  }

  @Test("When the last agent signs out, those who wait are let go where the queue says so")
  func lastAgentGoes() {
    var floor = Floor(
      site {
        $0.queues[0].overflow.staffing = .staffed
        $0.queues[0].overflow.ejectsUnstaffed = true
      })
    floor.say(.agentSignedIn(AgentID(0)))
    let contact = floor.arrive()
    floor.say(.agentSignedOut(AgentID(0)))
    #expect(floor.events == [.agentSignedOut(AgentID(0)), outcome(contact, 0, .unstaffed)])
  }

  @Test("A chat leaves a message and is over; a call, which nobody records, is refused")
  func message() {
    var floor = Floor(
      site {
        $0.queues[0].waitingLimit = 0
        $0.queues[0].overflow.full = .message
      })
    let chat = floor.arrive(.chat)
    #expect(floor.events.last == outcome(chat, 0, .leftMessage))
    #expect(floor.actions == [.takeMessage(chat, .full)])
    let call = floor.arrive()
    #expect(floor.actions == [.refuse(call, .full), .forget(call)])
  }

  @Test("A wait limit that passes during a ring does not cut it short")
  func oneMoreChance() throws {
    var floor = Floor(
      site(queues: 2) {
        $0.queues[0].waitLimit = .seconds(30)
        $0.queues[0].overflow.late = .queue(QueueID(1))
      })
    let contact = floor.arrive(0)
    floor.pass(.seconds(25))
    floor.signIn(0)
    let offer = try #require(floor.offer(0))
    #expect(floor.pass(.seconds(19)).isEmpty)
    #expect(floor.isOffered(contact, to: 0))
    let events = floor.pass(.seconds(1))
    #expect(events.first == .offerMissed(offer, contact, AgentID(0)))
    #expect(events.contains(outcome(contact, 0, .overflowed)))
  }

  @Test("Scenario 16: 70 answered and 10 abandoned in time with 20 later are 77.8, 70 and 80 percent")
  func ciscoSample() throws {
    var floor = Floor(
      site {
        $0.queues[0].serviceLevel.within = .seconds(20)
        $0.queues[0].shortAbandon = .seconds(3)
      })
    floor.signIn(0)
    func contact(after wait: Int64, isAnswered: Bool) throws {
      floor.say(.agentNotReady(AgentID(0), .unspecified))
      let contact = floor.arrive()
      floor.pass(wait)
      floor.say(isAnswered ? .agentReady(AgentID(0)) : .contactLeft(contact))
      guard isAnswered else { return _ = floor.say(.agentReady(AgentID(0))) }
      try floor.answer(0)
      floor.say(.contactFinished(contact))
    }
    for _ in 0..<70 { try contact(after: .seconds(20), isAnswered: true) }
    for _ in 0..<10 { try contact(after: .seconds(20), isAnswered: false) }
    for _ in 0..<20 { try contact(after: .seconds(21), isAnswered: true) }
    for _ in 0..<5 { try contact(after: .seconds(3), isAnswered: false) }
    let counters = floor.engine.summary(of: QueueID(0)).counters
    #expect(counters.answeredWithin == 70)
    #expect(counters.abandonedWithin == 10)
    #expect(counters.answered + counters.abandoned == 100)
    #expect(counters.shortAbandoned == 5)
    #expect(counters.excessWait == 20 * .seconds(1))
    let (good, all) = (Double(counters.answeredWithin), Double(counters.answered + counters.abandoned))
    #expect(abs(good / (all - Double(counters.abandonedWithin)) - 0.778) < 0.0005)
    #expect(good / all == 0.7)
    #expect((good + Double(counters.abandonedWithin)) / all == 0.8)
  }
}
