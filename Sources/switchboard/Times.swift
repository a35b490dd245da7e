import ArgumentParser
import Foundation
import Primitives

/// A day or time that somebody typed, in UTC; nil for nothing.
func instant(_ text: String?, _ option: String) throws -> Instant? {
  guard let text else { return nil }
  let formatter = DateFormatter()
  formatter.locale = Locale(identifier: "en_US_POSIX")
  formatter.timeZone = TimeZone(secondsFromGMT: 0)
  for format in ["yyyy-MM-dd", "yyyy-MM-dd'T'HH:mm", "yyyy-MM-dd'T'HH:mm:ss"] {
    formatter.dateFormat = format
    if let date = formatter.date(from: text) {
      return Instant(microseconds: Int64((date.timeIntervalSince1970 * 1_000_000).rounded()))
    }
  }
  throw ValidationError("\(option): \(text) is not a day or time like 2026-11-23 or 2026-11-23T08:00")
}
