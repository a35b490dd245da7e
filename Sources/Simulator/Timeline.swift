import ACD
import Primitives

/// What one replication looked like over the day: sums by interval, for plots and for staffing. Contacts count in the
/// interval of their arrival (`CALLS.md` 7), work and waiting in the intervals over which they stretched.
struct Timeline: Sendable {
  /// One queue and channel in one interval.
  struct Cell: Sendable, BitwiseCopyable {
    var offered: UInt32 = 0
    var answered: UInt32 = 0
    var abandoned: UInt32 = 0
    /// Answered, and abandoned, within the group's level.
    var within: UInt32 = 0
    var abandonedWithin: UInt32 = 0
    var shortAbandoned: UInt32 = 0
    /// The wait of all who came in this interval, and the waiting that took place in it, microseconds.
    var wait: Int64 = 0
    var waiting: Int64 = 0
  }

  let interval: Int64
  let count: Int
  private let start: Int64
  /// Thresholds of the service level by group.
  private let levels: [Int64]
  private var cells: ContiguousArray<Cell>
  /// By agent and interval until `finish`, which folds them.
  private var work: ContiguousArray<Tally.Work>
  /// By queue and interval, the work of the queue's agents; the last row is that of all agents.
  private var staff: ContiguousArray<Tally.Work> = []
  private let queues: Int

  /// - Returns: nil if the plan asks for none.
  init?(plan: Plan) {
    guard let interval = plan.interval, interval > 0, plan.end > plan.measureFrom else { return nil }
    self.interval = interval
    start = plan.measureFrom.microseconds
    count = Int((plan.end - plan.measureFrom + interval - 1) / interval)
    queues = plan.definitions.queues.count
    levels = plan.levels
    cells = ContiguousArray(repeating: Cell(), count: levels.count * count)
    work = ContiguousArray(repeating: Tally.Work(), count: plan.definitions.agents.count * count)
  }

  /// What comes after the end belongs to the last interval only if it began there; the drain is not part of the day.
  @inline(__always)
  private func place(_ instant: Int64) -> Int? {
    guard instant >= start else { return nil }
    let place = Int((instant - start) / interval)
    return (0..<count).contains(place) ? place : nil
  }

  mutating func left(_ group: Int, _ outcome: Outcome, wait: Int64, at now: Int64) {
    spread(now - wait, now) { row, overlap in row.cells[group * row.count + overlap.place].waiting += overlap.time }
    guard let place = place(now - wait) else { return }
    let cell = group * count + place
    cells[cell].offered += 1
    cells[cell].wait += wait
    let isWithin = wait <= levels[group]
    switch outcome {
    case .answered:
      cells[cell].answered += 1
      if isWithin { cells[cell].within += 1 }
    case .abandoned:
      cells[cell].abandoned += 1
      if isWithin { cells[cell].abandonedWithin += 1 }
    case .shortAbandoned: cells[cell].shortAbandoned += 1
    default: break
    }
  }

  mutating func worked(_ agent: Int, isHandling: Bool, _ from: Int64, _ to: Int64) {
    spread(from, to) { row, overlap in
      let place = agent * row.count + overlap.place
      if isHandling { row.work[place].handling += overlap.time } else { row.work[place].ready += overlap.time }
    }
  }

  /// Cuts a stretch of time at the borders of the intervals.
  @inline(__always)
  private mutating func spread(
    _ from: Int64, _ to: Int64, _ add: (inout Timeline, (place: Int, time: Int64)) -> Void
  ) {
    var from = max(from, start)
    while from < to, let place = place(from) {
      let border = min(to, start + Int64(place + 1) * interval)
      add(&self, (place, border - from))
      from = border
    }
  }

  mutating func finish(_ definitions: Definitions) {
    staff = ContiguousArray(repeating: Tally.Work(), count: (queues + 1) * count)
    for (agent, definition) in definitions.agents.enumerated() {
      for row in definition.queues.map({ Int($0.queue.index) }) + [queues] {
        for place in 0..<count {
          staff[row * count + place].handling += work[agent * count + place].handling
          staff[row * count + place].ready += work[agent * count + place].ready
        }
      }
    }
    work = []
  }
}

// MARK: Reading

extension Timeline {
  /// The sum of some groups in one interval.
  func cell(_ groups: [Int], _ place: Int) -> Cell {
    var sum = Cell()
    for group in groups {
      let cell = cells[group * count + place]
      sum.offered += cell.offered
      sum.answered += cell.answered
      sum.abandoned += cell.abandoned
      sum.within += cell.within
      sum.abandonedWithin += cell.abandonedWithin
      sum.shortAbandoned += cell.shortAbandoned
      sum.wait += cell.wait
      sum.waiting += cell.waiting
    }
    return sum
  }

  /// What the agents of a queue did in one interval; nil means all agents.
  func staff(_ queue: QueueID?, _ place: Int) -> Tally.Work {
    staff[(queue.map { Int($0.index) } ?? queues) * count + place]
  }
}

extension Timeline.Cell {
  /// Numerator and denominator of the service level.
  func serviceLevel(_ metric: ServiceLevelDefinition.Metric) -> (top: Double, bottom: Double) {
    let (answered, abandoned) = (Double(answered), Double(abandoned))
    let (good, early) = (Double(within), Double(abandonedWithin))
    return switch metric {
    case .ignored: (good, answered + abandoned - early)
    case .negative: (good, answered + abandoned)
    case .positive: (good + early, answered + abandoned)
    case .answered: (good, answered)
    }
  }
}
