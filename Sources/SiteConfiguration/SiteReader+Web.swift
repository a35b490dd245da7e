import CallControl
import Digest
import Foundation
import SIP

// What pages may use an entry, and who vouches for their visitors.

extension SiteReader {
  /// Scheme, host, and a port that is not the scheme's own: what a browser sends, or `*.` for its first labels.
  mutating func checkOrigin(_ item: Item) {
    let text = item.text ?? ""
    let example = "such as `https://shop.acme.example` or `https://*.acme.example`"
    guard let scheme = ["https://", "http://"].first(where: { text.hasPrefix($0) }) else {
      report(item.place, "an origin is scheme and host, \(example), not \(item.noun)")
      return
    }
    let rest = text.dropFirst(scheme.count)
    let host = rest.hasPrefix("*.") ? rest.dropFirst(2) : rest
    guard let uri = try? URI(parsing: "sip:" + host), uri.user == nil, uri.parameters.isEmpty, uri.headers == nil,
      Form.host.accepts(String(host)), !host.hasSuffix(".")
    else {
      report(item.place, "an origin is scheme and host, \(example), not \(item.noun)")
      return
    }
    if uri.port == (scheme == "https://" ? 443 : 80) {
      let short = text.prefix(text.count - ":\(uri.port ?? 0)".count)
      report(item.place, "browsers leave out the port that is the scheme's own: write `\(short)`")
    }
  }

  mutating func readVisitors(_ item: Item) -> Site.VisitorIdentity {
    var visitors = Site.VisitorIdentity()
    visitors.policy = item["policy"]?.text.flatMap(Site.VisitorIdentity.Policy.init) ?? .optional
    for pair in item["keys"]?.pairs ?? [] {
      if let key = readKey(pair) { visitors.keys.append(key) }
    }
    if visitors.policy != .none, item["keys"]?.pairs.isEmpty ?? true {
      report(item.place, "`visitors` needs `keys` to check their tokens with")
    }
    return visitors
  }

  private mutating func readKey(_ pair: Item.Pair) -> Site.VisitorIdentity.Key? {
    guard let algorithm = pair.item["algorithm"]?.text.flatMap(Site.VisitorIdentity.Key.Algorithm.init),
      let item = pair.item["file"], let file = existing(item, "file")
    else { return nil }
    let bytes = FileManager.default.contents(atPath: file).map(Array.init) ?? []
    do throws(PEMError) {
      switch algorithm {
      case .hs256: _ = try VerificationKey.hs256(bytes)
      case .es256: _ = try VerificationKey.es256(bytes)
      case .rs256: _ = try VerificationKey.rs256(bytes)
      }
    } catch {
      report(item.place, "`file`: the file `\(file)` \(error)")
      return nil
    }
    return .init(id: pair.key, algorithm: algorithm, file: bytes)
  }
}
