import CallControl
import Foundation
import Journal
import Logging
import Primitives
import SIP

/// Where released actions go. Every closure is safe to call from the engine thread and from the journal thread.
struct Outlets: Sendable {
  var transmit: @Sendable ([UserAgent.Transmission]) -> Void
  var media: @Sendable ([MediaCommand]) -> Void
  var reply: @Sendable (RequestID, Reply) -> Void
  var notify: @Sendable ([Notice]) -> Void
}

/// The one thread that decides. It takes letters, lets the switchboard handle them one by one, performs immediate
/// actions, and hands events and the actions that follow from them to the journal; it never waits for the disk.
final class EngineLoop: @unchecked Sendable {
  // Touched by the engine thread only.
  private var switchboard: Switchboard
  private var step: Step
  private var letters: [Mailbox.Letter] = []
  private var recordsSinceCheckpoint = 0

  private let mailbox: Mailbox
  private let releaser: Releaser
  private let now: @Sendable () -> Instant
  private let onKnownEndpoints: @Sendable ([Endpoint]) -> Void
  private let logger: Logger
  private let stopped = DispatchSemaphore(value: 0)

  /// A checkpoint is written after this many records, so that a restart replays no more than these.
  static let recordsPerCheckpoint = 100_000
  /// Letters up to which the mailbox is looked into again before a batch is handed over: a caller's port and the
  /// phone's are opened by immediate actions, and what they lead to shares the caller's commit.
  private static let lettersPerBatch = 16

  /// - Parameter onKnownEndpoints: gets the far ends of agents' phones whenever they changed.
  init(
    switchboard: Switchboard, nextSequence: UInt64, mailbox: Mailbox, releaser: Releaser,
    now: @escaping @Sendable () -> Instant, onKnownEndpoints: @escaping @Sendable ([Endpoint]) -> Void, logger: Logger
  ) {
    self.logger = logger
    self.switchboard = switchboard
    self.onKnownEndpoints = onKnownEndpoints
    self.mailbox = mailbox
    self.releaser = releaser
    self.now = now
    step = Step(sequence: nextSequence)
  }

  func start() {
    let thread = Thread { [self] in
      Thread.current.name = "engine"
      run()
    }
    thread.stackSize = 8 << 20
    thread.start()
  }

  /// Asks the thread to finish what has come in, write a checkpoint and end; waits for it.
  func stop() {
    mailbox.post(.stop)
    stopped.wait()
  }

  private func run() {
    var isStopping = false
    while !isStopping {
      let timeout = switchboard.nextDeadline.map { $0 <= now() ? 0 : $0 - now() } ?? .seconds(1)
      mailbox.take(into: &letters, timeout: min(timeout, .seconds(1)))
      var batch = Batch()
      var actions: [Action] = []
      if letters.isEmpty { handle(.timersDue, into: &batch, &actions) }
      var handled = 0
      while !letters.isEmpty {
        for letter in letters {
          switch letter {
          case .input(let input): handle(input, into: &batch, &actions)
          case .reconfigure(let site, let sources):
            // Each configuration is stored with the batch that applies it.
            if batch.configuration != nil {
              releaser.submit(batch, actions: actions)
              (batch, actions) = (Batch(), [])
            }
            step.removeAll()
            switchboard.reconfigure(site, at: now(), into: &step)
            batch.configuration = StoredConfiguration(hash: site.hash, body: sources, definitions: site.definitions)
            move(into: &batch, &actions)
          case .stop: isStopping = true
          }
        }
        handled += letters.count
        letters.removeAll(keepingCapacity: true)
        if handled < Self.lettersPerBatch { mailbox.take(into: &letters, timeout: 0) }
      }
      recordsSinceCheckpoint += batch.records.count
      if isStopping || recordsSinceCheckpoint >= Self.recordsPerCheckpoint, step.nextSequence > 1 {
        var writer = ByteWriter()
        switchboard.writeCheckpoint(into: &writer)
        batch.checkpoint = writer.bytes
        recordsSinceCheckpoint = 0
      }
      releaser.submit(batch, actions: actions)
    }
    stopped.signal()
  }

  private func handle(_ input: Input, into batch: inout Batch, _ actions: inout [Action]) {
    step.removeAll()
    switchboard.handle(input, at: now(), into: &step)
    move(into: &batch, &actions)
  }

  /// Performs what follows from no fact at once, and moves the rest into the batch.
  private func move(into batch: inout Batch, _ actions: inout [Action]) {
    releaser.perform(step.immediate)
    var changesKnownEndpoints = false
    for record in step.records {
      if record.changesKnownEndpoints { changesKnownEndpoints = true }
      if let fault = record.fault { logger.error("\(fault)") }
    }
    if changesKnownEndpoints { onKnownEndpoints(switchboard.knownEndpoints) }
    batch.records.append(contentsOf: step.records)
    batch.personal.append(contentsOf: step.personal)
    actions.append(contentsOf: step.afterCommit)
  }
}

extension Record {
  fileprivate var changesKnownEndpoints: Bool {
    switch event {
    case .phoneRegistered, .phoneUnregistered, .configurationApplied: true
    default: false
    }
  }
}
