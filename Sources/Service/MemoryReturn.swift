import Drivers
import ServiceLifecycle

/// What calls that are over have used goes back to the system, a while later.
struct MemoryReturn: Service {
  let closeIdlePorts: @Sendable () -> Void
  static let interval = Duration.seconds(30)

  func run() async throws {
    let ticks = AsyncStream<Void> {
      do { try await Task.sleep(for: Self.interval) } catch { return nil }
    }
    for await _ in ticks.cancelOnGracefulShutdown() {
      closeIdlePorts()
      returnFreedMemory()
    }
  }
}
