import CallControl
import Synchronization

/// Tells call control when a visitor's first event stream comes and the last one goes.
///
/// Streams come and go on different tasks (a reload opens the new one before the old one is seen to close), so what
/// was told is compared with what is true until the two agree: the last word is always right.
final class Presence: Sendable {
  private struct Visitor {
    var streams = 0
    var isTold = false
    var isBeingTold = false
  }

  private let visitors = Mutex<[PublicID: Visitor]>([:])
  private let perform: @Sendable (Command) async -> Reply
  private let pause: Duration

  /// - Parameter pause: how long to wait before what a full mailbox refused is told again.
  init(perform: @escaping @Sendable (Command) async -> Reply, pause: Duration = .seconds(1)) {
    self.perform = perform
    self.pause = pause
  }

  func streamOpened(_ contact: PublicID) async { await change(contact, by: 1) }

  /// Runs in a task of its own, because that of a closed stream is cancelled.
  func streamClosed(_ contact: PublicID) { Task { await change(contact, by: -1) } }

  func isHere(_ contact: PublicID) -> Bool { visitors.withLock { $0[contact]?.streams ?? 0 > 0 } }

  /// The tab says goodbye. A reload says so too: only who is still away after `grace` hangs up.
  func leave(_ contact: PublicID, grace: Duration) async {
    try? await Task.sleep(for: grace)
    if !isHere(contact) { _ = await perform(.hangUp(contact, .visitor)) }
  }

  private func change(_ contact: PublicID, by difference: Int) async {
    if let isHere = start(contact, by: difference) { await tell(contact, isHere) }
  }

  private func tell(_ contact: PublicID, _ isHere: Bool) async {
    var isHere = isHere
    while true {
      if case .refused(.overloaded) = await perform(isHere ? .attach(contact) : .detach(contact)) {
        // The stream shall not wait for it, nor its end cut the pause short.
        Task { [isHere] in
          try? await Task.sleep(for: pause)
          await tell(contact, isHere)
        }
        return
      }
      guard let next = told(contact, isHere) else { return }
      isHere = next
    }
  }

  /// What to tell, or nil if it is known already or another task is telling and will look again.
  private func start(_ contact: PublicID, by difference: Int) -> Bool? {
    visitors.withLock { visitors in
      var visitor = visitors[contact] ?? Visitor()
      visitor.streams += difference
      let isHere = visitor.streams > 0
      let mustTell = !visitor.isBeingTold && isHere != visitor.isTold
      visitor.isBeingTold = visitor.isBeingTold || mustTell
      visitors[contact] = visitor
      return mustTell ? isHere : nil
    }
  }

  /// What to tell next after this was told, or nil if it is still true.
  private func told(_ contact: PublicID, _ isHere: Bool) -> Bool? {
    visitors.withLock { visitors in
      guard var visitor = visitors[contact] else { return nil }
      visitor.isTold = isHere
      visitor.isBeingTold = (visitor.streams > 0) != isHere
      visitors[contact] = visitor.streams == 0 && !isHere ? nil : visitor
      return visitor.isBeingTold ? !isHere : nil
    }
  }
}
