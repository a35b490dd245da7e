import API
import Testing

@testable import Console

@Suite struct WhyTextTests {
  private let at = Timestamp(milliseconds: 1_700_000_060_000)

  private var decision: Why.Decision {
    var decision = Why.Decision(
      sequence: 421, at: at, kind: "offered", summary: "offered to amina", agent: "ag_amina", queue: "q_support",
      policy: "longest_idle")
    decision.alsoQueues = ["q_sales"]
    decision.step = 1
    decision.steps = 2
    decision.needs = [Why.Need(skill: "german", level: 50)]
    let entered = Timestamp(milliseconds: 1_700_000_000_000)
    decision.place = Why.Place(
      contact: "ct_1", queue: "q_support", enteredAt: entered, priority: 5, aging: 1.5, effective: 6.5, rank: nil)
    let passed = Why.Test("ready", passed: true, needed: "ready", actual: "ready")
    let failed = Why.Test("skill", passed: false, needed: "german 50", actual: "german 30")
    decision.candidates = [
      Why.Candidate(
        agent: "ag_amina", queue: "q_support", passes: true, tests: [passed],
        key: Why.Key(contacts: 0, measure: "", since: entered),
        ahead: [
          Why.Place(contact: "ct_9", queue: "q_sales", enteredAt: entered, priority: 9, aging: 0, effective: 9, rank: 1)
        ], aheadCount: 1),
      Why.Candidate(agent: "ag_bo", queue: nil, passes: false, tests: [passed, failed]),
    ]
    decision.others = [Why.Others(test: "ready", actual: "signed out", agents: 40)]
    return decision
  }

  @Test("An explanation reads as a table: the decision, who was judged, and the agent in question test by test")
  func table() {
    let entry = Why.Occurrence(sequence: 412, at: at, event: "queued", detail: "in support, priority 5")
    let lines = Why(contact: "ct_1", history: [entry], decision: decision).lines(about: "bo")
    #expect(
      lines == [
        "ct_1",
        "2023-11-14 22:14:20.000       412  queued           in support, priority 5",
        "",
        "At 421, 2023-11-14 22:14:20.000: offered to amina",
        "  policy longest_idle, queue support, then sales, step 1 of 2 of the ladder",
        "  needs german 50",
        "  its place: support, effective 6.5 = priority 5 + 1.5 a minute for 1:00, entered 2023-11-14 22:13:20.000",
        "  agents:",
        "    1. amina    0 in hand, since 2023-11-14 22:13:20.000",
        "     - bo       skill: needed german 50; german 30",
        "     + 40 more  ready: signed out",
        "",
        "amina, test by test:",
        "  ok  ready     ready; ready",
        "  before it in line for amina: 1",
        "    ct_9  rank 1, sales, effective 9 = priority 9, entered 2023-11-14 22:13:20.000",
        "",
        "bo, test by test:",
        "  ok  ready     ready; ready",
        "  NO  skill     german 50; german 30",
      ])
  }

  @Test("A contact without a decision says so")
  func nothing() {
    #expect(Why(contact: "ct_1").lines() == ["ct_1", "", "No decision was made about it."])
  }
}
