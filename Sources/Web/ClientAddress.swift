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

  /// Who really asks: behind trusted proxies the last address in `X-Forwarded-For` that is not one of theirs.
  static func client(peer: Endpoint, forwardedFor: [String], trusting proxies: [AddressRange]) -> Endpoint {
    var client = peer
    let hops = forwardedFor.flatMap { $0.split(separator: ",") }
    for hop in hops.reversed() where proxies.contains(where: { $0.contains(client) }) {
      guard let address = Endpoint(forwarded: hop.drop { $0 == " " }.prefix { $0 != " " }) else { break }
      client = address
    }
    return client
  }

  /// What shares a limit: an IPv4 address, or the /64 that one IPv6 customer has.
  var limitKey: Endpoint { high == 0 ? self : Endpoint(high: high, low: 0, port: 0) }
}
