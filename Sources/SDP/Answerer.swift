extension Negotiation {
  /// Answers an offer: one line for each of its lines, the first audio line that fits taken, all others refused.
  ///
  /// The codec is the far end's first one that we allow; a re-offer keeps the codec in use where it can. A refusal
  /// changes nothing: the session goes on as agreed before (RFC 3264 section 8).
  public mutating func answer(
    _ offer: SessionDescription, with local: LocalMedia
  ) throws(NegotiationError) -> (bytes: [UInt8], media: NegotiatedMedia) {
    let (place, media) = try choose(from: offer, local)
    var description = emptyDescription(local)
    description.timing = offer.timing
    description.media = offer.media.map(Self.refused)
    description.media[place] = Self.audio(
      local, codecs: [(media.codec, media.payloadType.incoming)], telephoneEvent: media.telephoneEvent?.incoming,
      direction: media.direction, transport: offer.media[place].transport)
    audioLine = place
    pendingOffer = nil
    agreed = media
    return (seal(description), media)
  }

  /// What an answer to this offer would agree on.
  public func outcome(of offer: SessionDescription, with local: LocalMedia) throws(NegotiationError) -> NegotiatedMedia
  {
    try choose(from: offer, local).media
  }

  /// The first line that can be taken; else the fault of the line that came nearest.
  private func choose(
    from offer: SessionDescription, _ local: LocalMedia
  ) throws(NegotiationError) -> (place: Int, media: NegotiatedMedia) {
    var fault = NegotiationError.noAudio
    for (place, line) in offer.media.enumerated() where line.kind == "audio" && line.port != 0 {
      do throws(NegotiationError) {
        return (place, try accept(line, in: offer, local))
      } catch {
        if fault == .noAudio { fault = error }
      }
    }
    throw fault
  }

  private func accept(
    _ line: MediaDescription, in offer: SessionDescription, _ local: LocalMedia
  ) throws(NegotiationError) -> NegotiatedMedia {
    guard line.isPlainRTP else { throw .transport }
    let far = try RemoteAudio(line, in: offer)
    let offered = line.codecs
    let common = offered.compactMap { codec in
      AudioCodec(codec).flatMap { local.codecs.contains($0) ? (codec: $0, payloadType: codec.payloadType) : nil }
    }
    guard let chosen = common.first(where: { $0.codec == agreed?.codec }) ?? common.first else {
      throw .noCommonCodec
    }
    // Offerer and answerer use the offer's numbers both ways (RFC 3264 section 6.1).
    func bothWays(_ payloadType: UInt8) -> NegotiatedMedia.PayloadType {
      NegotiatedMedia.PayloadType(outgoing: payloadType, incoming: payloadType)
    }
    let events = offered.first { $0.isNamed("telephone-event") && $0.clockRate == chosen.codec.clockRate }
    return NegotiatedMedia(
      remote: far.remote, codec: chosen.codec, payloadType: bothWays(chosen.payloadType),
      telephoneEvent: local.telephoneEvents ? events.map { bothWays($0.payloadType) } : nil,
      direction: far.direction.reversed.limited(to: local.direction), isHeldByRemote: !far.direction.receives,
      packetTime: far.packetTime)
  }
}
