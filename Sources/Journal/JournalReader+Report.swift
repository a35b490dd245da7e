import ACD
import CallControl
public import Primitives

extension JournalReader {
  /// The report on a subject over what arrived (agents: happened) at or after `from` and before `to`.
  public func report(_ subject: Report.Subject, from: Instant, to: Instant) throws -> Report {
    let names = try names()
    switch subject {
    case .intervals:
      return try queueReport(try intervals(from: from, to: to), names, showsStart: true)
    case .queues:
      return try queueReport(Self.sums(try intervals(from: from, to: to)), names, showsStart: false)
    case .agents:
      return Self.agentReport(try agentIntervals(from: from, to: to), names)
    case .contacts:
      return try contactReport(from: from, to: to, names)
    }
  }

  /// One row per queue and definition: sums under different definitions are never added.
  private static func sums(_ intervals: [IntervalRow]) -> [IntervalRow] {
    var sums: [IntervalRow] = []
    for interval in intervals {
      let same = sums.firstIndex { $0.queue == interval.queue && $0.serviceLevel == interval.serviceLevel }
      if let same { sums[same] += interval } else { sums.append(interval) }
    }
    return sums.sorted { ($0.queue, $0.serviceLevel) < ($1.queue, $1.serviceLevel) }
  }

  private func queueReport(_ intervals: [IntervalRow], _ names: Names, showsStart: Bool) throws -> Report {
    var report = Report(
      columns: (showsStart ? ["start"] : []) + [
        "queue", "definition", "service_level", "entered", "answered", "answered_within", "abandoned",
        "abandoned_within", "short_abandoned", "left", "callback", "failed", "refused", "mean_answered_wait_s",
        "mean_excess_wait_s", "abandon_rate", "mean_handle_time_s", "hold_s", "callbacks_queued", "callbacks_answered",
        "callbacks_closed", "announced", "range_coverage", "queue_length_error_s", "head_of_line_error_s",
        "last_to_enter_error_s",
      ] + ServiceLevelDefinition.Metric.allCases.map(\.rawValue))
    var labels: [Int64: String] = [:]
    for interval in intervals {
      let version = interval.serviceLevel
      if labels[version] == nil { labels[version] = try serviceLevel(version: version)?.label ?? "unknown" }
      let counters = interval.counters
      var row: [Report.Cell] = showsStart ? [.instant(interval.start)] : []
      row += [
        .text(names.queues.name(at: interval.queue.index)), .count(UInt64(bitPattern: version)),
        .optional(labels[version]), .count(counters.entered), .count(counters.answered),
        .count(counters.answeredWithin), .count(counters.abandoned), .count(counters.abandonedWithin),
        .count(counters.shortAbandoned), .count(counters.left), .count(interval.callbacks),
        .count(counters.failed), .count(counters.refused),
        .optional(seconds: counters.meanAnsweredWait), .optional(seconds: counters.meanExcessWait),
        .optional(counters.abandonRate.ratio), .optional(seconds: counters.meanHandleTime), .seconds(interval.hold),
        .count(counters.callbacksQueued), .count(counters.callbacksAnswered), .count(counters.callbacksClosed),
        .count(counters.estimates.announced), .optional(counters.estimateCoverage.ratio),
        .optional(seconds: counters.estimates.queueLength.rootMeanSquare),
        .optional(seconds: counters.estimates.headOfLine.rootMeanSquare),
        .optional(seconds: counters.estimates.lastToEnter.rootMeanSquare),
      ]
      row += ServiceLevelDefinition.Metric.allCases.map { .optional(counters.serviceLevel($0).ratio) }
      report.rows.append(row)
    }
    return report
  }

  private static func agentReport(_ intervals: [AgentIntervalRow], _ names: Names) -> Report {
    var sums: [AgentID: AgentIntervalRow] = [:]
    for interval in intervals {
      sums[interval.agent, default: AgentIntervalRow(agent: interval.agent, start: interval.start)] += interval
    }
    var report = Report(columns: [
      "agent", "offered", "accepted", "declined", "missed", "answered", "talk_s", "hold_s", "wrap_up_s",
      "mean_handle_time_s", "handling_s", "ready_s", "occupancy",
    ])
    for sum in sums.values.sorted(by: { $0.agent < $1.agent }) {
      report.rows.append([
        .text(names.agents.name(at: sum.agent.index)), .count(sum.offered), .count(sum.accepted),
        .count(sum.declined), .count(sum.missed), .count(sum.answered), .seconds(sum.talk), .seconds(sum.hold),
        .seconds(sum.wrapUp),
        sum.answered == 0 ? .empty : .seconds((sum.talk + sum.hold + sum.wrapUp) / Int64(sum.answered)),
        .seconds(sum.handling), .seconds(sum.ready), .optional(sum.occupancy.ratio),
      ])
    }
    return report
  }

  private func contactReport(from: Instant, to: Instant, _ names: Names) throws -> Report {
    var report = Report(columns: [
      "contact", "channel", "entry", "queue", "agent", "opened", "answered", "ended", "outcome", "end_cause",
      "wait_s", "talk_s", "hold_s", "wrap_up_s", "code", "loss_in", "loss_out", "jitter_s", "round_trip_s",
      "agent_loss_in", "agent_loss_out", "agent_jitter_s", "agent_round_trip_s",
    ])
    var cursor = UInt64.max
    while true {
      let page = try contacts(ContactFilter(from: from, to: to), before: cursor, limit: 1_000)
      for contact in page {
        report.rows.append(
          [
            .text(contact.id.description), .text(word("\(contact.channel)")), .text(contact.entry),
            .optional(contact.queue.map { names.queues.name(at: $0.index) }),
            .optional(contact.agent.map { names.agents.name(at: $0.index) }),
            .instant(contact.opened), .optional(contact.answered), .optional(contact.ended),
            .optional(contact.outcomeName), .optional(contact.endCause.map { word("\($0)") }),
            .optional(seconds: contact.wait), .optional(seconds: contact.talk), .seconds(contact.hold),
            .optional(seconds: contact.wrapUp),
            .optional(contact.code.flatMap { $0 == .none ? nil : names.codes.name(at: UInt32($0.index)) }),
          ] + [contact.quality, contact.agentQuality].flatMap(Self.cells))
      }
      guard let last = page.last, page.count == 1_000 else { return report }
      cursor = last.sequence
    }
  }

  private static func cells(_ quality: Quality?) -> [Report.Cell] {
    [
      .optional(quality.map { Double($0.lossIn) / 1e6 }), .optional(quality.map { Double($0.lossOut) / 1e6 }),
      .optional(seconds: quality?.jitter), .optional(seconds: quality?.roundTrip),
    ]
  }
}

extension ServiceLevel {
  /// What its figures mean: `T=20s`, and with a limit of short abandons `T=20s short<5s`.
  public var label: String {
    func seconds(_ interval: Int64) -> String { Report.Cell.seconds(interval).plainText + "s" }
    return "T=" + seconds(within) + (shortAbandon > 0 ? " short<" + seconds(shortAbandon) : "")
  }
}

extension [String] {
  fileprivate func name(at index: UInt32) -> String { index < count ? self[Int(index)] : "#\(index)" }
}

extension ContactRow {
  /// How it came out, as the outside writes it: `short_abandoned`, `refused_closed`; nil while it is open.
  public var outcomeName: String? {
    outcome.map { word("\($0)") } ?? refusal.map { "refused_" + word("\($0)") }
  }
}

/// A case's name as the outside writes it: `shortAbandoned` is `short_abandoned`.
private func word(_ name: String) -> String {
  name.map { $0.isUppercase ? "_" + $0.lowercased() : String($0) }.joined()
}
