import ACD
import API
import CallControl

/// A number of the Prometheus text format, with its name, meaning and labels.
public struct Metric: Sendable, Equatable {
  public enum Kind: String, Sendable { case counter, gauge, histogram }
  public struct Sample: Sendable, Equatable {
    /// Of a histogram: `_bucket`, `_sum` or `_count`.
    public var suffix: String
    public var labels: [Label]
    public var value: Double
    public init(_ value: Double, labels: [Label] = [], suffix: String = "") {
      self.value = value; self.labels = labels; self.suffix = suffix
    }
  }
  /// Never anything personal: queues, agents' numbers and states, routes.
  public struct Label: Sendable, Equatable {
    public var name: String
    public var value: String
    public init(_ name: String, _ value: String) { self.name = name; self.value = value }
  }
  /// In base units: `_seconds`, `_bytes`; counters end in `_total`.
  public var name: String
  public var help: String
  public var kind: Kind
  public var samples: [Sample]
  public init(_ name: String, _ help: String, _ kind: Kind, _ samples: [Sample]) {
    self.name = name; self.help = help; self.kind = kind; self.samples = samples
  }

  var text: String {
    func escaped(_ value: String) -> String {
      value.reduce(into: "") { text, character in
        switch character {
        case "\\": text += "\\\\"
        case "\"": text += "\\\""
        case "\n": text += "\\n"
        default: text.append(character)
        }
      }
    }
    var lines = ["# HELP \(name) \(help)", "# TYPE \(name) \(kind.rawValue)"]
    for sample in samples {
      let labels = sample.labels.map { "\($0.name)=\"\(escaped($0.value))\"" }.joined(separator: ",")
      lines.append(name + sample.suffix + (labels.isEmpty ? "" : "{\(labels)}") + " " + Self.number(sample.value))
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private static func number(_ value: Double) -> String {
    Int64(exactly: value).map { String($0) } ?? String(value)
  }
}

extension Metric {
  static func all(_ queues: [QueueView]) -> [Metric] {
    func perQueue(_ name: String, _ help: String, _ kind: Kind, _ value: (QueueView) -> Double) -> Metric {
      Metric(name, help, kind, queues.map { Sample(value($0), labels: [Label("queue", $0.name)]) })
    }
    func counter(_ name: String, _ help: String, _ value: (Counters) -> UInt64) -> Metric {
      perQueue("switchboard_contacts_\(name)_total", help, .counter) { Double(value(Counters($0.summary.counters))) }
    }
    return [
      perQueue("switchboard_queue_waiting", "Contacts waiting.", .gauge) { Double($0.summary.waiting) },
      perQueue("switchboard_queue_agents_signed_in", "Agents signed in.", .gauge) { Double($0.summary.signedIn) },
      perQueue("switchboard_queue_agents_ready", "Agents who could take an offer.", .gauge) {
        Double($0.summary.ready)
      },
      counter("entered", "Contacts that entered the queue.") { $0.entered },
      counter("answered", "Contacts answered.") { $0.answered },
      counter("answered_within", "Contacts answered within the service level's time.") { $0.answeredWithin },
      counter("abandoned", "Contacts that gave up waiting.") { $0.abandoned },
      counter("short_abandoned", "Contacts that gave up at once.") { $0.shortAbandoned },
      counter("left", "Contacts that timed out or overflowed.") { $0.left },
      counter("failed", "Contacts that failed.") { $0.failed },
      counter("refused", "Contacts refused.") { $0.refused },
      counter("handled", "Contacts whose talk has ended.") { $0.handled },
      perQueue("switchboard_callbacks_requested_total", "Callers who asked to be called back.", .counter) {
        Double($0.summary.counters.callback)
      },
      perQueue("switchboard_callbacks_answered_total", "Virtual callers who were answered.", .counter) {
        Double($0.summary.counters.callbacksAnswered)
      },
      perQueue("switchboard_callbacks_closed_total", "Virtual callers who were not reached or left.", .counter) {
        Double($0.summary.counters.callbacksClosed)
      },
      perQueue("switchboard_wait_estimates_total", "Answered contacts whose wait had been estimated.", .counter) {
        Double($0.summary.counters.estimates.announced)
      },
      perQueue("switchboard_wait_estimates_covered_total", "Those whose wait lay within the range.", .counter) {
        Double($0.summary.counters.estimates.covered)
      },
      Metric(
        "switchboard_wait_estimate_squared_error_seconds_total",
        "Sum of the squared errors of wait estimates, in square seconds.", .counter,
        queues.flatMap { queue in
          let scores = queue.summary.counters.estimates
          return [
            ("queue_length", scores.queueLength), ("head_of_line", scores.headOfLine),
            ("last_to_enter", scores.lastToEnter),
          ].map { name, score in
            Sample(
              Double(score.squaredError) / 1e6, labels: [Label("queue", queue.name), Label("estimator", name)])
          }
        }),
      perQueue("switchboard_excess_wait_seconds_total", "Waits beyond the service level's time.", .counter) {
        Double($0.summary.counters.excessWait) / 1e6
      },
      perQueue("switchboard_answered_wait_seconds_total", "Sum of the waits of answered contacts.", .counter) {
        Counters($0.summary.counters).answeredWaitSeconds
      },
    ]
  }

  static func all(_ counts: Counts) -> [Metric] {
    func gauge(_ name: String, _ help: String, _ value: Int) -> Metric {
      Metric("switchboard_" + name, help, .gauge, [Sample(Double(value))])
    }
    return [
      gauge("contacts", "Contacts alive.", counts.contacts), gauge("sip_dialogs", "SIP dialogs.", counts.dialogs),
      gauge("sip_transactions", "SIP transactions.", counts.transactions),
      gauge("media_ports", "Media ports taken.", counts.mediaPorts),
      gauge("sip_registrations", "Phones registered.", counts.registrations),
      Metric(
        "switchboard_journal_sequence_total", "Events journaled since the journal began.", .counter,
        [Sample(Double(counts.sequence))]),
    ] + quality(counts.quality)
  }

  /// Of each report on a leg; the buckets count millionths.
  private static func quality(_ sides: [QualityBuckets]) -> [Metric] {
    func histogram(_ name: String, _ help: String, _ buckets: [(labels: [Label], Buckets)]) -> Metric {
      Metric(
        "switchboard_media_" + name, help, .histogram,
        buckets.flatMap { labels, buckets in
          var total: UInt64 = 0
          let bounds = buckets.bounds.map { number(Double($0) / 1e6) } + ["+Inf"]
          let classes = zip(bounds, buckets.counts).map { bound, count in
            total += count
            return Sample(Double(total), labels: labels + [Label("le", bound)], suffix: "_bucket")
          }
          return classes + [
            Sample(Double(buckets.sum) / 1e6, labels: labels, suffix: "_sum"),
            Sample(Double(total), labels: labels, suffix: "_count"),
          ]
        })
    }
    let named = zip(["contact", "agent"], sides).map { (label: Label("side", $0), buckets: $1) }
    return [
      histogram(
        "loss_ratio", "Packets lost on the way to us and from us, by report.",
        named.flatMap { side in
          [
            ([side.label, Label("direction", "in")], side.buckets.lossIn),
            ([side.label, Label("direction", "out")], side.buckets.lossOut),
          ]
        }),
      histogram(
        "jitter_seconds", "Jitter of what we receive, by report.", named.map { ([$0.label], $0.buckets.jitter) }),
      histogram(
        "round_trip_seconds", "Round trips to the far ends of calls, by report.",
        named.map { ([$0.label], $0.buckets.roundTrip) }),
    ]
  }

  static func all(_ traffic: Traffic, streams: Int) -> [Metric] {
    [
      Metric(
        "switchboard_http_responses_total", "Answered HTTP requests.", .counter,
        traffic.all.map { key, count in
          Sample(Double(count), labels: [Label("route", key.route), Label("status", String(key.status))])
        }),
      Metric("switchboard_http_event_streams", "Open event streams.", .gauge, [Sample(Double(streams))]),
    ]
  }
}
