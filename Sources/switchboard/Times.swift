import ArgumentParser
import Foundation
import Primitives

/// From when to when, as somebody typed it, in UTC; the end is not part of it.
struct TimeWindow: ParsableArguments {
  @Option(help: "From this day or time, as 2026-11-23 or 2026-11-23T08:00, UTC.") var from: String?
  @Option(help: "Up to this day or time, which is not included.") var to: String?

  func validate() throws { _ = try range }

  var range: Range<Instant> {
    get throws {
      let start = try Self.instant(from, "--from") ?? .distantPast
      let end = try Self.instant(to, "--to") ?? .distantFuture
      guard start < end else { throw ValidationError("--from must lie before --to") }
      return start..<end
    }
  }

  private static func instant(_ text: String?, _ option: String) throws -> Instant? {
    guard let text else { return nil }
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.timeZone = TimeZone(secondsFromGMT: 0)
    for format in ["yyyy-MM-dd", "yyyy-MM-dd'T'HH:mm", "yyyy-MM-dd'T'HH:mm:ss"] {
      formatter.dateFormat = format
      if let date = formatter.date(from: text),
        let microseconds = Int64(exactly: (date.timeIntervalSince1970 * 1_000_000).rounded())
      {
        return Instant(microseconds: microseconds)
      }
    }
    throw ValidationError("\(option): \(text) is not a day or time like 2026-11-23 or 2026-11-23T08:00")
  }
}
