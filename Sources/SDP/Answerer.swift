extension Negotiation {
  /// Answers an offer: one line for each of its lines, the first audio line that fits taken, all others refused.
  ///
  /// The codec is the far end's first one that we allow; a re-offer keeps the codec in use where it can. A refusal
  /// changes nothing: the session goes on as agreed before (RFC 3264 section 8).
  /// - Parameter outcome: what `outcome(of:with:)` said of this very offer and our side; nil where it was judged before
  ///   our side was known, as without our keys.
  public mutating func answer(
    _ offer: SessionDescription, with local: LocalMedia, judged outcome: Outcome? = nil
  ) throws(NegotiationError) -> (bytes: [UInt8], media: NegotiatedMedia) {
    let outcome = if let outcome { outcome } else { try self.outcome(of: offer, with: local) }
    let (place, media) = (outcome.line, outcome.media)
    let offered = offer.media[place]
    var description = emptyDescription(local)
    description.timing = offer.timing
    description.media = offer.media.map(Self.refused)
    var formats = [Self.format(media.codec, media.payloadType.incoming)]
    if let event = media.telephoneEvent {
      formats.append(Self.telephoneEvent(event.incoming, clockRate: media.telephoneEventRate))
    }
    description.media[place] = Self.audio(
      local, formats: formats, direction: media.direction, transport: offered.transport)
    switch (local.security, media.security) {
    case (.web(let transport), .web(_, _, let weAreClient)):
      description.attributes = transport.sessionAttributes
      for (mid, line) in zip(offer.media.map { $0.attributes.first("mid") }, description.media.indices) {
        if let mid { description.media[line].attributes.append(Attribute("mid", mid)) }
      }
      if let mid = offered.attributes.first("mid"), offer.bundle(of: mid) != nil {
        description.attributes.append(Attribute("group", "BUNDLE " + mid))
      }
      description.media[place].attributes += transport.answer(
        to: offered, weSend: media.direction.sends, weAreClient: weAreClient)
    case (_, .sdes(let outgoing, let incoming)):
      let tag = offered.attributes.cryptos.first { $0.key == incoming }?.tag ?? "1"
      description.media[place].attributes.append(Attribute("crypto", Crypto(tag: tag, key: outgoing).text))
    default: break
    }
    audioLine = place
    pendingOffer = nil
    agreed = media
    return (seal(description), media)
  }

  /// What an answer to this offer would agree on: the line of the call's audio if it still can be taken, else the first
  /// that can; else the fault of the first one.
  public func outcome(of offer: SessionDescription, with local: LocalMedia) throws(NegotiationError) -> Outcome {
    var fault = NegotiationError.noAudio
    let kept = agreed != nil && audioLine < offer.media.count ? [audioLine] : []
    for place in kept + Array(offer.media.indices) {
      let line = offer.media[place]
      guard line.kind == "audio", line.port != 0 else { continue }
      do throws(NegotiationError) {
        return Outcome(line: place, media: try accept(line, in: offer, local))
      } catch {
        if fault == .noAudio { fault = error }
      }
    }
    throw fault
  }

  private func accept(
    _ line: MediaDescription, in offer: SessionDescription, _ local: LocalMedia
  ) throws(NegotiationError) -> NegotiatedMedia {
    let security = try security(of: line, in: offer, local.security)
    let far = try RemoteAudio(line, in: offer, isWeb: local.security.isWeb)
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
    let events = local.telephoneEvents ? offered.telephoneEvent(beside: chosen.codec) : nil
    return NegotiatedMedia(
      remote: far.remote, codec: chosen.codec, payloadType: bothWays(chosen.payloadType),
      telephoneEvent: events.map { bothWays($0.payloadType) },
      telephoneEventRate: events?.clockRate ?? chosen.codec.clockRate,
      direction: far.direction.reversed.limited(to: local.direction), isHeldByRemote: !far.direction.receives,
      packetTime: far.packetTime, security: security)
  }

  /// What protects one of the far end's lines, judged by the kind of transport that we take.
  private func security(
    of line: MediaDescription, in offer: SessionDescription, _ local: LocalSecurity
  ) throws(NegotiationError) -> NegotiatedSecurity {
    switch local {
    case .none:
      guard line.isPlainRTP else { throw .transport }
      return .none
    case .sdes(let ours):
      guard line.isSecureRTP else { throw .transport }
      // The first in the offer's order that is valid and that we speak (RFC 4568 section 5.1.2).
      for theirs in line.attributes.cryptos {
        if let our = ours.first(where: { $0.suite == theirs.key.suite }) {
          return .sdes(outgoing: our, incoming: theirs.key)
        }
      }
      throw .keys
    case .web:
      let far = try RemoteWeb(line, in: offer)
      var weAreClient = far.setup == .passive
      // A running association keeps its roles; only another certificate begins a new one (RFC 8842 section 5.1).
      if far.setup == .actpass, case .web(_, far.fingerprints, let asBefore) = agreed?.security {
        weAreClient = asBefore
      }
      return .web(remote: far.ice, fingerprints: far.fingerprints, weAreClient: weAreClient)
    }
  }
}
