/// What a browser's description says of the transport of one of its lines.
struct RemoteWeb {
  /// Who opens the association, from the view of the one who says it (RFC 4145 section 4).
  enum Setup: String { case active, passive, actpass }

  var ice: ICECredentials
  var fingerprints: [Fingerprint]
  var setup: Setup

  /// - Throws: what is missing, in this order: a transport that we speak, a fingerprint, ICE, `rtcp-mux`.
  init(_ line: MediaDescription, in session: SessionDescription) throws(NegotiationError) {
    guard line.isWebRTP else { throw .transport }
    // What stands at the line wins; then what the line says that carries its bundle (RFC 9143 section 7.1.3).
    let carrier = line.attributes.first("mid").flatMap { session.bundle(of: $0) }?.first
    let carrying = session.media.first { $0.attributes.first("mid") == carrier && carrier != nil && $0.port != 0 }
    let levels = [line.attributes, carrying?.attributes ?? [], session.attributes]
    func first(_ name: String) -> String? {
      for level in levels {
        if let value = level.first(name) { return value }
      }
      return nil
    }
    let stated = levels.first { $0.first("fingerprint") != nil } ?? []
    fingerprints = stated.compactMap { $0.name == "fingerprint" ? Fingerprint(parsing: $0.value ?? "") : nil }
    guard !fingerprints.isEmpty else { throw .fingerprint }
    // Two lite agents would wait for each other's checks.
    guard let ufrag = first("ice-ufrag"), let password = first("ice-pwd"), session.attributes.first("ice-lite") == nil,
      let ice = ICECredentials(checking: ufrag, password)
    else { throw .ice }
    self.ice = ice
    guard line.attributes.first("rtcp-mux") != nil || line.attributes.first("rtcp-mux-only") != nil else {
      throw .multiplexing
    }
    // An offer that says nothing is active (RFC 4145 section 4); `holdconn` asks for no association.
    guard let setup = first("setup").map(Setup.init) ?? .active else { throw .transport }
    self.setup = setup
  }
}

extension SessionDescription {
  /// Whether it offers audio over DTLS-SRTP, whose keys come by a handshake that a fingerprint vouches for (RFC 5763).
  public var offersDTLS: Bool {
    media.contains { line in
      line.kind == "audio" && line.port != 0
        && (line.attributes.first("fingerprint") ?? attributes.first("fingerprint")) != nil
    }
  }

  /// The mids of the BUNDLE group (RFC 9143) that this one is in, as written.
  func bundle(of mid: String) -> [String]? {
    for attribute in attributes where attribute.name == "group" {
      let words = (attribute.value ?? "").split(separator: " ").map(String.init)
      if words.first == "BUNDLE", words.dropFirst().contains(mid) { return Array(words.dropFirst()) }
    }
    return nil
  }
}

extension LocalSecurity {
  var isWeb: Bool { if case .web = self { true } else { false } }
}

extension WebTransport {
  /// What an answer or a fragment says once for all its lines.
  var sessionAttributes: [Attribute] { [Attribute("ice-lite"), Attribute("ice-options", "trickle ice2")] }

  /// What our answer to a browser's line says of the transport, besides `mid`.
  func answer(to offered: MediaDescription, weSend: Bool, weAreClient: Bool) -> [Attribute] {
    var attributes: [Attribute] = []
    attributes.reserveCapacity(candidates.count + 8)
    // The page finds our audio in a stream of this name.
    if weSend { attributes.append(Attribute("msid", "switchboard audio")) }
    attributes.append(Attribute("rtcp-mux"))
    if offered.attributes.first("rtcp-rsize") != nil { attributes.append(Attribute("rtcp-rsize")) }
    attributes.append(Attribute("fingerprint", fingerprint.text))
    attributes.append(Attribute("setup", weAreClient ? "active" : "passive"))
    return attributes + iceAttributes
  }

  /// Credentials and candidates (RFC 8839 sections 5.1 and 5.4), complete at once.
  var iceAttributes: [Attribute] {
    var attributes = [Attribute("ice-ufrag", ice.ufrag), Attribute("ice-pwd", ice.password)]
    for (place, candidate) in candidates.enumerated() {
      // Of host candidates for component 1, the first preferred most (RFC 8445 section 5.1.2.1).
      let priority = 126 << 24 + (65_535 - min(place, 65_535)) << 8 + 255
      let text = "\(place + 1) 1 udp \(priority) \(candidate.address) \(candidate.port) typ host"
      attributes.append(Attribute("candidate", text))
    }
    attributes.append(Attribute("end-of-candidates"))
    return attributes
  }
}
