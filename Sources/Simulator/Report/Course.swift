import ACD
import CallControl
import Primitives
import SiteConfiguration

/// The day by intervals, queue by queue: what the plots show.
public struct Course: Sendable, Encodable {
  /// When each interval begins, as the site's clock shows it, such as `08:15`.
  public var intervals: [String]
  /// Length of an interval in minutes.
  public var minutes: Int
  /// All queues together first where there are several, then each queue in which somebody called.
  public var queues: [Queue]

  public struct Queue: Sendable, Encodable {
    /// Nil for all queues together.
    public var name: String?
    /// As `sl.negative(20s)`, of this channel or of all; nil for all queues together, for each has its own.
    public var serviceLevelName: String?
    public var serviceLevelChannel: String?
    /// Seconds.
    public var serviceLevelWithin: Double?
    public var target: Double?
    /// All by interval: contacts that came, mean length of the line, agents signed in and ready or handling.
    public var offered, waiting, staffed: [Double]
    /// Nil where nobody came or worked in any replication.
    public var serviceLevel: [Estimate?]
    public var occupancy: [Double?]
    public var waits: [Bin]
  }

  /// Contacts by how long they waited, over the whole time.
  public struct Bin: Sendable, Encodable {
    /// Seconds; the last bin has no end.
    public var from: Double
    public var to: Double?
    public var share: Double
  }

  /// - Returns: nil if the replications kept no intervals.
  init?(_ scenario: Scenario, _ tallies: [Tally]) {
    let timelines = tallies.compactMap(\.timeline)
    guard let first = timelines.first, timelines.count == tallies.count else { return nil }
    intervals = Wording.times(
      (0..<first.count).map { scenario.begin + Int64($0) * first.interval }, scenario.site.timeZone,
      isDated: scenario.span.upperBound - scenario.span.lowerBound > .minutes(24 * 60))
    minutes = Int(first.interval / .minutes(1))
    let definitions = scenario.definitions
    queues = definitions.queues.indices.compactMap { index in
      let queue = QueueID(index: UInt32(index))
      let isUsed = tallies.contains { tally in
        tally.groups(queue, nil).contains { tally.groups[$0].offered + tally.groups[$0].refused > 0 }
      }
      return isUsed ? Queue(queue, scenario, tallies, timelines) : nil
    }
    if queues.count > 1 { queues.insert(Queue(nil, scenario, tallies, timelines), at: 0) }
  }
}

extension Course.Queue {
  init(_ queue: QueueID?, _ scenario: Scenario, _ tallies: [Tally], _ timelines: [Timeline]) {
    let places = 0..<timelines[0].count
    let groups = tallies[0].groups(queue, nil)
    let n = Double(timelines.count)
    let length = Double(timelines[0].interval)
    func mean(_ place: Int, _ field: (Timeline.Cell) -> Double) -> Double {
      timelines.reduce(0) { $0 + field($1.cell(groups, place)) } / n
    }
    offered = places.map { mean($0) { Double($0.offered) } }
    waiting = places.map { mean($0) { Double($0.waiting) / length } }
    let work = places.map { place in
      timelines.reduce(into: (handling: 0.0, ready: 0.0)) { sum, timeline in
        let work = timeline.staff(queue, place)
        sum.handling += Double(work.handling)
        sum.ready += Double(work.ready)
      }
    }
    staffed = work.map { ($0.handling + $0.ready) / n / length }
    occupancy = work.map { $0.handling + $0.ready > 0 ? $0.handling / ($0.handling + $0.ready) : nil }
    serviceLevel = []
    if let queue {
      let level = ServiceLevelShown(scenario, queue)
      let definition = scenario.definitions.queues[Int(queue.index)]
      name = definition.name
      serviceLevelName = "\(level.metric.rawValue)(\(Wording.threshold(level.within)))"
      serviceLevelChannel = level.channel.map { "\($0)" }
      serviceLevelWithin = Double(level.within) / 1e6
      target = level.target
      let chosen = tallies[0].groups(queue, level.channel)
      serviceLevel = places.map { place in
        Sample.ratio(timelines.map { $0.cell(chosen, place).serviceLevel(level.metric) }, isShare: true)?.estimate()
      }
    }
    waits = Self.bins(tallies.reduce(into: Histogram()) { $0.add($1.waits(groups)) })
  }

  /// Bins that people ask about, up to where only one in two hundred waits longer.
  private static func bins(_ waits: Histogram) -> [Course.Bin] {
    guard let long = waits.quantile(0.995) else { return [] }
    let edges: [Double] = [5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1200, 1800, 3600, 7200]
    let last = max(4, edges.firstIndex { $0 * 1e6 >= long } ?? edges.count - 1)
    var bins: [Course.Bin] = []
    var (from, seen) = (0.0, 0.0)
    for edge in edges[...last] {
      let upTo = waits.count(upTo: edge * 1e6)
      bins.append(Course.Bin(from: from, to: edge, share: (upTo - seen) / Double(waits.total)))
      (from, seen) = (edge, upTo)
    }
    let rest = max(0, Double(waits.total) - seen) / Double(waits.total)
    return bins + [Course.Bin(from: from, to: nil, share: rest)]
  }
}

/// The service level by which a queue's day is drawn: that of its first threshold, else its own.
struct ServiceLevelShown {
  var metric: ServiceLevelDefinition.Metric
  var within: Int64
  var target: Double
  var channel: Channel?

  init(_ scenario: Scenario, _ queue: QueueID) {
    let own = scenario.definitions.queues[Int(queue.index)].serviceLevel
    (metric, within, target) = (own.metric, own.within, own.target)
    for expectation in scenario.expectations where expectation.queue == nil || expectation.queue == queue {
      guard case .serviceLevel(let definition, let threshold) = expectation.metric else { continue }
      (metric, within, target) = (definition, threshold, expectation.value)
      channel = expectation.channel
      if expectation.queue != nil { break }
    }
  }
}
