import Testing

@testable import Simulator

@Suite("Erlang A")
struct ErlangTests {
  /// 48 Erlang, 240 s, patience 120 s.
  private let centre = ErlangA(arrivals: 0.2, service: 1.0 / 240, abandonment: 1.0 / 120)

  @Test("The share answered in 20 s is the exact one")
  func answered() {
    #expect(abs(centre.answered(within: 20, agents: 50) - 0.850595148296864) < 1e-4)
    // Without patience it is Erlang C: 100 calls in 30 min, 180 s, 14 agents.
    let patient = ErlangA(arrivals: 100.0 / 1800, service: 1.0 / 180, abandonment: 0)
    #expect(abs(patient.answered(within: 20, agents: 14) - 0.88835002) < 1e-4)
    #expect(patient.answered(within: 20, agents: 9) == 0)
    // Overloaded with patience: some are still answered.
    #expect((0.01...0.5).contains(centre.answered(within: 20, agents: 40)))
  }

  @Test("The fewest agents for 80 in 20, and the square-root rule beside it")
  func agents() {
    #expect(centre.agents(answering: 0.85, within: 20) == 50)
    #expect(abs(centre.squareRootAgents(answering: 0.85, within: 20) - 50) <= 1)
    #expect(
      ErlangA(arrivals: 100.0 / 1800, service: 1.0 / 180, abandonment: 0).agents(answering: 0.8, within: 20) == 14)
    #expect(ErlangA(arrivals: 0, service: 1, abandonment: 0).agents(answering: 0.8, within: 20) == 0)
  }
}
