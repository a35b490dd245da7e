/// The tags alone, without the rest of their addresses: every request asks for them.
extension Message {
  var fromTag: String? { tag(.from) }
  var toTag: String? { tag(.to) }

  private func tag(_ header: HeaderName) -> String? {
    guard let field = field(header) else { return nil }
    let span = bytes.span
    var place = Int(field.value)
    guard let tag = (try? span.address(&place, Int(field.valueEnd)))?.tag else { return nil }
    return span.text(tag)
  }
}
