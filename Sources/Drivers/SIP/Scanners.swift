import Primitives
import SIP

/// Programs that look for open SIP servers. They get no answer, so that a scan finds nothing.
enum Scanners {
  private static let names = [
    "friendly-request", "pplsip", "scanner", "sipcli", "sipvicious", "sundayddr", "vaxsipuseragent",
  ].map { Array($0.utf8) }
  private static let headers = ["f", "from", "user-agent"].map { Array($0.utf8) }

  /// Whether the User-Agent, or the display name in From, is that of such a program. Every request passes here, so its
  /// bytes are looked at where they stand.
  static func sent(_ message: Message) -> Bool {
    guard message.isRequest else { return false }
    let bytes = message.bytes.span
    let end = message.body.startIndex
    var line = 0
    var isTelling = false
    while line < end {
      let lineEnd = bytes.index(of: UInt8(ascii: "\n"), line, end)
      var value = line
      // A line that begins with white space goes on with the header before it.
      if bytes[line] > 0x20 {
        value = bytes.index(of: UInt8(ascii: ":"), line, lineEnd)
        var nameEnd = value
        while bytes[nameEnd - 1] <= 0x20, nameEnd - 1 > line { nameEnd -= 1 }
        isTelling = headers.contains { $0.count == nameEnd - line && stands($0, in: bytes, at: line) }
      }
      // What follows the bracket is an address.
      if isTelling, tells(bytes, value..<bytes.index(of: UInt8(ascii: "<"), value, lineEnd)) { return true }
      line = lineEnd + 1
    }
    return false
  }

  private static func tells(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
    range.contains { start in
      names.contains { $0.count <= range.upperBound - start && stands($0, in: bytes, at: start) }
    }
  }

  /// Compares with a word in lower case, which must fit.
  private static func stands(_ word: [UInt8], in bytes: Span<UInt8>, at start: Int) -> Bool {
    for index in word.indices where bytes[start + index] | 0x20 != word[index] { return false }
    return true
  }
}
