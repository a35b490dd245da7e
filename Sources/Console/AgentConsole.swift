import API
import AsyncHTTPClient
import Foundation

/// The agent's console: a client of the HTTP API, with a screen or line by line.
public struct AgentConsole: Sendable {
  private let server: Server

  /// Why the console ended without a server: it takes no such token, or never answered.
  public struct Failure: Error, CustomStringConvertible {
    public var description: String
  }

  /// - Parameter address: as `http://127.0.0.1:8080`.
  public init(address: String, token: String) { server = Server(address: address, token: token) }

  /// Whether there is a terminal that can show the screen.
  public static var hasScreen: Bool { Terminal.isUsable }

  /// Reads commands from standard input and writes a line per event, until `q` or the end of the input.
  public func runPlain() async throws {
    let (inputs, feed) = AsyncStream.makeStream(of: Model.Input.self)
    Thread.detachNewThread {
      while let line = readLine() { feed.yield(.line(line)) }
      feed.yield(.end)
    }
    try await run(inputs, feed, paint: { _ in }) { line in
      FileHandle.standardOutput.write(Data((line + "\n").utf8))
    }
  }

  /// Takes the whole terminal until `q`.
  public func runScreen() async throws {
    let (inputs, feed) = AsyncStream.makeStream(of: Model.Input.self)
    let terminal = Terminal()
    defer { terminal.close() }
    let signals = terminal.watchSignals { feed.yield($0) }
    defer { signals.forEach { $0.cancel() } }
    let size = terminal.size
    feed.yield(.resized(columns: size.columns, rows: size.rows))
    terminal.readKeys { feed.yield($0) }
    var shown: Grid?
    let paint: (Model) -> Void = { model in
      let grid = Screen.draw(model)
      guard grid != shown else { return }
      terminal.write(grid.patch(from: shown, inColour: terminal.inColour, isUnicode: terminal.isUnicode))
      shown = grid
    }
    try await run(inputs, feed, paint: paint, say: { _ in })
  }

  private func run(
    _ inputs: AsyncStream<Model.Input>, _ feed: AsyncStream<Model.Input>.Continuation,
    paint: (Model) -> Void, say: (String) -> Void
  ) async throws {
    var model = Model(now: .current, utcOffset: TimeZone.current.secondsFromGMT())
    // Commands go out one behind the other: what was typed first happens first.
    let (calls, commands) = AsyncStream.makeStream(of: Call.self)
    let sender = Task { for await call in calls { await send(call, feed) } }
    let follower = Task { await server.follow { feed.yield($0) } }
    let ticker = Task {
      while !Task.isCancelled {
        try await Task.sleep(for: .seconds(1))
        feed.yield(.tick)
      }
    }
    reading: for await input in inputs {
      for effect in model.receive(input, at: .current) {
        switch effect {
        case .say(let line): say(line)
        case .call(let call) where call.isRead: Task { await send(call, feed) }
        case .call(let call): commands.yield(call)
        case .leave: break reading
        }
      }
      paint(model)
    }
    follower.cancel()
    ticker.cancel()
    commands.finish()
    await sender.value
    try await server.client.shutdown()
    if let reason = model.barred { throw Failure(description: reason) }
    if model.hasEnded, !model.hasBeenUp { throw Failure(description: server.silence) }
  }

  private func send(_ call: Call, _ feed: AsyncStream<Model.Input>.Continuation) async {
    let start = ContinuousClock.now
    let result = await server.perform(call)
    let milliseconds = Int((ContinuousClock.now - start) / .milliseconds(1))
    feed.yield(.answer(call, result, milliseconds: milliseconds))
  }
}

extension Timestamp {
  static var current: Timestamp { Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000)) }
}
