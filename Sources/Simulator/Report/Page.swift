import ACD
import SiteConfiguration

extension SimulationReport {
  /// One self-contained page for people who decide: the verdicts in plain words, then the day in plots. No script, no
  /// reference to anything outside; light or dark as the reader's system is.
  public var page: String { [self].page }
}

extension [SimulationReport] {
  /// All scenarios of a run on one page.
  public var page: String {
    let title = count == 1 ? "\(self[0].site): \(self[0].name)" : "Simulation of \(count) scenarios"
    var html = """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">
      <title>\(Wording.escaped(title))</title>
      <style>
      \(PageStyle.css)
      </style>
      </head>
      <body>
      <main>

      """
    for (number, report) in enumerated() { html += report.article(number) }
    return html + "</main>\n</body>\n</html>\n"
  }
}

extension SimulationReport {
  /// The file's name without folder and ending.
  fileprivate var name: String {
    let last = file.split(separator: "/").last ?? ""
    return String(last.split(separator: ".").first ?? last).replacing("-", with: " ")
  }

  fileprivate func article(_ number: Int) -> String {
    var html = "<article>\n<header>\n<p class=\"eyebrow\">\(Wording.escaped(site)) · simulation</p>\n"
    html += "<h1>\(Wording.escaped(name.prefix(1).uppercased() + name.dropFirst()))</h1>\n"
    html += "<p class=\"span\">\(Wording.escaped(span)) · repeated \(replications) times</p>\n</header>\n"
    html += banner + verdicts
    for remark in remarks { html += "<p class=\"remark\">\(Wording.escaped(remark))</p>\n" }
    html += tiles + table
    if let comparison { html += comparison.section }
    if let course {
      for (index, queue) in course.queues.enumerated() {
        html += queue.section(course, id: "q\(number)-\(index)", isAlone: course.queues.count == 1)
      }
    }
    return html + footer + "</article>\n"
  }

  private var banner: String {
    let failed = results.count { $0.verdict == .fail }
    let open = results.count { $0.verdict == .inconclusive }
    let words: String
    if !violations.isEmpty {
      words = "The engine broke a declared rule: \(violations[0].rule.rawValue)."
    } else if fingerprintFinding != nil, failed == 0 {
      words = "The outcomes differ from those recorded in the scenario."
    } else if results.isEmpty {
      words = "No thresholds are set; this is what would happen."
    } else if failed > 0 {
      words = "\(failed) of \(results.count) \(results.count == 1 ? "threshold is" : "thresholds are") missed."
    } else if open > 0 {
      let mayTell = results.contains { $0.verdict == .inconclusive && !$0.isEmpty }
      words =
        "\(open) of \(results.count) thresholds cannot be decided"
        + (mayTell ? " yet; more repetitions may tell." : ": nobody came.")
    } else {
      words = results.count == 1 ? "The threshold is met." : "All \(results.count) thresholds are met."
    }
    let mark = Self.mark(results.isEmpty && verdict == .pass ? nil : verdict)
    return "<p class=\"banner \(verdict.rawValue)\">\(mark)<span>\(Wording.escaped(words))</span></p>\n"
  }

  private static func mark(_ verdict: Verdict?) -> String {
    let sign =
      switch verdict {
      case .pass: "✓"
      case .fail: "✗"
      case .inconclusive: "?"
      case nil: "i"
      }
    return "<span class=\"mark\" aria-hidden=\"true\">\(sign)</span>"
  }

  private var verdicts: String {
    guard !results.isEmpty else { return "" }
    var html = "<ul class=\"verdicts\">\n"
    for result in results {
      html += "<li class=\"\(result.verdict.rawValue)\">\(Self.mark(result.verdict))<div><p>"
      html += "<strong>\(PlainWords.verdict(result.verdict)).</strong> "
      html += "\(sentence(result))</p>"
      html += "<code>\(Wording.escaped(result.expectation.text))</code></div></li>\n"
    }
    return html + "</ul>\n"
  }

  /// A number and its unit stay on one line.
  private func sentence(_ result: Result) -> String {
    var text = Wording.escaped(result.sentence { queueNames[Int($0.index)] })
    for unit in ["%", "s", "min", "h"] {
      for end in [" ", ".", ","] { text = text.replacing(" \(unit)\(end)", with: "\u{A0}\(unit)\(end)") }
    }
    return text
  }

  private var tiles: String {
    let (offered, answered) = (lines.reduce(0) { $0 + $1.offered }, lines.reduce(0) { $0 + $1.answered })
    let abandoned = lines.reduce(0) { $0 + $1.abandoned }
    let wait = lines.reduce(0) { $0 + ($1.waitMean?.value ?? 0) * $1.offered }
    guard offered > 0 else { return "" }
    let tiles = [
      ("Contacts", Wording.fixed(offered, 0)), ("Answered", "\(Wording.fixed(answered / offered * 100, 1)) %"),
      ("Hung up waiting", "\(Wording.fixed(abandoned / offered * 100, 1)) %"),
      ("Mean wait", Wording.duration(wait / offered)),
    ]
    return "<dl class=\"tiles\">\n"
      + tiles.map { "<div><dt>\($0.0)</dt><dd>\($0.1)</dd></div>\n" }.joined() + "</dl>\n"
  }

  private var table: String {
    let head = [
      "Queue", "Channel", "Offered", "Answered", "Hung up", "Service level", "Mean wait", "95 of 100 wait", "Busy",
    ]
    let rows = lines.map { line in
      [
        line.queue, line.channel, Wording.fixed(line.offered, 1), Wording.fixed(line.answered, 1),
        Wording.percent(line.abandonRate), "\(Wording.percent(line.serviceLevel)) \(line.serviceLevelName)",
        Wording.wait(line.waitMean), Wording.wait(line.wait95), Wording.percent(line.occupancy),
      ]
    }
    return "<section>\n<h2>Queues and channels</h2>\n" + PageStyle.table(head, rows, words: 2)
      + "<p class=\"note\">Means over the repetitions, with 95 % confidence intervals.</p>\n</section>\n"
  }

  private var footer: String {
    var html = "<footer>\n<p>Simulated with the engine that serves live traffic. The same seed gives the same page: "
    html += "<code>\(Wording.escaped(repetition))</code></p>\n"
    if confidence > 0.95, !results.isEmpty {
      html += "<p>Thresholds are judged by intervals of \(Wording.confidence(confidence)) %, because repetitions were "
      html += "added until they could be decided.</p>\n"
    }
    return html + "<p>\(contacts) contacts · seed \(seed) · fingerprint <code>\(fingerprint)</code></p>\n</footer>\n"
  }
}

extension Comparison {
  fileprivate var section: String {
    let head = ["Queue", "Channel", "Answered", "Service level", "Mean wait", "95 of 100 wait", "Hung up", "Busy"]
    let rows = lines.map { line in
      [
        line.queue, line.channel, (line.answered > 0 ? "+" : "") + Wording.fixed(line.answered, 1),
        Wording.percent(line.serviceLevel, isDifference: true), Wording.wait(line.waitMean, isDifference: true),
        Wording.wait(line.wait95, isDifference: true), Wording.percent(line.abandonRate, isDifference: true),
        Wording.percent(line.occupancy, isDifference: true),
      ]
    }
    return "<section>\n<h2>Compared with \(Wording.escaped(base))</h2>\n" + PageStyle.table(head, rows, words: 2)
      + "<p class=\"note\">Differences, this one minus the other: both met the very same callers, so small differences "
      + "show. Each stands with its 95 % confidence interval; pt is a percentage point.</p>\n</section>\n"
  }
}

extension Course.Queue {
  fileprivate func section(_ course: Course, id: String, isAlone: Bool) -> String {
    let title = name.map { "Queue \($0)" } ?? "All queues together"
    var html = "<section>\n<h2>\(Wording.escaped(title))</h2>\n<div class=\"plots\">\n"
    for (number, plot) in plots(course).enumerated() {
      html +=
        "<figure><figcaption>\(Wording.escaped(plot.title))</figcaption>\(plot.svg(id: "\(id)-\(number)"))</figure>\n"
    }
    html += "</div>\n<details><summary>The numbers behind the plots</summary>\n"
    html += numbers(course)
    return html + "</details>\n</section>\n"
  }

  private func plots(_ course: Course) -> [Plot] {
    let peak = waiting.indices.max { waiting[$0] < waiting[$1] } ?? 0
    func at(_ place: Int) -> String { course.intervals.indices.contains(place) ? course.intervals[place] : "" }
    var plots = [
      Plot(
        title: "Waiting in line, on average",
        description: "Most at \(at(peak)) with \(Wording.fixed(waiting.max() ?? 0, 1)) waiting.",
        labels: course.intervals, marks: [.steps(waiting, style: "a")])
    ]
    if let serviceLevelName, let serviceLevelWithin, let target {
      let known = serviceLevel.indices.filter { serviceLevel[$0] != nil }
      let worst = known.min { (serviceLevel[$0]?.value ?? 1) < (serviceLevel[$1]?.value ?? 1) }
      let lowest = worst.flatMap { serviceLevel[$0]?.value } ?? 0
      let below = known.count { (serviceLevel[$0]?.value ?? 1) < target }
      plots.append(
        Plot(
          title: "Answered within \(Wording.duration(serviceLevelWithin))"
            + (serviceLevelChannel.map { ", \($0) only" } ?? ""),
          description:
            "\(serviceLevelName). Lowest at \(worst.map(at) ?? "no time") with \(Wording.fixed(lowest * 100, 0)) %; "
            + "\(below) of \(known.count) intervals lie below \(Wording.seconds(target * 100)) %.",
          labels: course.intervals, unit: "%", top: 1,
          marks: [
            .limit(target, "wanted \(Wording.seconds((target * 1000).rounded() / 10)) %"),
            .banded(serviceLevel, style: "b"),
          ]))
    }
    let busiest = occupancy.compactMap(\.self).max() ?? 0
    plots.append(
      Plot(
        title: "Share of their time that agents are busy",
        description: "At most \(Wording.fixed(busiest * 100, 0)) %.", labels: course.intervals, unit: "%", top: 1,
        marks: [.line(occupancy, style: "c")]))
    plots.append(
      Plot(
        title: "Agents at work\(name == nil ? "" : " for this queue")",
        description: "From \(Wording.fixed(staffed.min() ?? 0, 1)) to \(Wording.fixed(staffed.max() ?? 0, 1)).",
        labels: course.intervals, marks: [.steps(staffed, style: "d")]))
    plots.append(
      Plot(
        title: "How long they wait, share of contacts",
        description: waits.first.flatMap { bin in
          bin.to.map { "\(Wording.fixed(bin.share * 100, 0)) % wait less than \(Wording.duration($0))." }
        } ?? "",
        labels: waits.map { $0.from < 60 ? "\(Wording.seconds($0.from)) s" : "\(Wording.seconds($0.from / 60)) m" },
        unit: "%", top: Plot.roundUp(waits.map(\.share).max() ?? 1), marks: [.bars(waits.map(\.share), style: "a fill")]
      ))
    plots.append(
      Plot(
        title: "Contacts coming in, per \(course.minutes) min",
        description: "At most \(Wording.fixed(offered.max() ?? 0, 1)).", labels: course.intervals,
        marks: [.bars(offered, style: "d fill")]))
    return plots
  }

  private func numbers(_ course: Course) -> String {
    let head = ["From", "Coming in", "Waiting"] + (name == nil ? [] : ["Service level"]) + ["Busy", "Agents"]
    let rows = course.intervals.indices.map { place in
      [course.intervals[place], Wording.fixed(offered[place], 1), Wording.fixed(waiting[place], 2)]
        + (name == nil ? [] : [Wording.percent(serviceLevel[place])])
        + [
          occupancy[place].map { "\(Wording.fixed($0 * 100, 1)) %" } ?? "-", Wording.fixed(staffed[place], 1),
        ]
    }
    return PageStyle.table(head, rows, words: 1)
  }
}
