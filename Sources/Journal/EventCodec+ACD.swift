import ACD
import CallControl
import Primitives

extension EventCodec {
  static func encode(_ event: ACD.Event, into writer: inout ByteWriter) -> Kind {
    switch event {
    case .contactQueued(let contact, let queue, let profile, let channel, let priority):
      writer.write(contact)
      writer.write(queue.index)
      writer.write(profile.index)
      writer.write(channel.rawValue)
      writer.write(priority)
      return .contactQueued
    case .contactRefused(let contact, let queue, let refusal):
      writer.write(contact)
      writer.write(queue.index)
      writer.write(refusal.rawValue)
      return .contactRefused
    case .contactLost(let contact):
      writer.write(contact)
      return .contactLost
    case .contactReturned(let contact):
      writer.write(contact)
      return .contactReturned
    case .outcomeFixed(let contact, let queue, let agent, let outcome):
      writer.write(contact)
      writer.write(queue.index)
      writer.write(agent.index)
      writer.write(outcome.rawValue)
      return .outcomeFixed
    case .contactEnded(let contact, let agent, let cause):
      writer.write(contact)
      writer.write(agent.index)
      writer.write(cause.rawValue)
      return .contactEnded
    case .ladderStepped, .ladderMigrated, .agentPreferred, .preferenceEnded, .dayStarted, .invariantBroken:
      return encodeRouting(event, into: &writer)
    case .offerMade, .offerAccepted, .offerDeclined, .offerMissed, .offerWithdrawn, .offerFailed:
      return encodeOffer(event, into: &writer)
    case .agentSignedIn, .agentSignedOut, .agentReady, .agentNotReady, .wrapUpStarted, .wrapUpExtended, .wrapUpEnded:
      return encodeAgent(event, into: &writer)
    case .placeKept, .placeHeld, .placeReleased, .segmentStarted, .dialStarted, .dialAnswered, .dialFailed,
      .callbackResumed, .waitEstimated:
      return encodeFlow(event, into: &writer)
    }
  }

  private static func encodeRouting(_ event: ACD.Event, into writer: inout ByteWriter) -> Kind {
    switch event {
    case .ladderStepped(let contact, let step, let reason):
      writer.write(contact)
      writer.write(step)
      writer.write(reason.rawValue)
      return .ladderStepped
    case .ladderMigrated(let contact, let step):
      writer.write(contact)
      writer.write(step)
      return .ladderMigrated
    case .agentPreferred(let contact, let agent, let until):
      writer.write(contact)
      writer.write(agent.index)
      writer.write(until)
      return .agentPreferred
    case .preferenceEnded(let contact, let agent, let reason):
      writer.write(contact)
      writer.write(agent.index)
      writer.write(reason.rawValue)
      return .preferenceEnded
    case .dayStarted:
      return .dayStarted
    case .invariantBroken(let invariant, let contact, let agent):
      writer.write(invariant.rawValue)
      writer.write(contact)
      writer.write(agent.index)
      return .invariantBroken
    default:
      preconditionFailure("only routing events come here")
    }
  }

  private static func encodeOffer(_ event: ACD.Event, into writer: inout ByteWriter) -> Kind {
    func write(_ offer: OfferID, _ contact: ContactID, _ agent: AgentID) {
      writer.write(offer.sequence)
      writer.write(contact)
      writer.write(agent.index)
    }
    switch event {
    case .offerMade(let contact, let queue, let agent):
      writer.write(contact)
      writer.write(queue.index)
      writer.write(agent.index)
      return .offerMade
    case .offerAccepted(let offer, let contact, let agent):
      write(offer, contact, agent)
      return .offerAccepted
    case .offerDeclined(let offer, let contact, let agent):
      write(offer, contact, agent)
      return .offerDeclined
    case .offerMissed(let offer, let contact, let agent):
      write(offer, contact, agent)
      return .offerMissed
    case .offerWithdrawn(let offer, let contact, let agent, let reason):
      write(offer, contact, agent)
      writer.write(reason.rawValue)
      return .offerWithdrawn
    case .offerFailed(let offer, let contact, let agent, let failure):
      write(offer, contact, agent)
      writer.write(failure.rawValue)
      return .offerFailed
    default:
      preconditionFailure("only offer events come here")
    }
  }

  private static func encodeAgent(_ event: ACD.Event, into writer: inout ByteWriter) -> Kind {
    switch event {
    case .agentSignedIn(let agent):
      writer.write(agent.index)
      return .agentSignedIn
    case .agentSignedOut(let agent):
      writer.write(agent.index)
      return .agentSignedOut
    case .agentReady(let agent):
      writer.write(agent.index)
      return .agentReady
    case .agentNotReady(let agent, let reason):
      writer.write(agent.index)
      writer.write(reason.index)
      return .agentNotReady
    case .wrapUpStarted(let agent, let contact, let until):
      writer.write(agent.index)
      writer.write(contact)
      writer.write(until)
      return .wrapUpStarted
    case .wrapUpExtended(let agent, let contact, let until):
      writer.write(agent.index)
      writer.write(contact)
      writer.write(until)
      return .wrapUpExtended
    case .wrapUpEnded(let agent, let contact, let code):
      writer.write(agent.index)
      writer.write(contact)
      writer.write(code.index)
      return .wrapUpEnded
    default:
      preconditionFailure("only agent events come here")
    }
  }

  static func decodeACD(_ kind: Kind, from reader: inout ByteReader) throws -> ACD.Event {
    switch kind {
    case .contactQueued:
      .contactQueued(
        try reader.readContact(), queue: try reader.readQueue(), profile: ProfileID(index: try reader.read()),
        channel: try reader.readCase(), priority: try reader.read())
    case .contactRefused:
      .contactRefused(try reader.readContact(), queue: try reader.readQueue(), try reader.readCase())
    case .contactLost: .contactLost(try reader.readContact())
    case .contactReturned: .contactReturned(try reader.readContact())
    case .outcomeFixed:
      .outcomeFixed(
        try reader.readContact(), queue: try reader.readQueue(), agent: try reader.readAgent(), try reader.readCase())
    case .contactEnded:
      .contactEnded(try reader.readContact(), agent: try reader.readAgent(), try reader.readCase())
    case .offerMade:
      .offerMade(try reader.readContact(), queue: try reader.readQueue(), agent: try reader.readAgent())
    case .offerAccepted: .offerAccepted(try reader.readOffer(), try reader.readContact(), try reader.readAgent())
    case .offerDeclined: .offerDeclined(try reader.readOffer(), try reader.readContact(), try reader.readAgent())
    case .offerMissed: .offerMissed(try reader.readOffer(), try reader.readContact(), try reader.readAgent())
    case .offerWithdrawn:
      .offerWithdrawn(
        try reader.readOffer(), try reader.readContact(), try reader.readAgent(), try reader.readCase())
    case .offerFailed:
      .offerFailed(try reader.readOffer(), try reader.readContact(), try reader.readAgent(), try reader.readCase())
    case .ladderStepped:
      .ladderStepped(try reader.readContact(), step: try reader.read(), try reader.readCase())
    case .ladderMigrated: .ladderMigrated(try reader.readContact(), step: try reader.read())
    case .agentPreferred:
      .agentPreferred(try reader.readContact(), try reader.readAgent(), until: try reader.readInstant())
    case .preferenceEnded:
      .preferenceEnded(try reader.readContact(), try reader.readAgent(), try reader.readCase())
    case .dayStarted: .dayStarted
    case .invariantBroken:
      .invariantBroken(try reader.readCase(), try reader.readContact(), try reader.readAgent())
    case .agentSignedIn: .agentSignedIn(try reader.readAgent())
    case .agentSignedOut: .agentSignedOut(try reader.readAgent())
    case .agentReady: .agentReady(try reader.readAgent())
    case .agentNotReady: .agentNotReady(try reader.readAgent(), ReasonID(index: try reader.read()))
    case .wrapUpStarted:
      .wrapUpStarted(try reader.readAgent(), try reader.readContact(), until: try reader.readInstant())
    case .wrapUpExtended:
      .wrapUpExtended(try reader.readAgent(), try reader.readContact(), until: try reader.readInstant())
    case .wrapUpEnded:
      .wrapUpEnded(try reader.readAgent(), try reader.readContact(), CodeID(index: try reader.read()))
    case .placeKept, .placeHeld, .placeReleased, .segmentStarted, .dialStarted, .dialAnswered, .dialFailed,
      .callbackResumed, .waitEstimated:
      try decodeFlow(kind, from: &reader)
    default:
      preconditionFailure("call control's kinds are decoded by the caller")
    }
  }
}
