import ACD
import CallControl
import Foundation
import Journal
import Primitives
import SIP

/// A folder of its own for one test's journal, removed with it.
final class ScratchJournal {
  let folder: URL
  var path: String { folder.appending(path: "journal.sqlite").path }

  init() throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "journal-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }
  deinit { try? FileManager.default.removeItem(at: folder) }

  func open(durability: Durability = .process) throws -> JournalStore {
    try JournalStore(path: path, durability: durability)
  }
}

extension JournalStore {
  /// As the journal thread does it once the projections have lagged for long enough.
  func appendAndSave(_ batch: Batch) throws {
    try append(batch)
    try saveProjections()
  }
}

/// Writes the events of little stories as records.
struct Story {
  /// A Monday at 10:00 UTC, where an interval starts.
  static let start = Instant(microseconds: 1_767_607_200_000_000)
  var records: [Record] = []
  var personal: [PersonalRecord] = []
  private var sequence: UInt64
  private var contacts: UInt32 = 0

  init(after sequence: UInt64 = 0) { self.sequence = sequence }

  /// `seconds` counts from the story's start.
  mutating func add(_ seconds: Double, _ events: CallControl.Event...) {
    let cause = sequence + 1
    for event in events {
      sequence += 1
      let at = Self.start + Int64(seconds * 1_000_000)
      records.append(Record(sequence: sequence, at: at, cause: cause, event: event))
    }
  }

  static func publicID(_ contact: ContactID) -> PublicID {
    PublicID(high: UInt64(contact.generation), low: UInt64(contact.slot))
  }

  /// A contact that arrives and leaves, or is answered after `wait`, talks and is wrapped up in 10 s.
  mutating func addContact(
    at seconds: Double, queue: QueueID = QueueID(index: 0), agent: AgentID = AgentID(index: 0), wait: Double,
    outcome: Outcome = .answered, talk: Double = 60, channel: Channel = .chat
  ) -> ContactID {
    let contact = ContactID(slot: contacts % 4, generation: contacts / 4)
    contacts += 1
    add(
      seconds, .contactOpened(contact, Self.publicID(contact), entry: "web:shop", channel: channel),
      .acd(
        .contactQueued(contact, queue: queue, profile: ProfileID(index: 0), channel: channel, priority: 0)))
    guard outcome == .answered else {
      add(
        seconds + wait, .acd(.outcomeFixed(contact, queue: queue, agent: .none, outcome)), .contactClosed(contact))
      return contact
    }
    add(seconds + wait, .acd(.offerMade(contact, queue: queue, agent: agent)))
    let offer = OfferID(sequence: sequence)
    add(
      seconds + wait, .acd(.offerAccepted(offer, contact, agent)),
      .acd(.outcomeFixed(contact, queue: queue, agent: agent, .answered)))
    let end = seconds + wait + talk
    add(
      end, .acd(.contactEnded(contact, agent: agent, .contactLeft)),
      .acd(.wrapUpStarted(agent, contact, until: Self.start + Int64((end + 30) * 1_000_000))))
    add(end + 10, .acd(.wrapUpEnded(agent, contact, CodeID(index: 2))), .contactClosed(contact))
    return contact
  }

  var batch: Batch { Batch(records: records, personal: personal) }
}

/// One event of each kind, with every field different from its neighbours, so that a swap shows.
let oneOfEachKind: [CallControl.Event] = {
  let contact = ContactID(slot: 0x0102_0304, generation: 0x0506_0708)
  let agent = AgentID(index: 0x1112_1314)
  let queue = QueueID(index: 0x2122_2324)
  let offer = OfferID(sequence: 0x3132_3334_3536_3738)
  let until = Instant(microseconds: 0x0006_4142_4344_4546)
  var estimates = WaitEstimates()
  (estimates.queueLength, estimates.headOfLine, estimates.lastToEnter) = (0xC1C2_C3C4, 0xD1D2_D3D4, 0xE1E2_E3E4)
  (estimates.low, estimates.high) = (0xF1F2_F3F4, WaitEstimates.none)
  return [
    .contactOpened(
      contact, PublicID(high: 0x5152_5354_5556_5758, low: 0x6162_6364_6566_6768), entry: "web:shöp", channel: .chat),
    .contactClosed(contact),
    .messagePosted(contact, .visitor),
    .contactHeld(contact, by: .agent(agent)),
    .contactResumed(contact, by: .system),
    .phoneRegistered(agent, binding: [1, 2, 3]),
    .phoneUnregistered(agent, binding: []),
    .dialogConfirmed(contact, .agent, .init(bytes: [4, 5])),
    .dialogEnded(contact, .contact),
    .configurationApplied(hash: "c0ffee"),
    .restarted,
    .legMeasured(
      contact, .agent,
      Quality(
        packetsReceived: 0x0102_0304_0506_0708, lossIn: 0x1112_1314, lossOut: 0x2122_2324,
        jitter: 0x3132_3334_3536_3738, roundTrip: nil)),
    .acd(.ladderStepped(contact, step: 0xA1, .unstaffed)),
    .acd(.ladderMigrated(contact, step: 0xA2)),
    .acd(.agentPreferred(contact, agent, until: until)),
    .acd(.preferenceEnded(contact, agent, .declined)),
    .acd(.dayStarted),
    .acd(.invariantBroken(.contactOffer, contact, agent)),
    .acd(
      .contactQueued(contact, queue: queue, profile: ProfileID(index: 0x7172_7374), channel: .voice, priority: -2)),
    .acd(.contactRefused(contact, queue: queue, .unstaffed)),
    .acd(.contactLost(contact)),
    .acd(.contactReturned(contact)),
    .acd(.outcomeFixed(contact, queue: queue, agent: agent, .shortAbandoned)),
    .acd(.contactEnded(contact, agent: agent, .agentLeft)),
    .acd(.offerMade(contact, queue: queue, agent: agent)),
    .acd(.offerAccepted(offer, contact, agent)),
    .acd(.offerDeclined(offer, contact, agent)),
    .acd(.offerMissed(offer, contact, agent)),
    .acd(.offerWithdrawn(offer, contact, agent, .contactLost)),
    .acd(.offerFailed(offer, contact, agent, .restart)),
    .acd(.agentSignedIn(agent)),
    .acd(.agentSignedOut(agent)),
    .acd(.agentReady(agent)),
    .acd(.agentNotReady(agent, ReasonID(index: 0x8182))),
    .acd(.wrapUpStarted(agent, contact, until: until)),
    .acd(.wrapUpExtended(agent, contact, until: until)),
    .acd(.wrapUpEnded(agent, contact, CodeID(index: 0x9192))),
    .acd(.placeKept(contact, entry: until, order: 0x3132_3334_3536_3738)),
    .acd(.placeHeld(contact, until: until)),
    .acd(.placeReleased(contact)),
    .acd(.segmentStarted(contact, after: ContactID(slot: 0xA1A2_A3A4, generation: 0xB1B2_B3B4))),
    .acd(.dialStarted(contact, agent: agent, attempt: 3)),
    .acd(.dialAnswered(contact)),
    .acd(.dialFailed(contact, agent: .none, .forbidden)),
    .acd(.callbackResumed(contact)),
    .acd(.waitEstimated(contact, estimates)),
  ]
}()
