extension Negotiation {
  /// Makes an offer, the first one of a dialog or a later one that keeps lines and payload types as they were.
  public mutating func offer(_ local: LocalMedia) -> [UInt8] {
    var description = emptyDescription(local)
    if let sent {
      description.timing = sent.timing
      description.media = sent.media.map(Self.refused)
    } else {
      description.media = [MediaDescription(kind: "audio", port: 0, transport: "RTP/AVP", formats: [])]
    }
    description.media[audioLine] = Self.audio(
      local, codecs: formats(local.codecs), telephoneEvent: local.telephoneEvents ? telephoneEvent : nil,
      direction: local.direction, transport: description.media[audioLine].transport)
    pendingOffer = local
    return seal(description)
  }

  /// Reads the answer to our offer. An error leaves the session as it was agreed before.
  public mutating func receive(answer: SessionDescription) throws(NegotiationError) -> NegotiatedMedia {
    guard let local = pendingOffer, let sent, answer.media.indices.contains(audioLine) else { throw .unexpectedAnswer }
    pendingOffer = nil
    let line = answer.media[audioLine]
    guard line.kind == "audio" else { throw .unexpectedAnswer }
    guard line.port != 0 else { throw .noAudio }
    guard line.isPlainRTP else { throw .transport }
    let far = try RemoteAudio(line, in: answer)
    let offered = sent.media[audioLine].codecs
    let answered = line.codecs
    guard
      let chosen = answered.first(where: { AudioCodec($0).map(local.codecs.contains) ?? false }),
      let codec = AudioCodec(chosen), let ours = offered.first(where: { AudioCodec($0) == codec })
    else { throw .noCommonCodec }
    let theirEvents = answered.first { $0.isNamed("telephone-event") && $0.clockRate == codec.clockRate }
    let ourEvents = offered.first { $0.isNamed("telephone-event") }
    var media = NegotiatedMedia(
      remote: far.remote, codec: codec,
      payloadType: .init(outgoing: chosen.payloadType, incoming: ours.payloadType), telephoneEvent: nil,
      direction: far.direction.reversed.limited(to: local.direction), isHeldByRemote: !far.direction.receives,
      packetTime: far.packetTime)
    if let theirEvents, let ourEvents {
      media.telephoneEvent = .init(outgoing: theirEvents.payloadType, incoming: ourEvents.payloadType)
    }
    agreed = media
    return media
  }

  /// Our offer was refused, or failed: the session goes on as agreed before.
  public mutating func withdrawOffer() { pendingOffer = nil }

  private var telephoneEvent: UInt8 { agreed?.telephoneEvent?.incoming ?? 101 }

  /// The codecs with their payload types. One that was agreed on keeps its meaning for the whole session (RFC 3264
  /// section 8.3.2), and a codec whose own number it has taken is left out.
  private func formats(_ codecs: [AudioCodec]) -> [(AudioCodec, UInt8)] {
    codecs.compactMap { codec in
      guard let agreed else { return (codec, codec.payloadType) }
      if agreed.codec == codec { return (codec, agreed.payloadType.incoming) }
      let isTaken = agreed.payloadType.incoming == codec.payloadType || telephoneEvent == codec.payloadType
      return isTaken ? nil : (codec, codec.payloadType)
    }
  }
}
