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
      subject, from: try instant(from, "--from") ?? .distantPast, to: try instant(to, "--to") ?? .distantFuture)
    print(report.rendered(as: json ? .json : format))
  }
}

extension Report.Subject: ExpressibleByArgument {}
extension Report.Format: ExpressibleByArgument {}
