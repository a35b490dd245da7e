import ArgumentParser
import Foundation
import Simulator
import SiteConfiguration
import Synchronization

/// Where simulations write what they found; shared by `simulate` and `replay`.
struct ReportOutput: ParsableArguments {
  enum Format: String, ExpressibleByArgument, CaseIterable { case text, github }

  @Flag(help: "Print JSON.") var json = false
  @Option(help: "text, or github for workflow annotations beside the missed thresholds.") var format = Format.text
  @Option(help: "Write JUnit XML to this file too.") var junit: String?
  @Option(help: "Write one self-contained page with plots to this file too.") var html: String?
  @Flag(help: "Show progress on standard error even if it is no terminal.") var progress = false

  var isByInterval: Bool { json || html != nil }

  func meter(_ name: String) -> ProgressMeter? {
    ProgressMeter.shown(name, "replications", isForced: progress)
  }

  /// Prints and writes the reports, and ends with the exit code of the worst.
  func write(_ reports: [SimulationReport]) throws {
    if let junit { try save(reports.junit, junit) }
    if let html { try save(reports.page, html) }
    if json {
      print("[" + (try reports.map { try $0.json }).joined(separator: ",\n") + "]")
    } else {
      for report in reports {
        print(report.text, terminator: "")
        if format == .github { for finding in report.findings { print(finding.annotation) } }
      }
    }
    let verdicts = reports.map(\.verdict)
    let worst: Verdict = verdicts.contains(.fail) ? .fail : verdicts.contains(.inconclusive) ? .inconclusive : .pass
    if worst != .pass { throw ExitCode(worst.exitCode) }
  }

  private func save(_ text: String, _ file: String) throws {
    guard FileManager.default.createFile(atPath: file, contents: Data(text.utf8)) else {
      complain("\(file): cannot be written")
      throw ExitCode(2)
    }
  }

  func refuse(_ error: ConfigurationError) -> ExitCode {
    for finding in error.findings {
      if format == .github { print(finding.annotation) } else { complain(finding.description) }
    }
    return ExitCode(2)
  }
}

/// How far a long run has come, on standard error. A run of less than a second shows nothing.
final class ProgressMeter: Sendable {
  private let name: String
  private let unit: String
  private let isTerminal: Bool
  private let start = ContinuousClock.now
  /// When the last line was written.
  private let last: Mutex<ContinuousClock.Instant?> = Mutex(nil)

  private init(_ name: String, _ unit: String, isTerminal: Bool) {
    self.name = name; self.unit = unit; self.isTerminal = isTerminal
  }

  /// Nil where nobody would see it.
  static func shown(_ name: String, _ unit: String, isForced: Bool) -> ProgressMeter? {
    let isTerminal = isatty(STDERR_FILENO) == 1
    return isForced || isTerminal ? ProgressMeter(name, unit, isTerminal: isTerminal) : nil
  }

  func report(_ done: Int, _ wanted: Int?) {
    let now = ContinuousClock.now
    guard now - start > .seconds(1) else { return }
    last.withLock { last in
      // A terminal line changes four times a second, a log grows by a line every ten seconds.
      if let last, now - last < (isTerminal ? .milliseconds(250) : .seconds(10)) { return }
      last = now
      let line = "\(name): \(done)\(wanted.map { " of \($0)" } ?? "") \(unit)"
      FileHandle.standardError.write(Data((isTerminal ? "\r\u{1B}[K\(line)" : "\(line)\n").utf8))
    }
  }

  func finish() {
    guard isTerminal, last.withLock({ $0 != nil }) else { return }
    FileHandle.standardError.write(Data("\r\u{1B}[K".utf8))
  }
}
