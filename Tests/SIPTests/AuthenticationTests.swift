import Primitives
import Testing

@testable import SIP

@Suite("Digest authentication")
struct AuthenticationTests {
  private let home = Endpoint(ipv4: 0x0a00_0001, port: 5060)
  private let start = Instant(microseconds: 1_700_000_000_000_000)
  private let secret = "Circle of Life"

  private func authenticator(_ change: (inout Authenticator.Settings) -> Void = { _ in }) -> Authenticator {
    var settings = Authenticator.Settings(realm: "example.org")
    change(&settings)
    var entropy = Entropy(testing: 1)
    return Authenticator(settings: settings, entropy: &entropy)
  }
  private func account(_ algorithms: [DigestAlgorithm] = [.sha256]) -> Authenticator.Account {
    Authenticator.Account(username: "alice", realm: "example.org", password: secret, algorithms: algorithms)
  }

  /// A REGISTER that answers a challenge, with a part of its credentials replaced.
  private func register(
    answering challenge: UserAgent.Header? = nil, password: String? = nil, count: UInt32 = 1,
    uri: String = "sip:example.org",
    user: String = "alice", replacing: (String, String)? = nil
  ) throws -> Message {
    var headers: [String] = []
    if let challenge {
      let text =
        "SIP/2.0 401 Unauthorized\r\nVia: SIP/2.0/UDP a\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\n"
        + "Call-ID: 1\r\nCSeq: 1 REGISTER\r\n\(challenge.name): \(challenge.value)\r\nContent-Length: 0\r\n\r\n"
      let credentials = DigestCredentials(realm: "example.org", username: user, password: password ?? secret)
      let header = try #require(
        credentials.header(
          answering: Message(parsing: Array(text.utf8)), method: .register, uri: URI(parsing: uri),
          clientNonce: "0a4f113b",
          count: count))
      headers = ["\(header.name): \(header.value)"]
    }
    var text = Peer(user: "alice").request("REGISTER", "sip:example.org", headers: headers)
    if let (old, new) = replacing { text = text.replacing(old, with: new) }
    return try Message(parsing: Array(text.utf8))
  }

  @Test("The examples of RFC 2617 and RFC 7616 come out")
  func vectors() {
    func response(
      _ algorithm: DigestAlgorithm, _ realm: String, _ password: String, _ nonce: String, _ clientNonce: String
    ) -> String {
      let secret = DigestAccess.secret(algorithm, username: "Mufasa", realm: realm, password: password)
      return String(
        decoding: DigestAccess.response(
          algorithm, secret: secret, nonce: nonce, count: "00000001", clientNonce: clientNonce, method: "GET",
          uri: "/dir/index.html"), as: UTF8.self)
    }
    #expect(
      response(.md5, "testrealm@host.com", "Circle Of Life", "dcd98b7102dd2f0e8b11d0f600bfb0c093", "0a4f113b")
        == "6629fae49393a05397450978507c4ef1")
    let nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
    let clientNonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    #expect(
      response(.md5, "http-auth@example.org", "Circle of Life", nonce, clientNonce)
        == "8ca523f5e9506fed4657c9700eebdbec")
    #expect(
      response(.sha256, "http-auth@example.org", "Circle of Life", nonce, clientNonce)
        == "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1")
  }

  @Test("Without qop the response of RFC 2069 is made, for trunks that know no better")
  func withoutQuality() throws {
    let challenge = UserAgent.Header("WWW-Authenticate", "Digest realm=\"example.org\", nonce=\"abc\", opaque=\"x\"")
    let message = try register(answering: challenge)
    let sent = try #require(DigestParameters(parsing: message.header("authorization") ?? ""))
    let secret = DigestAccess.secret(.md5, username: "alice", realm: "example.org", password: self.secret)
    let expected = DigestAccess.response(
      .md5, secret: secret, nonce: "abc", count: nil, clientNonce: "", method: "REGISTER", uri: "sip:example.org")
    #expect(sent["response"] == String(decoding: expected, as: UTF8.self))
    #expect(sent["qop"] == nil)
    #expect(sent["opaque"] == "x")
  }

  @Test("A REGISTER without credentials is challenged, best algorithm first, and the right answer is accepted")
  func accepted() throws {
    var authenticator = authenticator { $0.algorithms = [.sha256, .md5] }
    #expect(authenticator.verify(try register(), from: home, account: nil, at: start) == .challenge(stale: false))
    let challenges = authenticator.challenges(to: home, at: start)
    #expect(challenges.map(\.name) == ["WWW-Authenticate", "WWW-Authenticate"])
    #expect(challenges[0].value.contains("algorithm=SHA-256") && challenges[1].value.contains("algorithm=MD5"))
    #expect(challenges.allSatisfy { $0.value.contains("qop=\"auth\"") && !$0.value.contains("stale") })
    let message = try register(answering: challenges[0])
    #expect(authenticator.username(in: message) == "alice")
    #expect(authenticator.verify(message, from: home, account: account(), at: start) == .accepted)
  }

  @Test("MD5 is refused unless the account allows it (RFC 8760)")
  func downgrade() throws {
    var authenticator = authenticator { $0.algorithms = [.sha256, .md5] }
    let weak = try register(answering: authenticator.challenges(to: home, at: start)[1])
    #expect(authenticator.verify(weak, from: home, account: account(), at: start) == .refused)
    #expect(authenticator.verify(weak, from: home, account: account([.sha256, .md5]), at: start) == .accepted)
  }

  @Test("Wrong password, unknown user, another request's URI, no qop and a changed response look the same")
  func refused() throws {
    var authenticator = authenticator { $0.failures = 1000 }
    let challenge = authenticator.challenges(to: home, at: start)[0]
    func verdict(_ message: Message, _ account: Authenticator.Account?) -> Authenticator.Verdict {
      authenticator.verify(message, from: home, account: account, at: start)
    }
    #expect(verdict(try register(answering: challenge, password: "wrong"), account()) == .refused)
    #expect(verdict(try register(answering: challenge), nil) == .refused)
    #expect(verdict(try register(answering: challenge, uri: "sip:elsewhere.org"), account()) == .refused)
    #expect(verdict(try register(answering: challenge, replacing: ("qop=auth, ", "")), account()) == .refused)
    #expect(
      verdict(try register(answering: challenge, replacing: ("nc=00000001", "nc=00000002")), account()) == .refused)
    #expect(
      verdict(try register(answering: challenge, replacing: ("cnonce=\"0a", "cnonce=\"1a")), account()) == .refused)
    #expect(verdict(try register(answering: challenge, replacing: ("SHA-256", "SHA-999")), account()) == .refused)
    #expect(
      verdict(try register(answering: challenge, replacing: ("realm=\"example.org\"", "realm=\"x\"")), account())
        == .challenge(stale: false))
    #expect(verdict(try register(answering: challenge), account()) == .accepted)
  }

  @Test("A nonce ends after its time, belongs to its source and is not made by others; the right password hears stale")
  func nonces() throws {
    var authenticator = authenticator()
    let challenge = authenticator.challenges(to: home, at: start)[0]
    let message = try register(answering: challenge)
    #expect(
      authenticator.verify(message, from: home, account: account(), at: start + .seconds(301))
        == .challenge(stale: true))
    var elsewhere = home
    elsewhere.low += 1
    #expect(authenticator.verify(message, from: elsewhere, account: account(), at: start) == .challenge(stale: true))
    var otherPort = home
    otherPort.port = 1
    #expect(authenticator.verify(message, from: otherPort, account: account(), at: start) == .accepted)
    let invented = try register(
      answering: .init(
        "WWW-Authenticate", "Digest realm=\"example.org\", nonce=\"00\", algorithm=SHA-256, qop=\"auth\""))
    #expect(authenticator.verify(invented, from: home, account: account(), at: start) == .challenge(stale: true))
    #expect(authenticator.challenges(to: home, stale: true, at: start)[0].value.hasSuffix("stale=true"))
  }

  @Test("A nonce count is good once; counts may come out of order within the window")
  func replay() throws {
    var authenticator = authenticator()
    let challenge = authenticator.challenges(to: home, at: start)[0]
    func verdict(_ count: UInt32) throws -> Authenticator.Verdict {
      authenticator.verify(try register(answering: challenge, count: count), from: home, account: account(), at: start)
    }
    for count in [1, 2, 5, 4, 70, 10] as [UInt32] { #expect(try verdict(count) == .accepted) }
    for count in [1, 2, 5, 4, 70, 10, 0, 3] as [UInt32] { #expect(try verdict(count) == .challenge(stale: true)) }
    #expect(try verdict(300) == .accepted)
    #expect(try verdict(71) == .challenge(stale: true))
  }

  @Test("The window of nonces is bounded: one that was forgotten is stale, never fresh")
  func forgottenNonces() throws {
    var authenticator = authenticator { $0.nonces = 4 }
    let messages = try (0..<6).map { second in
      try register(answering: authenticator.challenges(to: home, at: start + .seconds(second))[0])
    }
    let now = start + .seconds(10)
    for message in messages {
      #expect(authenticator.verify(message, from: home, account: account(), at: now) == .accepted)
    }
    for message in messages {
      #expect(authenticator.verify(message, from: home, account: account(), at: now) == .challenge(stale: true))
    }
  }

  @Test("Failures lock one source out of one user for a time, and nobody else")
  func lock() throws {
    var authenticator = authenticator()
    func message(_ password: String? = nil, user: String = "alice", at now: Instant) throws -> Message {
      try register(answering: authenticator.challenges(to: home, at: now)[0], password: password, user: user)
    }
    for _ in 0..<5 {
      #expect(
        authenticator.verify(try message("wrong", at: start), from: home, account: account(), at: start) == .refused)
    }
    #expect(authenticator.verify(try message(at: start), from: home, account: account(), at: start) == .locked)
    var desk = home
    desk.low += 1
    let fromDesk = try register(answering: authenticator.challenges(to: desk, at: start)[0])
    #expect(authenticator.verify(fromDesk, from: desk, account: account(), at: start) == .accepted)
    for _ in 0..<5 {
      #expect(
        authenticator.verify(try message(user: "nobody", at: start), from: home, account: nil, at: start) == .refused)
    }
    #expect(
      authenticator.verify(try message(user: "nobody", at: start), from: home, account: nil, at: start) == .locked)
    let later = start + .seconds(301)
    #expect(authenticator.verify(try message(at: later), from: home, account: account(), at: later) == .accepted)
    #expect(
      authenticator.verify(try message("wrong", at: later), from: home, account: account(), at: later) == .refused)
  }

  @Test("Answers to a nonce that was not made for their source lock nobody out: the source may be forged")
  func forgedFailures() throws {
    var authenticator = authenticator()
    var elsewhere = home
    elsewhere.low += 1
    let foreign = try register(answering: authenticator.challenges(to: elsewhere, at: start)[0], password: "wrong")
    for _ in 0..<20 {
      #expect(authenticator.verify(foreign, from: home, account: account(), at: start) == .challenge(stale: true))
    }
    #expect(!authenticator.isAnswer(foreign, from: home) && authenticator.isAnswer(foreign, from: elsewhere))
    let right = try register(answering: authenticator.challenges(to: home, at: start)[0])
    #expect(authenticator.verify(right, from: home, account: account(), at: start) == .accepted)
  }

  @Test("Challenges of other realms are not answered: a response would give a hash of the password away")
  func foreignRealm() throws {
    let text =
      "SIP/2.0 407 X\r\nVia: SIP/2.0/UDP a\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\n"
      + "CSeq: 1 INVITE\r\nProxy-Authenticate: Digest realm=\"evil\", nonce=\"1\", qop=\"auth\"\r\n"
      + "Proxy-Authenticate: Digest realm=\"trunk\", nonce=\"1\", algorithm=SHA-256, qop=\"auth-int,auth\"\r\n\r\n"
    let challenge = try Message(parsing: Array(text.utf8))
    func header(_ realm: String) throws -> UserAgent.Header? {
      DigestCredentials(realm: realm, username: "u", password: "p").header(
        answering: challenge, method: .invite, uri: try URI(parsing: "sip:x@y"), clientNonce: "c")
    }
    #expect(try header("example.org") == nil)
    let answer = try #require(try header("trunk"))
    #expect(answer.name == "Proxy-Authorization")
    #expect(answer.value.contains("algorithm=SHA-256") && answer.value.contains("nc=00000001"))
  }

  @Test("Credentials are read strictly: quotes, escapes, blanks, and no parameter twice")
  func parameters() {
    #expect(DigestParameters(parsing: "Basic QWxh") == nil)
    #expect(DigestParameters(parsing: "Digest") == nil)
    #expect(DigestParameters(parsing: "Digest a=1, a=2") == nil)
    #expect(DigestParameters(parsing: "Digest a=\"1") == nil)
    #expect(DigestParameters(parsing: "Digest a=\"1\\\"") == nil)
    #expect(DigestParameters(parsing: "Digest a=") == nil)
    #expect(DigestParameters(parsing: "Digest a=1 b=2") == nil)
    let list = DigestParameters(parsing: "dIgEsT  A = \"x, \\\"y\" ,b=z")
    #expect(list?["a"] == "x, \\\"y")
    #expect(list?["b"] == "z")
  }
}
