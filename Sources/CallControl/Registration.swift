import ACD
import Primitives
import SIP

struct Registrations: Sendable {
  var count: Int { 0 }
  var nextDeadline: Instant? { nil }
  init(site: Site, entropy: Entropy) {}
  func phones(of agent: AgentID) -> [(target: URI, flow: Flow)] { [] }
  func isRegistered(_ flow: Flow) -> Bool { false }
  mutating func apply(_ binding: [UInt8], of agent: AgentID) {}
  mutating func remove(_ binding: [UInt8], of agent: AgentID) {}
  func write(into writer: inout ByteWriter) {}
  mutating func read(from reader: inout ByteReader) throws(ByteReader.Truncated) {}
  mutating func reconfigure(_ site: Site) {}
}

extension Switchboard {
  mutating func register(
    _ transaction: ServerTransactionID, _ message: Message, _ flow: Flow, at now: Instant, into step: inout Step
  ) {}
  mutating func unregister(_ flow: Flow, at now: Instant, into step: inout Step) {}
  mutating func expireRegistrations(at now: Instant, into step: inout Step) {}
}
