import ACD
import Testing

/// The swarm of `FuzzTests` at large. The referee judges every decision; the engine's rows are checked at some of the
/// inputs, for what is broken there stays broken.
@Suite struct SwarmTests {
  static let sites = 1_000
  static let inputs = 10_000

  /// The first of what broke on a random site.
  private func firstFault(seed: Int, inputs: Int, _ prepare: (inout Swarm) -> Void = { _ in }) -> String? {
    var swarm = Swarm(seed: UInt64(1_000_000 + seed))
    swarm.isQuiet = seed.isMultiple(of: 4)
    swarm.checksEvery = 64
    prepare(&swarm)
    for input in 0..<inputs {
      swarm.stir()
      if let fault = swarm.broken.first { return "input \(input) of site \(seed): \(fault)" }
    }
    return nil
  }

  @Test("Ten million inputs on a thousand random sites break no invariant", arguments: 0..<20)
  func swarm(part: Int) {
    for seed in stride(from: part, to: Self.sites, by: 20) {
      if let fault = firstFault(seed: seed, inputs: Self.inputs) {
        Issue.record("\(fault)")
        return
      }
    }
  }

  #if DEBUG
    @Test("An engine with a fault is caught by the swarm", arguments: Fault.allCases)
    func mutants(fault: Fault) {
      let isCaught = (0..<100).contains { firstFault(seed: $0, inputs: 2_000) { $0.engine.inject(fault) } != nil }
      #expect(isCaught)
    }
  #endif
}
