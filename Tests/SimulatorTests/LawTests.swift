import Foundation
import Testing

@testable import Simulator

@Suite("Laws of chance")
struct LawTests {
  private static let count = 400_000

  private func values(_ law: Law, _ numbers: Law.Numbers = Law.Numbers()) -> [Double] {
    let draws = Draws(seed: 11, replication: 3, stream: 2)
    return (0..<Self.count).map { law.value(draws, UInt64($0), .handle, numbers) }
  }

  private func moments(_ values: [Double]) -> (mean: Double, cv: Double) {
    let mean = values.reduce(0, +) / Double(values.count)
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1)
    return (mean, variance.squareRoot() / mean)
  }

  @Test("The logarithm, the exponential and the normal quantile agree with the C library's")
  func elementary() {
    for step in 1..<2_000 {
      let x = Double(step) * 0.37
      #expect(abs(Elementary.log(x) - log(x)) <= 2e-15 * max(1, abs(log(x))))
      let y = x - 370
      #expect(abs(Elementary.exp(y) / exp(y) - 1) < 2e-15 * max(1, abs(y)))
    }
    // Quantiles and the distribution function are each other's inverse.
    for p in [1e-12, 1e-6, 0.001, 0.2, 0.5, 0.9, 0.999_999] {
      let x = Elementary.normalQuantile(p)
      #expect(abs(0.5 * erfc(-x / 2.0.squareRoot()) / p - 1) < 1e-11)
    }
  }

  @Test("Each law has its mean and its coefficient of variation")
  func momentsOfLaws() {
    var numbers = Law.Numbers()
    let mixed = numbers.hyperexponential([(0.25, 0), (0.75, 200)])
    let observed = numbers.empirical([10, 20, 60])
    let laws: [(law: Law, mean: Double, cv: Double)] = [
      (.constant(5), 5, 0), (.exponential(mean: 240), 240, 1), (.lognormal(mean: 300, cv: 0.8), 300, 0.8),
      (.gamma(mean: 100, cv: 0.5), 100, 0.5), (.gamma(mean: 100, cv: 1.5), 100, 1.5),
      (mixed, 150, (2 * 0.75 * 40_000 - 22_500).squareRoot() / 150),
      (observed, 30, (1_400.0 / 3).squareRoot() / 30),
    ]
    for (law, mean, cv) in laws {
      let (m, c) = moments(values(law, numbers))
      // Five standard errors of the mean; the spread of cv is a little wider for heavy tails.
      #expect(abs(m - mean) <= 5 * mean * cv / Double(Self.count).squareRoot(), "\(law)")
      #expect(abs(c - cv) <= 0.02 * max(cv, 0.01), "\(law)")
    }
  }

  @Test("Each law has its quantiles")
  func quantilesOfLaws() {
    let exponential = values(.exponential(mean: 100)).sorted()
    let lognormal = values(.lognormal(mu: 3, sigma: 0.5)).sorted()
    for p in [0.1, 0.5, 0.9, 0.99] {
      let place = Int(p * Double(Self.count))
      #expect(abs(exponential[place] / (-100 * log(1 - p)) - 1) < 0.02)
      #expect(abs(lognormal[place] / exp(3 + 0.5 * Elementary.normalQuantile(p)) - 1) < 0.01)
    }
  }

  @Test("A draw depends on its key alone, and keys do not correlate")
  func independence() {
    let a = Draws(seed: 1, replication: 0, stream: 0)
    let again = Draws(seed: 1, replication: 0, stream: 0)
    let other = Draws(seed: 1, replication: 1, stream: 0)
    #expect(a.uniform(17, .handle) == again.uniform(17, .handle))
    var products = [0.0, 0.0, 0.0]
    for number in 0..<UInt64(Self.count) {
      let x = a.uniform(number, .handle) - 0.5
      products[0] += x * (a.uniform(number, .patience) - 0.5)
      products[1] += x * (other.uniform(number, .handle) - 0.5)
      products[2] += x * (a.uniform(number + 1, .handle) - 0.5)
    }
    // Variance of a product of two uniforms is 1/144.
    let bound = 5 * (Double(Self.count) / 144).squareRoot()
    #expect(products.allSatisfy { abs($0) < bound })
  }
}
