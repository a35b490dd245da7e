import ACD
import CallControl
import Primitives
import SIP
import Testing

@Suite("Hundreds of calls in bad weather")
struct Swarm {
  struct Storm: Sendable, CustomTestStringConvertible {
    var seed: UInt64
    var loss: Double
    var onAgent = false
    var policy = Policy.longestIdle
    var testDescription: String {
      "seed \(seed), \(Int(loss * 100)) % lost, \(policy)" + (onAgent ? ", answered by agents" : "")
    }
  }

  @Test(
    "Every call ends, none fails wrongly, every contact has one outcome, and nothing is left",
    arguments: [
      Storm(seed: 1, loss: 0), Storm(seed: 2, loss: 0.05), Storm(seed: 3, loss: 0.1),
      Storm(seed: 4, loss: 0.05, onAgent: true), Storm(seed: 5, loss: 0.05, policy: .broadcast),
    ])
  func swarm(storm: Storm) {
    let ports = (0..<8).map { UInt16(7_001 + $0) }
    let weather = World.Weather(loss: storm.loss, repetition: 0.05, delay: 1_000...80_000)
    let world = World(
      .support(ports.map { phone(at: $0) }) {
        $0.definitions.queues[0].policy = storm.policy
        $0.definitions.queues[0].wrapUp = .milliseconds(500)
        $0.queues[0].answer = storm.onAgent ? .onAgent : .onEntry
      }, seed: storm.seed, weather: weather)
    let phones = ports.map { Peer("phone\($0)", at: $0, in: world) }
    for phone in phones {
      phone.draws = { [unowned world] in
        let talks = Int64.milliseconds(300 + Int64(world.draw() * 4_000))
        switch world.draw() {
        case ..<0.05: return (.reject(status: 486, after: .milliseconds(200)), nil)
        case ..<0.08: return (.reject(status: 603, after: .milliseconds(200)), nil)
        case ..<0.1: return (.ring, nil)
        default:
          let answers = Int64.milliseconds(Int64(world.draw() * 1_500))
          return (.accept(after: answers), world.draw() < 0.5 ? talks : nil)
        }
      }
    }
    let callers = (0..<6).map { Peer("caller\($0)", at: UInt16(6_001 + $0), in: world) }
    var ends: [Int] = []
    for caller in callers { caller.onEnd = { _, status in ends.append(status) } }
    for agent in phones.indices { world.ready(agent) }
    let calls = 300
    for number in 0..<calls {
      let caller = callers[number % callers.count]
      world.after(Int64(Double(number) * 200_000 + world.draw() * 100_000)) { [unowned world] in
        let dialog = caller.call()
        world.after(.milliseconds(Int64(world.draw() * 20_000))) {
          if caller.userAgent.isAnswered(dialog) { caller.hangUp(dialog) } else { caller.cancel(dialog) }
        }
      }
    }
    for _ in 0..<30 {
      world.run(for: .seconds(5))
      for agent in phones.indices { world.ask(.ready(AgentID(index: UInt32(agent)))) }
    }
    #expect(ends.allSatisfy { $0 == 200 }, "\(ends.filter { $0 != 200 })")
    expectNothingLeft(world)
    #expect(world.checkpoint == world.replayed)
    expectOneOutcomeEach(world)
    #expect(world.outcomes().filter { $0 == .answered }.count > calls / 3)
    #expect(!world.outcomes().contains(.failed))
  }

  private func expectOneOutcomeEach(_ world: World) {
    var queued = Index<ContactID, Int>()
    var closed = 0
    for record in world.records {
      switch record.event {
      case .acd(.contactQueued(let contact, _, _, _, _)): queued[contact] = 0
      case .acd(.outcomeFixed(let contact, _, _, _)):
        #expect(queued[contact] == 0)
        queued[contact] = 1
      case .contactClosed(let contact):
        #expect(queued[contact] == 1)
        closed += 1
      default: break
      }
    }
    #expect(closed == queued.count)
  }

  @Test("The same seed is the same world")
  func repeatable() {
    func journal() -> [Record] {
      let world = World(.support([.demo, .demo]), seed: 5, weather: .init(loss: 0.1, delay: 1_000...50_000))
      let caller = Peer("alice", at: 6001, in: world)
      world.ready(0, 1)
      for _ in 0..<5 {
        caller.call()
        world.run(for: .seconds(3))
        caller.hangUp()
      }
      return world.records
    }
    #expect(journal() == journal())
  }
}

extension UserAgent {
  /// Whether the dialog can be ended by BYE: ours was answered.
  func isAnswered(_ dialog: DialogID) -> Bool { saved(dialog).map { $0.bytes.count > 1 && $0.bytes[1] > 2 } ?? false }
}
