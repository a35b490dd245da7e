import Foundation

/// Keeps two servers from writing one journal: an exclusive lock on a file beside it, which the kernel lets go when the
/// process ends, however it ends.
///
/// Not on the journal itself: closing any descriptor of it would drop SQLite's own locks.
final class JournalLock: Sendable {
  private let descriptor: CInt

  init(journal path: String) throws(JournalError) {
    let file = path + ".lock"
    descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw .inaccessible(path: file, reason: Self.lastError) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      let isHeld = errno == EWOULDBLOCK
      let reason = Self.lastError
      close(descriptor)
      throw isHeld ? .locked(path: path) : .inaccessible(path: file, reason: reason)
    }
  }

  deinit { close(descriptor) }

  /// Makes the file readable by its owner only; SQLite gives its companions the same permissions.
  static func makePrivateFile(_ path: String) throws(JournalError) {
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw .inaccessible(path: path, reason: lastError) }
    defer { close(descriptor) }
    guard fchmod(descriptor, 0o600) == 0 else { throw .inaccessible(path: path, reason: lastError) }
  }

  private static var lastError: String { String(cString: strerror(errno)) }
}
