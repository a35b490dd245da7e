import ACD
import Primitives

/// What the legs of one contact are to each other.
///
///     waiting ──ring──▶ reaching ──the phone answered──▶ joined ──hang-up──▶ gone
///        ▲                 │
///        └──stopRinging, resumeWaiting
///
/// The caller hears music until `joined`. What is sent to either side follows from the state alone (`routing`), so
/// music, talk and hold cannot fall out of step.
struct Bridge: Sendable {
  enum State: Sendable, Equatable {
    case waiting
    /// An agent's phones are wanted: they ring under the offer, or are called after it was accepted.
    case reaching
    case joined
  }
  private(set) var state = State.waiting
  /// Of a callback: `LegID.none` until the customer is called.
  var caller: LegID
  /// The agent's phones that are being called, or the one that answered.
  private(set) var phones: [LegID] = []
  private(set) var offer: OfferID?
  /// The offer was taken: only the joining of the legs is missing.
  private(set) var isAccepted = false
  /// The agent's end is the built-in demo phone.
  private(set) var isDemo = false
  /// The best reason so far why none of the phones was won.
  private(set) var failure: Leg.Failure?
  /// The agent pressed hold in the console.
  var isHeldInConsole = false
  /// What the media threads were told last.
  var routing = Routing()

  init(caller: LegID) { self.caller = caller }

  mutating func reach(_ offer: OfferID) {
    if self.offer != offer { failure = nil }
    state = .reaching
    self.offer = offer
  }
  mutating func accept() { isAccepted = true }
  mutating func add(phone: LegID) { phones.append(phone) }
  mutating func useDemo() { isDemo = true }

  /// A phone was not won. Returns the failure of all when it was the last one, or when it declined for all.
  mutating func lost(_ phone: LegID, _ reason: Leg.Failure) -> Leg.Failure? {
    phones.removeAll { $0 == phone }
    failure = max(failure ?? reason, reason)
    return phones.isEmpty || reason == .declined ? failure : nil
  }

  /// One phone answered; returns the others.
  mutating func won(_ phone: LegID) -> [LegID] {
    let others = phones.filter { $0 != phone }
    phones = [phone]
    return others
  }

  mutating func join() { state = .joined }

  /// The agent's side is gone. Returns its phones.
  mutating func leaveAgent() -> [LegID] {
    let phones = self.phones
    let heard = routing.contact
    self = Bridge(caller: caller)
    routing.contact = heard
    return phones
  }
}

/// What is sent to each side of a contact.
struct Routing: Sendable, Equatable {
  enum Source: Sendable, Equatable {
    case silence
    case music(Int)
    case echo
    case otherSide
  }
  var contact = Source.silence
  var agent = Source.silence

  /// The commands that lead from this routing to the next.
  func commands(to next: Routing, contact: MediaID, agent: MediaID?) -> [MediaCommand] {
    if next == self { return [] }
    if next.contact == .otherSide, let agent { return [.join(contact, agent)] }
    var commands: [MediaCommand] = []
    if next.contact != self.contact { commands.append(Self.command(next.contact, contact)) }
    if let agent, next.agent != self.agent { commands.append(Self.command(next.agent, agent)) }
    return commands
  }

  private static func command(_ source: Source, _ media: MediaID) -> MediaCommand {
    switch source {
    case .silence, .otherSide: .stop(media)
    case .music(let index): .play(media, .music(index))
    case .echo: .play(media, .echo)
    }
  }
}

extension Switchboard {
  /// The agent accepted, or its phone did: joins the legs as soon as both have agreed on media.
  mutating func join(_ contact: ContactID, at now: Instant, into step: inout Step) {
    guard let bridge = calls.bridges[contact], bridge.state == .reaching, bridge.isAccepted, let offer = bridge.offer,
      bridge.isDemo || bridge.phones.contains(where: { calls.legs[$0]?.hasMedia == true })
    else { return }
    if calls.legs[bridge.caller]?.isUnanswered == true { answerCaller(bridge.caller, at: now, into: &step) }
    // After a delayed offer the caller's media is known with its ACK or PRACK only; a page may be loading anew.
    guard calls.legs[bridge.caller]?.hasMedia == true else { return }
    calls.bridges[contact]?.join()
    route(contact, into: &step)
    tell(.offerConnected(offer), at: now, into: &step)
    followHold(contact, by: .visitor, at: now, into: &step)
  }

  /// Tells the media threads what each side is to hear now, if that changed.
  mutating func route(_ contact: ContactID, into step: inout Step) {
    guard let bridge = calls.bridges[contact], let caller = calls.legs[bridge.caller] else { return }
    let phone = bridge.phones.first.flatMap { calls.legs[$0] }.flatMap { $0.isEstablished ? $0 : nil }
    let next = routing(of: bridge, caller, phone, music: music(for: contact))
    for command in bridge.routing.commands(to: next, contact: caller.media, agent: phone?.media) {
      step.afterCommit.append(.media(command))
    }
    calls.bridges[contact]?.routing = next
  }

  private func routing(of bridge: Bridge, _ caller: Leg, _ phone: Leg?, music: Int) -> Routing {
    // Who is held, or whose page has lost its link, is spared; the other side hears music.
    let callerListens = caller.hasMedia && !caller.isHeldByRemote
    guard bridge.state == .joined else { return Routing(contact: callerListens ? .music(music) : .silence) }
    let phoneListens =
      !bridge.isHeldInConsole && (bridge.isDemo || phone?.hasMedia == true) && phone?.isHeldByRemote != true
    switch (callerListens, phoneListens) {
    case (true, true): return bridge.isDemo ? Routing(contact: .echo) : Routing(contact: .otherSide, agent: .otherSide)
    case (true, false): return Routing(contact: .music(music))
    case (false, true): return Routing(agent: .music(music))
    case (false, false): return Routing()
    }
  }

  private func music(for contact: ContactID) -> Int {
    let queue = Int(contacts[contact]?.queue.index ?? 0)
    return site.queues.indices.contains(queue) ? site.queues[queue].music : 0
  }

  /// After anything that may begin or end a hold: journals it, and plays music to the other side.
  mutating func followHold(_ contact: ContactID, by author: Author, at now: Instant, into step: inout Step) {
    guard let bridge = calls.bridges[contact] else { return }
    route(contact, into: &step)
    guard bridge.state == .joined else { return }
    let isHeld =
      bridge.isHeldInConsole
      || ([bridge.caller] + bridge.phones).contains {
        calls.legs[$0]?.isHeldByRemote == true
      }
    switch (isHeld, contacts[contact]?.state) {
    case (true, .talking): emit(.contactHeld(contact, by: author), at: now, into: &step)
    case (false, .held): emit(.contactResumed(contact, by: author), at: now, into: &step)
    default: break
    }
  }

  /// Hold and resume from the console.
  mutating func holdCall(_ contact: ContactID, _ hold: Bool, at now: Instant, into step: inout Step) {
    guard calls.bridges[contact]?.state == .joined else { return }
    calls.bridges[contact]?.isHeldInConsole = hold
    followHold(contact, by: contacts[contact]?.agent.map { .agent($0) } ?? .system, at: now, into: &step)
  }
}
