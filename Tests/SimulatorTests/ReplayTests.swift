import ACD
import CallControl
import Foundation
import Primitives
import SiteConfiguration
import Testing

@testable import Simulator

@Suite("Replay")
struct ReplayTests {
  @Test("Who was answered after 20 s would have waited longer: Kaplan and Meier's own curve")
  func kaplanMeier() {
    // Hang-ups at 10 and 30 s, answered at 20 and 40 s: of four, then of two.
    let curve = KaplanMeier([(10_000_000, true), (20_000_000, false), (30_000_000, true), (40_000_000, false)])
    #expect(curve.share(after: 9_999_999) == 1)
    #expect(curve.share(after: 10_000_000) == 0.75)
    #expect(curve.share(after: 30_000_000) == 0.375)
    #expect(curve.share(after: 40_000_000) == 0.375)
    #expect(curve.share(after: 50_000_000) < 0.375)
    // Known to have waited 20 s: half of them leave at 30 s, the rest beyond what was seen.
    #expect(curve.patience(beyond: 20_000_000, 0.6) == 30_000_000)
    #expect(curve.patience(beyond: 20_000_000, 0.4) > 40_000_000)
    #expect(KaplanMeier([(5, false)]).patience(beyond: 5, 0.5) == KaplanMeier.forEver)
  }

  @Test("Patience drawn anew has the law it had before most of it was hidden")
  func censored() {
    let draws = Draws(seed: 3, replication: 0, stream: 0)
    let law = Law.exponential(mean: 60e6)
    let waits = (0..<UInt64(20_000)).map { number -> (wait: Int64, hungUp: Bool) in
      let patience = law.draw(draws, number, .patience, Law.Numbers())
      let answered = Int64(draws.uniform(number, .handle) * 90e6)
      return (min(patience, answered), patience < answered)
    }
    let curve = KaplanMeier(waits)
    var sum = 0.0
    for (number, wait) in waits.enumerated() {
      sum += Double(
        wait.hungUp ? wait.wait : curve.patience(beyond: wait.wait, draws.uniform(UInt64(number), .answer)))
    }
    #expect(abs(sum / 20_000 / 60e6 - 1) < 0.03)
  }

  @Test("A world's own records, replayed under its own staffing, come out as they were")
  func roundTrip() throws {
    let recording = try Self.record()
    #expect(recording.contacts.count == 3)
    #expect(recording.contacts.map(\.outcome) == [.answered, .abandoned, .answered])
    #expect(recording.contacts.map(\.handle) == [60_000_000, nil, 30_000_000])
    #expect(recording.agents.map(\.name) == ["ana"])
    let report = try Replay(recording, try recording.scenario(journal: "j", site: Self.site, folder: "Queues")).run()
    let comparison = try #require(report.comparison)
    let line = try #require(comparison.lines.first)
    #expect(line.answered == 0)
    #expect(abs(try #require(line.waitMean?.value)) < 1e-9)
    #expect(report.remarks.first?.contains("0.0 % of the contacts waited longer than recorded") == true)
  }

  @Test("Twice the agents answer the caller who hung up before")
  func otherStaffing() throws {
    let recording = try Self.record()
    var site = Self.site
    site.definitions.agents.append(site.definitions.agents[0])
    site.definitions.agents[1].name = "ben"
    var scenario = try recording.scenario(journal: "j", site: site, folder: "Queues")
    scenario.agents.append(scenario.agents[0])
    scenario.agents[1].agent = AgentID(index: 1)
    let report = try Replay(recording, scenario).run()
    #expect(report.lines.first?.answered == 3)
    #expect(report.comparison?.lines.first?.abandoned == -1)
  }

  @Test("Shifts run from the first ready to the sign-out, breaks between; what the engine imposed is no break")
  func presence() {
    var names = Names()
    names.agents = ["ana"]
    let start = Instant(microseconds: .seconds(1_795_608_000))
    var recording = Recording(names: names, window: start..<start + .minutes(60))
    let ana = AgentID(index: 0)
    let story: [(Int64, ACD.Event)] = [
      (-5, .agentSignedIn(ana)), (-1, .agentReady(ana)), (10, .agentNotReady(ana, .unspecified)),
      (20, .agentReady(ana)),
      (30, .agentNotReady(ana, .missed)), (35, .agentReady(ana)), (50, .agentNotReady(ana, .unreachable)),
      (55, .agentSignedOut(ana)), (58, .agentSignedIn(ana)), (59, .agentReady(ana)), (90, .agentSignedOut(ana)),
      // An agent whom the journal does not name.
      (95, .agentSignedIn(AgentID(index: 7))),
    ]
    for (index, (minute, event)) in story.enumerated() {
      let sequence = UInt64(index + 1)
      recording.observe(
        Record(sequence: sequence, at: start + .minutes(minute), cause: sequence, event: .acd(event)))
    }
    recording.finish()
    func span(_ from: Int64, _ to: Int64) -> Range<Instant> { start + .minutes(from)..<start + .minutes(to) }
    #expect(recording.agents.map(\.shifts) == [[span(0, 50), span(59, 60)]])
    #expect(recording.agents.map(\.breaks) == [[span(10, 20)]])
  }

  @Test("What cannot be replayed is refused in words")
  func refused() throws {
    var empty = Recording(names: Names())
    empty.finish()
    #expect(throws: Replay.Refusal.self) {
      try empty.scenario(journal: "j", site: Self.site, folder: "Queues")
    }
    for window in [.distantPast..<Self.start, Self.start + .seconds(3_600)..<Instant.distantFuture] {
      let outside = try Self.record(window: window)
      #expect(throws: Replay.Refusal.self, "all of it happened outside \(window)") {
        try outside.scenario(journal: "j", site: Self.site, folder: "Queues")
      }
    }
    var other = Self.site
    other.definitions.queues[0].name = "elsewhere"
    let recording = try Self.record()
    #expect(throws: Replay.Refusal.self) {
      try Replay(recording, try recording.scenario(journal: "j", site: other, folder: "Queues"))
    }
  }

  private static var site: Site {
    var site = Site()
    site.definitions.queues = [QueueDefinition(name: "line")]
    var agent = AgentDefinition(name: "ana")
    agent.queues = [.init(queue: QueueID(index: 0))]
    site.definitions.agents = [agent]
    site.definitions.names.queues = ["line"]
    site.definitions.names.agents = ["ana"]
    return site
  }

  /// Ana takes one call at once, a second caller hangs up after 20 s, and a third is answered after 10 s.
  private static let start = Instant(microseconds: .seconds(1_795_608_000))

  private static func record(
    window: Range<Instant> = .distantPast..<Instant.distantFuture
  ) throws -> Recording {
    var engine = Engine(definitions: site.definitions)
    var recording = Recording(names: site.definitions.names, window: window)
    var step = ACD.Step()
    func play(_ input: ACD.Input, _ seconds: Int64) {
      let first = step.events.count
      let at = start + .seconds(seconds)
      engine.handle(input, at: at, into: &step)
      for (offset, event) in step.events.array[first...].enumerated() {
        let sequence = UInt64(first + offset + 1)
        recording.observe(Record(sequence: sequence, at: at, cause: sequence, event: .acd(event)))
      }
    }
    func contact(_ slot: UInt32) -> ContactID { ContactID(slot: slot, generation: 0) }
    func arrive(_ slot: UInt32, _ seconds: Int64) {
      play(
        .contactArrived(
          contact(slot), queue: QueueID(index: 0), profile: ProfileID(index: 0), channel: .voice, priority: 0), seconds)
    }
    func accept(_ seconds: Int64) {
      guard case .offerMade = step.events.last else { return }
      let offer = OfferID(sequence: step.sequence - 1)
      play(.offerAccepted(offer), seconds)
      play(.offerConnected(offer), seconds)
    }
    let ana = AgentID(index: 0)
    play(.agentSignedIn(ana), 0)
    play(.agentReady(ana), 0)
    arrive(0, 10)
    accept(10)
    arrive(1, 20)
    play(.contactLeft(contact(1)), 40)
    arrive(2, 60)
    play(.contactFinished(contact(0)), 70)
    accept(70)
    play(.contactFinished(contact(2)), 100)
    play(.agentSignedOut(ana), 200)
    recording.finish()
    return recording
  }
}
