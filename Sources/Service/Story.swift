import ACD
import API
import CallControl
import Primitives

/// What the journal tells of one contact, gathered while it is replayed.
struct Story {
  private(set) var history: [Why.Occurrence] = []
  private var decisions: [(offer: OfferID?, cause: UInt64, isAccepted: Bool, body: Why.Decision)] = []
  private let asked: [AgentID]
  /// The segments that have not closed, the last one last.
  private var segments: [ContactID] = []
  private var channel = Channel.voice
  /// Nothing more will be told.
  private(set) var isOver = false
  private(set) var last = Instant.distantPast

  /// Offers beyond this are told, and not explained.
  private static let decisionLimit = 200
  private static let historyLimit = 2_000

  init(asked: [AgentID]) { self.asked = asked }

  mutating func begin(_ contact: ContactID, _ channel: Channel) {
    segments.append(contact)
    self.channel = channel
  }

  /// A record that is about to be applied: what it decides is asked of the state before.
  mutating func hear(_ record: CallControl.Record, _ switchboard: Switchboard) {
    guard let contact = record.event.contact, segments.contains(contact), case .acd(let event) = record.event,
      decisions.count < Self.decisionLimit
    else { return }
    var writer = WhyWriter(switchboard, at: record.at, asked: asked)
    switch event {
    case .offerMade(_, _, let agent):
      guard let why = switchboard.explanation(of: contact, agents: [agent] + asked, at: record.at) else { return }
      writer.asked.append(agent)
      let summary = "offered to \(writer.name(of: agent))"
      var decision = writer.decision(why, "offered", summary, record.sequence)
      decision.agent = writer.id(of: agent)
      decisions.append((OfferID(sequence: record.sequence), record.cause, false, decision))
    case .contactRefused(_, let queue, let refusal):
      guard let admission = switchboard.admission(to: queue, over: channel, at: record.at) else { return }
      decisions.append((nil, record.cause, false, writer.decision(admission, queue, refusal, record.sequence)))
    case .outcomeFixed(_, _, _, let outcome) where outcome != .answered:
      guard let why = switchboard.explanation(of: contact, agents: asked, at: record.at) else { return }
      let summary = "left the queue: \(WhyWriter.words("\(outcome)"))"
      decisions.append((nil, record.cause, false, writer.decision(why, "ended", summary, record.sequence)))
    default: break
    }
  }

  /// A record that was applied.
  mutating func follow(_ record: CallControl.Record, _ switchboard: Switchboard) {
    last = record.at
    guard let contact = record.event.contact, segments.contains(contact) else { return }
    let writer = WhyWriter(switchboard, at: record.at, asked: asked)
    if history.count < Self.historyLimit, let told = writer.occurrence(record) { history.append(told) }
    switch record.event {
    case .acd(.offerAccepted(let offer, _, let agent)):
      guard let place = decisions.lastIndex(where: { $0.offer == offer }) else { break }
      decisions[place].isAccepted = true
      // An offer that was accepted in the step that made it never rang: somebody picked the contact.
      guard record.cause == decisions[place].cause else { break }
      decisions[place].body.kind = "picked"
      decisions[place].body.summary = "picked by \(writer.name(of: agent))"
    case .contactClosed:
      segments.removeAll { $0 == contact }
      isOver = segments.isEmpty
    default: break
    }
  }

  /// The journal ends here, and the contact is still there.
  mutating func end(_ switchboard: Switchboard, at now: Instant, _ sequence: UInt64) {
    guard let contact = segments.last, let why = switchboard.explanation(of: contact, agents: asked, at: now)
    else { return }
    let writer = WhyWriter(switchboard, at: now, asked: asked)
    let summary: String
    switch why.standing {
    case .inLine: summary = "waits"
    case .lost: summary = "waits, and is not offered: the visitor's link is gone"
    case .calledFirst: summary = "waits to be called back before an agent is rung"
    case .resting: summary = "waits for the next attempt to call back"
    case .dialling: summary = "is being called back"
    case .offered, .connecting, .answered, .over: return
    }
    decisions.append((nil, sequence, false, writer.decision(why, "waiting", summary, sequence)))
  }

  /// The offer that was asked for; else the last that was accepted; else what happened last.
  func decision(_ wanted: OfferID?) throws -> Why.Decision? {
    guard let wanted else { return (decisions.last { $0.isAccepted } ?? decisions.last)?.body }
    guard let found = decisions.first(where: { $0.offer == wanted }) else {
      let offers = decisions.compactMap { $0.offer.map { "of_\($0.sequence)" } }
      let known = offers.isEmpty ? "it was offered to nobody" : "its offers are \(offers.joined(separator: ", "))"
      throw Inquiry.Refusal(description: "of_\(wanted.sequence) is no offer of the contact: \(known).")
    }
    return found.body
  }
}
