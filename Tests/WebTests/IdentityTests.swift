import API
import CallControl
import Foundation
import NIOHTTP1
import Primitives
import SIP
import TestAuthority
import Testing

@testable import Web

/// What an entry believes of tokens; the clock of these tests stands still.
@Suite struct IdentityTests {
  private static let now = 1_800_000_000.0
  private static let signer = TestSigner(.p256)
  private static let other = TestSigner(secret: [UInt8](repeating: 9, count: 32))
  private static let keys: [Site.VisitorIdentity.Key] = [
    .init(id: "k1", algorithm: .es256, file: signer.file), .init(id: "k2", algorithm: .hs256, file: other.file),
  ]
  private static let header = #"{"alg":"ES256","kid":"k1","typ":"JWT"}"#

  private func visitor(
    _ token: String, keys: [Site.VisitorIdentity.Key] = keys, now: Double = now
  ) throws(VerifiedVisitor.Disbelief) -> VerifiedVisitor {
    try VerifiedVisitor(token, keys: keys, audiences: ["web:shop", "acme.example"], now: now)
  }

  /// Why a token is not believed; nil if it is.
  private func reason(
    _ payload: String, header: String = header, signer: TestSigner = signer, now: Double = now
  ) -> String? {
    do throws(VerifiedVisitor.Disbelief) {
      _ = try visitor(signer.token(header, payload), now: now)
      return nil
    } catch { return error.reason }
  }

  private static func payload(_ rest: String = "", aud: String = #""web:shop""#, exp: Int = Int(now) + 300) -> String {
    #"{"aud":\#(aud),"exp":\#(exp)\#(rest)}"#
  }

  @Test("Claims become attributes that nobody else can write, and the name is the token's")
  func claims() throws {
    let token = Self.signer.token(
      Self.header,
      Self.payload(
        #","sub":"u-7","name":"Jo \u00c5\ud83d\ude00 Lee","tier":3,"vip":true,"iss":"shop","jti":"1","iat":1800000000"#
          + #","groups":["a"],"address":{"city":"Ulm"},"empty":"","none":null,"rate":1.50e1,"bell":"a\u0007b""#))
    let visitor = try visitor(token)
    #expect(visitor.name == "Jo Å😀 Lee")
    #expect(
      visitor.attributes.map { "\($0.name)=\($0.value)" } == [
        "verified.sub=u-7", "verified.name=Jo Å😀 Lee", "verified.tier=3", "verified.vip=true", "verified.rate=1.50e1",
        "verified.bell=ab",
      ])
    #expect(try self.visitor(Self.signer.token(Self.header, Self.payload(#","sub":"u-7""#))).name == "u-7")
    #expect(try self.visitor(Self.signer.token(Self.header, Self.payload())).name == nil)
    let many = (0..<40).map { #","c\#($0)":"x""# }.joined() + #","long":"\#(String(repeating: "x", count: 257))""#
    let kept = try self.visitor(Self.signer.token(Self.header, Self.payload(many))).attributes
    #expect(kept.map(\.name) == (0..<16).map { "verified.c\($0)" })
  }

  @Test("The audience is the entry or the site, alone or among others")
  func audiences() {
    for aud in [#""web:shop""#, #""acme.example""#, #"["else.example","web:shop"]"#] {
      #expect(reason(Self.payload(aud: aud)) == nil)
    }
    for aud in [#""web:other""#, #"[]"#, "7", "null", #"["else.example"]"#, #"{"web:shop":1}"#] {
      #expect(reason(Self.payload(aud: aud)) == "The token's aud must be web:shop or acme.example")
    }
    #expect(reason(#"{"exp":1800000300}"#) == "The token's aud must be web:shop or acme.example")
  }

  @Test("Times are kept to, with a minute for the clocks, and an hour is the longest life")
  func times() {
    let now = Int(Self.now)
    #expect(reason(Self.payload(exp: now - 59)) == nil)
    #expect(reason(Self.payload(exp: now - 60)) == "The token has expired")
    #expect(reason(Self.payload(exp: now + 3_660)) == nil)
    #expect(reason(Self.payload(exp: now + 3_661))?.hasPrefix("The token is good for more than an hour") == true)
    #expect(reason(#"{"aud":"web:shop"}"#)?.hasPrefix("The token has no exp") == true)
    #expect(reason(Self.payload(#","nbf":\#(now + 60)"#)) == nil)
    #expect(reason(Self.payload(#","nbf":\#(now + 61)"#)) == "The token is not good yet")
    #expect(reason(Self.payload(#","iat":\#(now + 60)"#)) == nil)
    #expect(reason(Self.payload(#","iat":\#(now + 61)"#))?.hasPrefix("The token comes from the future") == true)
    #expect(reason(Self.payload(#","nbf":1799999999.5"#)) == nil)
    for time in [#""1800000300""#, "null", "[]", "1e999", "-1e999"] {
      #expect(reason(#"{"aud":"web:shop","exp":\#(time)}"#) == "The token's exp is no time in seconds")
      #expect(reason(Self.payload(#","nbf":\#(time)"#)) == "The token's nbf is no time in seconds")
      #expect(reason(Self.payload(#","iat":\#(time)"#)) == "The token's iat is no time in seconds")
    }
  }

  @Test("The key is chosen by its name and the algorithm by the key; none, and a public key as a secret, do nothing")
  func algorithms() {
    let good = Self.payload()
    let mismatch = "The token's alg is not the one of its key"
    #expect(reason(good, header: #"{"alg":"HS256","kid":"k2"}"#, signer: Self.other) == nil)
    for algorithm in ["none", "None", "HS256", "RS256", "ES384", "es256", ""] {
      #expect(reason(good, header: #"{"alg":"\#(algorithm)","kid":"k1"}"#) == mismatch)
      let forger = TestSigner(secret: Self.signer.file)
      #expect(reason(good, header: #"{"alg":"\#(algorithm)","kid":"k1"}"#, signer: forger) == mismatch)
    }
    #expect(
      reason(good, header: #"{"alg":"ES256","kid":"k1"}"#, signer: TestSigner(.p256))
        == "The token's signature is not that of the key")
    #expect(reason(good, header: #"{"alg":"ES256","kid":"k3"}"#) == "The token's kid is not known here")
    #expect(reason(good, header: #"{"alg":"ES256"}"#) == "The token names no key by kid")
    #expect(throws: Never.self) { try visitor(Self.signer.token(#"{"alg":"ES256"}"#, good), keys: [Self.keys[0]]) }
    let unsigned = Self.signer.token(#"{"alg":"none","kid":"k1"}"#, good).prefix { $0 != "." }
    #expect(throws: VerifiedVisitor.Disbelief("The token has no signature")) {
      try visitor(unsigned + "." + TestSigner.base64URL(Array(good.utf8)) + ".")
    }
  }

  @Test("Headers that say what is not understood here are refused")
  func headers() {
    let good = Self.payload()
    for (header, reason) in [
      (#"{"kid":"k1"}"#, "The token's header names no alg"),
      (#"{"alg":7,"kid":"k1"}"#, "The token's header names no alg"),
      (#"{"alg":"ES256","kid":"k1","crit":["exp"],"exp":1}"#, "The token's header has a crit that is not known here"),
      (#"{"alg":"ES256","kid":"k1","typ":"at+jwt"}"#, "The token's typ is not JWT"),
      (#"{"alg":"ES256","kid":1}"#, "The token's kid is no text"),
      (
        #"{"alg":"ES256","kid":"k1","alg":"none"}"#,
        "The token's header is no JSON object: the name stands twice at byte 26"
      ),
      (
        #"{"alg":"ES256","kid":"k1","\u0061lg":"none"}"#,
        "The token's header is no JSON object: the name stands twice at byte 26"
      ),
    ] { #expect(self.reason(good, header: header) == reason) }
    #expect(reason(#"{"aud":"web:shop","exp":1,"exp":1800000300}"#)?.contains("the name stands twice") == true)
  }

  @Test("A token in another form than the compact one is none")
  func forms() {
    let token = Self.signer.token(Self.header, Self.payload())
    for text in [
      "", ".", "..", "...", token + ".", "." + token, token + "=", token.replacing(".", with: " . "), token + "\n",
      String(token.dropLast()), String(repeating: "a", count: 4_097), token.replacing("e", with: "é"),
    ] { #expect(throws: VerifiedVisitor.Disbelief.self) { try visitor(text) } }
    // The last character holds four bits that mean nothing: in another form the token would be another one.
    let twin = SignedToken.decoded(Array("QQ".utf8)[...])
    #expect(twin == [0x41] && SignedToken.decoded(Array("QR".utf8)[...]) == nil)
    #expect(SignedToken.decoded(Array("A".utf8)[...]) == nil)
    #expect(SignedToken.decoded([]) == [])
  }

  @Test("The examples of RFC 7515 verify with their keys, and the unsigned one does not")
  func vectors() throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Vectors")
    let lines = try String(contentsOf: folder.appending(path: "rfc7515.tsv"), encoding: .utf8).split(separator: "\n")
    var count = 0
    for line in lines where !line.hasPrefix("#") {
      let fields = line.split(separator: "\t").map(String.init)
      let file = Array(try Data(contentsOf: folder.appending(path: fields[2])))
      let algorithm = try #require(Site.VisitorIdentity.Key.Algorithm(rawValue: fields[1]))
      let key = Site.VisitorIdentity.Key(id: fields[0], algorithm: algorithm, file: file)
      let result = Result { try visitor(fields[4], keys: [key], now: 1_300_819_000) }
      // They are not made for us: behind a good signature the missing audience is what is left to say.
      let reason =
        fields[3] == "good" ? "The token's aud must be web:shop or acme.example" : "The token has no signature"
      #expect(throws: VerifiedVisitor.Disbelief(reason), "\(fields[0])") { try result.get() }
      if fields[3] == "good" {
        let broken = fields[4].replacing(".eyJpc3", with: ".eyJpc2")
        #expect(throws: VerifiedVisitor.Disbelief.self) { try visitor(broken, keys: [key], now: 1_300_819_000) }
        #expect(throws: VerifiedVisitor.Disbelief("The token has expired")) { try visitor(fields[4], keys: [key]) }
      }
      count += 1
    }
    #expect(count == 4)
  }

  @Test("Bytes at random, and good tokens with bytes changed, are never believed and never crash")
  func fuzz() throws {
    var random = Entropy(seed: (1, 2, 3, 4))
    let payload = Self.payload(#","sub":"u-7","list":[1,{"a":"\u00e9"}],"f":1.5e3"#)
    let good = Array(Self.signer.token(Self.header, payload).utf8)
    for _ in 0..<3_000 {
      var bytes = good
      for _ in 0...random.next() % 3 {
        let place = Int(random.next() % UInt64(bytes.count))
        switch random.next() % 3 {
        case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next() % 128)
        case 1: bytes.remove(at: place)
        default: bytes.insert(Array("._-Aa0=\u{7f}".utf8)[Int(random.next() % 8)], at: place)
        }
      }
      guard bytes != good else { continue }
      #expect(throws: VerifiedVisitor.Disbelief.self) { try visitor(String(decoding: bytes, as: UTF8.self)) }
    }
    // Payloads with a good signature reach the reader of JSON.
    let text = Array(payload.utf8)
    for _ in 0..<20_000 {
      var bytes = text
      for _ in 0...random.next() % 4 {
        let place = Int(random.next() % UInt64(bytes.count))
        if random.next() % 2 == 0 {
          bytes[place] = UInt8(truncatingIfNeeded: random.next())
        } else {
          bytes.removeSubrange(place..<min(bytes.count, place + Int(random.next() % 9)))
        }
        if bytes.isEmpty { bytes = [0x7b] }
      }
      let read = try? JSONObject(parsing: bytes)
      if let read {
        // What we read, a reader without our strictness reads as well, with the same names.
        let json = try? JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any]
        #expect(json.map { Set($0.keys) } == Set(read.members.map(\.name)))
      }
    }
  }

  @Test(
    "JSON is read as RFC 8259 says, and no more",
    arguments: [
      ("{}", true), (" {\t}\r\n", true), (#"{"a":-0.5e-7}"#, true), (#"{"a":[[[]]],"b":{}}"#, true),
      (#"{"a":"\ud83d\ude00\/\b\f\n\r\t\"\\"}"#, true), ("", false), ("[]", false), ("{} x", false), ("{,}", false),
      (#"{"a":1,}"#, false), (#"{"a"}"#, false), (#"{a:1}"#, false), (#"{"a":01}"#, false), (#"{"a":+1}"#, false),
      (#"{"a":1.}"#, false), (#"{"a":.1}"#, false), (#"{"a":1e}"#, false), (#"{"a":NaN}"#, false),
      (#"{"a":tru}"#, false),
      (#"{"a":"\ud83d"}"#, false), (#"{"a":"\ude00\ud83d"}"#, false), (#"{"a":"\ud83d\u0041"}"#, false),
      (#"{"a":"\x"}"#, false), (#"{"a":"\u00g0"}"#, false), ("{\"a\":\"\n\"}", false), (#"{"a":"b}"#, false),
      (#"{"a":1,"a":2}"#, false), (#"{"b":{"a":1,"a":2}}"#, false),
      (#"{"a":"# + String(repeating: "[", count: 9) + String(repeating: "]", count: 9) + "}", false),
      (#"{"a":"# + String(repeating: "[", count: 7) + String(repeating: "]", count: 7) + "}", true),
    ])
  func json(text: String, isGood: Bool) {
    #expect(((try? JSONObject(parsing: Array(text.utf8))) != nil) == isGood)
    #expect((try? JSONObject(parsing: [0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])) == nil)
  }
}

/// Tokens at the door of the API.
@Suite struct VerifiedContactTests {
  private let signer = TestSigner(.rsa(bits: 2048))

  private func fake(_ policy: Site.VisitorIdentity.Policy) -> FakeSwitchboard {
    let key = Site.VisitorIdentity.Key(id: "k1", algorithm: .rs256, file: signer.file)
    return FakeSwitchboard { $0.entries[0].visitors = .init(policy: policy, keys: [key]) }
  }

  private func token(_ claims: String = #","sub":"u-7","name":"Jo Lee""#, aud: String = "web:shop") -> String {
    let end = Int(Date().timeIntervalSince1970) + 300
    return signer.token(#"{"alg":"RS256","kid":"k1"}"#, #"{"aud":"\#(aud)","exp":\#(end)\#(claims)}"#)
  }

  private func open(
    _ server: TestServer, _ token: String?, _ json: String = "{}", origin: String? = "https://shop.example"
  ) async throws -> TestServer.Reply {
    try await server.send(
      .POST, "/v1/contacts?entry=shop", token: token, json: json, headers: origin.map { [("origin", $0)] } ?? [])
  }

  @Test("A vouched visitor has the token's name and its claims, beside what the page told")
  func verified() async throws {
    try await withServer(fake(.optional)) { server in
      let reply = try await open(
        server, token(), #"{"name":"Somebody Else","attributes":{"url":"/cart","verified.name":"Forged"}}"#)
      #expect(reply.status == 201)
      guard case .openChat(let chat)? = server.fake.commands.last else { return fail("no chat was opened") }
      #expect(chat.name == "Jo Lee")
      #expect(
        chat.attributes.map { "\($0.name)=\($0.value)" } == [
          "verified.sub=u-7", "verified.name=Jo Lee", "page.url=/cart", "page.verified.name=Forged",
        ])
      let opened: OpenedContact = try reply.decode()
      let seen: Contact = try await server.send(.GET, "/v1/contacts/\(opened.contact.id)", token: "boss").decode()
      #expect(seen.isVerified && seen.visitorName == "Jo Lee")
      let unvouched: OpenedContact = try await open(server, nil, #"{"name":"Jo Lee"}"#).decode()
      let other: Contact = try await server.send(.GET, "/v1/contacts/\(unvouched.contact.id)", token: "boss").decode()
      #expect(!other.isVerified && other.visitorName == "Jo Lee")
    }
  }

  @Test("Whether a token is needed, looked at or neither is the entry's policy")
  func policies() async throws {
    let (good, bad) = (token(), token(aud: "web:other"))
    for (policy, statuses) in [
      (Site.VisitorIdentity.Policy.none, [201, 201, 201, 201]), (.optional, [201, 401, 201, 201]),
      (.required, [201, 401, 401, 201]),
    ] {
      try await withServer(fake(policy)) { server in
        // A program with a token of the site speaks for whom it likes.
        for (index, text) in [good, bad, nil, "shop"].enumerated() {
          let reply = try await open(server, text)
          #expect(reply.status == statuses[index], "\(policy) \(index)")
          if reply.status == 401 {
            #expect(reply.headers.first(name: "www-authenticate")?.hasPrefix("Bearer") == true)
            let detail = try reply.problem().detail ?? ""
            #expect(detail.contains(text == nil ? "a token of their site only" : "aud must be web:shop"))
          }
        }
        // No token opens what the origin does not.
        #expect(try await open(server, good, origin: "https://evil.example").status == 403)
      }
    }
  }

  @Test("With tokens not looked at, nothing in them counts")
  func ignored() async throws {
    try await withServer(fake(.none)) { server in
      let reply = try await open(server, token())
      #expect(reply.status == 201)
      guard case .openChat(let chat)? = server.fake.commands.last else { return fail("no chat was opened") }
      #expect(chat.name == nil && chat.attributes.isEmpty)
    }
  }

  @Test("The visitors of one page together may open so many contacts, whatever their addresses")
  func originLimit() async throws {
    let proxies = [AddressRange(network: try #require(.init(address: "127.0.0.1", port: 0)), prefix: 128)]
    var options = WebServer.Options()
    options.openingByOrigin = .init(name: "origin", burst: 3, interval: 600_000_000)
    try await withServer(FakeSwitchboard(trusting: proxies), options: options) { server in
      func open(_ entry: String, _ origin: String, from address: String) async throws -> TestServer.Reply {
        try await server.send(
          .POST, "/v1/contacts?entry=" + entry, json: "{}",
          headers: [("origin", origin), ("x-forwarded-for", address)])
      }
      for number in 0..<3 {
        let origin = number == 1 ? "https://SHOP.example" : "https://shop.example"
        #expect(try await open("shop", origin, from: "192.0.2.\(number)").status == 201)
      }
      let refused = try await open("shop", "https://shop.example", from: "192.0.2.9")
      #expect(refused.status == 429)
      let wait = try #require(refused.headers.first(name: "retry-after").flatMap { Int($0) })
      #expect((500...600).contains(wait))
      #expect(refused.headers.first(name: "ratelimit") == "\"origin\";r=0;t=\(wait)")
      #expect(refused.headers.first(name: "ratelimit-policy") == "\"origin\";q=3;w=1800")
      let own = try await open("demo", "http://127.0.0.1:\(server.port)", from: "192.0.2.9")
      #expect(own.status == 201)
      #expect(own.headers.first(name: "ratelimit")?.hasPrefix("\"contacts\"") == true)
    }
  }
}
