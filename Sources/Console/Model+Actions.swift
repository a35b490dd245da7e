import API

/// What typing does, with a screen or without.
extension Model {
  /// What to do with a command that came without the argument it needs.
  enum Missing { case refuse, ask }

  mutating func run(_ typed: Typed, missing: Missing) -> [Effect] {
    switch typed {
    case .nothing: return []
    case .unknown(let word): return note("ERR: \(word.onOneLine): no such command, ? shows them")
    case .move(let move): return go(move)
    case .action(let action, let argument): return act(action, argument, missing: missing)
    }
  }

  private mutating func go(_ move: Move) -> [Effect] {
    switch move {
    case .help:
      focus = .help
      return helpLines.map { .say("HELP: \($0)") }
    case .next, .previous:
      guard let contacts = agent?.contacts, !contacts.isEmpty else { return note("ERR: you have no contact") }
      let place = contacts.firstIndex { $0.id == current?.id } ?? 0
      let target = contacts[(place + (move == .next ? 1 : contacts.count - 1)) % contacts.count]
      selected = target.id
      return note("OK: \(target.id) \(target.caller)")
    }
  }

  private mutating func act(_ action: Action, _ argument: String, missing: Missing) -> [Effect] {
    guard agent != nil || action == .quit else { return note("ERR: \(action.entry.command): no link yet") }
    switch action {
    case .accept:
      guard let offer = agent?.offer else { return note("ERR: there is no offer") }
      guard offer.acceptsInConsole else { return note("ERR: answer on your phone") }
      return [.call(.accept(offer: offer.id))]
    case .reject:
      guard let offer = agent?.offer else { return note("ERR: there is no offer") }
      return [.call(.decline(offer: offer.id))]
    case .pick:
      guard let waiting = agent?.waiting else { return note("ERR: you are no attendant: contacts are offered to you") }
      guard let number = Int(argument), waiting.indices.contains(number - 1) else {
        return note(waiting.isEmpty ? "ERR: nobody waits" : "ERR: pick is a number from 1 to \(waiting.count)")
      }
      return [.call(.pick(contact: waiting[number - 1].id))]
    case .state: return changeState(argument, missing: missing)
    case .quit:
      guard !isLeaving, link == .up, agent?.state != "signed_out" else { return [.leave] }
      isLeaving = true
      return [.call(.signOut)]
    case .say, .hold, .transfer, .hangUp, .wrapUp:
      guard let contact = current else { return note("ERR: you have no contact") }
      return act(action, argument, on: contact, missing: missing)
    }
  }

  private mutating func act(_ action: Action, _ argument: String, on contact: Contact, missing: Missing) -> [Effect] {
    switch action {
    case .hold:
      return [.call(contact.state == "held" ? .resume(contact: contact.id) : .hold(contact: contact.id))]
    case .hangUp: return [.call(.hangUp(contact: contact.id))]
    case .transfer:
      guard argument.isEmpty else {
        return [.call(.transfer(contact: contact.id, queue: choice(argument, of: choices.queues)))]
      }
      guard missing == .ask else { return note("ERR: t needs one of: \(choices.queues.joined(separator: ", "))") }
      return ask(.transfer)
    case .say:
      guard argument.isEmpty else { return [.call(.say(contact: contact.id, text: argument))] }
      guard missing == .ask else { return note("ERR: i needs a text") }
      focus = .message
      return []
    default:
      let codes = choices.codes[contact.queue] ?? []
      if argument.isEmpty, missing == .ask, !codes.isEmpty { return ask(.wrapUp) }
      return [.call(.wrapUp(contact: contact.id, code: argument.isEmpty ? nil : choice(argument, of: codes)))]
    }
  }

  private mutating func changeState(_ argument: String, missing: Missing) -> [Effect] {
    let words = argument.split(separator: " ", maxSplits: 1).map(String.init)
    switch words.first {
    case "ready": return [.call(.ready)]
    case "away":
      let reason = words.count > 1 ? choice(words[1].trimmed, of: choices.reasons) : nil
      return [.call(.notReady(reason: reason))]
    default:
      if argument.isEmpty, missing == .ask { return ask(.state) }
      return note("ERR: state is ready, or away with one of: \(choices.reasons.joined(separator: ", "))")
    }
  }

  private mutating func ask(_ action: Action) -> [Effect] {
    focus = .prompt
    prompt = Draft(":\(action.entry.command) ")
    return []
  }

  /// A choice by its name or its number in the list, from 1. What is neither goes out as it is: the server knows best.
  private func choice(_ text: String, of names: [String]) -> String {
    if !names.contains(text), let number = Int(text), names.indices.contains(number - 1) { return names[number - 1] }
    return text
  }
}
