import CallControl
import Journal
import SIP
import Synchronization

/// Holds actions until the facts they follow from are committed, and performs them in order.
///
/// The engine thread submits, the journal thread releases; a batch without facts passes through the same line unless it
/// is empty, so that no reply overtakes another.
final class Releaser: Sendable {
  private struct Held {
    var token: UInt64
    var actions: [Action]
  }

  private struct State {
    var nextToken: UInt64 = 1
    var held: [Held] = []
    /// Actions have left the line and are being performed.
    var isReleasing = false
    var journal: JournalThread?
  }

  private let state = Mutex(State())
  private let outlets: Outlets

  init(outlets: Outlets) { self.outlets = outlets }

  func attach(_ journal: JournalThread) { state.withLock { $0.journal = journal } }

  /// Hands a batch to the journal and its actions to the line behind it. Called by the engine thread only.
  func submit(_ batch: Batch, actions: [Action]) {
    guard !batch.isEmpty || !actions.isEmpty else { return }
    // With nobody before it, what follows from no new fact need not wake the journal.
    if batch.isEmpty, state.withLock({ $0.held.isEmpty && !$0.isReleasing }) { return perform(actions) }
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
      state.isReleasing = true
      return state.held[..<end].flatMap(\.actions)
    }
    perform(released)
    state.withLock { $0.isReleasing = false }
  }

  /// Performs actions in order for each outlet, those of one outlet together.
  func perform(_ actions: [Action]) {
    guard !actions.isEmpty else { return }
    var transmissions: [UserAgent.Transmission] = []
    var commands: [MediaCommand] = []
    for action in actions {
      switch action {
      case .transmit(let transmission): transmissions.append(transmission)
      case .media(let command): commands.append(command)
      case .reply, .notify: break
      }
    }
    if !commands.isEmpty { outlets.media(commands) }
    if !transmissions.isEmpty { outlets.transmit(transmissions) }
    // Notices of one sequence must be published together, and a reply must not overtake what led to it.
    var notices: [Notice] = []
    func publish() {
      guard !notices.isEmpty else { return }
      outlets.notify(notices)
      notices.removeAll(keepingCapacity: true)
    }
    for action in actions {
      switch action {
      case .notify(let notice): notices.append(notice)
      case .reply(let request, let reply):
        publish()
        outlets.reply(request, reply)
      case .transmit, .media: break
      }
    }
    publish()
  }
}
