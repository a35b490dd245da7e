import ACD
import Primitives
import Testing

@Suite struct AgentTests {
  @Test("The agent who has been idle for the longest is offered the next contact; a break pauses the clock")
  func longestIdle() throws {
    var floor = Floor(site(agents: 2))
    floor.signIn(0)
    floor.pass(.seconds(30))
    floor.signIn(1)
    floor.pass(.seconds(10))
    // Agent 0 has been idle for 40 s, agent 1 for 10 s.
    floor.say(.agentNotReady(AgentID(0), .unspecified))
    floor.pass(.seconds(25))
    floor.say(.agentReady(AgentID(0)))
    let first = floor.arrive()
    #expect(floor.isOffered(first, to: 0), "40 s against 35 s")
    try floor.answer(0)
    floor.say(.contactLeft(first))
    let second = floor.arrive()
    #expect(floor.isOffered(second, to: 1), "a contact starts the clock anew")
    try floor.answer(1)
    floor.say(.contactLeft(second))
    floor.say(.agentNotReady(AgentID(0), .unspecified))
    floor.pass(.minutes(60))
    floor.say(.agentReady(AgentID(0)))
    let third = floor.arrive()
    #expect(floor.isOffered(third, to: 1), "a break earns nothing")
  }

  @Test("An idle agent is offered a chat before one who holds chats already")
  func spread() throws {
    var floor = Floor(site(agents: 2) { for agent in 0..<2 { $0.agents[agent].chatCapacity = 3 } })
    floor.signIn(0)
    floor.pass(.seconds(1))
    floor.signIn(1)
    for agent in [0, 1, 0, 1, 0, 1] {
      let chat = floor.arrive(.chat)
      #expect(floor.isOffered(chat, to: agent))
      try floor.answer(agent)
      floor.pass(.seconds(1))
    }
    let seventh = floor.arrive(.chat)
    #expect(floor.isWaiting(seventh))
  }

  @Test("A voice offer, talk or wrap-up blocks everything; chats do not block voice")
  func voiceBlocks() throws {
    var floor = Floor(
      site {
        $0.agents[0].chatCapacity = 2; $0.queues[0].wrapUp = .seconds(10)
      })
    floor.signIn(0)
    let chat = floor.arrive(.chat)
    try floor.answer(0)
    let call = floor.arrive()
    #expect(floor.isOffered(call, to: 0))
    let second = floor.arrive(.chat)
    #expect(floor.isWaiting(second))
    try floor.answer(0)
    floor.pass(.seconds(5))
    #expect(floor.isWaiting(second))
    floor.say(.contactLeft(call))
    #expect(floor.isWaiting(second), "voice wrap-up")
    floor.pass(.seconds(10))
    #expect(floor.isOffered(second, to: 0))
    #expect(floor.engine.state(of: chat) == .answered(AgentID(0)))
  }

  @Test("Where chats may not be interrupted, an engaged chat blocks a call and its wrap-up does not")
  func chatBlocksVoice() throws {
    var floor = Floor(
      site {
        $0.agents[0].chatBlocksVoice = true; $0.queues[0].wrapUp = .seconds(10)
      })
    floor.signIn(0)
    let chat = floor.arrive(.chat)
    try floor.answer(0)
    let call = floor.arrive()
    #expect(floor.isWaiting(call))
    floor.say(.contactLeft(chat))
    #expect(floor.isOffered(call, to: 0))
  }

  @Test("A chat wrap-up holds only its slot")
  func chatWrapUp() throws {
    var floor = Floor(
      site {
        $0.agents[0].chatCapacity = 2; $0.queues[0].wrapUp = .seconds(10)
      })
    floor.signIn(0)
    let first = floor.arrive(.chat)
    try floor.answer(0)
    floor.say(.contactLeft(first))
    let second = floor.arrive(.chat)
    try floor.answer(0)
    #expect(floor.engine.state(of: second) == .answered(AgentID(0)))
    let third = floor.arrive(.chat)
    #expect(floor.isWaiting(third))
    floor.pass(.seconds(10))
    #expect(floor.isOffered(third, to: 0))
  }

  @Test("A wrap-up is extended up to the limit, never shortened, and ends early with its code")
  func wrapUp() throws {
    var floor = Floor(
      site {
        $0.queues[0].wrapUp = .seconds(30); $0.queues[0].wrapUpLimit = .seconds(100)
      })
    floor.signIn(0)
    let contact = floor.arrive()
    try floor.answer(0)
    floor.say(.contactLeft(contact))
    let start = floor.now
    #expect(floor.say(.wrapUpExtended(AgentID(0), contact, .seconds(10))).isEmpty)
    floor.pass(.seconds(20))
    #expect(
      floor.say(.wrapUpExtended(AgentID(0), contact, .seconds(60))) == [
        .wrapUpExtended(AgentID(0), contact, until: start + .seconds(80))
      ])
    #expect(
      floor.say(.wrapUpExtended(AgentID(0), contact, .max)) == [
        .wrapUpExtended(AgentID(0), contact, until: start + .seconds(100))
      ])
    #expect(floor.say(.wrapUpEnded(AgentID(1), contact, .none)).isEmpty)
    let next = floor.arrive()
    #expect(floor.isWaiting(next))
    let sold = CodeID(index: 1)
    #expect(floor.say(.wrapUpEnded(AgentID(0), contact, sold)).first == .wrapUpEnded(AgentID(0), contact, sold))
    #expect(floor.isOffered(next, to: 0))
  }

  @Test("Not ready during a contact takes effect for offers at once while the contact goes on")
  func notReadyInTalk() throws {
    var floor = Floor(site())
    floor.signIn(0)
    let contact = floor.arrive()
    try floor.answer(0)
    floor.say(.agentNotReady(AgentID(0), ReasonID(index: 9)))
    #expect(floor.engine.state(of: contact) == .answered(AgentID(0)))
    let waiting = floor.arrive()
    floor.say(.contactLeft(contact))
    #expect(floor.isWaiting(waiting))
    #expect(floor.engine.summary(of: AgentID(0)).presence == .notReady(ReasonID(index: 9)))
    floor.say(.agentReady(AgentID(0)))
    #expect(floor.isOffered(waiting, to: 0))
  }

  @Test("Signing out withdraws the offer, ends wrap-ups, and lets a talk go on without a wrap-up after it")
  func signOut() throws {
    var floor = Floor(
      site {
        $0.agents[0].chatCapacity = 3; $0.queues[0].wrapUp = .minutes(1)
      })
    floor.signIn(0)
    let ended = floor.arrive(.chat)
    try floor.answer(0)
    floor.say(.contactLeft(ended))
    let talking = floor.arrive(.chat)
    try floor.answer(0)
    let ringing = floor.arrive(.chat)
    let offer = try #require(floor.offer(0))
    #expect(
      floor.say(.agentSignedOut(AgentID(0))) == [
        .agentSignedOut(AgentID(0)), .offerWithdrawn(offer, ringing, AgentID(0), .agentSignedOut),
        .wrapUpEnded(AgentID(0), ended, .none),
      ])
    #expect(floor.engine.state(of: talking) == .answered(AgentID(0)))
    #expect(floor.say(.contactLeft(talking)) == [.contactEnded(talking, agent: AgentID(0), .contactLeft)])
    #expect(floor.say(.agentReady(AgentID(0))).isEmpty, "signing in comes first")
  }

  @Test("A phone that is gone fails the offer and parks the agent until it is back")
  func unreachable() throws {
    var floor = Floor(site())
    floor.signIn(0)
    let contact = floor.arrive()
    let offer = try #require(floor.offer(0))
    #expect(
      floor.say(.agentUnreachable(AgentID(0))) == [
        .offerFailed(offer, contact, AgentID(0), .unreachable), .agentNotReady(AgentID(0), .unreachable),
      ])
    #expect(floor.say(.agentUnreachable(AgentID(0))).isEmpty)
    floor.say(.agentReachable(AgentID(0)))
    #expect(floor.isOffered(contact, to: 0))
    floor.say(.agentNotReady(AgentID(0), ReasonID(index: 8)))
    #expect(floor.say(.agentReachable(AgentID(0))).isEmpty, "a break is not ended by a REGISTER")
  }

  @Test("A callback uses the voice slot")
  func callback() throws {
    var floor = Floor(
      site {
        $0.queues[0].channels = Channel.allCases; $0.agents[0].voiceCapacity = 0
      })
    floor.signIn(0)
    let callback = floor.arrive(.callback)
    #expect(floor.isWaiting(callback))
    let chat = floor.arrive(.chat)
    #expect(floor.isOffered(chat, to: 0))
  }
}

@Suite struct ReconfigureTests {
  @Test("A removed agent is signed out and the offer goes to another; a new agent may sign in")
  func removedAgent() throws {
    var floor = Floor(site(agents: 2))
    floor.signIn(0)
    let contact = floor.arrive()
    floor.signIn(1)
    let offer = try #require(floor.offer(0))
    let next = site(agents: 3) { $0.agents[0].isRemoved = true }
    floor.reconfigure(next)
    #expect(
      floor.events.prefix(2) == [
        .agentSignedOut(AgentID(0)), .offerWithdrawn(offer, contact, AgentID(0), .reconfigured),
      ])
    #expect(floor.isOffered(contact, to: 1))
    #expect(floor.say(.agentSignedIn(AgentID(0))).isEmpty)
    floor.signIn(2)
    let second = floor.arrive()
    #expect(floor.isOffered(second, to: 2))
  }

  @Test("Contacts of a removed queue keep their agents and their wait limit; newcomers are refused")
  func removedQueue() throws {
    var floor = Floor(site(queues: 2) { $0.queues[1].waitLimit = .seconds(60) })
    let kept = floor.arrive(1)
    let late = floor.arrive(1)
    let next = site(queues: 2) {
      $0.queues[1].isRemoved = true
      $0.agents[0].queues.removeLast()
    }
    floor.reconfigure(next)
    let refused = floor.arrive(1)
    #expect(floor.actions == [.refuse(refused, .closed), .forget(refused)])
    floor.signIn(0)
    #expect(floor.isOffered(kept, to: 0))
    try floor.answer(0)
    #expect(floor.pass(.seconds(60)) == [.outcomeFixed(late, queue: QueueID(1), agent: .none, .timedOut)])
  }

  @Test("A contact keeps its needs when its queue needs nothing any more")
  func keptNeeds() {
    let needy = site(agents: 2) {
      $0.names.profiles.append(Profile(needs: [.init(skill: SkillID(index: 0), level: 10)]))
      $0.queues[0].profile = ProfileID(index: 1)
      $0.agents[1].skills = [.init(skill: SkillID(index: 0), level: 10)]
    }
    var floor = Floor(needy)
    let kept = floor.arrive(profile: 1)
    var next = needy
    next.queues[0].profile = ProfileID(index: 0)
    floor.reconfigure(next)
    let plain = floor.arrive()
    floor.signIn(0)
    #expect(floor.isOffered(plain, to: 0) && floor.isWaiting(kept))
    floor.signIn(1)
    #expect(floor.isOffered(kept, to: 1))
  }

  @Test("An agent who gains a skill is offered the contact that waited for it")
  func gainedSkill() {
    let plain = site { $0.profiles.append(Profile(needs: [.init(skill: SkillID(index: 0), level: 10)])) }
    var floor = Floor(plain)
    floor.signIn(0)
    let contact = floor.arrive(profile: 1)
    var next = plain
    next.agents[0].skills = [.init(skill: SkillID(index: 0), level: 10)]
    floor.reconfigure(next)
    #expect(floor.isOffered(contact, to: 0))
  }
}

@Suite struct CheckpointTests {
  @Test("A copy of the engine is a value of its own")
  func copies() {
    var floor = Floor(site())
    let contact = floor.arrive()
    let copy = floor
    floor.say(.contactLeft(contact))
    #expect(floor.engine.state(of: contact) == nil)
    #expect(copy.isWaiting(contact))
    var other = copy
    other.signIn(0)
    #expect(other.isOffered(contact, to: 0))
    #expect(copy.isWaiting(contact))
  }

  @Test("A checkpoint that is cut short, of another version or for a smaller site is an error, never a trap")
  func damaged() {
    var floor = Floor(site(queues: 2, agents: 2))
    floor.signIn(0, 1)
    _ = floor.arrive()
    _ = floor.arrive(1)
    _ = floor.arrive()
    let bytes = floor.checkpoint
    func read(_ bytes: [UInt8], _ definitions: Definitions) -> Bool {
      var reader = ByteReader(bytes)
      return (try? Engine(checkpoint: &reader, definitions: definitions)) != nil
    }
    #expect(read(bytes, site(queues: 2, agents: 2)))
    #expect(read(bytes, site(queues: 3, agents: 4)))
    #expect(!read(bytes, site(queues: 1, agents: 2)))
    #expect(!read(bytes, site(queues: 2, agents: 1)))
    for count in bytes.indices { #expect(!read(Array(bytes[..<count]), site(queues: 2, agents: 2))) }
    var other = bytes
    other[1] = 99
    #expect(!read(other, site(queues: 2, agents: 2)))
  }

  @Test("A restored engine keeps order, waited time, idle clocks and deadlines")
  func restored() throws {
    var floor = Floor(site(agents: 2) { $0.queues[0].wrapUp = .seconds(40) })
    floor.signIn(0)
    let ended = floor.arrive()
    try floor.answer(0)
    floor.say(.contactLeft(ended))
    let first = floor.arrive()
    floor.pass(.seconds(10))
    let second = floor.arrive()
    var reader = ByteReader(floor.checkpoint)
    floor.engine = try Engine(checkpoint: &reader, definitions: floor.engine.definitions)
    #expect(floor.engine.state(of: first) == .waiting(queue: QueueID(0), since: floor.now - .seconds(10), ahead: 0))
    #expect(floor.engine.state(of: second) == .waiting(queue: QueueID(0), since: floor.now, ahead: 1))
    #expect(floor.engine.nextDeadline == floor.now + .seconds(30))
    floor.pass(.seconds(30))
    #expect(floor.isOffered(first, to: 0))
  }
}
