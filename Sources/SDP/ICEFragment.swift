/// A piece of a description that tells of ICE alone, `application/trickle-ice-sdpfrag` (RFC 8840 section 9), as the
/// body of a PATCH (RFC 9725 section 4.3). We are ICE-lite and learn addresses from the checks themselves, so of a
/// browser's fragment only new credentials matter; its candidates are not looked at.
public struct ICEFragment: Sendable, Equatable {
  public var attributes: [Attribute] = []
  public var media: [MediaDescription] = []

  init(attributes: [Attribute], media: [MediaDescription]) { self.attributes = attributes; self.media = media }

  /// What the fragment says of the line with this mid: there, or above all lines. A lone line needs no mid.
  func credentials(mid: String?) throws(NegotiationError) -> ICECredentials? {
    let own = media.first { $0.attributes.first("mid") == mid }
    let line = own ?? (media.count == 1 && media[0].attributes.first("mid") == nil ? media[0] : nil)
    let ufrag = line?.attributes.first("ice-ufrag") ?? attributes.first("ice-ufrag")
    let password = line?.attributes.first("ice-pwd") ?? attributes.first("ice-pwd")
    switch (ufrag, password) {
    case (nil, nil): return nil
    case (let ufrag?, let password?):
      guard let credentials = ICECredentials(checking: ufrag, password) else { throw .ice }
      return credentials
    default: throw .ice
    }
  }
}

extension Negotiation {
  /// The browser's new credentials, where the fragment restarts ICE; nil where it only brings candidates.
  ///
  /// - Throws: `ice` for malformed credentials, `transport` where no browser's transport was agreed on.
  public func restart(in fragment: ICEFragment) throws(NegotiationError) -> ICECredentials? {
    guard case .web(let known, _, _) = agreed?.security, let sent else { throw .transport }
    let credentials = try fragment.credentials(mid: sent.media[audioLine].attributes.first("mid"))
    return credentials == known ? nil : credentials
  }

  /// Takes the browser's new credentials, and answers with ours: the fragment for the 200 (RFC 9725 section 4.3.3).
  public mutating func answer(restart remote: ICECredentials, with transport: WebTransport) -> [UInt8] {
    guard var description = sent, case .web(_, let fingerprints, let weAreClient) = agreed?.security else { return [] }
    agreed?.security = .web(remote: remote, fingerprints: fingerprints, weAreClient: weAreClient)
    var line = description.media[audioLine]
    let mid = line.attributes.filter { $0.name == "mid" }
    let ours = transport.iceAttributes
    line.attributes.removeAll { attribute in
      attribute.name == "candidate" || ours.contains { $0.name == attribute.name }
    }
    line.attributes += ours
    description.media[audioLine] = line
    sent = description
    line.attributes = mid + ours
    let group = description.attributes.filter { $0.name == "group" }
    return ICEFragment(attributes: transport.sessionAttributes + group, media: [line]).bytes
  }
}
