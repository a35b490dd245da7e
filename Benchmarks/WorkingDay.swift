import Foundation
import Simulator
import SiteConfiguration

/// What a manager waits for: thirty working days of 200 agents in ten queues, thresholds, table and page, from files to
/// files. The bar is two seconds of wall clock.
func benchmarkWorkingDay() {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent("working-day-\(getpid())")
  defer { try? FileManager.default.removeItem(at: folder) }
  do {
    let file = try writeWorkingDay(in: folder)
    let start = (wall: ContinuousClock.now, cpu: Harness.cpuSeconds())
    let scenario = try ScenarioFile.load(file.path)
    var options = Simulation.Options()
    options.isByInterval = true
    let report = Simulation.run(scenario, options)
    let page = report.page
    let (wall, cpu) = (ContinuousClock.now - start.wall, Harness.cpuSeconds() - start.cpu)
    print(report.text)
    print(
      "working day of 200 agents in 10 queues, \(report.replications) replications, \(report.contacts) contacts: "
        + "\(wall) wall (bar 2 s), \(cpu) CPU-s, page \(page.utf8.count / 1024) KiB")
  } catch {
    print("working day: \(error)")
  }
}

/// - Returns: the scenario's file.
private func writeWorkingDay(in folder: URL) throws -> URL {
  let site = folder.appendingPathComponent("Queues")
  try FileManager.default.createDirectory(at: site, withIntermediateDirectories: true)
  var queues = "site: { name: Great Centre, time_zone: Europe/Berlin }\nqueues:\n"
  var callers = ""
  var expect = ""
  for queue in 0..<10 {
    queues += "  line-\(queue): { channels: [voice], aging: 1.0, wrap_up: { default: 15s } }\n"
    callers += "  people-\(queue):\n    queue: line-\(queue)\n"
    callers += "    arrivals: { per_hour: [90, 170, 230, 240, 200, 170, 200, 220, 160, 100], overdispersion: 0.1 }\n"
    callers += "    patience: { lognormal: { mean: 4m, cv: 1.2 } }\n"
    callers += "    handle: { voice: { lognormal: { mean: 4m, cv: 0.9 } } }\n"
    expect += "  - line-\(queue).sl.negative(20s) >= 0.75\n  - line-\(queue).wait.p95 <= 120s\n"
  }
  var agents = ""
  var shifts = ""
  for agent in 0..<200 {
    // Everybody serves a main queue and the next one.
    agents += "  a\(agent): { phone: demo, queues: [line-\(agent % 10), line-\((agent + 1) % 10)] }\n"
    let start = 8 + agent / 10 % 2
    shifts += "  a\(agent): { shift: \"0\(start):00-\(start + 9):00\", breaks: [\"1\(agent % 3):\(agent % 6)0 15m\","
    shifts += " \"13:\(agent % 6)0 30m\"], answers_in: { exponential: { mean: 3s } }, misses: 0.01 }\n"
  }
  try (queues + "agents:\n" + agents).write(
    to: site.appendingPathComponent("site.yaml"), atomically: true, encoding: .utf8)
  let file = folder.appendingPathComponent("working-day.yaml")
  try """
  site: Queues
  span: { start: "2026-11-23T08:00", end: "18:00" }
  callers:
  \(callers)agents:
  \(shifts)runs: { seed: 1, replications: 30 }
  expect:
  \(expect)  - "*.abandon_rate <= 0.05"
  """.write(to: file, atomically: true, encoding: .utf8)
  return file
}
