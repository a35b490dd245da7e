import ACD
public import CallControl
import Primitives
public import SiteConfiguration

extension Recording {
  /// The recorded agents over a site, as far as the site knows them.
  /// - Parameters:
  ///   - journal: its file.
  ///   - folder: the site's.
  ///   - staffing: agents with their shifts, and thresholds, instead of the recorded agents. Its day is moved to the
  ///     recorded one, and repeated on each day of a longer recording.
  public func scenario(
    journal: String, site: Site, folder: String, staffing: Scenario? = nil
  ) throws(Replay.Refusal) -> Scenario {
    guard let span, span.lowerBound < span.upperBound else {
      throw Replay.Refusal(description: "the journal holds nothing of that time")
    }
    var scenario = Scenario(file: journal, folder: folder, site: site, span: span)
    scenario.runs.replications = 10
    if let staffing {
      scenario.site = staffing.site
      scenario.folder = staffing.folder
      scenario.expectations = staffing.expectations
      scenario.agents = staffing.agents.map { agent in
        var agent = agent
        agent.shifts = Self.moved(agent.shifts, from: staffing.span.lowerBound, into: span)
        agent.breaks = Self.moved(agent.breaks, from: staffing.span.lowerBound, into: span)
        return agent
      }
      return scenario
    }
    let offers = answers.count + missed
    for agent in agents {
      guard let index = site.definitions.agents.firstIndex(where: { $0.name == agent.name && !$0.isRemoved }) else {
        continue
      }
      scenario.agents.append(
        Scenario.Agent(
          agent: AgentID(index: UInt32(index)), place: Place(file: journal), shifts: agent.shifts,
          breaks: agent.breaks, answersIn: answers.isEmpty ? .deterministic(.seconds(3)) : .empirical(sampledAnswers),
          misses: offers > 0 ? Double(missed) / Double(offers) : 0))
    }
    return scenario
  }

  /// Enough of them to draw from.
  private var sampledAnswers: [Int64] {
    let sorted = answers.sorted()
    return sorted.count <= 1000 ? sorted : (0..<1000).map { sorted[$0 * sorted.count / 1000] }
  }

  private static func moved(
    _ spans: [Range<Instant>], from start: Instant, into window: Range<Instant>
  ) -> [Range<Instant>] {
    let day = Int64.minutes(24 * 60)
    let first = (window.lowerBound - start) / day - 1
    let last = (window.upperBound - start) / day + 1
    return (first...max(first, last)).flatMap { number in
      spans.compactMap { span in
        let from = max(span.lowerBound + number * day, window.lowerBound)
        let to = min(span.upperBound + number * day, window.upperBound)
        return from < to ? from..<to : nil
      }
    }
  }
}
