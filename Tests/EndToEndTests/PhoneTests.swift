import Foundation
import Testing

extension EndToEnd {
  /// Two baresip phones, one calling and one registered as an agent's, each playing a tone of its own.
  @Suite("Two phones", .enabled(if: Peers.have("baresip")))
  struct PhoneTests {
    @Test("Caller and agent each hear the other's tone, over plain RTP")
    func tones() async throws { try await talk(.forTest(4)) }

    @Test(
      "A caller over DTLS-SRTP with ICE and an agent's phone over plain RTP each hear the other's tone",
      .enabled(if: Peers.areIsolated))
    func dtls() async throws {
      // Where only loopback is, its ICE finds no candidate.
      try await talk(
        .forTest(24), address: "192.0.2.10", encryption: "dtls_srtp", isICE: true, says: "DTLS-SRTP complete")
    }

    /// The parameters describe the caller, and what it says of itself in talk.
    private func talk(
      _ ports: RunningSite.Ports, address: String = "127.0.0.1", encryption: String? = nil, isICE: Bool = false,
      says word: String = ""
    ) async throws {
      let site = try await RunningSite(
        ports,
        yaml: """
          federation: { mode: closed, trusted_sources: [127.0.0.1/32, \(address)/32] }
          entries:
            "sip:support@127.0.0.1": { queue: support }
          queues:
            support: { channels: [voice], ring: 20s, wrap_up: { default: 1s } }
          agents:
            amina: { name: Amina Berg, phone: "sip:2001@127.0.0.1", password_file: amina.phone, digest: [md5],
                     queues: [support], token_file: amina.token }
            ben: { name: Ben Cole, phone: "sip:2002@127.0.0.1", password_file: ben.phone, queues: [support] }

          """,
        files: [
          "amina.phone": "phone-password-of-amina", "amina.token": RunningSite.agentToken,
          "ben.phone": "phone-password-of-ben",
        ])
      let agent = try Baresip(
        in: site.folder.appending(path: "agent"), user: "2001", password: "phone-password-of-amina",
        port: ports.sip + 20,
        registrar: "127.0.0.1:\(ports.sip)", rtp: ports.sip + 40, hertz: Tone.agent)
      let registered = await eventually(within: 10) { await site.metric("switchboard_sip_registrations") == 1 }
      #expect(registered, "the phone did not register:\n\(agent.peer.text)\n\(site.server.text)")
      let signedIn = try await site.call("POST", "/v1/agents/me/sign-in", token: RunningSite.agentToken)
      #expect(signedIn.json["state"] as? String == "ready", "\(signedIn.text)")

      let caller = try Baresip(
        in: site.folder.appending(path: "caller"), user: "visitor", password: "none", port: ports.sip + 30,
        registrar: nil, rtp: ports.sip + 60, hertz: Tone.visitor, address: address, encryption: encryption,
        isICE: isICE)
      #expect(await caller.peer.says("baresip is ready", within: 10))
      try await caller.command("dial", "sip:support@127.0.0.1:\(ports.sip)")
      let answered = await eventually(within: 15) { await site.metric("switchboard_contacts_answered_total") == 1 }
      #expect(answered, "the call was not bridged:\n\(site.server.text)\n\(caller.peer.text)")
      #expect(await agent.hears(Tone.visitor), "the agent does not hear the caller")
      #expect(await caller.hears(Tone.agent), "the caller does not hear the agent")
      #expect(word.isEmpty || caller.peer.text.contains(word), "\(caller.peer.text)")
      try await caller.command("hangup", "")
      #expect(await eventually(within: 10) { await site.metric("switchboard_sip_dialogs") == 0 })
      await caller.peer.stop()
      await agent.peer.stop()
      await site.stop()
    }

    @Test("The demo's echo phone sends the caller's own tone back")
    func echo() async throws {
      let ports = RunningSite.Ports.forTest(9)
      let site = try await RunningSite(
        ports,
        yaml: """
          federation: { mode: closed, trusted_sources: [127.0.0.1/32] }
          entries:
            "sip:support@127.0.0.1": { queue: support }
          queues:
            support: { channels: [voice], wrap_up: { default: 0s } }
          agents:
            amina: { name: Amina Berg, phone: demo, phone_answer: phone, queues: [support], token_file: amina.token }

          """,
        files: ["amina.token": RunningSite.agentToken])
      try await site.call("POST", "/v1/agents/me/sign-in", token: RunningSite.agentToken)
      let caller = try Baresip(
        in: site.folder.appending(path: "caller"), user: "visitor", password: "none", port: ports.sip + 30,
        registrar: nil, rtp: ports.sip + 60, hertz: Tone.visitor)
      #expect(await caller.peer.says("baresip is ready"))
      try await caller.command("dial", "sip:support@127.0.0.1:\(ports.sip)")
      let answered = await eventually(within: 15) { await site.metric("switchboard_contacts_answered_total") == 1 }
      #expect(answered, "\(site.server.text)\n\(caller.peer.text)")
      #expect(await caller.hears(Tone.visitor), "the caller does not hear the echo")
      try await caller.command("hangup", "")
      #expect(await eventually(within: 10) { await site.metric("switchboard_media_ports") == 0 })
      await caller.peer.stop()
      await site.stop()
    }
  }
}
