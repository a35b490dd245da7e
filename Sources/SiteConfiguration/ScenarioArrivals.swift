import Foundation
import Primitives

/// When callers come: rates by interval, or a file of times or counts.
extension ScenarioReader {
  mutating func readArrivals(_ item: Item, _ span: Range<Instant>, _ zone: TimeZone) -> Scenario.Arrivals {
    var arrivals = Scenario.Arrivals(perHour: [], overdispersion: 0)
    guard let written = item["arrivals"] else { return arrivals }
    arrivals.overdispersion = written["overdispersion"]?.decimal ?? 0
    arrivals.swing = written["within_day"]?["cv"]?.decimal ?? 0
    arrivals.swingCorrelation = written["within_day"]?["correlation"]?.decimal ?? 0
    if let every = written["every"], let interval = every.interval {
      if interval >= .minutes(1) {
        arrivals.interval = interval
      } else {
        report(every.place, "the intervals are shorter than a minute")
      }
    }
    switch (written["per_hour"], written["csv"]) {
    case (let rates?, nil): readRates(rates, span, &arrivals)
    case (nil, let file?): readRecords(file, span, zone, &arrivals)
    default:
      // Another source of arrivals has been reported as not built yet.
      if written["journal"] == nil { report(written.place, "`arrivals` needs either `per_hour` or `csv`") }
    }
    return arrivals
  }

  private mutating func readRates(_ rates: Item, _ span: Range<Instant>, _ arrivals: inout Scenario.Arrivals) {
    let count = Int((span.upperBound - span.lowerBound + arrivals.interval - 1) / arrivals.interval)
    arrivals.perHour =
      rates.decimal.map { [Double](repeating: $0, count: count) } ?? rates.list.compactMap(\.decimal)
    guard arrivals.perHour.count != count else { return }
    let length = arrivals.interval == .minutes(60) ? "hours" : "intervals"
    report(rates.place, "`per_hour` has \(arrivals.perHour.count) rates, but the span has \(count) \(length)")
    arrivals.perHour = []
  }

  /// With `count`, a row says how many come on average from its time until the next row's; the rows are equally far
  /// apart.
  private mutating func readRecords(
    _ item: Item, _ span: Range<Instant>, _ zone: TimeZone, _ arrivals: inout Scenario.Arrivals
  ) {
    guard let name = item.text else { return }
    let folder = file.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    guard let text = try? String(contentsOfFile: joinedPath(folder, name), encoding: .utf8) else {
      return report(item.place, "`\(name)` cannot be read")
    }
    let lines = text.split(whereSeparator: \.isNewline).map { line in
      line.split(separator: ",", omittingEmptySubsequences: false).map { $0.trimmingCharacters(in: .whitespaces) }
    }
    guard let header = lines.first, let times = header.firstIndex(of: "time") else {
      return report(item.place, "`\(name)` has no column `time`")
    }
    let counts = header.firstIndex(of: "count")
    var rows: [(time: Instant, count: Double)] = []
    for (number, cells) in lines.enumerated().dropFirst() {
      guard cells.count == header.count, let time = instant(cells[times], span, zone),
        let count = counts.map({ Double(cells[$0]) }) ?? 1, count >= 0, count <= 1e9
      else { return report(item.place, "`\(name)`, row \(number + 1): not a time and a count") }
      rows.append((time, count))
    }
    guard zip(rows, rows.dropFirst()).allSatisfy({ $0.time <= $1.time }) else {
      return report(item.place, "the times of `\(name)` are not in order")
    }
    if counts == nil {
      arrivals.times = rows.map(\.time).filter(span.contains)
    } else {
      readCounts(rows, item, span, &arrivals)
    }
  }

  private mutating func readCounts(
    _ rows: [(time: Instant, count: Double)], _ item: Item, _ span: Range<Instant>,
    _ arrivals: inout Scenario.Arrivals
  ) {
    guard rows.count > 1 else { return report(item.place, "counts need at least two rows") }
    let length = rows[1].time - rows[0].time
    guard length > 0, zip(rows, rows.dropFirst()).allSatisfy({ $1.time - $0.time == length }) else {
      return report(item.place, "the rows with counts are not equally far apart")
    }
    let perHour = Double(Int64.minutes(60)) / Double(length)
    let inside = rows.filter { span.contains($0.time) }
    guard let first = inside.first, first.time == span.lowerBound else {
      return report(item.place, "no row with a count begins where the span begins")
    }
    arrivals.interval = length
    arrivals.perHour = inside.map { $0.count * perHour }
  }

  /// A local time with its day, or a time of the span's first day.
  private func instant(_ text: String, _ span: Range<Instant>, _ zone: TimeZone) -> Instant? {
    if let time = LocalTime(text) { return zone.instant(of: time) }
    return LocalTime.second(text).map { zone.instant(of: LocalTime(day: zone.day(at: span.lowerBound), second: $0)) }
  }
}
