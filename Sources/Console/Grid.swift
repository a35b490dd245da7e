/// How a cell looks. The meaning is always in the text too: a style only helps to find it.
struct Style: OptionSet, Sendable {
  let rawValue: UInt8
  static let bold = Style(rawValue: 1)
  static let dim = Style(rawValue: 2)
  static let reverse = Style(rawValue: 4)
  /// Red.
  static let alert = Style(rawValue: 8)
  /// Green.
  static let good = Style(rawValue: 16)

  /// Select Graphic Rendition of ECMA-48 8.3.117, from whatever was before.
  func sequence(inColour: Bool) -> String {
    var codes = ["0"]
    if contains(.bold) { codes.append("1") }
    if contains(.dim) { codes.append("2") }
    if contains(.reverse) { codes.append("7") }
    if inColour, contains(.alert) { codes.append("31") }
    if inColour, contains(.good) { codes.append("32") }
    return "\u{1B}[" + codes.joined(separator: ";") + "m"
  }
}

/// A picture of the whole terminal: a value, so that two can be compared and a test needs no terminal.
struct Grid: Sendable, Equatable {
  struct Cell: Sendable, Equatable {
    /// Nil in the right half of a wide character.
    var character: Character? = " "
    var style: Style = []
  }

  let columns: Int
  let rows: Int
  private(set) var cells: [Cell]
  /// Nil hides it.
  var cursor: (row: Int, column: Int)?

  init(columns: Int, rows: Int) {
    (self.columns, self.rows) = (max(1, columns), max(1, rows))
    cells = Array(repeating: Cell(), count: self.columns * self.rows)
  }

  static func == (a: Grid, b: Grid) -> Bool {
    a.columns == b.columns && a.rows == b.rows && a.cells == b.cells && a.cursor?.row == b.cursor?.row
      && a.cursor?.column == b.cursor?.column
  }

  subscript(row: Int, column: Int) -> Cell { cells[row * columns + column] }

  /// Writes text from a cell on, at most `width` cells of it and never past the edge.
  mutating func put(_ text: String, row: Int, column: Int, width: Int = .max, style: Style = []) {
    guard row >= 0, row < rows, column >= 0, column < columns else { return }
    var place = column
    let end = column + min(width, columns - column)
    for character in text {
      let size = Width.of(character)
      guard size > 0 else { continue }
      guard place + size <= end else { return }
      cells[row * columns + place] = Cell(character: character, style: style)
      if size == 2 { cells[row * columns + place + 1] = Cell(character: nil, style: style) }
      place += size
    }
  }

  /// The rows as text, without spaces at their ends.
  var lines: [String] {
    (0..<rows).map { row in
      var line = String(cells[row * columns..<(row + 1) * columns].compactMap(\.character))
      while line.last == " " { line.removeLast() }
      return line
    }
  }

  /// What a terminal that shows `old` must be told to show this. All of it if `old` is nil or of another size.
  /// - Parameter isUnicode: false writes `?` for what is not ASCII.
  func patch(from old: Grid?, inColour: Bool, isUnicode: Bool) -> [UInt8] {
    var out = "\u{1B}[?2026h\u{1B}[?25l"
    let old = old.flatMap { $0.columns == columns && $0.rows == rows ? $0 : nil }
    if old == nil { out += "\u{1B}[0m\u{1B}[2J" }
    var style: Style?
    for row in 0..<rows {
      var column = 0
      var pen: Int?
      while column < columns {
        let cell = self[row, column]
        let size = cell.character.map { Width.of($0) } ?? 1
        defer { column += size }
        // Both halves count: a wide character may have covered the second.
        if let old, (column..<min(column + size, columns)).allSatisfy({ old[row, $0] == self[row, $0] }) { continue }
        guard let character = cell.character else { continue }
        if pen != column { out += "\u{1B}[\(row + 1);\(column + 1)H" }
        if style != cell.style {
          out += cell.style.sequence(inColour: inColour)
          style = cell.style
        }
        if isUnicode || character.isASCII {
          out.append(character)
        } else {
          out += String(repeating: "?", count: size)
        }
        pen = column + size
      }
    }
    if style != nil { out += "\u{1B}[0m" }
    if let cursor { out += "\u{1B}[\(cursor.row + 1);\(cursor.column + 1)H\u{1B}[?25h" }
    return Array((out + "\u{1B}[?2026l").utf8)
  }
}
