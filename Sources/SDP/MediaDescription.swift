/// An `m=` line and what belongs to it (RFC 8866 section 5.14).
public struct MediaDescription: Sendable, Equatable {
  /// `audio`, `video`, `application`, `message`, `image`…
  public var kind: String
  /// 0: the line is refused or switched off.
  public var port: UInt16
  /// Ports in a row; 1 but for layered multicast.
  public var portCount = 1
  /// `RTP/AVP`, `UDP/TLS/RTP/SAVPF`, `UDP/BFCP`…
  public var transport: String
  public var formats: [String]
  public var connection: Connection?
  public var otherLines: [Line] = []
  public var attributes: [Attribute] = []

  public init(kind: String, port: UInt16, transport: String, formats: [String], attributes: [Attribute] = []) {
    self.kind = kind; self.port = port; self.transport = transport; self.formats = formats
    self.attributes = attributes
  }

  /// The codecs in the order of preference, payload types without a known encoding left out. Where a payload type is
  /// mapped twice, the first mapping holds.
  public var codecs: [Codec] {
    var mapped: [Codec] = []
    mapped.reserveCapacity(formats.count)
    for attribute in attributes where attribute.name == "rtpmap" {
      if let codec = Codec(rtpmap: attribute.value ?? "") { mapped.append(codec) }
    }
    var codecs: [Codec] = []
    codecs.reserveCapacity(formats.count)
    for format in formats {
      guard let payloadType = UInt8(decimal: format.utf8), payloadType < 128,
        var codec = mapped.first(where: { $0.payloadType == payloadType }) ?? Codec(staticPayloadType: payloadType)
      else { continue }
      codec.parameters = parameters(of: format)
      codecs.append(codec)
    }
    return codecs
  }

  /// What the first `a=fmtp` of a format says.
  private func parameters(of format: String) -> String? {
    for attribute in attributes where attribute.name == "fmtp" {
      guard let value = attribute.value, let space = value.utf8.firstIndex(of: UInt8(ascii: " ")),
        value[..<space] == format
      else { continue }
      return String(value[value.utf8.index(after: space)...])
    }
    return nil
  }

  /// Plain RTP, with or without feedback messages (RFC 3551, 4585).
  public var isPlainRTP: Bool { transport == "RTP/AVP" || transport == "RTP/AVPF" }

  /// SRTP whose keys stand in the description, or in a browser's old spelling also DTLS-SRTP (RFC 3711, 5124).
  public var isSecureRTP: Bool { transport == "RTP/SAVP" || transport == "RTP/SAVPF" }

  /// RTP over DTLS-SRTP in all spellings that a browser may use and must be answered in (RFC 8829 section 5.1.2); that
  /// it is DTLS-SRTP, `a=fingerprint` says.
  var isWebRTP: Bool {
    switch transport {
    case "UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP", "TCP/DTLS/RTP/SAVPF", "TCP/DTLS/RTP/SAVP": true
    default: isSecureRTP || isPlainRTP
    }
  }

  /// Where RTCP goes (RFC 3605, RFC 5761): `a=rtcp`, or the next port.
  public var rtcpPort: UInt16 {
    if let value = attributes.first("rtcp"), let field = value.utf8.split(separator: UInt8(ascii: " ")).first,
      let port = UInt16(decimal: field)
    {
      return port
    }
    return port &+ 1
  }
}
