/// A voice codec that the media path carries.
public enum AudioCodec: String, Sendable, CaseIterable {
  case pcmu = "PCMU"
  case pcma = "PCMA"

  /// The static payload type of RFC 3551, used in our sdpOffers.
  public var payloadType: UInt8 { self == .pcmu ? 0 : 8 }
  /// Hz.
  public var clockRate: Int { 8_000 }

  init?(_ codec: Codec) {
    guard codec.clockRate == 8_000, codec.channels == 1 else { return nil }
    if codec.isNamed("PCMU") { self = .pcmu } else if codec.isNamed("PCMA") { self = .pcma } else { return nil }
  }
}

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

  public init(
    address: String, port: UInt16, codecs: [AudioCodec] = [.pcmu, .pcma], telephoneEvents: Bool = true,
    direction: Direction = .sendrecv
  ) {
    self.address = address; self.port = port; self.codecs = codecs
    self.telephoneEvents = telephoneEvents; self.direction = direction
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

  /// nil while the far end holds with address 0.0.0.0 or `::`: nothing can be sent.
  public var remote: Remote?
  public var codec: AudioCodec
  public var payloadType: PayloadType
  /// nil: the far end takes no telephone-event; its clock rate is that of the codec (RFC 4733 section 2.1).
  public var telephoneEvent: PayloadType?
  /// Ours: `recvonly` and `inactive` mean that the far end holds us, or that we asked for it.
  public var direction: Direction
  /// The far end does not want to hear us now.
  public var isHeldByRemote: Bool
  /// Milliseconds per packet that the far end asked for; 20 if it said nothing.
  public var packetTime: Int
}

/// Why a description cannot be agreed on. Always a 488, with this warning (RFC 3261 section 20.43).
public enum NegotiationError: Error, Sendable, Equatable {
  case noAudio
  case noCommonCodec
  /// Only transports that we do not speak, as SRTP without our keys.
  case transport
  /// The far end's address is a host name, multicast, or missing.
  case address
  /// The answer does not fit our offer, or there was none.
  case unexpectedAnswer

  public var status: Int { 488 }
  public var warning: (code: Int, text: String) {
    switch self {
    case .noAudio: (304, "Media type not available")
    case .noCommonCodec: (305, "Incompatible media format")
    case .transport: (302, "Incompatible transport protocol")
    case .address: (301, "Incompatible network address formats")
    case .unexpectedAnswer: (399, "The answer does not fit the offer")
    }
  }
}

/// Our side of the offers and answers of one dialog (RFC 3264): what an `o=` line and a payload type once said holds
/// until the dialog ends.
public struct Negotiation: Sendable {
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
  mutating func seal(_ description: SessionDescription) -> [UInt8] {
    var description = description
    if let sent {
      description.origin.version = sent.origin.version
      if description != sent {
        version += 1
        description.origin.version = "\(version)"
      }
    }
    sent = description
    return description.bytes
  }

  func emptyDescription(_ local: LocalMedia) -> SessionDescription {
    let connection = Connection(address: local.address)
    var description = SessionDescription(
      origin: Origin(sessionID: "\(sessionID)", version: "\(version)", connection: connection))
    description.connection = connection
    return description
  }

  /// The formats and attributes of our audio line.
  static func audio(
    _ local: LocalMedia, codecs: [(AudioCodec, UInt8)], telephoneEvent: UInt8?, direction: Direction, transport: String
  ) -> MediaDescription {
    var line = MediaDescription(kind: "audio", port: local.port, transport: transport, formats: [])
    line.attributes.reserveCapacity(codecs.count + 4)
    for (codec, payloadType) in codecs {
      let format = String(payloadType)
      line.formats.append(format)
      line.attributes.append(Attribute("rtpmap", format + (codec == .pcmu ? " PCMU/8000" : " PCMA/8000")))
    }
    if let telephoneEvent {
      let format = String(telephoneEvent)
      line.formats.append(format)
      line.attributes.append(Attribute("rtpmap", format + " telephone-event/8000"))
      line.attributes.append(Attribute("fmtp", format + " 0-15"))
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

  /// - Throws: `address` where media could not be sent to.
  init(_ line: MediaDescription, in session: SessionDescription) throws(NegotiationError) {
    guard let connection = line.connection ?? session.connection else { throw .address }
    direction = line.attributes.direction ?? session.attributes.direction ?? .sendrecv
    switch connection.reach {
    case .unicast:
      remote = NegotiatedMedia.Remote(address: connection.address, port: line.port, rtcpPort: line.rtcpPort)
    case .unspecified:
      // The hold of RFC 2543: the far end still sends, and wants nothing.
      remote = nil
      direction = direction.limited(to: .sendonly)
    case .group, .hostName:
      throw .address
    }
    packetTime = line.attributes.packetTime ?? session.attributes.packetTime ?? 20
  }
}
