import Dispatch
import Foundation
public import Primitives
import Synchronization

/// The thread that commits what the engine decided, so that the engine never waits for the disk.
///
/// It commits whatever has gathered as soon as the last commit is done, in one transaction: few inputs are released at
/// once, many share a commit. A commit that fails is kept and retried with back-off, because the engine's state is
/// already ahead of the disk; nothing is released meanwhile, and after `Limits.patience` the owner is told to exit.
///
/// The projections are saved once per `Limits.lag` while something is committed, after the report, so that nobody waits
/// for them; an idle thread sleeps.
public final class JournalThread: Sendable {
  public struct Limits: Sendable {
    /// Records waiting for their commit at which `isOverloaded` turns true: the owner then takes no new contacts, which
    /// is what bounds the backlog. A batch that was decided is never refused.
    public var backlog = 50_000
    /// How long commits may fail, in microseconds.
    public var patience: Int64 = .seconds(10)
    /// The pause before the first retry and the longest one, in microseconds; each is twice the last.
    public var pause: ClosedRange<Int64> = .milliseconds(10) ... .milliseconds(500)
    /// How far the tables of contact records and intervals may fall behind the records, in microseconds.
    public var lag: Int64 = .milliseconds(500)
    public init() {}
  }

  /// What the journal does for the thread.
  struct Work: Sendable {
    var commit: @Sendable ([Batch]) throws -> Void
    var saveProjections: @Sendable () throws -> Void
  }

  /// What the owner hears, on the journal thread, in order.
  public enum Report: Sendable, Equatable {
    /// All batches up to and with the one submitted with this token are stored: their actions may be released.
    case committed(through: UInt64)
    /// Commits have been failing since `since` on the steady clock; the batches are kept.
    case failing(since: Instant, reason: String)
    /// Commits work again.
    case recovered
    /// Nothing could be committed for `Limits.patience`. The thread has stopped; the process should too.
    case gaveUp
  }

  /// The steady clock and the pause between retries, so that tests need neither.
  struct Timing: Sendable {
    var now: @Sendable () -> Instant
    var pause: @Sendable (Int64) -> Void

    static let system = Timing(
      now: { Instant(microseconds: Int64(DispatchTime.now().uptimeNanoseconds / 1_000)) },
      pause: { usleep(UInt32(clamping: $0)) })
  }

  private struct State {
    var batches: [Batch] = []
    /// The token of the last batch submitted.
    var token: UInt64 = 0
    /// Records submitted and not committed.
    var backlog = 0
    var isStopping = false
  }

  private let limits: Limits
  private let timing: Timing
  private let work: Work
  private let report: @Sendable (Report) -> Void
  private let state = Mutex(State())
  private let arrived = DispatchSemaphore(value: 0)
  private let finished = DispatchSemaphore(value: 0)

  /// Starts the thread.
  public convenience init(
    store: JournalStore, limits: Limits = Limits(), report: @escaping @Sendable (Report) -> Void
  ) {
    self.init(
      limits: limits, timing: .system,
      work: Work(commit: { try store.append($0) }, saveProjections: { try store.saveProjections() }), report: report)
  }

  init(limits: Limits, timing: Timing, work: Work, report: @escaping @Sendable (Report) -> Void) {
    self.limits = limits
    self.timing = timing
    self.work = work
    self.report = report
    Thread.detachNewThread { [self] in
      Thread.current.name = "journal"
      run()
    }
  }

  /// Hands over a batch; tokens rise from call to call. An empty batch keeps its place in the order of reports.
  public func submit(_ batch: Batch, token: UInt64) {
    let wasIdle = state.withLock { state in
      defer {
        state.batches.append(batch)
        state.token = token
        state.backlog += batch.records.count
      }
      return state.batches.isEmpty
    }
    if wasIdle { arrived.signal() }
  }

  public var isOverloaded: Bool { state.withLock { $0.backlog >= limits.backlog } }

  /// Commits what was submitted before, then ends the thread and returns.
  public func stop() {
    state.withLock { $0.isStopping = true }
    arrived.signal()
    finished.wait()
    finished.signal()
  }

  private func run() {
    defer { finished.signal() }
    /// When the projections are to be saved; nil while they are.
    var saveDeadline: Instant?
    while true {
      wait(until: saveDeadline)
      let (batches, token, isStopping) = state.withLock { state in
        defer { state.batches = [] }
        return (state.batches, state.token, state.isStopping)
      }
      if !batches.isEmpty {
        guard commitPatiently(batches) else { return report(.gaveUp) }
        state.withLock { $0.backlog -= batches.reduce(0) { $0 + $1.records.count } }
        report(.committed(through: token))
        saveDeadline = saveDeadline ?? timing.now() + limits.lag
      }
      if let deadline = saveDeadline, isStopping || timing.now() >= deadline {
        // A failure costs freshness only, and is tried again; commits tell of a disk that fails.
        saveDeadline = (try? work.saveProjections()) == nil ? timing.now() + limits.lag : nil
      }
      if isStopping { return }
    }
  }

  private func wait(until deadline: Instant?) {
    guard let deadline else { return arrived.wait() }
    _ = arrived.wait(timeout: .now() + .microseconds(Int(max(0, deadline - timing.now()))))
  }

  /// Retries until the batches are stored; false when patience ran out.
  private func commitPatiently(_ batches: [Batch]) -> Bool {
    var failingSince: Instant?
    var pause = limits.pause.lowerBound
    while true {
      do {
        try work.commit(batches)
        if failingSince != nil { report(.recovered) }
        return true
      } catch {
        let since = failingSince ?? timing.now()
        if failingSince == nil { report(.failing(since: since, reason: "\(error)")) }
        failingSince = since
        if timing.now() - since >= limits.patience { return false }
        timing.pause(pause)
        pause = min(pause * 2, limits.pause.upperBound)
      }
    }
  }
}
