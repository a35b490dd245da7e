public import Primitives

/// The far end of a leg as it was negotiated.
public struct FarEnd: Sendable, Equatable {
  /// Nil while the far end holds with an unspecified address.
  public var address: NetworkAddress?
  /// Where its SDP wants RTCP (RFC 3605); the port after that of RTP if it does not say.
  public var controlPort: UInt16?
  public var codec: Codec
  public var payloadType: UInt8
  public var incomingPayloadType: UInt8
  public var telephoneEvent: UInt8?
  public var incomingTelephoneEvent: UInt8?
  /// Hz of telephone-event, mostly that of the codec.
  public var telephoneEventRate: UInt32
  /// Whether we send to it, and whether we take what it sends.
  public var sends: Bool
  public var receives: Bool

  public init(
    address: NetworkAddress?, codec: Codec, payloadType: UInt8, incomingPayloadType: UInt8,
    telephoneEvent: UInt8?, incomingTelephoneEvent: UInt8?, sends: Bool, receives: Bool
  ) {
    self.address = address; self.codec = codec
    self.payloadType = payloadType; self.incomingPayloadType = incomingPayloadType
    self.telephoneEvent = telephoneEvent; self.incomingTelephoneEvent = incomingTelephoneEvent
    telephoneEventRate = codec.clockRate
    self.sends = sends; self.receives = receives
  }
}

/// One RTP port of a call as a value: whom it trusts, what it makes of a packet, and the stream that it sends.
///
/// Symmetric RTP, learned once and locked: the SDP address is trusted; a first packet from elsewhere within two seconds
/// of the SDP (a far end behind NAT) takes its place; from then on nothing from another source is heard, nor can it turn
/// our stream towards itself.
public struct MediaLeg: Sendable {
  /// How long a first packet may move the far end's address.
  public static let learningTime: Int64 = .seconds(2)
  /// Silence after which the far end is reported as lost.
  public static let lossTime: Int64 = .seconds(30)

  /// What a received packet is to this leg.
  public enum Verdict: Sendable, Equatable {
    /// From a stranger, malformed, not wanted now, or of a payload type that was not negotiated.
    case ignored
    case audio(RTPHeader, Codec, payload: Range<Int>)
    /// A telephone-event packet among those of a codec, and the Hz that it counts in; `digit` on the first one of an
    /// event.
    case event(RTPHeader, Codec, clockRate: UInt32, digit: UInt8?, payload: Range<Int>)
  }

  // What each packet needs stands together.
  public private(set) var farEnd: FarEnd?
  private(set) var source = Source.unknown
  private var lastHeard: Instant?
  private var isReportedLost = false
  var outgoing: OutgoingStream
  public private(set) var reception = Reception()
  /// The address that the far end's SDP gave last; a hold without an address does not change it.
  private(set) var signalled: NetworkAddress?
  private var digits = DigitReceiver()
  /// Packets from sources that are not trusted.
  public private(set) var strangers: UInt64 = 0
  /// Where the far end's RTCP came from last.
  var controlSource: NetworkAddress?
  var reports = ReportExchange()

  enum Source: Sendable, Equatable {
    case unknown
    case learning(until: Instant)
    case locked(NetworkAddress)
  }

  public init(outgoing: OutgoingStream) { self.outgoing = outgoing }

  /// Where packets go now; nil while there is nowhere, or the far end wants none.
  public var destination: NetworkAddress? {
    guard let farEnd, farEnd.sends, farEnd.address != nil else { return nil }
    if case .locked(let address) = source { return address }
    return farEnd.address
  }

  /// Takes an SDP's outcome. A source that was learned stays while the SDP's address stays.
  public mutating func setFarEnd(_ new: FarEnd, at now: Instant) {
    if let address = new.address, address != signalled {
      signalled = address
      controlSource = nil
      source = .learning(until: now + Self.learningTime)
    }
    outgoing.clockRate = new.codec.clockRate
    if new.receives, farEnd?.receives != true { lastHeard = now; isReportedLost = false }
    farEnd = new
  }

  /// Judges a packet. `learned` is set when its source has just been locked in place of the SDP's address.
  public mutating func receive(
    _ packet: UnsafeRawBufferPointer, from sender: NetworkAddress, at now: Instant, learned: inout Bool
  ) -> Verdict {
    guard let farEnd, let (header, payload) = RTPHeader.parse(packet) else { return .ignored }
    guard trusts(sender, at: now, learned: &learned) else {
      strangers += 1
      return .ignored
    }
    reception.count(header)
    lastHeard = now
    isReportedLost = false
    if header.payloadType == farEnd.incomingTelephoneEvent {
      guard let event = TelephoneEvent(UnsafeRawBufferPointer(rebasing: packet[payload])) else { return .ignored }
      return .event(
        header, farEnd.codec, clockRate: farEnd.telephoneEventRate, digit: digits.receive(event, header),
        payload: payload)
    }
    guard farEnd.receives, let codec = codec(of: header.payloadType, farEnd) else { return .ignored }
    reception.measure(header, clockRate: codec.clockRate, at: now)
    return .audio(header, codec, payload: payload)
  }

  /// The far end has been silent for too long although it should send; said once until it is heard again.
  public mutating func isLost(at now: Instant) -> Bool {
    guard let farEnd, farEnd.receives, farEnd.address != nil, let lastHeard, !isReportedLost,
      now - lastHeard >= Self.lossTime
    else { return false }
    isReportedLost = true
    return true
  }

  /// Whether a received packet has to be decoded, and encoded anew, before this leg's far end can have it.
  public func mustTranscode(_ codec: Codec) -> Bool { farEnd.map { !$0.codec.isAkin(to: codec) } ?? false }

  /// Makes a packet that another leg received fit this one, in place: our header right before the payload, our payload
  /// type, our law, our clock. Returns the bytes to send; nil if there is nothing to send, or it must be transcoded.
  public mutating func forward(
    _ verdict: Verdict, in packet: UnsafeMutableRawBufferPointer, at now: Instant
  ) -> Range<Int>? {
    guard let farEnd, destination != nil else { return nil }
    let header: RTPHeader
    let range: Range<Int>
    switch verdict {
    case .ignored: return nil
    case .audio(let received, let codec, let payload):
      guard codec.isAkin(to: farEnd.codec),
        let ours = outgoing.relayed(received, payloadType: farEnd.payloadType, at: now)
      else { return nil }
      if case .g711(let law) = codec, case .g711(let wanted) = farEnd.codec {
        law.transcode(UnsafeMutableRawBufferPointer(rebasing: packet[payload]), to: wanted)
      }
      (header, range) = (ours, payload)
    case .event(let received, let codec, let clockRate, _, let payload):
      // Events of another clock than the audio's would be taken for a jump of it: those that come are understood, but
      // none are sent.
      guard let payloadType = farEnd.telephoneEvent, farEnd.telephoneEventRate == farEnd.codec.clockRate else {
        return nil
      }
      TelephoneEvent.rescale(
        UnsafeMutableRawBufferPointer(rebasing: packet[payload]), from: clockRate, to: farEnd.codec.clockRate)
      if codec.isAkin(to: farEnd.codec), clockRate == farEnd.codec.clockRate {
        guard let ours = outgoing.relayed(received, payloadType: payloadType, at: now) else { return nil }
        header = ours
      } else {
        header = outgoing.interleaved(received, payloadType: payloadType, at: now)
      }
      range = payload
    }
    outgoing.count(payload: range.count)
    let start = range.lowerBound - RTPHeader.size
    header.write(to: UnsafeMutableRawBufferPointer(rebasing: packet[start..<range.lowerBound]))
    return start..<range.upperBound
  }

  /// The header of the next packet of our own making, with 20 ms of sound in so many octets of the far end's codec; nil
  /// if there is nothing to send.
  public mutating func nextGenerated(
    octets: Int = Recording.frameSize, at now: Instant
  ) -> (header: RTPHeader, codec: Codec)? {
    guard let farEnd, destination != nil else { return nil }
    outgoing.count(payload: octets)
    return (outgoing.generated(payloadType: farEnd.payloadType, at: now), farEnd.codec)
  }

  private mutating func trusts(_ sender: NetworkAddress, at now: Instant, learned: inout Bool) -> Bool {
    switch source {
    case .unknown:
      return false
    case .locked(let address):
      return sender == address
    case .learning(let deadline):
      if sender == signalled {
        source = .locked(sender)
        return true
      }
      guard now < deadline else { return false }
      source = .locked(sender)
      learned = true
      return true
    }
  }

  /// A far end may use the other law of G.711 at any time under its static number, when both were offered.
  private func codec(of payloadType: UInt8, _ farEnd: FarEnd) -> Codec? {
    if payloadType == farEnd.incomingPayloadType { return farEnd.codec }
    guard farEnd.codec != .opus else { return nil }
    switch payloadType {
    case 0: return .g711(.mu)
    case 8: return .g711(.a)
    default: return nil
    }
  }
}
