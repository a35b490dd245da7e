import Foundation
import Testing

extension EndToEnd {
  @Suite("Kill and restart", .enabled(if: Peers.have("sipp"))) struct RestartTests {
    @Test("After kill -9, waiting chats keep order and entry times, agents their states, and queues their counters")
    func chatsWaiting() async throws {
      let site = try await RunningSite.ofChats(.forTest(6))
      for token in [RunningSite.agentToken, RunningSite.otherAgentToken] {
        try await site.call("POST", "/v1/agents/me/sign-in", token: token)
        let away = try await site.call("POST", "/v1/agents/me/not-ready", token: token, body: ["reason": "lunch"])
        try #require(away.json["state"] as? String == "not_ready", "\(away.text)")
      }
      var chats: [(id: String, token: String)] = []
      for number in 1...5 { chats.append(try await site.openChat("Visitor \(number)")) }
      // One of them gives up, so that the counters have more than one kind of count.
      try await site.call("DELETE", "/v1/contacts/\(chats[1].id)", token: chats[1].token)
      chats.remove(at: 1)
      let before = try await picture(of: chats, site)

      site.server.kill(SIGKILL)
      #expect(await site.server.ends(within: 10) != nil)
      try await site.restart()
      let after = try await picture(of: chats, site)
      #expect(after == before)
      #expect(before.contains { $0.contains("not_ready lunch") }, "\(before)")

      for chat in chats {
        let me = try await site.call("POST", "/v1/agents/me/ready", token: RunningSite.agentToken)
        try #require(me.status == 200, "\(me.text)")
        var offered: [String: Any]?
        _ = await eventually(within: 5) {
          let me = try? await site.call("GET", "/v1/agents/me", token: RunningSite.agentToken).json
          offered = me?["offer"] as? [String: Any]
          return offered != nil
        }
        #expect((offered?["contact"] as? [String: Any])?["id"] as? String == chat.id, "served out of order")
        let offer = offered?["id"] as? String ?? ""
        try await site.call("POST", "/v1/offers/\(offer)/accept", token: RunningSite.agentToken)
        try await site.call("DELETE", "/v1/contacts/\(chat.id)", token: RunningSite.agentToken)
      }
      #expect(await site.metric("switchboard_contacts_answered_total") == 4)
      await site.stop()
    }

    /// What a restart must not change: places and entry times, agents' states, counters.
    private func picture(of chats: [(id: String, token: String)], _ site: RunningSite) async throws -> [String] {
      var lines: [String] = []
      for chat in chats {
        let contact = try await site.call("GET", "/v1/contacts/\(chat.id)", token: chat.token).json
        lines.append(["state", "entered_at", "ahead"].map { "\(contact[$0] ?? "none")" }.joined(separator: " "))
      }
      for token in [RunningSite.agentToken, RunningSite.otherAgentToken] {
        let agent = try await site.call("GET", "/v1/agents/me", token: token).json
        lines.append(["id", "state", "reason"].map { "\(agent[$0] ?? "none")" }.joined(separator: " "))
      }
      for counter in ["entered", "answered", "abandoned", "short_abandoned", "left", "failed", "refused"] {
        lines.append("\(counter) \(await site.metric("switchboard_contacts_\(counter)_total") ?? -1)")
      }
      return lines
    }

    /// What sipp did not expect.
    private func complaints(in folder: URL) -> String {
      let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
      return names.filter { $0.hasSuffix("_errors.log") }.compactMap {
        try? String(contentsOf: folder.appending(path: $0), encoding: .utf8)
      }.joined(separator: "\n")
    }

    @Test("After kill -9 with a call up, both legs get BYE from the new process, and nothing is left")
    func callUp() async throws {
      let ports = RunningSite.Ports.forTest(7)
      let site = try await RunningSite(
        ports, yaml: SIPLoadTests.yaml(agentPort: ports.sip + 20), files: SIPLoadTests.tokens)
      let sipp = try #require(find("sipp"))
      func start(_ scenario: String, _ port: Int, _ arguments: [String]) throws -> Peer {
        try Peer(
          sipp,
          ["-sf", SIPLoadTests.scenarios.appending(path: scenario).path] + arguments + [
            "-i", "127.0.0.1", "-p", "\(port)", "-mp", "\(port + 20)", "-m", "1", "-nostdin", "-trace_err",
          ], in: site.folder)
      }
      let agent = try start("agent-stays.xml", ports.sip + 20, [])
      try await site.call("POST", "/v1/agents/me/sign-in", token: "token-of-agent-number-1")
      let caller = try start("caller.xml", ports.sip + 10, ["127.0.0.1:\(ports.sip)"])
      let bridged = await eventually(within: 10) { await site.metric("switchboard_contacts_answered_total") == 1 }
      #expect(bridged, "\(site.server.text)")
      site.server.kill(SIGKILL)
      #expect(await site.server.ends(within: 10) != nil)
      try await site.restart()
      #expect(await agent.ends(within: 20) == 0, "the agent's leg got no BYE:\n\(complaints(in: site.folder))")
      #expect(await caller.ends(within: 20) == 0, "the caller's leg got no BYE:\n\(caller.text.suffix(2_000))")
      #expect(await site.metric("switchboard_contacts") == 0)
      let ended = try site.report("contacts")
      #expect(ended.count == 1 && ended.first?["end_cause"] as? String == "restart", "\(ended)")
      await agent.stop()
      await caller.stop()
      await site.stop()
    }
  }
}
