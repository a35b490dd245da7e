import ACD
import Primitives
import SIP

/// Everything about calls that the chat side does not need: the SIP user agent, registrations, legs and media.
struct Calls: Sendable {
  enum Timer: Hashable, Sendable {
    case none
  }

  init(site: Site, entropy: inout Entropy) {}
}

/// Where the story of a contact meets its call. The agent's phone rings, legs are joined and released here.
extension Switchboard {
  // What comes in.
  mutating func receive(_ message: Message, from flow: Flow, at now: Instant, into step: inout Step) {}
  mutating func flowFailed(_ flow: Flow, at now: Instant, into step: inout Step) {}
  mutating func follow(_ event: MediaEvent, at now: Instant, into step: inout Step) {}
  mutating func fire(_ timer: Calls.Timer, at now: Instant, into step: inout Step) {}
  mutating func fireCallTimers(at now: Instant, into step: inout Step) {}
  var callsDeadline: Instant? { nil }

  // What the ACD decided about a call.
  mutating func ring(
    _ offer: OfferID, _ contact: ContactID, _ agent: AgentID, at now: Instant, into step: inout Step
  ) {}
  mutating func stopRinging(
    _ offer: OfferID, _ contact: ContactID, _ agent: AgentID, at now: Instant, into step: inout Step
  ) {}
  mutating func connect(
    _ offer: OfferID, _ contact: ContactID, _ agent: AgentID, at now: Instant, into step: inout Step
  ) {}
  mutating func resumeWaiting(_ contact: ContactID, at now: Instant, into step: inout Step) {}
  mutating func refuseCall(_ contact: ContactID, _ refusal: Refusal, at now: Instant, into step: inout Step) {}
  mutating func release(_ contact: ContactID, at now: Instant, into step: inout Step) {}
  mutating func holdCall(_ contact: ContactID, _ hold: Bool, at now: Instant, into step: inout Step) {}

  // Phones.
  func hasReachablePhone(_ agent: AgentID) -> Bool { true }
  func acceptsInConsole(_ agent: AgentID) -> Bool { site.agents[Int(agent.index)].phoneAnswer == .console }
  func phoneState(_ agent: AgentID) -> String { "none" }

  // Restart, reload, journal, metrics.
  mutating func restartCalls(at now: Instant, into step: inout Step) {}
  mutating func reconfigureCalls(at now: Instant, into step: inout Step) {}
  mutating func applyToCalls(_ record: Record) {}
  func writeCalls(into writer: inout ByteWriter) {}
  mutating func readCalls(from reader: inout ByteReader) throws(ByteReader.Truncated) {}
  func callCounts() -> Counts { Counts() }
}
