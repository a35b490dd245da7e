import API
import Testing

@testable import Console

@Suite struct ActionTests {
  @Test("Every action has a key, a command and a call, and the help lists them", arguments: Action.allCases)
  func complete(_ action: Action) throws {
    let entries = Action.table.filter { $0.action == action }
    let entry = try #require(entries.first)
    #expect(entries.count == 1)
    #expect(!entry.command.isEmpty && !entry.meaning.isEmpty)
    #expect(["GET", "POST", "DELETE"].contains { entry.calls.hasPrefix($0 + " /v1/") })
    #expect(
      helpLines.contains {
        $0.contains(" \(entry.key) ") && $0.contains(":" + entry.command) && $0.contains(entry.calls)
      })
  }

  @Test("No key and no command stands for two things")
  func unique() {
    let keys = Action.table.map(\.key) + Move.table.map(\.key)
    let commands = Action.table.map(\.command) + Move.table.map(\.command)
    #expect(Set(keys).count == keys.count && Set(commands).count == commands.count)
    #expect(Set(Move.table.map(\.move)) == Set(Move.allCases))
  }

  /// What each action sends when it can; the paths must be those that the table shows.
  @Test("Key and command make the same call, and it is the one that the table names", arguments: Action.allCases)
  func sameCall(_ action: Action) throws {
    let entry = action.entry
    let argument =
      ["say": " hello", "state": " ready", "wrapUp": " solved", "transfer": " sales", "pick": " 1"][action.rawValue]
      ?? ""
    let sent = try ["\(entry.key)\(argument)", ":\(entry.command)\(argument)"].map { line -> Call in
      let desk = try Desk.ready(contacts: [Desk.contact("1")], offer: Desk.offer())
      var attendant = Desk.amina(contacts: [Desk.contact("1")], offer: Desk.offer())
      attendant.waiting = [Desk.contact("1")]
      desk.tell(.agentChanged(attendant))
      _ = desk.news()
      desk.type(line)
      return try #require(desk.news().calls.first)
    }
    #expect(sent[0] == sent[1])
    let request = sent[0].request
    let path = request.path.replacing("ct_1", with: "{contact}").replacing("of_10", with: "{offer}")
    #expect(entry.calls.hasPrefix("\(request.method) \(path)"))
  }

  @Test("Bodies of calls")
  func bodies() throws {
    func body(_ call: Call) throws -> String { String(decoding: try #require(call.request.body), as: UTF8.self) }
    #expect(try body(.say(contact: "ct_1", text: "a \"b\"\n")) == #"{"text":"a \"b\"\n"}"#)
    #expect(try body(.wrapUp(contact: "ct_1", code: "solved")) == #"{"code":"solved"}"#)
    #expect(try body(.wrapUp(contact: "ct_1", code: nil)) == "{}")
    #expect(try body(.notReady(reason: "lunch")) == #"{"reason":"lunch"}"#)
    #expect(Call.accept(offer: "of_1").request.body == nil)
  }
}
