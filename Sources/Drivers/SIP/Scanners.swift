import SIP

/// Programs that look for open SIP servers. They get no answer, so that a scan finds nothing.
enum Scanners {
  private static let names = [
    "friendly-scanner", "friendly-request", "sipvicious", "sipcli", "vaxsipuseragent", "pplsip", "sundayddr", "scanner",
  ]

  static func sent(_ message: Message) -> Bool {
    guard message.isRequest else { return false }
    let texts = [message.header("User-Agent"), message.from.displayName].compactMap { $0?.lowercased() }
    return texts.contains { text in names.contains { text.contains($0) } }
  }
}
