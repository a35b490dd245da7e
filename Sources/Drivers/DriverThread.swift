import CLinux
import Glibc

/// A thread of the drivers' own, not one of the concurrency pool: it sleeps in the kernel for its whole life.
struct DriverThread: Sendable {
  private let handle: pthread_t

  private final class Life {
    let name: String
    let body: @Sendable () -> Void
    init(name: String, body: @escaping @Sendable () -> Void) { self.name = name; self.body = body }
  }

  /// Starts it. The name has at most 15 bytes.
  init(_ name: String, body: @escaping @Sendable () -> Void) throws(SystemError) {
    var handle = pthread_t()
    let context = Unmanaged.passRetained(Life(name: name, body: body)).toOpaque()
    let result = pthread_create(
      &handle, nil,
      { context in
        // The context is the life retained above: `pthread_create` passes it on as it got it.
        let life = Unmanaged<Life>.fromOpaque(context!).takeRetainedValue()
        linux_name_thread(life.name)
        life.body()
        return nil
      }, context)
    guard result == 0 else {
      Unmanaged<Life>.fromOpaque(context).release()
      throw SystemError(errno: result)
    }
    self.handle = handle
  }

  /// Waits for its end; call it once.
  func join() { pthread_join(handle, nil) }
}

/// The system gave no descriptor, address or thread.
public struct SystemError: Error, Sendable, Equatable, CustomStringConvertible {
  public var errno: Int32
  public init(errno: Int32) { self.errno = errno }
  public var description: String { "\(String(cString: strerror(errno))) (\(errno))" }
}
