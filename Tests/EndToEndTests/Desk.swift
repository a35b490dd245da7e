import Foundation
import TestAuthority
import Testing

/// Who calls from outside, with whichever client.
protocol Visitor {
  /// Waits until a tone is heard, and no other.
  func hears(_ hertz: Int, within seconds: Double) async -> Bool
  /// What its client said last, for a test that fails.
  var seen: String { get }
}

/// A site that web pages can call, with its one agent at work: a console, and baresip for a desk phone, which is called
/// when the console has accepted.
struct Desk {
  let site: RunningSite
  let phone: Baresip
  let console: Peer

  /// - Parameters:
  ///   - phone: what the agent's phone speaks.
  ///   - codecs: what the site says that it speaks.
  ///   - isSecure: the phone is on TLS, and its media has keys in SDP.
  init(_ ports: RunningSite.Ports, phone codec: String, site codecs: String, isSecure: Bool = false) async throws {
    let authority = TestAuthority()
    site = try await RunningSite.ofCalls(
      ports,
      phone: "phone: \"\(isSecure ? "sips" : "sip"):2001@127.0.0.1\", password_file: amina.phone, digest: [md5], "
        + "srtp: \(isSecure ? "required" : "never"), phone_answer: console, codecs: [\(codecs)]",
      certificate: authority.issue())
    phone = try Baresip(
      in: site.folder.appending(path: "agent"), user: "2001", password: "phone-password-of-amina",
      port: ports.sip + 20, registrar: "127.0.0.1:\(isSecure ? ports.sip + 1 : ports.sip)", rtp: ports.sip + 40,
      hertz: Tone.agent, codec: codec, transport: isSecure ? "tls" : "udp", authority: authority.certificate,
      encryption: isSecure ? "srtp-mand" : nil)
    let registered = await eventually(within: 10) { [site] in await site.metric("switchboard_sip_registrations") == 1 }
    #expect(registered, "the phone did not register:\n\(phone.peer.text)\n\(site.server.text)")
    console = try await site.console(token: RunningSite.agentToken)
  }

  /// A visitor whose call has begun hears music until the agent accepts in the console; then each hears the other's tone.
  /// - Parameter accepting: done just before the agent accepts.
  func talk(with visitor: some Visitor, accepting: () async throws -> Void = {}) async throws {
    #expect(await visitor.hears(Tone.music, within: 10), "no music:\n\(visitor.seen)\n\(site.server.text)")
    #expect(await console.says("OFFER: "), "\(console.text)")
    try await accepting()
    console.type("a")
    let hearsAgent = await visitor.hears(Tone.agent, within: 10)
    #expect(hearsAgent, "the visitor does not hear the agent:\n\(visitor.seen)\n\(console.text)\n\(phone.peer.text)")
    #expect(await phone.hears(Tone.visitor), "the agent does not hear the visitor:\n\(phone.peer.text)")
  }

  /// After the visitor has hung up.
  func close() async {
    #expect(await eventually(within: 10) { await site.metric("switchboard_media_ports") == 0 })
    await phone.peer.stop()
    await console.stop()
    await site.stop()
  }
}
