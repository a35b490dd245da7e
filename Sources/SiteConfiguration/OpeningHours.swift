import ACD
import Foundation
import Primitives

/// Local times on days of the week: `Mon-Fri 08:00-18:00`, `Sat 09:00-13:00`, `daily 00:00-24:00`.
struct OpeningHours {
  /// Monday is 0.
  var days: [Int]
  /// Seconds of the day; the end may lie past midnight.
  var times: (start: Int, end: Int)

  private static let names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

  init?(_ text: String) {
    let parts = text.split(separator: " ", omittingEmptySubsequences: true)
    guard parts.count == 2, let times = timesOfDay(in: String(parts[1])) else { return nil }
    self.times = times
    days = []
    for part in parts[0].lowercased().split(separator: ",", omittingEmptySubsequences: false) {
      if part == "daily" {
        days += 0...6
        continue
      }
      let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { name in
        Self.names.firstIndex(of: String(name))
      }
      guard let first = ends[0], ends.count <= 2, let last = ends[ends.count - 1] else { return nil }
      // Over the weekend: Sat-Mon.
      days += first <= last ? Array(first...last) : Array(first...6) + Array(0...last)
    }
  }

  /// The absolute intervals of `count` days from `first` (days since 1970) on, in the zone (`CALLS.md` 5). An opening that the clock skips
  /// is the gap's end, one that it repeats is its first occurrence, and a closing that it repeats is its last.
  static func intervals(
    _ hours: [OpeningHours], holidays: [Int], in zone: TimeZone, from first: Int, days count: Int
  ) -> [Range<Instant>] {
    (first..<first + count).flatMap { day -> [Range<Instant>] in
      guard !holidays.contains(day) else { return [] }
      // 1970-01-01 was a Thursday.
      let weekday = ((day + 3) % 7 + 7) % 7
      return hours.filter { $0.days.contains(weekday) }.compactMap { hours in
        let opening = zone.instant(of: LocalTime(day: day, second: hours.times.start))
        let closing = zone.lastInstant(of: LocalTime(day: day, second: hours.times.end))
        return opening < closing ? opening..<closing : nil
      }
    }
  }
}

extension TimeZone {
  /// As `instant(of:)`, but of a time that is repeated in autumn the last occurrence.
  func lastInstant(of time: LocalTime) -> Instant {
    let first = instant(of: time)
    let local = time.day * 86_400 + time.second
    let later = local - secondsFromGMT(for: Date(timeIntervalSince1970: Double(local + 86_400)))
    let isLater = later + secondsFromGMT(for: Date(timeIntervalSince1970: Double(later))) == local
    return isLater ? max(first, Instant(microseconds: .seconds(Int64(later)))) : first
  }
}

extension Form {
  static let openingHours = Form(noun: "days and times such as `Mon-Fri 08:00-18:00`") { OpeningHours($0) != nil }
  static let date = Form(noun: "a day such as `2026-12-25`") { LocalTime($0 + "T00:00") != nil }
}
