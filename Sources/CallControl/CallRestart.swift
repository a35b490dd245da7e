import ACD
import Primitives
import SIP

/// The dialogs that are up or being made, as the journal knows them: by contact and side. While several phones of an
/// agent ring, their side has one for each.
struct SavedDialogs: Sendable {
  private struct Key: Hashable, Sendable {
    var contact: ContactID
    var side: Side
  }
  private var dialogs = Index<Key, [UserAgent.SavedDialog]>()
  /// Those ended last. A crash may fall between the commit of their end and its BYE, CANCEL or refusal; all of these
  /// are safe to repeat, and are repeated after a restart.
  var ended: [Ended] { lately.compactMap { $0 } }
  struct Ended: Sendable {
    var at: Instant
    var dialog: UserAgent.SavedDialog
  }
  /// In the order of their end, from the place `first` on; nil where one came back.
  private var lately: [Ended?] = []
  private var first = 0
  /// The places by our tag, counted from the first that ever was.
  private var places = Index<UInt64, Int>()
  private var forgotten = 0
  /// A release follows its commit much sooner.
  private static let remembered: Int64 = .seconds(5)

  subscript(contact: ContactID, side: Side) -> [UserAgent.SavedDialog] {
    dialogs[Key(contact: contact, side: side)] ?? []
  }

  mutating func add(_ dialog: UserAgent.SavedDialog, _ contact: ContactID, _ side: Side) {
    dialogs[Key(contact: contact, side: side)] = self[contact, side] + [dialog]
    // Its early form did not end: this is what became of it.
    if let tag = UserAgent.localTag(of: dialog), let place = places.remove(tag) { lately[place - forgotten] = nil }
  }

  mutating func end(_ contact: ContactID, _ side: Side, at now: Instant) {
    forget(before: now - Self.remembered)
    for dialog in dialogs.remove(Key(contact: contact, side: side)) ?? [] { remember(dialog, endedAt: now) }
  }

  mutating func remember(_ dialog: UserAgent.SavedDialog, endedAt instant: Instant) {
    if let tag = UserAgent.localTag(of: dialog) {
      if let place = places[tag] { lately[place - forgotten] = nil }
      places[tag] = forgotten + lately.count
    }
    lately.append(Ended(at: instant, dialog: dialog))
  }

  private mutating func forget(before instant: Instant) {
    while first < lately.count, lately[first].map({ $0.at < instant }) ?? true {
      if let tag = lately[first].flatMap({ UserAgent.localTag(of: $0.dialog) }) { places.remove(tag) }
      lately[first] = nil
      first += 1
    }
    // Moved up seldom enough that each one costs the same however many there are.
    guard first > 64, first > lately.count / 2 else { return }
    lately.removeFirst(first)
    forgotten += first
    first = 0
  }

  /// A restart repeats what was remembered, once.
  mutating func forgetEnded() { (lately, first, forgotten, places) = ([], 0, 0, Index()) }
}

extension Switchboard {
  /// Calls do not survive a restart: the ACD has ended those in talk with cause `restart` and failed those that waited,
  /// and both sides of each stored dialog got BYE with their release. Phones behind streams must register again.
  ///
  /// `ended`: the dialogs whose end may not have been told before the process died.
  mutating func restartCalls(ended: [SavedDialogs.Ended], at now: Instant, into step: inout Step) {
    for saved in ended + calls.saved.ended {
      guard let dialog = calls.userAgent.restore(saved.dialog) else { continue }
      send(into: &step) { $0.end(dialog, at: now, into: &$1) }
    }
    expireRegistrations(at: now, into: &step)
    follow(calls.registrations.onStreams.map { .unbound($0) }, at: now, into: &step)
    for agent in site.agents.indices.map({ AgentID(index: UInt32($0)) }) where isKnown(agent) {
      if !hasReachablePhone(agent) { tell(.agentUnreachable(agent), at: now, into: &step) }
    }
  }

  /// What is released after a restart has no legs, only stored dialogs: they end with the rest in `restartCalls`.
  mutating func endSavedDialogs(of contact: ContactID, at now: Instant, into step: inout Step) {
    for side in Side.allCases where !calls.saved[contact, side].isEmpty {
      emit(.dialogEnded(contact, side), at: now, into: &step)
    }
  }

  mutating func applyToCalls(_ record: Record) {
    switch record.event {
    case .dialogConfirmed(let contact, let side, let dialog): calls.saved.add(dialog, contact, side)
    case .dialogEnded(let contact, let side): calls.saved.end(contact, side, at: record.at)
    case .phoneRegistered(let agent, let binding): calls.registrations.apply(binding, of: agent)
    case .phoneUnregistered(let agent, let binding): calls.registrations.remove(binding, of: agent)
    case .restarted: calls.saved.forgetEnded()
    default: break
    }
  }

  func writeCalls(into writer: inout ByteWriter) {
    let sides = contacts.ids.flatMap { contact in Side.allCases.map { (contact: contact, side: $0) } }
      .filter { !calls.saved[$0.contact, $0.side].isEmpty }
    writer.write(UInt32(sides.count))
    for (contact, side) in sides {
      writer.write(contact.slot)
      writer.write(contact.generation)
      writer.write(side.rawValue)
      writer.write(UInt32(calls.saved[contact, side].count))
      for dialog in calls.saved[contact, side] { writer.write(counted: dialog.bytes) }
    }
    let ended = calls.saved.ended
    writer.write(UInt32(ended.count))
    for ended in ended {
      writer.write(ended.at)
      writer.write(counted: ended.dialog.bytes)
    }
    calls.registrations.write(into: &writer)
  }

  mutating func readCalls(from reader: inout ByteReader) throws(ByteReader.Truncated) {
    for _ in 0..<(try reader.read(UInt32.self)) {
      let contact = ContactID(slot: try reader.read(), generation: try reader.read())
      let side = Side(rawValue: try reader.read())
      for _ in 0..<(try reader.read(UInt32.self)) {
        let dialog = UserAgent.SavedDialog(bytes: try reader.readCounted())
        if let side { calls.saved.add(dialog, contact, side) }
      }
    }
    for _ in 0..<(try reader.read(UInt32.self)) {
      let instant = try reader.readInstant()
      calls.saved.remember(UserAgent.SavedDialog(bytes: try reader.readCounted()), endedAt: instant)
    }
    try calls.registrations.read(from: &reader)
  }

  /// Phones and sources as the new configuration names them; who is in a call stays in it.
  mutating func reconfigureCalls(at now: Instant, into step: inout Step) {
    follow(calls.registrations.bindings(lostIn: site).map { .unbound($0) }, at: now, into: &step)
    for agent in site.agents.indices.map({ AgentID(index: UInt32($0)) }) {
      dismissPage(of: agent, at: now, into: &step)
    }
    adoptCalls()
  }

  mutating func adoptCalls() {
    calls.policy = Policy(site: site)
    calls.entries = Entries(site: site)
    calls.registrations.reconfigure(site)
  }
}
