import ACD
import CallControl
import Primitives

/// Places kept, callbacks and estimates.
extension EventCodec {
  static func encodeFlow(_ event: ACD.Event, into writer: inout ByteWriter) -> Kind {
    switch event {
    case .placeKept(let contact, let entry, let order):
      writer.write(contact)
      writer.write(entry)
      writer.write(order)
      return .placeKept
    case .placeHeld(let contact, let until):
      writer.write(contact)
      writer.write(until)
      return .placeHeld
    case .placeReleased(let contact):
      writer.write(contact)
      return .placeReleased
    case .segmentStarted(let contact, let previous):
      writer.write(contact)
      writer.write(previous)
      return .segmentStarted
    case .dialStarted(let contact, let agent, let attempt):
      writer.write(contact)
      writer.write(agent.index)
      writer.write(attempt)
      return .dialStarted
    case .dialAnswered(let contact):
      writer.write(contact)
      return .dialAnswered
    case .dialFailed(let contact, let agent, let failure):
      writer.write(contact)
      writer.write(agent.index)
      writer.write(failure.rawValue)
      return .dialFailed
    case .callbackResumed(let contact):
      writer.write(contact)
      return .callbackResumed
    case .waitEstimated(let contact, let estimates):
      writer.write(contact)
      writer.write(estimates.queueLength)
      writer.write(estimates.headOfLine)
      writer.write(estimates.lastToEnter)
      writer.write(estimates.low)
      writer.write(estimates.high)
      return .waitEstimated
    default:
      preconditionFailure("only events of places, callbacks and estimates come here")
    }
  }

  static func decodeFlow(_ kind: Kind, from reader: inout ByteReader) throws -> ACD.Event {
    switch kind {
    case .placeKept:
      return .placeKept(try reader.readContact(), entry: try reader.readInstant(), order: try reader.read())
    case .placeHeld: return .placeHeld(try reader.readContact(), until: try reader.readInstant())
    case .placeReleased: return .placeReleased(try reader.readContact())
    case .segmentStarted: return .segmentStarted(try reader.readContact(), after: try reader.readContact())
    case .dialStarted:
      return .dialStarted(try reader.readContact(), agent: try reader.readAgent(), attempt: try reader.read())
    case .dialAnswered: return .dialAnswered(try reader.readContact())
    case .dialFailed:
      return .dialFailed(try reader.readContact(), agent: try reader.readAgent(), try reader.readCase())
    case .callbackResumed: return .callbackResumed(try reader.readContact())
    case .waitEstimated:
      let contact = try reader.readContact()
      var estimates = WaitEstimates()
      estimates.queueLength = try reader.read()
      estimates.headOfLine = try reader.read()
      estimates.lastToEnter = try reader.read()
      estimates.low = try reader.read()
      estimates.high = try reader.read()
      return .waitEstimated(contact, estimates)
    default:
      preconditionFailure("only kinds of places, callbacks and estimates come here")
    }
  }
}
