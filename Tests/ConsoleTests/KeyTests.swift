import Testing

@testable import Console

@Suite struct KeyTests {
  private func keys(_ text: String) -> [Key] {
    var reader = KeyReader()
    return reader.read(text.utf8) + reader.flush()
  }

  @Test("What terminals send, and the keys it stands for")
  func table() {
    #expect(keys("aé漢👍") == [.character("a"), .character("é"), .character("漢"), .character("👍")])
    #expect(keys("\r\t\u{7F}\u{08}\u{03}") == [.enter, .tab, .backspace, .backspace, .control("c")])
    #expect(keys("\u{1B}[A\u{1B}OB\u{1B}[C\u{1B}[D\u{1B}[H\u{1B}[4~") == [.up, .down, .right, .left, .home, .end])
    #expect(keys("\u{1B}[Z\u{1B}[3~\u{1B}[5~\u{1B}[6~") == [.backTab, .delete, .pageUp, .pageDown])
    #expect(keys("\u{1B}[38;5;1m\u{1B}[<0;1;2Mx") == [.character("x")])
  }

  @Test("Esc alone is a key once 25 ms passed; Esc with more is a sequence")
  func escape() {
    var reader = KeyReader()
    let first = reader.read([0x1B])
    #expect(first.isEmpty && reader.isWaiting)
    let escape = reader.flush()
    #expect(escape == [.escape])
    let second = reader.read([0x1B])
    let up = reader.read("[A".utf8)
    #expect(second.isEmpty && up == [.up] && !reader.isWaiting)
    let both = reader.read([0x1B, 0x61])
    #expect(both == [.escape, .character("a")])
  }

  @Test("Pasted text is one key, and its commands are not carried out")
  func paste() {
    #expect(keys("\u{1B}[200~q\ne\u{1B}[A\u{1B}[201~x") == [.paste("q\ne\u{1B}[A"), .character("x")])
    var reader = KeyReader()
    _ = reader.read("\u{1B}[200~".utf8)
    _ = reader.read(Array(repeating: 0x61, count: 100_000))
    guard case .paste(let text)? = reader.read("\u{1B}[201~".utf8).first else {
      Issue.record("a paste that is too long has no end")
      return
    }
    #expect((KeyReader.pasteLimit - 6...KeyReader.pasteLimit).contains(text.utf8.count))
  }

  @Test("Bytes cut anywhere give the same keys")
  func cuts() {
    let text = Array("é\u{1B}[A漢\u{1B}[200~x\u{1B}[201~\u{1B}OB👍q".utf8)
    var whole = KeyReader()
    let expected = whole.read(text)
    for cut in 0...text.count {
      var reader = KeyReader()
      let keys = reader.read(text[..<cut]) + reader.read(text[cut...])
      #expect(keys == expected)
    }
  }

  @Test("Any bytes are read, and afterwards a key is a key again")
  func fuzz() {
    var state: UInt64 = 2026
    func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state >> 33
    }
    let favourites: [UInt8] = [0x1B, 0x5B, 0x4F, 0x7E, 0x32, 0x30, 0xE6, 0x80, 0x0D]
    for _ in 0..<20_000 {
      var reader = KeyReader()
      let count = Int(next() % 24)
      let bytes = (0..<count).map { _ in
        next() % 2 == 0 ? favourites[Int(next()) % favourites.count] : UInt8(truncatingIfNeeded: next())
      }
      _ = reader.read(bytes)
      _ = reader.flush()
      let end = reader.read("\u{1B}[201~".utf8)
      _ = reader.flush()
      let key = reader.read([0x71])
      #expect(end.count <= 1 && key == [.character("q")])
    }
  }

  @Test("The line being typed is edited around its cursor")
  func draft() {
    var draft = Draft()
    for key in [
      Key.character("a"), .character("c"), .left, .character("b"), .end, .character("e"), .character("\u{301}"),
    ] {
      let isEdit = draft.edit(key)
      #expect(isEdit)
    }
    #expect(draft.string == "abce\u{301}" && draft.cursor == 4)
    _ = draft.edit(.backspace)
    _ = draft.edit(.home)
    _ = draft.edit(.delete)
    #expect(draft.string == "bc")
    _ = draft.edit(.end)
    _ = draft.edit(.paste("x\ny"))
    #expect(draft.string == "bcx y")
    _ = draft.edit(.control("u"))
    let others = [draft.edit(.backspace), draft.edit(.up)]
    #expect(draft.string == "" && others == [false, false])
  }
}

@Suite struct WidthTests {
  @Test(
    "Characters take the cells that terminals give them",
    arguments: [
      ("a", 1), ("é", 1), ("e\u{301}", 1), ("漢", 2), ("ア", 2), ("ｱ", 1), ("Ａ", 2), ("한", 2), ("\u{1112}\u{1161}", 2),
      ("👍", 2), ("👍🏽", 2), ("👨‍👩‍👧", 2), ("🇩🇪", 2), ("❤\u{FE0F}", 2), ("❤", 1), ("\u{200D}", 0), ("\u{301}", 0),
      ("Ж", 1), ("ש", 1), ("…", 1),
    ])
  func character(_ text: String, _ cells: Int) {
    #expect(Width.of(text) == cells)
  }

  @Test("Text is cut and filled to cells, not characters")
  func fitting() {
    #expect("漢字".fitted(to: 3) == "漢 ")
    #expect("漢字".fitted(to: 5, right: true) == " 漢字")
    #expect("abc".fitted(to: 0) == "")
    #expect("the card was declined".wrapped(to: 9) == ["the card", "was", "declined"])
    #expect("漢字漢字漢".wrapped(to: 4) == ["漢字", "漢字", "漢"])
    #expect("漢字".wrapped(to: 1) == ["漢", "字"])
  }
}
