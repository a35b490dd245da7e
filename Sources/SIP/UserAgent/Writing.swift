import Primitives

/// Messages as bytes.
extension UserAgent {
  /// What a request may ask for here. REFER, NOTIFY and MESSAGE are handed to the layer above, which refuses them.
  static let allowed = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, REGISTER"

  /// What stands in Via and Contact towards the flows of a transport.
  struct Local: Sendable {
    var via: String
    var contact: String
    /// For a dialog that was asked for by a SIPS URI (RFC 5630 section 4).
    var secureContact: String

    init(_ transport: Flow.Transport, _ settings: Settings) {
      let (endpoint, name) =
        switch transport {
        case .udp: (settings.udp ?? settings.tcp, "udp")
        case .tcp: (settings.tcp ?? settings.udp, "tcp")
        case .tls: (settings.tls ?? settings.tcp ?? settings.udp, "tls")
        }
      let host = (endpoint ?? Endpoint(ipv4: 0x7f00_0001, port: 5060)).description
      via = "SIP/2.0/" + name.uppercased() + " " + host + ";rport;branch=" + ClientKey.magic
      contact = transport == .udp ? "<sip:" + host + ">" : "<sip:" + host + ";transport=" + name + ">"
      secureContact = "<sips:" + host + ">"
    }
  }

  private func local(_ flow: Flow) -> Local {
    switch flow.transport {
    case .udp: udp
    case .tcp: tcp
    case .tls: tls
    }
  }

  private func contact(over flow: Flow, isSecure: Bool) -> String {
    isSecure ? local(flow).secureContact : local(flow).contact
  }

  /// A request in a dialog, or the INVITE that makes it (section 12.2.1.1).
  func request(
    _ method: Method, in dialog: Dialog, sequence: UInt32, branch: UInt64, headers: [Header] = [], body: Body? = nil
  ) -> [UInt8] {
    let path = dialog.path
    var writer = MessageWriter()
    writer.request(method, path.target)
    writer.header(own: "Via", local(dialog.flow).via + branch.tag)
    writer.header(own: "Max-Forwards", "70")
    for route in path.routes { writer.header(own: "Route", route) }
    writer.header(own: "From", dialog.local)
    writer.header(own: "To", dialog.remote)
    writer.header(own: "Call-ID", dialog.callID)
    writer.cseq(sequence, method)
    if method == .invite || method == .update {
      writer.header(own: "Contact", contact(over: dialog.flow, isSecure: dialog.isSecure))
      writer.header(own: "Allow", Self.allowed)
    }
    writer.header(own: "User-Agent", settings.product)
    for header in headers { writer.header(header.name, header.value) }
    return writer.finish(contentType: body?.contentType, body: body?.bytes ?? [])
  }

  /// A response (section 8.2.6).
  func response(
    to request: Message, from flow: Flow, status: Int, reason: String? = nil, tag: String, headers: [Header] = [],
    contact hasContact: Bool = false, isSecure: Bool = false, body: Body? = nil
  ) -> [UInt8] {
    var writer = MessageWriter()
    writer.response(to: request, status: status, reason: reason, tag: tag, source: flow.remote)
    if hasContact { writer.header(own: "Contact", contact(over: flow, isSecure: isSecure)) }
    let isSuccess = status / 100 == 2 && (request.method == .invite || request.method == .options)
    if isSuccess || status == 405 || status == 501 { writer.header(own: "Allow", Self.allowed) }
    writer.header(own: "Server", settings.product)
    for header in headers { writer.header(header.name, header.value) }
    return writer.finish(contentType: body?.contentType, body: body?.bytes ?? [])
  }

  /// RFC 3261 section 18.2.2 and RFC 3581 section 4. `maddr` is not obeyed: it would make us a reflector.
  static func responseFlow(_ flow: Flow, via: Via) -> Flow {
    guard flow.transport == .udp, !via.wantsRport else { return flow }
    var flow = flow
    flow.remote.port = via.port ?? 5060
    return flow
  }

  /// Where the response to a request belongs that came on `flow`.
  public static func responseFlow(to message: Message, from flow: Flow) -> Flow {
    responseFlow(flow, via: message.topVia)
  }

  /// A response without a transaction, for the edge that refuses before the user agent sees the request
  /// (section 8.2.7). Copies of the request get the same bytes. Empty for what must not be answered: ACK, a response.
  /// - Parameter flow: the one that the request came on; the response goes to `responseFlow(to:from:)`.
  public static func statelessResponse(
    to message: Message, status: Int, reason: String? = nil, headers: [Header] = [], flow: Flow
  ) -> [UInt8] {
    guard case .request(let method) = message.kind, method != .ack else { return [] }
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in ((message.header("via") ?? "") + message.callID).utf8 {
      hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3
    }
    var writer = MessageWriter()
    writer.response(to: message, status: status, reason: reason, tag: hash.tag, source: flow.remote)
    if status == 405 || status == 501 { writer.header("Allow", allowed) }
    for header in headers { writer.header(header.name, header.value) }
    return writer.finish()
  }
}
