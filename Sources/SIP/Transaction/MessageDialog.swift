/// What finds dialogs: every message is asked for it, so no text is made of it.
extension Message {
  /// Whether its Call-ID is this one.
  func isOf(call callID: String) -> Bool {
    guard let field = field(.callID) else { return callID.isEmpty }
    let (mine, utf8) = (bytes.span.extracting(field.valueRange), callID.utf8)
    let theirs = utf8.span
    guard mine.count == theirs.count else { return false }
    for i in mine.indices where mine[i] != theirs[i] { return false }
    return true
  }

  /// What stands in a part of the message; empty where there is none.
  func text(_ range: Range<Int>?) -> String { range.map { bytes.span.text($0) } ?? "" }

  /// The tag, if it can be one of ours.
  func ownTag(_ range: Range<Int>?) -> UInt64? { range.flatMap { UInt64(tag: bytes.span.extracting($0)) } }
}
