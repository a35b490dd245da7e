import ACD
import Glibc
import Primitives

/// What a decision costs by the number of agents and of those who wait, as a table and, with `--svg FILE`, as a plot; and
/// a change of state in a site of 40,000 queues. A decision is one cycle of `BusyFloor`: an agent ends a contact, wraps
/// up and takes the best of all who wait, and a newcomer finds no agent and waits.
func benchmarkDecisions() {
  let counts = (agents: [10, 100, 1_000, 10_000], waiting: [10, 100, 1_000, 10_000, 100_000])
  let cycles = 50_000
  let lines = counts.agents.map { agents in
    counts.waiting.map { waiting in
      var floor = BusyFloor(agents: agents, queues: min(50, agents / 2), waiting: waiting)
      floor.run(cycles)
      return Harness.measure("\(agents) agents, \(waiting) waiting, per decision", operations: cycles) {
        floor.run(cycles)
      }
    }
  }
  Harness.report(lines.flatMap { $0 } + [changeOfState()])
  guard let option = CommandLine.arguments.firstIndex(of: "--svg"), option + 1 < CommandLine.arguments.count else {
    return
  }
  let path = CommandLine.arguments[option + 1]
  let plot = DecisionPlot(
    waiting: counts.waiting,
    lines: zip(counts.agents, lines).map { ("\($0) agents", $1.map(\.nanoseconds)) })
  guard let file = fopen(path, "w") else { return perror(path) }
  fputs(plot.svg, file)
  fclose(file)
  print("plot: \(path)")
}

/// A break and its end, of an agent in 20 of 40,000 queues; 3,750 agents hold 75,000 memberships.
private func changeOfState() -> Measurement {
  var definitions = Definitions()
  for index in 0..<40_000 { definitions.queues.append(QueueDefinition(name: "queue \(index)")) }
  for index in 0..<3_750 {
    var agent = AgentDefinition(name: "agent \(index)")
    agent.queues = (0..<20).map { .init(queue: QueueID(index: UInt32((index * 20 + $0 * 7) % 40_000))) }
    definitions.agents.append(agent)
  }
  var engine = Engine(definitions: definitions)
  var step = Step()
  var now = Instant(microseconds: 1_700_000_000_000_000)
  func say(_ input: Input) {
    now = now + 100
    step.removeAll()
    engine.handle(input, at: now, into: &step)
  }
  for index in 0..<3_750 {
    say(.agentSignedIn(AgentID(index: UInt32(index))))
    say(.agentReady(AgentID(index: UInt32(index))))
  }
  let changes = 50_000
  return Harness.measure("40,000 queues, one of 20 per agent, per change", operations: changes) {
    for change in 0..<changes / 2 {
      let agent = AgentID(index: UInt32(change * 7 % 3_750))
      say(.agentNotReady(agent, .unspecified))
      say(.agentReady(agent))
    }
  }
}

/// Nanoseconds over a logarithmic axis of waiting contacts: what grows logarithmically is a straight line.
private struct DecisionPlot {
  var waiting: [Int]
  var lines: [(name: String, nanoseconds: [Double])]

  private let width = 720.0
  private let height = 420.0
  private let margin = 60.0
  private var top: Double { lines.flatMap(\.nanoseconds).max() ?? 1 }

  private func x(_ index: Int) -> Double {
    margin + (width - 2 * margin - 40) * Double(index) / Double(max(1, waiting.count - 1))
  }
  private func y(_ nanoseconds: Double) -> Double { height - margin - (height - 2 * margin) * nanoseconds / top }

  var svg: String {
    var svg = """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(width) \(height)" font-family="sans-serif" font-size="12">
      <rect width="\(width)" height="\(height)" fill="white"/>
      <text x="\(margin)" y="24" font-size="15">Cost of a decision, nanoseconds of CPU, by contacts waiting</text>

      """
    for part in 0...4 {
      let value = top * Double(part) / 4
      svg += "<line x1=\"\(margin)\" x2=\"\(x(waiting.count - 1))\" y1=\"\(y(value))\" y2=\"\(y(value))\""
      svg += " stroke=\"#ddd\"/>"
      svg += "<text x=\"\(margin - 8)\" y=\"\(y(value) + 4)\" text-anchor=\"end\">\(Int(value))</text>\n"
    }
    for (index, count) in waiting.enumerated() {
      svg += "<text x=\"\(x(index))\" y=\"\(height - margin + 20)\" text-anchor=\"middle\">\(count)</text>\n"
    }
    for (index, line) in lines.enumerated() {
      let colour = ["#1b6ca8", "#c2571a", "#2e8540", "#7a3e9d"][index % 4]
      let points = line.nanoseconds.enumerated().map { "\(x($0)),\(y($1))" }
      svg += "<polyline points=\"\(points.joined(separator: " "))\" fill=\"none\" stroke=\"\(colour)\""
      svg += " stroke-width=\"2\"/>"
      svg += "<text x=\"\(x(waiting.count - 1) + 6)\" y=\"\(y(line.nanoseconds.last ?? 0) + 4)\" fill=\"\(colour)\">"
      svg += "\(line.name)</text>\n"
    }
    return svg + "</svg>\n"
  }
}
