import CallControl
import Dispatch
import SIP
import Synchronization

/// The bounded way to the engine thread. Everything that may change a decision comes through here; when it is full,
/// whoever posts says 503 outside.
final class Mailbox: Sendable {
  /// What the engine thread is told: an input of the switchboard, or a word to the thread itself.
  enum Letter: Sendable {
    case input(Input)
    /// A new configuration and the files it was read from.
    case reconfigure(Site, sources: [UInt8])
    case stop

    /// Whether its sender hears a refusal or sends it again. What nobody repeats is always taken: there is never more
    /// of it than there are legs and connections.
    var isRefusable: Bool {
      switch self {
      case .input(.message(_, let flow)): flow.transport == .udp
      case .input(.command): true
      // A far end may press keys as fast as it sends packets; the next report on quality comes anyway.
      case .input(.media(.digit)), .input(.media(.quality)): true
      case .input, .reconfigure, .stop: false
      }
    }
  }

  private struct State {
    var letters: [Letter] = []
    /// The engine thread sleeps, or is about to.
    var isAwaited = false
  }

  private let state = Mutex(State())
  private let arrived = DispatchSemaphore(value: 0)
  private let capacity: Int

  init(capacity: Int = 65_536) { self.capacity = capacity }

  /// - Returns: false if the mailbox is full and the letter was not taken.
  @discardableResult
  func post(_ letter: Letter) -> Bool { post(CollectionOfOne(letter)) == 1 }

  /// Posts letters that came together; the engine thread is woken once.
  /// - Returns: how many were taken.
  @discardableResult
  func post(_ new: some Collection<Letter>) -> Int {
    let (wakes, taken) = state.withLock { state in
      let count = state.letters.count
      for letter in new where state.letters.count < capacity || !letter.isRefusable { state.letters.append(letter) }
      let taken = state.letters.count - count
      guard taken > 0, state.isAwaited else { return (false, taken) }
      state.isAwaited = false
      return (true, taken)
    }
    if wakes { arrived.signal() }
    return taken
  }

  var isNearlyFull: Bool { state.withLock { $0.letters.count > capacity / 2 } }

  /// Takes all letters into the empty `taken`, waiting at most `timeout` microseconds for the first. It may come back
  /// earlier with none: the signal of letters that came just as an earlier call gave up waiting.
  func take(into taken: inout [Letter], timeout: Int64) {
    let waits = state.withLock { state in
      state.isAwaited = state.letters.isEmpty && timeout > 0
      return state.isAwaited
    }
    if waits {
      _ = arrived.wait(timeout: .now() + .microseconds(Int(timeout)))
    }
    // The two storages change places, so nothing is allocated.
    state.withLock { state in
      state.isAwaited = false
      swap(&state.letters, &taken)
    }
  }
}
