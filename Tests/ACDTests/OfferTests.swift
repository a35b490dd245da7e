import ACD
import Primitives
import Testing

@Suite struct OfferTests {
  @Test("A contact is offered, accepted, answered and ended, in that order")
  func life() throws {
    var floor = Floor(site { $0.queues[0].wrapUp = .seconds(30) })
    floor.signIn(0)
    let contact = floor.arrive()
    let offer = try #require(floor.offer(0))
    #expect(
      floor.events == [
        .contactQueued(contact, queue: QueueID(0), profile: ProfileID(index: 0), channel: .voice, priority: 0),
        .offerMade(contact, queue: QueueID(0), agent: AgentID(0)),
      ])
    #expect(floor.actions == [.ring(offer, contact, AgentID(0))])
    #expect(floor.say(.offerAccepted(offer)) == [.offerAccepted(offer, contact, AgentID(0))])
    #expect(floor.actions == [.connect(offer, contact, AgentID(0))])
    #expect(floor.engine.state(of: contact) == .connecting(offer, AgentID(0)))
    #expect(
      floor.say(.offerConnected(offer)) == [
        .outcomeFixed(contact, queue: QueueID(0), agent: AgentID(0), .answered)
      ])
    #expect(floor.engine.state(of: contact) == .answered(AgentID(0)))
    floor.pass(.seconds(60))
    let until = floor.now + .seconds(30)
    #expect(
      floor.say(.contactLeft(contact)) == [
        .contactEnded(contact, agent: AgentID(0), .contactLeft), .wrapUpStarted(AgentID(0), contact, until: until),
      ])
    #expect(floor.actions == [.release(contact)])
    #expect(floor.engine.nextDeadline == until)
    #expect(floor.pass(.seconds(30)) == [.wrapUpEnded(AgentID(0), contact, .none)])
    #expect(floor.actions == [.forget(contact)])
    #expect(floor.engine.state(of: contact) == nil)
    #expect(floor.engine.nextDeadline == nil)
  }

  @Test("An event, an input and an action are at most 32 bytes and trivial")
  func sizes() {
    #expect(MemoryLayout<Event>.stride <= 32)
    #expect(MemoryLayout<Input>.stride <= 32)
    #expect(MemoryLayout<Action>.stride <= 32)
    #expect(_isPOD(Event.self) && _isPOD(Input.self) && _isPOD(Action.self))
  }

  @Test("A missed offer ends at its deadline and sends the agent to the back of the idle order")
  func missed() throws {
    var floor = Floor(site(agents: 2))
    floor.signIn(0)
    floor.pass(.seconds(1))
    floor.signIn(1)
    let contact = floor.arrive()
    let offer = try #require(floor.offer(0))
    #expect(floor.engine.nextDeadline == floor.now + .seconds(20))
    let events = floor.pass(.seconds(20))
    #expect(
      events == [
        .offerMissed(offer, contact, AgentID(0)), .offerMade(contact, queue: QueueID(0), agent: AgentID(1)),
      ])
    floor.say(.contactLeft(contact))
    let next = floor.arrive()
    #expect(floor.isOffered(next, to: 1))
  }

  @Test("A pair that declined is left alone for the retry interval, and matched when it is over")
  func retry() throws {
    var floor = Floor(site())
    floor.signIn(0)
    let contact = floor.arrive()
    floor.say(.offerDeclined(try #require(floor.offer(0))))
    #expect(floor.isWaiting(contact))
    let other = floor.arrive()
    #expect(floor.isOffered(other, to: 0), "only the pair is left alone")
    floor.say(.contactLeft(other))
    #expect(floor.pass(.seconds(10) - 1).isEmpty)
    floor.pass(1)
    #expect(floor.isOffered(contact, to: 0))
  }

  @Test("As many declined offers in a row as the limit make the agent not ready")
  func declinedLimit() throws {
    var floor = Floor(site { $0.queues[0].declinedLimit = 2 })
    floor.signIn(0)
    _ = floor.arrive()
    floor.say(.offerDeclined(try #require(floor.offer(0))))
    floor.pass(.seconds(10))
    floor.say(.offerDeclined(try #require(floor.offer(0))))
    #expect(floor.engine.summary(of: AgentID(0)).presence == .notReady(.declined))
    #expect(floor.pass(.minutes(1)).isEmpty)
    floor.say(.agentReady(AgentID(0)))
    #expect(floor.offer(0) != nil)
  }

  @Test("An accept between two misses starts the count of misses anew")
  func missesInARow() throws {
    var floor = Floor(site())
    floor.signIn(0)
    let first = floor.arrive()
    floor.pass(.seconds(30))
    try floor.answer(0)
    floor.say(.contactLeft(first))
    _ = floor.arrive()
    floor.pass(.seconds(20))
    #expect(floor.engine.summary(of: AgentID(0)).presence == .ready)
    floor.pass(.seconds(30))
    #expect(floor.engine.summary(of: AgentID(0)).presence == .notReady(.missed))
  }

  @Test("A busy phone is left alone by everybody for a short while, and no miss is counted")
  func busy() throws {
    var floor = Floor(site { $0.queues[0].missedLimit = 1 })
    floor.signIn(0)
    let contact = floor.arrive()
    floor.say(.offerFailed(try #require(floor.offer(0)), .busy))
    let other = floor.arrive()
    #expect(floor.isWaiting(contact) && floor.isWaiting(other))
    #expect(floor.pass(.seconds(5) - 1).isEmpty)
    floor.pass(1)
    #expect(floor.isOffered(contact, to: 0))
  }

  @Test("Legs that cannot be joined in five seconds put the contact back at its place")
  func connectDeadline() throws {
    var floor = Floor(site(agents: 2))
    let contact = floor.arrive()
    let behind = floor.arrive()
    floor.signIn(0)
    let entry = floor.now
    let offer = try #require(floor.offer(0))
    floor.say(.offerAccepted(offer))
    #expect(floor.engine.nextDeadline == floor.now + .seconds(5))
    floor.pass(.seconds(5))
    #expect(floor.actions.first == .resumeWaiting(contact))
    #expect(floor.say(.offerConnected(offer)).isEmpty)
    #expect(floor.engine.state(of: contact) == .waiting(queue: QueueID(0), since: entry, ahead: 0))
    #expect(floor.isOffered(behind, to: 0), "the pair rests, the agent does not")
    floor.signIn(1)
    #expect(floor.isOffered(contact, to: 1))
  }

  @Test("A caller who hangs up while the legs are being joined has abandoned, and the agent is free")
  func hangUpWhileConnecting() throws {
    var floor = Floor(site())
    floor.signIn(0)
    let idle = floor.engine.summary(of: AgentID(0)).idleSince
    let contact = floor.arrive()
    floor.say(.offerAccepted(try #require(floor.offer(0))))
    floor.pass(.seconds(2))
    #expect(
      floor.say(.contactLeft(contact)) == [.outcomeFixed(contact, queue: QueueID(0), agent: .none, .abandoned)])
    #expect(floor.engine.summary(of: AgentID(0)).slots.isEmpty)
    #expect(floor.engine.summary(of: AgentID(0)).idleSince == idle, "nobody is blamed")
  }

  @Test("A word about an offer that is over, or a contact that has left, changes nothing")
  func lateWords() throws {
    var floor = Floor(site { $0.queues[0].wrapUp = .seconds(5) })
    floor.signIn(0)
    let contact = floor.arrive()
    let offer = try #require(floor.offer(0))
    try floor.answer(0)
    floor.say(.contactLeft(contact))
    floor.say(.wrapUpEnded(AgentID(0), contact, .none))
    let before = floor.checkpoint
    let late: [Input] = [
      .offerAccepted(offer), .offerDeclined(offer), .offerFailed(offer, .media), .offerConnected(offer),
      .contactLeft(contact), .contactLost(contact), .contactReturned(contact), .contactFinished(contact),
      .contactFailed(contact), .wrapUpEnded(AgentID(0), contact, .none), .wrapUpExtended(AgentID(0), contact, 9),
      .agentSignedIn(AgentID(0)), .agentReady(AgentID(0)), .agentReachable(AgentID(0)), .agentReady(AgentID(77)),
      .offerAccepted(OfferID(sequence: 0)), .contactLeft(ContactID(slot: 999, generation: 0)), .timersDue,
    ]
    for input in late {
      #expect(floor.say(input).isEmpty, "\(input)")
      #expect(floor.actions.isEmpty, "\(input)")
    }
    #expect(floor.checkpoint == before)
  }

  @Test(
    "A restart ends live and connecting offers as failed, without a miss; chats are matched afresh, callers have failed"
  )
  func restart() throws {
    var floor = Floor(site(agents: 3) { $0.queues[0].missedLimit = 1 })
    floor.signIn(0, 1, 2)
    let answered = floor.arrive()
    try floor.answer(0)
    let ringing = floor.arrive(0, .chat)
    let connecting = floor.arrive(0, .chat)
    floor.say(.agentNotReady(AgentID(0), .unspecified))
    let waiting = floor.arrive()
    let ring = try #require(floor.offer(1))
    let connect = try #require(floor.offer(2))
    floor.say(.offerAccepted(connect))
    let events = floor.say(.restarted)
    #expect(events.contains(.offerFailed(ring, ringing, AgentID(1), .restart)))
    #expect(events.contains(.offerFailed(connect, connecting, AgentID(2), .restart)))
    #expect(events.contains(.contactEnded(answered, agent: AgentID(0), .restart)))
    #expect(events.count { if case .offerMade = $0 { true } else { false } } == 2)
    #expect(events.contains(.outcomeFixed(waiting, queue: QueueID(index: 0), agent: .none, .failed)))
    #expect(!floor.isWaiting(ringing) && !floor.isWaiting(connecting))
  }

  @Test("A restart that comes long after the ring limit fails the offer by itself: no miss")
  func restartedLate() {
    var floor = Floor(site())
    floor.signIn(0)
    _ = floor.arrive()
    floor.now = floor.now + .minutes(10)
    let events = floor.say(.restarted)
    #expect(events.contains { if case .offerFailed(_, _, _, .restart) = $0 { true } else { false } })
    #expect(!events.contains { if case .offerMissed = $0 { true } else { false } })
    #expect(floor.engine.summary(of: AgentID(0)).presence == .ready)
  }

  @Test("A planned stop ends calls, waiting and in talk, and leaves the chat that is on offer alone")
  func stopping() throws {
    var floor = Floor(site(agents: 2) { $0.queues[0].channels = [.voice, .chat] })
    floor.signIn(0)
    let talk = floor.arrive()
    try floor.answer(0)
    let waiting = floor.arrive()
    floor.signIn(1)
    let chat = floor.arrive(0, .chat)
    let events = floor.say(.stopping)
    #expect(floor.engine.state(of: waiting) == nil)
    #expect(events.contains { if case .contactEnded(talk, _, .restart) = $0 { true } else { false } })
    #expect(events.contains { if case .outcomeFixed(waiting, _, _, .failed) = $0 { true } else { false } })
    #expect(floor.engine.state(of: chat) != nil)
  }
}
