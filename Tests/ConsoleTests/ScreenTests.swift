import API
import Foundation
import Testing

@testable import Console

/// Pictures of the screen, as text files beside the tests. `SWITCHBOARD_RECORD=1` writes them anew; read them then.
@Suite struct ScreenTests {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Vectors")
  static let sizes = [(80, 24), (60, 16), (120, 40)]
  static let scenes = ["idle", "offer", "talk", "wrap-up", "help", "lost", "wide", "crowd"]

  static func scene(_ name: String) throws -> Desk {
    let jo = Desk.contact("jo", channel: "voice", name: "Jo Park")
    let guest = Desk.contact("guest-7f2", "connecting", answered: nil)
    let desk: Desk
    switch name {
    case "offer":
      desk = try Desk.ready(contacts: [jo], offer: Desk.offer())
    case "talk", "lost":
      desk = try Desk.ready(contacts: [Desk.contact("ruiz", name: "M. Ruiz"), jo, guest])
      desk.tell(
        .messageCreated(Desk.message(1, of: "ruiz", "visitor", "M. Ruiz", "it still says the card was declined")))
      desk.tell(
        .messageCreated(
          Desk.message(
            2, of: "ruiz", "agent", "Amina Berg",
            "I am sorry to hear that. Could you tell me which card you used, and whether the shop showed a number?")))
      desk.press("ivisa, ending in")
      if name == "lost" { desk.tell(.linkLost) }
      desk.seconds = 4
    case "wrap-up":
      desk = try Desk.ready(contacts: [
        Desk.contact("jo", "wrap_up", name: "Jo Park", ending: "visitor_left", wrapUpEnds: 12)
      ])
      desk.press("w")
    case "help":
      desk = try Desk.ready()
      desk.press("?")
    case "wide":
      desk = try Desk.ready(contacts: [Desk.contact("1", name: "山田太郎 👍🏽"), Desk.contact("2", name: "Zoë e\u{301}")])
      desk.tell(.messageCreated(Desk.message(1, of: "1", "visitor", "山田太郎", "カードが拒否されました。どうすればいいですか？👨‍👩‍👧")))
      desk.press("iありがとう")
    case "crowd":
      desk = try Desk.ready(
        contacts: (1...12).map { Desk.contact("c\($0)", name: "Visitor \($0)") },
        queues: (1...12).map {
          Desk.queue("queue-\($0)", waiting: $0, oldest: 5, ready: 1, signedIn: 2, level: nil, wait: nil)
        })
      for _ in 1...9 { desk.press(.down) }
    default: desk = try Desk.ready()
    }
    if name != "lost" { desk.succeed(.ready) }
    return desk
  }

  struct Shot: Sendable, CustomTestStringConvertible {
    var scene: String
    var columns: Int
    var rows: Int
    var file: String { "\(scene)-\(columns)x\(rows).txt" }
    var testDescription: String { file }
  }

  static let shots = scenes.flatMap { scene in sizes.map { Shot(scene: scene, columns: $0.0, rows: $0.1) } }

  @Test("The screen looks as in its picture", arguments: shots)
  func picture(_ shot: Shot) throws {
    let desk = try Self.scene(shot.scene)
    desk.tell(.resized(columns: shot.columns, rows: shot.rows))
    let grid = Screen.draw(desk.model)
    let text = grid.lines.joined(separator: "\n") + "\n"
    let file = Self.folder.appending(path: shot.file)
    if ProcessInfo.processInfo.environment["SWITCHBOARD_RECORD"] != nil {
      try text.write(to: file, atomically: true, encoding: .utf8)
    }
    #expect(text == (try String(contentsOf: file, encoding: .utf8)))
    for line in grid.lines { #expect(Width.of(line) <= shot.columns) }
  }

  @Test("Every picture in the folder belongs to a scene")
  func noLeftovers() throws {
    let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path).filter { $0.hasSuffix(".txt") }
    #expect(files.sorted() == Self.shots.map(\.file).sorted())
  }

  @Test("No size is too odd to draw", arguments: scenes)
  func anySize(_ scene: String) throws {
    let desk = try Self.scene(scene)
    for (columns, rows) in [(1, 1), (0, 0), (59, 16), (60, 15), (61, 17), (79, 23), (500, 200), (60, 400)] {
      desk.tell(.resized(columns: columns, rows: rows))
      let grid = Screen.draw(desk.model)
      #expect(grid.columns == max(1, columns) && grid.rows == max(1, rows))
    }
  }

  @Test("A terminal that gets only the differences shows the whole picture", arguments: [true, false])
  func differences(inColour: Bool) throws {
    var terminal = Terminal80x24()
    var shown: Grid?
    for name in Self.scenes + Self.scenes.reversed() {
      let grid = Screen.draw(try Self.scene(name).model)
      let patch = grid.patch(from: shown, inColour: inColour, isUnicode: true)
      if !inColour { #expect(!String(decoding: patch, as: UTF8.self).contains("31m")) }
      terminal.show(patch)
      #expect(terminal.lines == grid.lines, "after \(name)")
      shown = grid
    }
    let same = try #require(shown)
    #expect(same.patch(from: same, inColour: true, isUnicode: true).count < 40)
  }

  @Test("Without UTF-8 only ASCII goes out, in the same places")
  func ascii() throws {
    let grid = Screen.draw(try Self.scene("wide").model)
    let patch = grid.patch(from: nil, inColour: true, isUnicode: false)
    #expect(patch.allSatisfy { $0 < 0x80 })
    var terminal = Terminal80x24()
    terminal.show(patch)
    #expect(terminal.lines[0] == grid.lines[0])
    #expect(terminal.lines[3].count == 80 && terminal.lines[3].hasSuffix("|"))
  }
}

/// As much of a terminal as a patch uses.
struct Terminal80x24 {
  private var cells = Array(repeating: Array(repeating: Character?(" "), count: 80), count: 24)
  private var (row, column) = (0, 0)

  var lines: [String] {
    cells.map { cells in
      var line = String(cells.compactMap { $0 })
      while line.last == " " { line.removeLast() }
      return line
    }
  }

  mutating func show(_ bytes: [UInt8]) {
    var rest = Substring(String(decoding: bytes, as: UTF8.self))
    while let character = rest.popFirst() {
      guard character == "\u{1B}" else {
        write(character)
        continue
      }
      rest.removeFirst()
      let parameters = rest.prefix { !$0.isLetter }
      rest = rest.dropFirst(parameters.count)
      switch rest.popFirst() {
      case "H":
        let numbers = parameters.split(separator: ";").compactMap { Int($0) }
        (row, column) = (numbers[0] - 1, numbers[1] - 1)
      case "J": self = Terminal80x24()
      default: break
      }
    }
  }

  private mutating func write(_ character: Character) {
    // Half of a wide character that is overwritten is gone on both sides.
    if cells[row][column] == nil { cells[row][column - 1] = " " }
    cells[row][column] = character
    if Width.of(character) == 2 { cells[row][column + 1] = nil }
    column += Width.of(character)
    if column < 80, cells[row][column] == nil { cells[row][column] = " " }
  }
}
