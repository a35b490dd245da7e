import SIP

/// The entries by the Request-URIs that name them: the user at one of our own hosts, or a number.
struct Entries: Sendable {
  private struct Named: Sendable {
    var uri: URI
    var entry: Site.Entry
  }
  private let entries: [Named]
  private let hosts: [String]
  /// We listen on all addresses of the host: each of them may be ours.
  private let takesAddresses: Bool

  init(site: Site) {
    entries = site.entries.compactMap { entry in
      (try? URI(parsing: entry.name)).map { Named(uri: $0, entry: entry) }
    }
    let sip = site.listen.sip
    hosts = [site.domain.lowercased(), sip.address, sip.advertisedAddress]
    takesAddresses = ["0.0.0.0", "::"].contains(sip.address)
  }

  func named(by uri: URI) -> Site.Entry? {
    for named in entries where isMeant(named.uri, by: uri) { return named.entry }
    return nil
  }

  private func isMeant(_ entry: URI, by uri: URI) -> Bool {
    switch entry.scheme {
    // The number of a tel URI is its user part; over SIP a number is asked for at one of our hosts.
    case "tel": uri.user == entry.user && (uri.scheme == "tel" || isOurs(uri.host))
    case "sip", "sips":
      uri.scheme != "tel" && uri.user == entry.user && (uri.host == entry.host || isOurs(uri.host))
    default: false
    }
  }

  private func isOurs(_ host: String) -> Bool {
    hosts.contains(host) || takesAddresses && Endpoint(address: host, port: 0) != nil
  }
}
