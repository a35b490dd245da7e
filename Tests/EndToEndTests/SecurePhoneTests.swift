import Foundation
import TestAuthority
import Testing

extension EndToEnd {
  /// baresip over TLS, on both sides.
  @Suite("Phones over TLS", .enabled(if: Peers.have("baresip")))
  struct SecurePhoneTests {
    private static func yaml(_ srtp: String = "allowed") -> String {
      """
      federation: { mode: closed, trusted_sources: [127.0.0.1/32] }
      entries:
        "sip:support@127.0.0.1": { queue: support }
      queues:
        support: { channels: [voice], ring: 20s, wrap_up: { default: 0s } }
      agents:
        amina: { name: Amina Berg, phone: "sips:2001@127.0.0.1", password_file: amina.phone, digest: [md5],
                 srtp: \(srtp), queues: [support], token_file: amina.token }

      """
    }
    private static let files = ["amina.phone": "phone-password-of-amina", "amina.token": RunningSite.agentToken]

    private func agent(
      of site: RunningSite, _ name: String, over transport: String = "tls", port: Int,
      trusting authority: TestAuthority, encryption: String? = nil
    ) throws -> Baresip {
      try Baresip(
        in: site.folder.appending(path: name), user: "2001", password: "phone-password-of-amina", port: port,
        registrar: "127.0.0.1:\(site.ports.sip + (transport == "tls" ? 1 : 0))", rtp: site.ports.sip + 40,
        hertz: Tone.agent,
        transport: transport, authority: authority.certificate, encryption: encryption)
    }

    /// Caller and agent, both over TLS, hear each other's tone.
    /// - Returns: the two phones after their call.
    private func talk(
      on site: RunningSite, trusting authority: TestAuthority, encryption: String? = nil
    ) async throws -> (caller: Baresip, agent: Baresip) {
      let ports = site.ports
      let agent = try agent(
        of: site, "agent", port: ports.sip + 20, trusting: authority, encryption: encryption)
      let registered = await eventually(within: 10) { await site.metric("switchboard_sip_registrations") == 1 }
      #expect(registered, "the phone did not register:\n\(agent.peer.text)\n\(site.server.text)")
      try await site.call("POST", "/v1/agents/me/sign-in", token: RunningSite.agentToken)

      let caller = try Baresip(
        in: site.folder.appending(path: "caller"), user: "visitor", password: "none", port: ports.sip + 30,
        registrar: nil, rtp: ports.sip + 60, hertz: Tone.visitor, transport: "tls", authority: authority.certificate,
        encryption: encryption)
      #expect(await caller.peer.says("baresip is ready", within: 10))
      try await caller.command("dial", "sip:support@127.0.0.1:\(ports.sip + 1);transport=tls")
      let answered = await eventually(within: 15) { await site.metric("switchboard_contacts_answered_total") == 1 }
      #expect(answered, "the call was not bridged:\n\(site.server.text)\n\(caller.peer.text)\n\(agent.peer.text)")
      #expect(await agent.hears(Tone.visitor), "the agent does not hear the caller")
      #expect(await caller.hears(Tone.agent), "the caller does not hear the agent")
      try await caller.command("hangup", "")
      #expect(await eventually(within: 10) { await site.metric("switchboard_sip_dialogs") == 0 })
      await caller.peer.stop()
      await agent.peer.stop()
      // Its connection is its registration.
      #expect(await eventually(within: 5) { await site.metric("switchboard_sip_registrations") == 0 })
      return (caller, agent)
    }

    @Test("Caller and agent, both over TLS, hear each other's tone; the agent's phone may register in no other way")
    func tones() async throws {
      let (ports, authority) = (RunningSite.Ports.forTest(12), TestAuthority())
      let site = try await RunningSite(ports, yaml: Self.yaml(), files: Self.files, certificate: authority.issue())
      let plain = try agent(of: site, "plain", over: "udp", port: ports.sip + 15, trusting: authority)
      #expect(await plain.peer.says("403", within: 10), "\(plain.peer.text)")
      #expect(await site.metric("switchboard_sip_registrations") == 0)
      await plain.peer.stop()
      // Neither phone has SRTP, so the agent's refuses it first, and is asked again.
      _ = try await talk(on: site, trusting: authority)
      await site.stop()
    }

    @Test("Where both phones insist on SRTP, and the agent's must, each hears the other's tone under keys")
    func srtp() async throws {
      let (ports, authority) = (RunningSite.Ports.forTest(21), TestAuthority())
      let site = try await RunningSite(
        ports, yaml: Self.yaml("required"), files: Self.files, certificate: authority.issue())
      let phones = try await talk(on: site, trusting: authority, encryption: "srtp-mand")
      for phone in [phones.caller, phones.agent] {
        #expect(phone.peer.text.contains("SRTP is Enabled"), "\(phone.peer.text)")
      }
      await site.stop()
    }

    @Test("After SIGHUP new connections see the renewed certificate, and a bad one changes nothing")
    func renewal() async throws {
      let (ports, old, new) = (RunningSite.Ports.forTest(13), TestAuthority("Old"), TestAuthority("New"))
      let site = try await RunningSite(ports, yaml: Self.yaml(), files: Self.files, certificate: old.issue())
      #expect(try shown(by: site) == .some("Old"))
      try site.show(.init(certificate: old.issue().certificate, key: new.issue().key))
      site.server.kill(SIGHUP)
      #expect(await site.server.says("The configuration was not changed"), "\(site.server.text)")
      #expect(site.server.text.contains("is not that of the certificate"))
      #expect(try shown(by: site) == .some("Old"))
      try site.show(new.issue())
      site.server.kill(SIGHUP)
      #expect(await eventually(within: 5) { (try? shown(by: site)) == .some("New") }, "\(site.server.text)")
      await site.stop()
    }

    /// The issuer of the certificate that the SIP listener shows, by python's own TLS.
    private func shown(by site: RunningSite) throws -> String? {
      let process = Process()
      process.executableURL = URL(filePath: try #require(find("python3")))
      process.arguments = [
        "-c",
        """
        import ssl
        print(ssl.get_server_certificate(("127.0.0.1", \(site.ports.sip + 1))))
        """,
      ]
      let output = Pipe()
      process.standardOutput = output
      try process.run()
      let pem = output.fileHandleForReading.readDataToEndOfFile()
      process.waitUntilExit()
      let body = String(decoding: pem, as: UTF8.self).split(separator: "\n").dropFirst().dropLast().joined()
      let bytes = Data(base64Encoded: body) ?? Data()
      return ["Old", "New"].first { bytes.firstRange(of: Data($0.utf8)) != nil }
    }
  }
}
