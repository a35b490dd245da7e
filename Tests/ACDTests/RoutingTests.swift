@testable import ACD
import Primitives
import Testing

@Suite struct RoutingTests {
  /// Each contact is answered and over at once, after `talk`. Returns who took it.
  private func takers(_ floor: inout Floor, _ contacts: Int, queue: Int = 0, talk: Int64 = .seconds(10)) -> [Int] {
    (0..<contacts).map { _ in
      let contact = floor.arrive(queue)
      guard case .offered(let offer, let agent)? = floor.engine.state(of: contact) else { return -1 }
      floor.say(.offerAccepted(offer))
      floor.say(.offerConnected(offer))
      floor.pass(talk)
      floor.say(.contactFinished(contact))
      return Int(agent.index)
    }
  }

  @Test("Round robin goes round, queue by queue, and a miss moves on as an accept does")
  func roundRobin() throws {
    var floor = Floor(site(queues: 2, agents: 3) { for queue in 0..<2 { $0.queues[queue].policy = .roundRobin } })
    floor.signIn(2, 1, 0)
    #expect(takers(&floor, 4) == [0, 1, 2, 0])
    #expect(takers(&floor, 2, queue: 1) == [0, 1], "a queue's cursor is its own")
    #expect(takers(&floor, 1) == [1])
    let missed = floor.arrive()
    #expect(floor.isOffered(missed, to: 2))
    floor.pass(.seconds(20))
    #expect(floor.isOffered(missed, to: 0))
    var reader = ByteReader(floor.checkpoint)
    floor.engine = try Engine(checkpoint: &reader, definitions: floor.engine.definitions)
    try floor.answer(0)
    #expect(takers(&floor, 1) == [1], "the cursor survives")
  }

  @Test("A contact that is passed on goes to whom its queue's policy puts first, not to the agent who is just free")
  func passedOn() throws {
    var floor = Floor(site(queues: 2, agents: 2) { $0.queues[1].policy = .fewestContacts })
    floor.signIn(0)
    let contact = floor.arrive()
    try floor.answer(0)
    floor.signIn(1)
    let next = ContactID(slot: 9, generation: 1)
    floor.say(.contactTransferred(contact, as: next, queue: QueueID(1), profile: .init(index: 0), priority: 0))
    #expect(floor.isOffered(next, to: 1))
  }

  @Test("Fewest contacts counts the shift, and a break gives nobody everything")
  func fewestContacts() throws {
    var floor = Floor(site(agents: 2) { $0.queues[0].policy = .fewestContacts })
    floor.signIn(0)
    #expect(takers(&floor, 3) == [0, 0, 0])
    floor.signIn(1)
    #expect(takers(&floor, 3) == [1, 1, 1])
    floor.say(.agentNotReady(AgentID(1), .unspecified))
    #expect(takers(&floor, 1) == [0])
    floor.say(.agentReady(AgentID(1)))
    #expect(takers(&floor, 4) == [1, 0, 1, 0], "three and four, then in turn")
    floor.say(.agentSignedOut(AgentID(0)))
    floor.signIn(0)
    #expect(takers(&floor, 2) == [0, 0], "a new shift counts from nothing")
  }

  @Test("Fewest contacts of the day survives the shift, and ends with the day")
  func fewestOfTheDay() throws {
    var floor = Floor(
      site(agents: 2) {
        $0.queues[0].policy = .fewestContacts; $0.queues[0].window = .day
        $0.days = [-24, 1, 25].map { Instant(microseconds: 1_700_000_000_000_000) + .minutes($0 * 60) }
      })
    floor.signIn(0)
    #expect(takers(&floor, 2) == [0, 0])
    floor.say(.agentSignedOut(AgentID(0)))
    floor.signIn(0, 1)
    #expect(takers(&floor, 1) == [1])
    #expect(floor.pass(.minutes(60)) == [.dayStarted])
    #expect(takers(&floor, 1) == [0], "equal again, and idle for longer")
  }

  @Test("A contact taken before the day began, whose connect fails after, leaves the agent with none")
  func failureOfYesterday() throws {
    var floor = Floor(
      site(agents: 2) {
        $0.queues[0].policy = .fewestContacts; $0.queues[0].window = .day
        $0.days = [-24, 1].map { Instant(microseconds: 1_700_000_000_000_000) + .minutes($0 * 60) }
      })
    floor.signIn(0)
    floor.pass(.minutes(59))
    let contact = floor.arrive()
    let offer = try #require(floor.offer(0))
    floor.say(.offerAccepted(offer))
    floor.now = floor.now + .minutes(2)
    floor.say(.offerFailed(offer, .connect))
    floor.say(.contactLeft(contact))
    floor.signIn(1)
    #expect(takers(&floor, 2) == [0, 1], "none is not less than nothing")
  }

  @Test("A day that began while the process was down begins at the restart, and several are one")
  func daysBeginAtTheRestart() throws {
    let definitions = site(agents: 2) {
      $0.queues[0].policy = .fewestContacts
      $0.queues[0].window = .day
      $0.days = (0..<4).map { Instant(microseconds: 1_700_000_000_000_000) + .minutes(60 + $0 * 24 * 60) }
    }
    var floor = Floor(definitions)
    floor.signIn(0)
    #expect(takers(&floor, 2) == [0, 0])
    var reader = ByteReader(floor.checkpoint)
    floor.engine = try Engine(checkpoint: &reader, definitions: definitions)
    floor.now = floor.now + .minutes(50 * 60)
    #expect(floor.say(.restarted) == [.dayStarted])
    #expect(floor.say(.restarted).isEmpty)
    floor.signIn(1)
    #expect(takers(&floor, 2) == [0, 1])
  }

  @Test("A site's days may begin to count with a new configuration")
  func daysComeWithTheConfiguration() {
    var floor = Floor(site())
    floor.signIn(0)
    var definitions = floor.engine.definitions
    definitions.days = [floor.now + .minutes(5)]
    floor.reconfigure(definitions)
    #expect(floor.events.isEmpty)
    #expect(floor.pass(.minutes(5)) == [.dayStarted])
    #expect(floor.engine.nextDeadline == nil)
  }

  @Test("Best skilled: more than was wished is no better, and who lacks a wish still serves")
  func bestSkilled() throws {
    var floor = Floor(
      site(agents: 3) {
        $0.queues[0].policy = .bestSkilled
        $0.queues[0].prefer = [.init(skill: SkillID(index: 0), level: 80), .init(skill: SkillID(index: 1), level: 50)]
        $0.agents[0].skills = [.init(skill: SkillID(index: 0), level: 100)]
        $0.agents[1].skills = [.init(skill: SkillID(index: 0), level: 80)]
      })
    floor.signIn(2, 1, 0)
    let contacts = (0..<3).map { _ in floor.arrive() }
    #expect(floor.isOffered(contacts[0], to: 0), "80 is 80, and both have been idle as long")
    #expect(floor.isOffered(contacts[1], to: 1))
    #expect(floor.isOffered(contacts[2], to: 2))
  }

  @Test("Least occupied: who has handled for the least share of the shift is first")
  func leastOccupied() throws {
    var floor = Floor(site(agents: 2) { $0.queues[0].policy = .leastOccupied })
    floor.signIn(0)
    floor.pass(.minutes(50))
    #expect(takers(&floor, 1, talk: .minutes(10)) == [0], "ten of sixty minutes")
    floor.signIn(1)
    #expect(takers(&floor, 1, talk: .minutes(1)) == [1])
    #expect(takers(&floor, 1, talk: .minutes(1)) == [0], "the other one has done nothing but handle")
  }

  @Test("A broadcast rings all, also those who become free meanwhile; one wins, a decline leaves the others")
  func broadcast() throws {
    var floor = Floor(site(agents: 4) { $0.queues[0].policy = .broadcast })
    floor.signIn(0, 1, 2)
    let contact = floor.arrive()
    let offers = try (0..<3).map { try #require(floor.offer($0)) }
    floor.say(.offerDeclined(offers[1]))
    #expect(floor.offer(1) == nil && floor.offer(0) != nil && floor.offer(2) != nil)
    floor.pass(.seconds(5))
    floor.signIn(3)
    let late = try #require(floor.offer(3))
    #expect(
      floor.say(.offerAccepted(late)) == [
        .offerAccepted(late, contact, AgentID(3)),
        .offerWithdrawn(offers[0], contact, AgentID(0), .acceptedByOther),
        .offerWithdrawn(offers[2], contact, AgentID(2), .acceptedByOther),
      ])
    #expect(floor.say(.offerAccepted(offers[0])).isEmpty)
    floor.say(.offerConnected(late))
    #expect(floor.engine.state(of: contact) == .answered(AgentID(3)))
  }

  @Test("A broadcast that all have missed is back in line, and rings again after the retry")
  func broadcastMissed() throws {
    var floor = Floor(site(agents: 2) { $0.queues[0].policy = .broadcast })
    floor.signIn(0, 1)
    let contact = floor.arrive()
    let behind = floor.arrive()
    floor.pass(.seconds(20))
    #expect(floor.isWaiting(contact))
    #expect(floor.isOffered(behind, to: 0), "both are left alone with the first one for a while")
    try floor.answer(1)
    floor.pass(.seconds(10))
    #expect(floor.isOffered(contact, to: 0))
    #expect(floor.say(.contactLeft(contact)).count == 2)
  }

  @Test("An attendant picks anyone who waits, in talk and on a break; the first pick wins")
  func attendant() throws {
    var floor = Floor(site(agents: 2) { $0.queues[0].policy = .attendant })
    floor.signIn(0, 1)
    let first = floor.arrive()
    let second = floor.arrive()
    #expect(floor.isWaiting(first) && floor.isWaiting(second), "nobody is rung")
    let events = floor.say(.contactPicked(second, by: AgentID(0)))
    let offer = OfferID(sequence: floor.journal[floor.journal.count - 2].sequence)
    #expect(
      events == [.offerMade(second, queue: QueueID(0), agent: AgentID(0)), .offerAccepted(offer, second, AgentID(0))])
    #expect(floor.actions == [.connect(offer, second, AgentID(0))])
    #expect(floor.say(.contactPicked(second, by: AgentID(1))).isEmpty)
    floor.say(.offerConnected(offer))
    floor.say(.agentNotReady(AgentID(0), .unspecified))
    #expect(floor.say(.contactPicked(first, by: AgentID(0))).count == 2, "whatever the attendant's own state")
    #expect(floor.engine.summary(of: AgentID(0)).slots.count == 2)
    floor.say(.agentSignedOut(AgentID(1)))
    let third = floor.arrive()
    #expect(floor.say(.contactPicked(third, by: AgentID(1))).isEmpty, "but signed in")
  }

  @Test("A contact that rang at an attendant who picks another goes to whoever is first now")
  func attendantLeaves() throws {
    var floor = Floor(
      site(queues: 2, agents: 2) {
        $0.queues[0].policy = .attendant
        $0.agents[0].chatCapacity = 2
        $0.agents[1].queues = [.init(queue: QueueID(1))]
      })
    floor.signIn(0)
    floor.pass(.seconds(1))
    floor.signIn(1)
    let left = floor.arrive(1, .chat)
    let picked = floor.arrive(0, .chat)
    #expect(floor.isOffered(left, to: 0), "the longest idle")
    let offer = try #require(floor.offer(0))
    let events = floor.say(.contactPicked(picked, by: AgentID(0)))
    #expect(events.first == .offerWithdrawn(offer, left, AgentID(0), .agentPicked))
    #expect(floor.isOffered(left, to: 1), "who has no chat yet, although the attendant has room for a second one")
  }

  @Test("A pick by who would not have been asked moves no cursor of round robin")
  func attendantAndCursor() throws {
    var floor = Floor(
      site(queues: 2, agents: 4) {
        $0.profiles.append(Profile(needs: [.init(skill: SkillID(index: 0), level: 50)]))
        $0.queues[0].policy = .roundRobin
        $0.queues[0].ladder = [LadderStep(after: .seconds(10), changes: [.also(QueueID(1))])]
        $0.queues[1].policy = .attendant
        for agent in 0..<3 {
          $0.agents[agent].queues = [.init(queue: QueueID(0))]
          $0.agents[agent].skills = [.init(skill: SkillID(index: 0), level: 80)]
        }
      })
    floor.signIn(0, 1, 2, 3)
    let first = floor.arrive(profile: 1)
    #expect(floor.isOffered(first, to: 0))
    try floor.answer(0)
    floor.say(.contactFinished(first))
    for agent in 0..<3 { floor.say(.agentNotReady(AgentID(agent), .unspecified)) }
    let picked = floor.arrive(profile: 1)
    floor.pass(.seconds(10))
    #expect(floor.say(.contactPicked(picked, by: AgentID(3))).count == 2)
    for agent in 0..<3 { floor.say(.agentReady(AgentID(agent))) }
    let next = floor.arrive(profile: 1)
    #expect(floor.isOffered(next, to: 1), "after agent 0, as if nobody had picked")
  }

  @Test("Spread gives the next chat to who has the fewest, fill to who has the most and still room")
  func spreadAndFill() throws {
    for (chats, expected) in [(ChatSpread.spread, [0, 1, 0, 1]), (.fill, [0, 0, 1, 1])] {
      var floor = Floor(
        site(agents: 2) {
          $0.queues[0].chats = chats
          for agent in 0..<2 { $0.agents[agent].chatCapacity = 2 }
        })
      floor.signIn(0, 1)
      var takers: [Int] = []
      for _ in 0..<4 {
        let chat = floor.arrive(.chat)
        guard case .offered(_, let agent)? = floor.engine.state(of: chat) else { continue }
        takers.append(Int(agent.index))
        try floor.answer(Int(agent.index))
        floor.pass(.seconds(1))
      }
      #expect(takers == expected, "\(chats)")
    }
  }

  @Test("The combined capacity holds, and a call may be interrupted by a chat where the site says so")
  func totalCapacity() throws {
    var floor = Floor(
      site {
        $0.agents[0].chatCapacity = 3
        $0.agents[0].totalCapacity = 2
        $0.agents[0].voiceBlocksChat = false
      })
    floor.signIn(0)
    let call = floor.arrive(.voice)
    try floor.answer(0)
    let chat = floor.arrive(.chat)
    #expect(floor.isOffered(chat, to: 0), "during the call")
    try floor.answer(0)
    let third = floor.arrive(.chat)
    #expect(floor.isWaiting(third), "two are all")
    floor.say(.contactFinished(call))
    #expect(floor.isOffered(third, to: 0))
  }
}
