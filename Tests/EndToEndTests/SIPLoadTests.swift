import Foundation
import Testing

extension EndToEnd {
  /// Thirty sipp agents take the calls of sipp callers, over a clean and over a lossy path.
  @Suite("Calls in bulk", .enabled(if: Peers.have("sipp")))
  struct SIPLoadTests {
    static let agents = 30

    static func yaml(agentPort: Int) -> String {
      var text = """
        federation: { mode: closed, trusted_sources: [127.0.0.1/32] }
        entries:
          "sip:support@127.0.0.1": { queue: support }
        queues:
          support: { channels: [voice], ring: 20s, wrap_up: { default: 0s }, answer: on_entry }
        agents:

        """
      for agent in 1...agents {
        text += """
            a\(agent): { name: Agent \(agent), phone: "sip:a\(agent)@127.0.0.1:\(agentPort)", queues: [support],
                  token_file: a\(agent).token }

          """
      }
      return text
    }

    static var tokens: [String: String] {
      Dictionary(uniqueKeysWithValues: (1...agents).map { ("a\($0).token", "token-of-agent-number-\($0)") })
    }

    static let scenarios = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Scenarios")

    /// Runs `calls` calls at 20 a second with `loss` percent of sipp's datagrams lost, and returns the server's site
    /// after they all ended.
    private func run(_ number: Int, calls: Int, loss: Int, transport: String = "u1") async throws {
      let ports = RunningSite.Ports.forTest(number)
      let agentPort = ports.sip + 20
      let site = try await RunningSite(ports, yaml: Self.yaml(agentPort: agentPort), files: Self.tokens)
      let sipp = try #require(find("sipp"))
      let lost = loss > 0 ? ["-lost", "\(loss)"] : []
      let agents = try Peer(
        sipp,
        [
          "-sf", Self.scenarios.appending(path: "agent.xml").path, "-i", "127.0.0.1", "-p", "\(agentPort)", "-mp",
          "\(ports.sip + 40)", "-nostdin", "-trace_err", "-m", "\(calls * 4)",
        ] + lost, in: site.folder)
      for agent in 1...Self.agents {
        let answer = try await site.call("POST", "/v1/agents/me/sign-in", token: "token-of-agent-number-\(agent)")
        try #require(answer.status < 300, "agent \(agent) could not sign in: \(answer.text)")
      }
      let callers = try Peer(
        sipp,
        [
          "-sf", Self.scenarios.appending(path: "caller.xml").path, "127.0.0.1:\(ports.sip)", "-i", "127.0.0.1", "-p",
          "\(ports.sip + 10)", "-mp", "\(ports.sip + 60)", "-m", "\(calls)", "-r", "20", "-nostdin", "-trace_err",
          "-timeout", "120s", "-t", transport,
        ] + lost, in: site.folder)
      let status = await callers.ends(within: 150)
      #expect(status == 0, "callers failed:\n\(callers.text.suffix(3_000))")

      let answered = await eventually(within: 10) {
        await site.metric("switchboard_contacts_answered_total") == Double(calls)
      }
      let journaled = await site.metric("switchboard_contacts_answered_total")
      #expect(answered, "\(journaled ?? -1) of \(calls) calls were journaled answered")
      let isClean = await eventually(within: 45) {
        var left = 0.0
        for gauge in ["sip_dialogs", "sip_transactions", "media_ports", "contacts"] {
          left += await site.metric("switchboard_\(gauge)") ?? 1
        }
        return left == 0
      }
      #expect(isClean, "ports, dialogs or transactions were left behind")
      agents.kill(SIGUSR1)
      await agents.stop()
      #expect(
        !agents.text.contains("unexpected message"), "agents saw an unexpected message:\n\(agents.text.suffix(3_000))")
      await site.stop()
    }

    @Test(
      "300 calls at 20 a second to 30 agents are all bridged and leave nothing behind, also with 5 % of datagrams lost")
    func bothPaths() async throws {
      async let clean: Void = run(1, calls: 300, loss: 0)
      async let lossy: Void = run(2, calls: 300, loss: 5)
      _ = try await (clean, lossy)
    }

    @Test("Calls over TCP to UDP phones are bridged and leave nothing behind")
    func stream() async throws { try await run(10, calls: 20, loss: 0, transport: "t1") }
  }
}
