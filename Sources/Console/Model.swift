public import API

/// All that a console knows. Inputs go in, effects come out; it has no clock, socket or terminal.
public struct Model: Sendable, Equatable {
  public enum Link: Sendable, Equatable {
    case connecting
    case up
    case lost(since: Timestamp)
  }

  public enum Input: Sendable {
    /// The event stream is open.
    case linkUp
    case linkLost
    /// The server does not take the token, and trying again is no use.
    case barred(String)
    case event(StreamEvent)
    /// What became of a call, and how long that took.
    case answer(Call, Result<[UInt8], CallFailure>, milliseconds: Int)
    /// A command as it is typed without a screen.
    case line(String)
    case key(Key)
    case resized(columns: Int, rows: Int)
    /// About once a second.
    case tick
    /// Nothing more will be typed.
    case end
  }

  public enum Effect: Sendable, Equatable {
    case call(Call)
    /// One line for `--plain`.
    case say(String)
    case leave
  }

  /// Where typed characters go.
  enum Focus: Sendable, Equatable {
    case commands
    case message
    /// A command that needs more than its key, such as `:wrapup `.
    case prompt
    case help
  }

  var now: Timestamp
  /// Seconds east of UTC, for the clock on the screen.
  var utcOffset: Int
  public internal(set) var link = Link.connecting
  /// Whether the server ever answered.
  var hasBeenUp = false
  /// Nothing more will be typed.
  var hasEnded = false
  var latency: Int?
  public internal(set) var agent: Agent?
  var choices = Choices(reasons: [], codes: [:])
  /// Nil as long as unknown, or if the token may not read them.
  public internal(set) var queues: [Queue]?
  var mayReadQueues = true
  var isReadingQueues = false
  /// By contact, in order. An entry exists for every contact whose messages were asked for.
  var messages: [String: [Message]] = [:]
  /// The contact that commands mean; see `current`.
  var selected: String?
  var hasStarted = false
  var isLeaving = false
  /// Why the server does not want us.
  public internal(set) var barred: String?

  // The screen.
  var columns = 80
  var rows = 24
  var focus = Focus.commands
  var draft = Draft()
  var prompt = Draft()
  /// The last `OK:` or `ERR:`.
  var notice = ""

  public init(now: Timestamp, utcOffset: Int = 0) {
    self.now = now
    self.utcOffset = utcOffset
  }

  /// The contact that commands mean: the selected one, or the first.
  public var current: Contact? {
    guard let contacts = agent?.contacts else { return nil }
    return contacts.first { $0.id == selected } ?? contacts.first
  }

  public mutating func receive(_ input: Input, at time: Timestamp) -> [Effect] {
    now = time
    switch input {
    case .linkUp: return becomeUp()
    case .linkLost: return becomeLost()
    case .barred(let reason):
      barred = reason
      return [.say("ERR: \(reason.onOneLine)"), .leave]
    case .event(let event): return becomeUp() + apply(event)
    case .answer(let call, .success(let body), let milliseconds):
      latency = milliseconds
      return becomeUp() + take(body, of: call)
    case .answer(let call, .failure(let failure), _): return take(failure, of: call)
    case .line(let line): return run(Typed(line), missing: .refuse)
    case .key(let key): return press(key)
    case .resized(let columns, let rows):
      (self.columns, self.rows) = (columns, rows)
      return []
    case .tick:
      guard mayReadQueues, !isReadingQueues, hasStarted else { return [] }
      isReadingQueues = true
      return [.call(.readQueues)]
    case .end:
      // Whether there is a server at all is still to be learned.
      hasEnded = true
      return link == .connecting ? [] : [.leave]
    }
  }

  // MARK: Link

  private mutating func becomeUp() -> [Effect] {
    defer { (link, hasBeenUp) = (.up, true) }
    if case .lost(let since) = link { return [.say("LINK: up after \(clock(now.milliseconds - since.milliseconds))")] }
    return hasEnded ? [.leave] : []
  }

  private mutating func becomeLost() -> [Effect] {
    if case .lost = link { return [] }
    link = .lost(since: now)
    return [.say("LINK: lost")] + (hasEnded ? [.leave] : [])
  }

  // MARK: Answers

  private mutating func take(_ body: [UInt8], of call: Call) -> [Effect] {
    switch call {
    case .readQueues:
      isReadingQueues = false
      guard let page: Page<Queue> = try? JSON.decode(body) else { return [] }
      return replace(queues: page.items)
    case .readChoices:
      if let read: Choices = try? JSON.decode(body) { choices = read }
      return []
    case .readMessages:
      guard let page: Page<Message> = try? JSON.decode(body) else { return [] }
      return page.items.flatMap { add($0) }
    case .signOut:
      return note("OK: \(call.title)") + (isLeaving ? [.leave] : [])
    default:
      // What became of it comes by the event stream, in order with everything else.
      return note("OK: \(call.title)")
    }
  }

  private mutating func take(_ failure: CallFailure, of call: Call) -> [Effect] {
    if call == .readQueues { isReadingQueues = false }
    var effects: [Effect] = []
    switch failure {
    case .refused(403, _) where call == .readQueues:
      mayReadQueues = false
      queues = nil
    case .refused(_, let detail): effects = becomeUp() + note("ERR: \(call.title): \(detail.onOneLine)")
    case .unreachable: effects = becomeLost() + (call.isRead ? [] : note("ERR: \(call.title): no link"))
    }
    return effects + (isLeaving && call == .signOut ? [.leave] : [])
  }

  mutating func note(_ line: String) -> [Effect] {
    notice = line
    return [.say(line)]
  }
}
