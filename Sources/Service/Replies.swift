import CallControl
import Synchronization

/// Commands on their way: each waits here for the reply that is released after its commit.
final class Replies: Sendable {
  private struct State {
    var next: UInt64 = 1
    var waiting: [RequestID: CheckedContinuation<Reply, Never>] = [:]
  }
  private let state = Mutex(State())

  /// Posts a command and suspends until its reply is released.
  func perform(_ command: Command, through mailbox: Mailbox) async -> Reply {
    await withCheckedContinuation { continuation in
      let id = state.withLock { state in
        let id = RequestID(number: state.next)
        state.next += 1
        state.waiting[id] = continuation
        return id
      }
      if !mailbox.post(.input(.command(id, command))) { resume(id, with: .refused(.overloaded)) }
    }
  }

  func resume(_ id: RequestID, with reply: Reply) {
    let continuation = state.withLock { $0.waiting.removeValue(forKey: id) }
    continuation?.resume(returning: reply)
  }
}
