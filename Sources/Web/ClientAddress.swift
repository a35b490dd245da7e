import CallControl
import SIP

/// Clients are known by their IP address: endpoints with port 0.
extension Endpoint {
  /// An address as proxies write it: IPv6 perhaps in brackets, perhaps with a port behind it.
  init?(forwarded text: some StringProtocol) {
    var address = text[...]
    if address.first == "[", let end = address.firstIndex(of: "]") {
      address = address[...end]
    } else if address.contains("."), let colon = address.lastIndex(of: ":"), colon == address.firstIndex(of: ":") {
      address = address[..<colon]
    }
    self.init(address: String(address), port: 0)
  }

  /// Who really asks: behind trusted proxies the last address in `X-Forwarded-For`, or in `Forwarded` (RFC 7239), that
  /// is not one of theirs. Whoever comes from elsewhere may write there what they like.
  ///
  /// A proxy writes one of the two, and passes on what a client wrote into the other: where they disagree, neither is
  /// believed, and the client shares the limits of the proxy.
  static func client(
    peer: Endpoint, forwardedFor: [String], forwarded: [String] = [], trusting proxies: [AddressRange]
  ) -> Endpoint {
    guard proxies.contains(where: { $0.contains(peer) }) else { return peer }
    let listed = forwardedFor.flatMap { $0.split(separator: ",") }
      .map { Endpoint(forwarded: $0.drop { $0 == " " }.prefix { $0 != " " }) }
    let told = forwarded.flatMap(hops)
    let clients = [listed, told].filter { !$0.isEmpty }.map { last(of: $0, behind: peer, trusting: proxies) }
    guard let client = clients.first, clients.allSatisfy({ $0 == client }) else { return peer }
    return client
  }

  /// Follows the hops from the last on, as long as a proxy of ours tells of the one before it.
  private static func last(of hops: [Endpoint?], behind peer: Endpoint, trusting proxies: [AddressRange]) -> Endpoint {
    var client = peer
    for hop in hops.reversed() where proxies.contains(where: { $0.contains(client) }) {
      guard let hop else { break }
      client = hop
    }
    return client
  }

  /// The `for` of each element of a `Forwarded` header (RFC 7239 section 4); nil for one that is missing, hidden or no
  /// address. A comma or semicolon in quotes is none.
  private static func hops(in header: String) -> [Endpoint?] {
    var hops: [Endpoint?] = []
    var hop: Endpoint?
    var (pair, isQuoted, isEscaped) = ([UInt8](), false, false)
    func take() {
      let parts = String(decoding: pair, as: UTF8.self).split(separator: "=", maxSplits: 1)
      if parts.count == 2, parts[0].lowercased() == "for" { hop = Endpoint(forwarded: parts[1]) }
      pair.removeAll()
    }
    for byte in header.utf8 {
      switch byte {
      case _ where isEscaped:
        isEscaped = false
        pair.append(byte)
      case UInt8(ascii: "\\") where isQuoted: isEscaped = true
      case UInt8(ascii: "\""): isQuoted.toggle()
      case _ where isQuoted: pair.append(byte)
      case UInt8(ascii: ";"): take()
      case UInt8(ascii: ","):
        take()
        hops.append(hop)
        hop = nil
      case UInt8(ascii: " "), UInt8(ascii: "\t"): break
      default: pair.append(byte)
      }
    }
    take()
    hops.append(hop)
    return hops
  }

  /// What shares a limit: an IPv4 address, or the /64 that one IPv6 customer has.
  var limitKey: Endpoint { high == 0 ? self : Endpoint(high: high, low: 0, port: 0) }
}
