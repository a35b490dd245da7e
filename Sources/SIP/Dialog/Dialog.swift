import Primitives

/// The state that two user agents share (RFC 3261 section 12), seen from here. It makes requests and learns from
/// messages; header values stay the text they came as.
struct Dialog: Sendable, Equatable {
  var callID: String
  /// We made the Call-ID: decides who waits how long after a glare (section 14.1).
  var ownsCallID: Bool
  var localTag: UInt64
  /// Nil until a response brings one; empty for a peer of RFC 2543 without tags.
  var remoteTag: String?
  /// From of our requests, with our tag.
  var local: String
  /// To of our requests, with the far end's tag once it is known.
  var remote: String
  var localSequence: UInt32
  var remoteSequence: UInt32?
  /// The remote target: the Request-URI of requests in the dialog.
  var target: URI
  /// Route values, the next hop first.
  var routes: [String] = []
  /// The first route is a strict router of RFC 2543.
  var isStrict = false
  /// A SIPS URI asked for it: our Contact is one too, and nothing of it travels without TLS (RFC 5630 section 4).
  var isSecure = false
  var flow: Flow
}

extension Dialog {
  /// The dialog that our INVITE will make (section 12.1.2).
  init(calling target: URI, from: Address, to: Address, callID: String, tag: UInt64, sequence: UInt32, flow: Flow) {
    self.callID = callID
    ownsCallID = true
    localTag = tag
    local = from.text(tag: tag.tag)
    remote = to.text(tag: nil)
    localSequence = sequence
    self.target = target
    isSecure = target.scheme == "sips"
    self.flow = flow
  }

  /// The dialog that an INVITE of the far end will make (section 12.1.1). Nil without a usable Contact.
  init?(answering request: Message, via: Via, tag: UInt64, sequence: UInt32, flow: Flow) {
    guard let contact = request.contactURI else { return nil }
    callID = request.callID
    ownsCallID = false
    localTag = tag
    remoteTag = request.text(request.fromTag)
    local = (request.header("to") ?? "") + ";tag=" + tag.tag
    remote = request.header("from") ?? ""
    localSequence = sequence
    remoteSequence = request.cseq
    target = contact
    self.flow = flow
    setRoutes(request.headers("record-route"))
    isSecure = request.asksForSecurity || (routes.first.flatMap(Self.uri) ?? contact).scheme == "sips"
    self.flow = Self.hop(to: contact, via: via, isDirect: Self.isDirect(request), routes: routes, flow: flow)
  }

  /// Section 12.1.2: what a 2xx to our INVITE says about the far end.
  mutating func establish(by response: Message) {
    remoteTag = response.text(response.toTag)
    remote = response.header("to") ?? remote
    setRoutes(response.headers("record-route").reversed())
    guard let contact = response.contactURI, mayTarget(contact) else { return }
    // A literal address is followed where the INVITE went straight to its own literal target, so that nothing
    // speaks for a translator or an outbound proxy in between.
    if routes.isEmpty, flow.transport == .udp, let now = contact.endpoint,
      target.endpoint == flow.remote
    {
      flow.remote = now
    }
    target = contact
  }

  /// A target refresh: INVITE, UPDATE or a 2xx to them (section 12.2). Routes never change.
  mutating func refreshTarget(by message: Message) {
    if let contact = message.contactURI, mayTarget(contact) { target = contact }
  }

  /// A SIPS URI must not be sent to without TLS.
  private func mayTarget(_ uri: URI) -> Bool { uri.scheme != "sips" || flow.transport == .tls }

  /// A request in the dialog came on this flow: a new connection, or a translator's new port, takes over where the
  /// far end listens where it sends from.
  mutating func follow(_ request: Message, via: Via, from flow: Flow) {
    if flow.transport != .udp || (via.wantsRport && Self.isDirect(request)) { self.flow = flow }
  }

  /// Its stream is gone: the next request opens one to where the far end listens, if that is an address.
  mutating func reconnect() {
    guard flow.transport != .udp else { return }
    flow.connection = 0
    flow.remote = (routes.first.flatMap(Self.uri) ?? target).endpoint ?? flow.remote
  }

  /// The request took one hop.
  private static func isDirect(_ request: Message) -> Bool { request.hasOneVia }

  private mutating func setRoutes(_ values: [String]) {
    routes = values
    isStrict = values.first.flatMap(Self.uri).map { $0.parameter("lr") == nil } ?? false
  }

  /// Request-URI and Route values of a request (section 12.2.1.1).
  var path: (target: URI, routes: [String]) {
    guard isStrict, let first = routes.first, let router = Self.uri(first) else { return (target, routes) }
    return (router, routes.dropFirst() + ["<" + target.description + ">"])
  }

  private static func uri(_ route: String) -> URI? { (try? Address(parsing: route))?.uri }

  /// Where requests in the dialog go. Back on the flow if it is a stream, if its far end said that it listens where it
  /// sends from (RFC 3581) or sits behind a translator; else to the first route or the Contact (section 12.2.1.1).
  private static func hop(to contact: URI, via: Via, isDirect: Bool, routes: [String], flow: Flow) -> Flow {
    guard flow.transport == .udp else { return flow }
    if isDirect, via.wantsRport || Endpoint(address: via.host, port: flow.remote.port) != flow.remote {
      return flow
    }
    var hop = flow
    let next = routes.first.flatMap(uri) ?? contact
    hop.remote = next.endpoint ?? flow.remote
    return hop
  }
}

extension URI {
  /// The literal address in the URI; nil for a host name, which only a resolver knows.
  public var endpoint: Endpoint? { Endpoint(address: host, port: port ?? (transport == .tls ? 5061 : 5060)) }

  /// How a request to the URI travels when nothing but the URI says it (RFC 3263 section 4.1); a transport that is not
  /// ours counts as none.
  public var transport: Flow.Transport {
    switch parameter("transport").map({ ASCII.lowercased($0) }) {
    case _ where scheme == "sips", "tls": .tls
    case "tcp": .tcp
    default: .udp
    }
  }
}

extension Address {
  /// As From or To value, with this tag and without any other.
  func text(tag: String?) -> String {
    var address = self
    address.parameters.removeAll { $0.name == "tag" }
    if let tag { address.parameters.append(URI.Parameter(name: "tag", value: tag)) }
    return MessageWriter.text(address)
  }
}
