import Primitives
import SIP
import Testing

@Suite("Trunks that ask for credentials")
struct TrunkTests {
  private let trunk = DigestCredentials(realm: "trunk", username: "switchboard", password: "secret")
  private let account = Authenticator.Account(username: "switchboard", realm: "trunk", password: "secret")

  /// The trunk's side: challenges everything that carries no credentials, and lets its BYE and INVITE through else.
  private func call(_ credentials: DigestCredentials?) -> Call {
    var call = Call(VirtualNetwork())
    call.caller { $0.cancel($1, at: $2, into: &$3) }
    call.run(.seconds(80))
    let flow = call.network.flow(to: .callee)
    call.caller = call.network.act(.caller) {
      $0.invite(bob.uri, over: flow, from: alice, to: bob, body: sdpOffer, credentials: credentials, at: $1, into: &$2)
    }
    call.callee = nil
    return call
  }

  @Test("A challenged INVITE is sent again in the same call, with a higher CSeq and credentials that are right")
  func invite() throws {
    var entropy = Entropy(testing: 3)
    var authenticator = Authenticator(settings: .init(realm: "trunk"), entropy: &entropy)
    var call = call(trunk)
    let source = VirtualNetwork.addresses[0]
    call.run(.milliseconds(20))
    let first = try #require(call.network.reports.last { $0.side == .callee }?.occurrence.arrived)
    let now = call.network.now
    let challenge = authenticator.challenges(to: source, at: now)
    call.network.act(.callee) { $0.respond(to: first, status: 401, headers: challenge, at: $1, into: &$2) }
    call.run(.milliseconds(20))
    #expect(!call.network.heard(.caller).contains("rejected 401"))
    let invites = call.network.sent.map(\.message).filter { $0.method == .invite && $0.isRequest }.suffix(2)
    let (plain, authorized) = (try #require(invites.first), try #require(invites.last))
    #expect(authorized.cseq == plain.cseq + 1)
    #expect(authorized.callID == plain.callID)
    #expect(authorized.from.tag == plain.from.tag)
    #expect(authenticator.verify(authorized, from: source, account: account, at: now) == .accepted)
    call.callee = call.network.reports.last { $0.side == .callee }?.occurrence.arrived
    try call.callee { $0.respond(to: $1, status: 200, body: sdpAnswer, at: $2, into: &$3) }
    call.run(.milliseconds(20))
    call.caller { $0.acknowledge($1, at: $2, into: &$3) }
    #expect(call.network.last(.caller)?.header("authorization") == authorized.header("authorization"))
    call.run(.milliseconds(20))
    call.caller { $0.reinvite($1, body: sdpOffer, at: $2, into: &$3) }
    call.run(.milliseconds(20))
    let reoffered = try #require(call.waiting(.callee))
    call.network.act(.callee) { $0.respond(to: reoffered, status: 401, headers: challenge, at: $1, into: &$2) }
    call.run(.milliseconds(20))
    try call.respond(.callee, 200, body: sdpAnswer)
    call.run(.milliseconds(20))
    #expect(call.network.heard(.caller).last == "reanswered")
    call.caller { $0.end($1, at: $2, into: &$3) }
    call.run(.seconds(40))
    #expect(call.network.isEmpty)
  }

  @Test("Credentials are tried once, and never where there are none for the realm")
  func refused() throws {
    for credentials in [trunk, DigestCredentials(realm: "other", username: "u", password: "p"), nil] {
      var call = call(credentials)
      let before = call.network.count("INVITE", .caller)
      for _ in 0..<2 {
        call.run(.milliseconds(20))
        guard let id = call.network.reports.last(where: { $0.side == .callee })?.occurrence.arrived else { continue }
        let challenge = UserAgent.Header("Proxy-Authenticate", "Digest realm=\"trunk\", nonce=\"1\", qop=\"auth\"")
        call.network.act(.callee) { $0.respond(to: id, status: 407, headers: [challenge], at: $1, into: &$2) }
      }
      call.run(.milliseconds(20))
      #expect(call.network.heard(.caller).last == "rejected 407")
      #expect(call.network.count("INVITE", .caller) - before == (credentials?.realm == "trunk" ? 1 : 0))
      call.run(.seconds(40))
      #expect(call.network.isEmpty)
    }
  }
}
