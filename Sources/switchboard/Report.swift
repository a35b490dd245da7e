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
  @OptionGroup var window: TimeWindow
  @Flag(help: "The same as --format json.") var json = false

  func run() throws {
    let reader: JournalReader
    do {
      reader = try JournalReader(path: data + "/journal.sqlite")
    } catch {
      complain("\(error)")
      throw ExitCode(1)
    }
    let range = try window.range
    let report = try reader.report(subject, from: range.lowerBound, to: range.upperBound)
    print(report.rendered(as: json ? .json : format), terminator: "")
  }
}

extension Report.Subject: ExpressibleByArgument {}
extension Report.Format: ExpressibleByArgument {}
