/// How long something takes, as a law of chance. Times are in microseconds.
public enum Distribution: Sendable, Hashable {
  case deterministic(Int64)
  case exponential(mean: Int64)
  /// `cv` is the standard deviation divided by the mean.
  case lognormal(mean: Int64, cv: Double)
  case gamma(mean: Int64, cv: Double)
  /// One of several exponential laws; the probabilities add up to 1.
  case hyperexponential([Branch])
  /// Each of these times is equally likely.
  case empirical([Int64])

  public struct Branch: Sendable, Hashable {
    public var probability: Double
    public var mean: Int64
    public init(probability: Double, mean: Int64) { self.probability = probability; self.mean = mean }
  }

  /// In microseconds.
  public var mean: Double {
    switch self {
    case .deterministic(let time): Double(time)
    case .exponential(let mean), .lognormal(let mean, _), .gamma(let mean, _): Double(mean)
    case .hyperexponential(let branches): branches.reduce(0) { $0 + $1.probability * Double($1.mean) }
    case .empirical(let times): times.reduce(0) { $0 + Double($1) } / Double(max(1, times.count))
    }
  }
}

extension Distribution {
  static let shape = Shape.either(
    .scalar(.duration),
    .record([
      Key("exponential", .record([meanKey]), "Memoryless."),
      Key("lognormal", .record([meanKey, cvKey]), "Most work of people."),
      Key("gamma", .record([meanKey, cvKey]), "Between constant and exponential for cv below 1."),
      Key("deterministic", .scalar(.duration), "Always the same; the bare duration says it too."),
      Key(
        "hyperexponential",
        .list(
          .record([
            Key("probability", .scalar(.fraction), "Of this branch.", isRequired: true), meanKey,
          ])), "A mixture of exponential laws."),
      Key("empirical", .list(.scalar(.duration)), "Observed times, each equally likely."),
    ]))
  private static let meanKey = Key("mean", .scalar(.duration), "The mean.", isRequired: true)
  private static let cvKey = Key(
    "cv", .scalar(.number(0.001...100, "a number from 0.001 to 100")), "Standard deviation divided by mean.",
    isRequired: true)

  /// Nil where the item does not have the shape, which has been reported, or where a finding is added.
  init?(_ item: Item, _ findings: inout [Finding]) {
    if let time = item.interval {
      self = .deterministic(time)
      return
    }
    guard item.pairs.count == 1, let law = item.pairs.first else {
      if case .map = item.value {
        findings.append(Finding(at: item.place, "write exactly one law, such as `{ exponential: { mean: 5m } }`"))
      }
      return nil
    }
    let mean = law.item["mean"]
    let cv = law.item["cv"]?.decimal
    if let mean, mean.interval == 0 {
      findings.append(Finding(at: mean.place, "the mean must be longer than nothing"))
      return nil
    }
    switch (law.key, mean?.interval, cv) {
    case ("deterministic", _, _):
      guard let time = law.item.interval else { return nil }
      self = .deterministic(time)
    case ("exponential", let mean?, _): self = .exponential(mean: mean)
    case ("lognormal", let mean?, let cv?): self = .lognormal(mean: mean, cv: cv)
    case ("gamma", let mean?, let cv?): self = .gamma(mean: mean, cv: cv)
    case ("hyperexponential", _, _):
      let branches = law.item.list.compactMap { branch -> Branch? in
        guard let probability = branch["probability"]?.decimal, let mean = branch["mean"]?.interval else { return nil }
        return Branch(probability: probability, mean: mean)
      }
      let sum = branches.reduce(0) { $0 + $1.probability }
      guard branches.count == law.item.list.count else { return nil }
      guard abs(sum - 1) < 1e-6 else {
        findings.append(Finding(at: law.place, "the probabilities add up to \(sum.short), not 1"))
        return nil
      }
      self = .hyperexponential(branches)
    case ("empirical", _, _):
      let times = law.item.list.compactMap(\.interval)
      guard !times.isEmpty else {
        findings.append(Finding(at: law.place, "`empirical` needs at least one time"))
        return nil
      }
      self = .empirical(times)
    default: return nil
    }
  }
}

extension Double {
  /// Without the digits that binary fractions leave behind.
  var short: String {
    let text = String((self * 1e6).rounded() / 1e6)
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}
