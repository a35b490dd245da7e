import Foundation
import Primitives

/// A day of the Gregorian calendar and a second in it, as a clock on the site's wall shows them.
struct LocalTime: Equatable {
  /// Days since 1970-01-01.
  var day: Int
  var second: Int

  /// `2026-11-23T08:00` or with seconds.
  init?(_ text: String) {
    let halves = text.split(separator: "T", omittingEmptySubsequences: false)
    guard halves.count == 2, let second = Self.second(halves[1]) else { return nil }
    let numbers = halves[0].split(separator: "-", omittingEmptySubsequences: false)
    guard numbers.map(\.count) == [4, 2, 2], numbers.joined().allSatisfy({ "0123456789".contains($0) }),
      let year = Int(numbers[0]), let month = Int(numbers[1]), let day = Int(numbers[2]),
      (1970...9999).contains(year), (1...12).contains(month), (1...Self.days(in: month, of: year)).contains(day)
    else { return nil }
    // Days from the civil calendar, with the year beginning in March so that the leap day is its last.
    let shifted = month > 2 ? (year, month - 3) : (year - 1, month + 9)
    let yearDays = shifted.0 * 365 + shifted.0 / 4 - shifted.0 / 100 + shifted.0 / 400
    self.day = yearDays + (153 * shifted.1 + 2) / 5 + day - 1 - 719_468
    self.second = second
  }

  init(day: Int, second: Int) { self.day = day; self.second = second }

  /// `08:00` to `24:00`, in seconds of the day.
  static func second(_ text: some StringProtocol) -> Int? {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard (2...3).contains(parts.count),
      parts.allSatisfy({ $0.count == 2 && $0.allSatisfy { "0123456789".contains($0) } })
    else { return nil }
    let numbers = parts.compactMap { Int($0) } + [0]
    guard numbers[0] <= 24, numbers[1] < 60, numbers[2] < 60 else { return nil }
    let second = numbers[0] * 3600 + numbers[1] * 60 + numbers[2]
    return second <= 86_400 ? second : nil
  }

  private static func days(in month: Int, of year: Int) -> Int {
    let isLeap = year.isMultiple(of: 4) && !year.isMultiple(of: 100) || year.isMultiple(of: 400)
    return month == 2 ? (isLeap ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31
  }
}

extension TimeZone {
  /// When the clock on the wall shows `time`. A time that is skipped in spring is the end of the gap; one that is
  /// repeated in autumn is its first occurrence (`CALLS.md` 5).
  func instant(of time: LocalTime) -> Instant {
    let local = time.day * 86_400 + time.second
    func offset(_ utc: Int) -> Int { secondsFromGMT(for: Date(timeIntervalSince1970: Double(utc))) }
    let before = offset(local - 86_400)
    let after = offset(local + 86_400)
    let fitting = [local - before, local - after].filter { offset($0) == local - $0 }
    if let first = fitting.min() { return Instant(microseconds: .seconds(Int64(first))) }
    // In the gap: the change lies between the readings by the two offsets.
    var low = local - max(before, after)
    var high = local - min(before, after)
    while high - low > 1 {
      let middle = (low + high) / 2
      if offset(middle) == before { low = middle } else { high = middle }
    }
    return Instant(microseconds: .seconds(Int64(high)))
  }

  /// The day that the wall's calendar shows at an instant.
  func day(at instant: Instant) -> Int {
    let utc = Int((Double(instant.microseconds) / 1e6).rounded(.down))
    let local = utc + secondsFromGMT(for: Date(timeIntervalSince1970: Double(utc)))
    return (Double(local) / 86_400).rounded(.down).exactInt
  }
}

extension TimeZone {
  /// As a clock on the wall shows it, `10:37`.
  func timeOfDay(at instant: Instant) -> String {
    let utc = Int((Double(instant.microseconds) / 1e6).rounded(.down))
    let minute = (utc + secondsFromGMT(for: Date(timeIntervalSince1970: Double(utc)))) / 60 - day(at: instant) * 1440
    return (minute < 600 ? "0" : "") + "\(minute / 60):" + (minute % 60 < 10 ? "0" : "") + "\(minute % 60)"
  }
}

extension Double {
  fileprivate var exactInt: Int { Int(exactly: self) ?? 0 }
}

/// Times of day: `08:00-16:30`, and over midnight `22:00-06:00`.
func timesOfDay(in text: String) -> (start: Int, end: Int)? {
  let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { LocalTime.second($0) }
  guard ends.count == 2, let start = ends[0], let end = ends[1], start < 86_400, start != end else { return nil }
  return (start, end > start ? end : end + 86_400)
}

/// A break: `10:00 15m`.
func breakTime(in text: String) -> (start: Int, length: Int64)? {
  let parts = text.split(separator: " ", omittingEmptySubsequences: true)
  guard parts.count == 2, let start = LocalTime.second(parts[0]), start < 86_400,
    let length = microseconds(in: parts[1]),
    length > 0, length <= 86_400_000_000
  else { return nil }
  return (start, length)
}

extension Form {
  static let localTime = Form(noun: "a local time such as `2026-11-23T08:00`") { LocalTime($0) != nil }
  static let end = Form(noun: "a time such as `18:00` or `2026-11-23T18:00`") {
    LocalTime.second($0) != nil || LocalTime($0) != nil
  }
  static let shift = Form(noun: "times such as `08:00-16:30`") { timesOfDay(in: $0) != nil }
  static let pause = Form(noun: "a time and a length such as `10:00 15m`") { breakTime(in: $0) != nil }
}
