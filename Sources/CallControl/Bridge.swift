import ACD
import Primitives

/// What the legs of one contact are to each other.
///
///     waiting ──ring──▶ reaching ──a phone of the accepted offer answered──▶ joined ──hang-up──▶ gone
///        ▲                 │
///        └──stopRinging of the last offer, resumeWaiting
///
/// The caller hears music until `joined`. What is sent to either side follows from the state alone (`routing`), so
/// music, talk and hold cannot fall out of step.
struct Bridge: Sendable {
  enum State: Sendable, Equatable {
    case waiting
    /// Agents' phones are wanted: they ring under their offers, or are called after one was accepted.
    case reaching
    case joined
  }

  /// An offer, and the phones of its agent that ring for it.
  struct Reach: Sendable {
    let offer: OfferID
    let agent: AgentID
    var phones: [LegID] = []
    /// The best reason so far why none of the phones was won.
    var failure: Leg.Failure?
  }

  private(set) var state = State.waiting
  /// Of a callback: `LegID.none` until the customer is called.
  var caller: LegID
  /// The live offers: several while a broadcast rings. The accepted one stands first.
  private(set) var reaches: [Reach] = []
  /// The first offer was taken: only the joining of the legs is missing.
  private var isAccepted = false
  /// The agent's end is the built-in demo phone.
  private(set) var isDemo = false
  /// The agent pressed hold in the console.
  var isHeldInConsole = false
  /// What the media threads were told last.
  var routing = Routing()

  init(caller: LegID) { self.caller = caller }

  /// The offer that was accepted.
  var accepted: OfferID? { isAccepted ? reaches.first?.offer : nil }
  /// The accepted agent's phone: of several that are being called, the first.
  var phone: LegID? { isAccepted ? reaches.first?.phones.first : nil }
  /// The phones of all offers.
  var phones: [LegID] { reaches.flatMap(\.phones) }

  subscript(offer: OfferID) -> Reach? { reaches.first { $0.offer == offer } }

  /// The offer under which a phone rings.
  func offer(of phone: LegID) -> OfferID? { reaches.first { $0.phones.contains(phone) }?.offer }

  mutating func reach(_ agent: AgentID, under offer: OfferID) {
    guard self[offer] == nil else { return }
    state = .reaching
    reaches.append(Reach(offer: offer, agent: agent))
  }

  mutating func accept(_ offer: OfferID) {
    guard let place = reaches.firstIndex(where: { $0.offer == offer }) else { return }
    reaches.swapAt(0, place)
    isAccepted = true
  }

  mutating func add(phone: LegID, under offer: OfferID) {
    guard let place = reaches.firstIndex(where: { $0.offer == offer }) else { return }
    reaches[place].phones.append(phone)
  }

  mutating func useDemo() { isDemo = true }

  /// A phone was not won. Returns the offer and the failure of all its phones when it was the last one, or when it
  /// declined for all.
  mutating func lost(_ phone: LegID, _ reason: Leg.Failure) -> (offer: OfferID, failure: Leg.Failure)? {
    guard let place = reaches.firstIndex(where: { $0.phones.contains(phone) }) else { return nil }
    reaches[place].phones.removeAll { $0 == phone }
    let failure = max(reaches[place].failure ?? reason, reason)
    reaches[place].failure = failure
    return reaches[place].phones.isEmpty || reason == .declined ? (reaches[place].offer, failure) : nil
  }

  /// One phone answered; returns the others of its offer.
  mutating func won(_ phone: LegID) -> [LegID] {
    guard let place = reaches.firstIndex(where: { $0.phones.contains(phone) }) else { return [] }
    let others = reaches[place].phones.filter { $0 != phone }
    reaches[place].phones = [phone]
    return others
  }

  mutating func join() { state = .joined }

  /// An offer is over; the others ring on. Returns its phones.
  mutating func leave(_ offer: OfferID) -> [LegID] {
    guard let place = reaches.firstIndex(where: { $0.offer == offer }) else { return [] }
    // With the accepted one go those that are being withdrawn for it.
    if offer == accepted || reaches.count == 1 { return leaveAgents() }
    return reaches.remove(at: place).phones
  }

  /// The agents' side is gone. Returns its phones.
  mutating func leaveAgents() -> [LegID] {
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
    guard let bridge = calls.bridges[contact], bridge.state == .reaching, let offer = bridge.accepted,
      bridge.isDemo || bridge[offer]?.phones.contains(where: { calls.legs[$0]?.hasMedia == true }) == true
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
    guard let bridge = calls.bridges[contact], let caller = calls.legs[bridge.caller]?.media else { return }
    let phone = bridge.phone.flatMap { calls.legs[$0]?.isEstablished == true ? $0 : nil }
    let next = routing(of: bridge, phone, music: music(for: contact))
    let agent = phone.flatMap { calls.legs[$0]?.media }
    for command in bridge.routing.commands(to: next, contact: caller, agent: agent) {
      step.afterCommit.append(.media(command))
    }
    calls.bridges[contact]?.routing = next
  }

  private func routing(of bridge: Bridge, _ phone: LegID?, music: Int) -> Routing {
    // Who is held, or whose page has lost its link, is spared; the other side hears music.
    let callerListens = calls.legs[bridge.caller]?.listens == true
    guard bridge.state == .joined else { return Routing(contact: callerListens ? .music(music) : .silence) }
    let phoneListens =
      !bridge.isHeldInConsole && (bridge.isDemo || phone.map { calls.legs[$0]?.listens == true } ?? false)
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
      || calls.legs[bridge.caller]?.isHeldByRemote == true
      || bridge.phone.map { calls.legs[$0]?.isHeldByRemote == true } ?? false
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
