import ACD
import CallControl
import Foundation
import Primitives
import Testing

@testable import Journal

@Suite struct EventCodecTests {
  private func encode(_ event: CallControl.Event) -> (kind: UInt16, payload: [UInt8]) {
    var writer = ByteWriter()
    let kind = EventCodec.encode(event, into: &writer)
    return (kind, writer.bytes)
  }

  /// Lines of `kind name hex`.
  private func goldenLines() throws -> [String] {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Vectors/events.txt")
    return try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map(String.init)
      .filter { !$0.hasPrefix("#") }
  }

  @Test("Each kind of event is encoded as its golden line says, and no kind is without one")
  func golden() throws {
    let lines = oneOfEachKind.map { event in
      let (kind, payload) = encode(event)
      let name = EventCodec.Kind(rawValue: kind).map { "\($0)" } ?? "?"
      return "\(kind) \(name) " + payload.map { String(format: "%02x", $0) }.joined()
    }
    #expect(lines == (try goldenLines()))
    #expect(Set(oneOfEachKind.map { encode($0).kind }) == Set(EventCodec.Kind.allCases.map(\.rawValue)))
  }

  @Test("What was encoded is decoded to the same event", arguments: oneOfEachKind)
  func roundTrip(event: CallControl.Event) throws {
    let (kind, payload) = encode(event)
    #expect(try EventCodec.decode(kind: kind, payload: payload, sequence: 1) == event)
  }

  @Test("Every outcome, end cause, refusal, withdrawal, failure and channel survives")
  func cases() throws {
    let contact = ContactID(slot: 1, generation: 2)
    let (queue, agent, offer) = (QueueID(index: 3), AgentID(index: 4), OfferID(sequence: 5))
    var events: [ACD.Event] = []
    events += Outcome.allCases.map { .outcomeFixed(contact, queue: queue, agent: .none, $0) }
    events += EndCause.allCases.map { .contactEnded(contact, agent: agent, $0) }
    events += Refusal.allCases.map { .contactRefused(contact, queue: queue, $0) }
    events += Withdrawal.allCases.map { .offerWithdrawn(offer, contact, agent, $0) }
    events += OfferFailure.allCases.map { .offerFailed(offer, contact, agent, $0) }
    events += Channel.allCases.map {
      .contactQueued(contact, queue: queue, profile: ProfileID(index: 0), channel: $0, priority: .min)
    }
    for event in events {
      let (kind, payload) = encode(.acd(event))
      #expect(try EventCodec.decode(kind: kind, payload: payload, sequence: 1) == .acd(event))
    }
  }

  @Test("An unknown kind or version is an error that names the record")
  func unknown() {
    #expect(throws: JournalError.unknownKind(999, sequence: 7)) {
      try EventCodec.decode(kind: 999, payload: [1], sequence: 7)
    }
    #expect(throws: JournalError.unknownVersion(2, kind: 11, sequence: 8)) {
      try EventCodec.decode(kind: 11, payload: [2], sequence: 8)
    }
  }

  @Test("A payload cut short anywhere, or with a byte too many, is refused", arguments: oneOfEachKind)
  func truncated(event: CallControl.Event) {
    let (kind, payload) = encode(event)
    for count in 0..<payload.count {
      #expect(throws: JournalError.self) {
        try EventCodec.decode(kind: kind, payload: Array(payload[..<count]), sequence: 1)
      }
    }
    #expect(throws: JournalError.malformed(kind: kind, offset: payload.count, sequence: 1)) {
      try EventCodec.decode(kind: kind, payload: payload + [0], sequence: 1)
    }
  }

  @Test("Random bytes never crash the decoder, and what it takes it writes back")
  func fuzz() throws {
    var entropy = Entropy(testing: 1)
    var taken = 0
    for round in 0..<60_000 {
      let kinds = EventCodec.Kind.allCases
      let kind = kinds[round % kinds.count].rawValue
      var payload = (0..<Int(entropy.next() % 40)).map { _ in UInt8(truncatingIfNeeded: entropy.next() % 6) }
      if !payload.isEmpty { payload[0] = 1 }
      guard let event = try? EventCodec.decode(kind: kind, payload: payload, sequence: 1) else { continue }
      taken += 1
      #expect(encode(event).kind == kind)
      #expect(encode(event).payload == payload)
    }
    #expect(taken > 1_000)
  }
}
