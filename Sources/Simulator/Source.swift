import ACD
import Primitives

/// One kind of caller in one replication: when the next one comes, and what each one is like.
struct Source {
  let callers: Plan.Callers
  let draws: Draws
  /// Of the latest arrival.
  private(set) var number: UInt64 = .max
  /// The time up to which the hazard has been consumed, and the interval in which it lies.
  private var reached: Int64
  private var place = 0
  /// What is left of the unit exponential between two arrivals.
  private var hazard = 0.0
  private var boundary: Int64
  /// Nobody comes later.
  private let end: Int64
  /// Of the interval, per microsecond, busyness included.
  private var rate = 0.0
  /// The standard normal path behind the swing within a day, at the current interval.
  private var swing = 0.0
  /// What all callers share.
  private let common: Draws

  init(_ plan: borrowing Plan, _ index: Int, seed: UInt64, replication: UInt64) {
    callers = plan.callers[index]
    draws = Draws(seed: seed, replication: replication, stream: UInt64(index))
    common = Draws(seed: seed, replication: replication, stream: .max)
    reached = plan.begin.microseconds
    boundary = plan.start.microseconds
    end = plan.end.microseconds
    switch callers.arrivals {
    case .rates(let range, let interval):
      open(0, interval, plan)
      while boundary <= reached, place + 1 < range.count { open(place + 1, interval, plan) }
    case .records(let range):
      number &+= UInt64(range.count { plan.records[$0].arrival < reached })
    }
  }

  /// Makes `place` the current interval.
  @inline(never)
  private mutating func open(_ place: Int, _ interval: Int64, _ plan: borrowing Plan) {
    guard case .rates(let range, _) = callers.arrivals, place < range.count else { return }
    self.place = place
    let day = UInt64(max(0, boundary - plan.measureFrom.microseconds) / .minutes(24 * 60))
    rate = plan.rates[range.lowerBound + place] * factor(day, UInt64(place), plan)
    let (end, isEndless) = boundary.addingReportingOverflow(interval)
    boundary = isEndless ? .max : end
  }

  /// How busy an interval of a day is against the plan, 1 on average: a gamma factor a day, shared by all and of one's
  /// own (Avramidis, Deslauriers and L'Ecuyer 2004), and a lognormal one an interval, whose logarithms are an
  /// autoregressive path.
  private mutating func factor(_ day: UInt64, _ place: UInt64, _ plan: borrowing Plan) -> Double {
    var factor = 1.0
    for (shape, draws) in [(plan.busyness, common), (callers.busyness, draws)] where shape > 0 {
      factor *= Law.gamma(shape: shape, scale: 1 / shape).value(draws, day, .busyness, plan.numbers)
    }
    if callers.swing > 0 {
      let correlation = place == 0 ? 0 : callers.swingCorrelation
      let fresh = Elementary.normalQuantile(draws.uniform(place, .swing))
      swing = correlation * swing + (1 - correlation * correlation).squareRoot() * fresh
      factor *= Elementary.exp(callers.swing * (swing - callers.swing / 2))
    }
    return factor
  }

  /// The time of the next first attempt, nil where it does not follow by a draw within the interval at hand:
  /// `laterArrival` tells it then.
  @inline(__always)
  mutating func nextArrival() -> Int64? {
    number &+= 1
    guard case .rates = callers.arrivals else { return nil }
    hazard = draws.exponential(number, .interarrival)
    return spendHazard()
  }

  /// Inversion of the cumulative rate: a unit exponential is spent over the intervals.
  @inline(__always)
  private mutating func spendHazard() -> Int64? {
    let room = boundary == .max ? .infinity : Double(boundary - reached) * rate
    guard hazard < room else {
      hazard -= room
      return nil
    }
    reached += Int64(min(hazard / rate, 0x1p60) + 0.5)
    return reached < end ? reached : nil
  }

  /// Goes on where `nextArrival` has found nothing; nil when nobody calls any more.
  @inline(never)
  mutating func laterArrival(_ plan: borrowing Plan) -> Int64? {
    switch callers.arrivals {
    case .records(let range):
      let next = Int(number)
      return next < range.count ? plan.records[range.lowerBound + next].arrival : nil
    case .rates(let range, let interval):
      while reached < end, place + 1 < range.count {
        reached = boundary
        open(place + 1, interval, plan)
        if let time = spendHazard() { return time }
      }
      return nil
    }
  }

  @inline(__always)
  func channel(_ number: UInt64) -> Channel {
    callers.voice >= 1 || draws.uniform(number, .channel) < callers.voice ? .voice : .chat
  }

  @inline(__always)
  func profile(_ number: UInt64, _ plan: borrowing Plan) -> ProfileID {
    let range = callers.needs
    if range.isEmpty { return ProfileID(index: 0) }
    var place = range.lowerBound
    if range.count > 1 {
      let u = draws.uniform(number, .needs)
      while place + 1 < range.upperBound, plan.profiles[place].upTo <= u { place += 1 }
    }
    return plan.profiles[place].profile
  }

  @inline(__always)
  func priority(_ number: UInt64, _ plan: borrowing Plan) -> Int16 {
    guard case .records(let range) = callers.arrivals else { return 0 }
    return plan.records[range.lowerBound + Int(number)].priority
  }

  /// How long the contact waits, nil for ever.
  @inline(__always)
  func patience(_ number: UInt64, key: UInt64, _ plan: borrowing Plan) -> Int64? {
    if case .records(let range) = callers.arrivals, number < range.count {
      let recorded = plan.records[range.lowerBound + Int(number)].patience
      if recorded >= 0 { return recorded == .max ? nil : recorded }
    }
    return callers.patience?.draw(draws, key, .patience, plan.numbers)
  }

  @inline(__always)
  func handleTime(_ number: UInt64, key: UInt64, _ channel: Channel, _ plan: borrowing Plan) -> Int64 {
    if case .records(let range) = callers.arrivals, number < range.count {
      let recorded = plan.records[range.lowerBound + Int(number)].handle
      if recorded >= 0 { return recorded }
    }
    let law = channel == .chat ? callers.handleChat : callers.handleVoice
    return max(1, law.draw(draws, key, .handle, plan.numbers))
  }

  /// How much longer somebody waits who has waited so long; nil for ever.
  func patienceLeft(after waited: Int64, key: UInt64, _ plan: borrowing Plan) -> Int64? {
    callers.patience.map { left($0, after: waited, key, .patience, plan) }
  }

  /// How much longer a talk lasts that has lasted so long.
  func handleLeft(after talked: Int64, key: UInt64, _ channel: Channel, _ plan: borrowing Plan) -> Int64 {
    max(1, left(channel == .chat ? callers.handleChat : callers.handleVoice, after: talked, key, .handle, plan))
  }

  /// The rest of the first draw that is long enough; nothing where the law has none.
  private func left(
    _ law: Law, after passed: Int64, _ key: UInt64, _ purpose: Draws.Purpose, _ plan: borrowing Plan
  ) -> Int64 {
    for attempt in 0..<UInt64(1_000) {
      let time = law.draw(draws, key | attempt << 48, purpose, plan.numbers)
      if time > passed { return time - passed }
    }
    return 0
  }

  /// After which time somebody who abandoned tries again; nil for those who give up.
  @inline(__always)
  func redialDelay(_ key: UInt64, _ plan: borrowing Plan) -> Int64? {
    guard callers.redial > 0, draws.uniform(key, .redial) < callers.redial else { return nil }
    return callers.redialAfter.draw(draws, key, .redialDelay, plan.numbers)
  }
}
