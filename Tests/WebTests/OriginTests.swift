import ACD
import CallControl
import Primitives
import SIP
import Testing

@testable import Web

@Suite struct OriginTests {
  @Test(
    "An origin fits a rule by scheme, host and port; a star stands for labels in front, never for less or more",
    arguments: [
      ("https://shop.example", "https://shop.example", true), ("https://shop.example", "https://SHOP.example", true),
      ("https://shop.example", "http://shop.example", false),
      ("https://shop.example", "https://shop.example:8443", false),
      ("https://shop.example:8443", "https://shop.example:8443", true),
      ("https://shop.example:8443", "https://shop.example", false),
      ("https://shop.example", "https://www.shop.example", false),
      ("https://*.shop.example", "https://www.shop.example", true),
      ("https://*.Shop.example", "https://a.b-1.shop.EXAMPLE", true),
      ("https://*.shop.example", "https://shop.example", false),
      ("https://*.shop.example", "https://.shop.example", false),
      ("https://*.shop.example", "https://evilshop.example", false),
      ("https://*.shop.example", "http://www.shop.example", false),
      ("https://*.shop.example", "https://www.shop.example:8443", false),
      ("https://*.shop.example:8443", "https://www.shop.example:8443", true),
      ("https://*.shop.example", "https://evil.example/.shop.example", false),
      ("https://*.shop.example", "https://evil.example#.shop.example", false),
      ("https://*.shop.example", "https://user@www.shop.example", false),
      ("https://*.shop.example", "https://a..shop.example", false), ("https://*.shop.example", "null", false),
      ("https://*.shop.example", "", false), ("https://*.shop.example", "https://www.shop.example.evil.example", false),
    ])
  func rules(rule: String, origin: String, fits: Bool) {
    var site = Site()
    let entry = Site.Entry(name: "web:shop", queue: QueueID(index: 0), channels: [.chat], origins: [rule])
    site.entries = [entry]
    #expect(Origins.allows(origin, entry: entry, authority: "desk.example") == fits)
    #expect(Origins.allowsReading(origin, site: site, authority: "desk.example") == fits)
  }

  @Test("The server's own pages may use every entry")
  func own() {
    let entry = Site.Entry(name: "web:shop", queue: QueueID(index: 0), channels: [.chat])
    #expect(Origins.allows("https://desk.example", entry: entry, authority: "desk.example"))
    #expect(Origins.allows("http://127.0.0.1:8080", entry: entry, authority: "127.0.0.1:8080"))
    #expect(!Origins.allows("http://127.0.0.1:8081", entry: entry, authority: "127.0.0.1:8080"))
    #expect(!Origins.allows("https://desk.example", entry: entry, authority: nil))
  }
}

@Suite struct ForwardedTests {
  private let proxies = [AddressRange(network: Endpoint(ipv4: 0x0a00_0000, port: 0), prefix: 104)]
  private let peer = Endpoint(ipv4: 0x0a00_0001, port: 0)

  private func client(_ listed: [String] = [], _ told: [String] = [], peer: Endpoint? = nil) -> String {
    Endpoint.client(peer: peer ?? self.peer, forwardedFor: listed, forwarded: told, trusting: proxies).address
  }

  @Test("Forwarded is read as RFC 7239 writes it: quotes, ports, IPv6, hidden and unknown hops, several fields")
  func forwarded() {
    #expect(client([], ["for=192.0.2.7"]) == "192.0.2.7")
    #expect(client([], ["For=192.0.2.7;proto=https;by=10.0.0.1"]) == "192.0.2.7")
    #expect(client([], ["proto=https; for=\"192.0.2.7:4711\""]) == "192.0.2.7")
    #expect(client([], ["for=\"[2001:db8::1]:4711\""]) == "2001:db8::1")
    #expect(client([], ["for=9.9.9.9, for=192.0.2.7", "for=10.0.0.2"]) == "192.0.2.7")
    #expect(client([], ["for=192.0.2.7;host=\"a,b;for=9.9.9.9\""]) == "192.0.2.7")
    #expect(client([], ["for=192.0.2.7;host=\"\\\",for=9.9.9.9\""]) == "192.0.2.7")
    for hop in ["for=unknown", "for=_hidden", "for=", "for", "", "by=10.0.0.1", "for=\"192.0.2.7", ";;,,"] {
      #expect(["10.0.0.1", "192.0.2.7"].contains(client([], ["for=9.9.9.9, " + hop])), "\(hop)")
      #expect(client([], ["for=9.9.9.9, " + hop]) != "9.9.9.9")
    }
  }

  @Test("Who is no proxy of ours may write what they like")
  func untrusted() {
    let stranger = Endpoint(ipv4: 0xc000_0209, port: 0)
    #expect(client(["9.9.9.9"], ["for=9.9.9.9"], peer: stranger) == "192.0.2.9")
    #expect(Endpoint.client(peer: peer, forwardedFor: ["9.9.9.9"], trusting: []) == peer)
  }

  @Test("A header that the proxy passed on unread does not make up an address")
  func contradiction() {
    #expect(client(["192.0.2.7"], ["for=192.0.2.7"]) == "192.0.2.7")
    #expect(client(["192.0.2.7"], ["for=9.9.9.9"]) == "10.0.0.1")
    #expect(client(["9.9.9.9"], ["for=192.0.2.7"]) == "10.0.0.1")
    #expect(client(["192.0.2.7, 10.0.0.3"], ["for=192.0.2.7"]) == "192.0.2.7")
  }

  @Test("Whatever stands in the headers, the outcome is an address that stands there, or the peer's")
  func fuzz() {
    var random = Entropy(seed: (5, 6, 7, 8))
    let pieces = [
      "for=", "192.0.2.7", "10.0.0.2", "[2001:db8::1]", "\"", "\\", ",", ";", " ", "=", ":", "by=", "_x", "::", "é",
      "%",
      "999.1.1.1", "[", "]",
    ]
    func text() -> String {
      (0..<Int(random.next() % 12)).map { _ in pieces[Int(random.next() % UInt64(pieces.count))] }.joined()
    }
    for _ in 0..<20_000 {
      let (listed, told) = ([text(), text()], [text()])
      let found = client(listed, told)
      #expect(["10.0.0.1", "10.0.0.2", "192.0.2.7", "2001:db8::1", "::"].contains(found), "\(listed) \(told)")
      #expect(client(listed, told, peer: Endpoint(ipv4: 0xc000_0209, port: 0)) == "192.0.2.9")
    }
  }
}
