/// One key press.
public enum Key: Sendable, Equatable {
  case character(Character)
  /// With Ctrl, as a small letter.
  case control(Character)
  case enter, escape, tab, backTab, backspace, delete
  case up, down, left, right, home, end, pageUp, pageDown
  case paste(String)
}

/// Turns a terminal's bytes into keys. A sequence may be cut anywhere.
public struct KeyReader: Sendable {
  /// Bytes of a paste, above which the rest is dropped.
  static let pasteLimit = 16_384
  private static let pasteEnd = Array("\u{1B}[201~".utf8)

  private var pending: [UInt8] = []
  private var paste: [UInt8]?

  public init() {}

  /// An Esc alone looks like the beginning of a sequence: if nothing follows for 25 ms, call `flush`.
  public var isWaiting: Bool { !pending.isEmpty && paste == nil }

  public mutating func read(_ bytes: some Sequence<UInt8>) -> [Key] {
    var keys: [Key] = []
    for byte in bytes {
      if paste != nil { keys += readPaste(byte) } else { keys += readByte(byte) }
    }
    return keys
  }

  /// What is pending is all that there will be.
  public mutating func flush() -> [Key] {
    guard isWaiting else { return [] }
    let isEscape = pending == [0x1B]
    pending = []
    return isEscape ? [.escape] : []
  }

  private mutating func readPaste(_ byte: UInt8) -> [Key] {
    guard var text = paste else { return [] }
    text.append(byte)
    guard text.suffix(Self.pasteEnd.count).elementsEqual(Self.pasteEnd) else {
      // The end may come behind any number of bytes, so its length is always kept.
      if text.count > Self.pasteLimit { text.remove(at: Self.pasteLimit - Self.pasteEnd.count) }
      paste = text
      return []
    }
    paste = nil
    return [.paste(String(decoding: text.dropLast(Self.pasteEnd.count), as: UTF8.self))]
  }

  private mutating func readByte(_ byte: UInt8) -> [Key] {
    if pending.isEmpty { return begin(byte) }
    if pending[0] != 0x1B {
      // Inside a UTF-8 character.
      guard byte & 0xC0 == 0x80 else {
        pending = []
        return begin(byte)
      }
      pending.append(byte)
      guard pending.count == Self.length(of: pending[0]) else { return [] }
      defer { pending = [] }
      return String(decoding: pending, as: UTF8.self).first.map { $0 == "\u{FFFD}" ? [] : [.character($0)] } ?? []
    }
    if pending.count == 1 {
      if byte == UInt8(ascii: "[") || byte == UInt8(ascii: "O") {
        pending.append(byte)
        return []
      }
      // Esc and then a key. Alt with a key looks the same, and means nothing here.
      pending = []
      return [.escape] + begin(byte)
    }
    guard pending.count < 32, (0x20...0x7E).contains(byte) else {
      pending = []
      return (0x20...0x7E).contains(byte) ? [] : begin(byte)
    }
    pending.append(byte)
    guard (0x40...0x7E).contains(byte) else { return [] }
    defer { pending = [] }
    return sequence(pending[2...])
  }

  private mutating func begin(_ byte: UInt8) -> [Key] {
    switch byte {
    case 0x0D, 0x0A: return [.enter]
    case 0x09: return [.tab]
    case 0x08, 0x7F: return [.backspace]
    case 0x1B:
      pending = [byte]
      return []
    case 0x01...0x1A: return [.control(Character(UnicodeScalar(byte + 0x60)))]
    case 0x20...0x7E: return [.character(Character(UnicodeScalar(byte)))]
    default:
      if Self.length(of: byte) > 1 { pending = [byte] }
      return []
    }
  }

  private static func length(of lead: UInt8) -> Int {
    switch lead {
    case 0xC2...0xDF: 2
    case 0xE0...0xEF: 3
    case 0xF0...0xF4: 4
    default: 1
    }
  }

  /// ECMA-48 control sequences as xterm sends them, without the introducer.
  private mutating func sequence(_ bytes: ArraySlice<UInt8>) -> [Key] {
    switch String(decoding: bytes, as: UTF8.self) {
    case "A": return [.up]
    case "B": return [.down]
    case "C": return [.right]
    case "D": return [.left]
    case "H", "1~", "7~": return [.home]
    case "F", "4~", "8~": return [.end]
    case "Z": return [.backTab]
    case "3~": return [.delete]
    case "5~": return [.pageUp]
    case "6~": return [.pageDown]
    case "200~":
      paste = []
      return []
    default: return []
    }
  }
}
