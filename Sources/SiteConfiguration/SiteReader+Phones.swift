import ACD
import CallControl
import SDP
import SIP

// Agents' phones.

extension SiteReader {
  mutating func readPhone(_ item: Item, at index: Int) {
    let phone = item["phone"]
    let password = item["password_file"]
    guard let phone, let text = phone.text, text.contains(":") else {
      switch phone?.text {
      case nil, "none":
        site.agents[index].phone = .none
        // Who has no phone takes chats only.
        site.definitions.agents[index].voiceCapacity = 0
      case "demo": site.agents[index].phone = .demo
      case "browser":
        site.agents[index].phone = .browser
        if let answer = item["phone_answer"], answer.text == "phone" {
          report(
            answer.place, "a browser phone never answers by itself: calls are accepted in the console or on its page")
        }
      case let other?:
        let hint = suggestion(for: other, among: ["demo", "none", "browser"])
        phone.map {
          report($0.place, "`phone` must be `sip:user@host`, `browser`, `demo` or `none`, not `\(other)`\(hint)")
        }
      }
      if let password {
        report(password.place, "`password_file` is for a phone that registers: `phone: sip:user@host`")
      }
      return
    }
    if text.hasPrefix("tel:") {
      report(phone.place, "`phone: tel:…` is not built yet; take a SIP phone, `browser`, `demo` or `none`")
      return
    }
    guard let uri = try? URI(parsing: text), uri.isSIP else {
      report(phone.place, "`\(text)` is no SIP address such as `sip:2001@\(site.domain)`")
      return
    }
    needTLS(for: uri, text, at: phone.place)
    // Until it is known whether it registers: whatever its password lacks, it is a SIP phone.
    site.agents[index].phone = .address(uri)
    guard let password else {
      if uri.host == site.domain, uri.port == nil {
        report(phone.place, "`\(text)` registers here, so it needs a `password_file`")
      } else if Endpoint(address: uri.host, port: 5060) == nil {
        report(phone.place, "`\(text)` must have an IP address as its host: names are not looked up")
      }
      return
    }
    guard let user = uri.user else {
      report(phone.place, "`\(text)` has no user to register as")
      return
    }
    let isTaken = site.agents.contains { if case .registers(uri, _) = $0.phone { true } else { false } }
    if isTaken { report(phone.place, "another agent has the phone `\(text)` already") }
    // Without its secrets a site only tells what was: who registered where.
    guard let secret = folder == nil ? "" : secret(password, "password_file") else { return }
    let digest = item["digest"]?.list.compactMap(\.text) ?? []
    let known: [(name: String, algorithm: DigestAlgorithm)] = [("sha-256", .sha256), ("md5", .md5)]
    let algorithms = known.filter { digest.contains($0.name) }.map(\.algorithm)
    site.agents[index].phone = .registers(
      uri, Site.Credentials(user: user, password: secret, algorithms: algorithms.isEmpty ? [.sha256] : algorithms))
  }

  mutating func readCodecs(_ item: Item, at index: Int) {
    guard let codecs = item["codecs"] else { return }
    switch site.agents[index].phone {
    case .registers, .address: break
    case .none, .demo, .browser: report(codecs.place, "`codecs` are for a SIP phone; the others know best themselves")
    }
    let names = codecs.list.compactMap(\.text)
    let known = names.compactMap { name in AudioCodec.allCases.first { $0.rawValue.lowercased() == name } }
    if !known.isEmpty { site.agents[index].codecs = known }
  }

  mutating func readSRTP(_ item: Item, at index: Int) {
    guard let srtp = item["srtp"], let policy = srtp.text.flatMap(Site.SRTPPolicy.init) else { return }
    site.agents[index].srtp = policy
    let isSecure: Bool
    switch site.agents[index].phone {
    case .registers(let uri, _): isSecure = uri.scheme == "sips"
    case .address(let uri): isSecure = uri.transport == .tls
    case .browser: return report(srtp.place, "`srtp` is for a SIP phone; a browser's sound is always encrypted")
    case .none, .demo: return report(srtp.place, "`srtp` is for a SIP phone")
    }
    guard policy == .required, !isSecure else { return }
    let address = item["phone"]?.text?.split(separator: ":", maxSplits: 1).last ?? "2001@\(site.domain)"
    report(srtp.place, Self.needsTLS("phone: \"sips:\(address)\""))
  }

  /// Why SRTP cannot be required here, and what would mend it.
  static func needsTLS(_ cure: String) -> String {
    "`srtp: required` has its keys travel with the call, so it needs TLS: `\(cure)`"
  }
}
