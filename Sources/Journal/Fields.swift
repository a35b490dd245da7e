import ACD
import CallControl
import Primitives

/// A raw value that no case has.
struct UnknownCase: Error {}

extension ByteWriter {
  mutating func write(_ contact: ContactID) {
    write(contact.slot)
    write(contact.generation)
  }
  mutating func write(_ id: PublicID) {
    write(id.high)
    write(id.low)
  }
  mutating func write(_ author: Author) {
    write(author.code)
    if case .agent(let agent) = author { write(agent.index) }
  }
  mutating func write(_ quality: Quality) {
    write(quality.packetsReceived)
    write(quality.lossIn)
    write(quality.lossOut)
    write(quality.jitter)
    write(quality.roundTrip ?? Quality.noRoundTrip)
  }
}

extension Quality {
  /// Stands for a round trip that is not known.
  fileprivate static let noRoundTrip: Int64 = -1
}

extension ByteReader {
  mutating func readContact() throws -> ContactID { ContactID(slot: try read(), generation: try read()) }
  mutating func readPublicID() throws -> PublicID { PublicID(high: try read(), low: try read()) }
  mutating func readAgent() throws -> AgentID { AgentID(index: try read()) }
  mutating func readQueue() throws -> QueueID { QueueID(index: try read()) }
  mutating func readOffer() throws -> OfferID { OfferID(sequence: try read()) }
  mutating func readAuthor() throws -> Author {
    let code: UInt8 = try read()
    guard let author = Author(code: code, agent: code == Author.agentCode ? try readAgent() : nil) else {
      throw UnknownCase()
    }
    return author
  }
  mutating func readQuality() throws -> Quality {
    var quality = Quality(
      packetsReceived: try read(), lossIn: try read(), lossOut: try read(), jitter: try read(), roundTrip: try read())
    if quality.roundTrip == Quality.noRoundTrip { quality.roundTrip = nil }
    return quality
  }
  mutating func readCase<Value: RawRepresentable<UInt8>>() throws -> Value {
    guard let value = Value(rawValue: try read()) else { throw UnknownCase() }
    return value
  }
}

/// Authors as a code and, for agents, an index.
extension Author {
  static let agentCode: UInt8 = 1

  var code: UInt8 {
    switch self {
    case .visitor: 0
    case .agent: Self.agentCode
    case .system: 2
    }
  }

  init?(code: UInt8, agent: AgentID?) {
    switch (code, agent) {
    case (0, nil): self = .visitor
    case (Self.agentCode, let agent?): self = .agent(agent)
    case (2, nil): self = .system
    default: return nil
    }
  }
}
