public import SDP
public import SIP

/// What call control asks of the media threads. Commands for one id are carried out in order.
public enum MediaCommand: Sendable, Equatable {
  /// Take a port; `MediaEvent.opened` or `.failed` follows. Nothing is sent before `setRemote`.
  case open(MediaID)
  /// Where to send, and how; again after each re-offer.
  case setRemote(MediaID, RemoteMedia)
  /// Forward audio both ways between two ports; replaces what either played or joined before.
  case join(MediaID, MediaID)
  /// Send this to the far end until the next `join`, `play` or `stop`.
  case play(MediaID, MediaSource)
  /// Send nothing.
  case stop(MediaID)
  case close(MediaID)
}

/// What a port sends by itself.
public enum MediaSource: Sendable, Equatable {
  /// Music on hold: an index into the site's loaded music; 0 is the built-in.
  case music(Int)
  case ringback
  /// What it receives: the demo phone.
  case echo
}

public enum G711: UInt8, Sendable { case pcmu = 0, pcma = 8 }

/// The far end of a port as its SDP names it.
public struct RemoteMedia: Sendable, Equatable {
  /// Nil while the far end holds with an unspecified address.
  public var endpoint: Endpoint?
  public var codec: G711
  /// Payload type of the codec on packets to and from the far end, where it is not the static one of RFC 3551.
  public var payloadType: UInt8
  public var incomingPayloadType: UInt8
  /// Payload type of telephone-event (RFC 4733) on packets to the far end; nil if it was not negotiated.
  public var telephoneEvent: UInt8?
  /// The same on packets from the far end: an answer may number it differently from our offer.
  public var incomingTelephoneEvent: UInt8?
  /// Whether we send to it, and whether we take what it sends.
  public var sends: Bool
  public var receives: Bool
  public init(endpoint: Endpoint?, codec: G711, telephoneEvent: UInt8?, sends: Bool = true, receives: Bool = true) {
    self.endpoint = endpoint; self.codec = codec
    payloadType = codec.rawValue; incomingPayloadType = codec.rawValue
    self.telephoneEvent = telephoneEvent; incomingTelephoneEvent = telephoneEvent
    self.sends = sends; self.receives = receives
  }

  /// What an offer and its answer agreed on.
  public init(_ media: NegotiatedMedia) {
    self.init(
      endpoint: media.remote.flatMap { Endpoint(address: $0.address, port: $0.port) },
      codec: media.codec == .pcma ? .pcma : .pcmu, telephoneEvent: media.telephoneEvent?.outgoing,
      sends: media.direction.sends, receives: media.direction.receives)
    payloadType = media.payloadType.outgoing
    incomingPayloadType = media.payloadType.incoming
    incomingTelephoneEvent = media.telephoneEvent?.incoming
  }
}

public enum MediaEvent: Sendable, Equatable {
  /// The port to put into SDP.
  case opened(MediaID, port: UInt16)
  /// No port is free, or the socket failed.
  case failed(MediaID)
  /// The far end's real address was learned and locked.
  case learned(MediaID, Endpoint)
  /// A telephone-event digit: 0-9, 10 `*`, 11 `#`, 12-15 A-D.
  case digit(MediaID, UInt8)
  /// Nothing was received for 30 s although the far end should send.
  case lost(MediaID)
}
