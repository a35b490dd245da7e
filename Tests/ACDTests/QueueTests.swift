import ACD
import Primitives
import Testing

@Suite struct QueueTests {
  @Test("Contacts are served by priority, then by entry")
  func order() throws {
    var floor = Floor(site())
    let first = floor.arrive()
    floor.pass(.seconds(1))
    let second = floor.arrive()
    let urgent = floor.arrive(priority: 1)
    let low = floor.arrive(priority: -1)
    floor.signIn(0)
    for contact in [urgent, first, second, low] {
      #expect(floor.isOffered(contact, to: 0))
      try floor.answer(0)
      floor.say(.contactLeft(contact))
    }
  }

  @Test("A contact is offered only to agents who have its skills at their levels")
  func skills() {
    let spanish = SkillID(index: 0)
    var floor = Floor(
      site(agents: 3) {
        $0.profiles.append(Profile(needs: [.init(skill: spanish, level: 60)]))
        $0.agents[0].skills = [.init(skill: spanish, level: 59)]
        $0.agents[2].skills = [.init(skill: spanish, level: 60)]
      })
    floor.signIn(0, 1)
    let needy = floor.arrive(profile: 1)
    #expect(floor.isWaiting(needy))
    let plain = floor.arrive()
    #expect(floor.isOffered(plain, to: 0), "who cannot be served holds nobody up")
    floor.signIn(2)
    #expect(floor.isOffered(needy, to: 2))
  }

  @Test("What a whole queue needs is needed by each of its contacts")
  func queueProfile() {
    var floor = Floor(
      site(agents: 2) {
        $0.profiles.append(Profile(needs: [.init(skill: SkillID(index: 3), level: 1)]))
        $0.queues[0].profile = ProfileID(index: 1)
        $0.agents[1].skills = [.init(skill: SkillID(index: 3), level: 1)]
      })
    floor.signIn(0)
    let contact = floor.arrive()
    #expect(floor.isWaiting(contact))
    floor.signIn(1)
    #expect(floor.isOffered(contact, to: 1))
  }

  @Test("An agent who takes by rank serves the best-ranked queue that has somebody")
  func agentRank() throws {
    var floor = Floor(
      site(queues: 2) {
        $0.agents[0].take = .agentRank
        $0.agents[0].queues = [.init(queue: QueueID(0), rank: 2), .init(queue: QueueID(1), rank: 1)]
        $0.queues[0].priority = 9
      })
    let elsewhere = floor.arrive(0)
    floor.pass(.minutes(1))
    let ranked = floor.arrive(1)
    floor.signIn(0)
    #expect(floor.isOffered(ranked, to: 0))
    try floor.answer(0)
    floor.say(.contactLeft(ranked))
    #expect(floor.isOffered(elsewhere, to: 0))
  }

  @Test("The wait limit ends a wait, but not the chance of a contact that is on offer")
  func waitLimit() throws {
    var floor = Floor(site { $0.queues[0].waitLimit = .seconds(30) })
    let alone = floor.arrive()
    #expect(floor.engine.nextDeadline == floor.now + .seconds(30))
    #expect(
      floor.pass(.seconds(30)) == [.outcomeFixed(alone, queue: QueueID(0), agent: .none, .timedOut)])
    #expect(floor.actions == [.release(alone), .forget(alone)])
    let late = floor.arrive()
    floor.pass(.seconds(25))
    floor.signIn(0)
    let offer = try #require(floor.offer(0))
    #expect(floor.pass(.seconds(10)).isEmpty)
    #expect(floor.isOffered(late, to: 0))
    #expect(
      floor.say(.offerDeclined(offer)) == [
        .offerDeclined(offer, late, AgentID(0)), .outcomeFixed(late, queue: QueueID(0), agent: .none, .timedOut),
      ])
    let last = floor.arrive()
    floor.pass(.seconds(19))
    try floor.answer(0)
    #expect(floor.pass(.minutes(1)).isEmpty)
    #expect(floor.engine.state(of: last) == .answered(AgentID(0)))
    #expect(floor.engine.summary(of: QueueID(0)).counters.left == 2)
  }

  @Test("A full queue refuses, unless somebody is free for the contact")
  func waitingLimit() {
    var floor = Floor(site { $0.queues[0].waitingLimit = 1 })
    let first = floor.arrive()
    let second = floor.arrive()
    #expect(floor.events == [.contactRefused(second, queue: QueueID(0), .full)])
    #expect(floor.actions == [.refuse(second, .full), .forget(second)])
    floor.say(.contactLeft(first))
    floor.signIn(0)
    let third = floor.arrive()
    #expect(floor.isOffered(third, to: 0))
    #expect(floor.engine.summary(of: QueueID(0)).counters.refused == 1)
  }

  @Test("A queue without waiting places serves whoever finds an agent free")
  func noPlaces() {
    var floor = Floor(site { $0.queues[0].waitingLimit = 0 })
    floor.signIn(0)
    let served = floor.arrive()
    #expect(floor.isOffered(served, to: 0))
    let refused = floor.arrive()
    #expect(floor.events == [.contactRefused(refused, queue: QueueID(0), .full)])
  }

  @Test("A channel that the queue does not carry, a removed queue and an unknown profile are refused")
  func refusals() {
    var floor = Floor(
      site(queues: 2) {
        $0.queues[0].channels = [.chat]; $0.queues[1].isRemoved = true
      })
    let voice = floor.arrive(0)
    #expect(floor.actions == [.refuse(voice, .channel), .forget(voice)])
    let removed = floor.arrive(1)
    #expect(floor.actions == [.refuse(removed, .closed), .forget(removed)])
    let unknown = floor.arrive(7)
    #expect(floor.actions == [.refuse(unknown, .closed), .forget(unknown)])
    let odd = floor.arrive(0, profile: 9, .chat)
    #expect(floor.actions == [.refuse(odd, .policy), .forget(odd)])
  }

  @Test("A chat visitor whose link is gone keeps the place, is not offered, and has abandoned after the limit")
  func lostChat() throws {
    var floor = Floor(site())
    let lost = floor.arrive(.chat)
    let behind = floor.arrive(.chat)
    let gone = floor.arrive(.chat)
    #expect(floor.say(.contactLost(lost)) == [.contactLost(lost)])
    floor.say(.contactLost(gone))
    floor.signIn(0)
    #expect(floor.isOffered(behind, to: 0))
    floor.say(.contactReturned(lost))
    floor.say(.contactLeft(behind))
    #expect(floor.isOffered(lost, to: 0))
    let offer = try #require(floor.offer(0))
    #expect(
      floor.say(.contactLost(lost)) == [
        .contactLost(lost), .offerWithdrawn(offer, lost, AgentID(0), .contactLost),
      ])
    #expect(
      floor.pass(.seconds(120)) == [
        .outcomeFixed(gone, queue: QueueID(0), agent: .none, .abandoned),
        .outcomeFixed(lost, queue: QueueID(0), agent: .none, .abandoned),
      ])
  }

  @Test("An abandon within the short-abandon limit is counted apart")
  func shortAbandon() {
    var floor = Floor(site { $0.queues[0].shortAbandon = .seconds(5) })
    let short = floor.arrive()
    floor.pass(.seconds(5))
    floor.say(.contactLeft(short))
    let long = floor.arrive()
    floor.pass(.seconds(5) + 1)
    floor.say(.contactLeft(long))
    let counters = floor.engine.summary(of: QueueID(0)).counters
    #expect(counters.shortAbandoned == 1)
    #expect(counters.abandoned == 1)
    #expect(counters.abandonedWithin == 1)
  }

  @Test("A contact that broke by our own fault has failed, waiting or answered")
  func failed() throws {
    var floor = Floor(site())
    let waiting = floor.arrive()
    #expect(floor.say(.contactFailed(waiting)) == [.outcomeFixed(waiting, queue: QueueID(0), agent: .none, .failed)])
    floor.signIn(0)
    let answered = floor.arrive()
    try floor.answer(0)
    #expect(floor.say(.contactFailed(answered)) == [.contactEnded(answered, agent: AgentID(0), .failed)])
    #expect(floor.engine.summary(of: QueueID(0)).counters.failed == 1)
  }

  @Test("At one instant a timer fires before a new input, and timers in the order they were set")
  func timersFirst() throws {
    var floor = Floor(site { $0.queues[0].waitLimit = .seconds(10) })
    let first = floor.arrive()
    let second = floor.arrive()
    floor.now = floor.now + .seconds(10)
    let events = floor.say(.contactLeft(first))
    #expect(
      events == [
        .outcomeFixed(first, queue: QueueID(0), agent: .none, .timedOut),
        .outcomeFixed(second, queue: QueueID(0), agent: .none, .timedOut),
      ])
  }

  @Test("The wait range grows with the place, shrinks with agents, and is unknown while nobody is on duty")
  func waitRange() throws {
    var floor = Floor(site(agents: 2))
    floor.signIn(0)
    let first = floor.arrive()
    try floor.answer(0)
    floor.pass(.seconds(100))
    floor.say(.contactLeft(first))
    let talking = floor.arrive()
    try floor.answer(0)
    let ahead = floor.arrive()
    let behind = floor.arrive()
    let one = try #require(floor.engine.waitRange(of: ahead, at: floor.now))
    let two = try #require(floor.engine.waitRange(of: behind, at: floor.now))
    // One exponential time of 100 s has its median at 69.3 s and its 90th percentile at 230.3 s.
    #expect(abs(one.low - .milliseconds(69_300)) < .seconds(3))
    #expect(abs(one.high - .milliseconds(230_300)) < .seconds(3))
    #expect(two.low > one.low && two.high > one.high)
    floor.signIn(1)
    let shared = try #require(floor.engine.waitRange(of: behind, at: floor.now))
    #expect(shared.low < two.low)
    floor.say(.agentSignedOut(AgentID(0)))
    floor.say(.agentSignedOut(AgentID(1)))
    #expect(floor.engine.waitRange(of: behind, at: floor.now) == nil)
    #expect(floor.engine.waitRange(of: talking, at: floor.now) == nil)
  }

  @Test("A summary counts who waits, who is signed in and who is ready")
  func summary() {
    var floor = Floor(site(queues: 2, agents: 3))
    let entry = floor.now
    _ = floor.arrive()
    floor.pass(.seconds(3))
    _ = floor.arrive()
    floor.signIn(0)
    floor.say(.agentSignedIn(AgentID(1)))
    let summary = floor.engine.summary(of: QueueID(0))
    #expect(summary.waiting == 2)
    #expect(summary.oldestEntry == entry)
    #expect(summary.signedIn == 2)
    #expect(summary.ready == 0)
    #expect(floor.engine.summary(of: QueueID(1)).oldestEntry == nil)
    floor.signIn(2)
    floor.say(.agentReady(AgentID(1)))
    #expect(floor.engine.summary(of: QueueID(0)).ready == 1)
  }
}
