import FoundationEssentials
public import Primitives

/// What `switchboard report` prints: named columns and rows, as a table, CSV or JSON.
public struct Report: Sendable, Equatable {
  public enum Subject: String, Sendable, CaseIterable {
    /// A row per queue, 15 minutes of arrivals and service-level definition.
    case intervals
    /// The same, summed over the whole span.
    case queues
    /// A row per agent, summed over the whole span.
    case agents
    /// A row per contact, newest first.
    case contacts
  }

  public enum Format: String, Sendable, CaseIterable { case table, csv, json }

  public enum Cell: Sendable, Equatable {
    case empty
    case text(String)
    case count(UInt64)
    /// An interval in microseconds, printed in seconds.
    case seconds(Int64)
    /// 0 to 1; a percentage in tables.
    case ratio(Double)
    /// RFC 3339, UTC.
    case instant(Instant)
  }

  public var columns: [String]
  public var rows: [[Cell]]

  public init(columns: [String], rows: [[Cell]] = []) { self.columns = columns; self.rows = rows }

  /// The whole report, with a line end after each line.
  public func rendered(as format: Format) -> String {
    switch format {
    case .table: table
    case .csv: csv
    case .json: json
    }
  }

  private var table: String {
    let lines = [columns] + rows.map { $0.map(\.tableText) }
    let widths = columns.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
    // A column of numbers stands right, its heading with it.
    let isNumeric = columns.indices.map { column in
      !rows.isEmpty && rows.allSatisfy { $0[column].isNumber || $0[column] == .empty }
    }
    return lines.map { line in
      var text = line.indices.map { column in
        let padding = String(repeating: " ", count: widths[column] - line[column].count)
        return isNumeric[column] ? padding + line[column] : line[column] + padding
      }.joined(separator: "  ")
      while text.last == " " { text.removeLast() }
      return text + "\n"
    }.joined()
  }

  /// RFC 4180, with a heading.
  private var csv: String {
    ([columns] + rows.map { $0.map(\.plainText) }).map { line in
      line.map { field in
        field.contains { $0 == "," || $0 == "\"" || $0.isNewline }
          ? "\"" + field.replacing("\"", with: "\"\"") + "\"" : field
      }.joined(separator: ",") + "\r\n"
    }.joined()
  }

  /// An array of objects whose keys stand in the order of the columns.
  private var json: String {
    let objects = rows.map { row in
      "  {" + zip(columns, row).map { Self.quoted($0) + ": " + $1.json }.joined(separator: ", ") + "}"
    }
    return objects.isEmpty ? "[]\n" : "[\n" + objects.joined(separator: ",\n") + "\n]\n"
  }

  fileprivate static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}

extension Report.Cell {
  static func optional(_ instant: Instant?) -> Self { instant.map(Self.instant) ?? .empty }
  static func optional(seconds: Int64?) -> Self { seconds.map(Self.seconds) ?? .empty }
  static func optional(_ text: String?) -> Self { text.map(Self.text) ?? .empty }
  static func optional(_ ratio: Double?) -> Self { ratio.map(Self.ratio) ?? .empty }

  var isNumber: Bool {
    switch self {
    case .count, .seconds, .ratio: true
    case .empty, .text, .instant: false
    }
  }

  var plainText: String {
    switch self {
    case .empty: ""
    case .text(let text): text
    case .count(let count): String(count)
    case .seconds(let microseconds): Self.decimal(microseconds, places: 6)
    case .ratio(let ratio): Self.decimal(Int64((ratio * 1e6).rounded()), places: 6)
    case .instant(let instant):
      Date(timeIntervalSince1970: Double(instant.microseconds) / 1e6).formatted(.iso8601)
    }
  }

  var tableText: String {
    switch self {
    case .empty: "-"
    case .ratio(let ratio): Self.decimal(Int64((ratio * 1e3).rounded()), places: 1, keepsZeros: true) + "%"
    case .seconds(let microseconds):
      Self.decimal((microseconds + (microseconds < 0 ? -50_000 : 50_000)) / 100_000, places: 1, keepsZeros: true)
    default: plainText
    }
  }

  var json: String {
    switch self {
    case .empty: "null"
    case .text, .instant: Report.quoted(plainText)
    case .count, .seconds, .ratio: plainText
    }
  }

  /// A number of units of 10^-places in decimal; exact, unlike a floating-point number's text.
  private static func decimal(_ units: Int64, places: Int, keepsZeros: Bool = false) -> String {
    var digits = String(units.magnitude)
    digits = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
    var fraction = digits.suffix(places)
    if !keepsZeros { while fraction.last == "0" { fraction.removeLast() } }
    let whole = (units < 0 ? "-" : "") + digits.dropLast(places)
    return fraction.isEmpty ? whole : whole + "." + fraction
  }
}
