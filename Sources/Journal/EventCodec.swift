import ACD
public import CallControl
public import Primitives
import SIP

/// Events as bytes: a kind, and a payload that starts with its version (one byte), big-endian.
///
/// Encoding is a switch by hand, so that no change of a type changes what old journals mean. Kinds and the raw values
/// in payloads are never reused; a changed layout takes the next version, and the old one stays readable.
public enum EventCodec {
  /// Raw values below 40 belong to call control, the others to the ACD.
  enum Kind: UInt16, CaseIterable {
    case contactOpened = 1
    case contactClosed = 2
    case messagePosted = 3
    case contactHeld = 4
    case contactResumed = 5
    case phoneRegistered = 6
    case phoneUnregistered = 7
    case dialogConfirmed = 8
    case dialogEnded = 9
    case configurationApplied = 10
    case restarted = 11
    case legMeasured = 12

    case ladderStepped = 40
    case ladderMigrated = 41
    case agentPreferred = 42
    case preferenceEnded = 43
    case dayStarted = 44
    case invariantBroken = 45
    case placeKept = 60
    case placeHeld = 61
    case placeReleased = 62
    case segmentStarted = 63
    case dialStarted = 64
    case dialAnswered = 65
    case dialFailed = 66
    case callbackResumed = 67
    case waitEstimated = 68

    case contactQueued = 100
    case contactRefused = 101
    case contactLost = 102
    case contactReturned = 103
    case outcomeFixed = 104
    case contactEnded = 105
    case offerMade = 110
    case offerAccepted = 111
    case offerDeclined = 112
    case offerMissed = 113
    case offerWithdrawn = 114
    case offerFailed = 115
    case agentSignedIn = 120
    case agentSignedOut = 121
    case agentReady = 122
    case agentNotReady = 123
    case wrapUpStarted = 130
    case wrapUpExtended = 131
    case wrapUpEnded = 132
  }

  /// The version that is written; all kinds still have their first layout.
  static let version: UInt8 = 1

  /// Appends the payload of `event` and returns its kind.
  public static func encode(_ event: CallControl.Event, into writer: inout ByteWriter) -> UInt16 {
    writer.write(version)
    let kind: Kind
    switch event {
    case .acd(let event):
      kind = encode(event, into: &writer)
    case .contactOpened(let contact, let id, let entry, let channel):
      kind = .contactOpened
      writer.write(contact)
      writer.write(id)
      writer.write(entry)
      writer.write(channel.rawValue)
    case .contactClosed(let contact):
      kind = .contactClosed
      writer.write(contact)
    case .messagePosted(let contact, let author):
      kind = .messagePosted
      writer.write(contact)
      writer.write(author)
    case .contactHeld(let contact, let author):
      kind = .contactHeld
      writer.write(contact)
      writer.write(author)
    case .contactResumed(let contact, let author):
      kind = .contactResumed
      writer.write(contact)
      writer.write(author)
    case .phoneRegistered(let agent, let binding):
      kind = .phoneRegistered
      writer.write(agent.index)
      writer.write(counted: binding)
    case .phoneUnregistered(let agent, let binding):
      kind = .phoneUnregistered
      writer.write(agent.index)
      writer.write(counted: binding)
    case .dialogConfirmed(let contact, let side, let dialog):
      kind = .dialogConfirmed
      writer.write(contact)
      writer.write(side.rawValue)
      writer.write(counted: dialog.bytes)
    case .dialogEnded(let contact, let side):
      kind = .dialogEnded
      writer.write(contact)
      writer.write(side.rawValue)
    case .legMeasured(let contact, let side, let quality):
      kind = .legMeasured
      writer.write(contact)
      writer.write(side.rawValue)
      writer.write(quality)
    case .configurationApplied(let hash):
      kind = .configurationApplied
      writer.write(hash)
    case .restarted:
      kind = .restarted
    }
    return kind.rawValue
  }

  /// The event of a payload; bytes left over are as wrong as bytes missing.
  public static func decode(
    kind rawKind: UInt16, payload: [UInt8], sequence: UInt64
  ) throws(JournalError) -> CallControl.Event {
    guard let kind = Kind(rawValue: rawKind) else { throw .unknownKind(rawKind, sequence: sequence) }
    var reader = ByteReader(payload)
    let event: CallControl.Event
    do {
      let version = try reader.read(UInt8.self)
      guard version == Self.version else {
        throw JournalError.unknownVersion(version, kind: rawKind, sequence: sequence)
      }
      event = try decode(kind, from: &reader)
    } catch let error as JournalError {
      throw error
    } catch {
      throw .malformed(kind: rawKind, offset: reader.offset, sequence: sequence)
    }
    guard reader.isAtEnd else { throw .malformed(kind: rawKind, offset: reader.offset, sequence: sequence) }
    return event
  }

  private static func decode(_ kind: Kind, from reader: inout ByteReader) throws -> CallControl.Event {
    switch kind {
    case .contactOpened:
      .contactOpened(
        try reader.readContact(), try reader.readPublicID(), entry: try reader.readString(),
        channel: try reader.readCase())
    case .contactClosed: .contactClosed(try reader.readContact())
    case .messagePosted: .messagePosted(try reader.readContact(), try reader.readAuthor())
    case .contactHeld: .contactHeld(try reader.readContact(), by: try reader.readAuthor())
    case .contactResumed: .contactResumed(try reader.readContact(), by: try reader.readAuthor())
    case .phoneRegistered: .phoneRegistered(try reader.readAgent(), binding: try reader.readCounted())
    case .phoneUnregistered: .phoneUnregistered(try reader.readAgent(), binding: try reader.readCounted())
    case .dialogConfirmed:
      .dialogConfirmed(try reader.readContact(), try reader.readCase(), .init(bytes: try reader.readCounted()))
    case .dialogEnded: .dialogEnded(try reader.readContact(), try reader.readCase())
    case .legMeasured: .legMeasured(try reader.readContact(), try reader.readCase(), try reader.readQuality())
    case .configurationApplied: .configurationApplied(hash: try reader.readString())
    case .restarted: .restarted
    default: .acd(try decodeACD(kind, from: &reader))
    }
  }
}
