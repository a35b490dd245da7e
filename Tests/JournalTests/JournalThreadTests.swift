import CallControl
import Dispatch
import Primitives
import Synchronization
import Testing

@testable import Journal

@Suite struct JournalThreadTests {
  /// A disk that fails or blocks as told, a clock that only pauses move, and what was committed and reported.
  private final class Bench: Sendable {
    struct DiskFull: Error {}
    struct State {
      var commits: [[UInt64]] = []
      var reports: [JournalThread.Report] = []
      var pauses: [Int64] = []
      var failures = 0
      var failedSaves = 0
      /// How many commits each save came after.
      var saves: [Int] = []
      var now = Instant(microseconds: 0)
    }
    let state = Mutex(State())
    let entered = DispatchSemaphore(value: 0)
    let gate = DispatchSemaphore(value: 0)
    let saved = DispatchSemaphore(value: 0)
    let blocks: Bool
    init(failures: Int = 0, blocks: Bool = false) {
      self.blocks = blocks
      state.withLock { $0.failures = failures }
    }

    func makeThread(backlog: Int = 100, lag: Int64 = .minutes(10)) -> JournalThread {
      var limits = JournalThread.Limits()
      limits.backlog = backlog
      limits.lag = lag
      let timing = JournalThread.Timing(
        now: { self.state.withLock { $0.now } },
        pause: { pause in
          self.state.withLock {
            $0.now = $0.now + pause
            $0.pauses.append(pause)
          }
        })
      let work = JournalThread.Work(
        commit: { batches in
          if self.blocks {
            self.entered.signal()
            self.gate.wait()
          }
          try self.state.withLock { state in
            if state.failures > 0 {
              state.failures -= 1
              throw DiskFull()
            }
            state.commits.append(batches.flatMap { $0.records.map(\.sequence) })
          }
        },
        saveProjections: {
          try self.state.withLock { state in
            if state.failedSaves > 0 {
              state.failedSaves -= 1
              throw DiskFull()
            }
            state.saves.append(state.commits.count)
          }
          self.saved.signal()
        })
      return JournalThread(
        limits: limits, timing: timing, work: work,
        report: { report in self.state.withLock { $0.reports.append(report) } })
    }
  }

  private func batch(_ sequences: ClosedRange<UInt64>) -> Batch {
    Batch(records: sequences.map { Record(sequence: $0, at: Story.start, cause: $0, event: .restarted) })
  }

  @Test("What gathers during a commit shares the next one, in order")
  func groupCommit() {
    let bench = Bench(blocks: true)
    let thread = bench.makeThread()
    thread.submit(batch(1...2), token: 1)
    bench.entered.wait()
    thread.submit(batch(3...3), token: 2)
    thread.submit(Batch(), token: 3)
    thread.submit(batch(4...5), token: 4)
    bench.gate.signal()
    bench.gate.signal()
    thread.stop()
    bench.state.withLock { state in
      #expect(state.commits == [[1, 2], [3, 4, 5]])
      #expect(state.reports == [.committed(through: 1), .committed(through: 4)])
    }
  }

  @Test("A backlog at its limit is an overload until it is committed")
  func overload() {
    let bench = Bench(blocks: true)
    let thread = bench.makeThread(backlog: 5)
    thread.submit(batch(1...4), token: 1)
    #expect(!thread.isOverloaded)
    bench.entered.wait()
    thread.submit(batch(5...5), token: 2)
    #expect(thread.isOverloaded)
    bench.gate.signal()
    bench.entered.wait()
    #expect(!thread.isOverloaded)
    bench.gate.signal()
    thread.stop()
  }

  @Test("A failed commit is kept and retried with growing pauses, and released once")
  func retry() {
    let bench = Bench(failures: 3)
    let thread = bench.makeThread()
    thread.submit(batch(1...2), token: 7)
    thread.stop()
    bench.state.withLock { state in
      #expect(state.commits == [[1, 2]])
      #expect(state.pauses == [10_000, 20_000, 40_000])
      #expect(
        state.reports == [
          .failing(since: Instant(microseconds: 0), reason: "DiskFull()"), .recovered, .committed(through: 7),
        ])
    }
  }

  @Test("After ten seconds of failure the thread gives up and releases nothing")
  func giveUp() {
    let bench = Bench(failures: .max)
    let thread = bench.makeThread()
    thread.submit(batch(1...1), token: 1)
    thread.stop()
    bench.state.withLock { state in
      #expect(state.commits.isEmpty)
      #expect(state.reports.last == .gaveUp)
      #expect(state.reports.count == 2)
      #expect(state.now - Instant(microseconds: 0) >= .seconds(10))
      #expect(state.pauses.max() == .milliseconds(500))
    }
  }

  @Test("Projections are saved once after the lag, and an idle thread saves nothing more")
  func lag() {
    let bench = Bench()
    let thread = bench.makeThread(lag: 0)
    thread.submit(batch(1...2), token: 1)
    bench.saved.wait()
    thread.submit(Batch(), token: 2)
    bench.saved.wait()
    thread.stop()
    bench.state.withLock { #expect($0.saves == [1, 2]) }
  }

  @Test("Projections that could not be saved are tried again without another commit")
  func saveAgain() {
    let bench = Bench()
    bench.state.withLock { $0.failedSaves = 3 }
    let thread = bench.makeThread(lag: 0)
    thread.submit(batch(1...2), token: 1)
    bench.saved.wait()
    thread.stop()
    bench.state.withLock { state in
      #expect(state.saves == [1])
      #expect(state.reports == [.committed(through: 1)])
    }
  }

  @Test("A stop saves the projections of what it committed, however short the lag")
  func saveAtStop() {
    let bench = Bench()
    let thread = bench.makeThread()
    thread.submit(batch(1...2), token: 1)
    thread.stop()
    bench.state.withLock { #expect($0.saves == [1]) }
  }

  @Test("Over a real journal, every batch is stored and reported")
  func journal() throws {
    let scratch = try ScratchJournal()
    let store = try scratch.open()
    let last = Mutex<UInt64>(0)
    let thread = JournalThread(store: store) { report in
      if case .committed(let token) = report { last.withLock { $0 = token } }
    }
    for sequence in UInt64(1)...500 { thread.submit(batch(sequence...sequence), token: sequence) }
    thread.stop()
    #expect(last.withLock { $0 } == 500)
    #expect(try store.reader.restore().lastSequence == 500)
  }
}
