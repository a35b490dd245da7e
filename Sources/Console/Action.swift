import API

/// What an agent can do to a contact, an offer or their own state. The table below is the only place that knows keys and
/// commands: both faces read it, and so does the help.
public enum Action: String, CaseIterable, Sendable {
  case accept, reject, pick, say, hold, transfer, hangUp, wrapUp, state, quit

  public struct Entry: Sendable, Equatable {
    public var action: Action
    public var key: Character
    /// Without the colon.
    public var command: String
    /// What may stand behind the command.
    public var argument: String?
    public var meaning: String
    /// The requests behind it, as people write them.
    public var calls: String
  }

  public static let table: [Entry] = [
    Entry(
      action: .accept, key: "a", command: "accept", meaning: "take the offer", calls: "POST /v1/offers/{offer}/accept"),
    Entry(
      action: .reject, key: "r", command: "reject", meaning: "leave the offer",
      calls: "POST /v1/offers/{offer}/decline"),
    Entry(
      action: .pick, key: "1", command: "pick", argument: "NUMBER", meaning: "take who waits, 1-9",
      calls: "POST /v1/contacts/{contact}/pick"),
    Entry(
      action: .say, key: "i", command: "say", argument: "TEXT", meaning: "write to the visitor",
      calls: "POST /v1/contacts/{contact}/messages"),
    Entry(
      action: .hold, key: "h", command: "hold", meaning: "hold, or take off hold",
      calls: "POST /v1/contacts/{contact}/hold, resume"),
    Entry(
      action: .transfer, key: "t", command: "transfer", argument: "QUEUE", meaning: "pass on to a queue",
      calls: "POST /v1/contacts/{contact}/transfer"),
    Entry(
      action: .hangUp, key: "e", command: "hangup", meaning: "end the contact", calls: "DELETE /v1/contacts/{contact}"),
    Entry(
      action: .wrapUp, key: "w", command: "wrapup", argument: "CODE", meaning: "end the wrap-up",
      calls: "POST /v1/contacts/{contact}/wrap-up"),
    Entry(
      action: .state, key: "s", command: "state", argument: "ready | away REASON", meaning: "take offers, or none",
      calls: "POST /v1/agents/me/ready, not-ready"),
    Entry(
      action: .quit, key: "q", command: "quit", meaning: "sign out and leave", calls: "POST /v1/agents/me/sign-out"),
  ]

  var entry: Entry {
    // The table has every action; a test holds it to that.
    Self.table.first { $0.action == self } ?? Self.table[0]
  }
}

/// What changes only the console's own view.
public enum Move: String, CaseIterable, Sendable {
  case next, previous, help

  public struct Entry: Sendable, Equatable {
    public var move: Move
    public var key: Character
    public var command: String
    public var meaning: String
  }

  public static let table: [Entry] = [
    Entry(move: .next, key: "n", command: "next", meaning: "go to the next contact"),
    Entry(move: .previous, key: "p", command: "previous", meaning: "go to the contact before"),
    Entry(move: .help, key: "?", command: "help", meaning: "show this help"),
  ]
}

/// What a typed line asks for: `a`, `i TEXT`, `:say TEXT`.
enum Typed: Equatable {
  case action(Action, argument: String)
  case move(Move)
  case nothing
  case unknown(String)

  init(_ line: String) {
    let line = line.trimmed
    guard let first = line.first else {
      self = .nothing
      return
    }
    let word = line.prefix { !$0.isWhitespace }
    let argument = String(line[word.endIndex...]).trimmed
    if first == ":" {
      let name = word.dropFirst()
      if let entry = Action.table.first(where: { $0.command == name }) {
        self = .action(entry.action, argument: argument)
      } else if let entry = Move.table.first(where: { $0.command == name }) {
        self = .move(entry.move)
      } else {
        self = .unknown(String(word))
      }
    } else if word.count == 1, ("1"..."9").contains(first) {
      self = .action(.pick, argument: String(first))
    } else if word.count == 1, let entry = Action.table.first(where: { $0.key == first }) {
      self = .action(entry.action, argument: argument)
    } else if word.count == 1, let entry = Move.table.first(where: { $0.key == first }) {
      self = .move(entry.move)
    } else {
      self = .unknown(String(word))
    }
  }
}

/// The help, a line per action and move.
let helpLines: [String] = {
  func line(_ key: Character, _ command: String, _ meaning: String, _ calls: String) -> String {
    func padded(_ text: String, _ width: Int) -> String {
      text + String(repeating: " ", count: max(1, width - text.count))
    }
    return padded(" \(key)", 4) + padded(":" + command, 28) + padded(meaning, 24) + calls
  }
  return Action.table.map {
    line($0.key, $0.command + ($0.argument.map { " " + $0 } ?? ""), $0.meaning, $0.calls)
  } + Move.table.map { line($0.key, $0.command, $0.meaning, "") }
}()
