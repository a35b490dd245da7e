import CallControl
import Primitives
import SDP
import SIP

/// The media threads, on paper: which media are open, where they send, and what.
final class PaperMedia {
  struct Port {
    var opened: OpenedMedia
    var remote: RemoteMedia?
    var source: Source?
  }
  enum Source: Equatable { case music, echo, ringback, port(MediaID) }

  var ports = Index<MediaID, Port>()
  private(set) var openIDs: [MediaID] = []
  private var nextPort: UInt16 = 20_000
  private var transports: UInt8 = 0
  /// No port is free.
  var isFull = false
  private(set) var mistakes: [String] = []
  /// The common port of all browsers.
  static let webPort: UInt16 = 19_999

  func carryOut(_ command: MediaCommand) -> MediaEvent? {
    switch command {
    case .open(let id, let transport):
      guard !isFull else { return .failed(id) }
      if ports[id] != nil { mistakes.append("opened twice") }
      let opened = open(transport)
      ports[id] = Port(opened: opened)
      openIDs.append(id)
      return .opened(id, opened)
    case .setRemote(let id, let remote): change(id) { $0.remote = remote }
    case .join(let a, let b):
      change(a) { $0.source = .port(b) }
      change(b) { $0.source = .port(a) }
    case .play(let id, let source):
      change(id) {
        switch source {
        case .music: $0.source = .music
        case .echo: $0.source = .echo
        case .ringback: $0.source = .ringback
        }
      }
    case .stop(let id): change(id) { $0.source = nil }
    case .restartICE(let id):
      change(id) { $0.opened.web?.ice = newICE() }
      return ports[id]?.opened.web.map { .restarted(id, $0.ice) }
    case .close(let id):
      if ports[id] == nil, !isFull { mistakes.append("closed twice") }
      ports[id] = nil
      openIDs.removeAll { $0 == id }
    }
    return nil
  }

  private func open(_ transport: MediaTransport) -> OpenedMedia {
    guard transport == .web else {
      defer { nextPort = nextPort >= 29_998 ? 20_000 : nextPort + 2 }
      return OpenedMedia(port: nextPort, sdes: transport == .srtp ? Self.keys(UInt8(truncatingIfNeeded: nextPort)) : [])
    }
    let ice = newICE()
    return OpenedMedia(
      port: Self.webPort,
      web: WebTransport(
        ice: ice, fingerprint: Fingerprint(hash: "sha-256", digest: Array(repeating: transports, count: 32)),
        candidates: [.init(address: "127.0.0.1", port: Self.webPort)]))
  }

  /// Keys as a phone or a port draws them: one for each suite.
  static func keys(_ octet: UInt8) -> [SDESKey] {
    SRTPSuite.allCases.map { suite in
      SDESKey(suite: suite, key: Array(repeating: octet, count: suite.keyBytes + suite.saltBytes))
    }
  }

  private func newICE() -> ICECredentials {
    transports &+= 1
    return ICECredentials(ufrag: "ours\(transports)", password: "0123456789abcdefghijkl\(transports)")
  }

  private func change(_ id: MediaID, _ body: (inout Port) -> Void) {
    guard var port = ports[id] else { return mistakes.append("a command for a closed port") }
    body(&port)
    ports[id] = port
  }

  func closeAll() {
    ports.removeAll()
    openIDs.removeAll()
  }

  func web(of id: MediaID) -> WebTransport? { ports[id]?.opened.web }

  /// The medium of a browser that has this answer.
  func id(of web: WebTransport) -> MediaID? {
    openIDs.first { ports[$0]?.opened.web?.ice == web.ice && ports[$0]?.opened.web?.fingerprint == web.fingerprint }
  }

  enum Sound: Equatable {
    case silence, music, echo
    /// A phone by its RTP port, a browser by its ICE user fragment.
    case peer(UInt16)
    case browser(String)
  }

  /// What reaches this RTP port of a peer.
  func heard(at port: UInt16) -> Sound {
    openIDs.first { ports[$0]?.remote?.endpoint?.port == port }.map(heard) ?? .silence
  }

  /// What is sent to the far end of this medium.
  func heard(from id: MediaID) -> Sound {
    guard let it = ports[id], it.remote?.sends == true else { return .silence }
    switch it.source {
    case nil, .ringback: return .silence
    case .music: return .music
    case .echo: return .echo
    case .port(let other):
      guard let far = ports[other]?.remote, far.receives else { return .silence }
      if case .web(let ice, _, _) = far.security { return .browser(ice.ufrag) }
      return far.endpoint.map { .peer($0.port) } ?? .silence
    }
  }

  func codec(at port: UInt16) -> AudioCodec? { remote(at: port)?.codec }

  /// What protects what reaches this RTP port of a peer; nil where nothing was agreed on with it.
  func security(at port: UInt16) -> NegotiatedSecurity? { remote(at: port)?.security }

  private func remote(at port: UInt16) -> RemoteMedia? {
    openIDs.first { ports[$0]?.remote?.endpoint?.port == port }.flatMap { ports[$0]?.remote }
  }
}
