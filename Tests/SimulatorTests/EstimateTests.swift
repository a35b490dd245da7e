import ACD
import Primitives
import Testing

@testable import Simulator

@Suite("Estimates")
struct EstimateTests {
  @Test("Student's quantiles are the tables'")
  func student() {
    let table: [(p: Double, degrees: Double, value: Double)] = [
      (0.975, 1, 12.7062), (0.975, 2, 4.30265), (0.975, 5, 2.57058), (0.975, 10, 2.22814), (0.975, 29, 2.04523),
      (0.995, 29, 2.75639), (0.9995, 60, 3.4602), (0.975, 1_000, 1.96234),
    ]
    for row in table {
      let value = StudentT.quantile(row.p, degrees: row.degrees)
      #expect(abs(value / row.value - 1) < 1e-4, "\(row.p), \(row.degrees): \(value)")
    }
  }

  @Test("A ratio of sums, with its interval by the delta method")
  func ratio() throws {
    // Tops 8, 12, 10 over bottoms 10, 14, 12: the ratio is 30/36, the residuals -1/3, 1/3, 0 over a mean of 12.
    let estimate = try #require(Estimate.ratio([(8, 10), (12, 14), (10, 12)]))
    #expect(abs(estimate.value - 30.0 / 36) < 1e-12)
    let deviation = (2 * (1.0 / 36) * (1.0 / 36) / 2 / 3).squareRoot()
    #expect(abs(estimate.halfWidth - 4.302_652_73 * deviation) < 1e-6)
    #expect(Estimate.ratio([(0, 0)]) == nil)
    #expect(Estimate.ratio([(1, 2)])?.halfWidth == .infinity)
  }

  @Test("An interval of 95 % holds the value in about 95 of 100 cases")
  func coverage() {
    var covered = 0
    for trial in 0..<2_000 {
      let draws = Draws(seed: 5, replication: UInt64(trial), stream: 0)
      let pairs = (0..<30).map { day -> (Double, Double) in
        let offered = 100 + (50 * draws.uniform(UInt64(day), .busyness)).rounded()
        // Ratio 0.8 whatever the day's size; the noise has mean zero.
        return (0.8 * offered + 10 * (draws.uniform(UInt64(day), .handle) - 0.5), offered)
      }
      if let estimate = Estimate.ratio(pairs), abs(estimate.value - 0.8) <= estimate.halfWidth { covered += 1 }
    }
    #expect((1_860...1_940).contains(covered), "\(covered) of 2000")
  }

  @Test("A histogram's quantiles are right within its buckets, and its counts add up")
  func histogram() throws {
    let draws = Draws(seed: 2, replication: 0, stream: 0)
    var whole = Histogram()
    var parts = [Histogram(), Histogram()]
    var values: [Int64] = []
    for number in 0..<UInt64(50_000) {
      let value = Law.lognormal(mean: 60e6, cv: 2).draw(draws, number, .patience, Law.Numbers())
      values.append(value)
      whole.count(value)
      parts[Int(number % 2)].count(value)
    }
    values.sort()
    for p in [0.01, 0.25, 0.5, 0.9, 0.99, 0.999] {
      let exact = Double(values[Int((p * 50_000).rounded(.up)) - 1])
      #expect(abs(try #require(whole.quantile(p)) / exact - 1) <= 1.0 / 64)
      #expect(abs(whole.count(upTo: exact) - p * 50_000) <= 0.016 * 50_000)
    }
    parts[0].add(parts[1])
    #expect(parts[0] == whole)
    var small = Histogram()
    for value in [0, 0, 1, 63, 64, 127, 128] as [Int64] { small.count(value) }
    #expect(small.quantile(0.1) == 0)
    #expect(abs(try #require(small.quantile(1)) - 128) <= 1)
    #expect(Histogram().quantile(0.5) == nil)
  }
}
