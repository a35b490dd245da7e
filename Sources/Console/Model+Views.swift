import API

/// What the screen says about the model, in words.
extension Model {
  /// `READY`, `BUSY voice+chat`, `AWAY lunch`, `SIGNED OUT`.
  var presence: String? {
    guard let agent else { return nil }
    switch agent.state {
    case "ready":
      let channels = ["voice", "chat", "callback"].filter { channel in agent.contacts.contains { $0.channel == channel }
      }
      return channels.isEmpty ? "READY" : "BUSY " + channels.joined(separator: "+")
    case "not_ready": return "AWAY" + (agent.reason.map { " " + $0 } ?? "")
    default: return "SIGNED OUT"
    }
  }

  /// The queues that the agent serves, then the others.
  var queuesMineFirst: [Queue]? {
    queues.map { queues in
      queues.filter { choices.codes[$0.id] != nil } + queues.filter { choices.codes[$0.id] == nil }
    }
  }

  /// The time in the wrap-up that is left, or since the talk or the wait began.
  func timer(of contact: Contact) -> String {
    if contact.state == "wrap_up", let end = contact.wrapUpEndsAt {
      return "-" + clock(end.milliseconds - now.milliseconds + 999)
    }
    return clock(now.milliseconds - (contact.answeredAt ?? contact.enteredAt).milliseconds)
  }

  /// What to do next with the contact.
  func detail(of contact: Contact) -> String {
    if contact.isLost { return "LOST: the visitor's page is gone; it may come back" }
    switch contact.state {
    case "connecting": return "connecting"
    case "held": return "ON HOLD: h takes it off hold"
    case "wrap_up":
      let codes = choices.codes[contact.queue] ?? []
      let names = codes.enumerated().map { "\($0 + 1) \($1)" }.joined(separator: "  ")
      return "over: " + (contact.ending ?? "ended") + (codes.isEmpty ? "   w ends the wrap-up" : "   w: \(names)")
    default: return contact.channel == "chat" ? "i writes, e ends the chat" : "h holds, e hangs up"
    }
  }

  /// What a prompt may be completed with.
  var hint: String {
    let line = prompt.string
    if line.hasPrefix(":" + Action.wrapUp.entry.command), let contact = current {
      return "codes: " + Self.numbered(choices.codes[contact.queue] ?? [])
    }
    if line.hasPrefix(":" + Action.transfer.entry.command) { return "queues: " + Self.numbered(choices.queues) }
    if line.hasPrefix(":" + Action.state.entry.command) {
      return "ready | away " + Self.numbered(choices.reasons)
    }
    return Action.table.map { ":" + $0.command }.joined(separator: " ")
  }

  private static func numbered(_ names: [String]) -> String {
    names.enumerated().map { "\($0 + 1) \($1)" }.joined(separator: "  ")
  }

  /// The conversation in lines no wider than `width`, oldest first.
  func conversation(with contact: Contact, width: Int) -> [String] {
    let messages = messages[contact.id] ?? []
    func name(_ message: Message) -> String {
      message.author == "system" ? "*" : message.authorName.onOneLine.clipped(to: 14)
    }
    let column = messages.reduce(0) { max($0, Width.of(name($1))) }
    return messages.flatMap { message -> [String] in
      let local = (message.at.milliseconds / 1_000 + Int64(utcOffset)) / 60 % 1_440
      let time = [local / 60, local % 60].map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: ":")
      let head = "\(time) \(name(message).fitted(to: column)) "
      let paragraphs = message.text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
      let lines = paragraphs.flatMap { String($0).onOneLine.wrapped(to: max(1, width - Width.of(head))) }
      return lines.enumerated().map { place, line in
        (place == 0 ? head : String(repeating: " ", count: Width.of(head))) + line
      }
    }
  }
}

extension Contact {
  var channelLetter: String {
    switch channel {
    case "voice": "V"
    case "chat": "C"
    default: "K"
    }
  }

  /// By what it came, and how well: `voice/web opus  loss 0%  rtt 41ms`.
  var path: String {
    let origin = origin.map { "/" + $0.onOneLine } ?? ""
    guard let quality else { return channel + origin + (codec.map { " " + $0.onOneLine } ?? "") }
    let trip = quality.roundTripSeconds.map { "  rtt \(Int(($0 * 1_000).rounded()))ms" } ?? ""
    return "\(channel)\(origin) \(codec?.onOneLine ?? "")  loss \(percent(max(quality.lossIn, quality.lossOut)))\(trip)"
  }

  /// Whole percents, tenths below one.
  private func percent(_ share: Double) -> String {
    let tenths = Int((share * 1_000).rounded())
    return tenths == 0 || tenths >= 10 ? "\((tenths + 5) / 10)%" : "0.\(tenths)%"
  }

  /// Four letters.
  var stateWord: String {
    if isLost { return "LOST" }
    return switch state {
    case "connecting": "NEW"
    case "talking": "TALK"
    case "held": "HOLD"
    case "wrap_up": "WRAP"
    default: state.uppercased()
    }
  }
}

extension Queue {
  var isBelowTarget: Bool { serviceLevel.value.map { $0 < serviceLevel.target } ?? false }
}

extension Action.Entry {
  /// Short enough for the line of keys.
  var label: String {
    switch action {
    case .say: "type"
    case .hangUp: "end"
    case .wrapUp: "wrap-up"
    default: command
    }
  }
}
