import SiteConfiguration

// MARK: A table for the terminal

extension SimulationReport {
  /// A table with 95 % intervals, a line per threshold, and the differences to another configuration.
  public var text: String {
    var text = "\(file): \(replications) replications, seed \(seed), \(contacts) contacts, fingerprint \(fingerprint)\n"
    for remark in remarks { text += "\(remark)\n" }
    let rows = lines.map { line in
      [
        line.queue, line.channel, Wording.fixed(line.offered, 1), Wording.fixed(line.answered, 1),
        Wording.fixed(line.abandoned, 1), Wording.percent(line.serviceLevel), line.serviceLevelName,
        Wording.wait(line.waitMean), Wording.wait(line.wait50), Wording.wait(line.wait95),
        Wording.percent(line.abandonRate), Wording.percent(line.occupancy),
      ]
    }
    text += "\n" + Self.table([Self.header] + rows, words: [0, 1, 6]) + "\n"
    if let comparison { text += comparison.text }
    for result in results { text += "\(Self.mark(result)) \(result.expectation.text)   \(result.words)\n" }
    if confidence > 0.95, !results.isEmpty {
      text += "Thresholds are judged by intervals of \(Wording.confidence(confidence)) %: they were looked at more "
      text += "than once while replications were added.\n"
    }
    if let fingerprintFinding { text += "✗ \(fingerprintFinding.message)\n" }
    for violation in violations.prefix(10) { text += "✗ broken rule: \(violation)\n" }
    return text
  }

  private static let header = [
    "queue", "channel", "offered", "answered", "abandoned", "service level", "", "mean wait", "p50", "p95",
    "abandon rate", "occupancy",
  ]

  private static func mark(_ result: Result) -> String {
    switch result.verdict {
    case .pass: "✓"
    case .fail: "✗"
    case .inconclusive where result.isEmpty: "? inconclusive:"
    case .inconclusive: "? inconclusive, more replications may tell:"
    }
  }

  /// Words to the left, numbers to the right.
  static func table(_ rows: [[String]], words: Set<Int>) -> String {
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      var line = ""
      for column in row.indices {
        let space = String(repeating: " ", count: widths[column] - row[column].count)
        line += (column > 0 ? "  " : "") + (words.contains(column) ? row[column] + space : space + row[column])
      }
      while line.last == " " { line.removeLast() }
      return line + "\n"
    }.joined()
  }
}

extension Comparison {
  fileprivate var text: String {
    let header = ["queue", "channel", "answered", "service level", "", "mean wait", "p95", "abandon rate", "occupancy"]
    let rows = lines.map { line in
      [
        line.queue, line.channel, (line.answered > 0 ? "+" : "") + Wording.fixed(line.answered, 1),
        Wording.percent(line.serviceLevel, isDifference: true), line.serviceLevelName,
        Wording.wait(line.waitMean, isDifference: true), Wording.wait(line.wait95, isDifference: true),
        Wording.percent(line.abandonRate, isDifference: true), Wording.percent(line.occupancy, isDifference: true),
      ]
    }
    return "Difference to \(base), the same callers met by both:\n"
      + SimulationReport.table([header] + rows, words: [0, 1, 4]) + "\n"
  }
}
