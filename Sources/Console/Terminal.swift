import Dispatch
import Foundation
import Glibc
import Synchronization

/// The terminal in raw mode, on its alternate screen. Whoever opens it closes it; signals that end the process close it
/// too.
final class Terminal: Sendable {
  let inColour: Bool
  let isUnicode: Bool
  private let saved: termios
  private let isOpen = Mutex(true)

  /// Whether standard input and output can show a screen.
  static var isUsable: Bool {
    let kind = ProcessInfo.processInfo.environment["TERM"] ?? "dumb"
    return isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1 && kind != "dumb" && !kind.isEmpty
  }

  init() {
    let environment = ProcessInfo.processInfo.environment
    // no-color.org: present and not empty.
    inColour = environment["NO_COLOR", default: ""].isEmpty
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].compactMap { environment[$0] }.first { !$0.isEmpty } ?? ""
    let name = locale.lowercased()
    isUnicode = name.contains("utf-8") || name.contains("utf8")
    var settings = termios()
    tcgetattr(STDIN_FILENO, &settings)
    saved = settings
    cfmakeraw(&settings)
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &settings)
    // Alternate screen, cleared; bracketed paste.
    write(Array("\u{1B}[?1049h\u{1B}[?2004h\u{1B}[2J".utf8))
  }

  /// Gives the terminal back as it was. Doing it twice does no harm.
  func close() {
    isOpen.withLock { isOpen in
      guard isOpen else { return }
      isOpen = false
      put(Array("\u{1B}[0m\u{1B}[?2026l\u{1B}[?2004l\u{1B}[?25h\u{1B}[?1049l".utf8))
      var settings = saved
      tcsetattr(STDIN_FILENO, TCSAFLUSH, &settings)
    }
  }

  /// Says nothing once the terminal is closed: its screen belongs to the shell again.
  func write(_ bytes: [UInt8]) {
    isOpen.withLock { isOpen in
      if isOpen { put(bytes) }
    }
  }

  private func put(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { buffer in
      var rest = buffer[...]
      while !rest.isEmpty {
        let count = Glibc.write(STDOUT_FILENO, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
        if count < 0, errno == EINTR || errno == EAGAIN { continue }
        guard count > 0 else { return }
        rest = rest.dropFirst(count)
      }
    }
  }

  var size: (columns: Int, rows: Int) {
    var window = winsize()
    guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &window) == 0, window.ws_col > 0, window.ws_row > 0 else {
      return (80, 24)
    }
    return (Int(window.ws_col), Int(window.ws_row))
  }

  /// Reads keys on a thread of its own until the terminal is gone.
  func readKeys(_ tell: @escaping @Sendable (Model.Input) -> Void) {
    Thread.detachNewThread {
      var reader = KeyReader()
      var buffer = [UInt8](repeating: 0, count: 4_096)
      while true {
        var descriptor = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        let ready = poll(&descriptor, 1, reader.isWaiting ? 25 : -1)
        if ready < 0, errno == EINTR { continue }
        if ready == 0 {
          for key in reader.flush() { tell(.key(key)) }
          continue
        }
        let count = read(STDIN_FILENO, &buffer, buffer.count)
        if count < 0, errno == EINTR || errno == EAGAIN { continue }
        guard count > 0 else { return tell(.end) }
        for key in reader.read(buffer[..<count]) { tell(.key(key)) }
      }
    }
  }

  /// Follows resizing, and closes the terminal before a signal ends the process. The sources must be kept.
  func watchSignals(_ tell: @escaping @Sendable (Model.Input) -> Void) -> [any DispatchSourceSignal] {
    func source(_ number: Int32, _ act: @escaping @Sendable () -> Void) -> any DispatchSourceSignal {
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler(handler: DispatchWorkItem(block: act))
      source.resume()
      return source
    }
    let resizing = source(SIGWINCH) { [self] in
      let size = size
      tell(.resized(columns: size.columns, rows: size.rows))
    }
    let ending = [SIGTERM, SIGINT, SIGHUP].map { number in
      source(number) { [self] in
        close()
        exit(128 + number)
      }
    }
    return [resizing] + ending
  }
}
