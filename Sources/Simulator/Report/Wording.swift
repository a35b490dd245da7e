import ACD
import CallControl
import Foundation
import Primitives
import SiteConfiguration

/// Numbers and times as people write them, the same on every machine.
enum Wording {
  static func fixed(_ value: Double, _ digits: Int) -> String {
    let text = String(format: "%.\(digits)f", value)
    // Minus nothing is nothing.
    return text.hasPrefix("-") && !text.contains { "123456789".contains($0) } ? String(text.dropFirst()) : text
  }

  /// `93.1 ± 0.4 %`; the half-width is left out where there is none.
  static func interval(_ estimate: Estimate, _ digits: Int, _ unit: String, isSigned: Bool = false) -> String {
    let half = estimate.halfWidth.isFinite ? " ± \(fixed(estimate.halfWidth, digits))" : ""
    let value = fixed(estimate.value, digits)
    let sign = isSigned && estimate.value > 0 && value.contains { "123456789".contains($0) } ? "+" : ""
    return sign + value + half + unit
  }

  static func percent(_ estimate: Estimate?, isDifference: Bool = false) -> String {
    guard let estimate else { return "-" }
    let hundredfold = Estimate(value: estimate.value * 100, halfWidth: estimate.halfWidth * 100)
    return interval(hundredfold, 1, isDifference ? " pt" : " %", isSigned: isDifference)
  }

  static func wait(_ estimate: Estimate?, isDifference: Bool = false) -> String {
    estimate.map { interval($0, 1, " s", isSigned: isDifference) } ?? "-"
  }

  static func value(_ estimate: Estimate, _ metric: Expectation.Metric, isDifference: Bool = false) -> String {
    switch metric {
    case .serviceLevel, .abandonRate, .occupancy: percent(estimate, isDifference: isDifference)
    case .waitMean, .waitQuantile, .waitMaximum, .speedOfAnswer: wait(estimate, isDifference: isDifference)
    case .offered, .answered, .abandoned, .left, .refused: interval(estimate, 1, "", isSigned: isDifference)
    }
  }

  /// Of a service level: `20s`, `1.5s`.
  static func threshold(_ microseconds: Int64) -> String { "\(seconds(Double(microseconds) / 1e6))s" }

  /// Without needless digits.
  static func seconds(_ value: Double) -> String {
    value == value.rounded() ? fixed(value, 0) : String(format: "%g", value)
  }

  /// For people: `45 s`, `3:20 min`.
  static func duration(_ seconds: Double) -> String {
    if seconds < 90 { return self.seconds((seconds * 10).rounded() / 10) + " s" }
    let whole = Int(seconds.rounded())
    if whole < 3600 { return "\(whole / 60):\(padded(whole % 60)) min" }
    return "\(whole / 3600):\(padded(whole / 60 % 60)) h"
  }

  private static func padded(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

  /// `95`, `99.4`.
  static func confidence(_ value: Double) -> String { seconds((value * 1000).rounded() / 10) }

  // Times of the site.

  private static func formatter(_ format: String, _ zone: String) -> DateFormatter {
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.timeZone = TimeZone(identifier: zone)
    formatter.dateFormat = format
    return formatter
  }

  private static func date(_ instant: Instant) -> Date {
    Date(timeIntervalSince1970: Double(instant.microseconds) / 1e6)
  }

  static func times(_ instants: [Instant], _ zone: String, isDated: Bool) -> [String] {
    let formatter = formatter(isDated ? "d MMM HH:mm" : "HH:mm", zone)
    return instants.map { formatter.string(from: date($0)) }
  }

  /// `Monday 23 November 2026, 08:00 to 18:00`.
  static func span(_ span: Range<Instant>, _ zone: String) -> String {
    let day = formatter("EEEE d MMMM yyyy", zone)
    let time = formatter("HH:mm", zone)
    let (start, end) = (date(span.lowerBound), date(span.upperBound))
    // A span that ends at midnight ends on the day it began.
    let lastDay = day.string(from: end.addingTimeInterval(-1))
    let endTime = time.string(from: end) == "00:00" ? "24:00" : time.string(from: end)
    let tail = lastDay == day.string(from: start) ? endTime : "\(lastDay), \(endTime)"
    return "\(day.string(from: start)), \(time.string(from: start)) to \(tail)"
  }

  /// For XML and HTML, in text and in attributes.
  static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case _ where scalar.value < 0x20 && scalar != "\n" && scalar != "\t": result += "\u{FFFD}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
