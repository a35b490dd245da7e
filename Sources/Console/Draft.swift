/// A line being typed, with its cursor between two characters.
struct Draft: Sendable, Equatable {
  private(set) var text: [Character]
  /// 0 ... text.count
  private(set) var cursor: Int

  init(_ text: String = "") {
    self.text = Array(text)
    cursor = self.text.count
  }

  var string: String { String(text) }

  mutating func insert(_ piece: String) {
    // A mark joins the character before it, so the text is taken apart anew.
    let head = Array(String(text[..<cursor]) + piece)
    text = head + text[cursor...]
    cursor = head.count
  }

  /// Whether the key was one that edits.
  mutating func edit(_ key: Key) -> Bool {
    switch key {
    case .character(let character): insert(String(character))
    case .paste(let piece): insert(piece.split(whereSeparator: \.isNewline).joined(separator: " "))
    case .backspace where cursor > 0:
      cursor -= 1
      text.remove(at: cursor)
    case .delete where cursor < text.count: text.remove(at: cursor)
    case .left: cursor = max(0, cursor - 1)
    case .right: cursor = min(text.count, cursor + 1)
    case .home, .control("a"): cursor = 0
    case .end, .control("e"): cursor = text.count
    case .control("u"):
      text.removeFirst(cursor)
      cursor = 0
    default: return false
    }
    return true
  }
}
