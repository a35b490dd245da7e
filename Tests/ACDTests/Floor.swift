import ACD
import Primitives
import Testing

/// A centre in virtual time: speaks to the engine, keeps the journal, and checks the invariants after every step.
struct Floor {
  struct Record: Equatable {
    var event: Event
    var instant: Instant
    var sequence: UInt64
  }

  var engine: Engine
  /// Of the latest step.
  private(set) var events: [Event] = []
  private(set) var actions: [Action] = []
  private var sequence: UInt64 = 1
  var now = Instant(microseconds: 1_700_000_000_000_000)
  var journal: [Record] = []
  /// Contacts numbered from 0, one slot each.
  private var contacts: UInt32 = 0

  init(_ definitions: Definitions) { engine = Engine(definitions: definitions) }

  /// Says one input now. Returns its events.
  @discardableResult
  mutating func say(_ input: Input, sourceLocation: SourceLocation = #_sourceLocation) -> [Event] {
    hear(input)
    let broken = engine.brokenInvariants()
    #expect(broken.isEmpty, "after \(input)", sourceLocation: sourceLocation)
    return events
  }

  /// The same where the invariants may be broken.
  @discardableResult
  mutating func hear(_ input: Input) -> [Event] {
    var step = Step(sequence: sequence)
    engine.handle(input, at: now, into: &step)
    keep(step)
    return events
  }

  mutating func reconfigure(_ definitions: Definitions) {
    var step = Step(sequence: sequence)
    engine.reconfigure(definitions, at: now, into: &step)
    keep(step)
  }

  private mutating func keep(_ step: borrowing Step) {
    (events, actions) = (step.events.array, step.actions.array)
    for (index, event) in events.enumerated() {
      journal.append(Record(event: event, instant: now, sequence: sequence + UInt64(index)))
    }
    sequence = step.sequence
  }

  /// Lets time pass, firing each timer at its deadline. Returns all events on the way.
  @discardableResult
  mutating func pass(_ interval: Int64, sourceLocation: SourceLocation = #_sourceLocation) -> [Event] {
    let end = now + interval
    var events: [Event] = []
    while let deadline = engine.nextDeadline, deadline <= end {
      now = max(now, deadline)
      events += say(.timersDue, sourceLocation: sourceLocation)
    }
    now = end
    return events
  }

  mutating func arrive(
    _ queue: Int = 0, profile: Int = 0, _ channel: Channel = .voice, priority: Int16 = 0
  ) -> ContactID {
    let contact = ContactID(slot: contacts, generation: 1)
    contacts += 1
    say(
      .contactArrived(
        contact, queue: QueueID(index: UInt32(queue)), profile: ProfileID(index: UInt32(profile)), channel: channel,
        priority: priority))
    return contact
  }

  mutating func signIn(_ agents: Int...) {
    for agent in agents {
      say(.agentSignedIn(AgentID(agent)))
      say(.agentReady(AgentID(agent)))
    }
  }

  /// The live offer of an agent.
  func offer(_ agent: Int) -> OfferID? {
    for slot in engine.summary(of: AgentID(agent)).slots {
      if case .offered(let offer) = slot.state { return offer }
    }
    return nil
  }

  func isOffered(_ contact: ContactID, to agent: Int) -> Bool {
    guard case .offered(_, AgentID(agent))? = engine.state(of: contact) else { return false }
    return true
  }

  func isWaiting(_ contact: ContactID) -> Bool {
    guard case .waiting? = engine.state(of: contact) else { return false }
    return true
  }

  /// The agent accepts and the legs are joined.
  mutating func answer(_ agent: Int, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let offer = try #require(self.offer(agent), sourceLocation: sourceLocation)
    say(.offerAccepted(offer), sourceLocation: sourceLocation)
    say(.offerConnected(offer), sourceLocation: sourceLocation)
  }

  var checkpoint: [UInt8] {
    var writer = ByteWriter()
    engine.writeCheckpoint(into: &writer)
    return writer.bytes
  }
}

extension AgentID {
  init(_ index: Int) { self.init(index: UInt32(index)) }
}
extension QueueID {
  init(_ index: Int) { self.init(index: UInt32(index)) }
}

/// A site of queues and agents who serve all of them, to be changed by the test.
func site(queues: Int = 1, agents: Int = 1, _ change: (inout Definitions) -> Void = { _ in }) -> Definitions {
  var definitions = Definitions()
  for queue in 0..<queues { definitions.queues.append(QueueDefinition(name: "queue \(queue)")) }
  for agent in 0..<agents {
    var definition = AgentDefinition(name: "agent \(agent)")
    definition.queues = (0..<queues).map { AgentDefinition.Membership(queue: QueueID($0)) }
    definitions.agents.append(definition)
  }
  change(&definitions)
  return definitions
}
