@testable import ACD
import Primitives
import Testing

/// Faults put into the tables of a running engine, which finds and mends them by itself.
@Suite struct InspectionTests {
  /// Agent 0 talks, agent 1 is rung, and two more contacts wait; there is a chat for nobody.
  private func floor() throws -> (Floor, talk: ContactID, ringing: ContactID, waiting: [ContactID]) {
    var floor = Floor(site(agents: 3) { $0.queues[0].wrapUp = .seconds(5) })
    floor.signIn(0, 1)
    let talk = floor.arrive()
    try floor.answer(0)
    let ringing = floor.arrive()
    let waiting = [floor.arrive(), floor.arrive()]
    return (floor, talk, ringing, waiting)
  }

  /// Lets enough inputs pass for every agent and contact to be looked at. Returns the events that followed.
  private func inspect(_ floor: inout Floor) -> [Event] {
    var events: [Event] = []
    for _ in 0..<32 * 8 { events += floor.hear(.timersDue) }
    return events
  }

  struct Corruption: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var invariant: Invariant
    /// Gets the engine, and the contacts that talk, ring and wait.
    var put: @Sendable (inout Engine, _ talk: Int, _ ringing: Int, _ waiting: Int) -> Void
    /// What has failed: the contact that talks, rings or waits, or none.
    var fails: [Int] = []
  }

  static let corruptions = [
    Corruption(
      testDescription: "an offer that its agent does not know", invariant: .contactOffer,
      put: { engine, _, _, _ in engine.state.agents[1].offered = -1 }, fails: [1]),
    Corruption(testDescription: "an agent who is offered what is not", invariant: .agentOffer) { engine, talk, _, _ in
      engine.state.agents[2].offered = Int32(talk)
    },
    Corruption(testDescription: "a slot that nobody holds", invariant: .agentSlots) { engine, _, _, _ in
      engine.state.agents[2].chats = 1
    },
    Corruption(testDescription: "a held contact that the agent has lost", invariant: .agentSlots) { engine, _, _, _ in
      engine.state.agents[0].firstHeld = -1
    },
    Corruption(testDescription: "a free agent who waits for nobody", invariant: .agentListed) { engine, _, _, _ in
      engine.state.agents[2].presence = .ready
    },
    Corruption(
      testDescription: "a waiting contact out of line", invariant: .contactLine,
      put: { engine, _, _, waiting in
        engine.state.stepOut(waiting)
      }, fails: [2]),
    Corruption(
      testDescription: "a contact that rings nobody", invariant: .contactOffer,
      put: { engine, _, _, waiting in
        engine.state.stepOut(waiting)
        engine.state.contacts[waiting].phase = .offered
      }, fails: [2]),
    Corruption(testDescription: "a ring without an end", invariant: .deadline) { engine, _, ringing, _ in
      engine.state.timers.cancel(TimerSlot.phase(contact: ringing).slot)
    },
  ]

  @Test("What is at odds with itself is journaled, mended, and fails alone", arguments: corruptions)
  func mends(corruption: Corruption) throws {
    var (floor, talk, ringing, waiting) = try floor()
    #expect(inspect(&floor).isEmpty)
    corruption.put(&floor.engine, Int(talk.slot), Int(ringing.slot), Int(waiting[0].slot))
    if corruption.invariant == .deadline { floor.now = floor.now + .seconds(60) }
    let events = inspect(&floor)
    guard case .invariantBroken(corruption.invariant, _, _)? = events.first else {
      Issue.record("\(events)")
      return
    }
    #expect(events.count { if case .invariantBroken = $0 { true } else { false } } == 1)
    #expect(floor.engine.brokenInvariants().isEmpty)
    let all = [talk, ringing, waiting[0]]
    for (index, contact) in all.enumerated() {
      let hasFailed = events.contains(.outcomeFixed(contact, queue: QueueID(0), agent: .none, .failed))
      #expect(hasFailed == corruption.fails.contains(index))
      #expect((floor.engine.state(of: contact) == nil) == hasFailed)
    }
    // The others are served on.
    floor.say(.contactFinished(talk))
    floor.signIn(2)
    floor.pass(.minutes(10))
    #expect(floor.engine.brokenInvariants().isEmpty)
  }

  @Test("The journal of a mended state replays to the same state")
  func replays() throws {
    var (floor, _, _, waiting) = try floor()
    floor.engine.state.stepOut(Int(waiting[0].slot))
    #expect(!inspect(&floor).isEmpty)
    var replayed = Engine(definitions: floor.engine.definitions)
    for record in floor.journal { replayed.replay(record.event, at: record.instant, sequence: record.sequence) }
    var writer = ByteWriter()
    replayed.writeCheckpoint(into: &writer)
    #expect(writer.bytes == floor.checkpoint)
    #expect(replayed.brokenInvariants().isEmpty)
  }

  @Test("A fault that comes back is mended once a second at most")
  func rests() throws {
    var (floor, _, _, _) = try floor()
    var found = 0
    for _ in 0..<50 {
      floor.engine.state.agents[2].chats = 1
      found += inspect(&floor).count { if case .invariantBroken = $0 { true } else { false } }
      floor.now = floor.now + .milliseconds(100)
    }
    #expect((4...6).contains(found))
  }
}
