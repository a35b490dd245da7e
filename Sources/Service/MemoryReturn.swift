import Drivers
import ServiceLifecycle

/// Memory of calls that are over goes back to the system, a while later.
struct MemoryReturn: Service {
  static let interval = Duration.seconds(30)

  func run() async throws {
    let ticks = AsyncStream<Void> {
      do { try await Task.sleep(for: Self.interval) } catch { return nil }
    }
    for await _ in ticks.cancelOnGracefulShutdown() { returnFreedMemory() }
  }
}
