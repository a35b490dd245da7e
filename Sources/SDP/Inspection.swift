import Primitives

/// What `switchboard inspect sdp` prints about bytes.
public struct Inspection: Sendable {
  /// The description, or why and at which byte it is refused.
  public var json: String
  public var isAccepted: Bool
}

/// Describes bytes as one session description, with defaults made plain; or the refusal with its byte offset.
public func inspect(_ bytes: [UInt8], limits: Limits = Limits()) -> Inspection {
  do throws(SDPError) {
    let session = try SessionDescription(parsing: bytes, limits: limits)
    return Inspection(json: session.json.text, isAccepted: true)
  } catch {
    let refusal: [(name: String, value: JSON)] = [
      ("offset", .number(error.offset)), ("reason", .string(error.reason.rawValue)),
    ]
    return Inspection(json: JSON.object([("refused", .object(refusal))]).text, isAccepted: false)
  }
}

extension SessionDescription {
  var json: JSON {
    let lines = media.map { line in
      JSON.object([
        ("kind", .string(line.kind)), ("port", .number(Int(line.port))), ("transport", .string(line.transport)),
        ("formats", .array(line.formats.map { .string($0) })),
        ("connection", JSON((line.connection ?? connection)?.address)),
        ("direction", .string((line.attributes.direction ?? attributes.direction ?? .sendrecv).rawValue)),
        ("codecs", .array(line.codecs.map(Self.describe))), ("security", security(of: line)),
        ("attributes", .array(line.attributes.map(Self.describe))),
      ])
    }
    return JSON.object([
      (
        "origin",
        .object([
          ("username", .string(origin.username)), ("sessionID", .string(origin.sessionID)),
          ("version", .string(origin.version)), ("address", .string(origin.connection.address)),
        ])
      ),
      ("name", .string(name)), ("timing", .string(timing)),
      ("connection", JSON(connection?.address)),
      ("otherLines", .array(otherLines.map { .string("\($0.letter)=\($0.value)") })),
      ("attributes", .array(attributes.map(Self.describe))),
      ("media", .array(lines)),
    ])
  }

  /// What protects a line, as far as we could take it; null for plain RTP and for what is no RTP.
  private func security(of line: MediaDescription) -> JSON {
    let cryptos = line.attributes.cryptos.map { JSON.string($0.key.suite.rawValue) }
    if let far = try? RemoteWeb(line, in: self) {
      return .object([
        ("kind", .string("DTLS-SRTP")), ("iceUfrag", .string(far.ice.ufrag)), ("setup", .string(far.setup.rawValue)),
        ("fingerprints", .array(far.fingerprints.map { .string($0.text) })),
      ])
    }
    return line.isSecureRTP ? .object([("kind", .string("SDES")), ("suites", .array(cryptos))]) : .null
  }

  private static func describe(_ codec: Codec) -> JSON {
    .object([
      ("payloadType", .number(Int(codec.payloadType))), ("name", .string(codec.name)),
      ("clockRate", .number(codec.clockRate)), ("channels", .number(codec.channels)),
      ("parameters", JSON(codec.parameters)),
    ])
  }

  private static func describe(_ attribute: Attribute) -> JSON {
    .object([("name", .string(attribute.name)), ("value", JSON(attribute.value))])
  }
}
