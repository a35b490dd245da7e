import Glibc

/// What one measured run cost.
struct Measurement {
  var name: String
  var operations: Int
  var seconds: Double
  /// Calls of the allocator, where the counting preload is there.
  var allocations: Int?

  var nanoseconds: Double { seconds * 1e9 / Double(operations) }
}

enum Harness {
  /// CPU seconds of this process.
  static func cpuSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  /// CPU seconds of the programs that this process has run and waited for.
  static func childSeconds() -> Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_CHILDREN.rawValue), &usage)
    return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
      + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
  }

  /// Calls of the allocator so far, counted by the preloaded `Preload/malloc_count.c`; nil without it.
  static func mallocCalls() -> Int? {
    guard let symbol = dlsym(nil, "malloc_calls") else { return nil }
    return symbol.load(as: Int.self)
  }

  /// Runs `body` for the best of three times; the state it works on stays warm in between.
  static func measure(
    _ name: String, operations: Int, clock: () -> Double = cpuSeconds, _ body: () -> Void
  ) -> Measurement {
    var best: Measurement?
    for _ in 0..<3 {
      let calls = mallocCalls()
      let start = clock()
      body()
      let seconds = clock() - start
      let allocations = mallocCalls().map { $0 - (calls ?? 0) }
      let run = Measurement(name: name, operations: operations, seconds: seconds, allocations: allocations)
      if run.seconds < best?.seconds ?? .infinity { best = run }
    }
    // The loop ran three times, so there is a best one.
    return best!
  }

  /// A loop of dependent multiplications and table look-ups: what this machine does at this moment.
  static func anchor() -> Measurement {
    var table = [UInt64](repeating: 1, count: 4_096)
    var x: UInt64 = 1
    let measurement = measure("anchor", operations: 20_000_000) {
      for _ in 0..<20_000_000 {
        x = x &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        table[Int(x >> 52)] &+= x
      }
    }
    // Uses the result, so that the loop is not removed.
    if table.reduce(0, &+) == 0 { print("anchor ran empty") }
    return measurement
  }

  static func report(_ measurements: [Measurement]) {
    let anchor = anchor()
    print(
      pad("benchmark", 44) + pad("ns/op", -10) + pad("M op/CPU-s", -12) + pad("anchors", -9)
        + pad("mallocs", -9))
    for row in measurements + [anchor] {
      print(
        pad(row.name, 44) + pad(fixed(row.nanoseconds), -10) + pad(fixed(1e3 / row.nanoseconds), -12)
          + pad(fixed(row.nanoseconds / anchor.nanoseconds), -9)
          + pad(row.allocations.map(String.init) ?? "-", -9))
    }
  }

  private static func fixed(_ value: Double) -> String {
    let hundredths = Int((value * 100).rounded())
    return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)"
  }

  /// Left-aligned to `width`, or right-aligned to a negative one.
  private static func pad(_ text: String, _ width: Int) -> String {
    let space = String(repeating: " ", count: max(0, abs(width) - text.count))
    return width > 0 ? text + space : space + text
  }
}
