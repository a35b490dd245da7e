import Foundation
import Testing

extension EndToEnd {
  @Suite("Strangers", .enabled(if: Peers.have("sipp")))
  struct StrangerTests {
    @Test("A call from an untrusted source is refused, and the source is banned when it insists")
    func untrustedSource() async throws {
      let ports = RunningSite.Ports.forTest(3)
      let site = try await RunningSite(
        ports, yaml: SIPLoadTests.yaml(agentPort: ports.sip + 20), files: SIPLoadTests.tokens)
      func invite(from address: String, calls: Int, port: Int) throws -> Peer {
        try Peer(
          try #require(find("sipp")),
          [
            "-sn", "uac", "127.0.0.1:\(ports.sip)", "-i", address, "-p", "\(port)", "-s", "support", "-m", "\(calls)",
            "-r", "50", "-nostdin", "-nr", "-recv_timeout", "1500", "-timeout", "20s",
          ], in: site.folder)
      }
      let stranger = try invite(from: "127.0.0.2", calls: 40, port: ports.sip + 11)
      #expect(await stranger.ends(within: 30) != 0)
      #expect(await site.metric("switchboard_contacts_entered_total") == 0)
      #expect((await site.metric("switchboard_sip_sources_banned_total") ?? 0) >= 1)
      await site.stop()
    }
  }
}
