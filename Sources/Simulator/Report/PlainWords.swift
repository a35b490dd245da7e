import ACD
import SiteConfiguration

extension SimulationReport.Result {
  /// A threshold and what came of it, for readers who do not know the names of metrics.
  func sentence(_ definitions: (QueueID) -> String) -> String {
    let who = expectation.queue.map { "Queue \(definitions($0))" } ?? "All queues"
    let channel = expectation.channel.map { $0 == .voice ? ", calls" : ", \($0)s" } ?? ""
    guard let estimate else { return "\(who)\(channel): \(isEmpty ? "nobody came" : "nothing to count")." }
    let value = PlainWords.value(estimate.value, expectation.metric)
    let wanted = PlainWords.value(expectation.value, expectation.metric)
    if let within {
      let half = within.halfWidth.isFinite ? ", give or take \(Wording.fixed(within.halfWidth * 100, 1)) points" : ""
      return "\(who)\(channel): \(PlainWords.statement(value, expectation.metric)). Wanted: "
        + "\(PlainWords.comparison(expectation.comparison)) \(wanted), and \(Wording.fixed(within.value * 100, 1)) % do "
        + "wait no longer than that\(half)."
    }
    let range =
      estimate.halfWidth.isFinite && estimate.halfWidth > 0
      ? ", give or take \(PlainWords.width(estimate.halfWidth, expectation.metric))" : ""
    return "\(who)\(channel): \(PlainWords.statement(value, expectation.metric))\(range). "
      + "Wanted: \(PlainWords.comparison(expectation.comparison)) \(wanted)."
  }
}

enum PlainWords {
  static func statement(_ value: String, _ metric: Expectation.Metric) -> String {
    switch metric {
    case .serviceLevel(let definition, let within):
      "\(value) answered within \(Wording.duration(Double(within) / 1e6)), \(note(definition))"
    case .waitMean: "the mean wait is \(value)"
    case .waitQuantile(let p): "\(Wording.seconds(p * 100)) of 100 wait no longer than \(value)"
    case .waitMaximum: "the longest wait is \(value) on average"
    case .speedOfAnswer: "those who are answered wait \(value) on average"
    case .abandonRate: "\(value) hang up before they are answered"
    case .occupancy: "agents are busy \(value) of the time they are there"
    case .offered: "\(value) come in"
    case .answered: "\(value) are answered"
    case .abandoned: "\(value) hang up"
    case .left: "\(value) wait too long and are let go"
    case .refused: "\(value) are refused"
    }
  }

  static func note(_ definition: ServiceLevelDefinition.Metric) -> String {
    switch definition {
    case .negative: "whoever hangs up counting against it"
    case .ignored: "whoever hangs up that early left out"
    case .positive: "whoever hangs up that early counting as good"
    case .answered: "whoever hangs up left out"
    }
  }

  static func comparison(_ comparison: Expectation.Comparison) -> String {
    switch comparison {
    case .atLeast: "at least"
    case .atMost: "at most"
    case .equal: "exactly"
    case .above: "more than"
    case .below: "less than"
    }
  }

  static func value(_ value: Double, _ metric: Expectation.Metric) -> String {
    switch metric {
    case .serviceLevel, .abandonRate, .occupancy: "\(Wording.seconds((value * 1000).rounded() / 10)) %"
    case .waitMean, .waitQuantile, .waitMaximum, .speedOfAnswer: Wording.duration(value)
    case .offered, .answered, .abandoned, .left, .refused: Wording.seconds((value * 10).rounded() / 10)
    }
  }

  static func width(_ value: Double, _ metric: Expectation.Metric) -> String {
    switch metric {
    case .serviceLevel, .abandonRate, .occupancy: "\(Wording.fixed(value * 100, 1)) points"
    case .waitMean, .waitQuantile, .waitMaximum, .speedOfAnswer: Wording.duration(value)
    case .offered, .answered, .abandoned, .left, .refused: Wording.fixed(value, 1)
    }
  }

  static func verdict(_ verdict: Verdict) -> String {
    switch verdict {
    case .pass: "Met"
    case .fail: "Missed"
    case .inconclusive: "Not sure"
    }
  }
}
