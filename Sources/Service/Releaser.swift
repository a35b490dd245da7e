import CallControl
import Journal
import Synchronization

/// Holds actions until the facts they follow from are committed, and performs them in order.
///
/// The engine thread submits, the journal thread releases; a batch without facts passes through the same line, so that
/// no reply overtakes another.
final class Releaser: Sendable {
  private struct Held {
    var token: UInt64
    var actions: [Action]
  }

  private struct State {
    var nextToken: UInt64 = 1
    var held: [Held] = []
    var journal: JournalThread?
  }

  private let state = Mutex(State())
  private let outlets: Outlets

  init(outlets: Outlets) { self.outlets = outlets }

  func attach(_ journal: JournalThread) { state.withLock { $0.journal = journal } }

  /// Hands a batch to the journal and its actions to the line behind it. Called by the engine thread only.
  func submit(_ batch: Batch, actions: [Action]) {
    guard !batch.isEmpty || !actions.isEmpty else { return }
    let (token, journal) = state.withLock { state in
      let token = state.nextToken
      state.nextToken += 1
      state.held.append(Held(token: token, actions: actions))
      return (token, state.journal)
    }
    journal?.submit(batch, token: token)
  }

  /// Performs all actions up to and with those of `token`. Called by the journal thread only.
  func release(through token: UInt64) {
    let released = state.withLock { state in
      let end = state.held.firstIndex { $0.token > token } ?? state.held.endIndex
      defer { state.held.removeSubrange(..<end) }
      return Array(state.held[..<end])
    }
    var notices: [Notice] = []
    func publish() {
      guard !notices.isEmpty else { return }
      outlets.notify(notices)
      notices.removeAll(keepingCapacity: true)
    }
    for held in released {
      for action in held.actions {
        if case .notify(let notice) = action {
          // Notices of one sequence must be published together.
          notices.append(notice)
        } else {
          // A reply must not overtake what led to it.
          if case .reply = action { publish() }
          perform(action)
        }
      }
    }
    publish()
  }

  func perform(_ action: Action) {
    switch action {
    case .transmit(let transmission): outlets.transmit(transmission)
    case .media(let command): outlets.media(command)
    case .reply(let request, let reply): outlets.reply(request, reply)
    case .notify(let notice): outlets.notify([notice])
    }
  }
}
