/// What keys do on the screen. Esc only ever leaves a line or the help: it never touches a call.
extension Model {
  mutating func press(_ key: Key) -> [Effect] {
    if key == .control("c") { return run(.action(.quit, argument: ""), missing: .refuse) }
    switch focus {
    case .commands: return command(key)
    case .help:
      focus = .commands
      return []
    case .message:
      switch key {
      case .escape: focus = .commands
      case .enter:
        let text = draft.string
        guard !text.allSatisfy(\.isWhitespace) else { return [] }
        // Without a link the text stays where it is, to be sent later.
        guard link == .up else { return note("ERR: say: no link") }
        guard current != nil else { return note("ERR: you have no contact") }
        draft = Draft()
        return run(.action(.say, argument: text), missing: .refuse)
      case .tab, .down: return run(.move(.next), missing: .ask)
      case .backTab, .up: return run(.move(.previous), missing: .ask)
      default: _ = draft.edit(key)
      }
      return []
    case .prompt:
      switch key {
      case .escape: focus = .commands
      case .enter:
        focus = .commands
        return run(Typed(prompt.string), missing: .ask)
      default:
        _ = prompt.edit(key)
        if prompt.text.isEmpty { focus = .commands }
      }
      return []
    }
  }

  private mutating func command(_ key: Key) -> [Effect] {
    switch key {
    case .character(":"):
      focus = .prompt
      prompt = Draft(":")
      return []
    case .character(let character): return run(Typed(String(character)), missing: .ask)
    case .tab, .down: return run(.move(.next), missing: .ask)
    case .backTab, .up: return run(.move(.previous), missing: .ask)
    default: return []
    }
  }
}
