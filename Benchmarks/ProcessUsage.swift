import Foundation

/// What the threads of a process have used, from `/proc/PID/task`.
struct ProcessUsage: CustomStringConvertible {
  struct Thread {
    /// On a processor, to the nanosecond.
    var seconds = 0.0
    /// Times it slept and was woken, and times another took its processor.
    var switches = 0.0
  }

  /// By name; threads of one name together.
  private(set) var threads: [String: Thread] = [:]
  /// Calls of `write`, `pwrite` and their kin on any descriptor.
  private(set) var writes = 0.0

  init() {}

  init(of process: Int32) {
    let tasks = "/proc/\(process)/task"
    func text(_ path: String) -> String { (try? String(contentsOfFile: path, encoding: .utf8)) ?? "" }
    for task in (try? FileManager.default.contentsOfDirectory(atPath: tasks)) ?? [] {
      let name = text("\(tasks)/\(task)/comm").trimmingCharacters(in: .newlines)
      let nanoseconds = text("\(tasks)/\(task)/schedstat").split(separator: " ").first.flatMap { Double($0) }
      let switches = text("\(tasks)/\(task)/status").split(separator: "\n").filter { $0.contains("ctxt_switches") }
        .compactMap { $0.split(separator: "\t").last.flatMap { Double($0) } }
      threads[name, default: Thread()].seconds += (nanoseconds ?? 0) / 1e9
      threads[name, default: Thread()].switches += switches.reduce(0, +)
    }
    let counts = text("/proc/\(process)/io").split(separator: "\n")
    writes = counts.first { $0.hasPrefix("syscw") }?.split(separator: " ").last.flatMap { Double($0) } ?? 0
  }

  var seconds: Double { threads.values.reduce(0) { $0 + $1.seconds } }

  static func - (after: ProcessUsage, before: ProcessUsage) -> ProcessUsage {
    var difference = after
    for (name, thread) in before.threads {
      difference.threads[name]?.seconds -= thread.seconds
      difference.threads[name]?.switches -= thread.switches
    }
    difference.writes -= before.writes
    return difference
  }

  static func / (usage: ProcessUsage, count: Int) -> ProcessUsage {
    var share = usage
    for name in usage.threads.keys {
      share.threads[name]?.seconds /= Double(count)
      share.threads[name]?.switches /= Double(count)
    }
    share.writes /= Double(count)
    return share
  }

  var description: String {
    let parts = threads.filter { $0.value.seconds > 1e-6 }.sorted { $0.value.seconds > $1.value.seconds }
      .map { String(format: "%@ %.0f us, %.1f switches", $0.key, 1e6 * $0.value.seconds, $0.value.switches) }
    return parts.joined(separator: "; ") + String(format: "; %.1f writes", writes)
  }
}
