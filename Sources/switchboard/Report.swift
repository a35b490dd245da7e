public import ArgumentParser
import Foundation
public import Journal
import Primitives

/// `switchboard report intervals|agents|contacts`
struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report", abstract: "Print queues, intervals, agents or contacts of a journal.",
    discussion: "Reads the journal of a server that runs or not. Times are UTC.")

  @Argument(help: "contacts, intervals, queues or agents") var subject = Report.Subject.contacts
  @Option(help: "The server's data folder.") var data = "var"
  @Option(help: "table, csv or json") var format = Report.Format.table
  @Option(help: "From this day or time, as 2026-11-23 or 2026-11-23T08:00.") var from: String?
  @Option(help: "Up to this day or time.") var to: String?
  @Flag(help: "The same as --format json.") var json = false

  func run() throws {
    let reader: JournalReader
    do {
      reader = try JournalReader(path: data + "/journal.sqlite")
    } catch {
      complain("\(error)")
      throw ExitCode(1)
    }
    let report = try reader.report(
      subject, from: try instant(from) ?? .distantPast, to: try instant(to) ?? .distantFuture)
    print(report.rendered(as: json ? .json : format))
  }

  private func instant(_ text: String?) throws -> Instant? {
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
    throw ValidationError("\(text) is not a day or time like 2026-11-23 or 2026-11-23T08:00")
  }
}

extension Report.Subject: ExpressibleByArgument {}
extension Report.Format: ExpressibleByArgument {}
