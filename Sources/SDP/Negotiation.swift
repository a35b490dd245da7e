/// What one side of a call brings to a negotiation.
public struct LocalMedia: Sendable, Equatable {
  /// A numeric address, IPv4 or IPv6, at which our RTP port is reached.
  public var address: String
  /// The RTP port; RTCP is the next one.
  public var port: UInt16
  /// The codecs allowed; an offer lists them in this order.
  public var codecs: [AudioCodec]
  public var telephoneEvents: Bool
  /// What we want; the outcome is also limited by what the far end wants.
  public var direction: Direction
  /// The one kind of transport that we take on this leg; an offer of another kind is refused, never weakened.
  public var security: LocalSecurity
  /// The first offer of a session names plain RTP too, in a line behind that of SRTP: the far end takes one of them.
  public var offersPlain = false

  public init(
    address: String, port: UInt16, codecs: [AudioCodec] = AudioCodec.g711, telephoneEvents: Bool = true,
    direction: Direction = .sendrecv, security: LocalSecurity = .none
  ) {
    self.address = address; self.port = port; self.codecs = codecs
    self.telephoneEvents = telephoneEvents; self.direction = direction; self.security = security
  }
}

/// The outcome of one offer and its answer, from our side.
public struct NegotiatedMedia: Sendable, Equatable {
  /// One payload type as each side numbers it; nearly always the same number.
  public struct PayloadType: Sendable, Equatable {
    /// On packets that we send.
    public var outgoing: UInt8
    /// On packets that we receive.
    public var incoming: UInt8
    public init(outgoing: UInt8, incoming: UInt8) { self.outgoing = outgoing; self.incoming = incoming }
  }
  /// Where a far end wants its RTP.
  public struct Remote: Sendable, Equatable {
    /// A numeric unicast address.
    public var address: String
    public var port: UInt16
    public var rtcpPort: UInt16
    public init(address: String, port: UInt16, rtcpPort: UInt16) {
      self.address = address; self.port = port; self.rtcpPort = rtcpPort
    }
  }

  /// nil while the far end holds with address 0.0.0.0 or `::`: nothing can be sent. Also nil for a browser, whose
  /// address its connectivity checks tell.
  public var remote: Remote?
  public var codec: AudioCodec
  public var payloadType: PayloadType
  /// nil: the far end takes no telephone-event.
  public var telephoneEvent: PayloadType?
  /// Hz of its timestamps and durations: those of the codec (RFC 4733 section 2.1), or 8000 beside Opus where the far
  /// end has no other, as Firefox.
  public var telephoneEventRate = 8_000
  /// Ours: `recvonly` and `inactive` mean that the far end holds us, or that we asked for it.
  public var direction: Direction
  /// The far end does not want to hear us now.
  public var isHeldByRemote: Bool
  /// Milliseconds per packet that the far end asked for; 20 if it said nothing.
  public var packetTime: Int
  public var security: NegotiatedSecurity
}

/// Why a description cannot be agreed on. Always a 488, with this warning (RFC 3261 section 20.43).
public enum NegotiationError: Error, Sendable, Equatable {
  case noAudio
  case noCommonCodec
  /// Only transports that we do not take on this leg: SRTP where plain RTP is meant, or the reverse.
  case transport
  /// The far end's address is a host name, multicast, or missing.
  case address
  /// The answer does not fit our offer, or there was none.
  case unexpectedAnswer
  /// `RTP/SAVP` without a key that we can take.
  case keys
  /// Keys that anybody on the way could have read: they are taken from signalling over TLS only (RFC 4568 section 8.1).
  case exposedKeys
  /// No certificate fingerprint with SHA-256 or stronger, so DTLS-SRTP is impossible. Keys in the description are not
  /// taken instead from a browser (RFC 8827 section 6.5).
  case fingerprint
  /// No ICE credentials, malformed ones, or a far end that does no connectivity checks of its own.
  case ice
  /// No `rtcp-mux`: there is no second port.
  case multiplexing
  /// Fresh ICE credentials or another certificate within a SIP dialog.
  case restart

  public var status: Int { 488 }
  public var warning: (code: Int, text: String) {
    switch self {
    case .noAudio: (304, "Media type not available")
    case .noCommonCodec: (305, "Incompatible media format")
    case .transport: (302, "Incompatible transport protocol")
    case .address: (301, "Incompatible network address formats")
    case .unexpectedAnswer: (399, "The answer does not fit the offer")
    case .keys: (399, "No acceptable a=crypto for SRTP")
    case .exposedKeys: (399, "SRTP by keys in SDP needs SIP over TLS")
    case .fingerprint: (399, "No a=fingerprint with SHA-256 for DTLS-SRTP")
    case .ice: (399, "No usable ICE credentials of a full ICE agent")
    case .multiplexing: (399, "No a=rtcp-mux")
    case .restart: (399, "ICE does not restart within a dialog")
    }
  }
}

/// Our side of the offers and answers of one dialog (RFC 3264): what an `o=` line and a payload type once said holds
/// until the dialog ends.
public struct Negotiation: Sendable {
  /// What an answer to an offer would agree on.
  public struct Outcome: Sendable {
    /// The place of the offer's line for the call's audio.
    public var line: Int
    public var media: NegotiatedMedia
  }

  /// - Parameter sessionID: unpredictable; the upper two bits are dropped, as some parsers read it signed.
  public init(sessionID: UInt64) { self.sessionID = sessionID >> 2 }

  let sessionID: UInt64
  /// Of the description last sent.
  var version: UInt64 = 0
  /// What we last sent, and what the next offer must keep in shape: as many lines in the same order.
  var sent: SessionDescription?
  /// The line of the call's audio.
  var audioLine = 0
  /// Our offer that waits for its answer.
  var pendingOffer: LocalMedia?
  /// The outcome in force.
  public internal(set) var agreed: NegotiatedMedia?

  /// Numbers the description (RFC 3264 section 8): the same version for the same text, the next one for another.
  mutating func seal(_ description: consuming SessionDescription) -> [UInt8] {
    if let sent {
      description.origin.version = sent.origin.version
      if description != sent {
        version += 1
        description.origin.version = "\(version)"
      }
    }
    let bytes = description.bytes
    sent = consume description
    return bytes
  }

  func emptyDescription(_ local: LocalMedia) -> SessionDescription {
    let connection = Connection(address: local.address)
    var description = SessionDescription(
      origin: Origin(sessionID: "\(sessionID)", version: "\(version)", connection: connection))
    description.connection = connection
    return description
  }

  /// A codec or telephone-event under its payload type.
  typealias Format = (payloadType: UInt8, encoding: String, parameters: String?)

  static func format(_ codec: AudioCodec, _ payloadType: UInt8) -> Format {
    (payloadType, codec.encoding, codec.parameters)
  }
  static func telephoneEvent(_ payloadType: UInt8, clockRate: Int) -> Format {
    (payloadType, clockRate == 8_000 ? "telephone-event/8000" : "telephone-event/\(clockRate)", "0-15")
  }

  /// The formats and attributes of our audio line, but for what protects it.
  static func audio(
    _ local: LocalMedia, formats: [Format], direction: Direction, transport: String
  ) -> MediaDescription {
    var line = MediaDescription(kind: "audio", port: local.port, transport: transport, formats: [])
    line.attributes.reserveCapacity(formats.count + 16)
    for (payloadType, encoding, parameters) in formats {
      let format = String(payloadType)
      line.formats.append(format)
      line.attributes.append(Attribute("rtpmap", format + " " + encoding))
      if let parameters { line.attributes.append(Attribute("fmtp", format + " " + parameters)) }
    }
    line.attributes.append(Attribute("ptime", "20"))
    line.attributes.append(Attribute(direction.rawValue))
    return line
  }

  /// A line refused (RFC 3264 section 6): its media, transport and formats, with port 0.
  static func refused(_ line: MediaDescription) -> MediaDescription {
    MediaDescription(
      kind: line.kind, port: 0, transport: line.transport, formats: line.formats.isEmpty ? ["0"] : line.formats)
  }
}

/// What a far end's description says about one of its audio lines, judged alone.
struct RemoteAudio {
  var remote: NegotiatedMedia.Remote?
  var direction: Direction
  var packetTime: Int

  /// - Throws: `address` where media could not be sent to. A browser's address is not looked at: it is a placeholder,
  ///   or one of several.
  init(_ line: MediaDescription, in session: SessionDescription, isWeb: Bool) throws(NegotiationError) {
    direction = line.attributes.direction ?? session.attributes.direction ?? .sendrecv
    packetTime = line.attributes.packetTime ?? session.attributes.packetTime ?? 20
    guard !isWeb else { return }
    guard let connection = line.connection ?? session.connection else { throw .address }
    switch connection.reach {
    case .unicast:
      remote = NegotiatedMedia.Remote(address: connection.address, port: line.port, rtcpPort: line.rtcpPort)
    case .unspecified:
      // The hold of RFC 2543: the far end still sends, and wants nothing.
      direction = direction.limited(to: .sendonly)
    case .group, .hostName:
      throw .address
    }
  }
}
