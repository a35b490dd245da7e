import API

/// Draws a model. The layout is made for 80x24 and works from 60x16:
/// header, offer, the panes Queues and My contacts, the pane Contact, the input line, the keys.
struct Screen {
  static let minimum = (columns: 60, rows: 16)

  private let model: Model
  private var grid: Grid

  static func draw(_ model: Model) -> Grid {
    var screen = Screen(model: model, grid: Grid(columns: model.columns, rows: model.rows))
    screen.draw()
    return screen.grid
  }

  private var columns: Int { grid.columns }
  private var rows: Int { grid.rows }

  private mutating func draw() {
    guard columns >= Self.minimum.columns, rows >= Self.minimum.rows else {
      grid.put("This window is too small.", row: 0, column: 0)
      grid.put("\(Self.minimum.columns)x\(Self.minimum.rows) at least, please.", row: 1, column: 0)
      return
    }
    drawHeader()
    drawOffer()
    if model.focus == .help { drawHelp() } else { drawPanes() }
    drawInput()
    drawKeys()
  }

  // MARK: Lines

  private mutating func drawHeader() {
    let local = (model.now.milliseconds / 1_000 + Int64(model.utcOffset)) % 86_400
    let time = [local / 3_600, local / 60 % 60, local % 60].map { $0 < 10 ? "0\($0)" : "\($0)" }
      .joined(separator: ":")
    var link: String
    var style: Style = [.reverse]
    switch model.link {
    case .connecting: link = "connecting"
    case .up: link = "link" + (model.latency.map { " \($0)ms" } ?? "")
    case .lost(let since):
      link = "LINK LOST \(max(0, model.now.milliseconds - since.milliseconds) / 1_000)s"
      style = [.reverse, .bold, .alert]
    }
    let agent = model.agent
    let waiting = model.queues.map { "\($0.reduce(0) { $0 + $1.waiting }) waiting" }
    let right = " | \(link) | \(time) "
    let room = columns - Width.of(right) - 1
    // In the order in which they stand; the higher the rank, the sooner a part makes room.
    var parts: [(rank: Int, text: String)] = []
    for (rank, text) in [
      (4, "switchboard"), (1, agent?.id.withoutPrefix), (0, model.presence), (3, agent.map { "phone \($0.phone)" }),
      (2, waiting),
    ] {
      if let text { parts.append((rank, text)) }
    }
    var left: String { parts.map(\.text).joined(separator: " | ") }
    while Width.of(left) > room, let place = parts.indices.max(by: { parts[$0].rank < parts[$1].rank }) {
      parts.remove(at: place)
    }
    grid.put((" " + left).fitted(to: room + 1) + right, row: 0, column: 0, style: style)
  }

  private mutating func drawOffer() {
    guard let offer = model.agent?.offer else { return }
    let contact = offer.contact
    let keys = (offer.acceptsInConsole ? "[a]ccept " : "answer on your phone ") + "[r]eject"
    let right = "  \(keys)  \(model.secondsLeft(of: offer))s "
    let room = columns - Width.of(right)
    let who = ">> OFFER \(contact.channel)  \(contact.queueName)  \(contact.caller)"
    let whole = who + "  waited \(clock(model.now.milliseconds - contact.enteredAt.milliseconds))"
    let left = Width.of(whole) <= room ? whole : who
    grid.put(
      left.fitted(to: room) + right, row: 1, column: 0, style: [.bold, .reverse, .good])
  }

  private mutating func drawInput() {
    let row = rows - 2
    switch model.focus {
    case .message: drawDraft(model.draft, row: row)
    case .prompt: drawDraft(model.prompt, row: row)
    case .commands, .help:
      let isError = model.notice.hasPrefix("ERR")
      grid.put("  " + model.notice, row: row, column: 0, style: isError ? [.bold, .alert] : [])
    }
  }

  /// Shows the part of the line around its cursor.
  private mutating func drawDraft(_ draft: Draft, row: Int) {
    let room = columns - 4
    var start = 0
    while Width.of(String(draft.text[start..<draft.cursor])) > room { start += 1 }
    grid.put("> " + String(draft.text[start...]), row: row, column: 0, width: columns - 1)
    grid.cursor = (row, 2 + Width.of(String(draft.text[start..<draft.cursor])))
  }

  private mutating func drawKeys() {
    var line = ""
    switch model.focus {
    case .help: line = " any key: back"
    case .message: line = " Enter sends  Esc leaves  Tab next contact"
    case .prompt: line = " " + model.hint
    case .commands:
      let keys = Action.table.map { ($0.key, $0.label) } + Move.table.map { ($0.key, $0.command) }
      for (key, label) in keys {
        let piece = " \(key) \(label) "
        // Help stays in view whatever else has to go.
        guard Width.of(line + piece) <= columns - 2 || key == "?" else { continue }
        line += key == "?" ? " ?" : piece
      }
    }
    grid.put(line.fitted(to: columns), row: rows - 1, column: 0, style: [.reverse])
  }

  // MARK: Panes

  private mutating func border(_ row: Int, from column: Int, to end: Int, title: String) {
    let text = "+-" + title.clipped(to: max(0, end - column - 4))
    let rest = String(repeating: "-", count: max(0, end - column - Width.of(text) - 1))
    grid.put(text + rest + "+", row: row, column: column)
  }

  private mutating func line(_ text: String, row: Int, from column: Int, to end: Int, style: Style = []) {
    grid.put("|", row: row, column: column)
    grid.put(text.fitted(to: end - column - 2), row: row, column: column + 1, style: style)
    grid.put("|", row: row, column: end - 1)
  }

  private mutating func drawHelp() {
    border(2, from: 0, to: columns, title: "[?] Keys and commands ")
    for row in 3..<rows - 3 {
      line(row - 3 < helpLines.count ? helpLines[row - 3] : "", row: row, from: 0, to: columns)
    }
    border(rows - 3, from: 0, to: columns, title: "")
  }

  private mutating func drawPanes() {
    let height = max(4, min(8, (rows - 9) / 3))
    var split = 0
    if let waiting = model.agent?.waiting {
      split = columns < 80 ? columns / 2 : columns * 11 / 20
      drawWaiting(waiting, height: height, width: split + 1)
    } else if let queues = model.queuesMineFirst {
      split = columns < 80 ? columns / 2 : columns * 11 / 20
      drawQueues(queues, height: height, width: split + 1)
    }
    drawContacts(height: height, from: split)
    drawContact(from: 3 + height)
    let title =
      switch model.focus {
      case .message: "[i] type message (Enter sends, Esc leaves) "
      case .prompt: "[:] command (Enter runs, Esc leaves) "
      default: "[i] type message "
      }
    border(rows - 3, from: 0, to: columns, title: title)
  }

  /// An attendant's line: who waits, with the key that takes each.
  private mutating func drawWaiting(_ waiting: [Contact], height: Int, width: Int) {
    border(2, from: 0, to: width, title: "[1-9] Waiting: pick any ")
    for place in 0..<height {
      guard place < waiting.count else {
        line(place == 0 ? "  nobody" : "", row: 3 + place, from: 0, to: width, style: [.dim])
        continue
      }
      if place == height - 1, waiting.count > height {
        line("  and \(waiting.count - place) more", row: 3 + place, from: 0, to: width, style: [.dim])
        continue
      }
      let contact = waiting[place]
      let time = clock(model.now.milliseconds - contact.enteredAt.milliseconds)
      let right = " \(contact.queueName.fitted(to: 10)) \(time.fitted(to: 6, right: true)) "
      let key = place < 9 ? "\(place + 1)" : " "
      line(
        "\(key) \(contact.channelLetter) \(contact.caller)".fitted(to: width - 2 - Width.of(right)) + right,
        row: 3 + place, from: 0, to: width)
    }
  }

  private mutating func drawQueues(_ queues: [Queue], height: Int, width: Int) {
    border(2, from: 0, to: width, title: "[1] Queues ")
    // Widths, and what goes first when the room is short.
    let fields: [(title: String, width: Int, minimum: Int, text: (Queue) -> String)] = [
      ("Wait", 5, 0, { "\($0.waiting)" }),
      (
        "Long", 6, 0,
        { [now = model.now] queue in
          queue.oldestEnteredAt.map { clock(now.milliseconds - $0.milliseconds) } ?? "-"
        }
      ),
      ("SL", 5, 44, { $0.serviceLevel.value.map { "\(Int(($0 * 100).rounded()))%" } ?? "-" }),
      ("Free", 6, 0, { "\($0.ready)/\($0.signedIn)" }),
      ("EWT", 7, 38, { $0.wait.map { spoken($0) } ?? "-" }),
    ]
    let shown = fields.filter { width >= $0.minimum }
    let name = width - 2 - 2 - shown.reduce(0) { $0 + $1.width } - 1
    func row(_ mark: String, _ title: String, _ texts: [String]) -> String {
      mark + title.fitted(to: name) + zip(shown, texts).map { $1.fitted(to: $0.width, right: true) }.joined()
    }
    line(row("  ", "Queue", shown.map(\.title)), row: 3, from: 0, to: width, style: [.dim])
    for place in 0..<height - 1 {
      guard place < queues.count else {
        line("", row: 4 + place, from: 0, to: width)
        continue
      }
      // The last row tells of what has no room.
      if place == height - 2, queues.count > height - 1 {
        line("  and \(queues.count - place) more", row: 4 + place, from: 0, to: width, style: [.dim])
        continue
      }
      let queue = queues[place]
      let isLate = queue.waiting > 0 && (queue.ready == 0 || queue.isBelowTarget)
      line(
        row(isLate ? "! " : "  ", queue.name.onOneLine, shown.map { $0.text(queue) }), row: 4 + place, from: 0,
        to: width, style: isLate ? [.bold, .alert] : [])
    }
  }

  private mutating func drawContacts(height: Int, from column: Int) {
    border(2, from: column, to: columns, title: "[2] My contacts ")
    let contacts = model.agent?.contacts ?? []
    let current = contacts.firstIndex { $0.id == model.current?.id } ?? 0
    // The current contact is always in view.
    let first = max(0, min(current - height + 1, contacts.count - height))
    let width = columns - column - 2
    for place in 0..<height {
      guard contacts.indices.contains(first + place) else {
        line(place == 0 ? "  none" : "", row: 3 + place, from: column, to: columns, style: [.dim])
        continue
      }
      let contact = contacts[first + place]
      let isCurrent = first + place == current
      let right = " \(contact.stateWord.fitted(to: 4)) \(model.timer(of: contact).fitted(to: 6, right: true)) "
      let left = "\(isCurrent ? ">" : " ") \(contact.channelLetter) \(contact.caller)"
      line(
        left.fitted(to: width - Width.of(right)) + right, row: 3 + place, from: column, to: columns,
        style: isCurrent ? [.bold] : [])
    }
  }

  private mutating func drawContact(from row: Int) {
    guard let contact = model.current else {
      border(row, from: 0, to: columns, title: "[3] Contact ")
      for place in row + 1..<rows - 3 { line("", row: place, from: 0, to: columns) }
      return
    }
    border(row, from: 0, to: columns, title: "[3] Contact: \(contact.caller)  V=voice C=chat K=callback ")
    let waited = (contact.answeredAt ?? model.now).milliseconds - contact.enteredAt.milliseconds
    let page = contact.attributes?["page.url"].map { "   page \($0.onOneLine)" } ?? ""
    line(
      " \(contact.path)   queue \(contact.queueName)   waited \(clock(waited))\(page)", row: row + 1, from: 0,
      to: columns)
    line(" " + model.detail(of: contact), row: row + 2, from: 0, to: columns)
    var first = row + 3
    if rows >= 20 {
      line(String(repeating: "-", count: columns - 2), row: first, from: 0, to: columns)
      first += 1
    }
    let room = rows - 3 - first
    let lines = model.conversation(with: contact, width: columns - 4).suffix(room)
    for place in 0..<room {
      let text = place < lines.count ? lines[lines.startIndex + place] : ""
      line(" " + text, row: first + place, from: 0, to: columns)
    }
  }
}
