extension Negotiation {
  /// Makes an offer, the first one of a dialog or a later one that keeps lines and payload types as they were.
  ///
  /// - Precondition: `local.security` is not `.web`: with a browser, it is always the browser that offers.
  public mutating func offer(_ local: LocalMedia) -> [UInt8] {
    var description = emptyDescription(local)
    func audio(_ transport: String) -> MediaDescription {
      Self.audio(local, formats: formats(local), direction: local.direction, transport: transport)
    }
    if let sent {
      description.timing = sent.timing
      description.media = sent.media.map(Self.refused)
      description.media[audioLine] = audio(description.media[audioLine].transport)
    } else {
      description.media = [audio(local.security == .none ? "RTP/AVP" : "RTP/SAVP")]
      if local.offersPlain { description.media.append(audio("RTP/AVP")) }
    }
    switch local.security {
    case .none: break
    case .sdes(let keys):
      for (place, key) in keys.enumerated() {
        let crypto = Crypto(tag: String(place + 1), key: key)
        description.media[audioLine].attributes.append(Attribute("crypto", crypto.text))
      }
    case .web: preconditionFailure("a browser offers, and is answered")
    }
    pendingOffer = local
    return seal(description)
  }

  /// Reads the answer to our offer. An error leaves the session as it was agreed before.
  public mutating func receive(answer: SessionDescription) throws(NegotiationError) -> NegotiatedMedia {
    guard let local = pendingOffer, let sent else { throw .unexpectedAnswer }
    // Where we left the choice, the first line that was taken counts.
    let isChoice = local.offersPlain && agreed == nil
    let place = isChoice ? answer.media.firstIndex { $0.port != 0 } ?? audioLine : audioLine
    guard sent.media.indices.contains(place), answer.media.indices.contains(place) else { throw .unexpectedAnswer }
    pendingOffer = nil
    let line = answer.media[place]
    guard line.kind == "audio" else { throw .unexpectedAnswer }
    guard line.port != 0 else { throw .noAudio }
    let security = try security(of: line, isChoice && place > 0 ? .none : local.security)
    let far = try RemoteAudio(line, in: answer, isWeb: false)
    let offered = sent.media[place].codecs
    let answered = line.codecs
    guard
      let chosen = answered.first(where: { AudioCodec($0).map(local.codecs.contains) ?? false }),
      let codec = AudioCodec(chosen), let ours = offered.first(where: { AudioCodec($0) == codec })
    else { throw .noCommonCodec }
    let theirEvents = answered.telephoneEvent(beside: codec)
    let ourEvents = offered.first { $0.isNamed("telephone-event") && $0.clockRate == theirEvents?.clockRate }
    var media = NegotiatedMedia(
      remote: far.remote, codec: codec,
      payloadType: .init(outgoing: chosen.payloadType, incoming: ours.payloadType), telephoneEvent: nil,
      telephoneEventRate: theirEvents?.clockRate ?? codec.clockRate,
      direction: far.direction.reversed.limited(to: local.direction), isHeldByRemote: !far.direction.receives,
      packetTime: far.packetTime, security: security)
    if let theirEvents, let ourEvents {
      media.telephoneEvent = .init(outgoing: theirEvents.payloadType, incoming: ourEvents.payloadType)
    }
    audioLine = place
    agreed = media
    return media
  }

  /// Our offer was refused, or failed: the session goes on as agreed before.
  public mutating func withdrawOffer() { pendingOffer = nil }

  /// What protects the line that answers ours: the answer names one of our keys by its tag (RFC 4568 section 5.1.3).
  private func security(
    of line: MediaDescription, _ local: LocalSecurity
  ) throws(NegotiationError) -> NegotiatedSecurity {
    guard case .sdes(let ours) = local else {
      guard line.isPlainRTP else { throw .transport }
      return .none
    }
    guard line.isSecureRTP else { throw .transport }
    let answered = line.attributes.filter { $0.name == "crypto" }
    guard answered.count == 1, let theirs = answered.cryptos.first, let tag = Int(theirs.tag),
      ours.indices.contains(tag - 1), ours[tag - 1].suite == theirs.key.suite
    else { throw .keys }
    return .sdes(outgoing: ours[tag - 1], incoming: theirs.key)
  }

  /// The codecs and the telephone-event of each clock rate, under their payload types. What was agreed on keeps its
  /// number for the whole session (RFC 3264 section 8.3.2); a codec whose static number it has taken is left out, and
  /// one with a dynamic number gets the next free one.
  private func formats(_ local: LocalMedia) -> [Format] {
    var taken = agreed.map { [$0.payloadType.incoming] } ?? []
    if let event = agreed?.telephoneEvent?.incoming { taken.append(event) }
    func take(_ wanted: UInt8) -> UInt8? {
      let free = taken.contains(wanted) ? (wanted < 96 ? nil : (96...127).first { !taken.contains($0) }) : wanted
      if let free { taken.append(free) }
      return free
    }
    var formats: [Format] = []
    for codec in local.codecs {
      let kept = agreed.flatMap { $0.codec == codec ? $0.payloadType.incoming : nil }
      if let payloadType = kept ?? take(codec.payloadType) { formats.append(Self.format(codec, payloadType)) }
    }
    guard local.telephoneEvents else { return formats }
    for (clockRate, wanted) in [(48_000, UInt8(110)), (8_000, 101)] {
      guard local.codecs.contains(where: { $0.clockRate == clockRate }) else { continue }
      let kept = agreed?.telephoneEventRate == clockRate ? agreed?.telephoneEvent?.incoming : nil
      if let payloadType = kept ?? take(wanted) {
        formats.append(Self.telephoneEvent(payloadType, clockRate: clockRate))
      }
    }
    return formats
  }
}
