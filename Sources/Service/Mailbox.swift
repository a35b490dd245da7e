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

  private let letters = Mutex<[Letter]>([])
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
    let (wasEmpty, taken) = letters.withLock { letters in
      let count = letters.count
      for letter in new where letters.count < capacity || !letter.isRefusable { letters.append(letter) }
      return (count == 0, letters.count - count)
    }
    if wasEmpty, taken > 0 { arrived.signal() }
    return taken
  }

  var isNearlyFull: Bool { letters.withLock { $0.count > capacity / 2 } }

  /// Takes all letters into the empty `taken`, waiting at most `timeout` microseconds for the first. It may come back
  /// earlier with none: the signal of letters that an earlier call took.
  func take(into taken: inout [Letter], timeout: Int64) {
    if letters.withLock({ $0.isEmpty }), timeout > 0 {
      _ = arrived.wait(timeout: .now() + .microseconds(Int(timeout)))
    }
    // The two storages change places, so nothing is allocated.
    letters.withLock { swap(&$0, &taken) }
  }
}
