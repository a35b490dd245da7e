import Primitives

/// What three estimators said about a contact's wait when it entered, and the range that was announced, in
/// milliseconds; `none` where an estimator knew nothing.
public struct WaitEstimates: Sendable, Equatable, BitwiseCopyable {
  public static let none = UInt32.max
  /// The mean of the queue-length estimator with patience.
  public var queueLength = none
  /// How long the head of the line had waited.
  public var headOfLine = none
  /// How long whoever was answered last had waited.
  public var lastToEnter = none
  /// The announced range: median to 90th percentile of the queue-length estimator.
  public var low = none
  public var high = none
  public init() {}

  @inline(__always)
  var isMade: Bool { low != Self.none }

  /// At most 49 days.
  static func milliseconds(_ microseconds: Double) -> UInt32 {
    UInt32(min(max(0, microseconds / 1_000), Double(none - 1)))
  }
  static func milliseconds(_ microseconds: Int64) -> UInt32 {
    UInt32(clamping: min(max(0, microseconds) / 1_000, Int64(none - 1)))
  }
}

/// How an estimator did on the contacts that were answered.
public struct EstimateScore: Sendable, Equatable, BitwiseCopyable {
  public var count: UInt64 = 0
  /// Sum of the squared errors, in square milliseconds.
  public var squaredError: UInt64 = 0
  public init(count: UInt64 = 0, squaredError: UInt64 = 0) { self.count = count; self.squaredError = squaredError }

  mutating func score(_ estimate: UInt32, waited: Int64) {
    guard estimate != WaitEstimates.none else { return }
    count += 1
    // Errors beyond 10,000 s are no better or worse than that.
    let error = min(abs(Int64(estimate) - waited), 10_000_000)
    squaredError &+= UInt64(error * error)
  }

  public static func += (a: inout Self, b: Self) {
    a.count += b.count
    a.squaredError &+= b.squaredError
  }
}

/// The scores of all estimators of a queue, as sums.
public struct EstimateScores: Sendable, Equatable, BitwiseCopyable {
  /// Contacts that were told a range and were answered, and those of them whose wait lay within it.
  public var announced: UInt64 = 0
  public var covered: UInt64 = 0
  public var queueLength = EstimateScore()
  public var headOfLine = EstimateScore()
  public var lastToEnter = EstimateScore()
  public init() {}

  /// `waited` in microseconds.
  public mutating func score(_ estimates: WaitEstimates, waited: Int64) {
    let milliseconds = max(0, waited) / 1_000
    announced += 1
    if Int64(estimates.low) <= milliseconds, milliseconds <= Int64(estimates.high) { covered += 1 }
    queueLength.score(estimates.queueLength, waited: milliseconds)
    headOfLine.score(estimates.headOfLine, waited: milliseconds)
    lastToEnter.score(estimates.lastToEnter, waited: milliseconds)
  }

  public static func += (a: inout Self, b: Self) {
    a.announced += b.announced
    a.covered += b.covered
    a.queueLength += b.queueLength
    a.headOfLine += b.headOfLine
    a.lastToEnter += b.lastToEnter
  }
}

/// What the queue's own past says about waits.
///
/// Patience is taken to be exponential. Of whoever was answered, or left otherwise than by giving up, only a lower bound
/// of the patience is known; the likeliest rate from such censored times is the number who gave up over the time that
/// all of them waited. Both are halved every 512 departures, so that the rate follows the day.
struct WaitHistory: Sendable, BitwiseCopyable {
  /// Milliseconds that whoever was answered last had waited.
  var lastToEnter = WaitEstimates.none
  /// Microseconds that contacts have waited.
  var exposure: Int64 = 0
  var abandons: Int64 = 0
  var departures: Int64 = 0

  /// Too few have given up to say anything below this.
  private static let leastAbandons: Int64 = 8

  /// Of one who waits, per microsecond.
  var abandonRate: Double {
    abandons < Self.leastAbandons || exposure <= 0 ? 0 : Double(abandons) / Double(exposure)
  }

  @inline(__always)
  mutating func note(_ outcome: Outcome, waited: Int64) {
    if outcome == .answered { lastToEnter = WaitEstimates.milliseconds(waited) }
    exposure &+= max(0, waited)
    if outcome == .abandoned || outcome == .shortAbandoned { abandons += 1 }
    departures += 1
    guard departures >= 512 else { return }
    departures = 0
    exposure /= 2
    abandons /= 2
  }
}

extension Engine {
  /// A contact has entered and has to wait: says how long, by each estimator. Nothing is said where nobody is on duty.
  mutating func estimateWait(_ slot: Int, _ step: inout Step) {
    let row = state.contacts[slot]
    let queue = state.queues[row.queue]
    let staff =
      row.profile == queue.profile
      ? Int(row.kind == Kind.chat ? queue.chatStaff : queue.voiceStaff)
      : state.staff(of: Int(row.queue), row.profile, row.kind)
    guard staff > 0, row.channel != .callback else { return }
    let law = QueueLength(ahead: state.aheadAtEntry(of: slot), agents: staff, queue: queue)
    var estimates = WaitEstimates()
    estimates.queueLength = WaitEstimates.milliseconds(law.mean)
    estimates.low = WaitEstimates.milliseconds(law.quantile(normal: 0))
    estimates.high = WaitEstimates.milliseconds(law.quantile(normal: 1.2816))
    estimates.headOfLine = WaitEstimates.milliseconds(now - state.head(of: Int(row.queue)))
    estimates.lastToEnter = queue.waits.lastToEnter
    emit(.waitEstimated(state.contactID(slot), estimates), &step)
  }
}

extension State {
  /// How many contacts the agents of a queue who are on duty, and have what is needed, take at once.
  func staff(of queue: Int, _ profile: UInt32, _ kind: Int) -> Int {
    (Int(memberStart[queue])..<Int(memberStart[queue + 1])).reduce(0) { count, place in
      let membership = memberships[members[place]]
      let agent = Int(membership.agent)
      let counts =
        membership.carried & Kind.bit(kind) != 0 && agents[agent].presence == .ready && isEligible(agent, for: profile)
      return counts ? count + Int(slots(of: agent, kind)) : count
    }
  }

  /// How many in line stand before a contact that has just entered. Aging is one rate for a queue, so of an equal or a
  /// higher priority these are all; of a lower one those who have aged past it.
  func aheadAtEntry(of slot: Int) -> Int {
    let row = contacts[slot]
    var count = -1
    var isAmongAged = false
    forEachBucket(of: row.queue) { bucket in
      if buckets[bucket].priority >= row.priority {
        count += Int(buckets[bucket].count)
      } else if queues[row.queue].aging > 0 {
        isAmongAged = true
      }
    }
    return isAmongAged ? ahead(of: slot) : max(0, count)
  }

  /// The entry of who stands in line for the longest.
  func head(of queue: Int) -> Instant {
    var head = Instant.distantFuture
    forEachBucket(of: Int32(queue)) { head = min(head, buckets[$0].headEntry) }
    return head
  }
}
