import ACD
import CallControl
import Foundation
import TestAuthority
import Testing

@testable import SiteConfiguration

@Suite struct VisitorTests {
  private func site(_ entry: String) -> String {
    """
    queues: { support: {} }
    agents: { amina: { phone: demo, queues: [support] } }
    entries:
      "web:shop": { queue: support, channels: [chat], \(entry) }

    """
  }

  private func findings(_ entry: String, _ files: [String: String] = [:]) throws -> [String] {
    try Folder(files.merging(["site.yaml": site(entry)]) { $1 }).findings()
  }

  @Test("Keys come from files, each with its algorithm; the policy is optional unless written")
  func keys() throws {
    let (curve, rsa) = (TestSigner(.p256), TestSigner(.rsa(bits: 2048)))
    let secret = String(repeating: "s", count: 32)
    let folder = try Folder([
      "site.yaml": site(
        """
        visitors: { keys: { k1: { algorithm: ES256, file: k/1.pem }, "2026-01": { algorithm: RS256, file: k/2.pem },
          k3: { algorithm: HS256, file: k/3 } } }
        """), "k/1.pem": String(decoding: curve.file, as: UTF8.self),
      "k/2.pem": String(decoding: rsa.file, as: UTF8.self), "k/3": secret + "\n",
    ])
    #expect(folder.findings() == [])
    let read = try SiteFolder(reading: folder.path)
    let visitors = try #require(read.site.entries.first?.visitors)
    #expect(visitors.policy == .optional)
    #expect(visitors.keys.map(\.id) == ["k1", "2026-01", "k3"])
    #expect(visitors.keys.map(\.algorithm) == [.es256, .rs256, .hs256])
    #expect(visitors.keys[0].file == curve.file)
    #expect(!String(decoding: read.sources, as: UTF8.self).contains(secret))
    let stored = try SiteFolder(stored: read.sources, names: .init())
    #expect(stored.site.entries.first?.visitors.keys == [])
    for policy in Site.VisitorIdentity.Policy.allCases {
      let folder = try Folder([
        "site.yaml": site("visitors: { policy: \(policy), keys: { k: { algorithm: HS256, file: k } } }"), "k": secret,
      ])
      #expect(try SiteFolder.load(folder.path).entries.first?.visitors.policy == policy)
    }
  }

  @Test("What cannot be checked with is refused where it stands, with the reason")
  func mistakes() throws {
    let (curve, small) = (TestSigner(.p256), TestSigner(.rsa(bits: 1024)))
    let issued = TestAuthority().issue()
    let files = [
      "curve": String(decoding: curve.file, as: UTF8.self), "small": String(decoding: small.file, as: UTF8.self),
      "short": "secret", "private": issued.key,
    ]
    func key(_ algorithm: String, _ file: String) throws -> [String] {
      try findings("visitors: { keys: { k: { algorithm: \(algorithm), file: \(file) } } }", files)
    }
    #expect(try key("ES256", "curve") == [])
    #expect(
      try key("HS256", "short") == [
        "site.yaml:4:100: `file`: the file `short` holds a secret of fewer than 32 bytes, which could be guessed"
      ])
    #expect(
      try key("RS256", "small") == [
        "site.yaml:4:100: `file`: the file `small` holds an RSA key of 1024 bits; RS256 needs 2048 or more"
      ])
    #expect(
      try key("RS256", "curve") == ["site.yaml:4:100: `file`: the file `curve` holds no RSA key, as RS256 needs"])
    #expect(try key("ES256", "private").first?.contains("holds a private key") == true)
    #expect(try key("ES256", "nowhere") == ["site.yaml:4:100: `file`: the file `nowhere` cannot be read"])
    #expect(try key("none", "curve").first?.contains("must be one of `HS256`, `ES256`, `RS256`") == true)
    #expect(
      try findings("visitors: { policy: required }") == [
        "site.yaml:4:61: `visitors` needs `keys` to check their tokens with"
      ])
    #expect(try findings("visitors: { policy: none }") == [])
    #expect(try findings("visitors: { polcy: none }").contains { $0.contains("did you mean `policy`?") })
    let sip = try Folder([
      "site.yaml": site("").replacing("\"web:shop\"", with: "\"sip:shop@localhost\"").replacing(
        "[chat], ", with: "[voice], visitors: { policy: none } ")
    ])
    #expect(sip.findings().contains { $0.contains("`visitors` are for `web:` entries") })
  }

  @Test(
    "An origin is what a browser sends, or a star for its first labels",
    arguments: [
      ("https://shop.example", nil), ("http://localhost:3000", nil), ("https://*.shop.example", nil),
      ("https://*.shop.example:8443", nil), ("http://[::1]:8080", nil), ("https://xn--bcher-kva.example", nil),
      (
        "https://shop.example:443", "browsers leave out the port that is the scheme's own: write `https://shop.example`"
      ),
      ("http://shop.example:80", "browsers leave out the port that is the scheme's own: write `http://shop.example`"),
      ("https://shop.example/", "scheme and host"), ("https://shop.example/cart", "scheme and host"),
      ("shop.example", "scheme and host"), ("https://", "scheme and host"), ("https://*", "scheme and host"),
      ("https://*shop.example", "scheme and host"), ("https://a.*.example", "scheme and host"),
      ("https://a@shop.example", "scheme and host"), ("https://shop.example:x", "scheme and host"),
      ("ftp://shop.example", "scheme and host"), ("*", "scheme and host"), ("null", "scheme and host"),
    ])
  func origins(origin: String, finding: String?) throws {
    let found = try findings("origins: [\"\(origin)\"]")
    if let finding {
      #expect(found.count == 1 && found.first?.contains(finding) == true, "\(found)")
    } else {
      #expect(found == [])
    }
  }
}
