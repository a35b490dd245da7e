import Primitives

/// Session timers, the answering side only (RFC 4028 section 9): where the far end refreshes, a session that it does
/// not refresh is ended, so that a caller who vanished holds no line for ever. We never ask for one ourselves.
extension UserAgent {
  static let smallestInterval = 90

  private static func interval(_ message: Message) -> (seconds: Int, refresher: String?)? {
    guard let value = message.header("session-expires") else { return nil }
    let parts = value.lowercased().filter { $0 != " " && $0 != "\t" }.split(separator: ";")
    guard let seconds = parts.first.flatMap({ Int($0) }), seconds > 0 else { return nil }
    return (seconds, parts.first { $0.hasPrefix("refresher=") }.map { String($0.dropFirst(10)) })
  }

  /// The Min-SE of a 422 (section 9); a peer that does not support timers cannot repair its request.
  static func tooSmallInterval(_ message: Message) -> Header? {
    guard let (seconds, _) = interval(message), seconds < smallestInterval, supportsTimer(message) else { return nil }
    return Header("Min-SE", String(smallestInterval))
  }

  private static func supportsTimer(_ message: Message) -> Bool {
    (message.headers("supported") + message.headers("require")).contains { $0.lowercased() == "timer" }
  }

  /// Microseconds within which the far end is to refresh; nil if it does not, or wants us to.
  static func refreshedInterval(_ message: Message) -> Int64? {
    guard let (seconds, refresher) = interval(message), supportsTimer(message), refresher != "uas" else { return nil }
    return .seconds(Int64(min(seconds, 86_400)))
  }

  /// Takes the interval of a refresh over and starts its clock; yields the header lines of our 2xx.
  mutating func refreshSession(_ id: DialogID, by message: Message, at now: Instant) -> [Header] {
    sessions[id]?.sessionInterval = Self.refreshedInterval(message)
    return startSessionTimer(id, at: now)
  }

  mutating func startSessionTimer(_ id: DialogID, at now: Instant) -> [Header] {
    guard sessions.contains(id), let interval = sessions[id]?.sessionInterval else {
      timers.cancel(.session(id))
      return []
    }
    timers.set(.session(id), at: now + interval)
    return [Header("Require", "timer"), Header("Session-Expires", "\(interval / 1_000_000);refresher=uac")]
  }

  /// Section 10: BYE shortly before the interval is over would be polite; at its end nobody is there to mind.
  mutating func sessionExpired(_ id: DialogID, at now: Instant, into output: inout Output) {
    guard sessions.contains(id) else { return }
    end(id, at: now, into: &output)
    output.occurrences.append(.ended(id, nil))
  }
}
