import CallControl
import Glibc

/// The bounded way to the engine thread. Everything that may change a decision comes through here; when it is full,
/// whoever posts says 503 outside.
///
/// A mutex and a condition of the platform rather than an actor: the engine thread waits here with a deadline in
/// microseconds and takes all that has gathered at once.
final class Mailbox: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private let capacity: Int
  private var letters: [Letter] = []
  private var isWaiting = false

  /// What the engine thread is told: an input of the switchboard, or a word to the thread itself.
  enum Letter: Sendable {
    case input(Input)
    /// A new configuration and the files it was read from.
    case reconfigure(Site, sources: [UInt8])
    case stop
  }

  init(capacity: Int = 65_536) {
    self.capacity = capacity
    letters.reserveCapacity(1_024)
    pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(condition, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  /// - Returns: false if the mailbox is full and the letter was not taken.
  @discardableResult
  func post(_ letter: Letter) -> Bool {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    if case .input = letter, letters.count >= capacity { return false }
    letters.append(letter)
    if isWaiting { pthread_cond_signal(condition) }
    return true
  }

  var isNearlyFull: Bool {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return letters.count > capacity / 2
  }

  /// Takes all letters, waiting at most `timeout` microseconds for the first. `taken` must be empty; the two storages
  /// change places, so nothing is allocated.
  func take(into taken: inout [Letter], timeout: Int64) {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    if letters.isEmpty, timeout > 0 {
      var deadline = timespec()
      clock_gettime(CLOCK_MONOTONIC, &deadline)
      let nanoseconds = Int64(deadline.tv_nsec) + (timeout % 1_000_000) * 1_000
      deadline.tv_sec += Int(timeout / 1_000_000 + nanoseconds / 1_000_000_000)
      deadline.tv_nsec = Int(nanoseconds % 1_000_000_000)
      isWaiting = true
      while letters.isEmpty, pthread_cond_timedwait(condition, mutex, &deadline) == 0 {}
      isWaiting = false
    }
    swap(&letters, &taken)
  }
}
