public import API

/// An explanation as people read it.
extension Why {
  /// - Parameter agent: about whom it was asked, by name.
  public func lines(about agent: String? = nil) -> [String] {
    var lines = [contact]
    lines += history.map { entry in
      "\(entry.at.clock)  \(String(entry.sequence).fitted(to: 8, right: true))  \(entry.event.fitted(to: 16)) "
        + entry.detail.onOneLine
    }
    guard let decision else { return lines + ["", "No decision was made about it."] }
    lines += ["", "At \(decision.sequence), \(decision.at.clock): \(decision.summary)"]
    lines += decision.conditions.map { "  " + $0 }
    lines += decision.table.map { "  " + $0 }
    let name = agent.map { $0.hasPrefix("ag_") ? $0 : "ag_" + $0 }
    let named = decision.candidates.filter { $0.agent == name || $0.agent == decision.agent }
    for candidate in named { lines += candidate.lines(in: decision) }
    return lines
  }
}

extension Why.Decision {
  /// What holds for every agent.
  fileprivate var conditions: [String] {
    var lines = ["policy \(policy), queue " + ([queue] + alsoQueues).map(\.withoutPrefix).joined(separator: ", then ")]
    if steps > 0 { lines[0] += ", step \(step) of \(steps) of the ladder" }
    if !needs.isEmpty { lines.append("needs " + needs.map { "\($0.skill) \($0.level)" }.joined(separator: ", ")) }
    if let heldFor { lines.append("held for \(heldFor.withoutPrefix)") }
    if let preferred { lines.append("the ladder prefers \(preferred.withoutPrefix)") }
    if let place { lines.append("its place: " + place.text(at: at)) }
    return lines + admission.map(\.line)
  }

  /// Who was judged: those who passed in their order, then those who did not with the first test they failed.
  fileprivate var table: [String] {
    var rows: [[String]] = []
    var place = 0
    for candidate in candidates {
      if candidate.passes { place += 1 }
      let failed = candidate.tests.first { !$0.passed }
      let key = candidate.key.map { key in
        ["\(key.contacts) in hand", key.measure, "since \(key.since.clock)"].filter { !$0.isEmpty }.joined(
          separator: ", ")
      }
      rows.append([
        candidate.passes ? "\(place)." : "-", candidate.agent.withoutPrefix,
        failed.map(\.sentence) ?? key ?? "free",
      ])
    }
    rows += others.map { ["+", "\($0.agents) more", "\($0.test): \($0.actual)"] }
    let widths = (0..<2).map { column in rows.map { Width.of($0[column]) }.max() ?? 0 }
    let header = rows.isEmpty ? [] : ["agents:"]
    return header
      + rows.map { "  " + $0[0].fitted(to: widths[0], right: true) + " " + $0[1].fitted(to: widths[1]) + "  " + $0[2] }
  }
}

extension Why.Candidate {
  /// Everything about one agent.
  fileprivate func lines(in decision: Why.Decision) -> [String] {
    var lines = ["", "\(agent.withoutPrefix), test by test:"]
    lines += tests.map { "  " + $0.line }
    guard passes else { return lines }
    lines.append("  before it in line for \(agent.withoutPrefix): \(aheadCount == 0 ? "nobody" : "\(aheadCount)")")
    lines += ahead.map { "    \($0.contact)  \($0.text(at: decision.at))" }
    return lines
  }
}

extension Why.Test {
  fileprivate var line: String {
    (passed ? "ok" : "NO").fitted(to: 4) + test.fitted(to: 10) + needed.onOneLine + "; " + actual.onOneLine
  }
  fileprivate var sentence: String { "\(test): needed \(needed.onOneLine); \(actual.onOneLine)" }
}

extension Why.Place {
  fileprivate func text(at moment: Timestamp) -> String {
    let waited = clock(moment.milliseconds - enteredAt.milliseconds)
    let aged = aging == 0 ? "" : " + \(number(aging)) a minute for \(waited)"
    let rank = rank.map { "rank \($0), " } ?? ""
    return
      "\(rank)\(queue.withoutPrefix), effective \(number(effective)) = priority \(priority)\(aged), entered \(enteredAt.clock)"
  }

  private func number(_ value: Double) -> String {
    let text = "\((value * 1_000).rounded() / 1_000)"
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}

extension Timestamp {
  /// Date and time with milliseconds, without the letters.
  fileprivate var clock: String { description.dropLast().map { $0 == "T" ? " " : String($0) }.joined() }
}
