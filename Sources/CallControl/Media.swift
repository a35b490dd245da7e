public import SDP
public import SIP

/// How a medium's packets travel.
public enum MediaTransport: Sendable, Equatable {
  /// Plain RTP over a port pair of its own.
  case rtp
  /// The same with SRTP by keys in SDP (SDES): fresh keys come with `opened`.
  case srtp
  /// DTLS-SRTP over ICE, by the one port that all browsers share.
  case web
}

/// What call control asks of the media threads. Commands for one id are carried out in order.
public enum MediaCommand: Sendable, Equatable {
  /// Take a port, or a place on the browsers' port; `MediaEvent.opened` or `.failed` follows. Nothing is sent before
  /// `setRemote`.
  case open(MediaID, MediaTransport)
  /// Where to send, and how; again after each re-offer.
  case setRemote(MediaID, RemoteMedia)
  /// Forward audio both ways between two ports; replaces what either played or joined before.
  case join(MediaID, MediaID)
  /// Send this to the far end until the next `join`, `play` or `stop`.
  case play(MediaID, MediaSource)
  /// Send nothing.
  case stop(MediaID)
  /// New local ICE credentials for the transport of a browser; `MediaEvent.restarted` brings them. Its keys stay, and
  /// packets flow on the old path until the browser has checked a new one.
  case restartICE(MediaID)
  /// The end of it; a browser is told by DTLS.
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

/// The far end of a port as its SDP names it.
public struct RemoteMedia: Sendable, Equatable {
  /// Nil while the far end holds with an unspecified address, and for browsers, whose address ICE finds.
  public var endpoint: Endpoint?
  /// Where it wants RTCP (RFC 3605); nil where its SDP does not say: the port after that of RTP.
  public var controlPort: UInt16?
  public var codec: AudioCodec
  /// Payload type of the codec on packets to and from the far end.
  public var payloadType: UInt8
  public var incomingPayloadType: UInt8
  /// Payload type of telephone-event (RFC 4733) on packets to the far end; nil if it was not negotiated.
  public var telephoneEvent: UInt8?
  /// The same on packets from the far end: an answer may number it differently from our offer.
  public var incomingTelephoneEvent: UInt8?
  /// Hz of telephone-event.
  public var telephoneEventRate: Int
  /// Whether we send to it, and whether we take what it sends.
  public var sends: Bool
  public var receives: Bool
  public var security = NegotiatedSecurity.none
  public init(endpoint: Endpoint?, codec: AudioCodec, telephoneEvent: UInt8?, sends: Bool = true, receives: Bool = true)
  {
    self.endpoint = endpoint; self.codec = codec
    payloadType = codec.payloadType; incomingPayloadType = codec.payloadType
    self.telephoneEvent = telephoneEvent; incomingTelephoneEvent = telephoneEvent
    telephoneEventRate = codec.clockRate
    self.sends = sends; self.receives = receives
  }

  /// What an offer and its answer agreed on.
  public init(_ media: NegotiatedMedia) {
    self.init(
      endpoint: media.remote.flatMap { Endpoint(address: $0.address, port: $0.port) },
      codec: media.codec, telephoneEvent: media.telephoneEvent?.outgoing,
      sends: media.direction.sends, receives: media.direction.receives)
    payloadType = media.payloadType.outgoing
    incomingPayloadType = media.payloadType.incoming
    incomingTelephoneEvent = media.telephoneEvent?.incoming
    telephoneEventRate = media.telephoneEventRate
    controlPort = media.remote?.rtcpPort
    security = media.security
  }
}

/// What the media threads have made ready, for our side of the SDP. Secrets come from the system's random source at
/// the edge.
public struct OpenedMedia: Sendable, Equatable {
  /// The RTP port to put into SDP; the browsers' common port for `.web`.
  public var port: UInt16
  /// Our keys for `.srtp`, one for each suite, preferred first.
  public var sdes: [SDESKey]
  /// Our side of the transport for `.web`.
  public var web: WebTransport?
  public init(port: UInt16, sdes: [SDESKey] = [], web: WebTransport? = nil) {
    self.port = port; self.sdes = sdes; self.web = web
  }
}

public enum MediaEvent: Sendable, Equatable {
  case opened(MediaID, OpenedMedia)
  /// No port is free, or the socket failed.
  case failed(MediaID)
  /// The far end's real address was learned and locked.
  case learned(MediaID, Endpoint)
  /// A telephone-event digit: 0-9, 10 `*`, 11 `#`, 12-15 A-D.
  case digit(MediaID, UInt8)
  /// A browser's DTLS is done and its keys are in place, or it is heard again after `lost`: audio can flow.
  case connected(MediaID)
  /// The answer to `MediaCommand.restartICE`.
  case restarted(MediaID, ICECredentials)
  /// Nothing was received for 30 s although the far end should send; of a browser: no consent for 30 s, or it has closed
  /// DTLS.
  case lost(MediaID)
  /// About every 5 s while packets flow.
  case quality(MediaID, Quality)
}
