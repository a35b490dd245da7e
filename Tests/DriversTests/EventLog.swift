import CallControl
import Glibc
import Synchronization

@testable import Drivers

/// What the media threads reported.
final class EventLog: Sendable {
  private let events = Mutex<[MediaEvent]>([])
  func append(_ event: MediaEvent) { events.withLock { $0.append(event) } }
  var all: [MediaEvent] { events.withLock { $0 } }

  /// Waits for an event that another thread is about to report.
  func first<Value>(_ match: (MediaEvent) -> Value?) throws -> Value {
    for _ in 0..<400 {
      if let value = all.lazy.compactMap(match).first { return value }
      usleep(5_000)
    }
    throw SystemError(errno: ETIMEDOUT)
  }

  func wait(for event: MediaEvent) throws { _ = try first { $0 == event ? true : nil } }
}
